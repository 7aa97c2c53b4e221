"""G4: whatever follows the end of a compressed, msgpack, pickle or JSON body is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from satchel import CorruptBody, DecodeError, Encoded, Pipeline, default_registry
from satchel.testing import difference, random_values
from tests.hostile.bodies import COMPRESSORS, packed, pipeline
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.serializers import SERIALIZERS, carried, pipeline_of
from tests.hostile.streams import CONFIGURED, EMPTY_BLOCK, WRITERS, Configuration, noise, records, skippable, zstd

BYTES = [bytes((byte,)) for byte in range(256)]
#: White space may stand behind JSON (RFC 8259, 2), and means nothing there.
SPACE = (b" ", b"\t", b"\n", b"\r")


def decoded_after(reader: Pipeline, encoded: Encoded, tails: list[bytes]) -> list[bytes]:
    """Put each of the tails behind a body; give those with which it is decoded all the same."""
    whole = bytes(encoded.body)
    decoded = []
    for tail in tails:
        try:
            reader.decode(encoded._replace(body=whole + tail))
        except DecodeError:
            continue
        decoded.append(tail)
    return decoded


# Compressed bodies


def tails_of(compressor: str, compressed: bytes) -> list[bytes]:
    empty = default_registry().compressor(compressor).compress(b"")
    nuls = [bytes(count) for count in (2, 3, 4, 7, 8, 12, 512, 100_000)]
    others = [default_registry().compressor(name).compress(b"other") for name in COMPRESSORS]
    further = [compressed[:10], compressed[-4:], *EMPTY_BLOCK.values(), b"junk" * 20_000, empty * 3]
    frames = [skippable(), skippable(b""), skippable(bytes(1000)), zstd([]), zstd([(b"x", 1)], declared=1)]
    return [*BYTES, *nuls, compressed, empty, WRITERS[compressor]([(b"x", 1)]), *others, *further, *frames]


@pytest.mark.parametrize("case", [case for case in CONFIGURED if "two streams" not in case.kind], ids=repr)
def test_whatever_follows_a_compressed_body_is_refused(case: Configuration, figures: Figures) -> None:
    for body in (records(700) + noise(150), b"", *((noise(70_000), b"x") if THOROUGH else ())):
        message = packed(case.compressor, case.write(body))
        tails = tails_of(case.compressor, bytes(message.body))

        assert pipeline().decode(message) == body
        assert decoded_after(pipeline(), message, tails) == []
        figures("G4", len(tails), [len(message.body)])


@pytest.mark.parametrize("case", [case for case in CONFIGURED if "two streams" in case.kind], ids=repr)
def test_what_follows_several_streams_is_refused_unless_it_is_one_more(case: Configuration, figures: Figures) -> None:
    reader, name, body = pipeline(registry=case.registry), case.compressor, records(700) + noise(150)
    message = packed(name, case.write(body))
    tails = [tail for tail in tails_of(name, bytes(message.body)) if not admitted(name, tail)]

    assert reader.decode(message) == body
    assert decoded_after(reader, message, tails) == []
    figures("G4", len(tails), [len(message.body)])


def admitted(compressor: str, tail: bytes) -> bool:
    """Whether a tail is what the option `streams` is for; .xz has a padding of multiples of four NULs, besides."""
    starts = {"bzip2": b"BZh", "gzip": b"\x1f\x8b", "lzma": b"\xfd7zXZ\0", "zstd": b"\x28\xb5\x2f\xfd"}
    padding = compressor == "lzma" and not tail.strip(b"\0") and len(tail) % 4 == 0
    return tail.startswith(starts[compressor]) or padding or (compressor == "zstd" and tail[1:4] == b"\x2a\x4d\x18")


@pytest.mark.parametrize("compressor", ["bzip2", "gzip", "lzma", "zstd"])
def test_more_streams_than_the_option_admits_are_refused(compressor: str, figures: Figures) -> None:
    codec: Any = type(default_registry().compressor(compressor))
    one, empty = codec().compress(b"one"), codec().compress(b"")

    for most in (1, 2, 7):
        reader = pipeline(registry=default_registry().with_compressor(codec(streams=most), replace=True))
        assert reader.decode(packed(compressor, one * most)) == b"one" * most
        # One more, tried alone: what is refused for a hundred more shows nothing of the option's last.
        several = [
            one * most + one,
            one * most + empty,
            empty * most + one,
            empty * (most + 1),
            one * most * 1000 + one,
        ]
        several += [one * most + skippable(), skippable() * most + one] if compressor == "zstd" else []
        for body in several:
            with pytest.raises(CorruptBody):
                reader.decode(packed(compressor, body))
            figures("G4", 1, [len(body)])


@pytest.mark.parametrize(
    "body",
    [
        skippable(),
        skippable() + zstd([(b"x", 1)]),
        zstd([]) + zstd([(b"x", 1)]),
        zstd([], declared=0) + skippable(),
    ],
    ids=["skippable alone", "skippable, then a frame", "empty, then a frame", "empty, then skippable"],
)
def test_frames_that_say_nothing_are_refused_before_and_after(body: bytes, figures: Figures) -> None:
    with pytest.raises(CorruptBody):
        pipeline().decode(packed("zstd", body))
    figures("G4", 1)


# Serialized bodies


def bodies(name: str) -> Iterator[tuple[Any, Encoded]]:
    """Give values and their bodies: containers and what else says where it ends."""
    made = [value for value in random_values(400 if THOROUGH else 100, seed=11) if len(repr(value)) < 300]
    for value in ([*made[:40], "x" * 200], {"a": "x" * 200, "b": made[40:]}, [], {}, "text", "", True, None):
        whole = carried(name, value)
        yield whole, pipeline_of(name).encode(whole, serializer=SERIALIZERS[name].name)


@pytest.mark.parametrize("name", SERIALIZERS)
def test_whatever_follows_a_serialized_body_is_refused(name: str, figures: Figures) -> None:
    reader, json = pipeline_of(name), name.startswith("json")

    for _, message in bodies(name):
        body = bytes(message.body)
        further = [
            body,
            body[:1],
            body[-1:],
            bytes(4),
            bytes(1000),
            b"[]",
            b"{}",
            b"null",
            b"\xc0",
            b"N.",
            b"\x80\x04N.",
        ]
        further += [b" " * 10 + b"x", b"\n" + body, b"//", b"/**/", b",", b"\xef\xbb\xbf", b" \0"]
        tails = [tail for tail in (*BYTES, *further) if not (json and tail in SPACE)]
        assert decoded_after(reader, message, tails) == []
        figures("G4", len(tails), [len(body)])


@pytest.mark.parametrize("name", [name for name in SERIALIZERS if name.startswith("json")])
def test_white_space_behind_json_is_json(name: str, figures: Figures) -> None:
    reader = pipeline_of(name)

    for _, message in bodies(name):
        for tail in (*SPACE, b"".join(SPACE) * 100):
            back = reader.decode(message._replace(body=bytes(message.body) + tail))
            assert difference(reader.decode(message), back) is None
    # Other white space of Unicode is none of JSON's.
    for space in ("\x0b", "\x0c", "\x85", "\xa0", "\u2028", "\ufeff"):
        with pytest.raises(CorruptBody):
            reader.decode(Encoded(b"[]" + space.encode(), "application/json", "utf-8"))
    figures("G4", 6)


@pytest.mark.parametrize("name", SERIALIZERS)
@pytest.mark.parametrize("compression", COMPRESSORS)
def test_what_follows_within_or_behind_the_compression_is_refused(
    name: str, compression: str, figures: Figures
) -> None:
    reader, codec = pipeline_of(name), default_registry().compressor(compression)
    plain = reader.encode(["x" * 300, 1], serializer=SERIALIZERS[name].name)
    tails = [b"\0", b"x", b"\xc0", b"N.", bytes(plain.body)]

    for tail in tails:
        within = codec.compress(bytes(plain.body) + tail)
        behind = codec.compress(bytes(plain.body)) + tail
        for body in (within, behind):
            with pytest.raises(CorruptBody):
                reader.decode(plain._replace(body=body, compression=codec.content_type))
    figures("G4", 2 * len(tails))
