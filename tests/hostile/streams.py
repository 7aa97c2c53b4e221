"""Compressed streams that compressors do not write by themselves: long ones made at no cost, and ones that lie."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import brotli
import zstandard

from satchel import default_registry
from satchel.registry import Registry

MIB = 1024 * 1024

#: What a stream becomes: pieces of bytes, and how many times each stands there.
Parts = list[tuple[bytes, int]]

_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_BZIP2_END = format(0x177245385090, "048b")
_XZ_FLAGS = b"\0\0"  # no checksum: it would take longer than all else
#: The dictionary's size as .xz writes it.
_XZ_DICTIONARIES = {(2 | bits & 1) << bits // 2 + 11: bits for bits in range(40)} | {2**32 - 1: 40}

#: What becomes nothing, within a stream: an empty block of DEFLATE, of zstd; an empty meta-block of brotli.
EMPTY_BLOCK = {"zlib": b"\0\0\0\xff\xff", "gzip": b"\0\0\0\xff\xff", "zstd": b"\0\0\0", "brotli": b"\x06"}


def noise(size: int, seed: int = 0) -> bytes:
    """Give bytes that no compressor can shrink, always the same."""
    return Random(seed).randbytes(size)


def records(size: int) -> bytes:
    """Give bytes that look like the rows of a message."""
    rows = b"".join(
        b'{"id": %d, "sku": "SKU-%d", "n": %d},' % (n, n * 7919 % 1000, n * n) for n in range(size // 30 + 1)
    )
    return rows[:size]


def deflate(parts: Parts, *, gzip: bool = False, empty: int = 0) -> bytes:
    """Write a zlib stream or a gzip member, a block or more for each part; first `empty` blocks of nothing."""
    body = [EMPTY_BLOCK["zlib"] * empty]
    checksum: Callable[..., int] = zlib.crc32 if gzip else zlib.adler32
    check, size = checksum(b""), 0
    for part, count in parts:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        body.append((compressor.compress(part) + compressor.flush(zlib.Z_FULL_FLUSH)) * count)
        size += len(part) * count
        for _ in range(count):
            check = checksum(part, check)
    whole = b"".join([*body, b"\x03\0"])
    if gzip:
        return _GZIP_HEADER + whole + struct.pack("<II", check, size % 2**32)
    return b"\x78\x9c" + whole + struct.pack(">I", check)


def bzip2(parts: Parts) -> bytes:
    """Write a bzip2 stream, a block for each part: of 900 kB at the most, after runs were made short."""
    blocks, whole = [], 0
    for part, count in parts:
        digits = bin(int.from_bytes(b"\1" + bz2.compress(part), "big"))[3:]
        end = digits.rindex(_BZIP2_END)
        block, check = digits[32:end], int(digits[80:112], 2)
        if int(digits[end + 48 : end + 80], 2) != check:
            raise ValueError("a part must fit into one block")
        blocks.append(block * count)
        for _ in range(count):
            whole = (whole << 1 & 0xFFFFFFFF | whole >> 31) ^ check
    bits = "".join([*blocks, _BZIP2_END, format(whole, "032b")])
    bits += "0" * (-len(bits) % 8)
    return b"BZh9" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def xz(parts: Parts, *, dictionary: int = 8 * MIB, blocks: bool = False, empty: int = 0) -> bytes:
    """Write an .xz stream: one block, or one for each part; first `empty` blocks of nothing."""
    written: Parts = [(_xz_block([], dictionary), empty)]
    sizes = [0]
    if blocks:
        written += [(_xz_block([(part, 1)], dictionary), count) for part, count in parts]
        sizes += [len(part) for part, _ in parts]
    else:
        written.append((_xz_block(parts, dictionary), 1))
        sizes.append(sum(len(part) * count for part, count in parts))
    entries = [(_vli(len(block)) + _vli(size)) * count for (block, count), size in zip(written, sizes, strict=True)]
    index = b"\0" + _vli(sum(count for _, count in written)) + b"".join(entries)
    index = _checked(index + bytes(-len(index) % 4))
    footer = struct.pack("<I", len(index) // 4 - 1) + _XZ_FLAGS
    body = b"".join((block + bytes(-len(block) % 4)) * count for block, count in written)
    return b"\xfd7zXZ\0" + _checked(_XZ_FLAGS) + body + index + _checked(footer)[-4:] + footer + b"YZ"


def _xz_block(parts: Parts, dictionary: int) -> bytes:
    # Without contexts of literals and positions, a chunk means the same wherever it stands.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "lc": 0, "pb": 0, "dict_size": 4 * MIB}]
    chunks = bytearray()
    for part, count in parts:
        first = lzma.compress(part, lzma.FORMAT_RAW, filters=filters)[:-1]
        # The same chunk without a reset of the dictionary.
        further = bytes((2 if first[0] == 1 else first[0] & ~0x20,)) + first[1:]
        chunks += further * count if chunks else first + further * (count - 1)
    header = bytes((2, 0, lzma.FILTER_LZMA2, 1, _XZ_DICTIONARIES[dictionary], 0, 0, 0))
    return _checked(header) + bytes(chunks) + b"\0"


def _checked(field: bytes) -> bytes:
    return field + struct.pack("<I", zlib.crc32(field))


def _vli(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def brotli_stream(parts: Parts, *, lgwin: int = 22, quality: int = 5, flush: bool = False, empty: int = 0) -> bytes:
    """Write a brotli stream; with `flush`, a meta-block or more for each part; first `empty` meta-blocks of nothing."""
    compressor = brotli.Compressor(quality=quality, lgwin=lgwin)
    body = [compressor.process(b"x"), compressor.flush(), EMPTY_BLOCK["brotli"] * empty] if empty else []
    for part, count in parts:
        for _ in range(count):
            body.append(compressor.process(part))
            if flush:
                body.append(compressor.flush())
    return b"".join([*body, compressor.finish()])


def zstd(
    parts: Parts,
    *,
    declared: int | None = None,
    window_log: int = 20,
    flush: bool = False,
    checksum: bool = True,
    empty: int = 0,
) -> bytes:
    """Write a zstd frame, whatever size it is `declared` to have; first `empty` blocks of nothing."""
    options: Any = {"window_log": window_log, "write_checksum": checksum, "write_content_size": False}
    parameters = zstandard.ZstdCompressionParameters.from_level(1, **options)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = []
    for part, count in parts:
        for _ in range(count):
            body.append(compressor.compress(part))
            if flush:
                body.append(compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    frame = b"".join([*body, compressor.flush()])
    descriptor = frame[4] if declared is None else frame[4] | 0b11000000
    field = b"" if declared is None else struct.pack("<Q", declared)
    return frame[:4] + bytes((descriptor, frame[5])) + field + EMPTY_BLOCK["zstd"] * empty + frame[6:]


def skippable(content: bytes = b"ab") -> bytes:
    """Write a zstd frame that holds nothing to be decompressed."""
    return struct.pack("<II", 0x184D2A50, len(content)) + content


def gzip_with_every_field(body: bytes) -> bytes:
    """Write a gzip member whose header has a time, an extra field, a name, a comment and a checksum of its own."""
    header = b"\x1f\x8b\x08\x1e" + struct.pack("<IBB", 1_700_000_000, 0, 3) + b"\x02\0ab" + b"name\0" + b"comment\0"
    return header + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + zlib.compress(body)[2:-4] + _gzip_end(body)


def _gzip_end(body: bytes) -> bytes:
    return struct.pack("<II", zlib.crc32(body), len(body) % 2**32)


#: By the name of a compressor; all take parts.
WRITERS: dict[str, Callable[..., bytes]] = {
    "brotli": brotli_stream,
    "bzip2": bzip2,
    "gzip": lambda parts, **options: deflate(parts, gzip=True, **options),
    "lzma": xz,
    "zlib": deflate,
    "zstd": zstd,
}


class Configuration(NamedTuple):
    """A way to write a compressor's body, and what reads it.

    Attributes:
        compressor: the name.
        kind: what is special.
        write: makes a body of bytes.
        registry: has the compressor that reads it; None stands for the default one.
    """

    compressor: str
    kind: str
    write: Callable[[bytes], bytes]
    registry: Registry | None = None

    def __repr__(self) -> str:
        return f"{self.compressor}, {self.kind}"


def _several(name: str, between: bytes = b"") -> Configuration:
    codec = default_registry().compressor(name)
    reader = replace(codec, streams=4)  # type: ignore[type-var]
    registry = default_registry().with_compressor(reader, replace=True)

    def write(body: bytes) -> bytes:
        half = len(body) // 2
        return codec.compress(body[:half]) + between + codec.compress(body[half:])

    return Configuration(name, f"two streams{' and ' + repr(between) if between else ''}", write, registry)


def _levels() -> Iterator[Configuration]:
    """Every kind of stream that Satchel writes, by every option that changes it."""
    options = {
        "brotli": [{"quality": quality} for quality in (0, 1, 4, 11)] + [{"lgwin": 24, "quality": 9}],
        "bzip2": [{"level": 1}],
        "gzip": [{"level": level} for level in (0, 1, 9)],
        "lzma": [{"preset": preset} for preset in (0, 3, 6, 9)],
        "zlib": [{"level": level} for level in (0, 1, 9)],
        "zstd": [{"level": level} for level in (-7, 3, 9, 19)],
    }
    for name, configurations in options.items():
        codec: Any = default_registry().compressor(name)
        yield Configuration(name, "default", codec.compress)
        for option in configurations:
            kind = ", ".join(f"{key} {value}" for key, value in option.items())
            yield Configuration(name, kind, replace(codec, **option).compress)


def _foreign() -> Iterator[Configuration]:
    """Streams as other writers make them."""
    yield Configuration("gzip", "every field of the header", gzip_with_every_field)
    yield Configuration("gzip", "a stream of zlib", zlib.compress)
    yield Configuration("zlib", "a member of gzip", default_registry().compressor("gzip").compress)
    yield Configuration("zlib", "many blocks", lambda body: deflate(_cut(body)))
    yield Configuration("zlib", "the smallest window", lambda body: _with(zlib.compressobj(9, zlib.DEFLATED, 9), body))
    yield Configuration("zlib", "fixed codes", lambda body: _with(zlib.compressobj(9, 8, 15, 9, zlib.Z_FIXED), body))
    yield Configuration("bzip2", "many blocks", lambda body: bzip2(_cut(body)))
    yield Configuration("lzma", "64 bits of checksum", lambda body: lzma.compress(body, check=lzma.CHECK_CRC64))
    yield Configuration("lzma", "256 bits of checksum", lambda body: lzma.compress(body, check=lzma.CHECK_SHA256))
    delta = [{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 1}]
    yield Configuration("lzma", "delta", lambda body: lzma.compress(body, check=lzma.CHECK_CRC32, filters=delta))
    yield Configuration("brotli", "many meta-blocks", lambda body: brotli_stream(_cut(body), flush=True))
    yield Configuration("zstd", "undeclared", lambda body: zstd([(body, 1)]))
    yield Configuration("zstd", "undeclared, many blocks", lambda body: zstd(_cut(body), flush=True))
    yield Configuration("zstd", "declared in 8 bytes", lambda body: zstd([(body, 1)], declared=len(body)))


def _with(compressor: Any, body: bytes) -> bytes:
    whole: bytes = compressor.compress(body) + compressor.flush()
    return whole


def _cut(body: bytes) -> Parts:
    third = len(body) // 3 + 1
    return [(body[start : start + third], 1) for start in range(0, len(body), third)]


CONFIGURED = [
    *_levels(),
    *_foreign(),
    *(_several(name) for name in ("bzip2", "gzip", "lzma", "zstd")),
    _several("lzma", bytes(8)),
    _several("zstd", skippable()),
]
