"""JSON bodies with many tags: these are cut out, and what is read is what the exact decoder reads, or its refusal."""

from __future__ import annotations

import signal
from random import Random
from typing import Any

import msgspec
import pytest

from satchel import DecodeError, Encoded, Json, Limits, Pipeline, default_registry
from satchel.codecs.base import TaggedType, Types
from satchel.codecs.json_bounds import SMALL
from satchel.codecs.json_reading import UNREAD, cutter, restorer
from satchel.testing import difference
from satchel.testing.codec import mutants
from tests.unit.json_writing import DIALECTS, LIMITS

TAGS = [
    '{"__type__": "datetime", "__value__": "2026-11-22T08:00:00.000001+00:00"}',
    '{"__type__":"datetime","__value__":"2026-11-22T08:00:00+05:30"}',
    '{"__type__":"date", "__value__":"2026-11-22"}',
    '{"__type__": "time","__value__": "08:00:00"}',
    '{"__type__": "timedelta", "__value__": "P1DT2S"}',
    '{"__type__": "decimal", "__value__": "129.90"}',
    '{"__type__": "uuid", "__value__": {"hex": "0123456789abcdef0123456789abcdef"}}',
    '{"__type__": "bytes", "__value__": "abc"}',
    '{"__type__": "base64", "__value__": "/w=="}',
]
FILLING = ", ".join(f'{{"id": {index}, "at": {tag}, "share": {index}.5}}' for index, tag in enumerate(TAGS * 12))
TAG = TAGS[5]
#: As the reader puts it in the place of a tag.
PLACE = "-0.00000000000000000E-9"


def body(part: str) -> bytes:
    """Give a body that is long enough to be cut, with something in it."""
    return f"[{FILLING}, {part}, {FILLING}]".encode()


def pipeline(engine: Any, dialect: Any = "satchel", limits: Limits = LIMITS) -> Pipeline:
    codec = Json(engine=engine, dialect=dialect)
    return Pipeline(["json"], registry=default_registry().with_serializer(codec, replace=True), limits=limits)


def outcome(pipeline: Pipeline, body: bytes) -> Any:
    try:
        return pipeline.decode(Encoded(body, "application/json", "utf-8"))
    except DecodeError as error:
        return type(error)


def same(first: Any, second: Any) -> bool:
    return first is second if isinstance(first, type) else difference(first, second) is None


def cut(body: bytes, limits: Limits = LIMITS) -> Any:
    read = cutter(msgspec, Types(), restorer("json", Types()))
    assert read

    return read(body, limits)


@DIALECTS
def test_tags_are_cut_out_and_their_values_are_in_their_places(dialect):
    text = body("1e5, -0, 12345678901234567890123, 0.1e-5")
    assert len(text) > SMALL

    assert cut(text) is not UNREAD
    assert same(outcome(pipeline("fast", dialect), text), outcome(pipeline("stdlib", dialect), text))


@pytest.mark.parametrize(
    "part",
    [
        *TAGS,
        # Containers and others that hold tags, or look like one.
        f'{{"__type__": "set", "__value__": [{TAGS[2]}, {TAGS[4]}]}}',
        f'{{"__type__": "tuple", "__value__": [{TAG}, {{"__type__": "frozenset", "__value__": [{TAG}]}}]}}',
        '{"__type__": "dict", "__value__": [["__type__", "date"], ["__value__", "2026-11-22"]]}',
        '{"__type__": "bigint", "__value__": "1"}',
        '{"__value__": "2026-11-22", "__type__": "date"}',
        '{"__type__": "date", "__value__": "2026-11-22", "other": 1}',
        '{"__type__": "date"}',
        '{"__type__": "uuid", "__value__": {"hex": "0123456789ABCDEF0123456789ABCDEF"}}',
        '{"__type__": "uuid", "__value__": {"hex": "01234567-89ab-cdef-0123-456789abcdef"}}',
        '{"__type__": "uuid", "__value__": "0123456789abcdef0123456789abcdef"}',
        '{"__type__": "date", "__value__": "2026-11-22", "__value__": "2026-11-23"}',
        f'{{"a": {TAG}, "a": {TAGS[0]}}}',
        f'{{"__type__": "date", "__value__": {TAGS[2]}}}',
        f'{{"__type__": {TAG}, "__value__": 1}}',
        '{"\\u005f_type__": "date", "__value__": "2026-11-22"}',
        '{"__type__": "bytes", "__value__": "a\\u0062\\n"}',
        '{"__type__": "bytes", "__value__": "\u00e9"}',
        # What holds something else.
        '{"__type__": "date", "__value__": "yesterday"}',
        '{"__type__": "decimal", "__value__": ""}',
        '{"__type__": "base64", "__value__": "?"}',
        '{"__type__": "shop.Order", "__value__": "1"}',
        '{"__type__": "time", "__value__": 1}',
        # What is no JSON; some of it would be, with a number for the tag.
        f'"abc{TAG}def"',
        f'"abc{TAG}',
        f'"abc, {TAG}, "',
        f'"abc\\{TAG}"',
        f"1{TAG}",
        f"{TAG}1",
        f"-{TAG}",
        f"1{TAG}, 2",
        f"1e{TAG}",
        f'{{{TAG}: 1}}',
        f"{TAG}{TAG}",
        f"tru{TAG}e",
        f"{TAG},",
        '{"__type__": "decimal", "__value__": "1\n"}',
        '{"__type__": "datetime", "__value__": "2026-11-22\n08:00:00"}',
        '{"__type__": "bytes", "__value__": "\x00"}',
        # In a string of its own, and in one that ends there.
        '"{\\"__type__\\": \\"date\\", \\"__value__\\": \\"2026-11-22\\"}"',
        '"\\\\", ' + TAG,
        f'"a\\"", {TAG}',
        # Numbers.
        "1e400",
        "-1e400",
        "NaN",
        "-Infinity",
        "01.5",
        "1.",
        PLACE,
        f'"{PLACE}", {TAG}',
        f'"abc{TAG}", {PLACE}',
        f'{PLACE}, "abc{TAG}"',
        "-0.0",
        "1" * 5_000,
    ],
)  # fmt: skip
@DIALECTS
def test_what_is_beside_many_tags_is_read_or_refused_as_ever(dialect, part):
    quick, exact = (outcome(pipeline(engine, dialect), body(part)) for engine in ("fast", "stdlib"))

    assert same(quick, exact), (quick, exact)


def test_what_is_no_utf8_is_refused():
    assert outcome(pipeline("fast"), body('"abc"').replace(b"abc", b"\xff")) is outcome(pipeline("stdlib"), b'"\xff"')


@pytest.mark.parametrize("leaf", [*TAGS, "1"])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 100])
def test_levels_are_counted_exactly(most, leaf):
    for levels in range(max(most - 4, 0), most + 2):
        text = body("[" * levels + leaf + "]" * levels)
        quick, exact = (outcome(pipeline(each, limits=Limits(max_depth=most)), text) for each in ("fast", "stdlib"))
        assert same(quick, exact), levels


def test_values_are_counted_exactly():
    text = f"[{', '.join(TAGS[:6] * 30)}]".encode()
    values = 1 + 6 * 30 * 5

    assert type(outcome(pipeline("fast", limits=Limits(max_nodes=values)), text)) is list
    assert outcome(pipeline("fast", limits=Limits(max_nodes=values - 1)), text).__name__ == "LimitExceeded"


@DIALECTS
def test_mutants_are_read_or_refused_as_ever(dialect):
    quick, exact = (pipeline(engine, dialect) for engine in ("fast", "stdlib"))
    seeds = [body('"a\\\\", {"b": [null, true]}, "{"'), f"[{', '.join(TAGS * 9)}]".encode()]

    for mutant in mutants(seeds, 4_000, Random(f"cut {dialect}")):
        assert same(outcome(quick, mutant), outcome(exact, mutant)), mutant


def test_few_tags_and_many_floats_are_left_to_the_walk():
    assert cut(f"[{TAG}, {', '.join(['1'] * 2_000)}]".encode()) is UNREAD
    assert cut(f"[{', '.join([TAG, *['1.5'] * 10] * 50)}]".encode()) is UNREAD
    assert cut(f"[{', '.join([TAG, *['15'] * 10] * 50)}]".encode()) is not UNREAD


def test_a_tag_that_an_application_has_taken_is_the_applications():
    types = Types([TaggedType(str, "date", str, lambda plain: f"own {plain}")])

    assert cutter(msgspec, types, restorer("json", types)) is None


def test_equal_keys_are_found_beside_many_tags():
    codec = Json(engine="fast", unique_keys=True)
    unique = Pipeline(["json"], registry=default_registry().with_serializer(codec, replace=True))

    assert outcome(unique, body(f'{{"a": {TAG}, "a": 1}}')).__name__ == "CorruptBody"


class Interrupted:
    """Stands for msgspec's JSON. A signal comes as soon as a value is to be put in its place."""

    MsgspecError = msgspec.MsgspecError

    class Decoder:
        def __init__(self, float_hook: Any = None) -> None:
            def interrupted(text: str) -> Any:
                signal.raise_signal(signal.SIGTERM)
                return float_hook(text)

            self.decode = msgspec.json.Decoder(float_hook=float_hook and interrupted).decode

    @property
    def json(self) -> Interrupted:
        return self


@pytest.mark.parametrize("kind", [TimeoutError, ValueError, TypeError, KeyError])
def test_what_a_signal_raises_while_values_are_put_in_their_places_comes_out(kind):
    def fire(*_: object) -> None:
        raise kind("time is up")

    read = cutter(Interrupted(), Types(), restorer("json", Types()))
    assert read
    before = signal.signal(signal.SIGTERM, fire)
    try:
        with pytest.raises(kind, match="time is up"):
            read(body("1"), Limits())
    finally:
        signal.signal(signal.SIGTERM, before)
