"""What goes in comes out, types included: every serializer, engine and compressor, from every buffer (G15)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from satchel import DecodeError, Encoded, Json, Limits, Msgpack, Pickle, Pipeline, Yaml, default_registry
from satchel.testing import difference, identical, random_values, values
from tests.property.applications import REGISTRY, application_values

ROOT = Path(__file__).parents[2]
CODECS: dict[str, Any] = {
    "json-stdlib": Json(engine="stdlib"),
    "json-fast": Json(engine="fast"),
    "json-tuples": Json(tuples=True),
    "json-stdlib-tuples": Json(tuples=True, engine="stdlib"),
    "msgpack-plain": Msgpack(engine="plain"),
    "msgpack-fast": Msgpack(engine="fast"),
    "msgpack-tuples": Msgpack(tuples=True),
    "msgpack-plain-tuples": Msgpack(tuples=True, engine="plain"),
    "yaml": Yaml(),
    "yaml-tuples": Yaml(tuples=True),
    "pickle-4": Pickle(),
    "pickle-5": Pickle(protocol=5),
}
KEEPS_TUPLES = [name for name in CODECS if "tuples" in name or "pickle" in name]
BUFFERS = (bytes, bytearray, memoryview)


def pipeline(codec: Any, registry: Any = REGISTRY, **options: Any) -> Pipeline:
    return Pipeline([codec.name], registry=registry.with_serializer(codec, replace=True), **options)


PIPELINES = {name: pipeline(codec, compression_threshold=0) for name, codec in CODECS.items()}


@pytest.mark.parametrize("name", CODECS)
@given(value=values())
@example({"__type__": "uuid", "__value__": {"hex": "0" * 32}})
@example({"__type__": "dict", "__value__": [["__type__", 1], ["__value__", {"__type__": 2, "__value__": 3}]]})
@example([{"__type__": "set", "__value__": [1]}, {"a": ({1, (2, "b"), frozenset({3})},)}])
def test_a_value_comes_back(name, value):
    encoded = PIPELINES[name].encode(value, serializer=CODECS[name].name)

    for buffer in BUFFERS:
        back = PIPELINES[name].decode(encoded._replace(body=buffer(encoded.body)))
        assert difference(value, back, tuples=name in KEEPS_TUPLES) is None


@pytest.mark.parametrize("name", CODECS)
@given(value=application_values)
def test_an_application_type_comes_back(name, value):
    encoded = PIPELINES[name].encode(value, serializer=CODECS[name].name)

    assert difference(value, PIPELINES[name].decode(encoded), tuples=name in KEEPS_TUPLES) is None


@pytest.mark.parametrize("compression", default_registry().compressors)
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_a_compressed_value_comes_back(serializer, compression):
    both = Pipeline([serializer], accept_compression=[compression], compression_threshold=0)

    @given(value=values(2), buffer=st.sampled_from(BUFFERS), times=st.integers(0, 20))
    def comes_back(value, buffer, times):
        value = [value] * times
        encoded = both.encode(value, serializer=serializer, compression=compression)
        back = both.decode(encoded._replace(body=buffer(encoded.body)))
        assert difference(value, back, tuples=serializer == "pickle") is None

    comes_back()


@pytest.mark.parametrize("name", [name for name in CODECS if "pickle" not in name])
@given(value=values())
def test_encoding_is_deterministic(name, value):
    body = PIPELINES[name].encode(value, serializer=CODECS[name].name).body

    again = PIPELINES[name].encode(
        PIPELINES["pickle-4"].decode(PIPELINES["pickle-4"].encode(value, serializer="pickle")),
        serializer=CODECS[name].name,
    )
    assert again.body == body


SCRIPT = """
import hashlib, sys
from satchel import Pipeline
from satchel.testing import random_values
pipeline = Pipeline(["json"])
for name in ("json", "msgpack", "yaml"):
    digest = hashlib.sha256()
    for value in random_values(400, seed=3):
        value = {"set": {"a", "b", "c", b"d", 1, 2.5, None}, "value": value}
        digest.update(pipeline.encode(value, serializer=name).body)
    print(name, digest.hexdigest())
"""


def test_encoding_is_the_same_in_every_process():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }

    assert len(outputs) == 1


@pytest.mark.parametrize(("left", "right"), [("json-stdlib", "json-fast"), ("msgpack-plain", "msgpack-fast")])
@given(value=values())
def test_the_engines_read_each_other(left, right, value):
    name = CODECS[left].name
    written = [PIPELINES[engine].encode(value, serializer=name) for engine in (left, right)]

    for encoded in written:
        first, second = PIPELINES[left].decode(encoded), PIPELINES[right].decode(encoded)
        assert difference(first, second) is None
        assert difference(value, first, tuples=False) is None


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
TEXTS = st.from_regex(r'"([ -!#-\[\]-~\n\té\x00]|\\["\\/bfnrtux]|\\u[0-9a-fA-F]{4})*"', fullmatch=True)
BODIES = st.one_of(NUMBERS, TEXTS, st.lists(st.one_of(NUMBERS, TEXTS), max_size=3).map(lambda x: f"[{','.join(x)}]"))


@given(body=st.one_of(BODIES, BODIES.map(lambda body: body + " "), st.text(max_size=8)))
def test_both_engines_of_json_read_or_refuse_the_same(body):
    results = []
    for engine in ("json-stdlib", "json-fast"):
        try:
            results.append(CODECS[engine].loads(body.encode("utf-8", "surrogatepass"), limits=Limits()))
        except ValueError as error:
            results.append(type(error))
        except DecodeError as error:
            results.append(type(error))

    assert identical(*results)


def test_ten_thousand_values_come_back():
    for value in random_values(2_000, seed=15):
        for name in ("json-stdlib", "json-fast", "msgpack-plain", "msgpack-fast", "pickle-4"):
            encoded = PIPELINES[name].encode(value, serializer=CODECS[name].name)
            assert difference(value, PIPELINES[name].decode(encoded), tuples=name in KEEPS_TUPLES) is None


def test_an_encoded_value_says_what_it_is():
    for name, codec in CODECS.items():
        encoded = PIPELINES[name].encode([1], serializer=codec.name)

        assert encoded == Encoded(encoded.body, codec.content_type, codec.content_encoding, None)
