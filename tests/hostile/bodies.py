"""What the tests of hostile input decode with: pipelines by limits, and messages by the name of a codec."""

from __future__ import annotations

from functools import cache
from typing import Any

from satchel import DecodeError, Encoded, Limits, Pipeline, celery_registry, default_registry
from satchel.registry import Registry

#: The serializers of the value model, and the compressors; text and raw bytes have nothing in them to attack.
SERIALIZERS = ("json", "msgpack", "yaml", "pickle")
COMPRESSORS = ("brotli", "bzip2", "gzip", "lzma", "zlib", "zstd")
#: Those whose format has a checksum.
CHECKED = ("bzip2", "gzip", "lzma", "zlib", "zstd")

DIALECTS = {"satchel": default_registry, "celery": celery_registry}


@cache
def pipeline(dialect: str = "satchel", registry: Registry | None = None, **limits: int) -> Pipeline:
    """Give a pipeline that accepts everything that is built in, raw bytes among it."""
    return Pipeline(
        [*SERIALIZERS, "raw"],
        registry=registry or DIALECTS[dialect],
        limits=Limits(**limits),
    )


def message(serializer: str, body: bytes, compression: str | None = None) -> Encoded:
    """Give a message with the headers of a serializer."""
    codec = default_registry().serializer(serializer)
    return Encoded(body, codec.content_type, codec.content_encoding, compression)


def packed(compressor: str, compressed: bytes) -> Encoded:
    """Give a message whose body is raw bytes, compressed."""
    return message("raw", compressed, default_registry().compressor(compressor).content_type)


Outcome = tuple[str, Any]


def outcome(reader: Pipeline, encoded: Encoded) -> Outcome:
    """What a pipeline gives, a value or a refusal: any other error than a DecodeError fails the test."""
    try:
        return "value", reader.decode(encoded)
    except DecodeError as error:
        return "refused", str(error)


def settled(reader: Pipeline, encoded: Encoded, value: Any) -> str | None:
    """Say what a re-encode of a decoded value makes something else, or None where it is the same value."""
    # Not above: what measures memory imports this module, and hypothesis leaves a heap in which less can grow in place.
    from satchel.testing import difference

    again = reader.decode(reader.encode(value, serializer=reader.registry.serializer(encoded.content_type).name))
    return difference(value, again) and difference(value, again, tuples=False)


def decode(encoded: Encoded, **limits: int) -> Any:
    """Decode a message by `pipeline(**limits)`."""
    return pipeline(**limits).decode(encoded)
