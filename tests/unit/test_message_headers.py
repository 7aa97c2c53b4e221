"""Headers and stamps of the caller's own: what is taken, what is refused, and that nothing is shared."""

from __future__ import annotations

import math
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from satchel.message import MessageBuilder

BUILDER = MessageBuilder()
LOOP: list[Any] = []
LOOP.append(LOOP)
CARRIED: dict[str, Any] = {
    "é" * 127: None,
    "flag": True,
    "least": -(2**63),
    "most": 2**63 - 1,
    "float": 0.5,
    "text": "é",
    "list": [1, ["a", {"deep": None}]],
    "table": {"a": {"b": [False]}},
}

REFUSED: dict[str, tuple[Any, str]] = {
    "an object": ({"a": object()}, "TypeError: headers['a'] must be None, a bool, int, float or str, or a list"),
    "bytes": ({"a": b"x"}, "TypeError: headers['a'] must be None, a bool"),
    "a datetime": ({"a": datetime(2031, 1, 2)}, "TypeError: headers['a'] must be None, a bool"),
    "a set deep within": ({"a": [0, {"b": {1}}]}, "TypeError: headers['a'][1]['b'] must be None, a bool"),
    "a name deep within": ({"a": [{1: 2}]}, "TypeError: headers['a'][0] must have str names, got 1"),
    "an int of 64 bits and a sign": ({"a": 2**63}, "ValueError: headers['a'] must be an int of at most 64 bits"),
    "nan": ({"a": math.nan}, "ValueError: headers['a'] must be a finite number, got nan"),
    "infinity": ({"a": [math.inf]}, "ValueError: headers['a'][0] must be a finite number, got inf"),
    "text that is not UTF-8": ({"a": "\ud800"}, "ValueError: headers['a'] must be text that UTF-8 can encode"),
    "a name that is not UTF-8": ({"\ud800": 1}, "ValueError: a name in headers must be text that UTF-8 can encode"),
    "a long name": ({"x" * 256: 1}, "ValueError: headers must have names of at most 255 bytes, got 'xxx"),
    "a name of many bytes": ({"é" * 128: 1}, "ValueError: headers must have names of at most 255 bytes"),
    "a cycle": ({"a": LOOP}, "ValueError: headers['a'][0][0]"),
}


@pytest.mark.parametrize("option", ["headers", "stamps"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_not_every_transport_carries_is_refused_by_its_path(option: str, case: str) -> None:
    value, expected = REFUSED[case]
    options: Any = {option: value}
    with pytest.raises((TypeError, ValueError)) as caught:
        BUILDER.build("t", **options)

    assert f"{type(caught.value).__name__}: {caught.value}".startswith(expected.replace("headers", option))


def test_what_every_transport_carries_is_taken() -> None:
    message = BUILDER.build("t", headers=CARRIED, stamps=CARRIED)

    assert {name: message.headers[name] for name in CARRIED} == message.headers["stamps"] == CARRIED


def test_amqp_and_the_virtual_transports_carry_what_is_taken() -> None:
    serialization = pytest.importorskip("amqp.serialization")
    json = pytest.importorskip("kombu.utils.json")
    headers = BUILDER.build("t", headers=CARRIED, stamps=CARRIED).publish_arguments()["headers"]

    assert serialization.loads("F", serialization.dumps("F", [headers]), 0)[0][0] == headers
    assert json.loads(json.dumps(headers)) == headers


def test_tuples_and_other_mappings_become_what_arrives() -> None:
    message = BUILDER.build("t", headers={"a": (1, (2,)), "b": MappingProxyType({"c": ()})})

    assert (message.headers["a"], message.headers["b"]) == ([1, [2]], {"c": []})


def test_changing_what_was_given_does_not_change_the_message() -> None:
    mine: dict[str, Any] = {"a": {"b": [1]}}
    message = BUILDER.build("t", headers=mine, stamps=mine)
    mine["a"]["b"].append(2)

    assert message.headers["a"] == message.headers["stamps"]["a"] == {"b": [1]}


@pytest.mark.parametrize("options", [{}, {"headers": {"n": {"a": [1]}}, "stamps": {"a": [1]}}, {"time_limit": 3}])
def test_changing_what_was_handed_out_at_any_level_does_not_change_the_message(options: Any) -> None:
    message = BUILDER.build("t", task_id="1", **options)
    for headers in (message.publish_arguments()["headers"], message.headers):
        headers["stamps"]["a"] = 99
        headers["timelimit"].append(9)
        for nested in (headers.get("n"), headers["stamped_headers"]):
            if nested:
                nested.clear()

    assert message == BUILDER.build("t", task_id="1", **options)
    assert message.publish_arguments()["headers"] == message.headers
