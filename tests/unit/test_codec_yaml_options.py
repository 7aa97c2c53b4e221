"""YAML's options: the budget of its own, merge keys, foreign tags, unique keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import yaml

from satchel import (
    CorruptBody,
    Encoded,
    EncodeError,
    LimitExceeded,
    Limits,
    Pipeline,
    Yaml,
    default_registry,
)
from satchel.codecs.values import Restoring
from satchel.codecs.yaml import _LOCAL_TAGS
from satchel.testing import difference


def using(codec: Yaml, **limits: int) -> Pipeline:
    return Pipeline(["yaml"], registry=default_registry().with_serializer(codec, replace=True), limits=Limits(**limits))


def decode(body: str, codec: Yaml | None = None, **limits: int) -> Any:
    return using(codec or Yaml(), **limits).decode(Encoded(body.encode(), "application/x-yaml", "utf-8"))


@pytest.mark.parametrize("options", [{"max_nodes": 0}, {"max_nodes": 10_000_001}, {"max_nodes": -1}])
def test_a_budget_is_from_one_to_ten_million(options):
    with pytest.raises(ValueError, match="max_nodes"):
        Yaml(**options)


@pytest.mark.parametrize("option", ["merge_keys", "foreign_tags", "unique_keys", "max_nodes"])
def test_an_option_of_another_type_is_refused(option):
    wrong: dict[str, Any] = {option: None}

    with pytest.raises(TypeError, match=option):
        Yaml(**wrong)


# The budget


def test_the_default_budget_is_exact():
    value = [1] * 7_999

    assert using(Yaml()).decode(using(Yaml()).encode(value, serializer="yaml")) == value
    with pytest.raises(LimitExceeded):
        decode("[" + "1," * 8_000 + "]")
    with pytest.raises(EncodeError):
        using(Yaml()).encode([1] * 8_000, serializer="yaml")


@pytest.mark.parametrize("body", ["[1, 2, 3]", "{a: 1, b: 2}", "[[], {}, []]", "!!set {a, b}"])
def test_an_error_names_the_budget_that_was_hit(body):
    with pytest.raises(LimitExceeded, match=r"Yaml\(max_nodes=3\).*decode with Yaml\(max_nodes=…\)") as own:
        decode(body, Yaml(max_nodes=3))
    with pytest.raises(LimitExceeded, match=r"raise Limits\(max_nodes=…\)") as common:
        decode(body, Yaml(max_nodes=4), max_nodes=3)

    assert (own.value.limit, own.value.maximum) == (common.value.limit, common.value.maximum) == ("max_nodes", 3)


@pytest.mark.parametrize("value", [[1, 2, 3], {"a": 1, "b": 2}, {1, 2}, [1, frozenset({1})]])
def test_what_the_budget_refuses_to_read_is_not_written(value):
    with pytest.raises(EncodeError, match=r"too many values.*Yaml\(max_nodes=…\) on both sides"):
        using(Yaml(max_nodes=3)).encode(value, serializer="yaml")
    with pytest.raises(EncodeError, match=r"Limits\(max_nodes=…\) here"):
        using(Yaml(max_nodes=4), max_nodes=3).encode(value, serializer="yaml")


@pytest.mark.parametrize("value", [[1, 2, 3], {"a": 1, "b": [2]}, {1, 2}, [frozenset({1})], [{(1, 2)}, 1.5]])
def test_what_is_written_at_the_budget_is_read(value):
    written = 0
    for budget in range(1, 12):
        both = using(Yaml(max_nodes=budget, tuples=True))
        try:
            encoded = both.encode(value, serializer="yaml")
        except EncodeError:
            continue
        written += 1
        assert difference(value, both.decode(encoded)) is None

    assert 0 < written < 11


# Merge keys


@pytest.mark.parametrize(
    "body",
    [
        "{<<: {a: 1, b: 2}, b: 3, c: 4}",
        "{b: 3, <<: {a: 1, b: 2}}",
        "{<<: [{a: 1}, {a: 2, b: 3}, {c: 4}], d: 5}",
        "{<<: {a: 1}, <<: {a: 2, b: 3}}",
        "{<<: {<<: {a: 1, b: 1}, b: 2}, c: 3}",
        "{<<: [], a: 1}",
        "{<<: {}}",
        "[&a {x: 1}, &b {<<: *a, y: 2}, {<<: [*b, *a], x: 3}]",
        "- &a\n  1: x\n  ~: y\n- <<: *a\n  1: z\n",
        "!!set {<<: {a: 1}, b}",
        "{'<<': 1}",
        "{!!str <<: 1}",
        "{a: {<<: {b: 1}}, <<: {c: 2}}",
        "{x: [{<<: {a: 1}}, {b: 2}], <<: {c: {<<: {d: 3}}}}",
        # Not read
        "{<<: 1}",
        "{<<: [1]}",
        "{<<: [[{a: 1}]]}",
        "[<<]",
        "{a: <<}",
        "<<",
        "!!omap [{<<: {a: 1}}]",
        "{? {<<: {a: 1}} : 1}",
    ],
)
def test_merge_keys_are_read_as_pyyaml_reads_them(body):
    codec = Yaml(merge_keys=True, aliases=True)
    try:
        expected = yaml.load(body, yaml.CSafeLoader)
    except yaml.YAMLError:
        with pytest.raises(CorruptBody):
            decode(body, codec)
        return
    value = decode(body, codec)

    assert difference(expected, value) is None
    assert repr(value) == repr(expected) or isinstance(value, set)


def test_merged_pairs_count_once_more():
    body = "{<<: {a: 1, b: 2}, c: 3}"  # 9 values as it is written, and two pairs

    assert len(decode(body, Yaml(merge_keys=True, max_nodes=13))) == 3
    with pytest.raises(LimitExceeded):
        decode(body, Yaml(merge_keys=True, max_nodes=12))


def test_keys_of_one_hash_from_many_mappings_are_refused():
    colliding = ",".join(f"{{{n * (2**61 - 1)}: 1}}" for n in range(1, 1_000))
    equal = ",".join("{7: 1}" for _ in range(1_000))

    with pytest.raises(CorruptBody, match="same hash"):
        decode(f"{{<<: [{colliding}]}}", Yaml(merge_keys=True))
    assert decode(f"{{<<: [{equal}]}}", Yaml(merge_keys=True)) == {7: 1}


@pytest.mark.parametrize("body", ["{&a <<: {b: 1}, c: *a}", "{<<: !frozenset [1]}", "{<<: !!set {a}}"])
def test_what_else_stands_for_a_merge_key_is_refused(body):
    with pytest.raises(CorruptBody):
        decode(body, Yaml(merge_keys=True, aliases=True))


# Foreign tags


@dataclass
class Order:
    number: int


ORDERS = default_registry().with_type(Order, "Order", lambda order: order.number, Order).types


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("!foo 1", 1),
        ("!foo '1'", "1"),
        ('!foo "1"', "1"),
        ("!foo |\n 1\n", "1\n"),
        ("!foo", None),
        ("!foo text", "text"),
        ("!foo [1]", [1]),
        ("!foo {a: !bar yes}", {"a": True}),
        ("!!python/object/apply:os.system [true]", [True]),
        ("!!python/name:os.system", None),
        ("!<tag:example.com,2000:x> 1.5", 1.5),
        ("%TAG !e! tag:example.com,2000:\n--- !e!x 1", 1),
        ("!!unknown 2001-01-01", yaml.safe_load("2001-01-01")),
        ("{!foo 1: 2}", {1: 2}),
        ("!!omap [!foo {a: 1}]", [("a", 1)]),
        ("!!str 1", "1"),
        ("!Order [1]", Order(1)),
        ("!bytes 1", 1),
    ],
)
def test_a_foreign_tag_is_as_none(body, value):
    codec = Yaml(foreign_tags=True, types=ORDERS)

    assert difference(value, decode(body, codec)) is None
    assert codec == Yaml(foreign_tags=True, types=ORDERS)


@pytest.mark.parametrize(
    "body", ["!uuid x", "!!int x", "!!int [1]", "!!seq {a: 1}", "!set 1", "!foo <<", "!foo {[a]: 1}"]
)
def test_a_known_tag_keeps_its_meaning(body):
    with pytest.raises(CorruptBody):
        decode(body, Yaml(foreign_tags=True))


@pytest.mark.parametrize("body", ["!<tag:example.com,2000:x> 1", "!!python/tuple [1]", "!!unknown {a: 1}"])
def test_the_error_for_a_foreign_tag_names_the_option(body):
    with pytest.raises(CorruptBody, match="foreign_tags=True"):
        decode(body)


def test_the_local_tags_are_those_that_are_restored():
    assert Restoring("yaml", ORDERS)._makers.keys() == _LOCAL_TAGS | {"Order"}


# Unique keys


@pytest.mark.parametrize(
    "body",
    [
        "{a: 1, a: 1}",
        "[{b: {a: 1, b: 2, a: 3}}]",
        "a: 1\n'a': 2",
        "{1: a, 0x1: b}",
        "{1: a, 1.0: b}",
        "{yes: a, true: b}",
        "!!set {a, a}",
        "!Order {a: 1, a: 2}",
        "{<<: {a: 1}, <<: {b: 1}}",
        "{<<: {a: 1, a: 2}}",
    ],
)
def test_a_key_that_is_there_twice_is_refused_by_option(body):
    codec = Yaml(unique_keys=True, merge_keys=True, foreign_tags=True)

    assert decode(body, Yaml(merge_keys=True, foreign_tags=True)) is not None
    with pytest.raises(CorruptBody, match="twice"):
        decode(body, codec)


@pytest.mark.parametrize(
    "body", ["{a: 1, b: {a: 1}}", "{<<: {a: 1}, a: 2}", "{<<: [{a: 1}, {a: 2}]}", "{1: a, '1': b}"]
)
def test_keys_that_differ_are_read_with_the_option(body):
    expected = yaml.load(body, yaml.CSafeLoader)

    assert decode(body, Yaml(unique_keys=True, merge_keys=True)) == expected


# Tag directives, which libyaml compares with one another


def test_many_tag_directives_are_refused():
    few = "".join(f"%TAG !a{n}! x\n" for n in range(64))

    assert decode(few + "--- 1") == 1
    with pytest.raises(CorruptBody, match="64 %TAG directives"):
        decode(few + "%TAG !b! x\n--- 1")
    assert decode("--- '" + "%TAG " * 100 + "'") == "%TAG " * 100
    assert decode("# %TAG\n" * 100 + few + "--- 1") == 1


def test_where_a_program_has_taken_timestamps_from_pyyaml_they_are_texts(monkeypatch):
    tests = yaml.SafeLoader.yaml_implicit_resolvers
    fewer = {first: [one for one in those if "timestamp" not in one[0]] for first, those in tests.items()}
    monkeypatch.setattr(yaml.SafeLoader, "yaml_implicit_resolvers", fewer)
    codec = Yaml()

    for value in (["2001-01-01", {"2001-01-01 1:02:03": b"x"}], ["2001-01-01"]):
        assert codec.loads(codec.dumps(value), limits=Limits()) == value
    assert codec.loads(b"2001-01-01", limits=Limits()) == "2001-01-01"
    assert Yaml(dialect="celery").loads(b"!!timestamp 2001-01-01", limits=Limits()) == date(2001, 1, 1)
