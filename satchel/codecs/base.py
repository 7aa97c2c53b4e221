"""What a codec is (two protocols), and what the codecs share: loading a library, bounded inflating."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from importlib import import_module
from typing import Any, ClassVar, Protocol, TypeVar

from satchel.codecs.tagged import Types
from satchel.errors import CorruptBody, LimitExceeded, MissingDependency
from satchel.types import Buffer, Limits

#: Bytes asked of a decompressor at a time: a bomb costs its limit plus a few of these, not twice its limit.
CHUNK = 256 * 1024

#: Bytes given to a decompressor at a time: the libraries copy what they did not read, once per piece and per stream.
STEP = 32 * 1024

#: The highest that a compressor's option `streams` may be: each stream costs a few microseconds, empty or not.
MOST_STREAMS = 65_536


class Serializer(Protocol):
    """Turns values into bytes and back. Instances are shared by threads."""

    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def content_encoding(self) -> str: ...
    def dumps(self, value: Any, /) -> bytes: ...
    def loads(self, body: Buffer, /, *, limits: Limits) -> Any: ...


class Compressor(Protocol):
    """Turns bytes into fewer bytes and back. Instances are shared by threads.

    `decompress` returns at most `max_size` bytes, from one whole stream with nothing after it, or raises
    `LimitExceeded` or `CorruptBody`.
    """

    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    def compress(self, body: Buffer, /) -> bytes: ...
    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes: ...


def derived() -> Any:
    """A field of a codec that `__post_init__` works out from the others; no part of its configuration."""
    return field(init=False, repr=False, compare=False)


class Configured:
    """A codec that is a frozen dataclass: holds what is derived from its fields, and pickles without it."""

    # Codecs leave `name` and its like without an annotation: pyright takes no ClassVar for a protocol's property.

    def _derive(self, **derived: Any) -> None:
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def _check(self, field: str, *allowed: Any) -> None:
        value = getattr(self, field)
        if isinstance(value, bool) or value not in allowed:
            raise ValueError(f"{field} must be one of {', '.join(map(repr, allowed))}, got {value!r}")

    def _check_flag(self, field: str) -> None:
        value = getattr(self, field)
        if not isinstance(value, bool):
            raise TypeError(f"{field} must be True or False, got {value!r}")

    def _check_range(self, field: str, low: int, high: int) -> None:
        value = getattr(self, field)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{field} must be an int from {low:,} to {high:,}, got {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{field} must be from {low:,} to {high:,}, got {value!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        from dataclasses import fields  # An application's codec may be a dataclass that derives from one of these.

        codec: Any = self
        return _configure, (type(self), {f.name: getattr(self, f.name) for f in fields(codec) if f.init})


_T = TypeVar("_T")


def _configure(cls: type[_T], values: dict[str, Any]) -> _T:
    return cls(**values)


class ValueSerializer(Configured):
    """A serializer of the value model, which can be given an application's types and speak Celery's dialect."""

    library: ClassVar[str]
    extra: ClassVar[str | None] = None
    accelerators: ClassVar[tuple[str, ...]] = ()
    safe: ClassVar[bool] = True

    def _check_types(self) -> None:
        types: object = getattr(self, "types", None)
        if not isinstance(types, Types):
            raise TypeError(f"types must be a Types, got {types!r}; register a type with registry.with_type(…)")

    @classmethod
    def celery(cls: type[_T]) -> _T:
        """Give this serializer as Celery's dialect needs it."""
        return cls(dialect="celery")  # type: ignore[call-arg]

    def with_types(self: _T, types: Types) -> _T:
        """Give this serializer with more application types; its own win."""
        codec: Any = self
        merged: _T = replace(codec, types=codec.types.merge(types))
        return merged


def require(module: str, *, codec: str, library: str, extra: str | None, cure: str | None = None) -> Any:
    """Import a codec's optional library.

    Args:
        module: the module's name, such as ``zstandard``.
        codec: the codec that needs it.
        library: the distribution's name, for the message.
        extra: the extra of Satchel that installs it, or None for a part of the standard library.
        cure: what helps instead of installing the extra.

    Raises:
        MissingDependency: it is not installed, or does not import, for whatever reason.
    """
    try:
        return import_module(module)
    except MemoryError:
        raise
    except Exception as error:
        raise MissingDependency(codec, library, extra, cure=cure, fault=error) from error


def optional(module: str, *, codec: str, extra: str, required: bool = False) -> Any:
    """Import a library that only makes a codec faster, or give None where it is not installed.

    One that is installed and does not import is worth a warning, and no failure.

    Raises:
        MissingDependency: it is `required`, and not installed or broken.
    """
    try:
        return require(module, codec=codec, library=module.partition(".")[0], extra=extra)
    except MissingDependency as error:
        if required:
            raise
        if not isinstance(error.__cause__, ModuleNotFoundError):
            warnings.warn(f"{error}; {codec} goes on without it", RuntimeWarning, stacklevel=2)
        return None


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


def flat(body: Buffer) -> Buffer:
    """The body as C libraries read it: a memoryview of anything but plain contiguous bytes is copied into bytes."""
    if isinstance(body, memoryview) and not (body.c_contiguous and body.ndim == 1 and body.format == "B"):
        return body.tobytes()
    return body


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
