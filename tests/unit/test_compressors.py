"""The six compressors: round trips, bounds, damage, streams, threads, configuration and public vectors."""

from __future__ import annotations

import bz2
import copy
import gzip
import hashlib
import json
import lzma
import os
import pickle
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from satchel.codecs.base import Compressor
from satchel.codecs.brotli import Brotli
from satchel.codecs.bzip2 import Bzip2
from satchel.codecs.gzip import Gzip
from satchel.codecs.lzma import Lzma
from satchel.codecs.zlib import Zlib
from satchel.codecs.zstd import Zstd
from satchel.errors import CorruptBody, DecodeError, LimitExceeded, MissingDependency

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared" / "vectors"
MIB = 1024 * 1024
LIMIT = 16 * MIB

ALL: dict[str, Any] = {"brotli": Brotli, "bzip2": Bzip2, "gzip": Gzip, "lzma": Lzma, "zlib": Zlib, "zstd": Zstd}
SEVERAL: dict[str, Any] = {name: ALL[name] for name in ("bzip2", "gzip", "lzma", "zstd")}
CHECKED: dict[str, Any] = {name: ALL[name] for name in ALL if name != "brotli"}
LIBRARY = {"brotli": "brotli", "bzip2": "bz2", "gzip": "zlib", "lzma": "lzma", "zlib": "zlib", "zstd": "zstandard"}

every = pytest.mark.parametrize("codec", [make() for make in ALL.values()], ids=list(ALL))
every_name = pytest.mark.parametrize("name", list(ALL))
each_with_streams = pytest.mark.parametrize("make", list(SEVERAL.values()), ids=list(SEVERAL))
each_with_checksum = pytest.mark.parametrize("codec", [make() for make in CHECKED.values()], ids=list(CHECKED))

MESSAGE = json.dumps([[{"id": n, "sku": f"SKU-{n * 7919 % 1000}", "price": n * 1.37} for n in range(40)], {}]).encode()


def hard_to_compress(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def undecodable(codec: Any, body: bytes) -> bool:
    """Whether decompressing raises, be it our error or the library's."""
    foreign = (zlib.error, OSError, lzma.LZMAError, *([codec._zstandard.ZstdError] if codec.name == "zstd" else []))
    with pytest.raises((DecodeError, *foreign)):
        codec.decompress(body, max_size=LIMIT)
    return True


def run(program: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Round trips


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


# Bounds


@every
@pytest.mark.parametrize("size", [1, 1000, 300_000])
@pytest.mark.parametrize("source", [bytes, hard_to_compress], ids=["zeros", "random"])
def test_exactly_the_limit_is_accepted_and_one_more_refused(codec, size, source):
    compressed, one_more = codec.compress(source(size)), codec.compress(source(size + 1))

    assert codec.decompress(compressed, max_size=size) == source(size)
    with pytest.raises(LimitExceeded) as caught:
        codec.decompress(one_more, max_size=size)
    assert (caught.value.limit, caught.value.maximum) == ("max_decompressed", size)


@every
@pytest.mark.parametrize("max_size", [0, -1, None, True, 1.5])
def test_there_is_no_unlimited(codec, max_size):
    with pytest.raises(ValueError, match="unlimited"):
        codec.decompress(codec.compress(b"x"), max_size=max_size)


def bombs() -> Iterator[tuple[str, str, bytes]]:
    """Codec, what is special about it, and a body that becomes at least 100 MiB."""
    zeros = bytes(100 * MIB)
    yield "zlib", "zeros", zlib.compress(zeros, 1)
    yield "gzip", "zeros", gzip.compress(zeros, 1)
    yield "bzip2", "zeros", bz2.compress(zeros)
    yield "lzma", "preset 6", lzma.compress(zeros, preset=0, filters=None)
    large = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 * MIB}]
    yield "lzma", "64 MiB dictionary", lzma.compress(zeros, filters=large)
    brotli = pytest.importorskip("brotli")
    for lgwin in (16, 22, 24):
        yield "brotli", f"window of {lgwin} bits", brotli.compress(zeros, quality=1, lgwin=lgwin)
    compressor = brotli.Compressor(quality=5, lgwin=24)
    parts = [compressor.process(zeros[: 15 * MIB]) + compressor.flush() for _ in range(7)]
    yield "brotli", "many meta-blocks", b"".join(parts) + compressor.finish()
    zstandard = pytest.importorskip("zstandard")
    yield "zstd", "declared", zstandard.ZstdCompressor(1).compress(zeros)
    for window_log in (17, 23, 27):
        parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=window_log)
        compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        yield "zstd", f"undeclared, 2^{window_log}", compressor.compress(zeros) + compressor.flush()


EXPLODE = """
import importlib, sys
from satchel.errors import LimitExceeded
name, path, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
codec = getattr(importlib.import_module(f"satchel.codecs.{name}"), name.capitalize())()
codec.decompress(codec.compress(b"warm"), max_size=100)
body = open(path, "rb").read()

def peak():  # Not ru_maxrss: a child starts with its parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

before = peak()
try:
    codec.decompress(body, max_size=limit)
except LimitExceeded:
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_bomb_costs_its_limit_and_little_more(tmp_path):
    path = tmp_path / "bomb"
    too_much = {}
    for name, kind, body in bombs():
        path.write_bytes(body)
        for limit in (1 * MIB, 10 * MIB, 64 * MIB):
            grown = int(run(EXPLODE, name, str(path), str(limit)))
            if grown > limit + 12 * MIB:
                too_much[name, kind, limit // MIB] = grown // MIB

    assert too_much == {}


@pytest.mark.parametrize(
    ("codec", "body", "option"),
    [
        (
            Lzma(),
            lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 * MIB}]),
            "memory_limit",
        ),
        (Zstd(), b"\x28\xb5\x2f\xfd\x00\x88" + b"\x01\x00\x00", "max_window"),
        (Zstd(), b"\x28\xb5\x2f\xfd\x00\xff" + b"\x01\x00\x00", "max_window"),
    ],
    ids=["lzma", "zstd", "zstd, beyond its own maximum"],
)
def test_a_stream_that_wants_too_much_memory_is_refused_by_name(codec, body, option):
    with pytest.raises(LimitExceeded, match=rf"decode with {type(codec).__name__}\({option}=") as caught:
        codec.decompress(body, max_size=LIMIT)

    assert (caught.value.limit, caught.value.maximum) == (option, getattr(codec, option))


def test_lzma_reads_the_largest_preset():
    body = lzma.compress(MESSAGE, preset=9)

    assert Lzma().decompress(body, max_size=LIMIT) == MESSAGE


def test_brotli_reads_the_widest_window():
    brotli = pytest.importorskip("brotli")
    body = brotli.compress(MESSAGE, lgwin=24)

    assert Brotli().decompress(body, max_size=len(MESSAGE)) == MESSAGE


# Damage


@every
def test_every_truncation_is_corrupt(codec):
    compressed = codec.compress(hard_to_compress(250))
    assert len(compressed) >= 200

    for length in range(len(compressed)):
        with pytest.raises(CorruptBody):
            codec.decompress(compressed[:length], max_size=LIMIT)


def test_every_truncation_of_an_undeclared_zstd_frame_is_corrupt():
    frame = undeclared_frame(MESSAGE)

    assert Zstd().decompress(frame, max_size=LIMIT) == MESSAGE
    for length in range(len(frame)):
        with pytest.raises(CorruptBody):
            Zstd().decompress(frame[:length], max_size=LIMIT)


@every
@pytest.mark.parametrize("body", [b"", b"x", MESSAGE, hard_to_compress(70_000)], ids=len)
@pytest.mark.parametrize("after", [b"x", b"\0", bytes(4), bytes(100_000), "itself", "empty stream", "skippable frame"])
def test_anything_after_the_stream_is_corrupt(codec, body, after):
    compressed = codec.compress(body)
    named = {"itself": compressed, "empty stream": codec.compress(b""), "skippable frame": skippable_frame(b"ab")}

    with pytest.raises(CorruptBody):
        codec.decompress(compressed + named.get(after, after), max_size=LIMIT)


@pytest.mark.parametrize("frame", ["skippable", "skippable, then whole", "empty, then more"])
def test_zstd_refuses_frames_that_say_nothing(frame):
    skippable, whole, empty = skippable_frame(b"ab"), Zstd().compress(MESSAGE), Zstd().compress(b"")
    body = {"skippable": skippable, "skippable, then whole": skippable + whole, "empty, then more": empty + whole}

    with pytest.raises(CorruptBody):
        Zstd().decompress(body[frame], max_size=LIMIT)


@pytest.mark.parametrize("claim", [0, 1, 9, 11, 255])
def test_a_zstd_frame_that_lies_about_its_size_is_refused(claim):
    frame = bytearray(Zstd().compress(b"0123456789"))
    assert frame[5] == 10
    frame[5] = claim

    assert undecodable(Zstd(), bytes(frame))


def test_a_zstd_frame_cannot_ask_for_more_memory_than_it_can_fill():
    frame = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**62) + b"\x01\x00\x00" + bytes(10)

    with pytest.raises(CorruptBody, match="cannot hold"):
        Zstd().decompress(frame, max_size=2**63)


@every
@pytest.mark.parametrize("junk", [b"", b"{}", b"not compressed at all, but long enough for every header there is"])
def test_what_is_no_stream_is_refused(codec, junk):
    assert undecodable(codec, junk)


@each_with_checksum
@pytest.mark.parametrize("body", [b"x", MESSAGE[:300], bytes(1000)], ids=len)
def test_no_flipped_bit_gives_a_wrong_value(codec, body):
    compressed = codec.compress(body)
    values = {flipped_value(codec, compressed, bit) for bit in range(len(compressed) * 8)}

    assert values <= {None, body}


def test_no_flipped_bit_of_an_undeclared_zstd_frame_gives_a_wrong_value():
    frame = undeclared_frame(MESSAGE[:300])
    values = {flipped_value(Zstd(), frame, bit) for bit in range(len(frame) * 8)}

    assert values <= {None, MESSAGE[:300]}


def flipped_value(codec: Any, compressed: bytes, bit: int) -> bytes | None:
    flipped = bytearray(compressed)
    flipped[bit // 8] ^= 1 << bit % 8
    try:
        value: bytes = codec.decompress(bytes(flipped), max_size=LIMIT)
    except Exception:  # noqa: BLE001 - which error it is, is tested elsewhere
        return None
    return value


def undeclared_frame(body: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    frame: bytes = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(body)
    return frame


def skippable_frame(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(content)) + content


# Streams


@each_with_streams
def test_reads_as_many_streams_as_it_is_told_to(make):
    one, other, empty = (make().compress(body) for body in (b"one", MESSAGE, b""))

    assert make(streams=3).decompress(one + empty + other, max_size=LIMIT) == b"one" + MESSAGE
    assert make(streams=4).decompress(one + empty + other, max_size=LIMIT) == b"one" + MESSAGE
    with pytest.raises(CorruptBody):
        make(streams=2).decompress(one + empty + other, max_size=LIMIT)


@each_with_streams
def test_streams_share_one_limit(make):
    half = make().compress(bytes(5000))

    assert make(streams=2).decompress(half + half, max_size=10_000) == bytes(10_000)
    with pytest.raises(LimitExceeded):
        make(streams=2).decompress(half + half, max_size=9_999)


@each_with_streams
def test_the_last_of_several_streams_may_not_be_cut_or_followed_by_anything(make):
    both = make().compress(MESSAGE) * 2

    for length in (len(both) - 1, len(both) // 2 + 1, len(both) // 2 + 5):
        with pytest.raises(CorruptBody):
            make(streams=5).decompress(both[:length], max_size=LIMIT)
    assert undecodable(make(streams=5), both + b"junk of a few bytes")


@each_with_streams
def test_reads_a_great_many_streams(make):
    stream = make().compress(b"ab")

    assert make(streams=5000).decompress(stream * 5000, max_size=LIMIT) == b"ab" * 5000


def test_several_zstd_frames_may_be_skippable_or_undeclared():
    body = skippable_frame(b"ab") + undeclared_frame(b"one") + skippable_frame(b"") + Zstd().compress(b"two")

    assert Zstd(streams=4).decompress(body, max_size=LIMIT) == b"onetwo"
    with pytest.raises(CorruptBody):
        Zstd(streams=3).decompress(body, max_size=LIMIT)


def test_lzma_padding_counts_in_fours():
    stream = Lzma().compress(b"one")

    assert Lzma(streams=2).decompress(stream + bytes(8) + stream + bytes(4), max_size=LIMIT) == b"oneone"
    assert undecodable(Lzma(streams=9), stream + bytes(6))


# The two headers of "application/x-gzip"


@pytest.mark.parametrize("codec", [Zlib(), Zlib.celery(), Gzip()], ids=repr)
@pytest.mark.parametrize("write", [zlib.compress, gzip.compress])
def test_zlib_and_gzip_are_told_apart_by_their_first_bytes(codec, write):
    assert codec.decompress(write(MESSAGE), max_size=LIMIT) == MESSAGE


def test_celery_names_zlib_gzip():
    assert Zlib().content_type == "application/zlib"
    assert Zlib.celery().content_type == "application/x-gzip"
    assert Zlib.celery().compress(MESSAGE) == zlib.compress(MESSAGE)


def test_reads_a_gzip_header_with_every_field():
    deflated = gzip.compress(b"body", mtime=0)[10:]
    header = b"\x1f\x8b\x08\x1e" + struct.pack("<IBB", 1_700_000_000, 0, 3) + b"\x02\0ab" + b"name\0" + b"comment\0"
    checked = header + struct.pack("<H", zlib.crc32(header) & 0xFFFF)

    assert Gzip().decompress(checked + deflated, max_size=LIMIT) == b"body"
    assert undecodable(Gzip(), header + b"\0\0" + deflated)


def test_gzip_members_do_not_mix_with_zlib_streams():
    assert undecodable(Gzip(streams=2), zlib.compress(b"a") + zlib.compress(b"b"))
    assert undecodable(Gzip(streams=2), gzip.compress(b"a") + zlib.compress(b"b"))


def test_gzip_writes_no_time():
    assert Gzip().compress(MESSAGE)[4:8] == bytes(4)


# Threads


@every
def test_an_instance_is_shared_by_threads(codec):
    def work(seed: int) -> bool:
        bodies = [hard_to_compress(50 + seed * 31 + n) * (1 + n % 5) for n in range(10)]
        return all(codec.decompress(codec.compress(body), max_size=LIMIT) == body for body in bodies * 20)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))

    assert results == [True] * 8


# Configuration


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Brotli, {"quality": 9, "lgwin": 18}),
        (Bzip2, {"level": 1, "streams": 3}),
        (Gzip, {"level": 9, "streams": 3}),
        (Lzma, {"preset": 6, "streams": 3, "memory_limit": 5 * MIB}),
        (Zlib, {"level": 0, "content_type": "application/x-gzip"}),
        (Zstd, {"level": -3, "checksum": False, "streams": 3, "max_window": MIB}),
    ],
    ids=list(ALL),
)
def test_a_configuration_is_a_value(make, options):
    codec = make(**options)

    assert eval(repr(codec)) == codec == make(**options) != make()
    assert hash(codec) == hash(make(**options))
    for twin in (pickle.loads(pickle.dumps(codec)), copy.copy(codec), copy.deepcopy(codec)):
        assert twin == codec
        assert twin.decompress(twin.compress(MESSAGE), max_size=LIMIT) == MESSAGE


@pytest.mark.parametrize(
    ("make", "field", "values"),
    [
        (Brotli, "quality", [-1, 12]),
        (Brotli, "lgwin", [15, 25]),
        (Bzip2, "level", [0, 10]),
        (Bzip2, "streams", [0, 65_537]),
        (Gzip, "level", [-1, 10]),
        (Gzip, "streams", [0, 65_537]),
        (Lzma, "preset", [-1, 10]),
        (Lzma, "streams", [0, 65_537]),
        (Lzma, "memory_limit", [0, MIB - 1]),
        (Zlib, "level", [-1, 10]),
        (Zstd, "level", [-8, 0, 23]),
        (Zstd, "streams", [0, 65_537]),
        (Zstd, "max_window", [0, 2**40]),
    ],
)
def test_options_are_checked_and_named(make, field, values):
    for value in values:
        with pytest.raises(ValueError, match=field):
            make(**{field: value})
    for value in ("1", 1.0, True):
        with pytest.raises(TypeError, match=field):
            make(**{field: value})


@pytest.mark.parametrize(("make", "field"), [(Zlib, "content_type"), (Zstd, "checksum")])
def test_options_that_are_no_numbers_are_checked_too(make, field):
    with pytest.raises(TypeError, match=field):
        make(**{field: None})


@every
def test_a_configuration_does_not_change(codec):
    with pytest.raises(AttributeError):
        codec.name = "other"


@pytest.mark.parametrize("level", [*range(-7, 0), *range(1, 20)])
def test_every_zstd_level_up_to_19_is_read_by_default_settings(level):
    body = MESSAGE * 50

    assert Zstd().decompress(Zstd(level=level).compress(body), max_size=len(body)) == body


@pytest.mark.parametrize("preset", [None, *range(10)])
def test_every_lzma_preset_is_read_by_default_settings(preset):
    assert Lzma().decompress(Lzma(preset=preset).compress(MESSAGE), max_size=LIMIT) == MESSAGE


@pytest.mark.parametrize("size", [0, 1, 79_000, 80_500, 99_999, 300_000, 900_000])
@pytest.mark.parametrize("unit", [b"aaaa", b"abcdefgh1234567"])
def test_the_bzip2_block_holds_what_the_largest_would(size, unit):
    body = (unit * (size // len(unit) + 1))[:size]
    numbered = body[: size // 2] + hard_to_compress(size // 8)

    assert len(Bzip2().compress(body)) == len(bz2.compress(body))
    assert len(Bzip2().compress(numbered)) == len(bz2.compress(numbered))


# Missing libraries


@every_name
def test_a_missing_library_is_reported_at_use_with_the_cure(name):
    # zlib stands in for itself: it is imported by much that is imported before.
    program = """
        import importlib, sys
        name, *hidden = sys.argv[1:]
        for module in hidden:
            sys.modules[module] = None
        make = getattr(importlib.import_module(f"satchel.codecs.{name}"), name.capitalize())
        try:
            make()
        except ImportError as error:
            print(type(error).__name__, error.cure)
    """
    hidden = ["lzma", "backports.lzma"] if name == "lzma" else [LIBRARY[name]]
    # backports.lzma does not load on 3.13 and later.
    built_in = name in ("bzip2", "gzip", "zlib") or (name == "lzma" and sys.version_info >= (3, 13))
    cure = f"use a Python that was built with {hidden[0]}" if built_in else f"run: pip install 'satchel[{name}]'"

    assert run(dedented(program), name, *hidden) == f"MissingDependency {cure}"


def test_no_module_imports_its_library():
    program = """
        import importlib, sys
        for name in ("brotli", "bzip2", "lzma", "zstd"):
            importlib.import_module(f"satchel.codecs.{name}")
        print(sorted({"brotli", "_brotli", "zstandard", "lzma", "_lzma", "bz2", "_bz2"} & set(sys.modules)))
    """

    assert run(dedented(program)) == "[]"


def test_a_brotli_that_cannot_bound_its_output_is_as_good_as_missing(monkeypatch):
    class Old:
        Decompressor = object

    monkeypatch.setitem(sys.modules, "brotli", Old)

    with pytest.raises(MissingDependency, match=r"brotli>=1\.2"):
        Brotli()


def test_lzma_falls_back_to_backports():
    pytest.importorskip("backports.lzma", reason="backports.lzma is not installed")
    program = """
        import sys
        sys.modules["lzma"] = None
        from satchel.codecs.lzma import Lzma
        from satchel.errors import CorruptBody, LimitExceeded
        codec, body = Lzma(), bytes(range(256)) * 2000
        whole = codec.compress(body)
        assert codec._lzma.__name__ == "backports.lzma"
        assert codec.decompress(whole, max_size=len(body)) == body
        assert Lzma(streams=2).decompress(whole + bytes(4) + whole, max_size=2 * len(body)) == body * 2
        for wrong in (whole[:-1], whole[:50], b"", whole + whole, whole + b"xxxx"):
            try:
                codec.decompress(wrong, max_size=10**6)
            except CorruptBody:
                continue
            raise AssertionError(wrong[:20])
        try:
            codec.decompress(whole, max_size=len(body) - 1)
        except LimitExceeded:
            print("bounded")
    """

    assert run(dedented(program)) == "bounded"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_fallback_of_lzma_is_bounded_too(tmp_path):
    pytest.importorskip("backports.lzma", reason="backports.lzma is not installed")
    path = tmp_path / "bomb"
    path.write_bytes(lzma.compress(bytes(100 * MIB), preset=0))
    grown = int(run('import sys\nsys.modules["lzma"] = None\n' + EXPLODE, "lzma", str(path), str(MIB)))

    assert grown < 13 * MIB


def dedented(program: str) -> str:
    return "\n".join(line[8:] for line in program.splitlines())


# Public vectors


def vectors() -> list[Any]:
    manifest = VECTORS / "manifest.json"
    if not manifest.exists():
        return [pytest.param(None, marks=pytest.mark.skip(f"no public vectors at {VECTORS}"), id="absent")]
    known = {"xz": "lzma", **{name: name for name in ALL}}
    entries = [entry for entry in json.loads(manifest.read_text()) if entry["codec"] in known]
    return [pytest.param({**entry, "codec": known[entry["codec"]]}, id=entry["path"]) for entry in entries]


@pytest.mark.parametrize("vector", vectors())
def test_public_vectors(vector):
    make = ALL[vector["codec"]]
    codec = make(streams=100) if vector["codec"] in SEVERAL else make()
    body = (VECTORS / vector["path"]).read_bytes()

    if vector["expectation"] == "good":
        value = codec.decompress(body, max_size=vector["out_size"] or 1)
        assert hashlib.sha256(value).hexdigest() == vector["out_sha256"]
    elif vector["expectation"] == "bad":
        assert undecodable(codec, body)
    else:
        flipped_value(codec, body, 0)
