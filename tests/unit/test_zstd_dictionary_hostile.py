"""Zstd with a dictionary, on hostile bodies and damaged dictionaries: what plain zstd promises, in no more memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import zstandard

from satchel import CorruptBody, DecodeError, Dictionary, Encoded, LimitExceeded, Pipeline, Zstd, default_registry
from tests.unit.dictionaries import messages, trained

DATA = trained(70_001)
CODEC = Zstd(dictionary=DATA)
MESSAGE = messages(1, 9)[0]
FRAME = CODEC.compress(MESSAGE)
MIB = 1024 * 1024


def decoded(body: bytes, data: bytes = DATA, **options: Any) -> bytes:
    registry = default_registry().with_compressor(Zstd(dictionary=data, **options))
    pipeline = Pipeline(["raw"], registry=registry, accept_compression=["zstd-dictionary"])
    back: bytes = pipeline.decode(Encoded(body, "application/data", "binary", "zstd-dictionary"))
    return back


def streamed(body: bytes, data: bytes = DATA) -> bytes:
    """A frame that does not say its content's size."""
    context = zstandard.ZstdCompressor(write_checksum=True, dict_data=zstandard.ZstdCompressionDict(data)).compressobj()
    frame: bytes = context.compress(body) + context.flush()
    return frame


FRAMES = pytest.mark.parametrize("frame", [FRAME, streamed(MESSAGE)], ids=["sized", "streamed"])


@FRAMES
def test_every_beginning_is_refused(frame: bytes) -> None:
    for size in range(len(frame)):
        with pytest.raises(DecodeError):
            decoded(frame[:size])


@FRAMES
def test_what_follows_the_end_is_refused(frame: bytes) -> None:
    for tail in (b"\0", b"x", frame, Zstd().compress(b""), b"\x50\x2a\x4d\x18" + bytes(4)):
        with pytest.raises(CorruptBody):
            decoded(frame + tail)


@FRAMES
def test_every_flipped_bit_is_noticed(frame: bytes) -> None:
    for bit in range(len(frame) * 8):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            back = decoded(bytes(damaged))
        except DecodeError:
            continue
        assert back == MESSAGE


@FRAMES
def test_every_flipped_bit_of_a_head_that_it_knows_is_noticed(frame: bytes) -> None:
    codec = Zstd(dictionary=DATA, dictionaries=(trained(70_000, seed=2), trained(70_065, seed=3)))
    for bit in range(16 * 8):
        assert codec.decompress(frame, max_size=MIB) == MESSAGE
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            back = codec.decompress(bytes(damaged), max_size=MIB)
        except (DecodeError, zstandard.ZstdError):
            continue
        assert back == MESSAGE


@FRAMES
def test_another_dictionary_of_the_same_id_never_gives_a_wrong_body(frame: bytes) -> None:
    for seed in range(2, 6):
        try:
            back = decoded(frame, trained(70_001, seed))
        except DecodeError:
            continue
        assert back == MESSAGE


def test_a_dictionary_damaged_in_any_byte_is_refused_or_never_gives_a_wrong_body() -> None:
    source = random.Random(5)
    for position in {*range(300), *source.sample(range(300, len(DATA)), 200)}:
        damaged = bytearray(DATA)
        damaged[position] ^= 1 << source.randrange(8)
        try:
            back = decoded(FRAME, bytes(damaged))
        except (DecodeError, ValueError):
            continue
        assert back == MESSAGE


def test_a_dictionary_whose_tables_are_damaged_is_refused_when_the_codec_is_made() -> None:
    with pytest.raises(ValueError, match="the dictionary 70001 is damaged"):
        Zstd(dictionary=DATA[:8] + bytes(2000))
    with pytest.raises(ValueError, match="the dictionary 70001 is damaged"):
        Zstd(dictionaries=[DATA[:60]])


@pytest.mark.parametrize("size", [9, 60, 100, 150, 200, 1000, 4095])
def test_a_dictionary_cut_short_is_refused_or_never_gives_a_wrong_body(size: int) -> None:
    try:
        back = decoded(FRAME, DATA[:size])
    except (DecodeError, ValueError):
        return

    assert back == MESSAGE


@pytest.mark.parametrize("make", [CODEC.compress, streamed], ids=["sized", "streamed"])
def test_a_bomb_is_refused_within_a_few_pieces_of_its_limit(make: Any) -> None:
    bomb = make(bytes(64 * MIB))

    with pytest.raises(LimitExceeded):
        CODEC.decompress(bomb, max_size=64 * 1024)


@pytest.mark.parametrize(("change", "error"), [(-1, DecodeError), (1, DecodeError), (2**31, DecodeError)])
def test_a_contents_size_that_lies_is_refused(change: int, error: type[Exception]) -> None:
    body = b"".join(messages(300, 9))
    frame = bytearray(CODEC.compress(body))
    descriptor = frame[4]
    at = 9 + (0 if descriptor & 0x20 else 1)
    assert descriptor >> 6 == 2  # four bytes
    assert int.from_bytes(frame[at : at + 4], "little") == len(body)
    frame[at : at + 4] = ((len(body) + change) % 2**32).to_bytes(4, "little")

    with pytest.raises(error):
        decoded(bytes(frame))


def test_the_limit_is_exact() -> None:
    for frame in (FRAME, streamed(MESSAGE)):
        assert CODEC.decompress(frame, max_size=len(MESSAGE)) == MESSAGE
        with pytest.raises(LimitExceeded):
            CODEC.decompress(frame, max_size=len(MESSAGE) - 1)


def test_a_window_larger_than_allowed_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=24)
    context = zstandard.ZstdCompressor(
        compression_params=parameters, dict_data=zstandard.ZstdCompressionDict(DATA)
    ).compressobj()
    frame = context.compress(random.Random(1).randbytes(100_000)) + context.flush()
    assert zstandard.get_frame_parameters(frame).window_size > 8 * MIB

    with pytest.raises(LimitExceeded, match=r"zstd: a window of .* decode with Zstd\(max_window=…\)"):
        decoded(frame)
    assert len(decoded(frame, max_window=32 * MIB)) == 100_000


def test_a_frame_with_a_dictionary_takes_no_more_memory_to_read_than_one_without() -> None:
    body = b"".join(messages(2_000, 9))
    plain = zstandard.ZstdDecompressor()
    with_dictionary = zstandard.ZstdDecompressor(dict_data=next(iter(CODEC._digests.values())).data)

    plain.decompress(Zstd().compress(body))
    with_dictionary.decompress(CODEC.compress(body))

    assert with_dictionary.memory_size() <= plain.memory_size()


def test_mutants_do_no_harm() -> None:
    source = random.Random(7)
    frames = [FRAME, streamed(MESSAGE), Zstd().compress(MESSAGE), Zstd(dictionary=trained(5)).compress(MESSAGE)]
    for _ in range(3_000):
        mutant = bytearray(source.choice(frames))
        for _ in range(source.randrange(1, 5)):
            mutant[source.randrange(len(mutant))] = source.randrange(256)
        try:
            decoded(bytes(mutant))
        except DecodeError:
            continue


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file")
def test_a_dictionary_reads_no_more_of_a_file_than_it_may_have() -> None:
    with pytest.raises(ValueError, match="at most 1,048,576 bytes"):
        Dictionary.of("/dev/zero")
