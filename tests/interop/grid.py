"""The grid of serializers and compressors, with values as rich as each serializer carries them to a stock peer."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

SERIALIZERS: Final = ("json", "msgpack", "yaml", "pickle")
COMPRESSORS: Final = (None, "brotli", "bzip2", "gzip", "lzma", "zlib", "zstd")
PROTOCOLS: Final[tuple[Literal[1, 2], ...]] = (2, 1)

#: What messages name: of gzip and zlib, Celery makes one.
CONTENT_TYPES: Final = {
    None: None,
    "brotli": "application/x-brotli",
    "bzip2": "application/x-bz2",
    "gzip": "application/x-gzip",
    "lzma": "application/x-lzma",
    "zlib": "application/x-gzip",
    "zstd": "application/zstd",
}


class Combination(NamedTuple):
    """One cell of the grid; its text is the id of a test."""

    serializer: str
    compression: str | None
    protocol: Literal[1, 2]

    def __str__(self) -> str:
        return f"{self.serializer}-{self.compression or 'none'}-protocol{self.protocol}"


GRID: Final = tuple(
    Combination(serializer, compression, protocol)
    for protocol in PROTOCOLS
    for serializer in SERIALIZERS
    for compression in COMPRESSORS
)

#: Long and repetitive, so that every compressor shrinks it.
LONG: Final = "A sentence that says the same again and again. ☃ " * 40

MOMENT: Final = datetime(2031, 5, 6, 7, 8, 9, 123456)
INDIA: Final = timezone(timedelta(hours=5, minutes=30))

# (what is sent, what arrives)
Pair = tuple[Any, Any]


def _same(*values: Any) -> list[Pair]:
    return [(value, value) for value in values]


_PLAIN: Final[list[Pair]] = [
    *_same(None, True, False, 0, 1, -2, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -2.5, 1e300, float("inf")),
    *_same("", "héllo ☃ 😀", "a 'quoted' \"word\" \\ and\n\ta line", "null", "0123", "yes", "2031-05-06", LONG),
    *_same([], {}, [1, [2, [3, None]]], {"a": {"b": [1, {"c": True}]}}, {"": "", "ключ": "☃"}),
]
_TUPLES_TO_LISTS: Final[list[Pair]] = [((1, (2, "x")), [1, [2, "x"]]), ({"pair": (1, 2)}, {"pair": [1, 2]})]
_MOMENTS: Final = (MOMENT, MOMENT.replace(tzinfo=timezone.utc), MOMENT.replace(tzinfo=INDIA), MOMENT.date())
_NUMBERS: Final = (Decimal("1.10"), UUID(int=5), 2**200)

PAIRS: Final[dict[str, list[Pair]]] = {
    "json": [
        *_PLAIN,
        *_TUPLES_TO_LISTS,
        *_same(b"text", b"\xff\xfe\x00", *_MOMENTS, time(7, 8, 9, 123), *_NUMBERS),
        ({1: "int", 2.5: "float"}, {"1": "int", "2.5": "float"}),
    ],
    "msgpack": [*_PLAIN, *_TUPLES_TO_LISTS, *_same(b"text", b"\xff\xfe\x00", 2**64 - 1)],
    "yaml": [
        *_PLAIN,
        *_TUPLES_TO_LISTS,
        *_same(b"text", b"\xff\xfe\x00", *_MOMENTS, 2**200, {1, 2}),
    ],
    "pickle": [
        *_PLAIN,
        *_same((1, (2, "x")), b"text", b"\xff\xfe\x00", *_MOMENTS, time(7, 8, 9, 123), timedelta(days=1), *_NUMBERS),
        *_same({1, 2}, frozenset({3}), date(2031, 5, 6)),
    ],
}


def call(serializer: str) -> tuple[list[Any], dict[str, Any]]:
    """Give arguments that hold every value that `serializer` carries to a stock peer."""
    sent = [value for value, _ in PAIRS[serializer]]
    return sent, {"named": sent, "é": None}


def received(serializer: str) -> tuple[list[Any], dict[str, Any]]:
    """Give what arrives of `call`."""
    arrived = [value for _, value in PAIRS[serializer]]
    return arrived, {"named": arrived, "é": None}
