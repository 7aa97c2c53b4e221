"""What the tests of dictionaries share: messages as Celery writes them, and dictionaries trained on such."""

from __future__ import annotations

import json
import random
from functools import cache
from uuid import UUID

import zstandard


@cache
def messages(count: int, seed: int) -> tuple[bytes, ...]:
    """Bodies of tasks of a shop, a few hundred bytes each."""
    source = random.Random(seed)
    return tuple(json.dumps(_task(source), separators=(",", ":")).encode() for _ in range(count))


def _task(source: random.Random) -> list[object]:
    order = {
        "id": str(UUID(int=source.getrandbits(128))),
        "customer": {"email": f"user{source.randrange(9999)}@example.com", "tier": source.choice(["gold", "silver"])},
        "amount": source.randrange(100_000) / 100,
        "items": [
            {"sku": f"SKU-{source.randrange(1000):05}", "quantity": source.randrange(1, 6)}
            for _ in range(source.randrange(1, 5))
        ],
    }
    return [[source.randrange(10**6)], order, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


@cache
def trained(number: int, seed: int = 1, size: int = 4096) -> bytes:
    """A dictionary of this id."""
    trainer = zstandard.train_dictionary(size, list(messages(500, seed)), dict_id=number, k=200, d=8)
    data: bytes = trainer.as_bytes()
    return data
