"""Whether two sides give back the same value: types, order of keys aside, and all."""

from __future__ import annotations

from typing import Any


class Differs(Exception):
    """Two sides give back different values, so their times say nothing; the text names them."""


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal in type and content, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def check(what: str, given: Any, expected: Any) -> None:
    """Stop unless the value is the one expected.

    Raises:
        Differs: it is another.
    """
    if not same(given, expected):
        raise Differs(f"{what}: {str(given)[:200]} in place of {str(expected)[:200]}")
