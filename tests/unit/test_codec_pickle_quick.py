"""Pickles are written quickly: what is kept for the next value, and what is looked at in place of all texts."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel import LimitExceeded, Limits, Pickle
from satchel.codecs.pickle_writing import QuickPickler, longest_of_long_texts

SMALL = [{"id": 1, "name": "row 1"}]
LARGE = [{f"id {n}": n, "name": f"row {n}"} for n in range(200)]
LONG = ["text" * 3_000]


def test_a_pickler_with_large_tables_is_kept_for_large_values() -> None:
    codec = Pickle()
    quick = codec._quick
    codec.dumps(LARGE)
    (kept,) = quick._large

    codec.dumps(SMALL)
    for _ in range(2):
        codec.dumps(SMALL)
        assert (len(quick._small), quick._large) == (1, [kept])
    for _ in range(5):
        codec.dumps(LARGE)  # The first after small ones makes tables of its own.
        codec.dumps(LARGE)
        assert kept in quick._large
        assert len(quick._large) <= 2
        codec.dumps(SMALL)


@pytest.mark.parametrize("value", [LARGE, LONG, SMALL], ids=["large", "long", "small"])
def test_values_that_are_alike_use_one_pickler(value: Any) -> None:
    codec = Pickle()
    make, made = codec._quick._make, []

    def counted(file: Any) -> QuickPickler:
        made.append(make(file))
        return made[-1]

    codec._quick._make = counted
    for _ in range(5):
        assert pickle.loads(codec.dumps(value)) == value
    assert len(made) == 1


@given(st.lists(st.text("XBab", max_size=600) | st.binary(max_size=600) | st.integers() | st.floats(), max_size=9))
def test_no_text_is_longer_than_it_is_told(values: list[Any]) -> None:
    body = pickle.dumps(values, 5)

    told = longest_of_long_texts(body)
    assert told >= max((len(each) for each in values if isinstance(each, (str, bytes))), default=0)
    assert told == 255 or told < len(body)


def test_letters_like_opcodes_are_tried_only_so_often() -> None:
    assert longest_of_long_texts(pickle.dumps(["X" * 40] * 9, 4)) == 255
    letters = pickle.dumps("XXXX" * 100_000, 4)

    assert longest_of_long_texts(letters) == len(letters)


@pytest.mark.parametrize("count", [600, 1_500, 6_000])
@pytest.mark.parametrize("length", [9, 300, 2_000])
def test_texts_that_are_referred_to_often_count_each_time(count: int, length: int) -> None:
    text = "x" * length
    value = [[text, n, {"X": "B" * 3}] for n in range(count)]
    exact = count * (length + 4)

    assert pickle.loads(Pickle().dumps(value, limits=Limits(max_decompressed=exact))) == value
    with pytest.raises(LimitExceeded, match="max_decompressed"):
        Pickle().dumps(value, limits=Limits(max_decompressed=exact - 1))
