"""Made-up values of the whole value model, from a `random.Random` or from hypothesis, by one description of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from satchel.testing.awkward import TRICKY_TEXTS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")

_NUMBERS = (
    0,
    1,
    -1,
    23,
    24,
    31,
    32,
    33,
    127,
    128,
    255,
    256,
    2**16 - 1,
    2**16,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**53 + 1,
)
_LARGE = (2**61 - 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**2039, 2**2040, 10**4299, 10**4300 - 1)
_FLOATS = (0.0, -0.0, 0.1, 1.0, -1.5, 1e15, 1e16, 1e17, 1e22, 1e23, 1e-5, 1e-7, 123456789012345.6, 5e-324, 2.2e-308)
_EDGES = (sys.float_info.max, -sys.float_info.max, sys.float_info.min, float(2**53), float(2**63), float(2**64))
_DECIMALS = (
    "0",
    "-0",
    "1.0",
    "1.00",
    "1E+5",
    "-1.5E-7",
    "0E-19",
    "1E+999999",
    "NaN",
    "-NaN",
    "sNaN123",
    "Infinity",
    "-Infinity",
)
_BYTES = (b"", b"text", "tëxt".encode(), b"\xff\xfe", b"\x00", b"\xc3\x28", bytes(range(256)), b"x" * 300)
_TAGS = ("bytes", "base64", "datetime", "uuid", "set", "tuple", "dict", "decimal", "timedelta", "no such tag", "")
_TAG_VALUES = ("2001-01-01", {"hex": "0" * 32}, ["a", 1], [["a", 1]], "YQ==", None, "P1DT0S")


class Source(Protocol):
    """Where choices come from."""

    def choice(self, options: Sequence[T], /) -> T: ...
    def integer(self, low: int, high: int, /) -> int: ...
    def floating(self) -> float: ...
    def text(self) -> str: ...
    def binary(self) -> bytes: ...


class _Random:
    def __init__(self, random: Random) -> None:
        self._random = random
        self.choice = random.choice
        self.integer = random.randint

    def floating(self) -> float:
        return self._random.uniform(-1, 1) * 10.0 ** self._random.randint(-300, 300)

    def text(self) -> str:
        low, high = self._random.choice([(32, 126), (0, 0x2FF), (0x2000, 0xD7FF), (0xE000, 0x10FFFF)])
        return "".join(chr(self._random.randint(low, high)) for _ in range(self._random.randint(0, 20)))

    def binary(self) -> bytes:
        return self._random.randbytes(self._random.randint(0, 40))


class _Drawn:
    def __init__(self, draw: DrawFn) -> None:
        from hypothesis import strategies

        self._draw = draw
        self._strategies = strategies

    def choice(self, options: Sequence[T], /) -> T:
        return self._draw(self._strategies.sampled_from(options))

    def integer(self, low: int, high: int, /) -> int:
        return self._draw(self._strategies.integers(low, high))

    def floating(self) -> float:
        return self._draw(self._strategies.floats(allow_nan=False, allow_infinity=False))

    def text(self) -> str:
        # Lone surrogates aside: no encoding of Unicode has them.
        return self._draw(self._strategies.text(self._strategies.characters(codec="utf-8"), max_size=30))

    def binary(self) -> bytes:
        return self._draw(self._strategies.binary(max_size=40))


def _integer(source: Source) -> int:
    kind = source.integer(0, 3)
    if kind == 0:
        return source.integer(-1000, 1000)
    if kind == 1:
        return source.choice(_NUMBERS) * source.choice((1, -1)) + source.integer(-1, 1)
    if kind == 2:
        return source.choice(_LARGE) * source.choice((1, -1))
    bits = source.integer(1, 400)
    return source.integer(-(1 << bits), 1 << bits)


def _floating(source: Source) -> float:
    return source.choice((*_FLOATS, *_EDGES)) if source.integer(0, 1) else source.floating()


def _text(source: Source) -> str:
    return source.choice(TRICKY_TEXTS) if source.integer(0, 1) else source.text()


def _binary(source: Source) -> bytes:
    return source.choice(_BYTES) if source.integer(0, 1) else source.binary()


def _offset(source: Source) -> timezone | None:
    kind = source.integer(0, 4)
    if kind < 2:
        return (None, timezone.utc)[kind]
    units = timedelta(minutes=15), timedelta(seconds=1), timedelta(microseconds=1)
    unit = units[kind - 2]
    most = timedelta(hours=24) // unit - 1
    return timezone(source.integer(-most, most) * unit)


def _date(source: Source) -> date:
    edges = (date.min, date.max, date(1970, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(999, 12, 31))
    return source.choice(edges) if source.integer(0, 2) == 0 else date.fromordinal(source.integer(1, 3_652_059))


def _naive_time(source: Source) -> time:
    of_day = (
        source.choice((0, 86_399_999_999, 1, 1_000, 1_000_000))
        if source.integer(0, 1)
        else source.integer(0, 86_399_999_999)
    )
    seconds, microseconds = divmod(of_day, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, microseconds)


def _time(source: Source) -> time:
    return _naive_time(source).replace(tzinfo=_offset(source))


def _datetime(source: Source) -> datetime:
    return datetime.combine(_date(source), _time(source))


def _timedelta(source: Source) -> timedelta:
    if source.integer(0, 1):
        return source.choice((timedelta(0), timedelta.min, timedelta.max, timedelta.resolution, -timedelta.resolution))
    days = source.integer(-999_999_999, 999_999_999)
    return timedelta(days, source.integer(0, 86_399), source.integer(0, 999_999))


def _decimal(source: Source, *, texts: Sequence[str] = _DECIMALS) -> Decimal:
    if source.integer(0, 1):
        return Decimal(source.choice(texts))
    return Decimal(source.integer(-(10**40), 10**40)).scaleb(source.integer(-60, 60))


def _hashable_decimal(source: Source) -> Decimal:
    # A NaN is not equal to itself, and a signaling one has no hash.
    return _decimal(source, texts=_DECIMALS[:8])


def _uuid(source: Source) -> UUID:
    return UUID(int=source.integer(0, 2**128 - 1))


_HASHABLE: tuple[Callable[[Source], Any], ...] = (
    *(lambda source: None, lambda source: bool(source.integer(0, 1)), _integer, _integer, _floating, _text, _text),
    *(_binary, _date, _time, _datetime, _timedelta, _hashable_decimal, _uuid),
)


def hashable(source: Source, depth: int) -> Any:
    """Make a value that can stand in a set."""
    kind = source.integer(0, 9)
    if depth == 0 or kind < 7:
        return source.choice(_HASHABLE)(source)
    parts = [hashable(source, depth - 1) for _ in range(source.integer(0, 3))]
    return tuple(parts) if kind < 9 else frozenset(parts)


def value(source: Source, depth: int = 3) -> Any:
    """Make a value of the value model, of at most `depth` levels of containers (and two more within sets)."""
    kind = source.integer(0, 11)
    if depth == 0 or kind < 5:
        return source.choice((*_HASHABLE, _decimal))(source)
    size = source.integer(0, 4)
    if kind < 7:
        return {_text(source): value(source, depth - 1) for _ in range(size)}
    if kind == 7:  # shaped like kombu's type tags, and none
        held = source.choice(_TAG_VALUES) if source.integer(0, 1) else value(source, depth - 1)
        return {"__type__": source.choice(_TAGS), "__value__": held}
    if kind < 10:
        items = [value(source, depth - 1) for _ in range(size)]
        return items if kind == 8 else tuple(items)
    members = (hashable(source, min(depth - 1, 2)) for _ in range(size))
    return set(members) if kind == 10 else frozenset(members)


def random_values(count: int, *, seed: int = 0) -> list[Any]:
    """Give made-up values of the value model, the same for the same seed.

    Args:
        count: how many.
        seed: of a `random.Random`.
    """
    source = _Random(Random(seed))  # noqa: S311  # test data
    return [value(source) for _ in range(count)]


def values(depth: int = 3) -> SearchStrategy[Any]:
    """Give a hypothesis strategy for the value model.

    None, bool, ints of up to 4,300 digits, finite floats, str without lone surrogates, bytes, naive and aware
    datetimes and times, dates, timedeltas, Decimals, UUIDs; lists, tuples, sets, frozensets and dicts of them with str
    keys, among them such as look like type tags.

    Args:
        depth: levels of containers.

    Raises:
        ImportError: hypothesis is not installed.
    """
    from hypothesis import strategies

    @strategies.composite
    def drawn(draw: DrawFn) -> Any:
        return value(_Drawn(draw), depth)

    return drawn()
