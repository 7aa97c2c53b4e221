"""JSON bodies that are not what they say: malformed, tags that hold something else, levels without end."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import pytest

from satchel import CorruptBody, Encoded, Json, LimitExceeded, Limits, Pipeline, celery_registry, default_registry

DEFAULT = Pipeline(["json"], registry=default_registry())
CELERY = Pipeline(["json"], registry=celery_registry())
DIALECTS = pytest.mark.parametrize("pipeline", [DEFAULT, CELERY], ids=["default", "celery"])


def decode(body: bytes, pipeline: Pipeline = DEFAULT) -> object:
    return pipeline.decode(Encoded(body, "application/json", "utf-8"))


@DIALECTS
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[1",
        b"[1]]",
        b"{}{}",
        b"[1]\0",
        b"[1,]",
        b"01",
        b"'a'",
        b"{a: 1}",
        b"[1] x",
        b"\xef\xbb\xbf[1]",
        b'"\n"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        "[1]".encode("utf-16"),
        "[1]".encode("utf-32-le"),
        b"nulll",
        b'{"a" 1}',
        b"\x0b1",
    ],
)
def test_what_is_not_json_is_refused(pipeline, body):
    with pytest.raises(CorruptBody):
        decode(body, pipeline)


@pytest.mark.parametrize(
    "held",
    [
        ("uuid", {"hex": "x"}, "uuid"),
        ("uuid", {"int": 1}, "hex"),
        ("uuid", "0" * 32, "hex"),
        ("datetime", 1, "text"),
        ("datetime", "yesterday", "datetime"),
        ("decimal", 1.5, "text"),
        ("decimal", "x", "decimal"),
        ("base64", "*", "base64"),
        ("base64", "a", "base64"),
        ("bytes", [1], "bytes"),
        ("set", {"a": 1}, "list"),
        ("set", [[1]], "unhashable"),
        ("set", [{"a": 1}], "unhashable"),
        ("dict", [[1, 2]], "pairs"),
        ("dict", [["a"]], "pairs"),
        ("timedelta", "P1000000000DT0S", "duration"),
        ("timedelta", "1", "duration"),
        ("date", "2001-13-01", "date"),
    ],
)
@DIALECTS
def test_a_tag_that_holds_something_else_is_corrupt(pipeline, held):
    tag, plain, word = held
    body = json.dumps([{"__type__": tag, "__value__": plain}]).encode()

    with pytest.raises(CorruptBody, match=f"{tag}.*{word}" if word != tag else tag):
        decode(body, pipeline)


@DIALECTS
@pytest.mark.parametrize("tag", ["Order", "", "__builtins__", 1, None, [], {"a": 1}, "x" * 1000])
def test_an_unknown_tag_says_how_to_register_it(pipeline, tag):
    with pytest.raises(CorruptBody, match="register_type") as raised:
        decode(json.dumps({"__type__": tag, "__value__": 1}).encode(), pipeline)

    assert len(str(raised.value)) < 400


def test_a_tag_that_is_spelled_with_escapes_is_a_tag():
    assert decode(rb'{"\u005f_type__": "set", "__v\u0061lue__": [1]}') == {1}


def test_brackets_in_texts_are_no_levels():
    value = ["[" * 500, '{"' * 300, '\\"[' * 200, "]" * 500]

    assert DEFAULT.decode(DEFAULT.encode(value)) == value


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'["\\\\",' * 100_000, b'\\"' + b"[" * 200])
def test_many_levels_of_what_is_not_json_are_refused(body):
    with pytest.raises((LimitExceeded, CorruptBody)):
        decode(body)


DIGITS = "0123456789abcdef" * 2


@DIALECTS
@pytest.mark.parametrize(
    "text",
    [DIGITS, DIGITS.upper(), f"{{{DIGITS}}}", f"urn:uuid:{DIGITS}", "0x" + DIGITS[2:], "\u0663" * 32, " " + DIGITS[1:]],
)
def test_the_hex_digits_of_a_uuid_are_read_as_uuid_reads_them(pipeline, text):
    read = decode(json.dumps({"__type__": "uuid", "__value__": {"hex": text}}).encode(), pipeline)

    assert read == UUID(text)
    assert isinstance(read, UUID)
    assert read.is_safe is UUID(text).is_safe


@DIALECTS
@pytest.mark.parametrize("text", ["-" + DIGITS[1:], DIGITS[1:], "g" * 32, "_" * 32, "", "\u0663" * 31])
def test_what_uuid_does_not_read_is_corrupt(pipeline, text):
    with pytest.raises(CorruptBody, match="uuid"):
        decode(json.dumps({"__type__": "uuid", "__value__": {"hex": text}}).encode(), pipeline)


@DIALECTS
@pytest.mark.parametrize("size", [0, 3_700, 3_800, 4_000, 10_000])
@pytest.mark.parametrize("text", ["x", "[", "]", '\\"{', "\\\\"])
def test_depth_is_exact_for_small_and_large_bodies(pipeline, size, text):
    beside = text * (size // len(text))
    bodies = [f'["{beside}",{"[" * levels}{"]" * levels}]'.encode() for levels in (99, 100)]

    decode(bodies[0], pipeline)
    with pytest.raises(LimitExceeded):
        decode(bodies[1], pipeline)


@DIALECTS
@pytest.mark.parametrize("engine", ["fast", "stdlib"])
@pytest.mark.parametrize("text", ["[", "{", '{"":', '["a",{', "[[{"])
def test_levels_that_are_not_closed_are_too_many_first(pipeline, engine, text):
    codec = Json(dialect="celery" if pipeline is CELERY else "satchel", engine=engine)
    for levels, error in ((99, ValueError), (150, LimitExceeded)):
        body = text.encode() * (levels // sum(map(text.count, "[{")))
        with pytest.raises(error):
            codec.loads(body, limits=Limits())


@DIALECTS
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T08:30:00+00:00",
        "2026-11-22T08:30:00.000001+00:00",
        "2026-11-22T08:30:00Z",
        "2026-11-22T08:30:00",
        "2026-11-22T08:30:00+00:00:00.000001",
        "2026-11-22T08:30:00-00:00:00.000001",
        "2026-11-22T08:30:00+05:30",
    ],
)
def test_a_datetime_is_read_as_its_text_says(pipeline, text):
    body = json.dumps({"__type__": "datetime", "__value__": text}).encode()
    read = decode(body, pipeline)

    assert isinstance(read, datetime)
    assert read.isoformat() == text.replace("Z", "+00:00")
