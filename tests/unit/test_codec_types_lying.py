"""Objects that say they are of another class, as mocks do, or whose own code fails: refused, by their path."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import Any
from unittest.mock import MagicMock

import pytest

from satchel import EncodeError, Json, Msgpack, Pickle, Yaml

CODECS = {
    repr(codec): codec
    for codec in (
        *itertools.starmap(
            lambda dialect, engine: Json(dialect=dialect, engine=engine),
            itertools.product(("satchel", "celery"), ("stdlib", "fast")),
        ),
        *itertools.starmap(
            lambda dialect, engine: Msgpack(dialect=dialect, engine=engine),
            itertools.product(("satchel", "celery"), ("plain", "fast")),
        ),
        *(cls(dialect=dialect) for cls in (Yaml, Pickle) for dialect in ("satchel", "celery")),
    )
}
EVERY = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def liar(cls: type) -> Any:
    class Liar:
        __class__ = property(lambda self: cls)

    return Liar()


class Broken:
    @property
    def __class__(self):
        raise ZeroDivisionError("no class")

    @__class__.setter
    def __class__(self, cls):
        pass


@EVERY
@pytest.mark.parametrize("make", [lambda cls: MagicMock(spec=cls), liar], ids=["mock", "liar"])
@pytest.mark.parametrize("cls", [str, int, float, bytes, dict, list, tuple, set, frozenset, date, datetime, type])
def test_what_says_that_it_is_of_a_class_that_is_carried_is_refused(codec: Any, make: Any, cls: type) -> None:
    with pytest.raises(EncodeError, match="is not carried at a") as raised:
        codec.dumps({"a": [1, make(cls)]})

    assert raised.value.path == ("a", 1)


@pytest.mark.parametrize("codec", [codec for codec in CODECS.values() if codec.name != "pickle"], ids=repr)
def test_what_does_not_say_its_class_is_refused(codec: Any) -> None:
    with pytest.raises(EncodeError, match="is not carried at a") as raised:
        codec.dumps({"a": [1, Broken()]})

    assert raised.value.path == ("a", 1)


@EVERY
@pytest.mark.parametrize("kind", [str, int, float, type(None)])
def test_so_is_such_a_key(codec: Any, kind: type) -> None:
    with pytest.raises(EncodeError, match=r"a dict key of type Liar|of type .*Liar is not carried") as raised:
        codec.dumps([{liar(kind): 1}])

    assert raised.value.path[0] == 0


class Day(date):
    @property
    def year(self) -> int:
        raise ZeroDivisionError("no year")


class Members(list[Any]):
    def __iter__(self) -> Any:
        raise ZeroDivisionError("no members")


class Fields(dict[str, Any]):
    def keys(self) -> Any:
        raise ZeroDivisionError("no keys")

    __iter__ = keys


class Moody:
    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


@EVERY
@pytest.mark.parametrize("value", [Day(2031, 1, 2), Members([1]), Fields(a=1)], ids=["date", "list", "dict"])
def test_a_subclass_whose_own_code_fails_is_refused(codec: Any, value: Any) -> None:
    with pytest.raises(EncodeError, match="raised ZeroDivisionError: no ") as raised:
        codec.dumps({"a": [1, value]})

    assert raised.value.path == ("a", 1)


@EVERY
def test_one_that_fails_whatever_it_is_asked_for_is_refused(codec: Any) -> None:
    with pytest.raises(EncodeError) as raised:
        codec.dumps({"a": [1, Moody()]})

    assert raised.value.path == ("a", 1)


@pytest.mark.parametrize("engine", ["stdlib", "fast"])
def test_stock_workers_read_what_gives_a_form_for_json_whatever_it_says_it_is(engine: Any) -> None:
    class Form:
        __class__ = property(lambda self: dict)

        def __json__(self) -> Any:
            return {"a": 1}

    assert Json(dialect="celery", engine=engine).dumps([Form()]) == b'[{"a":1}]'


@pytest.mark.parametrize("engine", ["stdlib", "fast"])
@pytest.mark.parametrize("key", [10**5000, -(10**5000)], ids=["positive", "negative"])
def test_a_key_of_too_many_digits_is_refused_by_its_path(engine: Any, key: int) -> None:
    with pytest.raises(EncodeError, match=r"a dict key that is an int of too many digits at x\[<int>\]") as raised:
        Json(dialect="celery", engine=engine).dumps({"x": {key: 1}})

    assert raised.value.path == ("x", key)
