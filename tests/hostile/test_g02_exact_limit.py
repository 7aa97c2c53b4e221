"""G2: exactly the limit is accepted and one byte more is refused, the same in every codec, when encoding too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from satchel import Encoded, EncodeError, LimitExceeded, Limits, Pipeline, default_registry
from satchel.codecs.inflating import CHUNK, STEP
from satchel.testing.codec import buffers
from tests.hostile.bodies import COMPRESSORS, SERIALIZERS, packed, pipeline
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.streams import CONFIGURED, WRITERS, noise

#: Where pieces, blocks and windows end: those of the codecs (STEP, CHUNK), and of the formats.
BORDERS = (1, 2, 258, 4096, STEP, 64 * 1024, 128 * 1024, CHUNK, 2 * CHUNK)
SIZES = sorted({size + more for size in BORDERS for more in (-1, 0, 1) if size + more > 0})
SOURCES: dict[str, Callable[[int], bytes]] = {"zeros": bytes, "noise": noise}

every_compressor = pytest.mark.parametrize("compressor", COMPRESSORS)


def outcome(encoded: Encoded, registry: Any = None, **limits: int) -> Any:
    """Give the value, or the limit and its maximum where it is exceeded."""
    try:
        return pipeline(registry=registry, **limits).decode(encoded)
    except LimitExceeded as error:
        return error.limit, error.maximum


def assert_exact(encoded: Encoded, body: bytes, registry: Any = None) -> int:
    """Assert that a limit is exact; give how many cases that were."""
    # A limit of none does not exist; a body of one byte cannot be refused.
    size = len(body)
    assert outcome(encoded, registry, max_decompressed=max(size, 1)) == body
    if size > 1:
        assert outcome(encoded, registry, max_decompressed=size - 1) == ("max_decompressed", size - 1)
    return 2 if size > 1 else 1


@every_compressor
@pytest.mark.parametrize("source", SOURCES)
def test_a_decompressed_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(
    compressor: str, source: str, figures: Figures
) -> None:
    codec = default_registry().compressor(compressor)

    for size in (0, *SIZES):
        body = SOURCES[source](size)
        compressed = codec.compress(body)
        for buffer in buffers(compressed):
            figures("G2", assert_exact(packed(compressor, b"")._replace(body=buffer), body))


def compressing_to(length: int, codec: Any) -> tuple[bytes, bytes]:
    """Find a body that is compressed to exactly so many bytes; give both."""
    size = length
    for seed in range(500):
        body = noise(size, seed)
        compressed = codec.compress(body)
        if len(compressed) == length:
            return body, compressed
        size += length - len(compressed)
    raise AssertionError(f"{codec.name}: nothing was found that is compressed to {length} bytes")


@every_compressor
def test_the_limit_is_exact_where_the_compressed_body_ends_with_a_piece(compressor: str, figures: Figures) -> None:
    codec = default_registry().compressor(compressor)

    for length in (piece + more for piece in (STEP, 2 * STEP) for more in (-1, 0, 1)):
        # .xz is a multiple of four.
        if compressor != "lzma" or length % 4 == 0:
            body, compressed = compressing_to(length, codec)
            figures("G2", assert_exact(packed(compressor, compressed), body))


@pytest.mark.parametrize("case", CONFIGURED, ids=repr)
def test_the_limit_is_exact_in_every_configuration(case: Any, figures: Figures) -> None:
    for body in (bytes(300_000), noise(300_000), b"ab"):
        figures("G2", assert_exact(packed(case.compressor, case.write(body)), body, case.registry))


@every_compressor
def test_the_limit_is_exact_in_streams_of_other_writers(compressor: str, figures: Figures) -> None:
    parts = [(bytes(64 * 1024), 5), (noise(20_000), 1), (b"x" * 1000, 300)]

    body = b"".join(part * count for part, count in parts)
    figures("G2", assert_exact(packed(compressor, WRITERS[compressor](parts)), body))


def kinds(body: bytes) -> Iterator[Any]:
    """Give a body in every form of a buffer: of items of 8 bytes, and with gaps, too."""
    yield from buffers(body)
    if len(body) % 8 == 0:
        yield memoryview(body).cast("Q")
        yield memoryview(body).cast("B", (len(body) // 8, 8))
    spaced = bytearray(2 * len(body))
    spaced[::2] = body
    yield memoryview(spaced)[::2]


@pytest.mark.parametrize("serializer", [*SERIALIZERS, "raw"])
@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
def test_a_received_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(
    serializer: str, compression: str | None, figures: Figures
) -> None:
    cases = 0
    for length in range(400, 424 if THOROUGH else 408):
        text = noise(length).hex()
        value: Any = text.encode() if serializer == "raw" else [text]
        encoded = pipeline().encode(value, serializer=serializer, compression=compression)
        size = len(encoded.body)
        for body in kinds(bytes(encoded.body)):
            message = encoded._replace(body=body)
            assert (message.compression is None) == (compression is None)
            assert outcome(message, max_body=size) == value
            assert outcome(message, max_body=size - 1) == ("max_body", size - 1)
            cases += 2
    figures("G2", cases)


@pytest.mark.parametrize("serializer", [*SERIALIZERS, "raw"])
@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
def test_what_a_limit_refuses_to_decode_it_refuses_to_encode(
    serializer: str, compression: str | None, figures: Figures
) -> None:
    text = noise(400).hex()
    value: Any = text.encode() if serializer == "raw" else [text]
    size = len(pipeline().encode(value, serializer=serializer).body)
    encoded = pipeline().encode(value, serializer=serializer, compression=compression)
    bounds = [("max_body", len(encoded.body))] + ([("max_decompressed", size)] if compression else [])

    for limit, exact in bounds:
        enough, little = (Pipeline([*SERIALIZERS, "raw"], limits=Limits(**{limit: n})) for n in (exact, exact - 1))
        assert enough.encode(value, serializer=serializer, compression=compression) == encoded
        assert enough.decode(encoded) == value
        with pytest.raises(EncodeError, match=f"at most {limit}="):
            little.encode(value, serializer=serializer, compression=compression)
        with pytest.raises(LimitExceeded, match=limit):
            little.decode(encoded)
    figures("G2", 4 * len(bounds))


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_a_body_that_goes_out_as_it_is_is_held_to_its_own_limit(compression: str, figures: Figures) -> None:
    pipeline = Pipeline(["raw"], limits=Limits(max_body=600, max_decompressed=1000))

    # What does not shrink is sent plain, and then max_body counts alone.
    assert pipeline.encode(noise(600), serializer="raw", compression=compression).compression is None
    with pytest.raises(EncodeError, match="max_body"):
        pipeline.encode(noise(601), serializer="raw", compression=compression)
    assert pipeline.encode(bytes(1000), serializer="raw", compression=compression).compression is not None
    with pytest.raises(EncodeError, match="max_decompressed"):
        pipeline.encode(bytes(1001), serializer="raw", compression=compression)
    figures("G2", 4)
