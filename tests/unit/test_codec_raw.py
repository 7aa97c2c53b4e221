"""Bytes and text as they are, codecs like any other."""

from __future__ import annotations

import pytest

from satchel import ContentDisallowed, CorruptBody, Encoded, EncodeError, Pipeline

RAW = Pipeline(["raw"])
TEXT = Pipeline(["text"])


@pytest.mark.parametrize("value", [b"", b"\xff\x00", bytearray(b"ab"), memoryview(b"ab"), memoryview(b"aXbX")[::2]])
def test_raw_carries_any_buffer_as_bytes(value):
    encoded = RAW.encode(value, serializer="raw")

    assert tuple(encoded) == (bytes(value), "application/data", "binary", None)
    assert RAW.decode(encoded) == bytes(value)
    assert type(RAW.decode(encoded._replace(body=bytearray(value)))) is bytes


@pytest.mark.parametrize("value", ["text", None, 1, [b"a"], {}])
def test_raw_refuses_what_is_not_a_buffer(value):
    with pytest.raises(EncodeError, match="raw carries bytes"):
        RAW.encode(value, serializer="raw")


@pytest.mark.parametrize("value", ["", "tëxt \U0001f600", "\0\ufeff\u2028"])
def test_text_carries_str(value):
    encoded = TEXT.encode(value, serializer="text")

    assert tuple(encoded) == (value.encode(), "text/plain", "utf-8", None)
    assert TEXT.decode(encoded) == value


@pytest.mark.parametrize("value", [b"bytes", None, 1, ["a"]])
def test_text_refuses_what_is_not_a_str(value):
    with pytest.raises(EncodeError, match="text carries a str"):
        TEXT.encode(value, serializer="text")


def test_text_refuses_a_lone_surrogate():
    with pytest.raises(EncodeError, match="surrogate at character 2"):
        TEXT.encode("ab\ud800", serializer="text")


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", "a".encode("utf-16")])
def test_text_that_is_not_utf8_is_corrupt(body):
    with pytest.raises(CorruptBody):
        TEXT.decode(Encoded(body, "text/plain", "utf-8"))


def test_neither_is_accepted_unless_it_is_named():
    for content_type in ("application/data", "text/plain", "application/octet-stream"):
        with pytest.raises(ContentDisallowed):
            Pipeline(["json"]).decode(Encoded(b"1", content_type, "binary"))


def test_the_further_content_types_are_read():
    assert RAW.decode(Encoded(b"a", "application/octet-stream", "binary")) == b"a"
    assert TEXT.decode(Encoded(b"a", "application/text", "utf-8")) == "a"
