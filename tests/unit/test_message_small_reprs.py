"""The quick half of bounded_repr: where it writes it gives the very text of the other half, and it is really taken."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from satchel.message import bounded_repr, reprs, small_reprs
from satchel.message.small_reprs import small_repr
from tests.unit.counting import counted

TEXTS = ("", "a", "it's", 'say "x"', "back\\slash", "new\nline", "ünï☃😀", "\ud800", "x" * 128, "x" * 129, "{}", "', '")
KEYS = (
    *TEXTS,
    None,
    1.5,
    True,
    2**64,
    UUID(int=5),
    Decimal("1.5"),
    (),
    (1, "k"),
    (1, ("k",)),
    b"k",
    datetime(2031, 1, 2),
)
SCALARS = (
    *TEXTS,
    b"",
    b"x",
    b"it's",
    b"\xff\x00",
    "ü☃".encode(),
    "\ufffd".encode(),
    "\ufffd".encode() + b"\xff",
    b"x" * 128,
    b"x" * 129,
    ("😀" * 32).encode(),
    UUID(int=7),
    0,
    -7,
    2**63 - 2,
    2**63,
    -(2**63),
    2**512,
    10**30,
    1.5,
    1e300,
    float("nan"),
    float("-inf"),
    True,
    None,
)


def exact(value: Any, length: int = 1024, levels: int = 3) -> str:
    """The text of `_fill` alone: with a name to redact that is nowhere, nothing else is asked."""
    return bounded_repr(value, max_length=length, max_levels=levels, redact={"a name that is nowhere"})


def made(chance: random.Random, levels: int) -> Any:
    kind = chance.randrange(6 if levels else 2)
    members = range(chance.choice((0, 1, 2, 3, 5, 15, 16, 17)))
    if kind == 2:
        return [made(chance, levels - 1) for _ in members]
    if kind == 3:
        return tuple(made(chance, levels - 1) for _ in members)
    if kind == 4:
        return {chance.choice((str(n), f"k{n}", *KEYS, n)): made(chance, levels - 1) for n in members}
    if kind == 5:
        return chance.choice((set, frozenset))(chance.choice((*KEYS, n, frozenset({n}))) for n in members)
    return chance.choice(SCALARS)


def test_both_halves_write_the_same_text() -> None:
    chance = random.Random(4)
    small = 0
    for _ in range(4000):
        value = [made(chance, 3), made(chance, 2)]
        small += bool(small_repr(value, 1024, 3))

        assert bounded_repr(value) == exact(value)
    assert small > 400


@pytest.mark.parametrize(
    "value", [(1, "two", {"three": [4.5, None]}), {"a": "b", "c": (True,)}, [[["x"]]], ((), [], {})]
)
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_both_halves_end_the_text_at_the_same_character(value: Any, levels: int) -> None:
    whole = exact(value, levels=levels)
    for length in range(1, len(whole) + 8):
        assert bounded_repr(value, max_length=length, max_levels=levels) == exact(value, length, levels)


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ((1_234_567, "customer@example.com", {"currency": "EUR", "amount": 129.9, "express": True}), True),
        ({"retry": None}, True),
        ([0] * 16, True),
        ([0] * 17, False),
        (["x" * 512], True),
        (["x" * 513], False),
        ({"x" * 512: 1}, True),
        ({"x" * 513: 1}, False),
        ([[["deep"]]], True),
        ([[[["deeper"]]]], True),
        ([2**512 - 1, 1 - 2**512], True),
        ([2**512], False),
        ([-(2**512)], False),
        ({1: 1}, True),
        ({2**512 - 1: 1}, True),
        ({2**512: 1}, False),
        ({None: 1, 1.5: 2, True: 3, UUID(int=5): 4, Decimal("1.5"): 5, datetime(2031, 1, 2): 6}, True),
        ({(1, "k", "it's"): 1}, True),
        ({(1, (2, 3)): 1}, False),
        ({b"k": 1}, False),
        (["it's"], True),
        ({"it's": 1}, True),
        ({"it's" * 129: 1}, False),
        ([datetime(2031, 1, 2), Decimal("1.5"), UUID(int=5)], True),
        ([b"x", b"it's", b"\xff\x00", b"\n", b""], True),
        (["ü☃".encode()], False),
        (["\ufffd".encode() + b"\xff"], False),
        ([b"x" * 128, b"\xff" * 128], True),
        ([b"x" * 129], False),
        ([{1}, frozenset({2}), set(), frozenset(), {(1, 2)}], True),
        ([[[{1}, frozenset({2}), set(), frozenset(), (), (1,), (1, 2), [], {}]]], True),
        ({frozenset({1})}, True),
        (set(), True),
        (frozenset(), True),
        ({*range(17)}, False),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_it_writes_what_is_small_and_leaves_the_rest(value: Any, taken: bool) -> None:
    assert bool(small_repr(value, 1024, 3)) is taken
    assert bounded_repr(value) == exact(value)


def test_it_is_asked_for_the_containers_within_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def noted(*arguments: Any) -> str:
        written.append(small_repr(*arguments))
        return written[-1]

    monkeypatch.setattr(reprs, "small_repr", noted)
    bounded_repr([{"id": number} for number in range(17)])

    assert written == ["", *(f"{{'id': {number}}}" for number in range(17))]


class Text(str):
    def __format__(self, spec: str) -> str:
        raise AssertionError("called")

    __repr__ = __str__ = __len__ = __hash__ = __format__  # type: ignore[assignment]


class Number(int):
    def __format__(self, spec: str) -> str:
        raise AssertionError("called")

    __repr__ = __str__ = to_bytes = __index__ = __format__  # type: ignore[assignment]


class Members(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("called")

    __len__ = __iter__


@pytest.mark.parametrize("value", [Text("x"), Number(7), Members([1])], ids=lambda value: type(value).__name__)
def test_nothing_of_an_applications_class_is_called(value: Any) -> None:
    for container in ([value], (1, value), {"k": value}, [[value]]):
        assert small_repr(container, 1024, 3) == ""
        assert "object" not in bounded_repr(container)


def cycles() -> dict[str, Any]:
    itself: list[Any] = [1]
    itself.append(itself)
    first: dict[str, Any] = {}
    second = [1, first]
    first["second"] = second
    late: list[Any] = [[1, 2], {"x": 1}]
    late[0].append(late)
    return {"itself": itself, "one another": first, "the other": second, "late": late}


@pytest.mark.parametrize("name", cycles())
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_cycles_are_left_to_the_other_half(name: str, levels: int) -> None:
    value = cycles()[name]

    for container in (value, [value], {"k": value, "l": [value]}, [value] * 20):
        assert bounded_repr(container, max_levels=levels) == exact(container, levels=levels)


def test_one_container_in_many_places_is_no_cycle() -> None:
    shared = {"a": 1}

    assert small_repr([shared, shared, [shared]], 1024, 3) == "[{'a': 1}, {'a': 1}, [{'a': 1}]]"


@pytest.mark.parametrize(
    "leaf", ["x" * 128, [bytearray(b"x")], 7, {"y" * 128: "x" * 128}], ids=["text", "bytes", "int", "dict"]
)
def test_what_it_writes_for_nothing_is_bounded_too(leaf: Any) -> None:
    # The most that it takes at all: sixteen members at each of three levels.
    huge = [[[leaf] * 15 + [leaf]] * 16] * 16
    text, steps = counted(lambda: bounded_repr(huge))

    assert text == exact(huge)
    assert steps < 20_000


def test_its_types_are_those_that_the_other_half_knows_as_containers() -> None:
    assert {*small_reprs.CONTAINERS} == {*reprs._BRACKETS, set, frozenset}


def test_bytes_end_by_their_number_not_by_that_of_their_characters() -> None:
    for value in (["x" * 100] * 9 + ["y" * 30, ("😀" * 32).encode()], ["😀" * 5, ("😀" * 10).encode()]):
        for length in (*range(1, 60), *range(980, 1100)):
            assert bounded_repr(value, max_length=length) == exact(value, length)


def test_a_long_key_is_not_looked_through() -> None:
    key = tuple(range(100_000))
    text, steps = counted(lambda: bounded_repr({key: 1}))

    assert text == exact({key: 1})
    assert steps < 20_000
    assert small_repr({key: 1}, 1024, 3) == ""


@pytest.mark.parametrize("length", range(1, 24))
@pytest.mark.parametrize("value", [set(), frozenset(), [set()], {"k": frozenset()}, {(): 1}], ids=repr)
def test_empty_sets_end_where_there_is_no_more_room(value: Any, length: int) -> None:
    assert bounded_repr(value, max_length=length) == exact(value, length)
    assert small_repr(value, length, 3) in ("", exact(value, length))


def test_uuids_are_written_as_python_does() -> None:
    chance = random.Random(7)
    for number in (0, 1, 2**128 - 1, *(chance.getrandbits(128) for _ in range(500))):
        assert small_reprs.uuid_repr(UUID(int=number)) == repr(UUID(int=number))


class Labelled(UUID):
    def __str__(self) -> str:
        raise AssertionError("called")


def test_a_uuid_of_an_applications_class_or_number_is_written_as_the_uuid_that_it_equals() -> None:
    for value in (Labelled(int=5), UUID(int=Number(5))):
        for text in (bounded_repr([value]), exact([value])):
            assert text == "[UUID('00000000-0000-0000-0000-000000000005')]"


def test_of_decimals_of_many_digits_one_is_written_and_not_all() -> None:
    huge = Decimal("1" * 100_000)
    text, steps = counted(lambda: bounded_repr([[[huge] * 16] * 16] * 16))

    assert text == exact([[[huge] * 16] * 16] * 16)
    assert small_repr([huge], 1024, 3) == small_repr({huge: 1}, 1024, 3) == ""
    assert small_repr([Decimal("1" * 800)], 1024, 3)
    assert steps < 20_000


class Zone(tzinfo):
    """An application's: none of its code must be called."""

    def utcoffset(self, when: Any) -> Any:
        raise AssertionError("called")

    tzname = dst = fromutc = __repr__ = utcoffset  # type: ignore[assignment]


class Named(str):
    def __repr__(self) -> str:
        raise AssertionError("called")


class Span(timedelta):
    def __repr__(self) -> str:
        raise AssertionError("called")


class Moment(datetime):
    tzinfo = property(lambda self: 1 / 0)
    replace = date = time = property(lambda self: 1 / 0)


class Hour(time):
    tzinfo = replace = property(lambda self: 1 / 0)


ZONE = f"tzinfo=<{__name__}.Zone>)"
OWN = (
    *(None, timezone.utc, timezone(timedelta(hours=-3)), timezone(timedelta(0), "it's"), ZoneInfo("Europe/Berlin")),
    timezone(timedelta(0), "x" * 512),
)
OTHER: list[tuple[Any, str]] = [
    (datetime(2031, 1, 2, tzinfo=Zone()), f"datetime.datetime(2031, 1, 2, 0, 0, {ZONE}"),
    (datetime(2031, 1, 2, 3, 4, 5, 6, Zone(), fold=1), f"datetime.datetime(2031, 1, 2, 3, 4, 5, 6, fold=1, {ZONE}"),
    (time(3, tzinfo=Zone(), fold=1), f"datetime.time(3, 0, fold=1, {ZONE}"),
    (time(3, tzinfo=timezone(timedelta(0), Named("x"))), "datetime.time(3, 0, tzinfo=<datetime.timezone>)"),
    (time(3, tzinfo=timezone(Span(hours=1))), "datetime.time(3, 0, tzinfo=<datetime.timezone>)"),
    (time(3, tzinfo=timezone(timedelta(0), "x" * 513)), "datetime.time(3, 0, tzinfo=<datetime.timezone>)"),
]


@pytest.mark.parametrize("zone", OWN, ids=str)
def test_a_zone_of_pythons_own_is_written_as_python_does(zone: Any) -> None:
    for value in (datetime(2031, 1, 2, 3, fold=1, tzinfo=zone), time(3, tzinfo=zone)):
        assert small_repr([value], 1024, 3) == bounded_repr([value]) == repr([value])
        assert bounded_repr(value) == bounded_repr({value}, redact={"x"})[1:-1] == repr(value)


@pytest.mark.parametrize(("value", "text"), OTHER, ids=range(len(OTHER)))
def test_of_another_zone_both_halves_write_the_class(value: Any, text: str) -> None:
    assert small_repr({"a": value}, 1024, 3) == f"{{'a': {text}}}"
    assert bounded_repr({"a": value}, redact={"x"}) == f"{{'a': {text}}}"
    assert bounded_repr(value) == text


def test_a_subclass_with_another_zone_is_shown_without_a_call_of_its_own() -> None:
    moment = Moment(2031, 1, 2, tzinfo=Zone())
    hour = Hour(3, tzinfo=Zone())

    assert bounded_repr([moment, hour]) == f"[datetime.datetime(2031, 1, 2, 0, 0, {ZONE}, datetime.time(3, 0, {ZONE}]"
