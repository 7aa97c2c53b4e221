"""Code as users write it: it runs, and mypy and pyright, both strict, know the type of all that it is given."""

from __future__ import annotations

import enum
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from typing_extensions import assert_type

import satchel
from satchel import (
    Buffer,
    Compressor,
    ContentDisallowed,
    CorruptBody,
    DecodeError,
    Encoded,
    EncodeError,
    Json,
    LimitExceeded,
    Limits,
    MissingDependency,
    Pickle,
    Pipeline,
    Registry,
    SatchelError,
    Serializer,
    UnknownCodec,
    Zstd,
    celery_registry,
    default_registry,
)
from satchel.message import MessageBuilder, MessageReader, TaskCall, TaskMessage


class Color(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Order:
    number: int
    color: Color


@dataclass(frozen=True)
class Upper:
    """A serializer of a user's own, without a base class; so is the compressor below."""

    name: str = "upper"
    content_type: str = "application/x-upper"
    content_encoding: str = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        return str(value).upper().encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> str:
        return str(body, "utf-8").lower()


class Squeeze:
    """Its facts are properties: a protocol's attributes are read, never set."""

    @property
    def name(self) -> str:
        return "squeeze"

    @property
    def content_type(self) -> str:
        return "application/x-squeeze"

    def compress(self, body: Buffer, /) -> bytes:
        return zlib.compress(body)

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        return zlib.decompressobj().decompress(body, max_size)


def test_encoding_and_decoding() -> None:
    pipeline = Pipeline(["json", "msgpack"], accept_compression=("zstd",), limits=Limits(max_body=1_000_000))

    encoded = assert_type(pipeline.encode({"id": 7}, serializer="json", compression="zstd"), Encoded)
    body, content_type, content_encoding, compression = encoded
    assert_type(body, bytes | bytearray | memoryview)
    assert_type(content_type, str)
    assert_type(content_encoding, str)
    assert_type(compression, str | None)
    value = assert_type(pipeline.decode(Encoded(memoryview(body), content_type, content_encoding)), Any)

    assert value == {"id": 7}
    assert_type(pipeline.registry, Registry)
    assert_type(pipeline.limits.max_depth, int)


def test_codecs_of_ones_own() -> None:
    upper: Serializer = Upper()
    squeeze: Compressor = Squeeze()

    registry = default_registry().with_serializer(upper, aliases=["up"]).with_compressor(squeeze)
    registry = assert_type(registry.with_serializer(Json(tuples=True), replace=True).without("yaml"), Registry)

    pipeline = Pipeline({"upper", "json"}, registry=registry, accept_compression=iter(["squeeze"]))
    assert pipeline.decode(pipeline.encode("a" * 500, serializer="up", compression="squeeze")) == "a" * 500
    assert_type(registry.serializer("json"), Serializer)
    assert_type(registry.compressor("squeeze").decompress(zlib.compress(b""), max_size=1), bytes)


def test_every_built_in_codec_is_a_codec() -> None:
    serializers: list[Serializer] = [
        Json(),
        Pickle(allow={"shop.models:Order"}),
        satchel.Msgpack(),
        satchel.Yaml(),
        satchel.Raw(),
        satchel.Text(),
    ]
    compressors: list[Compressor] = [
        Zstd(level=9),
        satchel.Brotli(quality=4),
        satchel.Bzip2(),
        satchel.Gzip(level=1),
        satchel.Lzma(),
        satchel.Zlib(),
    ]

    assert [codec.name for codec in serializers] == ["json", "pickle", "msgpack", "yaml", "raw", "text"]
    assert [codec.name for codec in compressors] == ["zstd", "brotli", "bzip2", "gzip", "lzma", "zlib"]


def test_types_of_ones_own() -> None:
    registry = default_registry().with_type(Color, "color").with_type(Order, "order")
    registry = registry.with_type(complex, "complex", lambda z: [z.real, z.imag], lambda p: complex(*p))
    pipeline = Pipeline(["json"], registry=registry)
    value = [Order(7, Color.RED), 1 + 2j, datetime(2024, 2, 29, tzinfo=timezone.utc)]

    assert pipeline.decode(pipeline.encode(value)) == value


def test_errors_carry_data() -> None:
    pipeline = Pipeline(["json"], registry=celery_registry)
    try:
        pipeline.decode(Encoded(b"{}", "application/x-yaml", "utf-8"))
    except ContentDisallowed as error:
        assert_type(error.accept, tuple[str, ...])
        assert_type(error.content_type, object)
        assert_type(error.cure, str | None)
    except LimitExceeded as error:
        assert_type(error.limit, str)
        assert_type(error.maximum, int)
    except CorruptBody as error:
        assert_type(error.codec, str | None)
    except DecodeError as error:
        assert_type(error.what, str)

    with pytest.raises(EncodeError) as caught:
        pipeline.encode({"a": object()})
    assert_type(caught.value.path, tuple[object, ...])
    assert isinstance(caught.value, SatchelError)

    try:
        pipeline.encode(1, serializer="jsno")
    except UnknownCodec as unknown:
        assert_type(unknown.suggestion, str | None)
        assert_type(unknown.known, tuple[str, ...])
    except MissingDependency as missing:
        assert_type(missing.install, str | None)


def test_task_messages() -> None:
    message = assert_type(MessageBuilder(serializer="json").build("shop.ship", args=(7,), countdown=5), TaskMessage)
    headers: Mapping[str, Any] = message.headers
    call = MessageReader().read(
        body=message.encoded.body,
        content_type=message.encoded.content_type,
        content_encoding=message.encoded.content_encoding,
        headers=headers,
        properties=message.properties,
    )

    assert_type(call, TaskCall)
    assert call.task == "shop.ship"
    assert list(call.args) == [7]
    assert call.status(datetime.now(timezone.utc)) == "not yet"
