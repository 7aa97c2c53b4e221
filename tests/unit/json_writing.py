"""Json codecs that write fast, or not at all, and what their tests share."""

from __future__ import annotations

from typing import Any

import pytest

from satchel import EncodeError, Json, LimitExceeded, Limits

DIALECTS = pytest.mark.parametrize("dialect", ["satchel", "celery"])
LIMITS = Limits()
FILLING = [{"a": "b" * 10, "n": [index, 0.5]} for index in range(200)]
"""So many values that nobody counts brackets."""


def fast(**options: Any) -> Json:
    return Json(engine="fast", **options)


class Left(Exception):
    """The exact encoder was asked."""


class FastOnly(Json):
    def _exactly(self, value: Any, limits: Limits) -> bytes:
        raise Left


def written_fast(codec: Json, value: Any, limits: Limits = LIMITS) -> bytes | None:
    try:
        return FastOnly(types=codec.types, tuples=codec.tuples, dialect=codec.dialect, engine="fast").dumps(
            value, limits=limits
        )
    except Left:
        return None


REFUSED = ("EncodeError", "LimitExceeded")


def outcome(codec: Json, value: Any, limits: Limits = LIMITS) -> Any:
    try:
        return codec.loads(codec.dumps(value, limits=limits), limits=Limits(max_depth=1_000))
    except (EncodeError, LimitExceeded) as error:
        return type(error).__name__


def chain(levels: int, leaf: Any, kind: str) -> Any:
    value = leaf
    for index in range(levels):
        if kind == "list" or (kind == "mixed" and index % 2):
            value = [value]
        elif kind == "tuple":
            value = (value,)
        else:
            value = {"a": value}
    return value
