"""Registering application types: what is refused, what replaces what, and who sees it."""

from __future__ import annotations

import enum
import pickle
import sys
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest

from satchel import CorruptBody, DuplicateCodec, Encoded, InvalidCodec, Json, Pipeline, Registry, default_registry
from satchel.codecs.base import TaggedType, Types


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Order:
    items: Any


@dataclass(frozen=True)
class Key:
    parts: tuple[Any, ...]


class Nested(pydantic.BaseModel):
    price: int = pydantic.Field(validation_alias=pydantic.AliasPath("prices", 0))


DECLARE: list[tuple[Callable[[Registry], Any], type[Exception], str]] = [
    (lambda registry: registry.with_type(int), InvalidCodec, "of the value model already"),
    (lambda registry: registry.with_type(object), InvalidCodec, "neither a dataclass"),
    (
        lambda registry: registry.with_type(Order(1)),  # type: ignore[arg-type]
        InvalidCodec,
        "by its class",
    ),
    (lambda registry: registry.with_type(Nested), InvalidCodec, "read from a path"),
    (lambda registry: registry.with_type(Order, "1x"), InvalidCodec, "is not a tag"),
    (lambda registry: registry.with_type(Order, "a b"), InvalidCodec, "is not a tag"),
    (lambda registry: registry.with_type(Order, ""), InvalidCodec, "is not a tag"),
    (lambda registry: registry.with_type(Order, "x" * 65), InvalidCodec, "is not a tag"),
    (lambda registry: registry.with_type(Order, "uuid"), DuplicateCodec, "value model's own"),
    (lambda registry: registry.with_type(Order, "o", str), InvalidCodec, "come together"),
    (lambda registry: registry.with_type(Order).with_type(Key, "Order"), DuplicateCodec, "already registered"),
    (lambda registry: registry.with_type(Order).with_type(Order, "other"), DuplicateCodec, "already registered"),
]


@pytest.mark.parametrize(("declare", "error", "message"), DECLARE)
def test_what_cannot_be_registered_says_why(declare, error, message):
    with pytest.raises(error, match=message):
        declare(default_registry())


def test_registering_twice_is_once_and_replacing_is_said():
    once = default_registry().with_type(Key)

    assert len(tuple(once.with_type(Key, replace=True).types)) == 1
    assert [entry.tag for entry in once.with_type(Key, "key2", replace=True).types] == ["key2"]


def test_a_codecs_own_types_win():
    types = default_registry().with_type(Colour, "c1").types
    codec = Json(types=types)

    merged = codec.with_types(default_registry().with_type(Colour, "c2").with_type(Level).types)
    assert [entry.tag for entry in merged.types] == ["c1", "Level"]


def test_registration_is_not_seen_by_other_registries():
    default_registry().with_type(Key)

    assert not default_registry().types
    with pytest.raises(CorruptBody):
        Pipeline(["json"]).decode(Encoded(b'{"__type__":"Key","__value__":{"parts":[]}}', "application/json", "utf-8"))


@pytest.mark.parametrize("cls", [Colour, Order])
def test_a_codec_that_knows_a_type_can_be_compared_and_pickled(cls, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or SimpleNamespace(Colour=Colour, Order=Order))
    one, other = (default_registry().with_type(cls, "t").serializer("json") for _ in range(2))

    assert one == other
    assert pickle.loads(pickle.dumps(one)) == one


def test_registering_a_class_twice_the_same_way_changes_nothing():
    registry = default_registry().with_type(Order, "order")

    assert registry.with_type(Order, "order").types == registry.types


@dataclass
class Once:
    code: InitVar[str]
    kept: int = 0


def test_a_class_that_forgets_what_it_was_made_with_needs_functions():
    with pytest.raises(InvalidCodec, match="is made with 'code', which it does not keep"):
        default_registry().with_type(Once)


MODEL_TAGS = "bytes base64 datetime date time timedelta decimal uuid bigint set frozenset tuple dict"


@pytest.mark.parametrize("tag", MODEL_TAGS.split())
def test_the_value_models_own_tags_are_not_to_be_had(tag: str) -> None:
    with pytest.raises(DuplicateCodec, match=f"^the tag '{tag}' is the value model's own"):
        default_registry().with_type(Order, tag)


class TestTypes:
    ORDER, KEY = (TaggedType(cls, cls.__name__, vars, cls) for cls in (Order, Key))

    def test_what_is_taken_is_replaced_only_when_asked(self) -> None:
        types, other = Types([self.ORDER, self.KEY]), self.ORDER._replace(tag="Key")
        with pytest.raises(DuplicateCodec, match=r"^the type Order is already registered as 'Order'"):
            types.add(other)

        assert types.add(other, replace=True) == Types([other])

    def test_a_tag_is_taken_whatever_object_it_is(self) -> None:
        with pytest.raises(DuplicateCodec):
            Types([self.ORDER]).add(self.KEY._replace(tag=str(b"Order", "ascii")))
