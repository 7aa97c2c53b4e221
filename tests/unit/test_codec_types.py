"""Application types: registered by one call, carried by every serializer, checked when they come back."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import pydantic
import pytest

from satchel import (
    CorruptBody,
    EncodeError,
    Pipeline,
    Registry,
    celery_registry,
    default_registry,
)
from satchel.testing import difference

NAMES = ("json", "msgpack", "yaml", "pickle")
EVERY = pytest.mark.parametrize("name", NAMES)


class Colour(enum.Enum):
    RED = 1
    BLUE = ("any", {"value": 1})
    ROUGE = 1  # noqa: PIE796  # an alias


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any = 0


@dataclass
class Order:
    items: Any
    price: Any = Decimal("0.10")
    sent: Any = field(default=None, kw_only=True)
    total: int = field(init=False, default=0)


@dataclass(frozen=True)
class Key:
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Slim:
    value: Any


class Struct(msgspec.Struct, frozen=True):
    name: str
    value: Any = None


class Model(pydantic.BaseModel):
    name: str
    value: Any = None


class Aliased(pydantic.BaseModel):
    price: int = pydantic.Field(alias="thePrice")
    other: int = pydantic.Field(default=0, validation_alias=pydantic.AliasChoices("o", "oth"))


class Open(pydantic.BaseModel, extra="allow"):
    a: int


class Root(pydantic.RootModel[list[int]]):
    pass


TYPES = (Colour, Level, Right, Point, Order, Key, Slim, Struct, Model, Aliased, Open, Root)


def with_types(registry: Registry, *types: type) -> Registry:
    for cls in types:
        registry = registry.with_type(cls)
    return registry


PIPELINE = Pipeline(NAMES, registry=with_types(default_registry(), *TYPES))


def back(name: str, value: Any, pipeline: Pipeline = PIPELINE) -> Any:
    return pipeline.decode(pipeline.encode(value, serializer=name))


def order() -> Order:
    made = Order([1, (2, 3)], sent=date(2001, 2, 3))
    made.total = 7
    return made


VALUES = [
    Colour.RED,
    Colour.BLUE,
    Level.HIGH,
    Right.READ,
    Right.READ | Right.WRITE,
    Right(0),
    Point(1, [Point(2)]),
    order(),
    Order({"a": Order({Key((1, "a")), Key((Colour.RED, (Level.LOW,)))})}),
    {Key((1, (2, frozenset({3})))), Slim((4,)), Struct("a"), Point(5), Level.LOW},
    Slim(Slim(timedelta(1))),
    Struct("a", Struct("b", b"\xff")),
    Model(name="a", value=Model(name="b", value=Order(Key(())))),
    Model(name="a", value=(1, {"__type__": "Model", "__value__": 2})),
    Aliased.model_validate({"thePrice": 3, "o": 4}),
    Open.model_validate({"a": 1, "b": [2]}),
    Root([1, 2]),
]


@EVERY
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_instance_comes_back_type_included(name, value):
    assert difference(value, back(name, value)) is None
    assert difference({"a": [value]}, back(name, {"a": [value]})) is None


def test_the_body_says_the_tag_and_what_it_holds():
    encoded = PIPELINE.encode([Level.HIGH, Point(1, 2), Right.WRITE])

    assert encoded.body == (
        b'[{"__type__":"Level","__value__":"HIGH"},{"__type__":"Point","__value__":{"x":1,"y":2}},'
        b'{"__type__":"Right","__value__":2}]'
    )


@EVERY
def test_types_that_nobody_registered_are_refused_with_the_cure(name):
    with pytest.raises(EncodeError, match=r"register_type\(Order\)") as raised:
        Pipeline([name]).encode({"kwargs": {"items": [1, {"o": Order(1)}]}}, serializer=name)

    assert raised.value.path == ("kwargs", "items", 1, "o")
    assert "kwargs.items[1].o" in str(raised.value)


@EVERY
def test_what_a_type_holds_is_refused_with_the_path(name):
    with pytest.raises(EncodeError) as raised:
        PIPELINE.encode({"kwargs": {"items": [0, 1, 2, Order(1, price=1 + 2j)]}}, serializer=name)

    assert raised.value.path == ("kwargs", "items", 3, "price")
    assert "kwargs.items[3].price" in str(raised.value)


@EVERY
def test_a_model_within_a_model_is_no_dict(name):
    """Pydantic's model_dump() would make it one, and validation would not make it a model again."""
    pipeline = Pipeline([name], registry=default_registry().with_type(Model))

    with pytest.raises(EncodeError, match=r"register_type\(Key\)"):
        pipeline.encode(Model(name="a", value=Key((1,))), serializer=name)


@EVERY
def test_a_subclass_of_a_registered_class_is_not_meant(name):
    class Special(Order):
        pass

    with pytest.raises(EncodeError, match="Special"):
        PIPELINE.encode(Special(1), serializer=name)


@EVERY
def test_celerys_dialect_refuses_what_stock_workers_do_not_know_and_reads_it(name):
    celery = Pipeline(NAMES, registry=with_types(celery_registry(), *TYPES))

    with pytest.raises(EncodeError, match="stock Celery worker cannot read a Order"):
        celery.encode([Order(1)], serializer=name)
    assert celery.decode(PIPELINE.encode([Order(1)], serializer=name)) == [Order(1)]


@EVERY
def test_functions_of_ones_own_are_used(name):
    registry = default_registry().with_type(
        Fraction, "ratio", lambda value: (value.numerator, value.denominator), lambda plain: Fraction(*plain)
    )

    assert back(name, {Fraction(1, 3): 1}.keys() and [Fraction(1, 3)], Pipeline([name], registry=registry)) == [
        Fraction(1, 3)
    ]


HOSTILE: list[tuple[type, Any]] = [
    (Colour, "GREEN"),
    (Colour, 1),
    (Colour, ["RED"]),
    (Colour, "__class__"),
    (Right, "READ"),
    (Right, 1024),
    (Point, [1, 2]),
    (Point, {"x": 1, "z": 2}),
    (Point, {}),
    (Point, None),
    (Order, {"items": 1, "__class__": 2}),
    (Order, {"price": 1}),
    (Order, "items"),
    (Slim, {"value": 1, "__dict__": {}}),
    (Struct, {"name": "a", "x": 1}),
    (Model, {"name": 1}),
    (Model, {}),
    (Model, "a"),
    (Model, [["name", "a"]]),
    (Aliased, {"price": "x"}),
    (Root, {"root": [1]}),
    (Root, ["a"]),
]


@EVERY
@pytest.mark.parametrize(("cls", "plain"), HOSTILE, ids=lambda part: getattr(part, "__name__", None))
def test_what_does_not_make_an_instance_is_corrupt(name, cls, plain):
    impostor = Pipeline(
        [name], registry=default_registry().with_type(Fraction, cls.__name__, lambda _: plain, lambda _: None)
    )
    encoded = impostor.encode(Fraction(1), serializer=name)

    with pytest.raises(CorruptBody, match=cls.__name__):
        PIPELINE.decode(encoded)


@EVERY
def test_an_unhashable_instance_in_a_set_is_corrupt(name):
    class Hashable(Order):
        __hash__ = object.__hash__

    sender = default_registry().with_type(Hashable, "Order", lambda value: {"items": value.items}, lambda plain: plain)
    encoded = Pipeline([name], registry=sender).encode({Hashable(1)}, serializer=name)

    with pytest.raises(CorruptBody):
        PIPELINE.decode(encoded)


@EVERY
def test_an_unknown_tag_is_corrupt_and_says_the_cure(name):
    encoded = PIPELINE.encode([Order(1)], serializer=name)

    with pytest.raises(CorruptBody, match=r"'Order' is not known.*register_type"):
        Pipeline([name]).decode(encoded)


class Mute(Exception):
    def __str__(self):
        raise self


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyError("x"), RecursionError(), ZeroDivisionError(), Mute()])
@EVERY
def test_an_error_of_ones_own_functions_is_wrapped(name, error):
    def fail(_: Any) -> Any:
        raise error

    outward = Pipeline([name], registry=default_registry().with_type(Fraction, "ratio", fail, fail))
    inward = Pipeline([name], registry=default_registry().with_type(Fraction, "ratio", str, fail))

    with pytest.raises(EncodeError, match=type(error).__name__):
        outward.encode([Fraction(1)], serializer=name)
    with pytest.raises(CorruptBody):
        inward.decode(inward.encode([Fraction(1)], serializer=name))
