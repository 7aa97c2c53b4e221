"""Damaged bodies: a DecodeError, or a value that is equal to a re-encode of itself; never another error (G6)."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satchel import DecodeError, Encoded, EncodeError, Pipeline, celery_registry
from satchel.testing import difference, random_values
from satchel.testing.codec import flips, mutants
from tests.hostile.bodies import settled
from tests.property.applications import REGISTRY, Colour, Key, Level, Model, Order, Point, Struct
from tests.property.test_round_trip import CODECS, PIPELINES

#: More with `--hypothesis-profile=thorough`.
COUNT = 15 * settings().max_examples

VALUES: list[Any] = [
    *random_values(60, seed=6),
    [7, {"eta": None, "args": [1, 2.5, "x"], "kwargs": {"a": {"b": True}}}],
    [Colour.RED, Level.HIGH, Point(1, [2]), Key((1, "a")), Order([1], Decimal(2), {3})],
    {"struct": Struct("a", Point(1)), "model": Model(name="b", value=[None])},
]
BODIES = {
    name: [bytes(PIPELINES[name].encode(value, serializer=codec.name).body) for value in VALUES]
    for name, codec in CODECS.items()
}


def check(name: str, body: bytes) -> None:
    """Decode a body; what it gives must be equal to a re-encode."""
    codec, pipeline = CODECS[name], PIPELINES[name]
    encoded = Encoded(body, codec.content_type, codec.content_encoding)
    try:
        value = pipeline.decode(encoded)
    except DecodeError:
        return
    try:
        assert settled(pipeline, encoded, value) is None, body
    except EncodeError as error:
        # Both dialects of YAML read the keys that Celery's writes.
        if codec.name != "yaml" or "a dict key of type" not in str(error):
            raise


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_a_mutant_is_refused_or_settled(name, data):
    body = bytearray(data.draw(st.sampled_from(BODIES[name])))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))

    check(name, bytes(body))


@pytest.mark.parametrize("name", CODECS)
def test_many_mutants_are_refused_or_settled(name):
    for body in mutants(BODIES[name], COUNT, Random(name)):
        check(name, body)


@pytest.mark.parametrize("name", CODECS)
def test_flipped_bits_are_refused_or_settled(name):
    for body in BODIES[name][-3:]:
        for damaged in flips(body, 500):
            check(name, damaged)


@pytest.mark.parametrize("name", CODECS)
@given(body=st.binary(max_size=60))
def test_garbage_is_refused_or_check(name, body):
    check(name, body)


@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_mutants_do_no_harm_in_celerys_dialect(serializer):
    pipeline = Pipeline([serializer], registry=celery_registry())
    bodies, content = [], None
    for value in VALUES[:60]:
        try:
            content = pipeline.encode(value, serializer=serializer)
        except EncodeError:
            continue
        bodies.append(bytes(content.body))
    assert content is not None
    for body in mutants(bodies, COUNT, Random(7)):
        try:
            value = pipeline.decode(content._replace(body=body))
            again = pipeline.decode(pipeline.encode(value, serializer=serializer))
        except (DecodeError, EncodeError):  # It reads more than it writes: NaN, lone surrogates, keys of other types.
            continue
        assert difference(value, again) is None, body


def test_the_registry_of_these_tests_is_not_that_of_the_process():
    assert REGISTRY.types
    assert not celery_registry().types
