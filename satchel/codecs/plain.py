"""What stands for a value that is not plain: the base of a subclass, a key as text, a text that orders members."""

from __future__ import annotations

from datetime import date, datetime
from math import isfinite
from typing import Any


def place(lowered: Any) -> str:
    """Give a text that orders a set's members, the same for equal ones; without recursion, which takes C stack."""
    parts: list[str] = []
    pending = [lowered]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            parts.append(f"{{{len(item)}")
            pending.extend(part for pair in item.items() for part in pair)
        elif isinstance(item, list | tuple | set | frozenset):
            parts.append(f"[{len(item)}")
            pending.extend(item)
        else:
            parts.append(f"{item:x}" if isinstance(item, int) else repr(item))
    return "\0".join(parts)


def unsubclassed(value: Any) -> Any:
    """Give the plain value that an instance of a subclass equals, or None when there is no such base."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        # A view of items wider than bytes, or of other kinds, is not equal to its bytes.
        body = bytes(value)
        return body if body == value else None
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, datetime):
        base: Any = datetime.combine(date(value.year, value.month, value.day), value.timetz(), tzinfo=value.tzinfo)
    elif isinstance(value, date):
        base = date(value.year, value.month, value.day)
    else:
        for kind in (list, tuple, set, frozenset):
            if isinstance(value, kind):
                return kind(value)
        return None
    # pandas.Timestamp is a datetime with nanoseconds: not equal, so not written.
    return base if base == value else None


def celery_key(key: float | None) -> str:
    """A dict key as the standard library's json, and so a stock producer, writes it."""
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return int.__repr__(key)
    if isfinite(key):
        return float.__repr__(key)
    return "NaN" if key != key else "Infinity" if key > 0 else "-Infinity"
