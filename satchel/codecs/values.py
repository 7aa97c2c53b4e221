"""The value model: what every serializer carries, and how a format without a type for it spells it.

Scalars that a format lacks are a tag and a text; containers that it lacks are a tag and a list. How a tag looks is the
format's own affair. `lowering.py` is the way out; `Restoring` is the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from satchel.codecs.base import SCALAR_TAGS, Types
from satchel.errors import CorruptBody, EncodeError, LimitExceeded, let_signals_through, text_of
from satchel.types import Limits

_Zoned = TypeVar("_Zoned", datetime, time)

#: What a stock Celery worker can read, by serializer, of what not all of them carry. "dict" is one that looks like a
#: tag of JSON, "bigint" an int beyond 64 bits.
CELERY_CARRIES: dict[str, frozenset[str | None]] = {
    "json": frozenset({"bytes", "base64", "bigint", "datetime", "date", "time", "decimal", "uuid"}),
    "msgpack": frozenset({"dict"}),
    "yaml": frozenset({"dict", "bigint", "datetime", "date", "set"}),
    "pickle": frozenset(SCALAR_TAGS | {"dict", "set", "frozenset", "tuple"}),
}

#: Python reads and writes ints of up to 4,300 digits, and so do all serializers.
INT_BOUND = 10**4300


def _timedelta_text(value: timedelta) -> str:
    """ISO 8601: days and seconds, one sign for the whole."""
    sign, value = ("-", -value) if value.days < 0 and value != timedelta.min else ("", value)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}P{value.days}DT{value.seconds}{fraction}S"


@cache
def _duration() -> Callable[[str], re.Match[str] | None]:
    # Who reads none is spared it.
    return re.compile(r"(-?)P(-?\d{1,9})DT(\d{1,5})(?:\.(\d{6}))?S", re.ASCII).fullmatch


def _timedelta_value(text: str) -> timedelta:
    match = _duration()(text)
    if not match:
        raise ValueError(f"not a duration such as P1DT2.000003S: {text[:40]!r}")
    sign, days, seconds, micros = match.groups()
    value = timedelta(int(days), int(seconds), int(micros) if micros else 0)
    return -value if sign else value


def _zoned_text(value: datetime | time) -> str:
    if value.tzinfo is not None and value.utcoffset() is None:
        raise EncodeError(
            f"a {type(value).__name__} whose time zone gives no offset",
            cure="combine it with a date first, or drop its tzinfo",
        )
    return value.isoformat()


#: An offset of less than a second, which Python's own fromisoformat() takes for UTC (3.10 to 3.13).
SUBSECOND_OFFSET = re.compile(r"([+-])00:00:00\.(\d{6})\Z", re.ASCII)


#: Tags of texts that a time zone's own code has a part in.
ZONED = ("datetime", "time")


def _offset_value(value: _Zoned, text: str) -> _Zoned:
    match = SUBSECOND_OFFSET.search(text)
    if not match:
        return value
    offset = timedelta(microseconds=int(match[1] + match[2]))
    return value.replace(tzinfo=timezone(offset))


def _datetime_value(text: str) -> datetime:
    # Python 3.10 does not read the "Z" that other producers write.
    value = datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] == "Z" else text)
    # Only what ends with six digits behind a point can be such an offset.
    return _offset_value(value, text) if text[-7:-6] == "." else value


def _time_value(text: str) -> time:
    return _offset_value(time.fromisoformat(text), text)


def _date_value(text: str) -> date:
    return _datetime_value(text).date()


def _text_only(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    def value(text: Any) -> Any:
        # Decimal(0.1), UUID(int=…) and the like would take more than what is ever written.
        if type(text) is not str:
            raise ValueError(f"a text is needed, got {type(text).__name__}")
        return make(text)

    return value


#: tag: text to value, of scalars that are a tag and a text.
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "datetime": _datetime_value,
    "date": _date_value,
    "time": _time_value,
    "timedelta": _timedelta_value,
    "decimal": Decimal,
}

#: class: (tag, value to text, text to value). datetime stands before date, whose subclass it is.
SCALARS: dict[type, tuple[str, Callable[[Any], str], Callable[[Any], Any]]] = {
    datetime: ("datetime", _zoned_text, _text_only(_datetime_value)),
    date: ("date", date.isoformat, _text_only(_date_value)),
    time: ("time", _zoned_text, _text_only(_time_value)),
    timedelta: ("timedelta", _timedelta_text, _text_only(_timedelta_value)),
    Decimal: ("decimal", str, _text_only(Decimal)),
    UUID: ("uuid", lambda value: value.hex, _text_only(UUID)),
}


class Restoring:
    """Turns a tag and what it holds into the value again.

    Args:
        codec: the serializer's name, for messages.
        types: the application's types.
        own: makers of the format's own, by tag; they win over the model's.
    """

    def __init__(self, codec: str, types: Types, own: dict[str, Callable[[Any], Any]] | None = None) -> None:
        self._codec = codec
        self._makers: dict[str, Callable[[Any], Any]] = {
            "set": lambda plain: set(hashable(_listed(plain))),
            "frozenset": lambda plain: frozenset(hashable(_listed(plain))),
            "tuple": lambda plain: tuple(_listed(plain)),
            "dict": _pairs,
        }
        self._makers.update((tag, to_value) for tag, _, to_value in SCALARS.values())
        self._makers.update(own or {})
        self._makers.update((entry.tag, entry.from_plain) for entry in types)

    def __call__(self, tag: Any, plain: Any) -> Any:
        """Give the value.

        Raises:
            CorruptBody: the tag is unknown, or does not hold what it says.
        """
        maker = self._makers.get(tag) if type(tag) is str else None
        if maker is None:
            raise CorruptBody(
                f"the type tag {tag[:80]!r} is not known" if type(tag) is str else "a type tag that is no text",
                cure="if it is genuine, register its class with satchel.register_type()",
                codec=self._codec,
            )
        try:
            return maker(plain)
        except MemoryError:
            raise
        except Exception as error:
            let_signals_through(error)
            raise CorruptBody(
                f"the type tag {tag[:80]!r} holds something else: {text_of(error)}", codec=self._codec
            ) from error


def _listed(plain: Any) -> list[Any]:
    if type(plain) is not list:
        raise ValueError(f"a list is needed, got {type(plain).__name__}")
    return plain


#: Types whose hashes nobody can foretell: they depend on a secret of the process.
_KEYED = frozenset({str, bytes})

#: Members of one set, or keys of one mapping, of other types than those.
MOST_NUMBERS = 10_000


def hashable(members: list[Any]) -> list[Any]:
    """Give the members when they can stand in a set, or be keys, at a linear cost.

    Hashes of numbers can be chosen: 20,000 multiples of 2**61-1 in one set cost seconds. Equal members are few in an
    honest set, so are equal hashes. Where all hashes differ, their places in the table can still be made to collide,
    which is the square of their number again: 10,000 cost a tenth of a second at the worst.

    Raises:
        ValueError: there are too many.
    """
    if len(members) > MOST_NUMBERS and sum(type(member) not in _KEYED for member in members) > MOST_NUMBERS:
        raise ValueError(f"more than {MOST_NUMBERS:,} members that are neither str nor bytes; send a list")
    if len(members) - len({hash(member) for member in members}) > 64 + len(members) // 16:
        raise ValueError("too many members with the same hash; send a list")
    return members


def unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Make a dict of what a parser found, unless a key is there twice.

    Raises:
        CorruptBody: it is; readers differ in which of the values they take (RFC 8259, section 4).
    """
    table = dict(pairs)
    if len(table) == len(pairs):
        return table
    for key, _ in pairs:
        if key not in table:
            raise CorruptBody(f"the key {str(key)[:80]!r} occurs twice in one mapping")
        del table[key]
    raise AssertionError("fewer keys than pairs, and none twice")


def _pairs(plain: Any) -> dict[str, Any]:
    pairs = [_listed(pair) for pair in _listed(plain)]
    if not all(len(pair) == 2 and type(pair[0]) is str for pair in pairs):
        raise ValueError("pairs of a str and a value are needed")
    return dict(pairs)


_TEXTS = frozenset({str, bytes, bytearray})
CONTAINERS = frozenset({dict, list, tuple, set, frozenset})


def measure(value: Any, limits: Limits, containers: frozenset[type] = CONTAINERS, *, texts: bool = False) -> None:
    """Hold a decoded value against its limits, level by level, counting what it refers to twice as two.

    Args:
        value: the value.
        limits: its limits.
        containers: the types that are looked into.
        texts: hold the length of all texts, written out, against `max_decompressed` as well.

    Raises:
        LimitExceeded: it is deeper than `max_depth`, has more than `max_nodes` values, or texts that are too long.
    """
    level = [value]
    nodes = 1
    size = 0
    for depth in range(limits.max_depth + 1):
        if texts:
            size += sum(len(item) for item in level if type(item) in _TEXTS)
            if size > limits.max_decompressed:
                raise LimitExceeded("max_decompressed", limits.max_decompressed)
        if depth == limits.max_depth and any(type(item) in containers for item in level):
            raise LimitExceeded("max_depth", limits.max_depth)
        # Those that are empty are counted by now. A list of a million would take as much as a tenth of themselves.
        opened = [item for item in level if type(item) in containers and item]
        if not opened:
            return
        level = []
        for container in opened:
            nodes += len(container) * (2 if type(container) is dict else 1)
            # Before the next level is listed: two levels of shared references are a billion values.
            if nodes > limits.max_nodes:
                raise LimitExceeded("max_nodes", limits.max_nodes)
            if type(container) is dict:
                level += container.values()
                # In a pickle, a key may be a tuple.
                level += container if texts else [key for key in container if type(key) is not str]
            else:
                level += container
