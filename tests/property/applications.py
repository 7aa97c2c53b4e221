"""An application's own types, registered, and values of the model with them in it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pydantic
from hypothesis import strategies as st

from satchel import Registry, default_registry
from satchel.testing import values


class Colour(enum.Enum):
    RED = 1
    GREEN = ("a", ("tuple",))


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any = None


@dataclass
class Order:
    items: Any
    price: Decimal
    note: Any = None
    total: int = field(init=False, default=7)


@dataclass(frozen=True)
class Key:
    parts: tuple[Any, ...]


class Struct(msgspec.Struct):
    name: str
    value: Any = None


class Model(pydantic.BaseModel):
    name: str
    value: Any = None


TYPES = (Colour, Level, Right, Point, Order, Key, Struct, Model)


def with_types(registry: Registry) -> Registry:
    for cls in TYPES:
        registry = registry.with_type(cls)
    return registry


REGISTRY = with_types(default_registry())

_enums = st.sampled_from([*Colour, *Level, Right.READ, Right.READ | Right.WRITE, Right(0)])
_hashable = st.one_of(_enums, st.integers(), st.text(st.characters(codec="utf-8"), max_size=5))
_keys = st.builds(Key, st.tuples(_hashable, st.tuples(_hashable)))


def _of(children: Any) -> Any:
    return st.one_of(
        st.builds(Point, children, children),
        st.builds(Order, children, st.decimals(allow_nan=False, allow_infinity=False), children),
        st.builds(Struct, st.just("struct"), children),
        st.builds(Model, name=st.just("model"), value=children),
        st.lists(children, max_size=3),
        st.dictionaries(st.sampled_from(["a", "__type__", "__value__"]), children, max_size=3),
        st.sets(st.one_of(_keys, _enums), max_size=3),
    )


application_values = st.recursive(st.one_of(values(1), _enums, _keys), _of, max_leaves=6)
