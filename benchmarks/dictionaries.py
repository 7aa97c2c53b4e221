"""Zstd with a dictionary trained on other task messages: there and back, beside the raw library and no dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.packing import LIMIT, Packer
from benchmarks.payloads import SEED
from benchmarks.results import OURS, RAW, Row, raced
from benchmarks.values import check
from satchel import Zstd, default_registry
from satchel.bench.generated import GENERATED
from satchel.bench.timing import race

#: How many messages a dictionary is trained on, and how many others are timed.
TRAINED_ON, TIMED = 3_000, 200
#: Bytes of the dictionary.
SIZE = 32 * 1024
#: Zstd as kombu has it: level 3, no dictionary.
PLAIN = "zstd, level 3"
SECONDS = 6.0


def rows(rounds: int) -> list[Row]:
    """Compressing and decompressing the bodies of Celery's messages, as JSON."""
    dumps = default_registry().serializer("json").dumps
    training, bodies = (
        [dumps(value) for value in GENERATED["celery"](count, seed)]
        for count, seed in ((TRAINED_ON, SEED), (TIMED, SEED + 1))
    )
    zstandard: Any = import_module("zstandard")
    dictionary: bytes = zstandard.train_dictionary(SIZE, training).as_bytes()
    packers = {OURS: _satchel(Zstd(dictionary=dictionary)), RAW: _raw(zstandard, dictionary), PLAIN: _satchel(Zstd(3))}
    return [
        _row(
            "compress", {side: (packer.compress, bodies) for side, packer in packers.items()}, rounds, packers, bodies
        ),
        _row(
            "decompress",
            {side: (packer.decompress, list(map(packer.compress, bodies))) for side, packer in packers.items()},
            rounds,
            packers,
            bodies,
        ),
    ]


def _row(
    what: str,
    work: Mapping[str, tuple[Callable[[bytes], bytes], Sequence[bytes]]],
    rounds: int,
    packers: Mapping[str, Packer],
    bodies: Sequence[bytes],
) -> Row:
    name = f"zstd with a dictionary {what}, Celery's messages"
    packed = {side: [packer.compress(body) for body in bodies] for side, packer in packers.items()}
    for side, packer in packers.items():
        check(f"{name}: {side}", [packer.decompress(each) for each in packed[side]], list(bodies))
    jobs = {side: partial(_all, function, given) for side, (function, given) in work.items()}
    sizes = {side: sum(map(len, each)) for side, each in packed.items()}
    return raced(name, race(jobs, rounds=rounds, seconds=SECONDS), sizes, messages=len(bodies))


def _all(work: Callable[[bytes], bytes], bodies: Sequence[bytes]) -> None:
    for body in bodies:
        work(body)


def _satchel(codec: Zstd) -> Packer:

    def decompress(body: bytes) -> bytes:
        return codec.decompress(body, max_size=LIMIT)

    return Packer(codec.compress, decompress)


def _raw(zstandard: Any, dictionary: bytes) -> Packer:
    """The library itself, with the parameters that Satchel gives it, and no bound on what comes out."""
    data = zstandard.ZstdCompressionDict(dictionary)
    data.precompute_compress(compression_params=zstandard.ZstdCompressionParameters.from_level(1))
    compress = zstandard.ZstdCompressor(level=1, write_checksum=True, dict_data=data).compress
    library = zstandard.ZstdDecompressor(dict_data=data).decompress

    # From a function in Python, as the other side: without it the library would have a call less.
    def decompress(body: bytes) -> bytes:
        restored: bytes = library(body)
        return restored

    return Packer(compress, decompress)
