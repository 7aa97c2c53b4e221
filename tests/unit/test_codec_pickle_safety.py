"""Pickles of plain data: no fault in how they are told is a hole, and none takes long to tell."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest

import satchel.codecs.pickle
from satchel import ContentDisallowed, LimitExceeded, Limits, Pickle
from satchel.codecs import pickle_patterns
from satchel.codecs.pickle_calls import PlainUnpickler, UnknownGlobal
from satchel.codecs.pickle_plain import longest_text, longest_text_of_model

ROWS = [{f"id {n}": n, "name": f"row {n}"} for n in range(20)]


def test_what_is_read_as_plain_data_finds_nothing() -> None:
    with pytest.raises(UnknownGlobal):
        PlainUnpickler(io.BytesIO(b"cos\nsystem\n.")).load()


def test_a_fault_in_telling_plain_data_is_no_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satchel.codecs.pickle, "longest_text", lambda *_: 0)
    monkeypatch.setattr(satchel.codecs.pickle, "longest_text_of_model", lambda *_: 64)

    with pytest.raises(ContentDisallowed, match="os:system"):
        Pickle().loads(b"\x80\x04cos\nsystem\n\x8c\x04true\x85R.", limits=Limits())


@pytest.mark.skipif(not pickle_patterns.POSSESSIVE, reason="there is one way only")
@pytest.mark.parametrize("value", [ROWS, "t" * 63, b"b" * 9, [ROWS, 0.5], [(0,)], [(n,) for n in range(4)]])
def test_a_pickle_is_told_by_pieces_as_it_is_at_once(value: Any) -> None:
    pattern = pickle_patterns._FETCHING_NOTHING.replace("<run>", "*").replace("<many>", "{0,7}")
    by_pieces = pickle_patterns._fetching_nothing(pickle_patterns._pattern(pattern).match)
    body = pickle.dumps(value, 4)
    told = set()

    for size in range(12, len(body) + 1):
        for whole in (body[:size] + b".", body[:size]):
            told.add(by_pieces(whole))
            assert by_pieces(whole) == bool(pickle_patterns.fetches_nothing(whole)), whole
    assert told == {True, False}


@pytest.mark.parametrize("tuples", [5, 6, 90])
def test_pieces_take_few_tuples(tuples: int) -> None:
    body = pickle.dumps([(n,) for n in range(tuples)], 4)
    by_pieces = pickle_patterns._fetching_nothing(pickle_patterns._pattern(pickle_patterns._FETCHING_NOTHING).match)

    assert not by_pieces(body)
    assert longest_text(body, Limits()) is not None


UNITS = (
    *(bytes([code]) for code in b"N)](}aesut0\x93\x94\x85\x86\x87R"),
    *(b"h\x00", b"h\x8c", b"hh", b"K\x01", b"KK", b"j\0\0\0\0", b"J\0\0\0\0", b"M\1\2", b"\x8c\x00", b"\x8c\x01\x8c"),
    *(b"C\x00", b"C\x01C", b"C\x02CC", b"\x8a\x00", b"\x8a\x01\x8a", b"G" * 9, b"\x8c\x03int", b"K\1K\1K\1\x87R"),
    *(b"\x8c\x08datetime\x8c\x04date\x93", b"C\x04\x07\xd1\x01\x01\x85R", b")\x81}h\0K\1sb", b"h\0h\1\x93"),
)


@pytest.mark.parametrize("unit", UNITS)
def test_no_run_of_opcodes_is_tried_twice(unit: bytes) -> None:
    for count in (40, 3_000):
        for foreign in (b"0.", b"\xff.", b"", b".", b"\x8c", unit[:-1] + b".", b"\x85.", b"\x93.", b"\x93" + b"N" * 99):
            inside = unit * count + foreign
            for body in (b"\x80\x04" + inside, b"\x80\x04\x95" + len(inside).to_bytes(8, "little") + inside):
                longest_text(body, Limits())
                longest_text_of_model(body, Limits())


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("shared", [bytearray(100_000), b"b" * 100_000, "t" * 100_000, ("t" * 255,) * 400])
@pytest.mark.parametrize("beside", [None, date(2020, 1, 1)])
def test_what_is_written_is_held_as_a_reader_holds_it(protocol: Any, shared: Any, beside: Any) -> None:
    codec = Pickle(protocol=protocol)
    for times, expected in ((1_000, "LimitExceeded"), (100, "value")):
        value = [beside, *[shared] * times]
        body = pickle.dumps(value, protocol)

        assert type_of(partial(codec.loads, body, limits=Limits())) == expected
        assert type_of(partial(codec.dumps, value)) == expected


@pytest.mark.parametrize("beside", [[], [date(2020, 1, 1)]])
def test_a_long_text_is_held_as_a_reader_holds_it(beside: list[Any]) -> None:
    limits = Limits(max_body=32 << 20, max_decompressed=64 << 20)
    for times, expected in ((5, "LimitExceeded"), (2, "value")):
        value = [*beside, *["x" * (17 << 20)] * times]
        assert type_of(partial(Pickle().dumps, value, limits=limits)) == expected
        assert type_of(partial(Pickle().loads, pickle.dumps(value, 4), limits=limits)) == expected


def type_of(work: Callable[[], Any]) -> str:
    try:
        work()
    except Exception as error:  # noqa: BLE001  # its class is what is compared
        return type(error).__name__
    return "value"


def test_a_pickler_whose_tables_have_grown_is_not_used_again() -> None:
    codec = Pickle()
    values: list[Any] = [[[] for _ in range(5_000)], "x" * 100_000]
    for value in values:
        codec.dumps(value)
        assert codec._quick._idle == []
    codec.dumps([ROWS[0]])
    assert len(codec._quick._idle) == 1


def test_few_picklers_are_kept() -> None:
    quick = Pickle()._quick
    quick._idle += [quick._new() for _ in range(10)]

    for left in (9, 8, 8):
        quick.write([ROWS[0]])
        assert len(quick._idle) == left


def _key_of_keys(count: int) -> bytes:
    """Give a dict whose key is a tuple of a tuple twice, and so on: its hash takes 2^count steps."""
    fetched = b"".join(b"h" + bytes((index,)) + b"\x86\x94" for index in range(count))
    return b"\x80\x04}N\x85\x94" + fetched + b"Ns."


HASHED_FOR_EVER = {
    "a key that holds itself twice, again and again": _key_of_keys(60),
    "the same, doubled on the stack": b"\x80\x04}N\x85" + b"2\x86" * 60 + b"Ns.",
    "a long key, many times": b"\x80\x04}((" + b"N" * 300_000 + b"t\x94N" + b"h\0N" * 100_000 + b"u.",
    "a long member, many times": b"\x80\x04\x8f((" + b"N" * 300_000 + b"t\x94" + b"h\0" * 100_000 + b"\x90.",
    "frozensets": b"\x80\x04(N\x91\x94" + b"".join(b"(h%ch%c\x91\x94" % (n, n) for n in range(60)) + b".",
}


@pytest.mark.parametrize("body", HASHED_FOR_EVER.values(), ids=HASHED_FOR_EVER)
def test_what_would_be_hashed_for_ever_is_refused(body: bytes) -> None:
    with pytest.raises(LimitExceeded, match="max_nodes"):
        Pickle().loads(body, limits=Limits())


def test_what_is_hashed_a_little_is_read() -> None:
    key = ("a", ("b", "c"))
    value = {key: [key, key], ("d", key): {key: None}, (): [(), ()], frozenset({key}): {key}}

    assert Pickle().loads(Pickle().dumps(value), limits=Limits()) == value
    assert Pickle().loads(_key_of_keys(10), limits=Limits()).popitem()[1] is None
