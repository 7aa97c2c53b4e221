"""Restricted pickle: what it carries, what the allow-list lets through, and what is said of the rest."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from satchel import (
    ContentDisallowed,
    CorruptBody,
    Encoded,
    EncodeError,
    Limits,
    Pickle,
    Pipeline,
    celery_registry,
    default_registry,
)
from satchel.testing import difference


class Order:
    """What an application allow-lists."""

    def __init__(self, price: Any) -> None:
        self.price = price

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and other.price == self.price

    __hash__ = None  # type: ignore[assignment]

    class Item:
        pass


ORDER = f"{Order.__module__}:Order"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    # Under pytest's import mode a test module is not found by its name.
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or SimpleNamespace(Order=Order))


def pipeline(codec: Any = None, registry: Any = None) -> Pipeline:
    registry = registry or default_registry()
    return Pipeline(["pickle"], registry=registry.with_serializer(codec or Pickle(), replace=True))


def decode(body: bytes, both: Pipeline | None = None) -> Any:
    return (both or pipeline()).decode(Encoded(body, "application/x-python-serialize", "binary"))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_pickles_of_other_protocols_are_read(protocol):
    value: list[Any] = [None, True, 1, -(2**70), 1.5, "tëxt", [(), (1,), (1, 2, 3, 4)], {"a": {}}, 10**4299]

    assert difference(value, decode(pickle.dumps(value, protocol))) is None


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        [datetime(2001, 1, 1, 2, 3, 4, 5), timedelta(1, 2, 3), Decimal("1.50"), UUID(int=5)],
        [datetime(2001, 1, 1, tzinfo=timezone(timedelta(minutes=7)))] * 3,
    ],
)
def test_pickles_of_the_models_classes_are_read(protocol, value):
    assert difference(value, decode(pickle.dumps(value, protocol))) is None


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("key", [1, 2.5, None, b"a", (1, ("x",)), frozenset({1}), Decimal(1), datetime(2001, 1, 1)])
def test_keys_may_be_any_scalar(protocol, key):
    both = pipeline(Pickle(protocol=protocol))

    assert both.decode(both.encode({key: [key]}, serializer="pickle")) == {key: [key]}


def test_lone_surrogates_pass():
    both = pipeline()

    assert both.decode(both.encode(["\ud800", {"\udfff": 1}], serializer="pickle")) == ["\ud800", {"\udfff": 1}]


def test_a_zone_becomes_its_offset():
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("UTC")
    both = pipeline()
    (back,) = both.decode(both.encode([datetime(2001, 1, 1, tzinfo=zone)], serializer="pickle"))

    assert back == datetime(2001, 1, 1, tzinfo=zone)
    assert type(back.tzinfo) is timezone


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_celerys_only(value):
    body = pickle.dumps([value], 4)
    celery = pipeline(Pickle.celery(), celery_registry())

    assert repr(decode(body, celery)) == repr([value])
    assert repr(celery.decode(celery.encode([value], serializer="pickle"))) == repr([value])
    with pytest.raises(CorruptBody, match="finite"):
        decode(body)
    with pytest.raises(EncodeError, match="finite") as raised:
        pipeline().encode({"a": [value]}, serializer="pickle")
    assert raised.value.path == ("a", 0)


@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_an_int_of_more_than_4300_digits_is_refused(dialect):
    registry = celery_registry() if dialect == "celery" else default_registry()
    both = pipeline(Pickle(dialect=dialect), registry)

    for value in (10**4300, -(10**4300), 10**5000):
        with pytest.raises(EncodeError, match="4,300") as raised:
            both.encode([1, value], serializer="pickle")
        assert raised.value.path == (1,)
        with pytest.raises(CorruptBody, match="4,300"):
            decode(pickle.dumps([value], 4), both)


@pytest.mark.parametrize("value", [UUID, len, Order, pickle.loads])
@pytest.mark.parametrize("before", [[], [uuid4()], [datetime(2001, 1, 1), Decimal(1)]])
def test_a_class_or_a_function_is_no_value(value, before):
    """Behind an instance of it, a class is only a reference: the pickler does not ask again."""
    with pytest.raises(EncodeError, match="not carried") as raised:
        pipeline().encode([*before, value], serializer="pickle")

    assert raised.value.path == (len(before),)


def test_the_name_of_our_own_call_is_no_value():
    from satchel.codecs.pickle import tagged

    with pytest.raises(EncodeError, match="not carried"):
        pipeline().encode([tagged], serializer="pickle")


# The allow-list


@pytest.mark.parametrize("allow", [{ORDER}, {Order}])
def test_an_allow_listed_class_comes_back(allow):
    both = pipeline(Pickle(allow=frozenset(allow)))
    value = [Order(Decimal("1.50")), {"a": (Order([Order(1)]),)}]

    assert both.decode(both.encode(value, serializer="pickle")) == value


def test_what_is_not_allow_listed_is_refused_on_both_sides():
    with pytest.raises(EncodeError, match=r"Order.*register_type"):
        pipeline().encode([Order(1)], serializer="pickle")
    with pytest.raises(ContentDisallowed, match=r"Pickle\(allow="):
        decode(pickle.dumps([Order(1)], 4))


def test_an_allow_listed_object_that_holds_another_is_refused():
    both = pipeline(Pickle(allow=frozenset({ORDER})))

    with pytest.raises(EncodeError, match="not allow-listed"):
        both.encode([Order(OrderedDict(a=1))], serializer="pickle")


@pytest.mark.parametrize(
    "name",
    [f"{Order.__module__}:Order.Item", "uuid:os.system", "os", "os:", ":system", "os:sys tem", "builtins:a.b", ""],
)
def test_the_allow_list_takes_exact_names_only(name):
    with pytest.raises(ValueError, match="module:name"):
        Pickle(allow=frozenset({name}))


def test_equal_allow_lists_make_equal_codecs():
    by_class: Any = frozenset({Order})

    assert Pickle(allow=by_class) == Pickle(allow=frozenset({ORDER}))
    assert hash(Pickle(allow=by_class)) == hash(Pickle(allow=frozenset({ORDER})))
    assert ORDER in repr(Pickle(allow=by_class))


def test_an_allow_list_does_not_reach_within_a_module():
    both = pipeline(Pickle(allow=frozenset({"uuid:UUID", "uuid:os"})))

    for name in ("os.system", "UUID.__init__", "os.path.join", "UUID.__subclasses__"):
        body = b"\x80\x04\x8c\x04uuid\x8c" + bytes((len(name),)) + name.encode() + b"\x93."
        with pytest.raises(ContentDisallowed, match="not allow-listed"):
            decode(body, both)


def test_unrestricted_pickle_warns_and_is_no_default():
    with pytest.warns(UserWarning, match="runs code"):
        codec = Pickle.unrestricted()

    assert codec.loads(codec.dumps([Order]), limits=Limits()) == [Order]
    assert codec != Pickle()
    assert default_registry().serializer("pickle") == Pickle()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Pickle(allow=frozenset({ORDER}))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 6, "4"])
def test_an_unknown_protocol_is_refused(protocol):
    with pytest.raises(ValueError, match="protocol must be one of 4, 5"):
        Pickle(protocol=protocol)


def test_stock_signatures_are_read_as_dicts_without_celery():
    from celery import signature

    link = signature("tasks.add", args=(1, 2), kwargs={"a": [1]}, options={"queue": "q"})
    body = pickle.dumps([[1], {}, {"callbacks": [link], "chord": None}], 4)
    (_, _, embed) = decode(body)

    assert type(embed["callbacks"][0]) is dict
    assert embed["callbacks"][0]["task"] == "tasks.add"
    assert embed["callbacks"][0]["args"] == (1, 2)


def test_a_stock_bytearray_is_read_and_one_of_a_given_size_is_not():
    pickled = pickle.dumps([bytearray(b"ab"), bytearray()], protocol=4)

    assert decode(pickled) == [bytearray(b"ab"), bytearray()]
    with pytest.raises(CorruptBody, match="made of bytes"):
        decode(b"\x80\x04cbuiltins\nbytearray\nJ\x00\x00\x00\x40\x85R.")


def test_a_text_is_no_allow_list():
    with pytest.raises(TypeError, match="allow must be a set"):
        Pickle(allow="shop.models:Order")


def test_a_time_zone_of_a_fixed_offset_is_carried_beside_anything():
    zone = timezone(timedelta(hours=2))

    # A long int is written by an opcode that makes the codec look twice.
    for value in ([zone], [zone, 1 << 2_100], {zone: b"\x8b"}):
        both = Pipeline(["pickle"])
        assert both.decode(both.encode(value, serializer="pickle")) == value
