"""Synthetic messages: seven corpora that differ in size and structure, generated from a seed; nobody ever sent them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from satchel.bench.shop import CITIES, LANGUAGES, amount, identifier, instant, person, task_body

_Make = Callable[[random.Random], Any]

_GOODS = ("linen shirt", "wool coat", "oak table", "desk lamp", "steel flask", "canvas bag", "tea pot", "rain jacket")
_PAGES = ("/", "/search", "/cart", "/checkout", "/product/desk-lamp", "/product/oak-table", "/account/orders")
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36",
)


def _event(rng: random.Random) -> dict[str, Any]:
    page = rng.choice(_PAGES)
    return {
        "event": rng.choice(("page_view", "page_view", "click", "add_to_cart", "search", "purchase")),
        "id": identifier(rng),
        "sent_at": instant(rng).isoformat(),
        "user": {"anonymous_id": identifier(rng), "id": rng.choice((None, rng.randrange(10**6)))},
        "context": {
            "page": {"path": page, "url": f"https://shop.example.com{page}", "referrer": rng.choice((None, *_PAGES))},
            "screen": {"width": rng.choice((390, 1440, 1920)), "height": rng.choice((844, 900, 1080)), "density": 2},
            "locale": rng.choice(LANGUAGES),
            "user_agent": rng.choice(_AGENTS),
            "campaign": {"source": rng.choice(("newsletter", "search", None)), "medium": "web", "term": None},
            "library": {"name": "analytics.js", "version": "2.1.0"},
        },
        "properties": {
            "product": rng.choice(_GOODS),
            "price": amount(rng),
            "variant": {"colour": rng.choice(("blue", "green", "grey")), "size": rng.choice(("S", "M", "L"))},
            "position": rng.randrange(1, 30),
        },
        "experiments": {"checkout_v2": rng.random() < 0.5, "search_rank": rng.choice(("a", "b", "c"))},
    }


def _records(rng: random.Random) -> list[dict[str, Any]]:
    first = rng.randrange(10**6)
    return [
        {
            "id": first + row,
            "customer_name": person(rng),
            "product": rng.choice(_GOODS),
            "quantity": rng.randrange(1, 12),
            "unit_price": amount(rng),
            "discount": rng.choice((0, 0, 0, 5, 10)),
            "city": rng.choice(CITIES),
            "ordered_on": instant(rng).date().isoformat(),
            "shipped": rng.random() < 0.7,
            "remark": None,
        }
        for row in range(rng.randrange(10, 95))
    ]


@cache
def _vocabulary() -> tuple[str, ...]:
    """Made-up words, the frequent ones short."""
    rng = random.Random(0)  # noqa: S311 - no secret
    heads, tails = "b br d dr f g gl h k l m n p r s st t tr v z".split(), "a e i o u an en ir ol us".split()  # noqa: SIM905
    words = {"".join(rng.choice(heads) + rng.choice(tails) for _ in range(1 + size // 500)): 0 for size in range(1_500)}
    return tuple(words)


def _prose(rng: random.Random, sentences: int) -> str:
    words, text = _vocabulary(), list[str]()
    for _ in range(sentences):
        # The square makes the first words the more frequent, as they are in every language.
        chosen = [words[int(rng.random() ** 2 * len(words))] for _ in range(rng.randrange(5, 22))]
        text.append(" ".join(chosen).capitalize() + rng.choice(".....?!"))
    return " ".join(text)


def _article(rng: random.Random) -> dict[str, Any]:
    return {
        "id": rng.randrange(10**7),
        "title": _prose(rng, 1),
        "author": person(rng),
        "published": instant(rng).isoformat(),
        "tags": rng.sample(_vocabulary()[:200], 3),
        "paragraphs": [_prose(rng, rng.randrange(3, 9)) for _ in range(rng.randrange(2, 9))],
    }


def _readings(rng: random.Random) -> dict[str, Any]:
    level, count = rng.uniform(-5, 30), rng.randrange(30, 120)
    drifting = [round(level := level + rng.gauss(0, 0.2), 3) for _ in range(count)]
    return {
        "device": f"sensor-{rng.randrange(400):04}",
        "start": int(instant(rng).timestamp()),
        "interval_ms": 500,
        "temperature": drifting,
        "pressure": [rng.uniform(980, 1040) for _ in range(count)],
        "counts": [rng.randrange(4096) for _ in range(count)],
        "battery": round(rng.uniform(2.9, 4.2), 2),
    }


def _typed(rng: random.Random) -> dict[str, Any]:
    created = instant(rng)
    return {
        "key": UUID(int=rng.getrandbits(128), version=4),
        "account": UUID(int=rng.getrandbits(128), version=4),
        "created": created.replace(microsecond=rng.randrange(10**6)),
        "due": date(2027, 1, 1) + timedelta(days=rng.randrange(365)),
        "net": Decimal(rng.randrange(10**6)).scaleb(-2),
        "tax_rate": Decimal("0.19"),
        "signature": rng.randbytes(32),
        "history": [
            {"at": created + timedelta(minutes=5 * step), "state": state, "by": UUID(int=rng.randrange(50))}
            for step, state in enumerate(("draft", "sent", "paid")[: rng.randrange(1, 4)])
        ],
    }


def _small(rng: random.Random) -> dict[str, Any]:
    return {"id": rng.randrange(10**6), "op": rng.choice(("touch", "expire", "index")), "force": rng.random() < 0.1}


def _corpus(name: str, make: _Make) -> Callable[[int, int], list[Any]]:
    def generate(count: int, seed: int) -> list[Any]:
        rng = random.Random(f"{name} {seed}")  # noqa: S311 - no secret
        return [make(rng) for _ in range(count)]

    return generate


GENERATED: Mapping[str, Callable[[int, int], list[Any]]] = {
    name: _corpus(name, make)
    for name, make in {
        "celery": task_body,
        "events": _event,
        "records": _records,
        "text": _article,
        "numbers": _readings,
        "rich": _typed,
        "small": _small,
    }.items()
}
"""By name, a function of a count and a seed that gives so many values; equal for equal arguments. Sizes are of JSON.

===========  ========================================================================================
``celery``   bodies of task messages of protocol 2, [args, kwargs, embed], of a shop's tasks; 550 bytes
``events``   analytics events with a nested context; 700 bytes
``records``  rows of a table, every row a mapping; 2 to 17 kB
``text``     articles of made-up words; 0.6 to 5 kB
``numbers``  readings of sensors, floats and small ints; 1 to 4 kB
``rich``     datetimes, UUIDs, Decimals and bytes, which JSON has tags for; 700 to 1,000 bytes
``small``    40 bytes
===========  ========================================================================================

The serializers of both dialects carry them, but for ``rich``: in Celery's dialect json and pickle alone do.
"""
