"""What compressors share: whole streams read in bounded pieces, by whatever decompressor."""

from __future__ import annotations

import bz2
import inspect
import lzma
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from satchel import CorruptBody, LimitExceeded
from satchel.codecs import base, inflating

KIB = 1024
BODY = random.Random(7).randbytes(100 * KIB) + bytes(900 * KIB)

Start = Callable[[], Any]
FORMATS: dict[str, tuple[Callable[[bytes], bytes], Start]] = {
    "zlib": (zlib.compress, zlib.decompressobj),
    "bz2": (bz2.compress, bz2.BZ2Decompressor),
    "lzma": (lzma.compress, lzma.LZMADecompressor),
}
each_format = pytest.mark.parametrize(("compress", "start"), FORMATS.values(), ids=FORMATS)


class Noting:
    """Decompressors that note what they are given, and how many bytes they are asked for, at each call."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self.started = 0
        self.calls: list[tuple[Any, int]] = []

    def __call__(self) -> Any:
        self.started += 1
        return Noted(self._start(), self.calls)


class Noted:
    def __init__(self, decompressor: Any, calls: list[tuple[Any, int]]) -> None:
        self._decompressor = decompressor
        self._calls = calls

    def decompress(self, body: Any, wanted: int) -> bytes:
        self._calls.append((body, wanted))
        piece: bytes = self._decompressor.decompress(body, wanted)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decompressor, name)


def inflate(start: Start, body: Any, max_size: int = len(BODY), **options: Any) -> bytes:
    return inflating.inflate(start, body, max_size=max_size, codec="own", **options)


def refused(start: Start, body: bytes, **options: Any) -> str:
    with pytest.raises(CorruptBody) as caught:
        inflate(start, body, **options)
    return str(caught.value).removeprefix("own: ")


TRUNCATED, TRAILING = "the stream is truncated", "there is something after the end of the stream"


@each_format
def test_a_long_body_is_read_once_in_pieces_of_256_kib_from_32_kib(
    compress: Callable[[bytes], bytes], start: Start
) -> None:
    noting, whole = Noting(start), Noting(start)
    body = compress(BODY)

    pieces = list(inflating.pieces(noting, body, codec="own"))

    assert b"".join(pieces) == inflate(whole, body) == BODY
    assert b"" not in pieces
    assert {wanted for _, wanted in noting.calls} == {256 * KIB}
    assert max(len(given) for given, _ in noting.calls) == 32 * KIB
    assert whole.calls == noting.calls
    assert whole.started == noting.started == 1


@each_format
def test_a_short_body_is_handed_over_as_it_is_and_read_by_one_call(
    compress: Callable[[bytes], bytes], start: Start
) -> None:
    for inflated in (b"", b"x" * 1000, bytes(256 * KIB - 1)):
        noting = Noting(start)
        body = compress(inflated)

        assert inflate(noting, body, max_size=max(1, len(inflated))) == inflated
        assert [given is body for given, _ in noting.calls] == [True]
        assert (noting.started, noting.calls[0][1]) == (1, 256 * KIB)


@pytest.mark.parametrize(("size", "short"), [(32 * KIB, True), (32 * KIB + 1, False)])
def test_short_is_up_to_32_kib(size: int, short: bool) -> None:
    noting = Noting(zlib.decompressobj)
    body = zlib.compress(bytes(size - 11), 0)  # Stored: two bytes of header, five of a block's, four of checksum.

    assert len(body) == size
    assert inflate(noting, body) == bytes(size - 11)
    assert (noting.calls[0][0] is body) is short


@each_format
def test_reading_stops_as_soon_as_there_is_too_much(compress: Callable[[bytes], bytes], start: Start) -> None:
    noting = Noting(start)
    bomb = compress(bytes(8 * KIB * KIB))

    with pytest.raises(LimitExceeded, match="own: the body decompresses to more than 600,000 bytes"):
        inflate(noting, bomb, max_size=600_000)
    assert len(noting.calls) < 12


@each_format
@pytest.mark.parametrize("size", [1, 1000, 256 * KIB, 256 * KIB + 1, 1000 * KIB])
def test_the_limit_holds_exactly(compress: Callable[[bytes], bytes], start: Start, size: int) -> None:
    body = compress(BODY[:size])

    assert inflate(start, body, max_size=size) == BODY[:size]
    if size > 1:
        with pytest.raises(LimitExceeded) as caught:
            inflate(start, body, max_size=size - 1)
        assert (caught.value.limit, caught.value.maximum) == ("max_decompressed", size - 1)


@each_format
@pytest.mark.parametrize("size", [0, 1, 250])
def test_every_truncation_is_told_and_every_addition(
    compress: Callable[[bytes], bytes], start: Start, size: int
) -> None:
    whole = compress(BODY[:size])

    assert {refused(start, whole[:length]) for length in range(len(whole))} == {TRUNCATED}
    assert {refused(start, whole + more) for more in (b"\0", b"x", bytes(100_000), whole)} == {TRAILING}


@each_format
def test_truncations_between_the_pieces_are_told(compress: Callable[[bytes], bytes], start: Start) -> None:
    whole = compress(BODY)

    lengths = [32 * KIB * count + more for count in (1, 2, 3) for more in (-1, 0, 1)]
    assert {refused(start, whole[:length]) for length in (*lengths, len(whole) - 1)} == {TRUNCATED}


class Pausing:
    """A decompressor that changes nothing, and asks for more only after a call that gave nothing, as bz2 may."""

    unused_data = b""

    def __init__(self, size: int) -> None:
        self._missing = size
        self.eof = False
        self.needs_input = True

    def decompress(self, body: Any, wanted: int) -> bytes:
        self._missing -= len(body)
        self.eof = not self._missing
        self.needs_input = not self.needs_input
        return bytes(body)


def test_a_pause_within_a_stream_is_no_end_of_it() -> None:
    body = BODY[: 70 * KIB]

    assert inflate(lambda: Pausing(len(body)), body) == body
    assert refused(lambda: Pausing(len(body) + 1), body) == TRUNCATED


@each_format
def test_streams_are_read_up_to_their_number(compress: Callable[[bytes], bytes], start: Start) -> None:
    one, empty, two = compress(b"one"), compress(b""), compress(BODY[: 90 * KIB])
    body = one + empty + two

    assert inflate(start, body, streams=3) == inflate(start, body, streams=4) == b"one" + BODY[: 90 * KIB]
    assert inflate(start, two + one, streams=2) == BODY[: 90 * KIB] + b"one"
    assert refused(start, body, streams=2) == refused(start, body) == TRAILING
    assert refused(start, body[:-1], streams=3) == refused(start, one + empty[:1], streams=2) == TRUNCATED
    with pytest.raises(CorruptBody, match=TRAILING):
        list(inflating.pieces(start, one + two, codec="own"))


@each_format
def test_padding_stands_whole_between_streams_and_after_the_last(
    compress: Callable[[bytes], bytes], start: Start
) -> None:
    one, two = compress(b"one"), compress(b"two")
    padded: dict[str, Any] = {"streams": 2, "padding": b"\0\xff\0"}
    pad = padded["padding"]

    for body in (one + two, one + pad + two, one + pad * 5 + two + pad * 2, one + two + pad):
        assert inflate(start, body, **padded) == b"onetwo"
    assert inflate(start, one + pad, streams=1, padding=pad) == b"one"
    assert refused(start, one + two + pad + b"\0", **padded) == TRAILING
    assert refused(start, one + two + pad[:2], **padded) == TRAILING
    assert refused(start, one + two + pad, streams=2) == TRAILING


@each_format
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda body: memoryview(body).cast("b")])
def test_any_buffer_is_read(compress: Callable[[bytes], bytes], start: Start, kind: Callable[[bytes], Any]) -> None:
    for inflated in (b"short", BODY):
        assert inflate(start, kind(compress(inflated))) == inflated


@pytest.mark.parametrize("max_size", [0, None, True])
def test_there_is_no_unlimited(max_size: Any) -> None:
    noting = Noting(zlib.decompressobj)

    with pytest.raises(ValueError, match="unlimited"):
        inflate(noting, zlib.compress(b""), max_size=max_size)
    assert noting.calls == []


def chunks() -> Iterator[bytes]:
    yield b"ab"
    yield b"cd"
    raise AssertionError("asked for more than was needed")


def test_what_is_passed_on_is_counted() -> None:
    passing = inflating.bounded(chunks(), max_size=3, codec="own")

    assert next(passing) == b"ab"
    with pytest.raises(LimitExceeded):
        next(passing)


def test_what_is_collected_is_joined_up_to_the_limit() -> None:
    assert inflating.collect(iter([b"ab", b"", b"c"]), max_size=3, codec="own") == b"abc"
    assert inflating.collect(iter([]), max_size=1, codec="own") == b""
    with pytest.raises(LimitExceeded):
        inflating.collect(chunks(), max_size=3, codec="own")


def test_as_many_streams_as_an_option_may_admit() -> None:
    assert inflating.MOST_STREAMS == 65_536


@pytest.mark.parametrize(
    ("function", "ordered"),
    [
        (base.require, 1),
        (base.optional, 1),
        (inflating.bounded, 1),
        (inflating.collect, 1),
        (inflating.pieces, 2),
        (inflating.inflate, 2),
    ],
)
def test_names_limits_and_options_are_given_by_name(function: Callable[..., Any], ordered: int) -> None:
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]

    assert set(kinds[:ordered]) == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert set(kinds[ordered:]) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("max_size", [0, -1, None, True, False, 1.5, "1"])
def test_a_size_is_a_positive_int(max_size: Any) -> None:
    with pytest.raises(ValueError, match=rf"^max_size must be a positive int, got {max_size!r}; there is no"):
        inflating.check_max_size(max_size)


@pytest.mark.parametrize("max_size", [1, 2, 2**64])
def test_any_positive_int_is_a_size(max_size: int) -> None:
    inflating.check_max_size(max_size)


def test_the_errors_of_a_stream_name_codec_limit_and_cure() -> None:
    starved = inflating.starved("own", "window", 1000, "it wants a window of 2,000")

    assert str(inflating.truncated("own")) == "own: the stream is truncated"
    assert str(inflating.trailing("own")) == "own: there is something after the end of the stream"
    assert {type(inflating.truncated("own")), type(inflating.trailing("own"))} == {CorruptBody}
    assert str(inflating.oversized("own", 1000)).startswith("own: the body decompresses to more than 1,000 bytes; ")
    assert isinstance(starved, LimitExceeded)
    assert (starved.limit, starved.maximum) == ("window", 1000)
    assert str(starved).endswith("window=1,000 bytes; if it is genuine, decode with Own(window=…)")


@pytest.mark.parametrize(
    ("size", "bits"),
    [(0, 4), (1, 4), (15, 4), (16, 4), (17, 5), (31, 5), (32, 5), (33, 6), (256, 8), (257, 8), (10**9, 8)],
)
def test_a_window_is_the_smallest_that_holds_the_size(size: int, bits: int) -> None:
    assert inflating.window_bits(size, 4, 8) == bits
