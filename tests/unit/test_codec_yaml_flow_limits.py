"""YAML that is written as JSON: limits are exact, and all errors are those of the emitter's way."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from satchel import EncodeError, LimitExceeded, Limits, Yaml
from tests.unit.yaml_writing import WRITERS, by_events, flow, made

LIMITS = Limits()


def outcome(codec: Yaml, value: Any, limits: Limits) -> Any:
    """Give what is read again, or the error."""
    try:
        return Yaml(max_nodes=1_000_000).loads(codec.dumps(value, limits=limits), limits=Limits(max_depth=1_000))
    except (EncodeError, LimitExceeded) as error:
        return type(error), str(error), getattr(error, "path", None), error.cure


def nested(levels: int, *, mappings: bool = False) -> Any:
    value: Any = {} if mappings else []
    for _ in range(levels - 1):
        value = {"a": value} if mappings else [value]
    return value


@WRITERS
@pytest.mark.parametrize("mappings", [False, True])
@pytest.mark.parametrize("most", [1, 2, 100, 199, 200, 201, 300])
def test_the_limit_of_depth_is_exact(most: int, mappings: bool, orjson: bool) -> None:
    limits = Limits(max_depth=most)
    deepest, deeper = nested(most, mappings=mappings), nested(most + 1, mappings=mappings)
    full = [1.5, nested(most, mappings=mappings)]
    codec = made(orjson)

    assert (flow(codec, deepest, max_depth=most) is not None) is (most <= 200)
    for value in (deepest, deeper, full):
        assert flow(codec, value, max_depth=most) is None or value is deepest
        assert outcome(codec, value, limits) == outcome(by_events(), value, limits)
    assert outcome(codec, deepest, limits) == deepest
    assert outcome(codec, deeper, limits)[0] is EncodeError


@WRITERS
@pytest.mark.parametrize(
    ("value", "nodes"),
    [([], 1), ({}, 1), ([1], 2), ({"a": 1}, 3), ([[], {}, ""], 4), ({"a": [1, 2], "b": {"c": {}}}, 9), ([1] * 99, 100)],
)
def test_the_limit_of_values_is_exact(value: Any, nodes: int, orjson: bool) -> None:
    for most in (nodes - 1, nodes, nodes + 1):
        assert (flow(made(orjson), value, max_nodes=most) is not None) is (most >= nodes)
        if not most:
            continue
        own, common = {"max_nodes": most}, Limits(max_nodes=most)
        assert outcome(made(orjson, **own), value, LIMITS) == outcome(by_events(**own), value, LIMITS)
        assert outcome(made(orjson), value, common) == outcome(by_events(), value, common)
        assert (outcome(made(orjson, **own), value, LIMITS) == value) is (most >= nodes)


@WRITERS
def test_what_is_referred_to_twice_counts_as_two(orjson: bool) -> None:
    shared: Any = [1]
    for _ in range(60):
        shared = [shared, shared]
    circular: list[Any] = []
    circular += [circular, circular]

    for value in (shared, circular, {"a": shared}):
        assert flow(made(orjson), value) is None
        assert outcome(made(orjson), value, LIMITS) == outcome(by_events(), value, LIMITS)


@WRITERS
@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d\ude00"])
def test_surrogates_are_refused_as_by_the_emitter(text: str, orjson: bool) -> None:
    for value in ([text], {"a": [{text: 1}]}):
        assert flow(made(orjson), value) is None
        assert outcome(made(orjson), value, LIMITS) == outcome(by_events(), value, LIMITS)
        assert "surrogate" in outcome(made(orjson), value, LIMITS)[1]


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="this Python has no such limit")
def test_an_int_of_too_many_digits_is_refused_where_python_would_write_it() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        for value in ([10**4_300], {"a": [1, -(10**4_300)]}, [10**4_299, '"' * 9]):
            assert outcome(made(False), value, LIMITS) == outcome(by_events(), value, LIMITS)
        assert flow(made(False), [10**4_300]) is None
        assert flow(made(False), [-(10**4_300), '"']) is None
    finally:
        sys.set_int_max_str_digits(before)
