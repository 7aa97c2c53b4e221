"""What serializers have been tried on: all messages, or the first in random order, and the rest later."""

from __future__ import annotations

from typing import Any

import pytest

from satchel import EncodeError, Limits, default_registry
from satchel.bench.candidates import candidates
from satchel.bench.measuring import Plan, measure
from satchel.bench.results import Sampled
from satchel.bench.samples import Samples
from satchel.bench.tried import Tried

VALUES = [{"number": number} for number in range(40)]
#: The last is one that only pickle carries.
UNCARRIED: list[Any] = [*VALUES[:39], {(1, 2): 3}]


def tried(values: list[Any]) -> Tried:
    found = Tried(values, default_registry(), Limits(), seconds=0.0)
    found.all_of(["json", "msgpack"], lambda _what, _done: None)
    return found


def test_the_first_serializer_is_tried_on_all_and_the_others_on_what_there_is_time_for() -> None:
    found = tried(VALUES)

    assert [len(those) for those in found.bodies.values()] == [40, 1]
    assert found.in_order().keys() == {"json"}
    assert sorted(found.values, key=VALUES.index) == VALUES != found.values
    assert found.complete("msgpack")
    assert len(found.bodies["msgpack"]) == 40


def test_bodies_are_those_of_their_messages_and_come_in_their_order() -> None:
    found = tried(VALUES)
    found.complete("msgpack")
    for name in ("json", "msgpack"):
        codec = default_registry().serializer(name)
        assert [codec.loads(one.body, limits=Limits()) for one in found.bodies[name]] == found.values
        assert [codec.loads(one.body, limits=Limits()) for one in found.in_order()[name]] == VALUES


def test_a_serializer_that_does_not_carry_what_it_had_no_time_for_is_left_out_later() -> None:
    found = Tried(UNCARRIED, default_registry(), Limits(), 0.0)
    found.all_of(["pickle", "json"], lambda _what, _done: None)

    assert (list(found.bodies), found.left_out) == (["pickle", "json"], {})
    assert not found.complete("json")
    assert "[39]" in found.left_out["json"]
    assert found.in_order().keys() == {"pickle"}


def test_what_the_first_does_not_carry_is_an_error_with_its_place() -> None:
    with pytest.raises(EncodeError, match=r"\[39\]"):
        tried(UNCARRIED)


def test_a_run_without_time_to_try_all_chooses_again_when_a_finalist_is_not_carried() -> None:
    every, _ = candidates(default_registry(), serializers=["json", "msgpack", "pickle"], compressors=["none"])
    asked: list[list[str]] = []

    def choose(screened: Any) -> Any:
        asked.append([one.candidate.serializer for one in screened])
        return screened

    facts = Sampled(40, 40, "0" * 64, ("a",), False, 0)
    baseline = next(one for one in every if one.serializer == "pickle")
    plan = Plan(default_registry(), every, baseline, choose, rounds=5, processes=0, memory=False, checking=0.0)
    run = measure(Samples(tuple(UNCARRIED), facts), plan)

    assert [len(names) for names in asked] == [3, 1]
    assert [row.name for row in run.rows] == ["pickle"]
    assert run.left_out.keys() == {"json", "msgpack"}
