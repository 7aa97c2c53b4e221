"""Texts of small containers of short values, which have room as they are: the quick half of `bounded_repr`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from satchel.errors import let_signals_through

CONTAINERS: Final = frozenset({tuple, list, dict})
"""The types that `small_repr` writes; not their subclasses, which may have methods of their own."""

_FEW: Final = 16  # Members of a container.
_SHORT: Final = 128  # Characters of a str.
_LEVELS: Final = 3
_ROOM: Final = 1000  # Characters that have room in a text of a message's headers, whose length is 1,024.

#: What is left of a body are its quotes, and its brackets as if they were all of one kind.
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKET_OR_QUOTE: Final = bytes(set(range(256)) - set(b'[{]}"'))


def class_name(value: object) -> str:
    """Write what stands for an object of a class that is not known."""
    cls = type(value)
    try:
        return f"<{cls.__module__}.{cls.__qualname__}>"
    except Exception as error:  # noqa: BLE001  # Both names can be properties of a metaclass.
        let_signals_through(error)
        return "<object>"


def datetime_repr(value: datetime) -> str:
    """Write a datetime as Python does, but for a time zone whose repr is not Python's own."""
    zone = _zone_of_datetime(value)
    if zone is None or zone is _UTC or _is_known(zone):
        return datetime.__repr__(value)
    # By methods that make no instance of a subclass.
    return _zoned(datetime.combine(datetime.date(value), datetime.time(value)), zone)


def time_repr(value: time) -> str:
    """Write a time of day as Python does, but for a time zone whose repr is not Python's own."""
    zone = _zone_of_time(value)
    if zone is None or _is_known(zone):
        return time.__repr__(value)
    return _zoned(datetime.combine(date.min, value, tzinfo=None).time(), zone)


_UTC: Final = timezone.utc

# A subclass may have a property of that name.
_zone_of_datetime: Final[Callable[[datetime], Any]] = vars(datetime)["tzinfo"].__get__
_zone_of_time: Final[Callable[[time], Any]] = vars(time)["tzinfo"].__get__


def _zoned(naive: datetime | time, zone: object) -> str:
    return f"{repr(naive)[:-1]}, tzinfo={class_name(zone)})"


def _is_known(zone: Any) -> bool:
    if type(zone) is timezone:
        name = zone.tzname(None)
    # Whoever has one has imported it, which takes milliseconds.
    elif type(zone) is getattr(sys.modules.get("zoneinfo"), "ZoneInfo", None):
        name = zone.key
    else:
        return False
    # A name may be of any length, and of a subclass with a repr of its own.
    return type(name) is str and len(name) <= _SHORT


# The text of types whose repr is Python's own and short; a Decimal's is as long as its digits.
_REPRS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): repr,
    bool: bool.__repr__,
    float: float.__repr__,
    datetime: datetime_repr,
    date: date.__repr__,
    time: time_repr,
    timedelta: timedelta.__repr__,
    UUID: UUID.__repr__,
    Decimal: Decimal.__repr__,
}


def plain_reprs(args: Any, kwargs: Any, body: bytes) -> tuple[str, str] | None:
    """Write the arguments of a call as `bounded_repr` does, by Python's own repr; None where that has to look closer.

    Args:
        args, kwargs: of plain types, as `Json.dumps` tells.
        body: the call as that wrote it, arguments and all.
    """
    # No quote or backslash: Python's repr puts every str between two apostrophes, as it is, if it can be printed.
    if len(body) > _ROOM or b"\\" in body or b"'" in body:
        return None
    # A body has four brackets, and those of its arguments' members.
    if body.count(b"[") + body.count(b"{") > 2 + _LEVELS + 1 and _may_be_deep(body):
        return None
    try:
        texts = repr(args), repr(kwargs)
    except Exception as error:  # noqa: BLE001  # Another thread has put something else there meanwhile.
        let_signals_through(error)
        return None
    one, other = texts
    return None if "\\" in one or "\\" in other or len(one) > _ROOM or len(other) > _ROOM else texts


def _may_be_deep(body: bytes) -> bool:
    """Say whether arguments may have more levels than are written; of a body in which all quotes are those of strs."""
    brackets = body.translate(_ONE_KIND, _NOT_BRACKET_OR_QUOTE).replace(b'""', b"")
    for _ in range(1 + _LEVELS):  # Each takes the innermost level off.
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)  # Quotes are left where brackets are within a str.


def small_repr(value: Any, room: int, levels: int, above: tuple[int, ...] = ()) -> str:
    """Write a container as `bounded_repr` does, or give "" where that has to look closer.

    Whether everything had room is seen at the end, and not from one item to the next: the bounds on what is taken at
    all are those of the work.

    Args:
        value: of one of `CONTAINERS`.
        room: characters.
        levels: how many levels of containers are written.
        above: the identities of the containers that it is in, to leave out cycles.
    """
    if len(value) > _FEW or not 0 < levels <= _LEVELS:
        return ""
    keyed = type(value) is dict
    parts: list[str] = []
    left = room
    key: Any = ""
    members: Any = value.items() if keyed else value
    for item in members:
        if keyed:
            key, item = item
            if type(key) is not str or len(key) > _SHORT or "'" in key:
                return ""
        cls = type(item)
        if cls is str:
            if len(item) > _SHORT:
                return ""
            text = f"'{item}'" if "'" not in item else "'" + item.replace("'", "\\'") + "'"
        elif cls is int and -0x7FFFFFFFFFFFFFFF < item < 0x7FFFFFFFFFFFFFFF:
            text = str(item)
        elif (own := _REPRS.get(cls)) is not None:
            text = own(item)
        elif text := _within(value, item, left, levels, above):
            left -= len(text)  # So that all that is within is bounded together.
        else:
            return ""
        parts.append(f"'{key}': {text}" if keyed else text)
    text = ", ".join(parts)
    if keyed:
        text = f"{{{text}}}"
    elif type(value) is list:
        text = f"[{text}]"
    else:
        text = f"({text},)" if len(parts) == 1 else f"({text})"
    # The margin is what `bounded_repr` may ask for before its last items.
    return text if len(text) + 4 < room else ""


def _within(value: Any, item: Any, room: int, levels: int, above: tuple[int, ...]) -> str:
    cls = type(item)
    if cls not in CONTAINERS or id(item) in above:
        return ""
    if levels > 1:
        return small_repr(item, room, levels - 1, (*above, id(value)))
    if cls is tuple:
        return "(...,)" if len(item) == 1 else "(...)"
    return "[...]" if cls is list else "{...}"
