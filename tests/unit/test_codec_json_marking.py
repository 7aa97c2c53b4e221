"""JSON of many values with tags: what is written with marks is what the exact encoder writes, or is left to others."""

from __future__ import annotations

import enum
import gc
import re
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import ormsgpack
import pytest

from satchel import EncodeError, Json, LimitExceeded, Limits
from satchel.codecs.base import TaggedType, Types
from satchel.codecs.json_levels import most_levels
from satchel.codecs.json_marking import marker
from tests.unit.json_writing import DIALECTS, LIMITS, fast, written_fast

KEY = UUID("01234567-89ab-cdef-0123-456789abcdef")
SCALARS: list[Any] = [
    KEY,
    UUID(int=0),
    Decimal("129.90"),
    Decimal("NaN"),
    date(2026, 11, 22),
    time(8, 30, tzinfo=timezone.utc),
    datetime(2026, 11, 22, 8, 30),
    datetime(2026, 11, 22, 8, 30, 0, 1, tzinfo=timezone.utc),
    datetime(1, 1, 1),
]
ORDERS = [
    {"key": scalar, "name": f"orjson-{index} ü", "lines": [index, None, 0.5]}
    for index, scalar in enumerate(SCALARS * 5)
]


#: orjson 3.9 does not count levels as it should, and without the interpreter's lock other threads run meanwhile.
MARKS = pytest.mark.skipif(
    not most_levels(orjson) or not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="here nothing is marked"
)


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Text(str):
    __slots__ = ()


@dataclass
class Point:
    x: int


def marked(value: Any, dialect: Any = "satchel", limits: Limits = LIMITS, **options: Any) -> bytes | None:
    codec = fast(dialect=dialect, **options)
    return marker(orjson, ormsgpack, codec._more().lower)(value, limits)


def exact(value: Any, dialect: Any = "satchel", **options: Any) -> bytes:
    return Json(engine="stdlib", dialect=dialect, **options).dumps(value)


def written(codec: Json, value: Any) -> bytes | None:
    try:
        return codec.dumps(value)
    except (EncodeError, LimitExceeded):
        return None


@MARKS
@DIALECTS
@pytest.mark.parametrize(
    "value",
    [
        ORDERS,
        [KEY],
        [KEY] * 3,
        {"a": [KEY, Decimal(1)], "b": {"c": KEY}, "ü": None},
        [datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2026, 7, 1)],
        [1, "a"],
        [],
        ["\0", KEY, "a\\u0000", Decimal(1), '"\\'],
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_written_is_what_the_exact_encoder_writes(dialect, value):
    assert marked(value, dialect) == exact(value, dialect)


@DIALECTS
@pytest.mark.parametrize(
    "part",
    [
        # What one library knows and the other does not; two such at a time are as many marks as there are values.
        b"abc",
        [Colour.RED, b"abc"],
        [b"abc", Level.LOW],
        [Level.LOW, memoryview(b"abc")],
        ormsgpack.Ext(5, b"abc"),
        orjson.Fragment(b"1"),
        orjson.Fragment(b"\0"),
        Point(1),
        Text("abc"),
        2**64,
        {1, 2},
        # What looks like something else.
        str(KEY),
        f'"{KEY}',
        f'\\"{KEY}',
        f'{KEY}"',
        "-89ab-cdef-0123-456789abcdef",
        [str(KEY), {"__type__": "uuid", "__value__": 1}],
        # A part of one, behind a mark that it must not swallow.
        {"price": Decimal(1), "k": "ab-1234-5678-9012-345678901234"},
        [Decimal(5), "***-89ab-cdef-0123-456789abcdef"],
        [Decimal(1), Decimal(2), "xy-1234-5678-9012-345678901234", {"ref": str(KEY), "price": Decimal(10)}],
        {"__type__": "date", "__value__": "2026-11-22"},
        float("nan"),
        float("inf"),
        "\ud800",
        {1: 2},
        {Text("abc"): 1},
        object(),
        timedelta(1),
        (1, (KEY,)),
    ],
    ids=lambda part: re.sub(" at 0x.*", "", str(part))[:40],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_is_beside_many_tags_is_written_as_ever_or_refused(dialect, part, first):
    value = [part, *ORDERS] if first else [*ORDERS, part, KEY]

    assert marked(value, dialect) in (None, written(Json(engine="stdlib", dialect=dialect), value))
    assert written(fast(dialect=dialect), value) == written(Json(engine="stdlib", dialect=dialect), value)


@pytest.mark.parametrize("part", [Text("abc"), b"abc", {1, 2}, timedelta(1), (1, 2)], ids=repr)
def test_what_cannot_be_marked_is_copied(part):
    codec = fast(tuples=True)

    assert written_fast(codec, [*ORDERS, part]) == exact([*ORDERS, part], tuples=True)


@pytest.mark.parametrize("levels", range(94, 103))
def test_levels_are_counted_exactly(levels):
    value: Any = KEY
    for _ in range(levels):
        value = [value]
    quick, slow = (written(codec, [*ORDERS, value]) for codec in (fast(), Json(engine="stdlib")))

    # A UUID's tag has two.
    assert (quick, quick is not None) == (slow, levels <= 97)


@pytest.mark.parametrize("levels", [97, 98, 99, 200])
@pytest.mark.parametrize("inside", [False, True])
def test_levels_of_tuples_are_counted_also_where_the_collector_does_not_track_them(levels, inside):
    value: Any = ()
    for _ in range(levels - 1):
        value = (value,)
    for _ in range(levels + 1):  # Each time it finds that one more of them refers to nothing that is tracked.
        gc.collect()
    part = {"a": value} if inside else value

    assert written(fast(), [*ORDERS, part]) == written(Json(engine="stdlib"), [*ORDERS, part])


@MARKS
def test_values_are_counted_exactly():
    # A list, and of each key a dict, two keys of it, a text and a dict of two.
    values, limits = 1 + 7 * 100, Limits(max_nodes=1 + 7 * 100)

    assert marked([KEY] * 100, limits=limits) == exact([KEY] * 100)
    assert marked([KEY] * 100, limits=Limits(max_nodes=values - 1)) is None


@pytest.mark.parametrize("width", [2, 10, 100])
@pytest.mark.parametrize("leaf", [KEY, Decimal(1), 1], ids=["uuid", "decimal", "int"])
@pytest.mark.parametrize("kind", [list, tuple])
def test_parts_that_are_referred_to_again_and_again_are_refused_soon(kind, leaf, width):
    value: Any = kind([leaf, "a"])
    for _ in range(40):
        value = kind([value] * width)
        gc.collect(0)

    assert marked([*ORDERS, value]) is None
    with pytest.raises(EncodeError, match="too many values"):
        fast().dumps([*ORDERS, value], limits=Limits(max_nodes=50_000))


def test_without_the_interpreters_lock_nothing_is_marked(monkeypatch):
    monkeypatch.setattr("satchel.codecs.json_marking._is_locked", lambda: False)

    assert marked(ORDERS) is None
    assert fast().dumps(ORDERS) == exact(ORDERS)


@MARKS
def test_what_another_thread_changes_meanwhile_is_written_as_it_was_at_one_moment():
    one, other = [Decimal(1), KEY] * 60, [UUID(int=1), Decimal(2)] * 60
    value, codec, done = [*one], fast(), threading.Event()

    def change() -> None:
        while not done.is_set():
            for each in (other, one):
                value[:] = each
                for _ in range(20):  # Threads take turns here, too.
                    pass

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    found = set[bytes | None]()
    try:
        for _ in range(200_000):
            found.add(marker(orjson, ormsgpack, codec._more().lower)(value, LIMITS))
            if len(found) > 1:
                break
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)

    assert found == {exact(one), exact(other)}


@MARKS
@pytest.mark.parametrize("kind", [SystemError, StopIteration, IndexError, ValueError])
def test_what_a_signal_raises_while_texts_are_made_comes_out(kind):
    class Interrupting(tzinfo):
        def utcoffset(self, when: datetime | None) -> timedelta:
            signal.raise_signal(signal.SIGTERM)
            return timedelta(0)

        dst = tzname = utcoffset  # type: ignore[assignment]

    def fire(*_: object) -> None:
        raise kind("time is up")

    stamps = [datetime(2026, 11, 22, tzinfo=Interrupting())] * 200
    before = signal.signal(signal.SIGTERM, fire)
    try:
        with pytest.raises(kind, match="time is up"):
            marked(stamps)
    finally:
        signal.signal(signal.SIGTERM, before)


@MARKS
@pytest.mark.parametrize("part", [b"abc", str(KEY), float("nan"), {"__type__": 1}], ids=str)
def test_after_values_that_could_not_be_marked_others_are_not_tried_for_a_while(monkeypatch, part):
    codec = fast()
    write, bad = marker(orjson, ormsgpack, codec._more().lower), [*ORDERS, part]
    tries: list[Any] = []

    def is_within(value: Any, _: Limits) -> bool:
        tries.append(value)
        return True

    monkeypatch.setattr("satchel.codecs.json_marking._is_within", is_within)

    assert [write(bad, LIMITS) for _ in range(20)] == [None] * 20
    assert len(tries) == 3  # 2 and 6 were skipped, and 14 will be.
    assert [write(ORDERS, LIMITS) for _ in range(5)] == [None] * 5
    assert write(ORDERS, LIMITS) == write(ORDERS, LIMITS) == exact(ORDERS)


@MARKS
def test_values_that_take_turns_with_others_that_cannot_be_marked_are_marked_still():
    write = marker(orjson, ormsgpack, fast()._more().lower)

    found = [write(value, LIMITS) for _ in range(200) for value in ([*ORDERS, b"abc"], ORDERS)]

    assert sum(body is not None for body in found) > 50


def test_an_application_is_asked_once_for_each_value():
    asked: list[Own] = []

    def to_plain(own: Own) -> int:
        asked.append(own)
        return 1

    types = Types([TaggedType(Own, "own", to_plain, lambda plain: Own())])

    Json(engine="fast", types=types).dumps([Own(), Decimal(1), ORDERS, [Own()]])

    assert len(asked) == 2


class Own:
    """An application's class."""


class Noted(enum.Enum):
    """An enum with code of its own, which orjson would run while it is in the value."""

    ONE = 1

    @property
    def value(self) -> Any:
        CALLS.append(self)
        return 1


CALLS: list[Noted] = []


def test_no_code_of_an_enum_runs_in_orjson():
    orjson.dumps([Noted.ONE])
    assert CALLS.pop() is Noted.ONE  # It would.

    assert marked([*ORDERS, Noted.ONE]) is None
    assert CALLS == []


@pytest.mark.parametrize("number", [None, "1", 1.5, -1, 1 << 128, 10**50])
def test_a_uuid_whose_number_is_none_is_left_to_the_exact_encoder(number):
    key = UUID(int=1)
    object.__setattr__(key, "int", number)

    assert marked([*ORDERS, key]) is None


def test_a_type_whose_attributes_are_missing_is_left_to_the_exact_encoder():
    empty = UUID.__new__(UUID)

    assert marked([*ORDERS, empty]) is None
