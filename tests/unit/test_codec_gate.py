"""The look for doubles that are not finite, and for tags, in MessagePack: quick, and never wrong."""

from __future__ import annotations

import re
import struct
from random import Random

import ormsgpack
import pytest

from satchel.codecs.gate import TAG_KEY, not_finite, unsure

MARKED = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")


@pytest.mark.parametrize("number", [float("nan"), -float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("before", [[], [1.5], [127] * 1_000, [-1] * 1_000, ["\x7f" * 200], [b"\xff\x7f" * 500]])
def test_a_double_that_is_not_finite_is_found_behind_what_looks_like_one(number: float, before: list[object]) -> None:
    assert not_finite(ormsgpack.packb([*before, number, *before]))


@pytest.mark.parametrize("payload", [0x7FF0_0000_0000_0001, 0x7FFF_FFFF_FFFF_FFFF, 0xFFF8_0000_0000_0001])
def test_every_kind_of_nan_is_found(payload: int) -> None:
    assert not_finite(b"\x91\xcb" + payload.to_bytes(8, "big"))


@pytest.mark.parametrize("number", [0.0, -0.0, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324])
def test_a_double_that_is_finite_is_not(number: float) -> None:
    assert not not_finite(b"\xcb" + struct.pack(">d", number))
    assert not not_finite(ormsgpack.packb([number] * 1_000))


@pytest.mark.parametrize("length", [0, 1, 2, 30, 3_000])
def test_it_finds_what_a_pattern_finds(length: int) -> None:
    random = Random(length)
    for _ in range(200_000 // (length + 20)):
        packed = b"\x90" + bytes(random.choices(b"\xcb\x7f\xff\xf0\xef\x00\x01\x02\x03\x04\x05", k=length))
        assert not_finite(packed) == bool(MARKED.search(packed)), packed


@pytest.mark.parametrize("before", [[], ["a_b"] * 5, ["_"] * 500, ["__type"] * 500, ["x" * 9_000], [95] * 300])
@pytest.mark.parametrize("after", [[], ["_"] * 500])
def test_a_key_that_may_make_a_tag_is_found_wherever_it_is(before: list[object], after: list[object]) -> None:
    assert unsure(ormsgpack.packb([*before, {"__type__": 1}, *after]))
    assert not unsure(ormsgpack.packb([*before, {"__typo__": 1}, *after]))


@pytest.mark.parametrize("length", [0, 1, 8, 9, 30, 3_000])
def test_it_finds_the_keys_that_a_search_finds(length: int) -> None:
    random, pieces = Random(length), [b"_", b"__", b"\xa8", TAG_KEY, TAG_KEY[:-1], b"__type__", b"a" * 50]
    for _ in range(200_000 // (length + 20)):
        packed = b"".join(random.choices(pieces, k=length // 9))
        assert unsure(packed) == (TAG_KEY in packed), packed
