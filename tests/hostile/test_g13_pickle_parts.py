"""G13, part by part: globals, opcodes, what BUILD would change, and what a decoded value may be."""

from __future__ import annotations

import enum
import os
import pickle
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from satchel import ContentDisallowed, CorruptBody, DecodeError, Encoded, Pickle, Pipeline
from satchel import default_registry as registry

PIPELINE = Pipeline(["pickle"])
PROTO = b"\x80\x04"


def decode(body: bytes, pipeline: Pipeline = PIPELINE) -> Any:
    return pipeline.decode(Encoded(body, "application/x-python-serialize", "binary"))


def text(value: str) -> bytes:
    return b"\x8c" + bytes((len(value),)) + value.encode()


def call(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


TAGGED = call("satchel.codecs.pickle", "tagged")


class Runs:
    """Runs a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


CALLS = [
    (os.system, "touch {path}"),
    (eval, "open('{path}', 'w')"),
    (exec, "open('{path}', 'w')"),
    (open, "{path}", "w"),
    (os.mkdir, "{path}"),
    (subprocess.Popen, ["touch", "{path}"]),
    (getattr, os, "system"),
    (__import__, "os"),
    (pickle.loads, b"."),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("attack", CALLS, ids=lambda attack: attack[0].__name__)
def test_a_call_is_refused_and_nothing_runs(attack, protocol, tmp_path):
    path = tmp_path / "made"
    function, *arguments = attack
    if function is getattr:
        arguments = []
    body = pickle.dumps(Runs(function, *(_with(path, argument) for argument in arguments)), protocol)

    with pytest.raises(DecodeError):
        decode(body)
    assert not path.exists()


def _with(path: Any, argument: Any) -> Any:
    if isinstance(argument, list):
        return [_with(path, part) for part in argument]
    return argument.format(path=path) if isinstance(argument, str) else argument


@pytest.mark.parametrize(
    "module", ["satchel.codecs.pickle", "satchel", "datetime", "uuid", "decimal", "builtins", "celery.canvas"]
)
@pytest.mark.parametrize(
    "name", ["pickle", "import_module", "sys", "os", "getattr", "type", "object", "__dict__", "warnings"]
)
def test_other_globals_of_the_models_modules_are_refused(module, name):
    for body in (
        PROTO + call(module, name) + b".",
        f"c{module}\n{name}\n.".encode(),
        PROTO + call(module, f"UUID.{name}") + b".",
    ):
        with pytest.raises(ContentDisallowed, match="not allow-listed"):
            decode(body)


def test_a_refused_module_is_not_imported():
    assert "antigravity" not in sys.modules

    with pytest.raises(ContentDisallowed):
        decode(PROTO + call("antigravity", "webbrowser") + b".")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "opcode", [b"P0\n", b"Q", b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00", b"\x97", b"\x98", b"o"]
)
@pytest.mark.parametrize("before", [b"", b"N", b"(N"])
def test_opcodes_that_no_plain_pickle_needs_are_refused(opcode, before):
    with pytest.raises(CorruptBody, match="no plain pickle needs"):
        decode(PROTO + before + opcode + b".")


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


@dataclass
class Order:
    price: Any


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("where", [*CLASSES, (Order.__module__, "Order"), ("satchel.codecs.pickle", "tagged")])
def test_a_class_is_not_changed(where, state):
    before = dict(vars(uuid.UUID)), dict(vars(Order))
    codec = Pickle(allow=frozenset({f"{Order.__module__}:Order"}))
    pipeline = Pipeline(["pickle"], registry=registry().with_serializer(codec, replace=True))

    for tail in (b".", b"0N.", b")R."):
        with pytest.raises(DecodeError):
            decode(PROTO + call(*where) + state + b"b" + tail, pipeline)
    assert (dict(vars(uuid.UUID)), dict(vars(Order))) == before
    assert uuid.UUID(int=1).hex == f"{1:032x}"


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: Any


TYPED = Pipeline(["pickle"], registry=registry().with_type(Colour).with_type(Order).with_type(Point))


def tagged(tag: str, plain: bytes) -> bytes:
    return TAGGED + text(tag) + plain + b"\x86R"


@pytest.mark.parametrize(
    "state", [b"}" + text("_value_") + text("evil") + b"s", b"N}" + text("_value_") + text("evil") + b"s\x86"]
)
def test_a_member_of_an_enum_is_not_changed(state):
    with pytest.raises(DecodeError):
        assert decode(PROTO + tagged("Colour", text("RED")) + state + b"b.", TYPED) is None
    assert Colour.RED.value == "red"


def test_a_registered_type_is_not_changed_after_it_was_checked():
    order = tagged("Order", b"}" + text("price") + b"K\x01s")

    assert decode(PROTO + order + b".", TYPED) == Order(1)
    with pytest.raises(DecodeError):
        assert decode(PROTO + order + b"}" + text("price") + text("evil") + b"sb.", TYPED) == Order(1)


@pytest.mark.parametrize("inside", [call("uuid", "UUID"), TAGGED, b"G\x7f\xf0" + bytes(6), tagged("Order", b"N"), b"N"])
def test_what_a_registered_type_is_given_is_looked_at(inside):
    for plain in (inside, b"}" + text("price") + inside + b"s", b"}" + text("price") + b"](" + inside + b"es"):
        try:
            value = decode(PROTO + tagged("Order", plain) + b".", TYPED)
        except DecodeError:
            continue
        assert value in (Order(None), Order([None]))


@pytest.mark.parametrize("name", ["UUID", "SafeUUID", "uuid4"])
def test_a_uuid_that_is_none_is_refused(name):
    bad = PROTO + call("uuid", name) + b")\x81}" + text("int") + b"J\xff\xff\xff\xff" + b"sb."

    with pytest.raises(DecodeError):
        decode(bad)


@pytest.mark.parametrize(
    ("name", "state"),
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
def test_a_date_that_there_is_not_is_refused(name, state):
    body = PROTO + call("datetime", name) + b"C" + bytes((len(state),)) + state + b"\x85R."

    with pytest.raises(CorruptBody):
        decode(body)
    with pytest.raises(CorruptBody):
        decode(PROTO + b"}" + body[2:-1] + b"Ns.")


def test_a_global_is_no_value():
    for body in (call("uuid", "UUID"), b"](" + call("decimal", "Decimal") + b"e", b"}" + text("a") + TAGGED + b"s"):
        with pytest.raises(CorruptBody, match="global"):
            decode(PROTO + body + b".")
