"""YAML that is written as JSON: it is read as the same value by every reader, or left to the emitter."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from datetime import date
from enum import Enum, IntEnum
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from satchel import CorruptBody, Limits, Yaml
from satchel.codecs.yaml_flow import Flow
from satchel.testing import difference
from satchel.testing.awkward import TRICKY_TEXTS
from tests.unit.yaml_writing import WRITERS, by_events, flow, made

LIMITS = Limits()


def misread(value: Any, body: bytes) -> list[str]:
    """Give the readers that take a body for another value; kombu's is the one in Python."""
    readers = {
        "C": lambda: yaml.load(body, yaml.CSafeLoader),
        "Python": lambda: yaml.load(body, yaml.SafeLoader),
        "ours": lambda: Yaml(max_nodes=1_000_000).loads(body, limits=LIMITS),
    }
    return [name for name, read in readers.items() if difference(value, read()) is not None]


@pytest.fixture(params=["satchel", "celery"])
def dialect(request: pytest.FixtureRequest) -> Any:
    return request.param


# What is written as JSON


PLAIN: list[Any] = [
    [],
    {},
    [[], {}, "", None],
    [True, False, None, 0, -1, 2**63 - 1, -(2**63), 2**64 - 1],
    {"a": [1, -1.5, "b"], "": {"c": None}},
    [0.0, -0.0, 1e-4, -1e-4, 1e15, -9999999999999998.0, 0.00012345678901234567, 2.0**53, 123456789.125, 5.0],
    {"<<": {"a": 1}, "=": 2, "~": 3, "yes": "no", "1": "0x1F", "!a": "&a", "*a": "%A", "?": "- a", "#": ": ,"},
    ["\0\x01\b\t\n\v\f\r\x1b\x1f \"'\\/", '\\"', "a\\", "\\", '"', "a: b", "# a", " a ", "---", "...", "%YAML 1.1"],
    ["\xa0", "\u2027", "\u202a", "\ufffd", "\ud7ff", "\ue000", "\U0001f600", "\U00010000", "\U0010ffff", "\ufdd0"],
    {"k" * 998: 1, "\u00e9" * 499: 1, "\\" * 499: 1, '"' * 499: 1, "\n" * 499: 1},
    [" " * 3_000, "a" * 3_000, "a b " * 900, '"' * 3_000, "1" * 5_000, "[1e16," * 900],
    [[[1]] * 30] * 8,
]


@WRITERS
@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_values_are_written_as_json_that_all_read_alike(value: Any, orjson: bool, dialect: Any) -> None:
    body = made(orjson, dialect=dialect).dumps(value)

    assert body == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert misread(value, body) == []
    assert misread(value, by_events(dialect=dialect).dumps(value)) == []


@WRITERS
def test_tuples_are_written_as_lists_unless_they_are_kept(orjson: bool) -> None:
    assert made(orjson).dumps([(1, ()), ()]) == b"[[1,[]],[]]"
    assert flow(made(orjson, tuples=True), [(1,)]) is None
    assert Yaml().loads(made(orjson, tuples=True).dumps([(1,)]), limits=LIMITS) == [(1,)]
    assert made(orjson, tuples=True).dumps([[1]]) == b"[[1]]"


@WRITERS
@pytest.mark.parametrize("text", TRICKY_TEXTS, ids=ascii)
def test_tricky_texts_are_read_alike(text: str, orjson: bool) -> None:
    value = [{"a": text, "k" + text: [text], text: text + "b", text * 300: 1}]

    assert misread(value, made(orjson).dumps(value)) == []


def runs() -> Iterator[str]:
    """All characters: the first 0x3100 one by one, the others in runs of 64, and every 17th of those beyond 0xFFFF."""
    for point in [*range(0x3100), *range(0x3100, 0x10000, 64), *range(0x10000, 0x110000, 64 * 17)]:
        text = "".join(map(chr, range(point, point + (1 if point < 0x3100 else 64))))
        if not "\ud800" <= text[0] <= "\udfff":
            yield text


@WRITERS
def test_every_character_is_read_alike_or_left_to_the_emitter(orjson: bool) -> None:
    codec = made(orjson)
    values = [{text: f"a{text} {text}b"} for text in runs()]
    written: list[Any] = []
    left: list[Any] = []
    for value in values:
        (left if flow(codec, value) is None else written).append(value)

    assert len(written) > 13_000
    assert misread(written, flow(codec, written, max_nodes=100_000) or b"") == []
    assert [ord(min(value)[0]) for value in left] == [*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEC0, 0xFFC0]
    assert misread(left, codec.dumps(left)) == []


# What is not


class Colour(str, Enum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Text(str):
    __slots__ = ()


TRAPS: list[Any] = [
    [1e16],
    [-1e16],
    [1.5e16],
    [1.5e300],
    [1e-5],
    [1.5e-07],
    {"a": [1, 9.999999999999999e-05]},
    [5e-324, 1.7976931348623157e308],
    {"k" * 1_000: 1},
    {"k" * 1_023: 1, "l" * 1_024: 2, "m" * 1_025: 3, "n" * 5_000: 4},
    [{"a": [{"\n" * 600: 1}]}],
    {'"' * 600: 1},
    {"k" * 600 + '"' + "k" * 600: 1, '"': '"'},
    {'k"\\' * 400: {"k": '"'}},
    {"\u00e9" * 600: 1},
    ["a" * 3_000, 1, {"b" * 1_500: "c" * 3_000}],
    ["\x7f"],
    ["\u00e9\x7f"],
    ["\x85", "a \x85 b"],
    ["\u2028", "\u2029"],
    {"\ufeff": "\ufeff"},
    ["\ufffe\uffff"],
    [10**40, -(2**63) - 1, 2**64],
    [10**4_299],
    [b"a", date(2001, 2, 3)],
    {"a": {1, 2}},
    "text",
    1.5,
    None,
]


@WRITERS
@pytest.mark.parametrize("value", TRAPS, ids=range(len(TRAPS)))
def test_what_yaml_would_read_otherwise_is_left_to_the_emitter(value: Any, orjson: bool, dialect: Any) -> None:
    codec = made(orjson, dialect=dialect)
    body = codec.dumps(value)

    assert misread(value, body) == []
    # The standard library writes large ints, too.
    assert flow(codec, value) is None or (not orjson and type(value[0]) is int)


@pytest.mark.parametrize(
    "value",
    [
        *([1e16], [1e-5], {"a" * 1_025: 1}, {'"' * 600: 1}, ["\x7f"], ["\x80"], [" \x85 "], [" \u2028"]),
        *([" \u2029"], ["\ufffe"], ["\uffff"]),
    ],
)
def test_as_json_it_would_be_read_otherwise(value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    with pytest.raises((AssertionError, yaml.YAMLError, CorruptBody)):
        assert misread(value, body) == []


@WRITERS
@pytest.mark.parametrize(
    "value", [[OrderedDict(a=1)], [Colour.RED], [Size.SMALL], {Text("a"): 1}, {Colour.RED: 1}, [Text("a")]]
)
def test_subclasses_are_left_to_the_emitter(value: Any, orjson: bool) -> None:
    assert flow(made(orjson), value) is None
    assert made(orjson).dumps(value) == by_events().dumps(value)


@WRITERS
@pytest.mark.parametrize("value", [[float("nan")], [1, {"a": float("-inf")}], {1: 2}, {"a": {None: 1}}, {True: 1}])
def test_what_json_would_alter_is_left_to_the_emitter(value: Any, orjson: bool) -> None:
    codec = made(orjson, dialect="celery")

    assert flow(codec, value) is None
    assert repr(yaml.load(codec.dumps(value), yaml.CSafeLoader)) == repr(value)


def test_a_library_that_writes_exponents_is_not_used() -> None:
    def exponents(value: Any) -> bytes:
        return json.dumps(value).replace("0.0001", "1e-4").encode()

    assert Flow(SimpleNamespace(dumps=exponents), tuples=False).dumps([1e-4], max_depth=9, max_nodes=9) == b"[0.0001]"


@pytest.mark.parametrize("seed", range(8))
def test_values_made_at_random_are_read_alike(seed: int) -> None:
    random = Random(seed)
    pieces = [*TRICKY_TEXTS, '"', "\\", '\\"', ":1e5,", "[", "]", "{", "}", '":', "k" * 500, "\u00e9", "\U0001f600"]
    scalars: list[Any] = [None, True, False, 0, -7, 2**63, 1.5, -0.0, 1e-4, 1e15]

    def text() -> str:
        return "".join(random.choices(pieces, k=random.randrange(4)))

    def value(levels: int) -> Any:
        if not levels or random.random() < 0.3:
            return random.choice((text(), random.choice(scalars)))
        if random.random() < 0.5:
            return [value(levels - 1) for _ in range(random.randrange(5))]
        return {text(): value(levels - 1) for _ in range(random.randrange(5))}

    values = [[value(5)] for _ in range(60)]
    written = 0
    for each in values:
        for codec in (made(), made(False), by_events()):
            written += flow(codec, each) is not None
            assert misread(each, codec.dumps(each)) == []

    assert written > 40
