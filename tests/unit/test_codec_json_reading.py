"""JSON bodies that are not what they say: malformed, tags that hold something else, levels without end."""

from __future__ import annotations

import json

import pytest

from satchel import CorruptBody, Encoded, LimitExceeded, Pipeline, celery_registry, default_registry

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
