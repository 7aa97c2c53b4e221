"""Brotli (RFC 7932), by the library brotli, version 1.2 or later."""

from __future__ import annotations

from typing import Any, ClassVar

from satchel.codecs.base import Configured, derived, flat, require
from satchel.codecs.inflating import bounded, check_max_size, inflate, oversized, pieces, window_bits
from satchel.errors import CorruptBody, LimitExceeded, MissingDependency
from satchel.records import dataclass
from satchel.types import Buffer

# The window's bits by the first four bits of a stream (RFC 7932, 9.1), where they are many: a decoder takes that much
# memory besides the output. Of 24 bits, it fills all 16 MiB before it gives anything away.
_WIDE = {0b1011: 22, 0b1101: 23, 0b1111: 24}
_SMALL = 4 * 1024
_ROOM = 6 * 1024 * 1024


@dataclass(frozen=True)
class Brotli(Configured):
    """Brotli. The format has no checksum: a damaged body can decode to a wrong value, unless it is sealed.

    Against kombu (quality 11): 30 times as fast at 600 B for 4 to 9 % more bytes, 60 times at 10 kB for 9 to 13 %, 20
    times at 1 MB for 18 %.

    Args:
        quality: 0 (fast) to 11 (small, and slow beyond use for messages); None takes 5 for a body of up to 4 KiB, where
            more saves nothing, and 9 for a longer one.
        lgwin: bits of the largest window, 16 to 24. The window is sized to the body, so that a reader need not set
            aside memory for more.

    Raises:
        TypeError, ValueError: an option is of the wrong type or out of range.
        MissingDependency: brotli is not installed, or so old that it cannot bound its output.
    """

    quality: int | None = None
    lgwin: int = 22

    name = "brotli"
    content_type = "application/x-brotli"
    library: ClassVar[str] = "brotli"
    extra: ClassVar[str | None] = "brotli"
    safe: ClassVar[bool] = True
    levels: ClassVar[tuple[int, ...]] = (1, 4, 5, 9, 11)

    _brotli: Any = derived()

    def __post_init__(self) -> None:
        if self.quality is not None:
            self._check_range("quality", 0, 11)
        self._check_range("lgwin", 16, 24)
        brotli = require("brotli", codec=self.name, library=self.library, extra="brotli")
        if not hasattr(brotli.Decompressor, "can_accept_more_data"):
            raise MissingDependency(self.name, "brotli>=1.2", "brotli")
        self._derive(_brotli=brotli)

    def compress(self, body: Buffer, /) -> bytes:
        """Compress a body of any length into one stream; equal bodies give equal bytes."""
        body = flat(body)
        lgwin = window_bits(len(body), 16, self.lgwin)  # 16 takes the fewest bits to say.
        quality = self.quality if self.quality is not None else 5 if len(body) <= _SMALL else 9
        compressed: bytes = self._brotli.compress(body, quality=quality, lgwin=lgwin)
        return compressed

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Decompress one stream into at most `max_size` bytes.

        Raises:
            LimitExceeded: there is more; or, under a limit below 6 MiB, there is a window of 16 MiB and no knowing
                from the stream's first bytes that it holds less.
            CorruptBody: the stream is truncated or damaged, or something follows it.
        """
        check_max_size(max_size)
        body = flat(body)
        try:
            self._admit(body, max_size)
            return inflate(self._start, body, max_size=max_size, codec=self.name)
        except self._brotli.error as error:
            raise CorruptBody("the stream is damaged, or something follows it", codec=self.name) from error

    def _admit(self, body: Buffer, max_size: int) -> None:
        """Refuse a bomb with a wide window before there is memory for both its window and its output."""
        lgwin, size = _header(body)
        if lgwin is None or (size is not None and size <= max_size):
            return
        if size is not None:
            raise oversized(self.name, max_size)
        if lgwin == _WIDE[0b1111] and max_size < _ROOM:
            raise LimitExceeded("max_decompressed", max_size, "brotli: the window takes 16 MiB, the limit is far below")
        for _ in bounded(pieces(self._start, body, codec=self.name), max_size=max_size, codec=self.name):
            pass

    def _start(self) -> _Decoder:
        return _Decoder(self._brotli.Decompressor())


class _Decoder:
    """A brotli decompressor with the names of the standard library's."""

    unused_data = b""  # What follows in the same piece is an error to brotli.

    def __init__(self, decompressor: Any) -> None:
        self._decompressor = decompressor
        self._process = decompressor.process

    @property
    def eof(self) -> bool:
        eof: bool = self._decompressor.is_finished()
        return eof

    @property
    def needs_input(self) -> bool:
        needs_input: bool = self._decompressor.can_accept_more_data()
        return needs_input

    def decompress(self, data: Buffer, size: int) -> bytes:
        chunk: bytes = self._process(data, output_buffer_limit=size // 2)  # It gives up to twice that.
        return chunk


def _header(body: Buffer) -> tuple[int | None, int | None]:
    """Read the window's bits, if they are many, and the length of a stream of one meta-block (RFC 7932, 9)."""
    bits = int.from_bytes(body[:5], "little")
    lgwin = _WIDE.get(bits & 0b1111)
    if lgwin is None:
        return None, None
    last, empty, nibbles = bits >> 4 & 1, bits >> 5 & 1, 4 + (bits >> 6 & 0b11)
    if not last:
        return lgwin, None
    if empty or nibbles == 7:  # 7 stand for a meta-block of metadata, which is no output.
        return lgwin, 0
    return lgwin, (bits >> 8 & (1 << 4 * nibbles) - 1) + 1
