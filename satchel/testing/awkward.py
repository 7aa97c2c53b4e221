"""Values that serializers silently alter, and the plain ones that nearly all of them carry."""

from __future__ import annotations

import array
import enum
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from dataclasses import dataclass
from datetime import date, datetime, time, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

#: What formats mistake for something else: numbers, dates, null, merge keys, tags, ends of lines, marks of byte order.
TRICKY_TEXTS = (
    *(
        "",
        " ",
        "null",
        "~",
        "true",
        "yes",
        "No",
        "on",
        "<<",
        "=",
        "-",
        "?",
        "---",
        "...",
        "!",
        "!!str",
        "&a",
        "*a",
        "#",
    ),
    *("0", "-0", "1", "1e16", "1e+16", "1.", ".5", "1_000", "0x1f", "0o17", "017", "0b1", "12:30:45", "1e400"),
    *(".nan", "NaN", ".inf", "-Infinity", "Infinity", "2001-01-01", "2001-01-01T00:00:00Z", "12:30", "a: b", "a #b"),
    *("a\nb", "\n", "\r\n", "a\r", "\t", " a ", "\0", "\x1b[0m", "\x7f", "\x80", "\x85", "\xa0", "\u2028", "\u2029"),
    *(
        "\ufeff",
        "\ufeffa",
        "\ufffe",
        "\ufffd",
        "\U0001f600",
        "\U0010ffff",
        "e\u0301",
        "\u202e",
        "\\",
        '"',
        "'",
        "\\u0000",
    ),
    *("__type__", "__value__", "{{}}", "[]", "%TAG", "@", "`", "|", ">", "x" * 200, "words of some length " * 12),
)

#: None, bools, ints, floats, texts, lists and dicts with str keys.
PLAIN: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, -(2**31), 2**53 - 1, 0.5, -1.5, 1e15, 1e-7, 5e-324, 1.7976931348623157e308),
    *("", "text", "tëxt \u2028 \U0001f600", "quotes \" ' and \\", "two\nlines", "null", "1e3"),
    *([], {}, [[]], {"": {}}, [None, True, 1, 1.5, "x"], {"args": [1, 2], "kwargs": {"a": {"b": [None]}}}),
    {
        "id": "4cc7438e-afd4-4f8f-a2f3-f46567e7ca77",
        "retries": 0,
        "eta": None,
        "task": "shop.orders.send",
        "x" * 300: "y" * 300,
    },
)


class _Number(enum.IntEnum):
    ONE = 1


class _Word(str, enum.Enum):
    YES = "yes"


class _Colour(enum.Enum):
    RED = "red"


class _Right(enum.Flag):
    READ = 1


class _Str(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class _Float(float):
    __slots__ = ()

    def __repr__(self) -> str:
        return "something else"


class _Later(datetime):
    pass


class _Hidden(datetime):
    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return "2001-01-01T00:00:00"


class _Custom:
    def __json__(self) -> Any:
        return {"a": 1}


class _NoZone(tzinfo):
    def utcoffset(self, dt: datetime | None, /) -> None:
        return None

    dst = tzname = utcoffset


@dataclass(frozen=True)
class _Point:
    x: int


class _Pair(NamedTuple):
    left: Any
    right: Any


#: Values outside of the value model, or at its edges: each must come back equal, or be an EncodeError.
AWKWARD: tuple[Any, ...] = (
    *(_Number.ONE, _Word.YES, _Colour.RED, _Right.READ, _Str("a"), _Float(1.5), _Float("inf"), _Pair(1, 2), _Point(1)),
    *(float("nan"), float("inf"), float("-inf"), "\ud800", "a\udfffb", {"\ud800": 1}, {"a": float("nan")}),
    *({1: "a"}, {1.5: "a"}, {None: "a"}, {True: "a"}, {b"a": 1}, {(1, 2): 3}, {1: "a", "1": "b"}, {None: 1, "null": 2}),
    *({_Str("a"): 1}, {_Number.ONE: 1}, {date(2001, 1, 1): 1}, {"a": {2: 3}}, [{frozenset({1}): 1}]),
    *(OrderedDict(b=1, a=2), defaultdict(list, a=[1]), Counter("aab"), MappingProxyType({"a": 1}), UserDict(a=1)),
    *(bytearray(b"ab"), memoryview(b"ab"), memoryview(b"abcd")[::2], memoryview(b"abcdabcd").cast("I")),
    *(memoryview(b"abcd").cast("c"), memoryview(b"abcd").cast("B", (2, 2)), array.array("i", [1, 2]), deque([1])),
    *(range(3), (n for n in "ab"), iter([1]), {}.keys(), {"a": 1}.items(), slice(1), ..., NotImplemented, 1 + 2j),
    *(Fraction(1, 3), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), [Decimal("-0.00")], 10**4300, -(10**5000)),
    *(_Later(2001, 1, 1), _Hidden(2002, 2, 2), datetime(2001, 1, 1, tzinfo=_NoZone()), time(1, tzinfo=_NoZone())),
    *(
        time(1, tzinfo=timezone.utc),
        UUID(int=1),
        PurePosixPath("a"),
        _Custom(),
        SimpleNamespace(a=1),
        object(),
        int,
        len,
    ),
    *([{"a": ({1, 2},)}], {"__type__": "uuid", "__value__": "x"}, {"__type__": "set", "__value__": [1]}, ("a", ("b",))),
    *({(1, "a"), (2, "b")}, {frozenset({1})}, {1.0, 2}, [set()], {"a": frozenset()}, {b"a", "a"}, {True, 2}),
)
