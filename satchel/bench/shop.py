"""Synthetic task messages of a made-up shop, and the names, addresses and instants that such data is made of."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

_START = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc)
_FIRST = (  # noqa: SIM905
    "anna bela chidi dara emil farah goran hana ivo jun kofi lena mateo nadia omar petra quentin rosa sven tariq ute "
    "vera wanda xenia yusuf zoe"
).split()
_LAST = (  # noqa: SIM905
    "abara bauer costa dietz eriksen fofana garcia haas ito jansen kaya lopez moreau novak okafor petrov quist rossi "
    "schulz tanaka ueda vogel weber yilmaz zeller"
).split()
_HOSTS = ("example.com", "mail.example.org", "example.net")
_CURRENCIES = ("EUR", "EUR", "EUR", "USD", "GBP")
LANGUAGES = ("de-DE", "en-GB", "en-US", "fr-FR", "pt-PT")
CITIES = ("Berlin", "Lisbon", "Lyon", "Leeds", "Osaka", "Málaga", "Zürich", "Turin")
_STREETS = ("Lindenweg", "Mill Lane", "Rua do Sol", "Rue Haute", "Via Roma", "Station Road", "Am Markt", "High Street")


def identifier(rng: random.Random) -> str:
    """A UUID of version 4 as a text."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def email(rng: random.Random) -> str:
    """An address of a reserved domain."""
    return f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}{rng.randrange(100)}@{rng.choice(_HOSTS)}"


def instant(rng: random.Random) -> datetime:
    """An instant within 30 days, in UTC."""
    return _START + timedelta(seconds=rng.randrange(30 * 86_400))


def amount(rng: random.Random) -> float:
    """A price."""
    return rng.randrange(500, 90_000) / 100


def person(rng: random.Random) -> str:
    """A first and a last name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}".title()


def _address(rng: random.Random) -> dict[str, str]:
    return {
        "street": f"{rng.choice(_STREETS)} {rng.randrange(1, 200)}",
        "postcode": f"{rng.randrange(10**5):05}",
        "city": rng.choice(CITIES),
    }


def _task(keywords: dict[str, Any], chain: list[Any] | None = None) -> list[Any]:
    return [[], keywords, {"callbacks": None, "errbacks": None, "chain": chain, "chord": None}]


def _order_lines(rng: random.Random) -> list[dict[str, Any]]:
    return [
        {"sku": f"SKU-{rng.randrange(10**4):05}", "quantity": rng.randrange(1, 4), "unit_price": amount(rng)}
        for _ in range(rng.randrange(1, 4))
    ]


def _send_mail(rng: random.Random) -> list[Any]:
    return _task(
        {
            "template": rng.choice(("order_confirmation", "shipping_notice", "password_reset", "invoice_ready")),
            "recipient": {"email": email(rng), "name": person(rng)},
            "language": rng.choice(LANGUAGES),
            "context": {
                "order_id": identifier(rng),
                "order_number": f"A-{rng.randrange(10**8):08}",
                "total": {"value": amount(rng), "currency": rng.choice(_CURRENCIES)},
                "lines": _order_lines(rng),
            },
            "requested_at": instant(rng).isoformat(),
            "priority": "normal",
        }
    )


def _charge(rng: random.Random) -> list[Any]:
    return _task(
        {
            "order_id": identifier(rng),
            "payment_method": {
                "type": "card",
                "token": rng.randbytes(12).hex(),
                "brand": rng.choice(("visa", "mastercard")),
                "expires": f"20{rng.randrange(27, 33)}-{rng.randrange(1, 13):02}",
            },
            "amount": {"value": amount(rng), "currency": rng.choice(_CURRENCIES), "includes_tax": True},
            "customer": {"id": rng.randrange(10**6), "email": email(rng)},
            "capture": True,
            "idempotency_key": identifier(rng),
            "requested_at": instant(rng).isoformat(),
        }
    )


def _reserve(rng: random.Random) -> list[Any]:
    ship: dict[str, Any] = {
        "task": "shop.tasks.shipping.create_label",
        "args": [],
        "kwargs": {"carrier": rng.choice(("dhl", "dpd", "ups")), "service_level": "standard"},
        "options": {"queue": "shipping", "task_id": identifier(rng)},
        "subtask_type": None,
        "immutable": True,
    }
    keywords = {
        "order_id": identifier(rng),
        "warehouse": rng.choice(("berlin-1", "berlin-2", "lisbon-1")),
        "recipient": {"name": person(rng), **_address(rng)},
        "lines": _order_lines(rng),
        "allow_backorder": rng.random() < 0.2,
    }
    return _task(keywords, [ship])


def _sync_customer(rng: random.Random) -> list[Any]:
    return _task(
        {
            "customer_id": rng.randrange(10**6),
            "changed_fields": rng.sample(["email", "default_address", "language", "newsletter"], 2),
            "customer": {
                "email": email(rng),
                "name": person(rng),
                "phone": f"+49 {rng.randrange(30, 100)} {rng.randrange(10**7):07}",
                "language": rng.choice(LANGUAGES),
                "default_address": _address(rng),
                "newsletter": rng.random() < 0.4,
                "orders_count": rng.randrange(40),
                "external_reference": identifier(rng),
            },
            "occurred_at": instant(rng).isoformat(),
            "dry_run": False,
        }
    )


def _track(rng: random.Random) -> list[Any]:
    return _task(
        {
            "order_id": identifier(rng),
            "shipment": {
                "carrier": rng.choice(("dhl", "dpd", "ups")),
                "tracking_number": f"{rng.randrange(10**14):014}",
                "weight_grams": rng.randrange(100, 20_000),
            },
            "status": rng.choice(("label_created", "in_transit", "out_for_delivery", "delivered")),
            "location": {"city": rng.choice(CITIES), "facility": f"hub-{rng.randrange(100):02}"},
            "estimated_delivery": instant(rng).date().isoformat(),
            "customer": {"id": rng.randrange(10**6), "email": email(rng), "language": rng.choice(LANGUAGES)},
            "notify": ["email"] if rng.random() < 0.6 else ["email", "push"],
            "occurred_at": instant(rng).isoformat(),
        }
    )


_TASKS = (_send_mail, _send_mail, _charge, _reserve, _sync_customer, _track)


def task_body(rng: random.Random) -> list[Any]:
    """A task message's body of protocol 2: [args, kwargs, embed]."""
    body = rng.choice(_TASKS)(rng)
    body[1]["request_id"] = identifier(rng)
    return body
