"""JSON: kombu's tags byte for byte, what the two dialects write and refuse, and what neither reads."""

from __future__ import annotations

import enum
import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from satchel import (
    CorruptBody,
    Encoded,
    EncodeError,
    Json,
    Limits,
    MissingDependency,
    Pipeline,
    celery_registry,
    default_registry,
)
from satchel.testing import difference

DEFAULT = Pipeline(["json"], registry=default_registry())
CELERY = Pipeline(["json"], registry=celery_registry())
DIALECTS = pytest.mark.parametrize("pipeline", [DEFAULT, CELERY], ids=["default", "celery"])
ENGINES = pytest.mark.parametrize("engine", ["stdlib", "fast"])
ZONE = timezone(timedelta(hours=5, minutes=30, seconds=7, microseconds=9))


def decode(body: bytes, pipeline: Pipeline = DEFAULT) -> object:
    return pipeline.decode(Encoded(body, "application/json", "utf-8"))


TAGS = [
    (b"text", '{"__type__":"bytes","__value__":"text"}'),
    ("tëxt".encode(), '{"__type__":"bytes","__value__":"tëxt"}'),
    (b"\xff\x00", '{"__type__":"base64","__value__":"/wA="}'),
    (datetime(2001, 2, 3, 4, 5, 6, 7), '{"__type__":"datetime","__value__":"2001-02-03T04:05:06.000007"}'),
    (datetime(1, 1, 1, tzinfo=ZONE), '{"__type__":"datetime","__value__":"0001-01-01T00:00:00+05:30:07.000009"}'),
    (date(2001, 2, 3), '{"__type__":"date","__value__":"2001-02-03"}'),
    (time(4, 5, 6), '{"__type__":"time","__value__":"04:05:06"}'),
    (Decimal("-1.50E+7"), '{"__type__":"decimal","__value__":"-1.50E+7"}'),
    (UUID(int=10), '{"__type__":"uuid","__value__":{"hex":"0000000000000000000000000000000a"}}'),
]


@DIALECTS
@pytest.mark.parametrize(("value", "body"), TAGS)
def test_kombus_seven_tags_are_written_byte_for_byte(pipeline, value, body):
    assert pipeline.encode(value).body == body.encode()
    assert difference(value, decode(body.encode(), pipeline)) is None


@pytest.mark.parametrize(("value", "body"), TAGS)
def test_kombu_writes_the_same_tags(value, body):
    from kombu.utils.json import dumps

    assert json.loads(dumps(value)) == json.loads(body)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (timedelta(1, 2, 3), '{"__type__":"timedelta","__value__":"P1DT2.000003S"}'),
        (-timedelta(1, 2), '{"__type__":"timedelta","__value__":"-P1DT2S"}'),
        (timedelta.min, '{"__type__":"timedelta","__value__":"P-999999999DT0S"}'),
        ({1}, '{"__type__":"set","__value__":[1]}'),
        (frozenset("a"), '{"__type__":"frozenset","__value__":["a"]}'),
        ({"__type__": 1, "__value__": 2}, '{"__type__":"dict","__value__":[["__type__",1],["__value__",2]]}'),
    ],
)
def test_the_default_dialect_has_tags_of_its_own(value, body):
    assert DEFAULT.encode(value).body == body.encode()
    assert difference(value, decode(body.encode())) is None
    with pytest.raises(EncodeError, match="stock Celery worker cannot read"):
        CELERY.encode(value)
    assert difference(value, decode(body.encode(), CELERY)) is None


def test_a_tag_within_a_tag_shaped_dict_stays_what_it_is():
    value = {
        "__type__": {"__type__": "uuid", "__value__": {"hex": "no"}},
        "__value__": [{"__value__": 1, "__type__": "set"}],
    }

    assert DEFAULT.decode(DEFAULT.encode(value)) == value


@pytest.mark.parametrize("value", [{"__type__": "uuid"}, {"__type__": 1, "__value__": 2, "more": 3}, {"__value__": 0}])
def test_a_dict_that_is_nearly_a_tag_is_none(value):
    assert CELERY.decode(CELERY.encode(value)) == value
    assert DEFAULT.encode(value).body == CELERY.encode(value).body


def test_the_refusal_of_celerys_dialect_names_what_would_carry_it():
    with pytest.raises(EncodeError) as raised:
        CELERY.encode({"kwargs": {"waits": [timedelta(1)]}})

    assert raised.value.path == ("kwargs", "waits", 0)
    assert "kwargs.waits[0]" in str(raised.value)
    assert "pickle" in str(raised.value)


# Keys


def test_celerys_dialect_writes_keys_as_stock_producers_do():
    value = {1: "a", 2.5: "b", None: "c", False: "d", float("inf"): "e", float("nan"): "f", -(10**30): "g"}

    assert bytes(CELERY.encode(value).body).decode() == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("value", [{1: "a", "1": "b"}, {None: 1, "null": 2}, {True: 1, "true": 2}, {1.0: 1, "1.0": 2}])
def test_keys_that_become_the_same_text_are_refused(value):
    with pytest.raises(EncodeError, match="same text"):
        CELERY.encode([value])


@pytest.mark.parametrize("key", [b"a", (1,), date(2001, 1, 1), frozenset()])
def test_keys_that_stock_producers_cannot_write_are_refused(key):
    with pytest.raises(EncodeError, match="dict key"):
        CELERY.encode({key: 1})


@pytest.mark.parametrize("key", [1, 2.5, None, True, b"a", (1,)])
def test_the_default_dialect_has_keys_of_str_only(key):
    with pytest.raises(EncodeError, match="keys are str") as raised:
        DEFAULT.encode({"a": [{key: 1}]})

    assert raised.value.path[:2] == ("a", 0)


class Word(str, enum.Enum):
    YES = "yes"


@DIALECTS
def test_a_key_of_a_subclass_of_str_is_written_as_its_text(pipeline):
    assert pipeline.encode({Word.YES: Word.YES}).body == b'{"yes":"yes"}'


# Numbers and texts


@ENGINES
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_celerys_only(engine, value):
    body = json.dumps([value]).encode()
    default, celery = Json(engine=engine), Json(engine=engine, dialect="celery")

    assert celery.dumps([value]) == body
    assert repr(celery.loads(body, limits=Limits())) == repr([value])
    with pytest.raises(EncodeError, match="not a finite number") as raised:
        default.dumps([value])
    assert raised.value.path == (0,)
    with pytest.raises(ValueError, match="Celery's dialect reads it"):
        default.loads(body, limits=Limits())


@ENGINES
@pytest.mark.parametrize("body", [b"1e400", b"[-1e400]", b'{"a": 1E+9999}', b"9" * 400 + b".5"])
def test_a_number_beyond_a_float_is_refused(engine, body):
    with pytest.raises(ValueError, match="beyond"):
        Json(engine=engine).loads(body, limits=Limits())


@ENGINES
@pytest.mark.parametrize("value", [2**63, 2**64, -(2**63) - 1, 10**4299, -(10**4300) + 1, [2**64, {"a": -(2**70)}]])
def test_ints_are_exact(engine, value):
    codec = Json(engine=engine)

    assert codec.loads(codec.dumps(value), limits=Limits()) == value


@DIALECTS
def test_an_int_of_more_than_4300_digits_is_refused(pipeline):
    with pytest.raises(EncodeError) as raised:
        pipeline.encode({"a": [1, 10**4300]})
    assert raised.value.path == ("a", 1)
    with pytest.raises(CorruptBody):
        decode(b"1" * 4301, pipeline)


@DIALECTS
@pytest.mark.parametrize("value", ["\ud800", "a\udfff", ["\ud83d\ude00"[:1]], {"\udc00": 1}])
def test_a_lone_surrogate_is_not_written(pipeline, value):
    with pytest.raises(EncodeError):
        pipeline.encode({"a": value})


@ENGINES
@pytest.mark.parametrize("body", [rb'"\ud800"', rb'["\udc00\ud800"]', rb'{"\uD83D": 1}', rb'"\ud83d\u0041"'])
def test_a_lone_surrogate_is_read_in_celerys_dialect_only(engine, body):
    assert Json(engine=engine, dialect="celery").loads(body, limits=Limits()) == json.loads(body)
    with pytest.raises(CorruptBody, match="surrogate"):
        Json(engine=engine).loads(body, limits=Limits())


@ENGINES
def test_a_pair_of_surrogates_is_one_character(engine):
    assert Json(engine=engine).loads(rb'"\ud83d\ude00"', limits=Limits()) == "\U0001f600"


@pytest.mark.parametrize("option", [{"dialect": "kombu"}, {"engine": "simplejson"}])
def test_an_unknown_option_is_refused(option):
    with pytest.raises(ValueError, match="must be one of"):
        Json(**option)


def test_the_fast_engine_says_what_it_lacks(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "orjson", None)

    with pytest.raises(MissingDependency, match="orjson"):
        Json(engine="fast")
    assert Json().dumps([1]) == b"[1]"


def test_celerys_objects_with_json_methods_are_asked_for_it():
    class Model:
        def __json__(self):
            return {"pk": UUID(int=1)}

    class Circle:
        def __json__(self):
            return self

    assert CELERY.decode(CELERY.encode([Model()])) == [{"pk": UUID(int=1)}]
    with pytest.raises(EncodeError, match="not carried"):
        DEFAULT.encode([Model()])
    with pytest.raises(EncodeError, match="refers to itself"):
        CELERY.encode(Circle())
