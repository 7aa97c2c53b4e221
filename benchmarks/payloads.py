"""Values such as task queues carry; generated, seeded, and said to be so."""

import random
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

SEED = 20_261_122

_WORDS = (  # noqa: SIM905
    "order invoice customer shipment parcel refund account address status pending paid cancelled express standard "
    "warehouse berlin lisbon osaka montreal cotton linen steel oak blue green amber note gift retry webhook"
).split()


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


def task_body(orders: int) -> list[Any]:
    """The body of a task message of protocol 2, with that many orders as its argument."""
    rng = random.Random(SEED)
    argument = [_order(rng) for _ in range(orders)]
    return [[argument], {"dry_run": False}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


def small() -> list[Any]:
    """A task body of about 200 bytes of JSON."""
    return [
        [1_234_567, "customer@example.com", {"currency": "EUR", "amount": 129.9, "express": True}],
        {"retry": None},
        {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
    ]


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
    return [[argument], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
