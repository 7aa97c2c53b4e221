"""The six compressors: refusals that name what is wrong; tests/hostile has what must be refused."""

from __future__ import annotations

import lzma
import struct

import pytest

from satchel.codecs.lzma import Lzma
from satchel.codecs.zstd import Zstd
from satchel.errors import CorruptBody, LimitExceeded
from tests.unit.compressing import LIMIT, MIB, every, hard_to_compress, undecodable


@every
@pytest.mark.parametrize("size", [1, 1000, 300_000])
@pytest.mark.parametrize("source", [bytes, hard_to_compress], ids=["zeros", "random"])
def test_a_codec_holds_the_limit_exactly_without_a_pipeline(codec, size, source):
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
