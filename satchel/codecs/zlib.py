"""Zlib (RFC 1950) around DEFLATE (RFC 1951), by the standard library."""

from __future__ import annotations

from typing import Any, ClassVar

from satchel.codecs.base import Configured, derived, flat, require
from satchel.codecs.inflating import inflate
from satchel.records import dataclass
from satchel.types import Buffer

# The largest window, plus 32: zlib tells its own header from a gzip one by the first two bytes.
_EITHER_HEADER = 15 + 32


@dataclass(frozen=True)
class Zlib(Configured):
    """DEFLATE with a zlib header and an Adler-32 checksum; real gzip (RFC 1952), of one member, is read too.

    The default output is that of ``zlib.compress``, which is what kombu writes: same bytes, same time.
    Reading costs a microsecond more than ``zlib.decompress``, for the bound.

    Args:
        level: 0 (stored) to 9 (smallest).
        content_type: the name on the wire; Celery's dialect has another, see `celery`.

    Raises:
        TypeError, ValueError: an option is of the wrong type or out of range.
        MissingDependency: the interpreter was built without zlib.
    """

    level: int = 6
    content_type: str = "application/zlib"

    name = "zlib"
    library: ClassVar[str] = "zlib"
    extra: ClassVar[str | None] = None
    safe: ClassVar[bool] = True
    levels: ClassVar[tuple[int, ...]] = (1, 6, 9)

    _zlib: Any = derived()

    def __post_init__(self) -> None:
        self._check_range("level", 0, 9)
        if not isinstance(self.content_type, str):
            raise TypeError(f"content_type must be a str, got {self.content_type!r}")
        self._derive(_zlib=require("zlib", codec=self.name, library="zlib", extra=None))

    @classmethod
    def celery(cls) -> Zlib:
        """Give the codec of Celery's dialect: zlib bytes under the name ``application/x-gzip``."""
        return cls(content_type="application/x-gzip")

    def compress(self, body: Buffer, /) -> bytes:
        """Compress a body of any length into one zlib stream; equal bodies give equal bytes."""
        compressed: bytes = self._zlib.compress(flat(body), self.level)
        return compressed

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Decompress one zlib stream, or one gzip member, into at most `max_size` bytes.

        Raises:
            LimitExceeded: there is more.
            CorruptBody: the stream is truncated, or something follows it.
            zlib.error: the stream is damaged.
        """
        return inflate(lambda: self._zlib.decompressobj(_EITHER_HEADER), body, max_size=max_size, codec=self.name)
