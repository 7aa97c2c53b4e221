"""Levels of a value that orjson writes, held by its own bound on them: nobody has to look for brackets."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

#: Where a value goes in a nest of lists: orjson asks for what stands for it.
HOLE = object()


def lists_around(orjson: Any, levels: int) -> int:
    """Give how many lists around a value leave it so many levels of lists and dicts; 0 if that cannot be had.

    In them, orjson stops at one level more. It does not count tuples.
    """
    most = most_levels(orjson)
    around = most - levels
    return around if 0 < around < most else 0


@lru_cache(maxsize=16)
def nest(levels: int) -> Any:
    """Give a hole in so many lists."""
    nested: Any = HOLE
    for _ in range(levels):
        nested = [nested]
    return nested


@lru_cache(maxsize=1)
def most_levels(orjson: Any) -> int:
    """Give the number of levels of lists and dicts that orjson writes, or 0 if it does not count alike."""

    def writes(levels: int, value: Any) -> bool:
        try:
            orjson.dumps(nest.__wrapped__(levels), {HOLE: value}.__getitem__)
        except TypeError:
            return False
        return True

    found = next((levels for levels in range(270, 200, -1) if writes(levels - 1, [])), 0)
    alike = all(
        writes(found - levels, value) and not writes(found - levels + 1, value)
        for levels, value in ((1, [1]), (1, {}), (1, {"a": 1}), (2, [1, {}]), (3, {"a": [{}]}), (3, [{"a": [1]}]))
    )
    return found if alike and found < 270 else 0
