"""Pickles are written quickly: what is kept for the next value, and what is looked at in place of all texts."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from satchel import EncodeError, LimitExceeded, Limits, Pickle
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


TEXTS = st.text("XBa€", max_size=600) | st.binary(max_size=600) | st.binary(max_size=600).map(bytearray)


@given(st.lists(TEXTS | st.integers() | st.floats(), max_size=9))
@example(["€" * 300, "x"])
@example([bytearray(300)])
def test_no_text_is_longer_than_it_is_told(values: list[Any]) -> None:
    body = pickle.dumps(values, 5)

    told = longest_of_long_texts(body)
    texts = [each.encode() if isinstance(each, str) else each for each in values if not isinstance(each, (int, float))]
    assert told >= max(map(len, texts), default=0)
    assert told <= max(255, len(body))


@pytest.mark.parametrize("code", [b"\x8d", b"\x8e", b"\x96"])
def test_lengths_of_eight_bytes_are_told(code: bytes) -> None:
    assert longest_of_long_texts(code + (1_000).to_bytes(8, "little") + b"x" * 1_001) == 1_000
    assert longest_of_long_texts(code + (1_000).to_bytes(8, "big") + b"x" * 1_001) == 255


@pytest.mark.parametrize(
    "nested", [lambda number: number, lambda number: [{"a": [number]}], lambda number: (1, number)]
)
@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_a_small_pickle_has_no_int_that_is_refused_when_it_is_read(nested: Any, dialect: Any) -> None:
    codec = Pickle(dialect=dialect)
    for number in (10**4300 - 1, 1 - 10**4300):
        assert codec.loads(codec.dumps(nested(number)), limits=Limits()) == nested(number)
    for number in (10**4300, -(10**4300), 1 << 14_300, -(1 << 15_200)):
        with pytest.raises(EncodeError, match="digits"):
            codec.dumps(nested(number))


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
