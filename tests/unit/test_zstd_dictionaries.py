"""Zstd with dictionaries: what it writes and reads, how it is configured, and what is no dictionary."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from satchel import Dictionary, UnknownDictionary, Zstd
from satchel.codecs import zstd_dictionaries
from satchel.types import Buffer
from tests.unit.dictionaries import messages, trained

LIMIT = 1_000_000
FIRST, SECOND = trained(70_001), trained(70_002, seed=2)
MESSAGE = messages(1, 9)[0]


def read(codec: Zstd, frame: Buffer) -> bytes:
    return codec.decompress(frame, max_size=LIMIT)


# What it writes and reads


def test_short_messages_become_much_smaller_than_without() -> None:
    bodies = messages(100, 9)
    plain, with_dictionary = Zstd(level=3), Zstd(dictionary=FIRST)

    sizes = [sum(len(codec.compress(body)) for body in bodies) for codec in (plain, with_dictionary)]

    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.parametrize("size", [10_000, 100_000, 1_000_000])
def test_long_bodies_are_hardly_larger_than_without(size: int) -> None:
    body = b"".join(messages(5_000, 9))[:size]

    assert len(Zstd(dictionary=FIRST).compress(body)) < 1.02 * len(Zstd().compress(body))


@pytest.mark.parametrize("number", [1, 255, 256, 65_535, 65_536, 2**31, 2**32 - 1])
@pytest.mark.parametrize("checksum", [True, False])
def test_ids_of_every_width_are_written_and_read(number: int, checksum: bool) -> None:
    codec = Zstd(dictionary=trained(number), checksum=checksum)

    for body in (b"", b"x", MESSAGE, b"".join(messages(2_000, 9))):
        frame = codec.compress(body)

        assert zstandard.get_frame_parameters(frame).dict_id == number
        assert zstandard.get_frame_parameters(frame).has_checksum is checksum
        assert [read(codec, form(frame)) for form in (bytes, bytearray, memoryview, bytes)] == [body] * 4


def test_the_library_reads_what_it_writes_and_it_reads_what_the_library_writes() -> None:
    data = zstandard.ZstdCompressionDict(FIRST)
    codec = Zstd(dictionary=FIRST)

    assert zstandard.ZstdDecompressor(dict_data=data).decompress(codec.compress(MESSAGE)) == MESSAGE
    assert read(codec, zstandard.ZstdCompressor(dict_data=data).compress(MESSAGE)) == MESSAGE


def test_a_frame_without_its_contents_size_is_read() -> None:
    streaming = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(FIRST)).compressobj()
    frame = streaming.compress(MESSAGE) + streaming.flush()

    assert zstandard.frame_content_size(frame) == -1
    assert read(Zstd(dictionaries=[SECOND, FIRST]), frame) == MESSAGE


def test_several_dictionaries_are_read_and_plain_frames_too() -> None:
    old, new, plain = Zstd(dictionary=FIRST), Zstd(dictionary=SECOND, dictionaries=(FIRST,)), Zstd()

    assert [read(new, codec.compress(MESSAGE)) for codec in (old, new, plain, new, old)] == [MESSAGE] * 5


def test_several_frames_of_several_dictionaries_are_read_where_that_is_asked_for() -> None:
    codec = Zstd(dictionary=FIRST, dictionaries=(SECOND,), streams=3)
    frames = [each.compress(MESSAGE) for each in (Zstd(dictionary=SECOND), Zstd(), codec)]

    assert read(codec, b"".join(frames)) == MESSAGE * 3


def test_with_dictionaries_for_reading_alone_plain_frames_are_written() -> None:
    codec = Zstd(dictionaries=(FIRST,))

    assert codec.name == "zstd-dictionary"
    assert codec.compress(MESSAGE) == Zstd().compress(MESSAGE)


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_an_unknown_dictionary_is_an_error_that_names_it(buffer: type) -> None:
    frame = buffer(Zstd(dictionary=SECOND).compress(MESSAGE))

    with pytest.raises(UnknownDictionary) as caught:
        read(Zstd(dictionary=FIRST), frame)

    assert (caught.value.dictionary, caught.value.known) == (70_002, (70_001,))
    assert str(caught.value) == (
        "zstd-dictionary: the dictionary 70002 is not known; known: 70001; register it where this is decoded: "
        "satchel.register_dictionary(…, compress=False)"
    )


def test_a_plain_codec_refuses_a_frame_with_a_dictionary_and_says_who_reads_it() -> None:
    with pytest.raises(UnknownDictionary, match=r"zstd: the dictionary 70001 .*only zstd-dictionary reads") as caught:
        read(Zstd(), Zstd(dictionary=FIRST).compress(MESSAGE))

    assert caught.value.known == ()


def test_a_peer_without_the_dictionary_knows_it_by_the_header() -> None:
    with_dictionary, plain = Zstd(dictionary=FIRST), Zstd()

    assert (with_dictionary.name, with_dictionary.content_type) == (
        "zstd-dictionary",
        "application/vnd.satchel.zstd-dictionary",
    )
    assert (plain.name, plain.content_type) == (Zstd.name, Zstd.content_type) == ("zstd", "application/zstd")


# The configuration


def test_a_configuration_is_a_value() -> None:
    codec = Zstd(level=3, dictionary=SECOND, dictionaries=[FIRST])

    assert codec == Zstd(level=3, dictionary=Dictionary(SECOND), dictionaries=(Dictionary(FIRST),))
    assert codec != Zstd(level=3, dictionary=FIRST, dictionaries=[SECOND])
    for twin in (pickle.loads(pickle.dumps(codec)), copy.copy(codec), copy.deepcopy(codec), replace(codec)):
        assert (twin, hash(twin), repr(twin)) == (codec, hash(codec), repr(codec))
        assert read(twin, twin.compress(MESSAGE)) == MESSAGE
    assert repr(codec) == (
        "Zstd(level=3, checksum=True, streams=1, max_window=8388608, dictionary=<Dictionary 70002: 4,096 bytes>, "
        "dictionaries=(<Dictionary 70001: 4,096 bytes>,))"
    )


def test_a_dictionary_given_twice_is_one() -> None:
    assert Zstd(dictionary=FIRST, dictionaries=(SECOND, FIRST, SECOND)) == Zstd(
        dictionary=FIRST, dictionaries=(SECOND,)
    )


def test_two_dictionaries_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two different dictionaries have the id 70001"):
        Zstd(dictionary=FIRST, dictionaries=(trained(70_001, seed=2),))


@pytest.mark.parametrize("dictionaries", [FIRST, Dictionary(FIRST), "orders.zdict", Path("orders.zdict"), None, 5])
def test_one_dictionary_in_the_place_of_several_is_refused(dictionaries: object) -> None:
    with pytest.raises(TypeError, match="dictionaries must be a tuple"):
        Zstd(dictionaries=dictionaries)  # type: ignore[arg-type]


def test_a_dictionary_is_digested_once_for_all_codecs_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counted(zstd_dictionaries.Digest):
        def __init__(self, zstandard, dictionary, level) -> None:
            made.append(dictionary.id)
            super().__init__(zstandard, dictionary, level)

    monkeypatch.setattr(zstd_dictionaries, "Digest", Counted)
    data = trained(70_077)
    codecs: list[Zstd] = []
    threads = [threading.Thread(target=lambda: codecs.append(Zstd(dictionary=data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [read(codecs[0], codec.compress(MESSAGE)) for codec in codecs] == [MESSAGE] * 8
    assert made == [70_077]


def test_what_no_codec_has_any_more_is_not_kept() -> None:
    codec = Zstd(dictionary=trained(70_078))
    key = (codec.dictionary, codec.level)
    assert key in zstd_dictionaries._digests

    del codec

    assert key not in zstd_dictionaries._digests


# Dictionaries


def test_a_dictionary_is_made_of_bytes_a_file_or_itself(tmp_path: Path) -> None:
    path = tmp_path / "orders.zdict"
    path.write_bytes(FIRST)

    made = [Dictionary.of(source) for source in (FIRST, bytearray(FIRST), memoryview(FIRST), path, str(path))]

    assert made == [Dictionary(FIRST)] * 5
    assert (made[0].id, repr(made[0])) == (70_001, "<Dictionary 70001: 4,096 bytes>")
    assert Dictionary.of(made[0]) is made[0]
    assert pickle.loads(pickle.dumps(made[0])).id == 70_001


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a trained dictionary"),
        (FIRST[:7], "not a trained dictionary"),
        (b"raw content" * 100, "not a trained dictionary: it does not begin with 37 a4 30 ec; train one"),
        (FIRST[:4] + bytes(4) + FIRST[8:], "the id 0"),
        (FIRST[:4] + bytes(1024 * 1024), "at most 1,048,576 bytes"),
    ],
)
def test_what_is_no_dictionary_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.zdict"
    path.write_bytes(data)

    with pytest.raises(ValueError, match=message):
        Zstd(dictionary=data)
    with pytest.raises(ValueError, match=rf"orders\.zdict: .*{message}"):
        Zstd(dictionary=path)


@pytest.mark.parametrize("source", [5, None, ["orders.zdict"]])
def test_what_is_no_source_of_a_dictionary_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match="a dictionary is a Dictionary, bytes or a path"):
        Dictionary.of(source)  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Zstd(dictionary=tmp_path / "orders.zdict")
