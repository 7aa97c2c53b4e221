"""Compressors whose bodies may hold several streams, and the two headers of "application/x-gzip"."""

from __future__ import annotations

import gzip
import struct
import zlib

import pytest

from satchel.codecs.gzip import Gzip
from satchel.codecs.lzma import Lzma
from satchel.codecs.zlib import Zlib
from satchel.codecs.zstd import Zstd
from satchel.errors import CorruptBody, LimitExceeded
from tests.hostile.streams import skippable, zstd
from tests.unit.compressing import LIMIT, MESSAGE, SEVERAL, undecodable

each_with_streams = pytest.mark.parametrize("make", list(SEVERAL.values()), ids=list(SEVERAL))


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
def test_reads_a_great_many_streams(make):
    stream = make().compress(b"ab")

    assert make(streams=5000).decompress(stream * 5000, max_size=LIMIT) == b"ab" * 5000


def test_several_zstd_frames_may_be_skippable_or_undeclared():
    body = skippable(b"ab") + zstd([(b"one", 1)]) + skippable(b"") + Zstd().compress(b"two")

    assert Zstd(streams=4).decompress(body, max_size=LIMIT) == b"onetwo"
    with pytest.raises(CorruptBody):
        Zstd(streams=3).decompress(body, max_size=LIMIT)


def test_lzma_padding_counts_in_fours():
    stream = Lzma().compress(b"one")

    assert Lzma(streams=2).decompress(stream + bytes(8) + stream + bytes(4), max_size=LIMIT) == b"oneone"
    assert undecodable(Lzma(streams=9), stream + bytes(6))


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
