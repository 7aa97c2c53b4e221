"""Bombs: ways to write a small body that grows, by compressor; `satchel.codecs` must refuse all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tests.hostile.bodies import COMPRESSORS
from tests.hostile.child import MIB
from tests.hostile.streams import WRITERS, bzip2, noise

#: These read more than one stream, if they may.
SEVERAL = ("bzip2", "gzip", "lzma", "zstd")

Bomb = Callable[[str, int], bytes]


@cache
def zeros(name: str, size: int, **options: Any) -> bytes:
    return WRITERS[name]([(bytes(MIB), size // MIB)], **options)


def short_pattern(name: str, size: int) -> bytes:
    return WRITERS[name]([(b"spam and eggs..\n" * 32_768, size // (512 * 1024))])


def long_distance(name: str, size: int) -> bytes:
    # What DEFLATE and bzip2 repeat is bound by window and block; LZMA takes long to find it.
    period, times = {"zlib": (16_000, 256), "gzip": (16_000, 256), "bzip2": (1_000, 800), "lzma": (90_000, 44)}.get(
        name, (MIB // 2, 2)
    )
    return WRITERS[name]([(noise(period) * times, size // (period * times) + 1)])


def many_blocks(name: str, size: int) -> bytes:
    options: dict[str, Any] = {"brotli": {"flush": True}, "zstd": {"flush": True}, "lzma": {"blocks": True}}
    return WRITERS[name]([(bytes(64 * 1024), size // (64 * 1024))], **options.get(name, {}))


def widest_window(name: str, size: int) -> bytes:
    """Give the largest window, dictionary or block that is admitted by default."""
    if name == "bzip2":
        block = min(size, 43 * MIB)  # 900 kB of runs, made short.
        return bzip2([(bytes(block), -(-size // block))])
    if name in ("zlib", "gzip"):
        part = noise(32_506) * 129
        return WRITERS[name]([(part, size // len(part) + 1)])
    options = {"brotli": {"lgwin": 24}, "lzma": {"dictionary": 64 * MIB}, "zstd": {"window_log": 23}}
    return zeros(name, size, **options[name])


def nested(name: str, size: int) -> bytes:
    inner = zeros(name, 16 * MIB)
    part = inner * (750_000 // len(inner))
    return WRITERS[name]([(part, size // len(part) + 1)])


def honest_prefix(name: str, size: int) -> bytes:
    return WRITERS[name]([(noise(512 * 1024), 1), (bytes(MIB), size // MIB)])


def one_byte_more(name: str, size: int) -> bytes:
    return WRITERS[name]([(bytes(MIB), size // MIB), (b"x", 1)])


def no_end(name: str, size: int) -> bytes:
    body = zeros(name, size)
    return body[: len(body) * 9 // 10]


def false_end(name: str, size: int) -> bytes:
    """Give a bomb whose last bytes, a checksum or a size in most formats, are wrong."""
    body = zeros(name, size)
    return body[:-4] + bytes(byte ^ 0x55 for byte in body[-4:])


def empty_blocks_first(name: str, size: int) -> bytes:
    return zeros(name, size, empty=100_000)


def many_streams(name: str, size: int) -> bytes:
    return zeros(name, MIB) * (size // MIB)


def empty_streams_first(name: str, size: int) -> bytes:
    return WRITERS[name]([]) * 60_000 + zeros(name, size)


#: By every compressor.
ARCHETYPES: dict[str, Bomb] = {
    "zeros": zeros,
    "short pattern": short_pattern,
    "long distance": long_distance,
    "many blocks": many_blocks,
    "widest window": widest_window,
    "nested": nested,
    "honest prefix": honest_prefix,
    "one byte more": one_byte_more,
    "no end": no_end,
    "false end": false_end,
}
#: What one format alone can say, besides; bzip2 has no empty blocks.
FURTHER: dict[str, dict[str, Bomb]] = {
    "zstd": {
        "declared": lambda name, size: zeros(name, size, declared=size),
        "declared as 2^62": lambda name, size: zeros(name, size, declared=2**62),
        "undeclared, window of 1 KiB": lambda name, size: zeros(name, size, window_log=10),
        "undeclared, window of 128 KiB": lambda name, size: zeros(name, size, window_log=17),
    },
    "lzma": {
        "smallest dictionary": lambda name, size: zeros(name, size, dictionary=4096),
        "dictionary of preset 8": lambda name, size: zeros(name, size, dictionary=32 * MIB),
    },
    "brotli": {
        "window of 1 KiB": lambda name, size: zeros(name, size, lgwin=10),
        "window of 8 MiB": lambda name, size: zeros(name, size, lgwin=23),
        "widest window, many blocks": lambda name, size: zeros(name, size, lgwin=24, flush=True),
    },
}
for _name in COMPRESSORS:
    if _name != "bzip2":
        FURTHER.setdefault(_name, {})["empty blocks first"] = empty_blocks_first
#: With the option `streams`.
OF_STREAMS: dict[str, Bomb] = {"many streams": many_streams, "empty streams first": empty_streams_first}
