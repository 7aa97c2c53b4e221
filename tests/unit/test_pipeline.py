"""Pipeline: what is encoded and decoded, the threshold, and the limits on both sides, exactly at their bounds."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from satchel import Buffer, Encoded, EncodeError, LimitExceeded, Limits, MissingDependency, Pipeline, Registry
from satchel.errors import UnknownCodec

BUILT_IN = Registry.of_dialect("satchel")


@dataclass(frozen=True)
class Packer:
    """A compressor whose output has a size of choice."""

    size: Callable[[int], int]
    name: str = "packer"
    content_type: str = "application/x-packer"

    def compress(self, body: Buffer, /) -> bytes:
        return bytes(self.size(len(body)))

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        return b"0" * self.size(len(body))


def packing(size: Callable[[int], int], **options: Any) -> Pipeline:
    registry = BUILT_IN.with_compressor(Packer(size))
    return Pipeline(["raw"], registry=registry, accept_compression=["packer"], **options)


def raw(size: int, compression: str | None = None) -> Encoded:
    return Encoded(b"0" * size, "application/data", "binary", compression)


@pytest.mark.parametrize("registry", [BUILT_IN, Registry.of_dialect("celery")], ids=["satchel", "celery"])
@pytest.mark.parametrize(
    ("serializer", "value", "content_type", "content_encoding"),
    [
        ("json", {"id": [7] * 100}, "application/json", "utf-8"),
        ("raw", b"\0\xff" * 100, "application/data", "binary"),
        ("binary", b"\0\xff" * 100, "application/data", "binary"),
        ("application/octet-stream", b"\0\xff" * 100, "application/data", "binary"),
        ("text", "größe" * 100, "text/plain", "utf-8"),
        ("pickle", [1, "two"] * 100, "application/x-python-serialize", "binary"),
    ],
    ids=["json", "raw", "alias", "content type", "text", "pickle"],
)
@pytest.mark.parametrize("compression", [None, "gzip", "zlib", "bzip2", "bzip", "lzma", "xz"])
def test_what_is_encoded_is_decoded_by_what_it_says_of_itself(
    registry: Registry, serializer: str, value: Any, content_type: str, content_encoding: str, compression: str | None
) -> None:
    pipeline = Pipeline([content_type], registry=registry, compression_threshold=0)

    encoded = pipeline.encode(value, serializer=serializer, compression=compression)

    assert isinstance(encoded.body, bytes)
    assert encoded[1:3] == (content_type, content_encoding)
    assert (encoded.compression is None) is (compression is None)
    assert pipeline.decode(encoded) == value


def test_json_without_compression_is_the_default() -> None:
    assert Pipeline([]).encode([1]) == Encoded(b"[1]", "application/json", "utf-8", None)


@pytest.mark.parametrize(("size", "compressed"), [(127, False), (128, True), (129, True)])
def test_a_body_shorter_than_the_threshold_goes_out_as_it_is_and_says_so(size: int, compressed: bool) -> None:
    encoded = packing(lambda size: 1).encode(b"0" * size, serializer="raw", compression="packer")

    assert encoded.compression == ("application/x-packer" if compressed else None)
    assert encoded.body == (b"\0" if compressed else b"0" * size)


@pytest.mark.parametrize(("change", "compressed"), [(-1, True), (0, False), (1, False)])
def test_a_body_that_would_not_shrink_goes_out_as_it_is_and_says_so(change: int, compressed: bool) -> None:
    pipeline = packing(lambda size: size + change, compression_threshold=0)

    encoded = pipeline.encode(b"0" * 200, serializer="raw", compression="packer")

    assert encoded.compression == ("application/x-packer" if compressed else None)
    assert (len(encoded.body) < 200) is compressed


def test_an_empty_body_goes_out_as_it_is() -> None:
    pipeline = Pipeline(["raw"], compression_threshold=0)

    encoded = pipeline.encode(b"", serializer="raw", compression="zlib")

    assert encoded == Encoded(b"", "application/data", "binary", None)
    assert pipeline.decode(encoded) == b""


def test_a_compressor_that_is_unknown_or_missing_is_an_error_below_the_threshold_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    pipeline = Pipeline([], registry=Registry.of_dialect("satchel"))

    with pytest.raises(UnknownCodec, match="did you mean 'gzip'"):
        pipeline.encode(1, compression="gzp")
    with pytest.raises(MissingDependency):
        pipeline.encode(1, compression="zstd")


@pytest.mark.parametrize("over", [0, 1])
def test_max_body_holds_exactly_on_both_sides(over: int) -> None:
    pipeline = Pipeline(["raw"], limits=Limits(max_body=1000))
    size = 1000 + over

    if over:
        with pytest.raises(EncodeError, match=r"raw: the body is 1,001 bytes; at most max_body=1,000; compress it"):
            pipeline.encode(bytes(size), serializer="raw")
        with pytest.raises(LimitExceeded, match=r"max_body=1,000"):
            pipeline.decode(raw(size))
    else:
        assert len(pipeline.encode(bytes(size), serializer="raw").body) == 1000
        assert len(pipeline.decode(raw(size))) == 1000


@pytest.mark.parametrize("over", [0, 1])
def test_max_body_is_that_of_the_compressed_body(over: int) -> None:
    pipeline = packing(lambda size: 1000 + over, limits=Limits(max_body=1000))

    if over:
        with pytest.raises(EncodeError, match="max_body"):
            pipeline.encode(bytes(2000), serializer="raw", compression="packer")
    else:
        assert len(pipeline.encode(bytes(2000), serializer="raw", compression="packer").body) == 1000


@pytest.mark.parametrize("over", [0, 1])
def test_max_decompressed_holds_exactly_on_both_sides(over: int) -> None:
    pipeline = Pipeline(["raw"], limits=Limits(max_decompressed=1000))
    size = 1000 + over

    if over:
        with pytest.raises(EncodeError, match=r"zlib: the body is 1,001 bytes; at most max_decompressed=1,000"):
            pipeline.encode(bytes(size), serializer="raw", compression="zlib")
        with pytest.raises(LimitExceeded, match=r"1,000"):
            pipeline.decode(Encoded(zlib.compress(bytes(size)), "application/data", "binary", "application/zlib"))
    else:
        encoded = pipeline.encode(bytes(size), serializer="raw", compression="zlib")
        assert encoded.compression == "application/zlib"
        assert pipeline.decode(encoded) == bytes(1000)


@pytest.mark.parametrize("over", [0, 1])
def test_a_compressor_that_gives_more_than_it_was_asked_for_is_caught(over: int) -> None:
    pipeline = packing(lambda size: 1000 + over, limits=Limits(max_decompressed=1000))

    if over:
        with pytest.raises(LimitExceeded, match="max_decompressed"):
            pipeline.decode(raw(10, "packer"))
    else:
        assert len(pipeline.decode(raw(10, "packer"))) == 1000


@pytest.mark.parametrize(
    ("limit", "fits", "exceeds"),
    [("max_depth", [[[1]]], [[[[1]]]]), ("max_nodes", [1, 2], [1, 2, 3]), ("max_nodes", {"a": 1}, {"a": [1]})],
)
def test_depth_and_nodes_hold_exactly_on_both_sides(limit: str, fits: Any, exceeds: Any) -> None:
    pipeline = Pipeline(["json"], limits=Limits(**{limit: 3}))
    deep = Pipeline(["json"]).encode(exceeds)

    assert pipeline.decode(pipeline.encode(fits)) == fits
    with pytest.raises(EncodeError, match=rf"json: the value exceeds {limit}=3; split it") as caught:
        pipeline.encode(exceeds)
    assert isinstance(caught.value.__cause__, LimitExceeded)
    with pytest.raises(LimitExceeded, match=rf"{limit}=3"):
        pipeline.decode(deep)


BODY = bytes(range(32, 64))
VIEWS = {
    "bytes": BODY,
    "bytearray": bytearray(BODY),
    "plain view": memoryview(BODY),
    "part of a view": memoryview(b"x" + BODY + b"x")[1:-1],
    "signed bytes": memoryview(BODY).cast("b"),
    "characters": memoryview(BODY).cast("c"),
    "doubles": memoryview(array("d", BODY)),
    "two dimensions": memoryview(BODY).cast("B", shape=[4, 8]),
    "every other byte": memoryview(bytes(b for byte in BODY for b in (byte, 0)))[::2],
    "backwards": memoryview(BODY[::-1])[::-1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("compression", [None, "zlib", "gzip", "bzip2", "lzma"])
def test_any_buffer_is_decoded(view: Any, compression: str | None) -> None:
    pipeline = Pipeline(["raw"], limits=Limits(max_body=len(BODY)))
    body = view
    if compression is not None:
        pipeline = Pipeline(["raw"])
        packed = BUILT_IN.compressor(compression).compress(BODY)
        body = memoryview(bytearray(packed + packed))[: len(packed)].cast("b")

    assert pipeline.decode(Encoded(body, "application/data", "binary", compression)) == BODY


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_size_of_any_buffer_is_counted_in_bytes(view: Any) -> None:
    pipeline = Pipeline(["raw"], limits=Limits(max_body=len(BODY) - 1))

    for _ in range(2):
        with pytest.raises(LimitExceeded, match="max_body=31"):
            pipeline.decode(Encoded(view, "application/data", "binary"))


@pytest.mark.parametrize("body", [None, "text", 7, ["x"], array("b", b"x")])
def test_a_body_that_is_no_buffer_is_a_fault_of_the_program(body: Any) -> None:
    pipeline = Pipeline(["raw"])

    for _ in range(2):
        with pytest.raises(TypeError, match="a body is bytes, bytearray or memoryview, got"):
            pipeline.decode(Encoded(body, "application/data", "binary"))
        pipeline.decode(raw(1))


@pytest.mark.parametrize("threshold", [1.5, True, "128", None])
def test_a_threshold_is_an_int(threshold: Any) -> None:
    with pytest.raises(TypeError, match="compression_threshold must be an int"):
        Pipeline([], compression_threshold=threshold)


def test_a_threshold_is_not_negative() -> None:
    with pytest.raises(ValueError, match="compression_threshold must not be negative"):
        Pipeline([], compression_threshold=-1)


@pytest.mark.parametrize("limits", [None, {"max_body": 5}, 100])
def test_limits_are_limits(limits: Any) -> None:
    with pytest.raises(TypeError, match="limits must be a Limits"):
        Pipeline([], limits=limits)


@pytest.mark.parametrize("registry", [None, "celery", {}])
def test_a_registry_is_one_or_a_function_that_gives_one(registry: Any) -> None:
    with pytest.raises(TypeError, match="registry must be a Registry or a function"):
        Pipeline([], registry=registry)


def test_a_pipeline_shows_what_it_is() -> None:
    shown = repr(Pipeline(["json"], registry=BUILT_IN))

    assert shown.startswith("Pipeline(['json'], registry=<Registry satchel: json, ")
    assert "limits=Limits(max_body=4194304, " in shown


@pytest.mark.parametrize("name", ["limits", "compression_threshold", "registry"])
def test_a_pipeline_does_not_change(name: str) -> None:
    pipeline = Pipeline(["json"])

    with pytest.raises(AttributeError):
        setattr(pipeline, name, getattr(pipeline, name))
