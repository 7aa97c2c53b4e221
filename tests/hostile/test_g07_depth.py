"""G7: 100 levels are accepted and 101 refused, in a stack of 64 KiB too; 100,000 levels and more do not crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from satchel import DecodeError, LimitExceeded, Pipeline
from satchel.testing.codec import in_small_stack
from tests.hostile.bodies import SERIALIZERS, message, pipeline
from tests.hostile.child import linux_only, measured
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.nested import BROKEN, VARIANTS, Shape, shapes

EVERY = pytest.mark.parametrize("serializer", SERIALIZERS)
STACKS: dict[str, Callable[[Callable[[], Any]], Any]] = {"": lambda work: work(), "64 KiB": in_small_stack}
DEPTHS = (
    *(range(1, 257) if THOROUGH else (1, 2, 3, 50, *range(98, 104), 150, 199, 200, 201, 256)),
    999,
    1000,
    1001,
    1024,
    1025,
    2000,
)


def _outcome(both: Pipeline, serializer: str, body: bytes) -> str:
    try:
        both.decode(message(serializer, body))
    except LimitExceeded as error:
        return error.limit
    except DecodeError as error:
        return str(error)
    return "accepted"


def _each(both: Pipeline, serializer: str, bodies: list[bytes]) -> list[str]:
    return [_outcome(both, serializer, body) for body in bodies]


def _named(serializer: str, of: Iterable[str]) -> list[tuple[str, str]]:
    return [(variant, name) for variant in of for name in shapes(serializer, variant)]


def _outcomes(serializer: str, call: Callable[[Callable[[], Any]], Any]) -> dict[tuple[str, str, int], str]:
    """Give what every shape does at every depth; the stack is entered once for each shape."""
    outcomes: dict[tuple[str, str, int], str] = {}
    for variant, name in _named(serializer, VARIANTS[serializer]):
        both = pipeline(registry=VARIANTS[serializer][variant]())
        shape = shapes(serializer, variant)[name]
        _outcome(both, serializer, shape(1))  # Importing a library takes more stack than a small one has.
        bodies = {depth: shape(depth) for depth in DEPTHS}
        found = call(partial(_each, both, serializer, list(bodies.values())))
        outcomes |= {(variant, name, depth): outcome for depth, outcome in zip(bodies, found, strict=True)}
    return outcomes


@EVERY
@pytest.mark.parametrize("stack", STACKS)
def test_100_levels_are_accepted_and_101_refused_in_every_shape(serializer: str, stack: str, figures: Figures) -> None:
    outcomes = _outcomes(serializer, STACKS[stack])
    figures("G7", len(outcomes))

    expected = {case: "accepted" if case[2] <= 100 else "max_depth" for case in outcomes}
    assert outcomes == expected


@EVERY
@pytest.mark.parametrize("stack", STACKS)
def test_broken_bodies_are_refused_at_every_depth(serializer: str, stack: str, figures: Figures) -> None:
    both, call = pipeline(), STACKS[stack]
    cases = [
        (name, depth, shape(depth))
        for name, shape in BROKEN[serializer].items()
        for depth in range(3, 260, 1 if THOROUGH else 7)
    ]

    outcomes = {(name, depth): call(partial(_outcome, both, serializer, body)) for name, depth, body in cases}
    figures("G7", len(cases))

    assert [case for case, outcome in outcomes.items() if outcome == "accepted"] == []


def decoding(
    serializer: str, variant: str, names: tuple[str, ...], stack: str, depth: int, limits: dict[str, int]
) -> Callable[[], Any]:
    """Make bodies that are as deep as `depth`, or as `max_body` lets them be; give what decodes them all."""
    both = pipeline(registry=VARIANTS[serializer][variant](), **limits)
    every = shapes(serializer, variant) | BROKEN[serializer]
    _outcome(both, serializer, b"")
    bodies = {name: _fitting(every[name], depth, both.limits.max_body) for name in names}

    def work() -> None:
        for name, (levels, body) in bodies.items():
            outcome = STACKS[stack](partial(_outcome, both, serializer, body))
            if outcome == "accepted" and levels > both.limits.max_depth:
                raise AssertionError(f"{name}: accepted")

    return work


def _fitting(shape: Shape, depth: int, size: int) -> tuple[int, bytes]:
    """Give a body that is no longer than `size`, and its depth."""
    # Where each level is indented, the length grows with the square of the depth.
    if len(shape(1_000)) > 400_000:
        depth = min(depth, 2_001)
    while len(body := shape(depth)) > size:
        depth = depth * 3 // 4
    return depth, body


def _crashes(serializer: str, every: list[tuple[str, int, dict[str, int]]], figures: Figures) -> list[Any]:
    """Decode each shape by stack, depth and limits; give what ended otherwise than by a value or a DecodeError."""
    chosen = list(VARIANTS[serializer])[: None if THOROUGH else 1]
    names = {variant: (*shapes(serializer, variant), *BROKEN[serializer]) for variant in chosen}
    cases = [(serializer, variant, names[variant], *case) for variant in chosen for case in every]
    figures("G7", sum(len(case[2]) for case in cases))
    costs = measured(decoding, cases)
    ended = [(case, cost) for case, cost in zip(cases, costs, strict=True) if cost.outcome or cost.stderr]
    # One by one, to tell which it was.
    single = [(*case[:2], (name,), *case[3:]) for case, _ in ended for name in case[2]]
    return [
        (case, cost)
        for case, cost in zip(single, measured(decoding, single) if single else [], strict=True)
        if cost.outcome or cost.stderr
    ] or ended


@linux_only
@EVERY
def test_a_hundred_thousand_levels_and_more_do_not_crash(serializer: str, figures: Figures) -> None:
    depths, stacks = ((100_000, 1_000_000), tuple(STACKS)) if THOROUGH else ((100_000,), ("64 KiB",))

    assert _crashes(serializer, [(stack, depth, {}) for stack in stacks for depth in depths], figures) == []


@linux_only
@EVERY
def test_no_limit_of_depth_makes_it_crash(serializer: str, figures: Figures) -> None:
    limits, deepest = ((1, 10, 500, 2_000, 100_000), 100_000) if THOROUGH else ((10, 2_000), 5_000)
    depths = [(limit, depth) for limit in limits for depth in {limit, limit + 1, deepest}]

    assert _crashes(serializer, [("", depth, {"max_depth": limit}) for limit, depth in depths], figures) == []


@linux_only
@EVERY
def test_no_limit_up_to_100_makes_a_small_stack_crash(serializer: str, figures: Figures) -> None:
    depths = [("64 KiB", depth, {"max_depth": limit}) for limit in (1, 50) for depth in (limit, 1_000)]

    assert _crashes(serializer, depths, figures) == []
