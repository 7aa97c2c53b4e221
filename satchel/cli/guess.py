"""What a body without headers is: compression by its first bytes (and trial), format by trial, all within limits."""

from __future__ import annotations

from typing import Any, NamedTuple

from satchel.cli import pickles
from satchel.cli.arguments import after_decompression, lifted
from satchel.errors import DecodeError, LimitExceeded, RegistryError
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Encoded, Limits

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Format(NamedTuple):
    """What a body seems to be.

    Attributes:
        serializer: the serializer's name.
        value: the value; None where it was not decoded.
        error: why not: a limit; None for pickle, which is never decoded.
    """

    serializer: str
    value: Any = None
    error: DecodeError | None = None


def compression(body: bytes) -> str | None:
    """Give the name of the compressor whose first bytes a body has. Brotli has none."""
    for magic, name in _MAGIC.items():
        if body.startswith(magic):
            return name
    # Deflate, and a check of the first two bytes: 1 in 500 of other bodies pass.
    return "zlib" if body[:1] == b"x" and int.from_bytes(body[:2], "big") % 31 == 0 and len(body) > 6 else None


def inflate(body: bytes, compressor: str | None, limits: Limits) -> bytes:
    """Decompress a body.

    Args:
        body: the bytes as sent.
        compressor: name or content type; None gives the body as it is, when it is not too large.
        limits: `max_body` and `max_decompressed` are held.

    Raises:
        DecodeError, RegistryError: it is too large, damaged, or of a compression that is unknown or not installed.
    """
    pipeline = Pipeline(["raw"], registry=celery_registry, limits=limits)
    inflated: bytes = pipeline.decode(Encoded(body, "application/data", "binary", compressor))
    return inflated


def decode(body: bytes, serializer: str, limits: Limits) -> Any:
    """Decode a body that was decompressed.

    Raises:
        DecodeError, RegistryError: it cannot be read.
    """
    codec = celery_registry().serializer(serializer)
    registry = lifted(celery_registry(), limits) if serializer == "yaml" else celery_registry
    pipeline = Pipeline([serializer], registry=registry, limits=after_decompression(limits))
    return pipeline.decode(Encoded(body, codec.content_type, codec.content_encoding))


def form(body: bytes, limits: Limits) -> Format:
    """Guess the format of a body that was decompressed: "raw" when nothing else fits."""
    if is_pickle(body):
        return Format("pickle")
    for name in ("json", "msgpack", "yaml"):
        found = _tried(body, name, limits)
        if found is not None:
            return found
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Format("raw", body)
    return Format("text", text) if all(c.isprintable() or c.isspace() for c in text) else Format("raw", body)


def brotli(body: bytes, limits: Limits) -> tuple[bytes, Format] | None:
    """Try whether a body is brotli, which cannot be told by its first bytes: what comes out must be of some format."""
    try:
        inflated = inflate(body, "brotli", limits)
    except LimitExceeded:
        raise
    except (DecodeError, RegistryError):
        return None
    found = form(inflated, limits)
    return (inflated, found) if inflated and found.serializer not in ("raw", "text") else None


def is_pickle(body: bytes) -> bool:
    """Whether a body is a pickle, perhaps a damaged one."""
    if body[:1] == b"\x80" and body[1:2] <= b"\x05" and len(body) > 2:
        return True
    # Protocols 0 and 1 have no mark of their own.
    if body[-1:] != b"." or body[:1] not in (b"(", b"]", b"}", b"c"):
        return False
    return pickles.contents(body).fault is None


def _tried(body: bytes, name: str, limits: Limits) -> Format | None:
    try:
        value = decode(body, name, limits)
    except LimitExceeded as error:
        return Format(name, None, error) if _plausible(body, name) else None
    except (DecodeError, RegistryError):
        return None
    # Every text is a scalar in YAML, and every letter an int in MessagePack.
    return Format(name, value) if name == "json" or isinstance(value, dict | list) else None


def _plausible(body: bytes, name: str) -> bool:
    """Whether a body that is beyond the limits is of a format, and no binary that happens to hold many brackets."""
    if name == "msgpack":
        return 0x80 <= body[0] <= 0x9F or 0xDC <= body[0] <= 0xDF
    if name == "json" and body.lstrip()[:1] not in (b"[", b"{"):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
