"""JSON's fast writer holds the limits as the exact encoder does."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from satchel import EncodeError, Json, LimitExceeded, Limits
from satchel.codecs.json_levels import most_levels
from tests.unit.json_writing import DIALECTS, FILLING, REFUSED, chain, fast, outcome

BESIDE = {
    "alone": None,
    "large": FILLING,
    "tags": [UUID(int=7)],
    "large with tags": [*FILLING, UUID(int=7)],
    "large with bytes": [*FILLING, b"a"],
}


@DIALECTS
@pytest.mark.parametrize("kind", ["list", "dict", "tuple", "mixed"])
@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_a_level_too_many_is_refused_and_one_less_is_not(dialect, kind, beside):
    codec, exact = fast(dialect=dialect), Json(engine="stdlib", dialect=dialect)
    for most in (1, 5, 100, 200, 253, 254, 300):
        limits = Limits(max_depth=most)
        for levels in range(max(most - 4, 0), most + 3):
            value = {"a": chain(levels, 1, kind), "b": beside} if beside else chain(levels, 1, kind)
            quick, slow = outcome(codec, value, limits), outcome(exact, value, limits)
            assert (quick in REFUSED, quick in REFUSED or quick) == (slow in REFUSED, slow in REFUSED or slow), levels


@pytest.mark.parametrize("values", [[1] * 50, [UUID(int=7)] * 50, [{"a": ""}] * 2_000, ["a,b:[{" * 40] * 300])
def test_a_value_too_many_is_refused_and_one_less_is_not(values):
    codec, exact = fast(), Json(engine="stdlib")
    written = exact.dumps(values)
    most = 1 + sum(5 if isinstance(part, UUID) else 3 if isinstance(part, dict) else 1 for part in values)
    most += 2 * sum(isinstance(part, UUID) for part in values)

    assert codec.dumps(values, limits=Limits(max_nodes=most)) == written
    for each in (codec, exact):
        with pytest.raises((EncodeError, LimitExceeded)):
            each.dumps(values, limits=Limits(max_nodes=most - 1))


def test_orjson_stops_at_a_depth_of_its_own_that_is_known():
    # 3.9 does not count alike: there, brackets are counted.
    assert most_levels(orjson) == (0 if orjson.__version__.startswith("3.9.") else 254)


def test_parts_share_one_bound_of_their_number():
    parts = [set(map(str, range(100)))] * 100

    with pytest.raises(EncodeError, match="too many values"):
        fast().dumps(parts, limits=Limits(max_nodes=5_000))


def test_a_hundred_levels_fit_into_a_small_stack():
    values: list[Any] = [[chain(98, 1, "mixed"), FILLING]]
    if sys.version_info >= (3, 11):  # Before, Python's own calls take C stack: the exact encoder needs more.
        values.append([*values[0], UUID(int=7)])
    done: list[Any] = []
    size = threading.stack_size(64 * 1024)
    try:
        thread = threading.Thread(target=lambda: done.extend(fast().dumps(value) for value in values))
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()

    assert done == [Json(engine="stdlib").dumps(value) for value in values]


@pytest.mark.parametrize("shape", ["shell", "inner", "mixed"])
@pytest.mark.parametrize("beside", [None, FILLING], ids=["small", "large"])
@pytest.mark.parametrize("most", [3, 100, 253, 254, 300])
def test_levels_of_tuples_are_counted_exactly(shape, beside, most):
    limits, exact, codec = Limits(max_depth=most), Json(engine="stdlib"), fast()
    for levels in (most - 3, most - 2, most - 1):
        part = chain(levels, 1, "mixed" if shape == "shell" else "tuple")
        value: Any = ((part,), {"a": beside}) if shape != "mixed" else [[part], [UUID(int=7), beside]]
        quick, slow = outcome(codec, value, limits), outcome(exact, value, limits)
        assert (quick in REFUSED, quick in REFUSED or quick) == (slow in REFUSED, slow in REFUSED or slow), levels


@pytest.mark.parametrize("leaf", [UUID(int=7), Decimal(0), datetime(2026, 1, 1), {1}], ids=repr)
@pytest.mark.parametrize("pair", [lambda value: [value, value], lambda value: {"a": value, "b": (value,)}])
def test_parts_that_are_referred_to_again_and_again_are_refused_soon(leaf, pair):
    value: Any = [leaf]
    for _ in range(40):
        value = pair(value)

    with pytest.raises(EncodeError, match="too many values"):
        fast().dumps(value, limits=Limits(max_nodes=50_000))
