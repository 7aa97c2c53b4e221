"""Texts of calls that JSON wrote small and plain: those of bounded_repr, by Python's own repr."""

from __future__ import annotations

import random
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from satchel import Limits, Pipeline, celery_registry, default_registry
from satchel.codecs.json import Json
from satchel.errors import LimitExceeded
from satchel.message import MessageBuilder, bounded_repr, small_reprs
from satchel.message.small_reprs import plain_reprs

pytest.importorskip("orjson")
pytest.importorskip("ormsgpack")

PIPELINE = Pipeline(["json"], registry=celery_registry)
TEXTS = (
    *("", "a", "it's", 'say "x"', "back\\slash", "new\nline", "ünï☃😀", "\x7f", "\u200b", "\xa0", "x" * 128, "x" * 400),
    *("{}", "[[[[", "]]", "', '", "],[", '"', "null", "__type", "_"),
)
SCALARS = (*TEXTS, 0, -7, 2**63 - 1, -(2**63), 1.5, 1e300, 1e16, 1e-7, -0.0, 123456789.125, True, False, None)


def texts_of(args: Any, kwargs: Any) -> tuple[str, str] | None:
    """The texts as the builder asks for them; None where it would not, or gets none."""
    plain: list[bool] = []
    body = PIPELINE.encode((args, kwargs, {"chain": None}), plain=plain).body
    return plain_reprs(args, kwargs, bytes(body)) if plain else None


def made(chance: random.Random, levels: int) -> Any:
    kind = chance.randrange(4 if levels else 2)
    members = range(chance.choice((0, 1, 2, 3, 5)))
    if kind == 2:
        return [made(chance, levels - 1) for _ in members]
    if kind == 3:
        return {chance.choice((str(n), f"k{n}", *TEXTS)): made(chance, levels - 1) for n in members}
    return chance.choice(SCALARS)


def test_they_are_those_of_bounded_repr() -> None:
    chance = random.Random(5)
    quick = 0
    for _ in range(6000):
        args = tuple(made(chance, 4) for _ in range(chance.randrange(4)))
        kwargs = {f"k{n}": made(chance, 4) for n in range(chance.randrange(4))}
        texts = texts_of(args, kwargs)
        quick += texts is not None

        assert texts in (None, (bounded_repr(args), bounded_repr(kwargs)))
    assert quick > 1000


@pytest.mark.parametrize("length", range(900, 1030))
def test_they_are_where_the_room_ends(length: int) -> None:
    args, kwargs = ("x" * (length - 30), 1), {"a": "y" * (length - 40)}

    assert texts_of(args, {}) in (None, (bounded_repr(args), "{}"))
    assert texts_of((), kwargs) in (None, ("()", bounded_repr(kwargs)))


@pytest.mark.parametrize(
    ("args", "kwargs", "taken"),
    [
        ((), {}, True),
        ((1_234_567, "customer@example.com", {"currency": "EUR", "amount": 129.9, "express": True}), {"a": None}, True),
        ([1], {}, True),
        (("ünï☃😀",), {}, True),
        (([[1]],), {}, True),
        (([[[1]]],), {}, False),
        ((), {"a": {"b": [1]}}, True),
        ((), {"a": {"b": [{}]}}, False),
        (([1], [2], [3], [{"a": []}] * 20), {}, False),
        (([1], [2], [3], [[4]] * 20), {}, True),
        (("[[[[[[[",), {}, False),  # Looked at more closely than is worth it.
        (("it's",), {}, False),
        (('"',), {}, False),
        (("\\",), {}, False),
        (("\x7f",), {}, False),
        (("\u200b",), {}, False),
        (("x" * 900,), {}, True),
        (("x" * 1000,), {}, False),
        (([1] * 400,), {}, False),
        ((UUID(int=1),), {}, False),
        ((b"x",), {}, False),
        (((1, 2),), {}, False),
    ],
)
def test_they_are_taken_where_they_are_right(args: Any, kwargs: Any, taken: bool) -> None:
    texts = texts_of(args, kwargs)

    assert texts == ((bounded_repr(args), bounded_repr(kwargs)) if taken else None)


class Word(str):
    def __repr__(self) -> str:
        raise AssertionError("an application's own repr was called")


class Count(int):
    __repr__ = Word.__repr__


class Colour(str, Enum):
    RED = "red"

    __repr__ = Word.__repr__


class Args(tuple[int, ...]):
    __repr__ = Word.__repr__


@pytest.mark.parametrize(
    "args", [(Word("x"),), (Count(3),), (Colour.RED,), ({"a": [Word("x")]},), ({Word("key"): 1},), Args((1,))], ids=type
)
def test_no_repr_of_an_application_is_called(args: Any) -> None:
    assert texts_of(args, {}) is None

    headers = MessageBuilder().build("t", args, {"a": args[0]}).headers

    assert headers["argsrepr"] == bounded_repr(args)
    assert headers["kwargsrepr"] == bounded_repr({"a": args[0]})


def test_what_fails_meanwhile_is_written_by_the_other_way() -> None:
    args: tuple[Any, ...] = ("x",)
    _, body = texts_of(args, {}), PIPELINE.encode((args, {}, {})).body

    # As if another thread had put something else there since.
    assert plain_reprs((Word("x"),), {}, bytes(body)) is None


def written_by(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    calls: list[tuple[Any, Any]] = []

    def written(args: Any, kwargs: Any, body: bytes) -> tuple[str, str] | None:
        calls.append((args, kwargs))
        return plain_reprs(args, kwargs, body)

    monkeypatch.setattr("satchel.message.builder.plain_reprs", written)
    return calls


def test_a_builder_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = written_by(monkeypatch)
    monkeypatch.setattr("satchel.message.task_message.bounded_repr", None)
    for options in ({}, {"countdown": 3}, {"time_limit": 3.5}):
        headers = MessageBuilder().build("t", (1, "a"), {"b": [2.5]}, **options).headers

        assert (headers["argsrepr"], headers["kwargsrepr"]) == ("(1, 'a')", "{'b': [2.5]}")
    assert calls == [((1, "a"), {"b": [2.5]})] * 3


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"redact": ["b"]}, {}),
        ({"reprs": False}, {}),
        ({"serializer": "pickle"}, {}),
        ({"serializer": "msgpack"}, {}),
        ({"protocol": 1}, {}),
        ({}, {"argsrepr": "a", "kwargsrepr": "k"}),
    ],
)
def test_a_builder_takes_them_of_nothing_else(
    settings: dict[str, Any], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = written_by(monkeypatch)
    message = MessageBuilder(**settings).build("t", (1, "a"), {"b": [2.5]}, **options)

    assert message.headers is not None
    assert calls == []


def test_a_body_that_is_compressed_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = written_by(monkeypatch)
    message = MessageBuilder(compression="zlib").build("t", ("x" * 500,))

    assert message.encoded.compression is not None
    assert message.headers["argsrepr"] == f"('{'x' * 500}',)"
    assert calls == []


@pytest.mark.parametrize(
    ("options", "written"),
    [({"argsrepr": "(a card)"}, ("(a card)", "{'b': 2}")), ({"kwargsrepr": "{a card}"}, ("('A17',)", "{a card}"))],
)
def test_a_text_that_is_given_is_kept(options: dict[str, Any], written: tuple[str, str]) -> None:
    headers = MessageBuilder().build("t", ("A17",), {"b": 2}, **options).headers

    assert (headers["argsrepr"], headers["kwargsrepr"]) == written


class TestPlain:
    @pytest.mark.parametrize("dialect", ["satchel", "celery"])
    @pytest.mark.parametrize("value", [None, 1, "x", [1, {"a": [2.5, True]}], {"a": "ü"}, ((1,), {}, {})])
    def test_is_told_of_what_is(self, dialect: Any, value: Any) -> None:
        codec = Json(dialect=dialect)
        plain: list[bool] = []

        assert codec.dumps(value, plain=plain) == codec.dumps(value)
        assert plain == [True]

    @pytest.mark.parametrize(
        "value",
        [
            *(datetime(2031, 1, 2), UUID(int=1), b"x", Word("x"), [Count(1)], {1, 2}, Args((1,))),
            *(2**64, {"__type__": 1}, ["x"] * 3000, {"a": [(1, 2)]}, [float("1e300"), datetime(2031, 1, 2)]),
        ],
        ids=bounded_repr,
    )
    def test_is_told_of_nothing_else(self, value: Any) -> None:
        codec = Json()
        plain: list[bool] = []

        assert codec.dumps(value, plain=plain) == codec.dumps(value)
        assert plain == []

    def test_is_told_by_the_fast_engine_alone(self) -> None:
        plain: list[bool] = []

        assert Json(engine="stdlib").dumps([1], plain=plain) == b"[1]"
        assert plain == []

    def test_holds_the_limits(self) -> None:
        plain: list[bool] = []
        with pytest.raises(LimitExceeded):
            Json().dumps([[[[1]]]], limits=Limits(max_depth=3), plain=plain)

        assert plain == []

    def test_a_pipeline_takes_the_word_of_no_other_codec(self) -> None:
        class Own(Json):
            def dumps(self, value: Any, /, *, plain: list[bool] | None = None, **_: Any) -> bytes:
                assert plain is None
                return b'"own"'

        plain: list[bool] = []
        registry = default_registry().with_serializer(Own(), replace=True)

        assert Pipeline(["json"], registry=registry).encode([1], plain=plain).body == b'"own"'
        assert plain == []


def test_depth_is_told_exactly() -> None:
    chance = random.Random(6)

    def nested(levels: int) -> Any:
        members = range(chance.randrange(4))
        if not levels or chance.random() < 0.2:
            return chance.choice((1, "a", None))
        if chance.random() < 0.5:
            return [nested(levels - 1) for _ in members]
        return {f"k{n}": nested(levels - 1) for n in members}

    def depth(value: Any) -> int:
        if not isinstance(value, (list, dict)):
            return 0
        return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)

    seen = set()
    for _ in range(3000):
        value = [nested(5), [], {}]
        deep = small_reprs._may_be_deep(bytes(PIPELINE.encode(value).body))
        seen.add(deep)

        assert deep == (depth(value) > 4)
    assert seen == {True, False}
