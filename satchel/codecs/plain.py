"""What stands for a value that is not plain: the base of a subclass, a key as text, a text that orders members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from math import isfinite
from typing import Any

from satchel.errors import EncodeError, let_signals_through, text_of


def ask(function: Callable[[Any], Any], value: Any) -> Any:
    """Call what an application, or a time zone, has its own code in.

    Raises:
        EncodeError: it raised something else than that.
    """
    try:
        return function(value)
    except (EncodeError, MemoryError):
        raise
    except Exception as error:
        let_signals_through(error)
        name = type(error).__name__
        raise EncodeError(f"a value of type {type(value).__name__} raised {name}: {text_of(error)}") from error


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
    # Its type, and not isinstance(), which asks it: a mock says that it is what it stands for.
    kind = type(value)
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, (bytes, bytearray, memoryview)):
        # A view of items wider than bytes, or of other kinds, is not equal to its bytes.
        body = bytes(value)
        return body if body == value else None
    if issubclass(kind, dict):
        return dict(value)
    if issubclass(kind, datetime):
        base: Any = datetime.combine(date(value.year, value.month, value.day), value.timetz(), tzinfo=value.tzinfo)
    elif issubclass(kind, date):
        base = date(value.year, value.month, value.day)
    else:
        for container in (list, tuple, set, frozenset):
            if issubclass(kind, container):
                return container(value)
        return None
    # pandas.Timestamp is a datetime with nanoseconds: not equal, so not written.
    return base if base == value else None


def celery_key(key: float | None) -> str:
    """A dict key as the standard library's json, and so a stock producer, writes it.

    Raises:
        EncodeError: an int of more digits than Python writes: 4,300, if the process was not told otherwise.
    """
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        try:
            return int.__repr__(key)
        except ValueError as error:
            raise EncodeError("a dict key that is an int of too many digits", cure="use a short key") from error
    if isfinite(key):
        return float.__repr__(key)
    return "NaN" if key != key else "Infinity" if key > 0 else "-Infinity"
