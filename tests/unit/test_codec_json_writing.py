"""JSON's fast writer: it gives what the exact encoder gives, and is taken where it should be."""

from __future__ import annotations

import enum
from collections import OrderedDict, namedtuple
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import ormsgpack
import pytest

from satchel import EncodeError, Json
from satchel.codecs.base import Types
from satchel.codecs.describing import describe
from satchel.testing import PLAIN, difference, random_values
from tests.unit.json_writing import DIALECTS, FILLING, fast, outcome, written_fast

TUPLES = pytest.mark.parametrize("tuples", [False, True])


class Colour(enum.Enum):
    RED = 1


class Text(str):
    __slots__ = ()


class Zone(tzinfo):
    """A time zone whose code fails."""

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault

    def utcoffset(self, when: datetime | None) -> timedelta:
        raise self.fault

    dst = tzname = utcoffset  # type: ignore[assignment]


Point = namedtuple("Point", "x y")

TYPES = Types((describe(Colour),))


RICH = [
    datetime(2026, 1, 2, 3, 4, 5, 6),
    datetime(1, 1, 1, tzinfo=timezone.utc),
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc),
    datetime(2026, 1, 1, fold=1),
    datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 7, 1, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 7, 1, tzinfo=timezone(timedelta(hours=-3, seconds=1))),
    datetime(2026, 7, 1, tzinfo=timezone(timedelta(0), "named")),
    date(2001, 2, 3),
    time(1, 2, 3, 4),
    Decimal("1E-7"),
    Decimal("sNaN123"),
    UUID(int=0),
    UUID(int=7),
    2**64,
    -(10**40),
    Text("a"),
    OrderedDict(a=1),
    Point(1, 2),
    bytearray(b"\xff"),
]


@DIALECTS
@TUPLES
@pytest.mark.parametrize("value", RICH, ids=repr)
def test_both_engines_write_the_same_bytes(dialect, tuples, value):
    options = {"dialect": dialect, "tuples": tuples and dialect == "satchel"}
    nested = {"a": [value, 'ü\n"', None, {"b": value}], "str": str(value)}

    assert fast(**options).dumps(nested) == Json(engine="stdlib", **options).dumps(nested)


@DIALECTS
def test_both_engines_give_the_same_on_generated_values(dialect):
    codecs = [Json(engine=engine, dialect=dialect, types=TYPES) for engine in ("fast", "stdlib")]
    for value in [*random_values(300, seed=77), *PLAIN]:
        for part in (value, [value, FILLING, UUID(int=7)]):
            quick, slow = (outcome(codec, part) for codec in codecs)
            assert difference(quick, slow) is None, part


@pytest.mark.parametrize(
    "value",
    [
        [1, "a"],
        [(1, 2), {"a": None}],
        FILLING,
        [*FILLING, (1,)],
        [b"text", b"\xff"],
        [datetime(2026, 1, 1), Decimal(1), UUID(int=7), str(UUID(int=7))],
        [*FILLING, UUID(int=7)],
        [{1, 2}, frozenset("a"), timedelta(1), Colour.RED, Text("a")],
    ],
)
def test_the_fast_way_is_taken(value):
    codec = fast(types=TYPES)

    assert written_fast(codec, value) == Json(engine="stdlib", types=TYPES).dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"__type__": 1, "__value__": 2},
        [*FILLING, {"__value__": UUID(int=7), "__type__": "uuid"}],
        [float("nan")],
        [*FILLING, float("-inf")],
        [UUID(int=7), float("inf")],
        [memoryview(b"abcdefgh").cast("I")],
        [memoryview(b"\xff").cast("b"), UUID(int=7)],
        [ormsgpack.Ext(5, b"")],
        [ormsgpack.Ext(5, b""), UUID(int=7)],
        [UUID(int=7), ormsgpack.Ext(5, b"")],
        [UUID(int=7), ormsgpack.Ext(-1, b"\0\0\0\0")],
        [orjson.Fragment(b"1"), UUID(int=7)],
        ["\ud800"],
        [UUID(int=7), "\ud800"],
        {1: 2},
        {"a": {Text("b"): UUID(int=7)}},
        [object()],
        [UUID(int=7), 1j],
    ],
)
def test_what_the_libraries_would_alter_is_left_to_the_exact_encoder(value):
    assert written_fast(fast(), value) is None


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError, SystemExit])
def test_the_processs_own_trouble_comes_out(trouble):
    with pytest.raises(trouble):
        written_fast(fast(), [1, datetime(2026, 1, 1, tzinfo=Zone(trouble()))])


def test_a_time_zone_that_fails_is_named_with_its_path():
    with pytest.raises(EncodeError, match="no") as raised:
        fast().dumps({"a": [datetime(2026, 1, 1, tzinfo=Zone(RuntimeError("no")))]})
    assert raised.value.path == ("a", 0)


@pytest.mark.parametrize(
    "value",
    [
        (),
        ((),),
        ((1, (2,)), {"a": (3, [4])}, None),
        ([(1, 2)], {}),
        [(1, 2), {"a": ()}],
        ((1, [FILLING]), {}),
        [(index, FILLING[index]) for index in range(200)],
        ((b"\xff", (b"a",)), {}),
        ((1, UUID(int=7)), (Decimal(0), (timedelta(0),))),
    ],
    ids=lambda value: str(value)[:30],
)
@DIALECTS
def test_tuples_are_written_fast_as_lists(dialect, value):
    if "timedelta" in repr(value) and dialect == "celery":
        pytest.skip("a stock worker reads no timedelta")
    codec = fast(dialect=dialect)

    assert written_fast(codec, value) == Json(engine="stdlib", dialect=dialect).dumps(value)


def test_a_tuple_of_the_callers_is_not_changed():
    args = [1, (2,)]
    value: Any = ((args,), {})
    fast().dumps(value)

    assert value == (([1, (2,)],), {})
    assert value[0][0] is args


def test_more_parts_than_are_looked_at_at_once_are_written():
    parts = [Decimal(index) for index in range(12_000)]

    assert written_fast(fast(), parts) == Json(engine="stdlib").dumps(parts)


@pytest.mark.parametrize("parts", [[timedelta(0)], [Decimal(0), UUID(int=7)], [set(), frozenset()]], ids=repr)
def test_parts_that_are_false_are_parts(parts):
    assert written_fast(fast(), parts) == Json(engine="stdlib").dumps(parts)
    assert written_fast(fast(), [*parts, ormsgpack.Ext(5, b"")]) is None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), -float("nan")])
@pytest.mark.parametrize("beside", [[], [127, -1, "\x7f", 1.5, b"\xff"], FILLING], ids=["alone", "marks", "large"])
def test_every_float_that_is_not_finite_is_left_to_the_exact_encoder(number, beside):
    assert written_fast(fast(), [beside, number]) is None


@pytest.mark.parametrize("beside", [[127, -1, "\x7f"], [1.7976931348623157e308, 5e-324, -0.0, "\x7f_", -(2**63)]])
def test_bytes_that_floats_start_with_do_not_keep_a_value_from_the_fast_way(beside):
    assert orjson.loads(written_fast(fast(), beside) or b"null") == beside
