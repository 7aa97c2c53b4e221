"""What a review found of pickles: how they are told, written, and put in their places."""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from satchel import EncodeError, LimitExceeded, Limits, Pickle, default_registry
from satchel.codecs.pickle_bounds import ROOM, surely_within
from satchel.codecs.pickle_hashing import MOST_LEVELS
from satchel.codecs.pickle_plain import longest_text_of_model
from satchel.codecs.pickle_reading import Tagged, restored
from satchel.testing import difference

DAYS = [{"day": date(2001, 1, 1 + n % 28), "n": n} for n in range(9_000)]
#: Values whose pickles have frames, and what Python puts beside them.
FRAMED: dict[str, Any] = {
    "short before long": ["x" * 70_000, DAYS],
    "nothing between": ["x" * 70_000, b"y" * 70_000, DAYS],
    "little between": [["x" * 70_000, date(2001, 1, 1), [b"y" * 70_000]], DAYS, "z" * 70_000, date(1968, 2, 29)],
    "at the end": [DAYS, "x" * 70_000],
}


@pytest.mark.parametrize("written", [pickle.dumps, pickle._dumps], ids=["C", "Python"])  # type: ignore[attr-defined]
@pytest.mark.parametrize("value", FRAMED.values(), ids=FRAMED)
def test_frames_and_what_python_writes_beside_them_take_the_short_way(value: Any, written: Any) -> None:
    for protocol in (4, 5):
        body = written(value, protocol)

        assert longest_text_of_model(body, Limits()) is not None
        assert difference(Pickle().loads(body, limits=Limits()), value) is None


@pytest.mark.parametrize("year", [1904, 1968, 1972, 2000, 2096])
def test_a_leap_day_takes_the_short_way(year: int) -> None:
    body = pickle.dumps([date(year, 2, 29)], 4)

    assert longest_text_of_model(body, Limits()) is not None
    assert Pickle().loads(body, limits=Limits()) == [date(year, 2, 29)]


@pytest.mark.parametrize("year", [1900, 1903, 2097, 2100])
def test_a_leap_day_that_there_is_not_does_not(year: int) -> None:
    body = pickle.dumps([date(1904, 2, 29)], 4).replace((1904).to_bytes(2, "big"), year.to_bytes(2, "big"))

    assert longest_text_of_model(body, Limits()) is None
    with pytest.raises(ValueError, match="day"):
        Pickle().loads(body, limits=Limits())


@pytest.mark.parametrize("scalar", [Decimal("1.5"), UUID(int=7), date(2001, 1, 1)], ids=repr)
def test_an_object_that_refers_to_its_class_is_counted_as_one(scalar: Any) -> None:
    assert surely_within([scalar, [scalar]], 100, 10, Limits(), room=ROOM, objects=True)


def doubled(times: int) -> Any:
    value: Any = []
    for _ in range(times):
        value = [value, value]
    return value


def test_a_small_pickle_of_what_is_large_written_out_is_told_at_once() -> None:
    body = Pickle().dumps(doubled(12))

    assert len(body) < 100
    assert Pickle().loads(body, limits=Limits()) == doubled(12)
    for times in (30, 90):
        with pytest.raises(LimitExceeded, match="max_nodes"):
            Pickle().dumps(doubled(times))


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        (doubled(3), {"max_depth": 4, "max_nodes": 15}),
        (["x" * 100] * 9, {"max_decompressed": 900}),
        ([[[[1]]], 2.5], {"max_depth": 4}),
        ([(), ((), {"a": ()})], {"max_depth": 4}),
    ],
)
def test_the_limits_of_a_small_pickle_are_exact_on_both_sides(value: Any, limits: dict[str, int]) -> None:
    body = Pickle().dumps(value, limits=Limits(**limits))
    assert Pickle().loads(body, limits=Limits(**limits)) == value

    for name, limit in limits.items():
        less = Limits(**{**limits, name: limit - 1})
        with pytest.raises((EncodeError, LimitExceeded), match=name):
            Pickle().dumps(value, limits=less)
        with pytest.raises(LimitExceeded, match=name):
            Pickle().loads(body, limits=less)


def test_many_texts_without_a_frame_are_told_at_once() -> None:
    # There are more than the pieces that Python's picklers make: no walk begins.
    body = b"\x80\x04" + b"\x8c\x00" * 100_000 + b"\x95\x02" + bytes(7) + b"\x93."

    assert longest_text_of_model(body, Limits()) is None


class Outer:
    class Inner:
        """A class that no pickle can name."""


class Plain:
    def __init__(self, part: Any = None) -> None:
        self.part = part


def function() -> None:
    """Such as an application has."""


@pytest.mark.parametrize("allowed", [Outer.Inner, "os", "os:path.join", ":x"], ids=str)
def test_only_a_modules_own_globals_can_be_allowed(allowed: Any) -> None:
    with pytest.raises(ValueError, match="a module's own globals"):
        Pickle(allow={allowed})


@pytest.mark.parametrize("part", [Plain, function, len], ids=lambda part: part.__name__)
def test_what_is_allowed_is_no_value_itself(part: Any) -> None:
    codec = Pickle(allow={Plain, f"{__name__}:function", "builtins:len"})
    for value in (part, [part], {"a": (part,)}, [Plain(), part]):
        with pytest.raises(EncodeError):
            codec.dumps(value)


def test_what_is_inside_an_allowed_object_is_held_as_a_reader_holds_it() -> None:
    codec = Pickle(allow={Plain})
    with pytest.raises(EncodeError, match=r"refused.*4,300 digits"):
        codec.dumps([Plain(10**5_000)])

    assert codec.loads(codec.dumps([Plain(10**4_000)]), limits=Limits())[0].part == 10**4_000


@pytest.fixture
def numbered() -> Iterator[None]:
    copyreg.add_extension("datetime", "date", 77)
    yield
    copyreg.remove_extension("datetime", "date", 77)


@pytest.mark.usefixtures("numbered")
def test_a_number_for_a_class_is_not_written() -> None:
    for value in ([date(2001, 1, 1)], [date(2001, 1, 1), ["x"] * 1_000_000]):
        with pytest.raises(EncodeError, match=r"refused.*opcode"):
            Pickle().dumps(value, limits=Limits(max_nodes=10_000_000))
    assert Pickle().dumps([1, "a"]) == pickle.dumps([1, "a"], 4)


def test_tuples_have_fewer_levels_than_a_stack_has_room_for() -> None:
    limits = Limits(max_depth=1_000_000)
    for opcodes in (b"N" + b"\x85" * (MOST_LEVELS + 1), b"N\x94" + b"\x85" * (MOST_LEVELS + 1)):
        with pytest.raises(LimitExceeded, match="max_depth"):
            Pickle().loads(b"\x80\x04}" + opcodes + b"Ns.", limits=limits)


def test_what_holds_no_tag_is_left_as_it_is() -> None:
    inner = {"a": ([1], frozenset({2}))}
    found = restored([inner, Tagged(("tag", [3])), (Tagged(("tag", 4)), 5)], lambda tag, plain: (tag, plain))

    assert found == [inner, ("tag", [3]), (("tag", 4), 5)]
    assert found[0] is inner


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    def __hash__(self) -> int:
        return hash(self.cents)


def test_what_holds_a_tag_is_made_anew_around_it() -> None:
    registry = default_registry().with_type(Money, "money", lambda money: money.cents, Money)
    codec: Any = registry.serializer("pickle")
    shared = [Money(1), (Money(2),)]
    value = {"a": shared, "b": (shared, {Money(3)}), ("k", Money(4)): frozenset({(Money(5),)}), "c": [[], ()]}

    assert codec.loads(codec.dumps(value), limits=Limits()) == value
