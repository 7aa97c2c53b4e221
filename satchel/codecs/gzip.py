"""Gzip (RFC 1952) around DEFLATE (RFC 1951), by the standard library."""

from __future__ import annotations

from typing import Any, ClassVar

from satchel.codecs.base import Configured, derived, flat, require
from satchel.codecs.inflating import MOST_STREAMS, inflate
from satchel.records import dataclass
from satchel.types import Buffer

_WINDOW = 15
# What zlib wants added to the window for a gzip header and trailer in place of its own.
_GZIP = 16


@dataclass(frozen=True)
class Gzip(Configured):
    """DEFLATE with a gzip header and a CRC-32; zlib bytes, which Celery calls gzip, are read too.

    Against kombu, whose gzip is zlib: the same DEFLATE in the same time, and 12 bytes more of header and trailer.

    Args:
        level: 0 (stored) to 9 (smallest).
        streams: the most gzip members that one body may have.

    Raises:
        TypeError, ValueError: an option is of the wrong type or out of range.
        MissingDependency: the interpreter was built without zlib.
    """

    level: int = 6
    streams: int = 1

    name = "gzip"
    content_type = "application/gzip"
    library: ClassVar[str] = "zlib"
    extra: ClassVar[str | None] = None
    safe: ClassVar[bool] = True
    levels: ClassVar[tuple[int, ...]] = (1, 6, 9)

    _zlib: Any = derived()

    def __post_init__(self) -> None:
        self._check_range("level", 0, 9)
        self._check_range("streams", 1, MOST_STREAMS)
        self._derive(_zlib=require("zlib", codec=self.name, library="zlib", extra=None))

    def compress(self, body: Buffer, /) -> bytes:
        """Compress a body of any length into one gzip member; equal bodies give equal bytes."""
        # zlib writes a modification time of 0: a timestamp would make equal bodies encode differently.
        compressor = self._zlib.compressobj(self.level, self._zlib.DEFLATED, _WINDOW + _GZIP)
        compressed: bytes = compressor.compress(flat(body)) + compressor.flush()
        return compressed

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Decompress gzip members, up to `streams` of them, or one zlib stream, into at most `max_size` bytes.

        Raises:
            LimitExceeded: there is more.
            CorruptBody: a member is truncated, or something follows the last.
            zlib.error: a member is damaged.
        """
        body = flat(body)
        gzip = body[:2] == b"\x1f\x8b"
        return inflate(
            lambda: self._zlib.decompressobj(_WINDOW + _GZIP if gzip else _WINDOW),
            body,
            max_size=max_size,
            codec=self.name,
            streams=self.streams if gzip else 1,
        )
