"""Run lengths: pairs of a count and a byte, closed by a pair of zeros and the CRC-32 of what they stand for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from satchel import Buffer, CorruptBody, LimitExceeded

_END = b"\0\0"


@dataclass(frozen=True)
class Rle:
    """Makes few messages smaller, and none of them larger than it may become."""

    name: ClassVar[str] = "rle"
    content_type: ClassVar[str] = "application/x-rle"

    def compress(self, body: Buffer, /) -> bytes:
        """Give the pairs of `body`."""
        pairs = bytearray()
        for byte, run in groupby(bytes(body)):
            whole, rest = divmod(len(bytes(run)), 255)
            pairs += bytes((255, byte)) * whole + (bytes((rest, byte)) if rest else b"")
        return bytes(pairs) + _END + zlib.crc32(body).to_bytes(4, "big")

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Give back at most `max_size` bytes: LimitExceeded where there are more, CorruptBody where it is no rle."""
        if not isinstance(max_size, int) or max_size < 1:
            raise ValueError(f"max_size must be a positive int, got {max_size!r}")
        body = bytes(body)
        counts = body[0:-6:2]
        if sum(counts) > max_size:
            raise LimitExceeded("max_decompressed", max_size)
        if len(body) < 6 or len(body) % 2 or 0 in counts or body[-6:-4] != _END:
            raise CorruptBody("not a whole stream of run lengths", codec=self.name)
        plain = b"".join(bytes((byte,)) * count for count, byte in zip(counts, body[1:-6:2], strict=True))
        if zlib.crc32(plain) != int.from_bytes(body[-4:], "big"):
            raise CorruptBody("the checksum does not match", codec=self.name)
        return plain
