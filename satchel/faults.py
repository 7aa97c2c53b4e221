"""What a pipeline raises for its codecs: foreign errors wrapped once and chained, and outputs that are no bytes."""

from __future__ import annotations

from typing import NoReturn

from satchel.errors import (
    CorruptBody,
    DecodeError,
    EncodeError,
    LimitExceeded,
    RegistryError,
    let_signals_through,
    text_of,
)


def fail_to_encode(codec: str, error: Exception) -> NoReturn:
    """Raise what a codec's error is to the caller of `encode`: an EncodeError, or trouble that is not the value's."""
    let_signals_through(error)
    if isinstance(error, EncodeError):
        error.codec = error.codec or codec
        raise error
    if isinstance(error, LimitExceeded):
        raise EncodeError(
            f"the value exceeds {error.limit}={error.maximum:,}",
            cure=f"split it, or raise Limits({error.limit}=…) here and where Satchel decodes it",
            codec=codec,
            limit=error.limit,
        ) from error
    # The process's own trouble is not the value's.
    if isinstance(error, RegistryError | MemoryError):
        raise error
    raise EncodeError(_told(error), codec=codec) from error


def fail_to_decode(codec: str, error: Exception) -> NoReturn:
    """Raise what a codec's error is to the caller of `decode`: a DecodeError, or trouble that is not the message's."""
    let_signals_through(error)
    if isinstance(error, CorruptBody):
        error.codec = error.codec or codec
    if isinstance(error, DecodeError | RegistryError | MemoryError):
        raise error
    raise CorruptBody(f"it cannot be read ({_told(error)})", codec=codec) from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {text_of(error)}"


def not_bytes(codec: str, method: str, given: object) -> EncodeError:
    """The error for a `dumps` or `compress` that gave something else than bytes."""
    return EncodeError(f"{method} gave {type(given).__name__}", expected="it gives bytes", codec=codec)


def too_large(codec: str, size: int, limit: str, maximum: int) -> EncodeError:
    """The error for a body of `size` bytes, more than a field of `Limits` allows."""
    return EncodeError(
        f"the body is {size:,} bytes",
        expected=f"at most {limit}={maximum:,}",
        cure=f"compress it, send a reference instead, or raise Limits({limit}=…) here and where Satchel decodes it",
        codec=codec,
        limit=limit,
    )


def check_decompressed(codec: str, body: object, max_size: int) -> None:
    """Raise CorruptBody for a `decompress` that gave no bytes, and LimitExceeded when they are more than `max_size`."""
    if not isinstance(body, bytes):
        raise CorruptBody(f"decompress gave {type(body).__name__}", expected="it gives bytes", codec=codec)
    if len(body) > max_size:
        raise LimitExceeded("max_decompressed", max_size)
