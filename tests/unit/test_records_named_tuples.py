"""Named tuples that share their methods: in all that shows, what `typing.NamedTuple` makes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from satchel import records
from satchel.types import Encoded


class Ours(records.NamedTuple):
    """Some fields."""

    first: int
    second: str = "two"
    third: Callable[[], Any] | None = None

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"

    @classmethod
    def of(cls, first: int) -> Ours:
        return cls(first, third=None)


class Theirs(NamedTuple):
    """Some fields."""

    first: int
    second: str = "two"
    third: Callable[[], Any] | None = None


SIDES = pytest.mark.parametrize("cls", [Ours, Theirs])


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1,), {}), ((1, "x", None), {}), ((), {"first": 1}), ((1,), {"third": None, "second": "x"})]
)
def test_instances_are_made_and_shown_alike(args: Any, kwargs: Any) -> None:
    ours, theirs = Ours(*args, **kwargs), Theirs(*args, **kwargs)

    assert tuple(ours) == ours == (*theirs,)
    assert hash(ours) == hash(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert (ours.first, ours.second, ours.third) == tuple(ours)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing a required argument: 'first'"),
        ((1, 2, 3, 4), {}, "too many positional arguments"),
        ((1,), {"first": 1}, "multiple values for argument 'first'"),
        ((1,), {"forth": 1}, "got an unexpected keyword argument 'forth'"),
        ((), {"second": 1}, "missing a required argument: 'first'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^Ours\\(\\) {message}"):
        Ours(*args, **kwargs)
    with pytest.raises(TypeError):
        Theirs(*args, **kwargs)


@SIDES
def test_some_fields_are_replaced(cls: Any) -> None:
    assert cls(1)._replace(second="x") == cls(1, "x")
    assert type(cls(1)._replace()) is cls
    with pytest.raises((TypeError, ValueError), match="forth"):
        cls(1)._replace(forth=1)


@SIDES
def test_one_is_made_of_an_iterable(cls: Any) -> None:
    assert cls._make(iter([1, "x", None])) == cls(1, "x")
    for values in ([1], [1, "x", None, 2]):
        with pytest.raises(TypeError):
            cls._make(values)


@SIDES
def test_copies_are_equal_and_of_its_class(cls: Any) -> None:
    for twin in (copy.copy(cls(1)), copy.deepcopy(cls(1)), pickle.loads(pickle.dumps(cls(1)))):
        assert twin == cls(1)
        assert type(twin) is cls


@SIDES
def test_nothing_can_be_set(cls: Any) -> None:
    for name in ("first", "other"):
        with pytest.raises(AttributeError):
            setattr(cls(1), name, 2)


def test_what_tools_ask_for_is_the_same() -> None:
    def told(cls: Any) -> list[Any]:
        parameters = inspect.signature(cls).parameters.values()
        listed = [(each.name, each.kind, each.default) for each in parameters]
        return [listed, cls._fields, cls._field_defaults, cls.__match_args__, cls.__doc__, cls.__module__]

    assert told(Ours) == told(Theirs)
    match Ours(1, "x"):
        case Ours(first, second):
            assert (first, second) == (1, "x")
        case _:
            pytest.fail("it did not match")


def test_a_subclass_may_have_a_constructor_of_its_own() -> None:
    class Sub(Ours):
        def __new__(cls, only: int) -> Sub:
            return super().__new__(cls, only)

    assert Sub(1) == Ours(1)
    assert list(inspect.signature(Sub).parameters) == ["only"]


def test_it_has_methods_of_its_own() -> None:
    assert Ours(1).both == "1 two"
    assert Ours.of(2) == Ours(2)


def test_those_of_satchel_are_told_with_their_types() -> None:
    assert str(inspect.signature(Encoded)) == (
        "(body: bytes | bytearray | memoryview, content_type: str, content_encoding: str, "
        "compression: str | None = None)"
    )
