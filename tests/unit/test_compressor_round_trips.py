"""The six compressors: what goes in comes out, whatever the buffer, the level and the thread."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from satchel.codecs.brotli import Brotli
from satchel.codecs.bzip2 import Bzip2
from satchel.codecs.lzma import Lzma
from satchel.codecs.protocols import Compressor
from satchel.codecs.zstd import Zstd
from tests.unit.compressing import ALL, LIMIT, MESSAGE, every, hard_to_compress


@every
def test_satisfies_the_protocol(codec):
    compressor: Compressor = codec

    assert compressor.decompress(compressor.compress(b"x"), max_size=1) == b"x"
    assert codec.name in ALL
    assert codec.content_type.startswith("application/")
    assert codec.safe is True


@every
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("body", [b"", b"x", MESSAGE, bytes(300_000), hard_to_compress(300_000)], ids=len)
def test_round_trips_every_kind_of_buffer(codec, kind, body):
    compressed = codec.compress(kind(body))

    assert type(compressed) is bytes
    assert codec.decompress(kind(compressed), max_size=LIMIT) == body
    assert type(codec.decompress(compressed, max_size=LIMIT)) is bytes


@every
def test_reads_memoryviews_of_other_shapes(codec):
    compressed = codec.compress(MESSAGE)
    spaced = bytearray(2 * len(compressed))
    spaced[::2] = compressed
    wide = memoryview(MESSAGE[: len(MESSAGE) // 8 * 8]).cast("Q")

    assert codec.decompress(memoryview(spaced)[::2], max_size=LIMIT) == MESSAGE
    assert codec.decompress(codec.compress(wide), max_size=LIMIT) == wide.tobytes()
    assert codec.decompress(codec.compress(memoryview(MESSAGE)[::-3]), max_size=LIMIT) == MESSAGE[::-3]


@every
def test_round_trips_more_than_fits_one_piece(codec):
    body = hard_to_compress(1_500_000) + bytes(1_500_000)

    assert codec.decompress(codec.compress(body), max_size=len(body)) == body


@every
def test_equal_bodies_give_equal_bytes(codec):
    first = [codec.compress(body) for body in (MESSAGE, bytes(100_000), hard_to_compress(100_000))]
    again = [type(codec)().compress(body) for body in (MESSAGE, bytes(100_000), hard_to_compress(100_000))]

    assert first == again


@pytest.mark.parametrize("name", ["gzip", "zlib", "bzip2", "lzma"])
def test_the_standard_library_reads_what_is_written(name):
    peer = {"gzip": gzip, "zlib": zlib, "bzip2": bz2, "lzma": lzma}[name]

    assert peer.decompress(ALL[name]().compress(MESSAGE)) == MESSAGE


@pytest.mark.parametrize("level", [*range(-7, 0), *range(1, 20)])
def test_every_zstd_level_up_to_19_is_read_by_default_settings(level):
    body = MESSAGE * 50

    assert Zstd().decompress(Zstd(level=level).compress(body), max_size=len(body)) == body


@pytest.mark.parametrize("preset", [None, *range(10)])
def test_every_lzma_preset_is_read_by_default_settings(preset):
    assert Lzma().decompress(Lzma(preset=preset).compress(MESSAGE), max_size=LIMIT) == MESSAGE


def test_lzma_reads_the_largest_preset():
    body = lzma.compress(MESSAGE, preset=9)

    assert Lzma().decompress(body, max_size=LIMIT) == MESSAGE


def test_brotli_reads_the_widest_window():
    brotli = pytest.importorskip("brotli")
    body = brotli.compress(MESSAGE, lgwin=24)

    assert Brotli().decompress(body, max_size=len(MESSAGE)) == MESSAGE


@pytest.mark.parametrize("size", [0, 1, 79_000, 80_500, 99_999, 300_000, 900_000])
@pytest.mark.parametrize("unit", [b"aaaa", b"abcdefgh1234567"])
def test_the_bzip2_block_holds_what_the_largest_would(size, unit):
    body = (unit * (size // len(unit) + 1))[:size]
    numbered = body[: size // 2] + hard_to_compress(size // 8)

    assert len(Bzip2().compress(body)) == len(bz2.compress(body))
    assert len(Bzip2().compress(numbered)) == len(bz2.compress(numbered))


@every
def test_an_instance_is_shared_by_threads(codec):
    def work(seed: int) -> bool:
        bodies = [hard_to_compress(50 + seed * 31 + n) * (1 + n % 5) for n in range(10)]
        return all(codec.decompress(codec.compress(body), max_size=LIMIT) == body for body in bodies * 20)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))

    assert results == [True] * 8
