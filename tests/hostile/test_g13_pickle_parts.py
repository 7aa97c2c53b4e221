"""G13, part by part: globals, opcodes, what BUILD would change, and what a decoded value may be."""

from __future__ import annotations

import sys
import uuid

import pytest

from satchel import ContentDisallowed, CorruptBody, DecodeError, Pickle, Pipeline
from satchel import default_registry as registry
from tests.hostile.pickles import PROTO, TAGGED, TYPED, Colour, Order, decode, name, tagged, text


@pytest.mark.parametrize(
    "module", ["satchel.codecs.pickle", "satchel", "datetime", "uuid", "decimal", "builtins", "celery.canvas"]
)
@pytest.mark.parametrize(
    "attribute", ["pickle", "import_module", "sys", "os", "getattr", "type", "object", "__dict__", "warnings"]
)
def test_other_globals_of_the_models_modules_are_refused(module, attribute):
    for body in (
        PROTO + name(module, attribute) + b".",
        f"c{module}\n{attribute}\n.".encode(),
        PROTO + name(module, f"UUID.{attribute}") + b".",
    ):
        with pytest.raises(ContentDisallowed, match="not allow-listed"):
            decode(body)


def test_a_refused_module_is_not_imported():
    assert "antigravity" not in sys.modules

    with pytest.raises(ContentDisallowed):
        decode(PROTO + name("antigravity", "webbrowser") + b".")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("line", [b"Finf", b"Fnan", b"I0x" + b"f" * 9000, b"L1L", b"S'a'", b"Va", b"i__main__\nX"])
def test_numbers_and_texts_as_lines_are_refused(line):
    with pytest.raises(CorruptBody, match="no plain pickle needs"):
        decode(PROTO + line + b"\n.")


# What BUILD would change

CLASSES = [
    ("uuid", "UUID"),
    ("datetime", "datetime"),
    ("decimal", "Decimal"),
    ("datetime", "timezone"),
    ("__main__", "x"),
]
STATES = [b"}" + text("hex") + b"N" + b"s", b"N}" + text("hex") + b"N" + b"s\x86", b"N}" + text("__init__") + b"Ns\x86"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("where", [*CLASSES, (Order.__module__, "Order"), ("satchel.codecs.pickle", "tagged")])
def test_a_class_is_not_changed(where, state):
    before = dict(vars(uuid.UUID)), dict(vars(Order))
    codec = Pickle(allow=frozenset({f"{Order.__module__}:Order"}))
    pipeline = Pipeline(["pickle"], registry=registry().with_serializer(codec, replace=True))

    for tail in (b".", b"0N.", b")R."):
        with pytest.raises(DecodeError):
            decode(PROTO + name(*where) + state + b"b" + tail, pipeline)
    assert (dict(vars(uuid.UUID)), dict(vars(Order))) == before
    assert uuid.UUID(int=1).hex == f"{1:032x}"


@pytest.mark.parametrize(
    "state", [b"}" + text("_value_") + text("evil") + b"s", b"N}" + text("_value_") + text("evil") + b"s\x86"]
)
def test_a_member_of_an_enum_is_not_changed(state):
    with pytest.raises(DecodeError):
        decode(PROTO + tagged("Colour", text("RED")) + state + b"b.", TYPED)
    assert Colour.RED.value == "red"


def test_a_registered_type_is_not_changed_after_it_was_checked():
    order = tagged("Order", b"}" + text("price") + b"K\x01s")

    assert decode(PROTO + order + b".", TYPED) == Order(1)
    with pytest.raises(DecodeError):
        decode(PROTO + order + b"}" + text("price") + text("evil") + b"sb.", TYPED)


@pytest.mark.parametrize("inside", [name("uuid", "UUID"), TAGGED, b"G\x7f\xf0" + bytes(6), tagged("Order", b"N"), b"N"])
def test_what_a_registered_type_is_given_is_looked_at(inside):
    for plain in (inside, b"}" + text("price") + inside + b"s", b"}" + text("price") + b"](" + inside + b"es"):
        try:
            value = decode(PROTO + tagged("Order", plain) + b".", TYPED)
        except DecodeError:
            continue
        assert value in (Order(None), Order([None]))


@pytest.mark.parametrize("attribute", ["UUID", "SafeUUID", "uuid4"])
def test_a_uuid_that_is_none_is_refused(attribute):
    bad = PROTO + name("uuid", attribute) + b")\x81}" + text("int") + b"J\xff\xff\xff\xff" + b"sb."

    with pytest.raises(DecodeError):
        decode(bad)


@pytest.mark.parametrize(
    ("attribute", "state"),
    [
        ("datetime", bytes((7, 209, 1, 99, 0, 0, 0, 0, 0, 0))),
        ("datetime", bytes((7, 209, 1, 1, 99, 0, 0, 0, 0, 0))),
        ("datetime", bytes((7, 209, 2, 29, 0, 0, 0, 0, 0, 0))),
        ("datetime", bytes((7, 209, 1, 1, 0, 0, 0, 255, 255, 255))),
        ("date", bytes((0, 0, 1, 1))),
        ("date", bytes((7, 209, 1, 0))),
        ("time", bytes((1, 255, 0, 0, 0, 0))),
    ],
)
def test_a_date_that_there_is_not_is_refused(attribute, state):
    body = PROTO + name("datetime", attribute) + b"C" + bytes((len(state),)) + state + b"\x85R."

    with pytest.raises(CorruptBody):
        decode(body)
    with pytest.raises(CorruptBody):
        decode(PROTO + b"}" + body[2:-1] + b"Ns.")


def test_a_global_is_no_value():
    for body in (name("uuid", "UUID"), b"](" + name("decimal", "Decimal") + b"e", b"}" + text("a") + TAGGED + b"s"):
        with pytest.raises(CorruptBody, match="global"):
            decode(PROTO + body + b".")
