"""MessagePack: ext types, ours and others', timestamps, ints of any size, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import msgpack
import pytest

from satchel import CorruptBody, Encoded, EncodeError, LimitExceeded, Limits, Msgpack, Pipeline, celery_registry
from satchel.testing import difference

DEFAULT = Pipeline(["msgpack"])
CELERY = Pipeline(["msgpack"], registry=celery_registry())
ENGINES = pytest.mark.parametrize("engine", ["plain", "fast"])
UTC = timezone.utc


def encode(value: object, pipeline: Pipeline = DEFAULT) -> bytes:
    return bytes(pipeline.encode(value, serializer="msgpack").body)


def decode(body: bytes, pipeline: Pipeline = DEFAULT) -> object:
    return pipeline.decode(Encoded(body, "application/x-msgpack", "binary"))


def ext(code: int, data: bytes) -> bytes:
    body: bytes = msgpack.packb(msgpack.ExtType(code, data))
    return body


@ENGINES
@pytest.mark.parametrize("value", [0, 127, 128, 2**32, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**4299])
def test_ints_are_exact(engine, value):
    codec = Msgpack(engine=engine)

    assert codec.loads(codec.dumps([value, -value]), limits=Limits()) == [value, -value]


def test_an_int_beyond_64_bits_is_not_for_stock_workers():
    with pytest.raises(EncodeError, match="64 bits"):
        encode({"n": 2**64}, CELERY)
    assert decode(encode(2**64), CELERY) == 2**64


@pytest.mark.parametrize("value", [10**4300, -(10**5000)], ids=["positive", "negative"])
def test_an_int_of_more_than_4300_digits_is_refused(value):
    with pytest.raises(EncodeError, match="4,300") as raised:
        encode({"a": [value]})
    assert raised.value.path == ("a", 0)
    with pytest.raises(CorruptBody, match="4,300"):
        decode(ext(81, value.to_bytes(3000, "big", signed=True)))


@pytest.mark.parametrize(
    "value",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1901, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_an_instant_in_utc_is_a_timestamp(value):
    body = encode(value)

    assert difference(value, decode(body)) is None
    assert isinstance(msgpack.unpackb(body), msgpack.Timestamp)


def test_another_offset_is_kept():
    value = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))

    assert difference(value, decode(encode(value))) is None


def test_foreign_ext_types_and_fine_timestamps_pass_through():
    value = [
        msgpack.ExtType(5, b"data"),
        msgpack.Timestamp(1, 1),
        msgpack.Timestamp(-(2**40), 999),
        msgpack.ExtType(0, b""),
    ]

    assert decode(encode(value)) == value
    assert decode(encode({"a": value}), CELERY) == {"a": value}


def test_a_timestamp_beyond_the_calendar_passes_through():
    assert decode(encode(msgpack.Timestamp(2**62, 0))) == msgpack.Timestamp(2**62, 0)


@pytest.mark.parametrize("code", [80, 81, 82, 87])
def test_an_ext_type_with_a_code_of_ours_is_refused(code):
    with pytest.raises(EncodeError, match="own"):
        encode([msgpack.ExtType(code, b"x")])


@pytest.mark.parametrize(
    "value", [datetime(2001, 1, 1), datetime(2001, 1, 1, tzinfo=UTC), Decimal(1), UUID(int=1), timedelta(1), {1}]
)
def test_celerys_dialect_refuses_what_stock_msgpack_lacks(value):
    with pytest.raises(EncodeError, match="stock Celery worker cannot read") as raised:
        encode({"kwargs": {"a": [value]}}, CELERY)

    assert raised.value.path == ("kwargs", "a", 0)
    assert difference(value, decode(encode(value), CELERY)) is None


@ENGINES
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_celerys_only(engine, value):
    body = msgpack.packb([value])
    celery = Msgpack(engine=engine, dialect="celery")

    assert celery.dumps([value]) == body
    assert repr(celery.loads(body, limits=Limits())) == repr([value])
    with pytest.raises(EncodeError, match="not a finite number"):
        Msgpack(engine=engine).dumps([value])
    for narrow in (body, msgpack.packb([value], use_single_float=True)):
        with pytest.raises(CorruptBody, match="finite"):
            Msgpack(engine=engine).loads(narrow, limits=Limits())


@ENGINES
@pytest.mark.parametrize("value", [{"a": "\ud800"}, ["\udfff"], {"\ud800": 1}])
def test_a_lone_surrogate_is_refused_with_its_path(engine, value):
    with pytest.raises(EncodeError) as raised:
        Msgpack(engine=engine).dumps({"x": value})

    assert raised.value.path[0] == "x"


@ENGINES
@pytest.mark.parametrize("value", [bytearray(b"ab"), memoryview(b"ab"), memoryview(b"aXb")[::2]])
def test_a_buffer_is_written_as_bytes(engine, value):
    assert Msgpack(engine=engine).loads(Msgpack(engine=engine).dumps([value]), limits=Limits()) == [bytes(value)]


@ENGINES
def test_a_view_of_wider_items_is_refused(engine):
    with pytest.raises(EncodeError, match="memoryview"):
        Msgpack(engine=engine).dumps([memoryview(b"abcdefgh").cast("I")])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x91",
        b"\x92\x01",
        b"\x01\x01",
        b"\x90\x00",
        b"\xc1",
        b"\xa1\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\x81\x01\x02",  # a key that is an int
        b"\x81\xc4\x01a\x02",  # a key that is bytes
        ext(80, b"set"),  # a mark outside of an array
        b"\x92\x01" + ext(80, b"set"),  # a mark that is not first
        b"\x92" + ext(80, b"set") * 2,
        b"\x91" + ext(80, b"Order"),
        b"\x93" + ext(80, b"Order") + b"\x01\x02",
        b"\x92" + ext(80, b"set") + b"\x90",  # a list in a set
        b"\x92" + ext(80, b"\xff") + b"\x01",
        ext(82, b"yesterday"),
        ext(83, b"\xff"),
        ext(86, b"x"),
        ext(87, b"short"),
        b"\xc7\x03\xff123",  # a timestamp of three bytes
    ],
)
def test_what_is_malformed_is_corrupt(body):
    with pytest.raises(CorruptBody):
        decode(body)


def test_a_key_of_bytes_is_celerys_only():
    body = msgpack.packb({b"a": [1]})

    assert decode(body, CELERY) == {b"a": [1]}
    with pytest.raises(CorruptBody, match="keys are str"):
        decode(body)


def test_an_unknown_mark_says_how_to_register_it():
    with pytest.raises(CorruptBody, match="register_type"):
        decode(b"\x92" + ext(80, b"Order") + b"\x01")


@pytest.mark.parametrize("opener", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xde\x00\x01\xa0"])
@pytest.mark.parametrize("tail", [b"\x00", ext(87, bytes(16))])
def test_the_limit_of_depth_is_exact(opener, tail):
    assert decode(opener * 100 + tail)
    with pytest.raises(LimitExceeded):
        decode(opener * 101 + tail)


@pytest.mark.parametrize("size", [101, 1_000, 2_000, 100_000, 4_000_000])
def test_many_levels_are_refused(size):
    with pytest.raises((LimitExceeded, CorruptBody)):
        decode(b"\x91" * size + b"\x00")


def test_a_text_of_letters_that_open_containers_is_no_depth():
    value = "ü" * 5_000 + "\x90" * 500

    assert decode(encode([value])) == [value]


def test_a_timestamp_that_would_come_back_as_a_datetime_is_refused():
    with pytest.raises(EncodeError, match="send the datetime"):
        Pipeline([]).encode([msgpack.Timestamp(5, 0)], serializer="msgpack")


def test_an_ext_type_of_the_fast_library_is_no_way_around_the_reserved_codes():
    ormsgpack = pytest.importorskip("ormsgpack")

    with pytest.raises(EncodeError, match="is not carried"):
        Pipeline([]).encode([ormsgpack.Ext(80, b"set"), 1, 2], serializer="msgpack")
