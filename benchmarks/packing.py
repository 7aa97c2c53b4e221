"""Compressors: there and back, beside kombu's and beside the raw libraries with the parameters that Satchel uses."""

from __future__ import annotations

import bz2
import lzma
import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.payloads import SEED, message
from benchmarks.results import OURS, RAW, Row, raced
from benchmarks.values import check
from satchel import celery_registry, default_registry
from satchel.bench.timing import race

NAMES = ("zstd", "brotli", "lzma", "bzip2", "gzip", "zlib")
LIMIT = 16 * 1024 * 1024
#: The length of a body, and of how many bodies a batch goes through: short ones differ in how they compress.
SIZES = {"589 B": (589, 20), "10 KB": (10_500, 4), "1 MB": (1_000_000, 1)}
SECONDS = 8.0


class Packer(NamedTuple):
    """One way to compress and decompress."""

    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


def rows(
    rounds: int, names: Sequence[str] = NAMES, sizes: Sequence[str] = tuple(SIZES)
) -> tuple[list[Row], dict[str, str]]:
    """The rows of compressors; and the sides that cannot be had here, with the reason."""
    measured: list[Row] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            kombus = _kombu(name)
        except ImportError as error:
            missing[f"kombu, {name}"] = str(error)
            kombus = None
        for label in sizes:
            size, count = SIZES[label]
            source = random.Random(SEED)
            bodies = [message(source, size) for _ in range(count)]
            packers = {OURS: _satchel(name), "kombu": kombus, RAW: _raw(name, size)}
            measured += _measured(f"{name} {{}}, {label}", packers, bodies, rounds)
    return measured, missing


def _measured(name: str, packers: Mapping[str, Packer | None], bodies: Sequence[bytes], rounds: int) -> Iterator[Row]:
    sides = {side: packer for side, packer in packers.items() if packer is not None}
    packed = {side: [packer.compress(body) for body in bodies] for side, packer in sides.items()}
    for side, packer in sides.items():
        for writer, whole in packed.items():
            check(f"{name}: {side} on the bytes of {writer}", [packer.decompress(each) for each in whole], list(bodies))
    sizes = {side: sum(map(len, whole)) for side, whole in packed.items()}
    both = {side: partial(_there_and_back, packer, bodies) for side, packer in sides.items()}
    yield raced(name.format("there and back"), race(both, rounds=rounds, seconds=SECONDS), sizes, messages=len(bodies))
    if name.endswith("1 MB"):
        return  # Each way for itself is of interest where calls count.
    there = {side: partial(_all, packer.compress, bodies) for side, packer in sides.items()}
    yield raced(name.format("compress"), race(there, rounds=rounds, seconds=SECONDS), sizes, messages=len(bodies))
    back = {side: partial(_all, packer.decompress, packed[OURS]) for side, packer in sides.items()}
    yield raced(name.format("decompress"), race(back, rounds=rounds, seconds=SECONDS), messages=len(bodies))


def _there_and_back(packer: Packer, bodies: Sequence[bytes]) -> None:
    compress, decompress = packer
    for body in bodies:
        decompress(compress(body))


def _all(work: Callable[[bytes], bytes], bodies: Sequence[bytes]) -> None:
    for body in bodies:
        work(body)


def _satchel(name: str) -> Packer:
    # Celery's gzip is zlib, as kombu's is; the true one is in the default registry.
    codec = (default_registry() if name == "gzip" else celery_registry()).compressor(name)

    def decompress(body: bytes) -> bytes:
        return codec.decompress(body, max_size=LIMIT)

    return Packer(codec.compress, decompress)


def _kombu(name: str) -> Packer | None:
    compression: Any = import_module("kombu.compression")
    if name == "gzip":
        return None  # The name stands for zlib there, which is compared.
    try:
        _, content_type = compression.compress(b"", name)
    except KeyError:
        raise ImportError("kombu's library for it is not installed") from None

    def compress(body: bytes) -> bytes:
        packed: bytes = compression.compress(body, name)[0]
        return packed

    return Packer(compress, lambda body: compression.decompress(body, content_type))


def _raw(name: str, size: int) -> Packer:
    """The library itself: no bound on what comes out, and contexts made once where that is possible."""
    window = (size - 1).bit_length()
    if name == "zstd":
        zstandard: Any = import_module("zstandard")
        return Packer(
            zstandard.ZstdCompressor(level=1, write_checksum=True).compress, zstandard.ZstdDecompressor().decompress
        )
    if name == "brotli":
        brotli: Any = import_module("brotli")
        quality = 5 if size <= 4096 else 9
        return Packer(partial(brotli.compress, quality=quality, lgwin=min(max(16, window), 22)), brotli.decompress)
    if name == "lzma":
        preset = {"preset": 0, "lc": 0} if size <= 4096 else {"preset": 4}
        filters = [{"id": lzma.FILTER_LZMA2, "pb": 0, "dict_size": 1 << max(12, window), **preset}]
        return Packer(partial(lzma.compress, check=lzma.CHECK_CRC32, filters=filters), lzma.decompress)
    if name == "bzip2":
        return Packer(partial(bz2.compress, compresslevel=min(9, size // 100_000 + 1)), bz2.decompress)
    if name == "gzip":
        return Packer(_gzip, partial(zlib.decompress, wbits=31))
    return Packer(zlib.compress, zlib.decompress)


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    return compressor.compress(body) + compressor.flush()
