"""The compressors' defaults beside kombu's: time and size for three message lengths, each round trip verified first.

Run: python benchmarks/compressor_defaults.py [NAME ...]

The two sides take turns, a round each, so that what slows the machine slows both; the median round counts. Ratios above
1 mean that Satchel is that many times as fast; sizes are relative to kombu's. Where backports.zstd is not installed, a
new context of zstandard per call stands in for it, which costs the same.
"""

from __future__ import annotations

import bz2
import json
import lzma
import random
import sys
import uuid
import zlib
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

import brotli
import zstandard

from satchel import Brotli, Bzip2, Gzip, Lzma, Zlib, Zstd

LIMIT = 16 * 1024 * 1024
WORDS = (
    "please",
    "deliver",
    "to",
    "the",
    "back",
    "door",
    "after",
    "six",
    "and",
    "ring",
    "twice",
    "if",
    "nobody",
    "answers",
)
NANOSECONDS = 400_000_000  # per side, length and codec, more or less


class Side(NamedTuple):
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


def kombu_zstd() -> Side:
    try:
        from backports import zstd
    except ImportError:
        return Side(
            lambda body: zstandard.ZstdCompressor(3).compress(body),
            lambda body: zstandard.ZstdDecompressor().decompress(body),
        )
    return Side(zstd.compress, zstd.decompress)


def order(source: random.Random) -> dict[str, Any]:
    lines = [
        {"sku": source.randrange(10**5), "quantity": source.randrange(1, 9), "price": round(source.random() * 99, 2)}
        for _ in range(3)
    ]
    return {
        "order": str(uuid.UUID(int=source.getrandbits(128))),
        "customer": {"id": source.randrange(10**6), "email": f"user{source.randrange(10**5)}@example.com"},
        "lines": lines,
        "placed": {"__type__": "datetime", "__value__": f"2026-03-1{source.randrange(10)}T12:00:00.000000+00:00"},
    }


def message(source: random.Random, size: int) -> bytes:
    """A Celery body, protocol 2, of `size` bytes: orders, and a note that takes what room they leave."""
    options = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    orders: list[dict[str, Any]] = [order(source)]
    room = size - len(json.dumps([[orders], {"note": ""}, options]))
    while room > 400:
        orders.append(order(source))
        room -= len(json.dumps(orders[-1])) + 2
    note = " ".join(source.choice(WORDS) for _ in range(room))[:room]
    return json.dumps([[orders], {"note": note}, options]).encode()


def timed(work: Callable[[bytes], bytes], bodies: list[bytes]) -> float:
    start = perf_counter_ns()
    for body in bodies:
        work(body)
    return (perf_counter_ns() - start) / len(bodies)


def compare(kombu: Side, ours: Side, bodies: list[bytes]) -> str:
    sides = (kombu, ours)
    packed = [[side.compress(body) for body in bodies] for side in sides]
    for side, whole in zip(sides, packed, strict=True):
        if [side.decompress(body) for body in whole] != bodies:
            raise SystemExit("the round trip fails")
    once = max(timed(kombu.compress, bodies) * len(bodies), 1)
    rounds = int(max(3, min(200, NANOSECONDS // once)))
    times: list[list[tuple[float, float]]] = [[], []]
    for _ in range(rounds):
        for side, whole, taken in zip(sides, packed, times, strict=True):
            taken.append((timed(side.compress, bodies), timed(side.decompress, whole)))
    (kombu_in, kombu_out), (our_in, our_out) = ([median(part) for part in zip(*taken, strict=True)] for taken in times)
    size = sum(map(len, packed[1])) / sum(map(len, packed[0]))
    return (
        f"{our_in / 1000:9.1f} {our_out / 1000:8.1f} µs   "
        f"compress {kombu_in / our_in:6.1f}x   decompress {kombu_out / our_out:5.2f}x   "
        f"both {(kombu_in + kombu_out) / (our_in + our_out):6.1f}x   size {size:.3f}"
    )


def main(names: list[str]) -> None:
    zlib_side = Side(zlib.compress, zlib.decompress)
    table: dict[str, tuple[Side, Any]] = {
        "brotli": (Side(brotli.compress, brotli.decompress), Brotli()),
        "bzip2": (Side(bz2.compress, bz2.decompress), Bzip2()),
        "gzip": (zlib_side, Gzip()),  # kombu's gzip is zlib
        "lzma": (Side(lzma.compress, lzma.decompress), Lzma()),
        "zlib": (zlib_side, Zlib()),
        "zstd": (kombu_zstd(), Zstd()),
    }
    source = random.Random(7)
    sizes = ((589, 20), (10_500, 4), (1_000_000, 1))
    lengths = [[message(source, size) for _ in range(count)] for size, count in sizes]
    for name in names or list(table):
        kombu, codec = table[name]
        ours = Side(codec.compress, partial(codec.decompress, max_size=LIMIT))
        for bodies in lengths:
            print(f"{name:7}{len(bodies[0]):9,} B {compare(kombu, ours, bodies)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
