"""Texts of small containers of short values, which have room as they are: the quick half of `bounded_repr`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from satchel.errors import let_signals_through

_AROUND: Final[dict[type, tuple[str, str]]] = {
    tuple: ("(", ")"),
    list: ("[", "]"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_EMPTY: Final[dict[type, str]] = {tuple: "()", list: "[]", dict: "{}", set: "set()", frozenset: "frozenset()"}
_SETS: Final = frozenset({set, frozenset})
CONTAINERS: Final = frozenset(_AROUND)
"""The types that `small_repr` writes; not their subclasses, which may have methods of their own."""

_FEW: Final = 16  # Members of a container.
_SHORT: Final = 512  # Characters of a str.
_SHORT_BYTES: Final = 128
_SHORT_DECIMAL: Final = 512  # Bytes of memory, which hold some 900 digits.
_MOST_INT: Final = 1 << 512
_LEAST_INT: Final = -_MOST_INT
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


def uuid_repr(value: UUID) -> str:
    """Write a UUID as Python does, in two thirds of its time; one of a subclass as the UUID that it equals."""
    # Not by `format`, which an int's subclass may have of its own.
    digits = "%032x" % _number_of_uuid(value)  # noqa: UP031
    return f"UUID('{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}')"


_number_of_uuid: Final[Callable[[UUID], Any]] = vars(UUID)["int"].__get__


def _zoned(naive: datetime | time, zone: object) -> str:
    return f"{repr(naive)[:-1]}, tzinfo={class_name(zone)})"


def _is_known(zone: Any) -> bool:
    if type(zone) is timezone:
        if type(zone.utcoffset(None)) is not timedelta:
            return False
        name = zone.tzname(None)
    # Whoever has one has imported it, which takes milliseconds.
    elif type(zone) is getattr(sys.modules.get("zoneinfo"), "ZoneInfo", None):
        name = zone.key
    else:
        return False
    # A name may be of any length, and of a subclass with a repr of its own.
    return type(name) is str and len(name) <= _SHORT


# The text of types, but not of their subclasses, whose repr is Python's own and short.
_REPRS: Final[dict[type, Callable[[Any], str]]] = {
    **dict.fromkeys((type(None), bool, float, date, timedelta), repr),
    datetime: datetime_repr,
    time: time_repr,
    UUID: uuid_repr,
}
_repr_of: Final = _REPRS.get


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


def small_repr(value: Any, room: int, levels: int, above: tuple[int, ...] = (), parent: object = None) -> str:
    """Write a container as `bounded_repr` does, or give "" where that has to look closer.

    Whether everything had room is seen at the end, and not from one item to the next: the bounds on what is taken at
    all are those of the work.

    Args:
        value: of one of `CONTAINERS`.
        room: characters.
        levels: how many levels of containers are written.
        above: the identities of the containers that it is in, to leave out cycles.
        parent: the one that it is in at once, where that is written here. Cycles of three end by their levels.
    """
    kind = type(value)
    if len(value) > _FEW or not 0 < levels <= _LEVELS:
        return ""
    if not value:
        return _EMPTY[kind] if room > 16 else ""
    keyed = kind is dict
    parts: list[str] = []
    left = room
    key: Any = ""
    named = ""
    members: Any = value.items() if keyed else value
    for item in members:
        if keyed:
            key, item = item
            if type(key) is not str or len(key) > _SHORT or "'" in key:
                named = _key(key, left)
                if not named:
                    return ""
        cls = type(item)
        if cls is str:
            if len(item) > _SHORT:
                return ""
            text = f"'{item}'" if "'" not in item else "'" + item.replace("'", "\\'") + "'"
        elif cls is int and _LEAST_INT < item < _MOST_INT:
            text = repr(item)
        elif (own := _repr_of(cls)) is not None:
            text = own(item)
        elif cls is Decimal:
            if item.__sizeof__() > _SHORT_DECIMAL:
                return ""
            text = repr(item)
        elif cls is bytes:
            if len(item) > _SHORT_BYTES:
                return ""
            text = _bytes(item)
            if not text:
                return ""
        elif cls not in CONTAINERS:
            return ""
        elif levels == 1:
            text = _closed(item, cls)
        elif not item:
            text = _EMPTY[cls]
        elif item is value or item is parent or (above and id(item) in above):
            return ""
        else:
            text = small_repr(item, left, levels - 1, above, value)
            if not text:
                return ""
            left -= len(text)  # So that all that is within is bounded together.
        if not keyed:
            parts.append(text)
        elif named:
            parts.append(f"{named}: {text}")
            named = ""
        else:
            parts.append(f"'{key}': {text}")
    inner = ", ".join(parts)
    if keyed:
        text = f"{{{inner}}}"
    elif kind is list:
        text = f"[{inner}]"
    elif kind is tuple:
        text = f"({inner})" if len(parts) > 1 else f"({inner},)"
    else:
        opening, closing = _AROUND[kind]
        text = f"{opening}{inner}{closing}"
    # The margin is what `bounded_repr` may ask for before its last items.
    return text if len(text) + 4 < room else ""


def _closed(value: Any, cls: type) -> str:
    """Write a container whose members are too deep, or a set that has none."""
    if not value and cls in _SETS:
        return f"{cls.__name__}()"
    opening, closing = _AROUND[cls]
    return f"{opening}...{',)' if cls is tuple and len(value) == 1 else closing}"


def _key(key: Any, room: int) -> str:
    cls = type(key)
    if cls is str:
        return "'" + key.replace("'", "\\'") + "'" if len(key) <= _SHORT else ""
    if cls is int:
        return str(key) if _LEAST_INT < key < _MOST_INT else ""
    if (own := _repr_of(cls)) is not None:
        return own(key)
    if cls is Decimal:
        return repr(key) if key.__sizeof__() <= _SHORT_DECIMAL else ""
    # A key's levels count from one: those of a flat one are not used up.
    flat = cls is tuple and len(key) <= _FEW and CONTAINERS.isdisjoint(map(type, key))
    return small_repr(key, room, 1) if flat else ""


def _bytes(value: bytes) -> str:
    if value.isascii():
        return f"b'{value.decode()}'"
    # An exception would take longer than all else.
    if "\ufffd" in value.decode("utf-8", "replace") and b"\xef\xbf\xbd" not in value:
        return f"b'{value.hex()}'"
    return ""  # They end by their number, and there are more of them than characters.
