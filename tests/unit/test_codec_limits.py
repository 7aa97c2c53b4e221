"""Depth, nodes and collisions: refused as what they are, on both sides; what they cost is for tests/hostile."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgpack
import pytest

from satchel import CorruptBody, Encoded, EncodeError, LimitExceeded, Limits, Pipeline, Yaml, default_registry
from satchel.testing.codec import in_small_stack

NAMES = ("json", "msgpack", "yaml", "pickle")
EVERY = pytest.mark.parametrize("name", NAMES)
PIPELINE = Pipeline(NAMES)


def encode(name: str, value: Any, **limits: int) -> Encoded:
    return Pipeline(NAMES, limits=Limits(**limits)).encode(value, serializer=name)


def decode(name: str, body: bytes, **limits: int) -> Any:
    codec = default_registry().serializer(name)
    encoded = Encoded(body, codec.content_type, codec.content_encoding)
    return Pipeline(NAMES, limits=Limits(**limits)).decode(encoded)


def nested(depth: int, leaf: Any = 1, wrap: Callable[[Any], Any] = lambda value: [value]) -> Any:
    for _ in range(depth):
        leaf = wrap(leaf)
    return leaf


WRAPS = {
    "lists": lambda value: [value],
    "tuples": lambda value: (value,),
    "dicts": lambda value: {"k": value},
    "both": lambda value: {"k": [value]},
}


@EVERY
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_100_levels_are_encoded_and_101_are_not(name, wrap):
    steps = 50 if wrap(0) == {"k": [0]} else 100

    assert decode(name, bytes(encode(name, nested(steps, 1, wrap)).body)) is not None
    with pytest.raises(EncodeError):
        encode(name, [nested(steps, 1, wrap)])


@EVERY
@pytest.mark.parametrize("leaf", [UUID(int=1), {1}, frozenset({(1, 2)}), b"\xff", {"__type__": 1, "__value__": 2}])
def test_what_is_encoded_at_the_limit_is_decoded(name, leaf):
    for depth in range(94, 101):
        try:
            encoded = encode(name, nested(depth, leaf))
        except EncodeError:
            assert depth > 94
            continue
        assert decode(name, bytes(encoded.body)) is not None


@EVERY
def test_values_with_tags_at_the_limit_are_read_in_a_small_stack(name):
    encoded = encode(name, nested(94, {1, (2, UUID(int=3))}))

    assert in_small_stack(lambda: decode(name, bytes(encoded.body))) == nested(94, {1, (2, UUID(int=3))})


@EVERY
def test_what_refers_to_itself_is_refused(name):
    items: list[Any] = [1]
    items.append({"a": items})
    table: dict[str, Any] = {}
    table["self"] = table

    for value in (items, table, [{"x": (items, UUID(int=1))}], nested(100_000)):
        with pytest.raises(EncodeError):
            encode(name, value)


@EVERY
def test_the_limit_of_nodes_is_exact(name):
    value = {"a": [1, 2, {"b": None}], "c": ["x"] * 40}
    nodes = 1 + 2 + 2 + 3 + 2 + 40  # the dict, its keys, the lists, the items of the first, a key and a value, texts

    body = bytes(encode(name, value, max_nodes=nodes).body)
    assert decode(name, body, max_nodes=nodes) == value
    with pytest.raises(LimitExceeded):
        decode(name, body, max_nodes=nodes - 1)
    with pytest.raises(EncodeError):
        encode(name, value, max_nodes=nodes - 1)


def test_values_of_a_long_json_body_are_counted_exactly_wherever_it_is_cut():
    # It is counted a part at a time: whatever may be misread lies across the end of the first, at each of its bytes.
    value = [
        "",
        [],
        "[]",
        {},
        [""],
        ["x"],
        "a,b:c{",
        {"k": []},
        'q"[1,2]"',
        "\\",
        [[], " "],
        "é" * 3,
        "x" * 70_000,
        [{}, ""],
    ]
    nodes = 2 + 9 + 2 * 2 + 3 * 3  # the list and its first item; of the others, nine that hold nothing, [""] and ["x"]
    for spaced in (",", " , "):
        end = json.dumps(value, separators=(spaced, ":"), ensure_ascii=False).encode()
        for start in range(65_536 - len(end) + 70_000, 65_537):
            body = b'["' + b"a" * (start - 3) + b'"' + spaced.encode() + end[1:]
            assert decode("json", body, max_nodes=nodes)[1:] == value
            with pytest.raises(LimitExceeded, match="max_nodes"):
                decode("json", body, max_nodes=nodes - 1)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("json", b"[" + b"[]," * 600_000 + b"[]]"),
        ("msgpack", b"\xdd\x00\x10\x00\x00" + b"\x90" * 2**20),
        ("yaml", b"[" + b"[]," * 1_100_000 + b"[]]"),
        ("pickle", b"\x80\x04](" + b"]" * 1_100_000 + b"e."),
        ("pickle", b"\x80\x04]\x94(" + b"N" * 2_000 + b"e](" + b"h\x00" * 2_000 + b"e."),
    ],
)
def test_few_bytes_do_not_become_many_values(name, body):
    with pytest.raises(LimitExceeded, match="max_nodes"):
        decode(name, body, max_nodes=500_000)


#: Fewer than what is refused for its number alone, in YAML too.
COLLIDING = [number * (2**61 - 1) for number in range(1, 3_801)]


def ext(code: int, data: bytes) -> bytes:
    body: bytes = msgpack.packb(msgpack.ExtType(code, data))
    return body


def colliding(name: str) -> bytes:
    if name == "json":
        return b'{"__type__":"set","__value__":[%s]}' % ",".join(map(str, COLLIDING)).encode()
    if name == "yaml":
        return b"!!set {%s}" % ",".join(map(str, COLLIDING)).encode()
    items = [ext(81, number.to_bytes(16, "big")) for number in COLLIDING]
    return b"\xdd" + (len(items) + 1).to_bytes(4, "big") + ext(80, b"set") + b"".join(items)


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml"])
def test_members_with_one_hash_are_refused(name):
    with pytest.raises(CorruptBody, match="same hash"):
        decode(name, colliding(name))


@EVERY
def test_honest_sets_are_read(name):
    value = {"few": set(COLLIDING[:50]), "many": set(range(3_000)), "texts": {str(n) for n in range(500)}}

    assert decode(name, bytes(encode(name, value).body)) == value


def test_colliding_keys_are_refused_in_celerys_yaml():
    body = b"{%s}" % ",".join(f"{number}: 1" for number in COLLIDING).encode()

    with pytest.raises(CorruptBody, match="same hash"):
        Yaml.celery().loads(body, limits=Limits())


@pytest.mark.parametrize("limits", [{"max_depth": 3}, {"max_nodes": 3}])
@EVERY
def test_a_limit_holds_on_both_sides(name, limits):
    value = [[[[1, 2]]]]

    with pytest.raises(EncodeError, match=r"max_depth|max_nodes"):
        encode(name, value, **limits)
    with pytest.raises(LimitExceeded):
        decode(name, bytes(encode(name, value).body), **limits)


def test_a_pickle_of_shared_values_is_measured_as_if_it_were_written_out():
    shared: Any = [0]
    for _ in range(40):
        shared = [shared, shared]

    with pytest.raises(EncodeError, match="max_nodes"):
        encode("pickle", shared)
    with pytest.raises(LimitExceeded, match="max_nodes"):
        decode("pickle", pickle.dumps(shared, 4))


def test_what_is_referred_to_twice_is_counted_twice_before_it_is_written():
    value: Any = [UUID(int=1)]  # Not for a fast engine.
    for _ in range(80):
        value = [value, value]

    for name in NAMES:
        with pytest.raises(EncodeError, match=r"max_nodes|too many values"):
            encode(name, value, max_nodes=50_000)


@EVERY
@pytest.mark.parametrize("wrap", [lambda value: frozenset([value]), lambda value: (value,)], ids=["sets", "tuples"])
@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 takes C stack for every call of Python code")
def test_nested_sets_are_encoded_in_a_small_stack(name, wrap):
    value = {nested(40, wrap=wrap)}
    encode(name, value)

    assert decode(name, bytes(in_small_stack(lambda: encode(name, value)).body)) == value
