"""What compressors share: whole streams read in bounded pieces, the errors of that, and sizes of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from satchel.codecs.base import flat
from satchel.errors import CorruptBody, LimitExceeded
from satchel.types import Buffer

#: Bytes asked of a decompressor at a time: a bomb costs its limit plus a few of these, not twice its limit.
CHUNK = 256 * 1024

#: Bytes given to a decompressor at a time: the libraries copy what they did not read, once per piece and per stream.
STEP = 32 * 1024

#: The highest that a compressor's option `streams` may be: each stream costs a few microseconds, empty or not.
MOST_STREAMS = 65_536


def check_max_size(max_size: object) -> None:
    """Raise ValueError unless `max_size` (bytes) is a positive int: zero and None never mean "unlimited"."""
    if not isinstance(max_size, int) or isinstance(max_size, bool) or max_size < 1:
        raise ValueError(f"max_size must be a positive int, got {max_size!r}; there is no 'unlimited'")


def oversized(codec: str, max_size: int) -> LimitExceeded:
    """The error for a body that would decompress to more than `max_size` bytes."""
    return LimitExceeded(
        "max_decompressed", max_size, f"{codec}: the body decompresses to more than {max_size:,} bytes"
    )


def truncated(codec: str) -> CorruptBody:
    """The error for a stream that ends before its end mark."""
    return CorruptBody("the stream is truncated", codec=codec)


def trailing(codec: str) -> CorruptBody:
    """The error for bytes after the end of the one stream."""
    return CorruptBody("there is something after the end of the stream", codec=codec)


def starved(codec: str, option: str, maximum: int, what: str) -> LimitExceeded:
    """The error for a stream that needs more working memory than the codec's own `option` (bytes) admits."""
    error = LimitExceeded(option, maximum, f"{codec}: {what}, more than {option}={maximum:,} bytes")
    error.cure = f"if it is genuine, decode with {codec.capitalize()}({option}=…)"
    return error


def window_bits(size: int, low: int, high: int) -> int:
    """The base 2 logarithm of the smallest window that holds `size` bytes, from `low` to `high`."""
    return max(low, min(high, (size - 1).bit_length()))


def bounded(chunks: Iterable[bytes], *, max_size: int, codec: str) -> Iterator[bytes]:
    """Pass on what a decompressor gives, and raise LimitExceeded as soon as it is more than `max_size` bytes."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_size:
            raise oversized(codec, max_size)
        yield chunk


def collect(chunks: Iterable[bytes], *, max_size: int, codec: str) -> bytes:
    """Join what a decompressor gives, up to `max_size` bytes; one more is LimitExceeded."""
    # Joined only when it is known to be no bomb: what grows may be copied each time, which takes twice the room.
    return b"".join(bounded(chunks, max_size=max_size, codec=codec))


def pieces(
    start: Callable[[], Any], body: Buffer, *, codec: str, streams: int = 1, padding: bytes = b""
) -> Iterator[bytes]:
    """Decompress whole streams through decompressor objects as the standard library has them.

    Args:
        start: makes a ``zlib.decompressobj``, ``bz2.BZ2Decompressor`` or ``lzma.LZMADecompressor``.
        body: the compressed bytes.
        codec: the codec's name, for the messages.
        streams: the most streams that may follow one another.
        padding: what may stand between streams and after the last, whole, any number of times; nothing if empty.

    Yields:
        Pieces of about `CHUNK` bytes, or fewer; never an empty one.

    Raises:
        CorruptBody: a stream is truncated, or something follows the last.
    """
    data, position = memoryview(flat(body)), 0
    for _ in range(streams):
        decompressor, unread = start(), data[:0]
        while not decompressor.eof:
            # bz2 and lzma keep what they did not read; zlib hands it back.
            if not unread and getattr(decompressor, "needs_input", True):
                unread = data[position : position + STEP]
                position += len(unread)
            chunk = decompressor.decompress(unread, CHUNK)
            if chunk:
                yield chunk
            elif not unread and position == len(data) and not decompressor.eof:
                raise truncated(codec)
            unread = getattr(decompressor, "unconsumed_tail", data[:0])
        position -= len(decompressor.unused_data)
        while padding and bytes(data[position : position + len(padding)]) == padding:
            position += len(padding)
        if position == len(data):
            return
    raise trailing(codec)


def inflate(
    start: Callable[[], Any], body: Buffer, *, max_size: int, codec: str, streams: int = 1, padding: bytes = b""
) -> bytes:
    """Decompress a body of one or more whole streams, bounded; the arguments are those of `pieces`.

    Raises:
        LimitExceeded: the output would be larger than `max_size`.
        CorruptBody: a stream is truncated, or something follows the last.
    """
    check_max_size(max_size)
    body = flat(body)
    if len(body) <= STEP:
        # Nearly every message is read whole by one call; whatever is not starts anew below.
        decompressor = start()
        whole: bytes = decompressor.decompress(body, CHUNK)
        if decompressor.eof and not decompressor.unused_data and len(whole) <= max_size:
            return whole
    chunks = pieces(start, body, codec=codec, streams=streams, padding=padding)
    return collect(chunks, max_size=max_size, codec=codec)
