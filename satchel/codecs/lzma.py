"""LZMA2 in the .xz container (The .xz File Format 1.2), by the standard library or backports.lzma."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from satchel.codecs.base import Configured, derived, flat, require
from satchel.codecs.inflating import MOST_STREAMS, bounded, inflate, pieces, starved, window_bits
from satchel.records import dataclass
from satchel.types import Buffer

_MIB = 1024 * 1024
_SIP = 32
# Preset 6, which is what kombu writes, needs 9 MiB to read; a dictionary of this size is just memory of the reader's.
_FRUGAL = 10 * _MIB
# Bits of the largest dictionary, where a preset's own is larger than 8 MiB.
_LARGEST = {7: 24, 8: 25, 9: 26}
# Up to 4 KiB a hash chain finds what a binary tree does, in half the time, and there is too little to learn a context
# of literals from (lc). Messages are bytes, aligned to nothing (pb).
_SMALL = 4 * 1024
_MESSAGE = {"preset": 0, "lc": 0, "pb": 0}
_LONG_MESSAGE = {"preset": 4, "pb": 0}


@dataclass(frozen=True)
class Lzma(Configured):
    """LZMA2 in .xz, with a CRC-32; the older .lzma format is not read.

    The dictionary is sized to the body. Against kombu (preset 6, a dictionary of 8 MiB for any body), compressing and
    decompressing: 5 to 8 times as fast at 600 B for no more bytes, twice at 10 kB for 4 % more, twice at 1 MB for 15 %.

    Args:
        preset: 0 (fast) to 9 (small); None takes 0 for a body of up to 4 KiB, and 4 for a longer one.
        streams: the most concatenated streams that one body may have; with more than one, the format's padding
            (multiples of four NULs) is read as well.
        memory_limit: bytes that the decoder may use for a dictionary, 1 MiB to 4 GiB. 80 MiB let preset 9 through.
            A stream that declares more is refused as LimitExceeded: it is no smaller a bomb than long output.

    Raises:
        TypeError, ValueError: an option is of the wrong type or out of range.
        MissingDependency: the interpreter was built without lzma, and backports.lzma is not installed.
    """

    preset: int | None = None
    streams: int = 1
    memory_limit: int = 80 * _MIB

    name = "lzma"
    content_type = "application/x-lzma"
    library: ClassVar[str] = "lzma"
    extra: ClassVar[str | None] = "lzma"  # Only where the interpreter has no lzma: it brings backports.lzma.
    safe: ClassVar[bool] = True
    levels: ClassVar[tuple[int, ...]] = (0, 6, 9)

    _lzma: Any = derived()
    _bounded: bool = derived()

    def __post_init__(self) -> None:
        if self.preset is not None:
            self._check_range("preset", 0, 9)
        self._check_range("streams", 1, MOST_STREAMS)
        self._check_range("memory_limit", _MIB, 4096 * _MIB)
        module = _load()
        # Once it has seen a block of this size freed, glibc keeps liblzma's tables mapped from one call to the next: a
        # short body then takes a tenth of the time.
        bytearray(_MIB)
        self._derive(_lzma=module, _bounded=hasattr(module.LZMADecompressor, "needs_input"))

    def compress(self, body: Buffer, /) -> bytes:
        """Compress a body of any length into one stream; equal bodies give equal bytes."""
        lzma, body = self._lzma, flat(body)
        if self.preset is not None:
            chosen = {"preset": self.preset}
        else:
            chosen = _MESSAGE if len(body) <= _SMALL else _LONG_MESSAGE
        dictionary = 1 << window_bits(len(body), 12, _LARGEST.get(chosen["preset"], 23))
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": dictionary, **chosen}]
        compressed: bytes = lzma.compress(body, check=lzma.CHECK_CRC32, filters=filters)
        return compressed

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Decompress streams, up to `streams` of them, into at most `max_size` bytes.

        A dictionary beyond that of preset 6 takes memory besides the output, so such a body is decoded twice, the
        first time only to see how long it is.

        Raises:
            LimitExceeded: there is more, or the dictionary takes more than `memory_limit` bytes.
            CorruptBody: a stream is truncated, or something follows the last.
            lzma.LZMAError: a stream is damaged, or has a filter that this liblzma does not know.
        """
        padding = b"\0\0\0\0" if self.streams > 1 else b""
        options: dict[str, Any] = {"codec": self.name, "streams": self.streams, "padding": padding}
        try:
            return inflate(self._start(min(_FRUGAL, self.memory_limit)), body, max_size=max_size, **options)
        except self._lzma.LZMAError as error:
            if not _is_memory(error):
                raise
        start = self._start(self.memory_limit)
        try:
            for _ in bounded(pieces(start, body, **options), max_size=max_size, codec=self.name):
                pass
        except self._lzma.LZMAError as error:
            if not _is_memory(error):
                raise
            raise starved(self.name, "memory_limit", self.memory_limit, "the dictionary is too large") from error
        return inflate(start, body, max_size=max_size, **options)

    def _start(self, memory_limit: int) -> Callable[[], Any]:
        def start() -> Any:
            decompressor = self._lzma.LZMADecompressor(self._lzma.FORMAT_XZ, memory_limit)
            return decompressor if self._bounded else _Sipping(decompressor)

        return start


def _load() -> Any:
    try:
        return import_module("lzma")
    except ImportError:
        # The backport does not load on 3.13 and later.
        extra = "lzma" if sys.version_info < (3, 13) else None
        return require("backports.lzma", codec="lzma", library="lzma", extra=extra)


def _is_memory(error: Exception) -> bool:
    return "emory usage limit" in str(error)


class _Sipping:
    """A decompressor of backports.lzma, which cannot be told how much to give: it is fed a few bytes at a time.

    A match of 273 bytes costs no less than 14 bits of 0.022 bits each, so 32 bytes never become more than 230 kB.
    """

    def __init__(self, decompressor: Any) -> None:
        self._decompressor = decompressor
        self.unconsumed_tail = memoryview(b"")

    @property
    def eof(self) -> bool:
        eof: bool = self._decompressor.eof
        return eof

    @property
    def unused_data(self) -> bytes:
        unused: bytes = self._decompressor.unused_data
        return unused + self.unconsumed_tail

    def decompress(self, data: Buffer, size: int) -> bytes:
        data = memoryview(data)
        chunks: list[bytes] = []
        while data and size > 0 and not self.eof:
            chunks.append(self._decompressor.decompress(data[:_SIP]))
            data = data[_SIP:]
            size -= len(chunks[-1])
        self.unconsumed_tail = data
        return b"".join(chunks)
