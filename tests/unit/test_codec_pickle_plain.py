"""Pickles of plain data take a shorter way, and nothing else: it reads and refuses what the longer one does."""

from __future__ import annotations

import pickle
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import satchel.codecs.pickle
from satchel import Limits, Pickle
from satchel.codecs.pickle_plain import longest_text
from satchel.testing import difference

SHARED = [1, "shared"]
ROWS = [{"id": n, "name": f"row {n}", "total": n / 7, "kind": "paid", "ok": n % 2 == 0} for n in range(50)]
PLAIN: list[Any] = [
    None,
    [],
    {},
    (),
    [[], {}, ()],
    [0, -1, 255, 65_535, 70_000, -(2**31), 2**31, -(2**40), 2**70, 2**500],
    [0.5, -1e300, True, False, None, b"bytes", b"b" * 300, "ü\ud800", "t" * 63, "t" * 64, "t" * 255, "t" * 256],
    [["x" * 70_000, b"y" * 70_000], "after"],
    ROWS,
    [(ROWS,), {"a": 1}, ((1, 2, 3, 4), (1,), (1, 2))],
    [SHARED, {"again": SHARED}],
    {1: 2, 2.5: 3, None: 4, b"k": 5, (1, 2): 6},
    [f"{n}" * 5 for n in range(20_000)],
]
NOT_PLAIN: list[Any] = [{1, 2}, frozenset({1}), [float("nan")], [float("inf")], bytearray(b"a"), 2**5_000]


def slow(codec: Pickle, body: bytes, limits: Limits) -> Any:
    """Read it the longer way, and measure all that is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(satchel.codecs.pickle, "longest_text", lambda *_: None)
        patch.setattr(satchel.codecs.pickle, "surely_within", lambda *_, **__: False)
        return codec.loads(body, limits=limits)


def outcome(read: Callable[[], Any]) -> tuple[str, str]:
    try:
        value = read()
    except Exception as error:  # noqa: BLE001  # its class and text are what is compared
        return type(error).__name__, str(error)
    return "value", f"{value!r} {pickle.dumps(value)!r}"


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_data_takes_the_shorter_way(value: Any, protocol: int) -> None:
    body = pickle.dumps(value, protocol)

    assert longest_text(body, Limits()) is not None
    assert difference(value, Pickle().loads(body, limits=Limits())) is None


@pytest.mark.parametrize("value", NOT_PLAIN, ids=range(len(NOT_PLAIN)))
def test_anything_else_does_not(value: Any) -> None:
    assert longest_text(pickle.dumps(value, 4), Limits()) is None


@pytest.mark.parametrize("body", [b"", b".", b"\x80\x04", b"\x80\x04N", b"\x80\x04\x95", b"\x80\x04\x95" + bytes(8)])
def test_what_is_cut_off_does_not(body: bytes) -> None:
    assert longest_text(body, Limits()) is None


@pytest.mark.parametrize(
    "opcodes",
    [
        *(bytes([code]) for code in b"PQijopqrcRbd12lFILSVT"),
        *(bytes([code]) for code in b"\x80\x81\x82\x83\x84\x8b\x8d\x8e\x8f\x90\x91\x92\x93\x95\x96\x97\x98\xff"),
        b"\x8a\xff" + bytes(200),
        b"G\x7f\xf0" + bytes(6),
        b"\x8c\xff" + b"a" * 200,
        b"X\xff\xff\xff\x7f",
    ],
)
def test_no_other_opcode_passes(opcodes: bytes) -> None:
    for inside in (b"N0" * (opcodes[:1] == b"0") + opcodes, b"](N" + opcodes + b"e"):
        for body in (inside + b".", inside + b"0."):
            framed = b"\x80\x04\x95" + len(body).to_bytes(8, "little") + body

            assert longest_text(framed, Limits()) is None
            assert longest_text(b"\x80\x04" + body, Limits()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"\x80\x04\x95\x02" + bytes(7) + b"K\x01.",  # Behind the frame's end comes the end mark.
        b"\x80\x04\x95\x01" + bytes(7) + b"K\x01.",
        b"\x80\x04\x95\x04" + bytes(7) + b"K\x01.",
        b"\x80\x04\x95\x0b" + bytes(7) + b"\x95\x01" + bytes(7) + b"N.",
        b"\x80\x04\x95\x02" + bytes(7) + b"K\x01\x95\x01" + bytes(7) + b".",
        b"\x80\x04\x95\x05" + bytes(7) + b"\x8c\x05abcde.",
    ],
)
def test_frames_are_held_as_the_scan_holds_them(body: bytes) -> None:
    short, long = map(outcome, ways(Pickle(), body, Limits()))

    assert short == long


def ways(codec: Pickle, body: bytes, limits: Limits) -> tuple[Callable[[], Any], Callable[[], Any]]:
    return lambda: codec.loads(body, limits=limits), lambda: slow(codec, body, limits)


def written(value: Any, limits: Limits) -> str:
    return outcome(partial(Pickle().dumps, value, limits=limits))[0]


def nested(levels: int, kind: str) -> Any:
    value: Any = None
    for _ in range(levels):
        value = {"list": [value], "dict": {"k": value}, "tuple": (value,), "key": {(1,): [value]}}[kind]
    return value


@pytest.mark.parametrize("kind", ["list", "dict", "tuple", "key"])
@pytest.mark.parametrize("depth", [1, 2, 20, 100])
@pytest.mark.parametrize("beside", [[], ["k", "k"], ROWS])
def test_depth_is_held_exactly(kind: str, depth: int, beside: list[Any]) -> None:
    limits = Limits(max_depth=depth)
    found = set()
    for levels in range(max(depth - 4, 0), depth + 3):
        value = [*beside, nested(levels, kind)] if beside else nested(levels, kind)
        read, long = ways(Pickle(), pickle.dumps(value, 4), limits)
        assert outcome(read) == outcome(long)
        assert outcome(read)[0] == written(value, limits)
        found.add(outcome(read)[0])

    assert "LimitExceeded" in found


@pytest.mark.parametrize("value", [ROWS, [SHARED] * 20, [["text"] * 9] * 9, {1: ("a", "a"), (2, 2): {}}])
def test_values_and_texts_are_held_exactly(value: Any) -> None:
    body = pickle.dumps(value, 4)
    for field, most in (("max_nodes", 600), ("max_decompressed", 3_000)):
        least = bisect_left(range(most), True, key=lambda maximum: written(value, limits_of(field, maximum)) == "value")
        assert 1 < least < most
        for maximum in sorted({*range(1, most, 13), *range(max(least - 3, 1), least + 4)}):
            limits = limits_of(field, maximum)
            read, long = ways(Pickle(), body, limits)
            found = outcome(read)
            assert found == outcome(long)
            assert found[0] == written(value, limits)


def limits_of(field: str, maximum: int) -> Limits:
    return Limits(**{field: maximum or 1})


def test_a_value_of_a_billion_parts_is_refused_and_takes_little_time() -> None:
    value: Any = ["x" * 60] * 10
    for _ in range(9):
        value = [value] * 10
    body = pickle.dumps(value, 4)

    assert longest_text(body, Limits()) is not None
    for work in (lambda: Pickle().loads(body, limits=Limits()), lambda: Pickle().dumps(value)):
        assert outcome(work)[0] == "LimitExceeded"


def test_one_text_a_thousand_times_is_refused() -> None:
    value = ["x" * 100_000] * 1_000
    body = pickle.dumps(value, 4)

    assert outcome(lambda: Pickle().loads(body, limits=Limits()))[0] == "LimitExceeded"
    assert outcome(lambda: Pickle().dumps(value))[0] == "LimitExceeded"


# Mutants

OPCODES = (
    *(b"N", b"]", b"}", b")", b"(", b"\x94", b"a", b"e", b"s", b"u", b"t", b"\x85", b"\x86", b"\x87", b"K\x01"),
    *(b"h\x00", b"h\x01", b"h\x8c", b"j\x02\0\0\0", b"M\1\2", b"J\0\0\0\x80", b"G?\xf0" + bytes(6), b"\x8c\x01a"),
    *(b"\x8c\x00", b"C\x01x", b"\x8a\x02\xff\x7f", b"]\x94(", b"}\x94(", b"X\2\0\0\0hi", b"B\1\0\0\0z"),
    *(b"0", b"2", b"\x8f", b"\x90", b"\x91", b"q\0", b"r\1\0\0\0", b"\x95\5" + bytes(7), b"\x80\x04", b"R", b"."),
)
TIGHT = (Limits(), Limits(max_depth=4, max_nodes=60), Limits(max_depth=9, max_decompressed=200), Limits(max_depth=1))


def mutants(rng: random.Random, count: int) -> Iterator[bytes]:
    bodies = [pickle.dumps(value, 4) for value in (*PLAIN[:6], ROWS[:3], *PLAIN[9:12], *NOT_PLAIN)]
    for _ in range(count):
        body = bytearray(rng.choice(bodies))
        if rng.random() < 0.3:
            body[11:] = b"".join(rng.choices(OPCODES, k=rng.randrange(1, 20))) + b"."
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(body) + 1)
            body[at : at + rng.randrange(3)] = rng.choice((rng.choice(OPCODES), rng.randbytes(1)))
        if rng.random() < 0.6 and len(body) > 11:
            body[2:11] = b"\x95" + (len(body) - 11).to_bytes(8, "little")
        yield bytes(body)


def test_both_ways_agree_on_mutants() -> None:
    rng = random.Random(4)
    codecs = (Pickle(), Pickle.celery())
    shorter = 0
    for body in mutants(rng, 4_000):
        limits, codec = rng.choice(TIGHT), rng.choice(codecs)
        read, long = ways(codec, body, limits)
        assert outcome(read) == outcome(long), body
        shorter += longest_text(body, limits) is not None

    assert shorter > 500


def test_a_pickler_is_used_again_and_keeps_nothing() -> None:
    codec = Pickle()
    first = codec.dumps([ROWS, SHARED])

    assert codec.dumps({"when": None, "other": [SHARED]}) == pickle.dumps({"when": None, "other": [SHARED]}, 4)
    assert codec.dumps([ROWS, SHARED]) == first
    with pytest.raises(Exception, match="not carried"):
        codec.dumps([SHARED, object()])
    assert codec.dumps([ROWS, SHARED]) == first
