"""Celery's dialect: what it writes, kombu reads as the equal value; what kombu writes, it reads as kombu does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from kombu import serialization as kombu

from satchel import Encoded, EncodeError, Json, Pipeline, Yaml, celery_registry
from satchel.testing import AWKWARD, difference, values
from satchel.testing.comparing import equal

SERIALIZERS = ("json", "msgpack", "yaml", "pickle")
REGISTRY = celery_registry()
PIPELINES = {name: Pipeline([name], registry=REGISTRY) for name in SERIALIZERS}
ENGINES = {
    engine: Pipeline(["json"], registry=REGISTRY.with_serializer(Json(dialect="celery", engine=engine), replace=True))
    for engine in ("stdlib", "fast")
}
TRUST = {"application/json", "application/x-msgpack", "application/x-yaml", "application/x-python-serialize"}

#: An offset that kombu writes, and reads as UTC.
SUBSECOND_OFFSET = re.compile(rb'[+-]00:00:00\.\d{6}"')

#: What stock producers send: keys of other types, NaN and infinities, lone surrogates among it.
scalars = st.one_of(values(0), st.floats(), st.text(), st.sampled_from([float("nan"), float("inf"), -float("inf")]))
keys = st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())
stock_values = st.recursive(
    scalars,
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.tuples(children, children),
        st.dictionaries(st.text(max_size=8), children, max_size=4),
        st.dictionaries(keys, children, max_size=3),
    ),
    max_leaves=8,
)


def kombu_loads(encoded: Any) -> Any:
    return kombu.loads(bytes(encoded.body), encoded.content_type, encoded.content_encoding, accept=TRUST)


@pytest.mark.parametrize("name", SERIALIZERS)
@given(value=values())
def test_kombu_reads_what_is_written(name, value):
    try:
        encoded = PIPELINES[name].encode(value, serializer=name)
    except EncodeError:
        assume(name != "pickle")
        return

    read = kombu_loads(encoded)

    assert difference(value, read, tuples=name == "pickle") is None
    assert difference(value, PIPELINES[name].decode(encoded), tuples=name == "pickle") is None


@pytest.mark.parametrize("engine", ENGINES)
@given(value=stock_values)
@example({1: "a", 2.5: "b", None: "c", False: "d"})
@example([float("nan"), -0.0, 1e16, 1e-7])
def test_json_is_what_kombu_would_have_written(engine, value):
    try:
        encoded = ENGINES[engine].encode(value)
    except EncodeError:
        return

    written = json.loads(kombu.dumps(value, serializer="json")[2])
    assert difference(written, json.loads(bytes(encoded.body))) is None


@pytest.mark.parametrize("name", SERIALIZERS)
@given(value=stock_values)
@example([["same"] * 2] * 3)
@example({"x": b"bytes", "y": b"\xff"})
def test_what_kombu_writes_is_read_as_kombu_reads_it(name, value):
    try:
        content_type, content_encoding, body = kombu.dumps(value, serializer=name)
        expected = kombu.loads(body, content_type, content_encoding, accept=TRUST)
    except Exception:  # noqa: BLE001  # kombu's own, of many kinds
        return  # a stock producer cannot send it, or a stock worker not read it

    body = body.encode() if isinstance(body, str) else body
    assume(not SUBSECOND_OFFSET.search(body))
    encoded = Encoded(body, content_type, content_encoding)
    assert difference(expected, PIPELINES[name].decode(encoded)) is None


@given(value=st.recursive(st.integers(0, 3), lambda c: st.one_of(st.lists(c), st.dictionaries(st.text(max_size=2), c))))
def test_aliases_of_stock_yaml_are_read(value):
    twice = [value, {"again": value, "and": [value]}]
    content_type, content_encoding, body = kombu.dumps(twice, serializer="yaml")

    assert PIPELINES["yaml"].decode(Encoded(body.encode(), content_type, content_encoding)) == twice


@pytest.mark.parametrize("name", SERIALIZERS)
@pytest.mark.parametrize("value", [v for v in AWKWARD if not isinstance(v, dict)], ids=lambda v: type(v).__name__)
def test_an_awkward_value_is_refused_or_read_by_kombu_as_it_was(name, value):
    try:
        encoded = PIPELINES[name].encode([value], serializer=name)
    except EncodeError:
        return

    (read,) = kombu_loads(encoded)
    same = difference(value, read, tuples=False) is None or equal(value, read)
    # What __json__ gives is what a stock producer would have sent.
    assert same or (name == "json" and read == value.__json__())


def test_the_dialect_is_that_of_the_registry():
    assert REGISTRY.serializer("yaml") == Yaml.celery()
