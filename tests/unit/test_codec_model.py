"""The value model: one table for json, msgpack, yaml and pickle; what is not of it is refused, by its path."""

from __future__ import annotations

import array
import enum
from collections import OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from satchel import EncodeError, Json, Msgpack, Pickle, Pipeline, Yaml, Zstd, celery_registry, default_registry
from satchel.testing import difference

NAMES = ("json", "msgpack", "yaml", "pickle")
EVERY = pytest.mark.parametrize("name", NAMES)
PIPELINE = Pipeline(NAMES)


def back(name, value, pipeline=PIPELINE):
    return pipeline.decode(pipeline.encode(value, serializer=name))


MODEL: list[Any] = [
    None,
    True,
    False,
    *(0, -1, 2**64, -(2**64), 10**4300 - 1),
    *(0.0, -0.0, 1e16, 5e-324, 1.7976931348623157e308),
    *("", "\0\x1b\x7f\x85\u2028\ufeff\uffff\U0010ffff", "null", "1e16", "2001-01-01", "<<", "=", "0x1f"),
    *(b"", b"text", b"\xff\xfe", bytes(range(256))),
    *([], [[], [None]], {}, {"": {"a": []}}),
    *(set(), {1, "1", b"1", None, 2.5, (1, ("a",)), frozenset({2})}, frozenset(), frozenset({frozenset()})),
    *(datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999_999)),
    datetime(2001, 2, 3, tzinfo=timezone.utc),
    datetime(1, 1, 1, tzinfo=timezone(-timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999))),
    datetime(2001, 2, 3, tzinfo=timezone(timedelta(microseconds=1))),
    time(1, tzinfo=timezone(-timedelta(microseconds=1))),
    *(date.min, date.max, time.min, time.max, time(1, 2, 3, 4, timezone(timedelta(hours=-3, minutes=-30)))),
    *(timedelta(0), timedelta.min, timedelta.max, timedelta.resolution, -timedelta.resolution),
    *(Decimal("-0"), Decimal("1.00"), Decimal("1E+999999"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")),
    *(UUID(int=0), UUID(int=2**128 - 1)),
    {"__type__": "uuid", "__value__": {"hex": "0" * 32}},
]


@EVERY
@pytest.mark.parametrize("value", MODEL, ids=lambda value: type(value).__name__)
def test_every_serializer_carries_the_model(name, value):
    assert difference(value, back(name, value)) is None
    assert difference({"a": [value, value]}, back(name, {"a": [value, value]})) is None


@pytest.mark.parametrize("codec", [Json, Msgpack, Yaml])
def test_a_tuple_is_a_list_unless_the_option_keeps_it(codec):
    name = codec.name
    keeping = Pipeline([name], registry=default_registry().with_serializer(codec(tuples=True), replace=True))
    value = (1, ("a", ()), [(2,)], {"k": (3,)})

    assert back(name, value) == [1, ["a", []], [[2]], {"k": [3]}]
    assert difference(value, back(name, value, keeping)) is None


def test_pickle_keeps_tuples():
    assert back("pickle", (1, (2,))) == (1, (2,))


class Level(enum.IntEnum):
    HIGH = 2


class Plain(enum.Enum):
    A = 1


class Word(str, enum.Enum):
    YES = "yes"


class Safe(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Later(datetime):
    pass


class Nanoseconds(datetime):
    """A datetime that is more than one, as pandas has it."""

    def __eq__(self, other: object) -> bool:
        return type(other) is Nanoseconds

    __hash__ = datetime.__hash__


@EVERY
@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Level.HIGH, 2),
        (Word.YES, "yes"),
        (Safe("a"), "a"),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Later(2001, 1, 1), datetime(2001, 1, 1)),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        ({Safe("k"): 1}, {"k": 1}),
    ],
)
def test_a_subclass_is_written_as_the_base_value_that_it_equals(name, value, base):
    assert back(name, [value]) == [base] == [value]
    assert difference([base], back(name, [value])) is None


@EVERY
@pytest.mark.parametrize(
    "value",
    [
        *(1 + 2j, Fraction(1, 2), range(3), deque(), array.array("i"), object(), int, len, ..., iter(()), {}.keys()),
        *(Nanoseconds(2001, 1, 1), memoryview(b"abcd").cast("I"), Plain.A),
        *(float("nan"), float("inf"), 10**4300),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_of_the_model_is_refused_by_its_path(name, value):
    for place, path in (
        ({"args": [1, (2, {"kwargs": [value]})]}, ("args", 1, 1, "kwargs", 0)),
        ([{"not a name": value}], (0, "not a name")),
    ):
        with pytest.raises(EncodeError) as raised:
            PIPELINE.encode(place, serializer=name)

        assert raised.value.path == path
        assert raised.value.codec == name
    assert "[0]['not a name']" in str(raised.value)


@EVERY
def test_a_zone_is_kept_as_its_offset(name):
    value = datetime(2001, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    (result,) = back(name, [value])

    assert result == value
    assert result.utcoffset() == timedelta(hours=2)


class NoOffset(tzinfo):
    def utcoffset(self, dt):
        return None

    tzname = dst = utcoffset


class Fails(tzinfo):
    def utcoffset(self, dt):
        raise RuntimeError("no such zone")

    tzname = dst = utcoffset


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml"])
@pytest.mark.parametrize("value", [time(1, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2001, 1, 1, tzinfo=NoOffset())])
def test_a_zone_without_an_offset_is_refused(name, value):
    with pytest.raises(EncodeError, match="no offset") as raised:
        PIPELINE.encode({"a": [value]}, serializer=name)

    assert raised.value.path == ("a", 0)


@EVERY
def test_a_zone_that_fails_is_an_encode_error(name):
    with pytest.raises(EncodeError):
        PIPELINE.encode({"a": [datetime(2001, 1, 1, tzinfo=Fails())]}, serializer=name)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2001, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
        time(1, tzinfo=timezone(timedelta(microseconds=-5))),
    ],
)
def test_celerys_dialect_refuses_an_offset_that_stock_workers_misread(value):
    with pytest.raises(EncodeError, match="less than a second for UTC"):
        Pipeline(["json"], registry=celery_registry()).encode([value])


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml"])  # pickle writes identity
def test_an_encoded_set_does_not_depend_on_its_order(name):
    left, right = {8, 0, "a", "b", (1, 2)}, {(1, 2), "b", "a", 0, 8}

    assert PIPELINE.encode([left], serializer=name).body == PIPELINE.encode([right], serializer=name).body


@pytest.mark.parametrize("codec", [Json(), Msgpack(), Yaml(), Pickle()])
def test_a_codec_is_a_frozen_configuration(codec):
    assert codec == type(codec)()
    assert hash(codec) == hash(type(codec)())
    with pytest.raises(AttributeError):
        codec.types = ()
    with pytest.raises(AttributeError):
        codec.name = "other"
    assert repr(codec).startswith(type(codec).__name__)
    assert "_lower" not in repr(codec)


@pytest.mark.parametrize(
    ("serializer", "value", "cure"),
    [
        ("json", {1}, "send it with yaml or pickle"),
        ("json", {"__type__": 1, "__value__": 2}, "send it with msgpack or yaml or pickle"),
        ("msgpack", 2**70, "an int beyond 64 bits in msgpack"),
        ("msgpack", 2**70, "send it with json or yaml or pickle"),
        ("yaml", UUID(int=1), "send it with json or pickle"),
        ("json", timedelta(1), "send it with pickle"),
    ],
)
def test_celerys_dialect_says_what_would_carry_a_value(serializer, value, cure):
    with pytest.raises(EncodeError, match=cure):
        Pipeline([], registry=celery_registry).encode([value], serializer=serializer)


def test_an_application_type_is_told_to_go_as_a_plain_value_to_stock_workers():
    registry = celery_registry().with_type(Parcel, "plain", lambda _: 1, lambda _: Parcel())

    for serializer in ("json", "pickle"):
        with pytest.raises(EncodeError, match="a plain value in its place"):
            Pipeline([], registry=registry).encode(Parcel(), serializer=serializer)


class Parcel:
    pass


@pytest.mark.parametrize(
    ("cls", "options"),
    [(Json, {"tuples": 1}), (Yaml, {"aliases": "no"}), (Json, {"types": ()}), (Zstd, {"checksum": 0})],
)
def test_an_option_of_another_type_is_refused(cls, options):
    with pytest.raises(TypeError, match=next(iter(options))):
        cls(**options)


def test_a_subclass_of_what_json_has_is_not_asked_for_another_form():
    class Odd(dict):
        def __json__(self):
            return "hidden"

    assert Pipeline([], registry=celery_registry).encode(Odd(a=1)).body == b'{"a":1}'


def test_what_an_application_raises_is_told_with_its_place():
    registry = default_registry().with_type(Parcel, "plain", lambda _: 1 // 0, lambda _: Parcel())

    with pytest.raises(EncodeError, match=r"raised ZeroDivisionError: .* at a\[1\]"):
        Pipeline([], registry=registry).encode({"a": [0, Parcel()]})
