"""bounded_repr: Celery's text, in bounded time and size, whatever the value."""

from __future__ import annotations

import enum
import random
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel.message import MessageBuilder, bounded_repr, reprs
from satchel.testing import random_values
from tests.unit.counting import counted

ALPHABETS = ("ab ", "a'b\"\\\n\t", "é☃😀 '", "x")

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    *(st.text(alphabet, max_size=300) for alphabet in ALPHABETS),
    st.binary(max_size=300),
    st.datetimes(timezones=st.none() | st.just(timezone.utc)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),  # A signaling NaN cannot be hashed.
    st.uuids(),
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.text(max_size=40) | HASHABLE, inner),
        st.sets(HASHABLE),
        st.frozensets(HASHABLE),
    ),
    max_leaves=60,
)


@pytest.fixture(scope="module")
def saferepr() -> Any:
    """Celery's own."""
    return pytest.importorskip("celery.utils.saferepr").saferepr


@pytest.mark.once
@given(value=VALUES, length=st.sampled_from([1024, 1, 2, 3, 5, 10, 20, 37, 100]))
def test_it_is_the_text_that_celery_writes(saferepr: Any, value: Any, length: int) -> None:
    assert bounded_repr(value, max_length=length) == saferepr(value, length)


@pytest.mark.once
def test_it_is_celerys_text_on_ten_thousand_calls(saferepr: Any) -> None:
    chance = random.Random(5)
    for _ in range(10_000):
        args, kwargs = tuple(_any(chance, 4) for _ in range(2)), {"x" * n: _any(chance, 4) for n in range(2)}

        assert bounded_repr(args) == saferepr(args, 1024)
        assert bounded_repr(kwargs) == saferepr(kwargs, 1024)


@pytest.mark.once
def test_it_is_celerys_text_on_ten_thousand_values_of_the_value_model(saferepr: Any) -> None:
    for value in random_values(10_000):
        assert bounded_repr((value,)) == saferepr((value,), 1024)
        assert bounded_repr({"value": value}) == saferepr({"value": value}, 1024)


@pytest.mark.parametrize("length", [1, 40, 127, 1024, 5000])
def test_of_long_ints_no_more_digits_are_written_than_there_is_room_for(saferepr: Any, length: int) -> None:
    chance = random.Random(length)
    ints = [chance.getrandbits(chance.randrange(60, 14_280)) for _ in range(300)]
    edges = [10**digits + near for digits in (127, 128, 129, 1151, 1152, 1153, 4298, 4299) for near in (-1, 0, 1)]
    for huge in (*ints, *edges, 10**4300 - 1):
        for value in ([huge, "rest"], (-huge,), {huge: -huge}, {"a": "b c", "d": huge}):
            assert bounded_repr(value, max_length=length) == saferepr(value, length)


def test_where_an_int_ends_does_not_depend_on_how_it_is_made(saferepr: Any) -> None:
    for bits in (*range(999, 1010), *range(2_990, 3_010), 14_000, 14_283):
        for digits in range(bits * 3 // 10 - 135, bits * 3 // 10 + 20):
            assert bounded_repr(1 << bits, max_length=digits) == saferepr(1 << bits, digits)


def test_the_digits_that_an_int_has_too_many_are_not_even_made() -> None:
    huge = 10**4299 + 7

    assert bounded_repr([huge]) == f"[{str(huge)[:1023]}...]"
    assert bounded_repr([Long(-huge)]) == f"[{str(-huge)[:1023]}...]"
    assert len(reprs._integer(huge, 1024)) < 1024 + 3 * 128


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="an early 3.10 writes ints of any length")
def test_an_int_that_python_is_told_not_to_write_leaves_the_rest_of_the_text() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(1_000)
    try:
        assert bounded_repr([10**1000, "rest"], max_length=5_000) == "[<int of 3,322 bits>, 'rest']"
    finally:
        sys.set_int_max_str_digits(before)


def test_a_cycle_is_written_as_celery_writes_it(saferepr: Any) -> None:
    cycle: list[Any] = [1]
    cycle.append({"itself": cycle})

    assert bounded_repr(cycle) == saferepr(cycle, 1024)


def _any(chance: random.Random, levels: int) -> Any:
    kind = chance.randrange(13 if levels else 9)
    members = range(chance.choice((0, 1, 2, 3, 3, 20)) if kind > 8 else 0)
    if kind == 9:
        return [_any(chance, levels - 1) for _ in members]
    if kind == 10:
        return tuple(_any(chance, levels - 1) for _ in members)
    if kind == 11:
        return {chance.choice((f"k{n}", n, (n, "k"))): _any(chance, levels - 1) for n in members}
    if kind == 12:
        return {chance.choice((n, f"'{n}", None)) for n in members}
    if kind == 8:
        return "".join(chance.choices(chance.choice(ALPHABETS), k=chance.choice((0, 3, 30, 1100))))
    if kind == 7:
        return chance.randbytes(chance.choice((0, 3, 30, 1100)))
    moment = datetime(2000, 1, 1, tzinfo=chance.choice((None, timezone.utc))) + timedelta(chance.random() * 9999)
    return chance.choice(
        (
            *(
                None,
                True,
                chance.getrandbits(80),
                chance.random(),
                float("nan"),
                Decimal(chance.getrandbits(70)) / 1000,
            ),
            *(moment, moment.date(), moment.time(), timedelta(chance.random()), UUID(int=chance.getrandbits(128))),
        )
    )


class Quiet:
    """An application's object: its own repr must not be called."""

    def __repr__(self) -> str:
        raise AssertionError("called")


class Text(str):
    def __len__(self) -> int:
        raise AssertionError("called")


class Members(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("called")


class Fields(dict[str, Any]):
    def items(self) -> Any:
        raise AssertionError("called")


class Unnamed(type):
    __module__ = property(lambda cls: 1 / 0)


class Long(int):
    """An int's subclass, whose methods are its own."""

    def __abs__(self) -> Any:
        raise ZeroDivisionError

    __neg__ = __floordiv__ = __pos__ = __repr__ = __str__ = __abs__  # type: ignore[assignment]


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Secret:
    def __repr__(self) -> str:
        raise AssertionError("called")


class Kept(enum.Enum):
    SECRET = Secret()


class Full(set[Any]):
    def __bool__(self) -> bool:
        raise AssertionError("called")

    __len__ = __iter__ = __bool__  # type: ignore[assignment]


class Name(str):
    """A key whose hash and class are its own."""

    __slots__ = ()
    __class__ = property(lambda self: 1 / 0)

    def __hash__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Quiet(), f"<{__name__}.Quiet>"),
        ([Quiet(), 1], f"[<{__name__}.Quiet>, 1]"),
        ({Quiet: 1}, "{<builtins.type>: 1}"),
        (Text("it's"), "'it\\'s'"),
        (Members([1]), "[1]"),
        (Fields(a=1), "{'a': 1}"),
        (Unnamed("X", (), {})(), "<object>"),
        (Colour.RED, "<Colour.RED: 1>"),
        (Level.LOW, "1"),
        (Kept.SECRET, f"<{__name__}.Kept>"),
        (Full({1}), "Full({1})"),
        ([Full()], "[Full()]"),
        (10**5000, "<int of 16,610 bits>"),
        ("\ud800", "'\\ud800'"),
        (bytearray(b"x" * 9), "<builtins.bytearray>"),
        (iter([]), "<builtins.list_iterator>"),
        ([MagicMock(spec=dict), 1], "[<unittest.mock.MagicMock>, 1]"),
        ([MagicMock(spec=set), 1], "[<unittest.mock.MagicMock>, 1]"),
        *(([MagicMock(spec=cls), 1], "[<unittest.mock.MagicMock>, 1]") for cls in (str, bytes, int, date, Colour)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_it_is_its_text_is_short_and_no_foreign_code_is_called(value: Any, text: str) -> None:
    assert bounded_repr(value) == text


@pytest.mark.parametrize(
    "huge",
    [
        *("x" * 10**6, b"x" * 10**6, b"\xff" * 10**6, range(10**18), [0] * 10**6, {"a": [""] * 10**6}),
        *([[[0] * 300] * 300] * 300, dict.fromkeys(range(10**5), "x" * 99), {(n,) for n in range(10**5)}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_work_is_bounded_by_the_text_and_not_by_the_value(huge: Any) -> None:
    text, steps = counted(lambda: bounded_repr(huge))

    assert len(text) < 2200
    assert steps < 20_000


def test_redacted_names_are_hidden_at_every_level() -> None:
    message = MessageBuilder(redact=["password", "token"]).build(
        "t", ({"password": [1], "user": "u"},), {"token": b"x", "deep": [{"password": 2, "Password": 3}]}
    )

    assert message.headers["argsrepr"] == "({'password': '***', 'user': 'u'},)"
    assert message.headers["kwargsrepr"] == "{'token': '***', 'deep': [{'password': '***', 'Password': 3}]}"


def test_a_name_is_hidden_whatever_its_class_says() -> None:
    assert bounded_repr({Name("password"): 1}, redact={"password"}) == "{'password': '***'}"


def test_names_to_redact_may_come_from_an_iterator() -> None:
    names: Any = (name for name in ["password"])
    message = MessageBuilder(redact=names).build("t", kwargs={"password": 1})

    assert message.headers["kwargsrepr"] == "{'password': '***'}"


def test_arguments_that_need_no_text_are_not_kept_alive() -> None:
    args, kwargs = [1], {"a": 2}
    before = sys.getrefcount(args), sys.getrefcount(kwargs)
    message = MessageBuilder().build("t", args, kwargs, argsrepr="a", kwargsrepr="k")
    after = sys.getrefcount(args), sys.getrefcount(kwargs)

    assert after == before
    assert (message.headers["argsrepr"], message.headers["kwargsrepr"]) == ("a", "k")


def test_the_texts_can_be_turned_off_and_given() -> None:
    off = MessageBuilder(reprs=False)

    # Not empty, for a worker writes its own for an empty one.
    assert off.build("t", ("secret",)).headers["argsrepr"] == off.build("t").headers["kwargsrepr"] == "..."
    assert off.build("t", ("secret",), argsrepr="(a card)").headers["argsrepr"] == "(a card)"
    assert MessageBuilder().build("t", ("secret",), argsrepr="(a card)").headers["argsrepr"] == "(a card)"


def test_the_texts_are_written_when_someone_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def written(value: Any, **_: Any) -> str:
        calls.append(value)
        return "r"

    monkeypatch.setattr("satchel.message.task_message.bounded_repr", written)
    at = datetime(2031, 1, 2)
    message = MessageBuilder().build("t", (1, at), {"a": 2})
    written_by_then = list(calls)

    assert message.headers["argsrepr"] == message.publish_arguments()["headers"]["kwargsrepr"] == "r"
    assert (written_by_then, calls) == ([], [(1, at), {"a": 2}])


def test_empty_arguments_are_written_as_celery_writes_them(saferepr: Any) -> None:
    message = MessageBuilder().build("t", [], {})

    assert (message.headers["argsrepr"], message.headers["kwargsrepr"]) == (saferepr(()), saferepr({}))


def test_dates_and_times_are_written_in_full() -> None:
    assert bounded_repr((date(2031, 1, 2), time(3))) == "(datetime.date(2031, 1, 2), datetime.time(3, 0))"
