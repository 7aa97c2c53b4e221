"""Values such as task queues carry; generated, seeded, and said to be so."""

from __future__ import annotations

import json
import random
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, NamedTuple

SEED = 20_261_122

_WORDS = (  # noqa: SIM905
    "order invoice customer shipment parcel refund account address status pending paid cancelled express standard "
    "warehouse berlin lisbon osaka montreal cotton linen steel oak blue green amber note gift retry webhook"
).split()

Kind = Literal["plain", "extended", "binary", "corpus"]


class Payload(NamedTuple):
    """A value, what it is called, and what a serializer must carry for it."""

    name: str
    kind: Kind
    value: Any


def generated() -> list[Payload]:
    """All the payloads that need no network. Sizes are those of the JSON that kombu writes."""
    return [
        Payload("198 B", "plain", small()),
        Payload("10 KB", "plain", task_body(38)),
        Payload("1 MB", "plain", task_body(3_750)),
        Payload("extended 200 B", "extended", extended_small()),
        Payload("extended 10 KB", "extended", extended(22)),
        Payload("extended 1 MB", "extended", extended(2_200)),
        Payload("binary 10 KB", "binary", binary(10)),
        Payload("binary 1 MB", "binary", binary(1_000)),
    ]


def _order(rng: random.Random) -> dict[str, Any]:
    return {
        "id": rng.randrange(10**9),
        "customer": f"{rng.choice(_WORDS)}.{rng.choice(_WORDS)}@example.com",
        "status": rng.choice(("pending", "paid", "cancelled")),
        "total": round(rng.uniform(1, 900), 2),
        "express": rng.random() < 0.3,
        "lines": [
            {"sku": f"{rng.choice(_WORDS)}-{rng.randrange(10**4)}", "quantity": rng.randrange(1, 9)}
            for _ in range(rng.randrange(1, 5))
        ],
        "note": " ".join(rng.choices(_WORDS, k=rng.randrange(9))) or None,
    }


def _task(*arguments: Any, **keywords: Any) -> list[Any]:
    """The body of a task message of protocol 2."""
    return [list(arguments), keywords, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


def small() -> list[Any]:
    """A task body of 198 bytes of JSON, as kombu writes it."""
    price = {"currency": "EUR", "amount": 129.9, "express": True}
    return _task(1_234_567, "customer@example.com", price, retry=None, note="ring twice")


def task_body(orders: int) -> list[Any]:
    """The body of a task message of protocol 2, with that many orders as its argument."""
    rng = random.Random(SEED)
    return _task([_order(rng) for _ in range(orders)], dry_run=False)


def extended_small() -> dict[str, Any]:
    """A datetime, a UUID and a Decimal."""
    return {
        "key": uuid.UUID(int=random.Random(SEED).getrandbits(128)),
        "at": datetime(2026, 11, 22, 8, 30, tzinfo=timezone.utc),
        "price": Decimal("129.90"),
    }


def extended(orders: int) -> list[Any]:
    """A task body with a datetime, a UUID and a Decimal in every order."""
    rng = random.Random(SEED)
    start = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc)
    argument = [
        {
            **_order(rng),
            "key": uuid.UUID(int=rng.getrandbits(128)),
            "created": start + timedelta(seconds=rng.randrange(10**6)),
            "price": Decimal(rng.randrange(10**5)) / 100,
        }
        for _ in range(orders)
    ]
    return _task(argument)


def binary(parts: int) -> list[Any]:
    """A task body with that many parts of 750 bytes that are no text: as base64 a kilobyte each."""
    rng = random.Random(SEED)
    # The first byte is none of UTF-8: kombu writes bytes that are text in a form of its own.
    return _task([{"part": index, "data": b"\xff" + rng.randbytes(749)} for index in range(parts)])


def message(source: random.Random, size: int) -> bytes:
    """A task body in JSON of exactly `size` bytes: orders, and a note that takes what room they leave."""
    orders = [_placed(source)]
    room = size - len(json.dumps(_task(orders, note="")))
    while room > 400:
        orders.append(_placed(source))
        room -= len(json.dumps(orders[-1])) + 2
    note = " ".join(source.choice(_WORDS) for _ in range(room))[:room]
    return json.dumps(_task(orders, note=note)).encode()


def _placed(source: random.Random) -> dict[str, Any]:
    lines = [
        {"sku": source.randrange(10**5), "quantity": source.randrange(1, 9), "price": round(source.random() * 99, 2)}
        for _ in range(3)
    ]
    return {
        "order": str(uuid.UUID(int=source.getrandbits(128))),
        "customer": {"id": source.randrange(10**6), "email": f"user{source.randrange(10**5)}@example.com"},
        "lines": lines,
        "placed": {"__type__": "datetime", "__value__": f"2026-03-1{source.randrange(10)}T12:00:00.000000+00:00"},
    }
