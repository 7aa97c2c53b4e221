"""G3: every truncation, at every byte, of compressed bodies, msgpack, pickle, JSON objects and arrays is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satchel import DecodeError, Encoded, Pipeline, default_registry
from satchel.testing import random_values, values
from tests.hostile.bodies import COMPRESSORS, packed, pipeline
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.serializers import SERIALIZERS, carried, pipeline_of
from tests.hostile.streams import CONFIGURED, Configuration, noise, records, skippable

LEAST = 200


def survivors(reader: Pipeline, encoded: Encoded) -> tuple[int, list[int]]:
    """Cut a body at every byte; give how many cuts there are, and those that leave what is decoded."""
    body = bytes(encoded.body)
    assert len(body) >= LEAST
    decoded = []
    for length in range(len(body)):
        try:
            reader.decode(encoded._replace(body=body[:length]))
        except DecodeError:
            continue
        decoded.append(length)
    return len(body), decoded


# Compressed bodies


@pytest.mark.parametrize("case", CONFIGURED, ids=repr)
def test_every_truncation_of_a_compressed_body_is_refused(case: Configuration, figures: Figures) -> None:
    reader = pipeline(registry=case.registry)

    # Records and noise make other kinds of blocks; zeros end in one long match.
    bodies = [noise(180, 1) + records(400) + bytes(3_000)]
    for body in bodies + ([noise(250, 1), records(1_500), noise(260, 2) + bytes(100_000)] if THOROUGH else []):
        message = packed(case.compressor, case.write(body))
        assert reader.decode(message) == body
        cuts, decoded = survivors(reader, message)
        assert decoded == between_streams(case, body)
        figures("G3", cuts, [cuts])


def between_streams(case: Configuration, body: bytes) -> list[int]:
    """Where whole streams remain: with the option for several, they are a shorter body, and no reader can tell."""
    if "two streams" not in case.kind:
        return []
    codec = default_registry().compressor(case.compressor)
    end = len(codec.compress(body[: len(body) // 2]))
    if case.kind == "two streams":
        return [end]
    # A skippable frame, or the padding of .xz, is whole or it is not.
    return [end, end + len(skippable())] if case.compressor == "zstd" else [end, end + 4, end + 8]


@pytest.mark.parametrize("case", [case for case in CONFIGURED if "two streams" in case.kind], ids=repr)
def test_what_remains_of_several_streams_is_still_no_message(case: Configuration, figures: Figures) -> None:
    reader = pipeline(registry=case.registry)
    message = reader.encode([records(2_000).decode()])
    compressed = message._replace(
        body=case.write(bytes(message.body)), compression=default_registry().compressor(case.compressor).content_type
    )

    assert reader.decode(compressed) == reader.decode(message)
    cuts, decoded = survivors(reader, compressed)
    assert decoded == []
    figures("G3", cuts, [cuts])


@pytest.mark.parametrize("serializer", ["json", "msgpack", "pickle", "yaml"])
@pytest.mark.parametrize("compression", COMPRESSORS)
def test_every_truncation_of_a_compressed_message_is_refused(
    serializer: str, compression: str, figures: Figures
) -> None:
    value = [value for value in random_values(150, seed=3) if len(repr(value)) < 60]
    message = pipeline().encode(value, serializer=serializer, compression=compression)

    assert message.compression is not None
    cuts, decoded = survivors(pipeline(), message)
    assert decoded == []
    figures("G3", cuts, [cuts])


# Serialized bodies

each = pytest.mark.parametrize("name", SERIALIZERS)


def containers(value: Any) -> Iterator[Any]:
    """Put a value, as often as makes a body long enough, into a list, a dict, and deep into reader."""
    many = [value] * max(1, 2 * LEAST // len(repr(value)))
    many.append("x" * LEAST)
    yield many
    yield {f"key {number}": item for number, item in enumerate(many)}
    yield {"a": [{"b": [many]}]}


def check(name: str, value: Any, figures: Figures | None = None) -> None:
    codec, reader = SERIALIZERS[name], pipeline_of(name)
    message = reader.encode(value, serializer=codec.name)
    reader.decode(message)
    cuts, decoded = survivors(reader, message)
    assert decoded == [], bytes(message.body)
    if figures:
        figures("G3", cuts, [cuts])


@each
def test_every_truncation_of_a_made_up_message_is_refused(name: str, figures: Figures) -> None:
    made = [carried(name, value) for value in random_values(600 if THOROUGH else 80, seed=7)]
    # A number of 4,300 digits is cut 4,300 times.
    made = [value for value in made if THOROUGH or len(repr(value)) < 400]

    for start in range(0, len(made), 20):
        some = made[start : start + 20]
        check(name, some, figures)
        check(name, {f"ключ {n}": value for n, value in enumerate(some)}, figures)


@each
def test_every_truncation_of_what_ends_alike_is_refused(name: str, figures: Figures) -> None:
    # What stands last is where a reader could be content with less.
    lasts: list[Any] = [12345, 1.5e300, "text", "é", True, None, [], {}, [[]], "", b"ab", -1, "\\", '"', 2**70]
    for last in lasts:
        value = carried(name, last)
        check(name, ["x" * LEAST, value], figures)
        check(name, {"x": "y" * LEAST, "z": value}, figures)


@each
@settings(max_examples=200 if THOROUGH else 4)
@given(data=st.data())
def test_every_truncation_of_any_message_is_refused(name: str, data: Any) -> None:
    value = carried(name, data.draw(values().filter(lambda value: len(repr(value)) < 1000)))

    for whole in containers(value):
        check(name, whole)


def test_every_truncation_of_foreign_json_is_refused(figures: Figures) -> None:
    spaced = b' { "a" : [ 1 , 2.50 , -0 , 1e5 , true , false , null ] ,\n\t"b" : "\\u00e9\\ud83d\\ude00\\n" } '
    body = b"[" + b",".join([spaced] * 3) + b"]"

    for name in SERIALIZERS:
        if name.startswith("json"):
            cuts, decoded = survivors(pipeline_of(name), pipeline().encode(None)._replace(body=body))
            assert decoded == []
            figures("G3", cuts, [cuts])


def test_the_text_of_a_number_may_be_cut() -> None:
    # Outside of containers, JSON does not say where a number ends: this is not promised, and no reader could.
    assert [pipeline().decode(Encoded(body, "application/json", "utf-8")) for body in (b"123", b"12")] == [123, 12]
