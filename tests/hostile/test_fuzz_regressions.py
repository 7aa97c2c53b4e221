"""What fuzzing found stays mended, what it begins with keeps the promises, and its checks see what is broken (G6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from fuzz.checks import Wrong, compressor_check, exact
from fuzz.targets import TARGETS, Target, message
from satchel import Encoded, Msgpack, default_registry
from satchel.codecs.brotli import Brotli
from satchel.codecs.json_reading import Reader
from tests.hostile.bodies import decode
from tests.hostile.bodies import message as message_of
from tests.hostile.child import linux_only, measured
from tests.hostile.figures import Figures

#: What was found: the target, the input, and what was wrong with the answer.
FOUND = {
    # RFC 7932, 9.2: of the two bits for the number of nibbles, 11 means metadata and no length. It was taken for one.
    "an empty brotli stream was refused as too large under limits of 1 and 2 bytes": ("brotli", "dd020000"),
}


@cache
def target(name: str) -> Target:
    return TARGETS[name]()


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_stays_mended(case, figures: Figures):
    name, body = FOUND[case]

    target(name).check(bytes.fromhex(body))
    figures("G6", 1)


def unpickling(body: bytes) -> Callable[[], Any]:
    return lambda: decode(message_of("pickle", body))


@linux_only
def test_a_pickle_whose_frame_ends_within_an_argument_allocates_nothing_large(figures: Figures):
    # The C unpickler forgets the rest of a frame, and reads the length from what follows: 2 GB, which no scan saw.
    body = b"\x80\x04\x95\x04" + bytes(7) + b"B\x2c\x01\x00\x00" + b"x" * 300 + b"\x94."

    (cost,) = measured(unpickling, [(body,)])

    assert cost.outcome == "CorruptBody"
    figures("G6", 1)


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with_keeps_the_promises(name, figures: Figures):
    values = sum(map(target(name).check, target(name).seeds))

    assert values > 1, "a target whose seeds are all refused finds nothing"
    figures("G6", len(target(name).seeds))


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, SystemExit])
def test_an_error_that_is_no_decode_error_is_seen(error, monkeypatch):
    def loads(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Msgpack, "loads", loads)

    with pytest.raises(error):
        TARGETS["msgpack"]().check(b"\x01")


def test_a_value_that_a_re_encode_changes_is_seen(monkeypatch):
    monkeypatch.setattr("satchel.codecs.yaml._Nodes.number", lambda nodes, value: nodes.plain("1.5"))

    with pytest.raises(Wrong, match=r"a re-encode gives another value: value is 1\.5"):
        TARGETS["yaml"]().check(b"2.5")


def test_engines_that_differ_are_seen(monkeypatch):
    check = TARGETS["json"]().check
    monkeypatch.setattr(Reader, "loads", lambda reader, body, *, limits: -0.0 if reader._read is None else 0.0)

    with pytest.raises(Wrong, match="the engines differ"):
        check(b"-0.0")


class Generous(Brotli):
    """Gives more than it may."""

    def decompress(self, body: Any, /, *, max_size: int) -> bytes:
        return super().decompress(body, max_size=max_size + 1)


def test_a_decompressor_that_gives_too_much_is_seen():
    codec = Generous()

    with pytest.raises(Wrong, match="where 4 are allowed"):
        compressor_check([codec])(codec.compress(b"hello"))


def test_output_on_which_a_terminal_acts_is_seen(monkeypatch):
    check = TARGETS["decode"]().check
    monkeypatch.setattr("satchel.cli.streams.escape", lambda text: text)

    with pytest.raises(Wrong, match="a terminal may act"):
        check(b"\x00" + '"\u202e"'.encode())


def test_exactly_equal_values_are_told_from_nearly_equal_ones():
    nearly = [1, 1.0, True, "1", b"1", 0.0, -0.0, [1], (1,), {1}, frozenset({1}), {"a": 1, "b": 2}, {"b": 2, "a": 1}]

    assert [[exact(left) == exact(right) for right in nearly] for left in nearly] == [
        [left is right for right in nearly] for left in nearly
    ]


def test_every_header_comes_from_the_fuzzer():
    assert message(b"application/json\nutf-8\n\n[1]\n2") == Encoded(b"[1]\n2", "application/json", "utf-8", None)
    assert tuple(message(b"\x00x\n\n\xff")) == (b"", b"x", None, "\xff")


def test_every_codec_is_fuzzed():
    registry = default_registry()
    built_in = [*registry.serializers.values(), *registry.compressors.values()]

    assert {entry.name for entry in built_in if entry.origin == "built-in"} < TARGETS.keys()
