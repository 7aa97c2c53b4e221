"""Comparing values deeply, types included: 1 is not True, 0.0 is not -0.0, and a list is not a tuple."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any


def identical(expected: Any, actual: Any, *, tuples: bool = True) -> bool:
    """Whether two values are the same for every reader; see `difference`."""
    return difference(expected, actual, tuples=tuples) is None


def difference(expected: Any, actual: Any, *, tuples: bool = True) -> str | None:
    """Say where two values differ, or None where they do not.

    NaN is the same as NaN. An aware datetime or time has the same reading and the same offset from UTC, whatever its
    zone is called. The attributes of other objects are compared as their values.

    Args:
        expected: the value that went in.
        actual: the value that came out.
        tuples: when False, a tuple comes out as a list; within sets, dict keys and objects it stays a tuple.
    """
    return _difference(expected, actual, tuples, "")


def _difference(expected: Any, actual: Any, tuples: bool, path: str) -> str | None:
    kind = type(expected)
    if kind is tuple and not tuples:
        expected, kind = list(expected), list
    if kind is not type(actual):
        return f"value{path} is {_shown(actual)}, not {_shown(expected)}"
    if kind in (list, tuple):
        if len(expected) != len(actual):
            return f"value{path} has {len(actual):,} items, not {len(expected):,}"
        parts = (
            _difference(left, right, tuples, f"{path}[{index}]")
            for index, (left, right) in enumerate(zip(expected, actual, strict=True))
        )
        return next(filter(None, parts), None)
    if kind is dict:
        return _keys(expected, actual, path) or next(
            filter(None, (_difference(expected[key], actual[key], tuples, f"{path}[{key!r}]") for key in expected)),
            None,
        )
    if kind in (set, frozenset):
        return _keys(dict.fromkeys(expected), dict.fromkeys(actual), path)
    same = _SAME.get(kind)
    if same is None:
        return _object(expected, actual, path)
    return None if same(expected, actual) else f"value{path} is {_shown(actual)}, not {_shown(expected)}"


def _keys(expected: dict[Any, Any], actual: dict[Any, Any], path: str) -> str | None:
    """Compare keys or members: equal ones may be of other types."""
    if expected.keys() != actual.keys():
        missing, new = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        return f"value{path} lacks {_shown(list(missing))} and has {_shown(list(new))}"
    found = {key: key for key in actual}
    return next(filter(None, (_difference(key, found[key], True, f"{path} member") for key in expected)), None)


def _object(expected: Any, actual: Any, path: str) -> str | None:
    """Compare instances of one class: by their attributes if they have any, and by equality."""
    if isinstance(expected, tuple):  # a NamedTuple
        return _difference(tuple(expected), tuple(actual), True, path)
    if not isinstance(expected, type | Enum):
        parts = (expected, "__dict__"), (actual, "__dict__"), (expected, "__struct_fields__")
        names = [name for part, names in parts for name in getattr(part, names, ())]
        for name in dict.fromkeys(names):
            left, right = getattr(expected, name, None), getattr(actual, name, None)
            if found := _difference(left, right, True, f"{path}.{name}"):
                return found
        if names:
            return None
    return None if equal(expected, actual) else f"value{path} is {_shown(actual)}, not {_shown(expected)}"


def _same_zoned(left: Any, right: Any) -> bool:
    if left.utcoffset() != right.utcoffset() or (left.tzinfo is None) != (right.tzinfo is None):
        return False
    return bool(left.replace(tzinfo=None) == right.replace(tzinfo=None))


_SAME: dict[type, Callable[[Any, Any], bool]] = {
    float: lambda left, right: repr(left) == repr(right),  # tells -0.0 from 0.0, and NaN is itself
    Decimal: lambda left, right: str(left) == str(right),  # tells 1.0 from 1.00
    datetime: _same_zoned,
    time: _same_zoned,
}


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a value that cannot be shown differs all the same
        text = "what cannot be shown"
    return f"{text if len(text) <= 200 else text[:200] + '…'} ({type(value).__name__})"


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal, where both can be compared; a tuple of any class may have become a list."""
    try:
        return bool(left == right or (isinstance(left, tuple) and list(left) == right))
    except Exception:  # noqa: BLE001  # a signaling NaN
        return False


def refilled(value: Any) -> Any:
    """Give an equal value whose sets were filled in the opposite order."""
    if isinstance(value, set | frozenset):
        return type(value)(reversed([refilled(member) for member in value]))
    if isinstance(value, list | tuple):
        return type(value)(refilled(item) for item in value)
    if isinstance(value, dict):
        return {key: refilled(item) for key, item in value.items()}
    return value


def count_nodes(value: Any) -> int:
    """Count as `Limits.max_nodes` does: scalars, dict keys and containers."""
    if isinstance(value, dict):
        return 1 + sum(1 + count_nodes(item) for item in value.values())
    return 1 + sum(map(count_nodes, value)) if isinstance(value, list | tuple) else 1
