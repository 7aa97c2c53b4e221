"""G12: YAML's events come first: hostile bodies of 256 KiB are refused quickly; what costs is read by option only."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from satchel import CorruptBody, DecodeError, LimitExceeded, Pipeline, Yaml, celery_registry, default_registry
from tests.hostile.bodies import message, pipeline
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import PROMISES, THOROUGH, Figures
from tests.hostile.yamls import BODIES, SIZE, body

#: All that may be read, and that a body may cost the most with.
EVERY_OPTION = {"aliases": True, "merge_keys": True, "foreign_tags": True, "unique_keys": True}


MOST_MS = PROMISES["G12"].bounds["ms"] or 0
#: Other programs run as well, and other machines on the same host: what is beyond the bound is taken again so
#: often, and the least time counts.
TAKES = 8
#: Seconds before each: a slow phase lasts some.
PAUSE = 4


@cache
def reading(dialect: str = "satchel", **options: Any) -> Pipeline:
    registry = celery_registry() if dialect == "celery" else default_registry()
    codec = Yaml(dialect="celery" if dialect == "celery" else "satchel", **options)
    return pipeline(registry=registry.with_serializer(codec, replace=True))


#: Made once, not in the child of each case.
READERS = {
    (dialect, every): reading(dialect, **EVERY_OPTION if every else {})
    for dialect in ("satchel", "celery")
    for every in (False, True)
}


def decoding(dialect: str, every: bool, encoded: bytes) -> Callable[[], Any]:
    reader = READERS[dialect, every]
    reader.decode(message("yaml", b"[1, 1.5, {a: b}]"))
    return lambda: reader.decode(message("yaml", encoded))


def test_the_bodies_are_of_their_size() -> None:
    assert len(BODIES) >= 80
    for name in BODIES:
        few = name.startswith("late") or "without an end" in name or name == "keys of one hash"
        assert (16_000 if few else SIZE - 4_500) <= len(body(name)) <= SIZE + 100, name


@linux_only
@pytest.mark.alone
@pytest.mark.parametrize(("dialect", "every"), READERS if THOROUGH else [("satchel", False), ("celery", True)])
def test_hostile_bodies_are_refused_at_little_cost(dialect: str, every: bool, figures: Figures) -> None:
    cases = [(dialect, every, body(name)) for name in BODIES]
    costs = measured(decoding, cases, times=3 if THOROUGH else 1)
    for _ in range(TAKES if THOROUGH else 0):
        slow = [index for index, cost in enumerate(costs) if cost.seconds * 1000 > MOST_MS]
        if not slow:
            break
        time.sleep(PAUSE)
        for index, cost in zip(slow, measured(decoding, [cases[index] for index in slow], times=3), strict=True):
            assert cost.outcome == costs[index].outcome
            costs[index] = cost._replace(
                seconds=min(cost.seconds, costs[index].seconds), peak=max(cost.peak, costs[index].peak)
            )

    for name, (_, _, encoded), cost in zip(BODIES, cases, costs, strict=True):
        assert cost.outcome in {error.__name__ for error in (CorruptBody, LimitExceeded)}, (name, cost)
        assert not cost.stderr, (name, cost)
        assert cost.peak <= 16 * MIB + 80 * len(encoded), (name, cost)
        figures("G12", 1, ms=cost.seconds * 1000)


# What is refused by default


@pytest.mark.parametrize(
    ("option", "hostile", "value"),
    [
        ("aliases", "[&a [1], *a]", [[1], [1]]),
        ("aliases", "{k: &a 1}", {"k": 1}),
        ("merge_keys", "{<<: {a: 1, b: 2}, b: 3}", {"a": 1, "b": 3}),
        ("merge_keys", "{!!merge x: {a: 1}}", {"a": 1}),
        ("foreign_tags", "!foo [!!python/name:os.system 1, !<tag:example.com,2000:x> '1']", [1, "1"]),
        ("foreign_tags", "!!python/object/apply:os.system ['true']", ["true"]),
    ],
)
@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_what_costs_or_is_foreign_is_refused_unless_an_option_admits_it(
    dialect: str, option: str, hostile: str, value: Any, figures: Figures
) -> None:
    encoded = message("yaml", hostile.encode())

    assert reading(dialect, **{option: True}).decode(encoded) == value
    with pytest.raises(CorruptBody):
        reading(dialect, **{other: True for other in EVERY_OPTION if other != option}).decode(encoded)
    figures("G12", 2)


@pytest.mark.parametrize("tagged", ["!!str 1", "!!int '1'", "!!seq [1]", "!!map {a: 1}", "!!set {a}", "!!binary YQ=="])
def test_core_tags_are_read_by_default(tagged: str, figures: Figures) -> None:
    import yaml

    assert reading().decode(message("yaml", tagged.encode())) == yaml.safe_load(tagged)
    figures("G12", 1)


def test_a_merge_bomb_of_few_bytes_is_refused(figures: Figures) -> None:
    bomb = ["- &a0 {" + ", ".join(f"k{n}: 1" for n in range(9)) + "}"]
    bomb += [f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 8)]
    encoded = message("yaml", "\n".join(bomb).encode())

    assert len(encoded.body) < 500
    with pytest.raises(LimitExceeded, match="max_nodes"):
        reading(**EVERY_OPTION).decode(encoded)
    figures("G12", 1)


# Events come first


EVENTS = ["&a 3", "{<<: {}}", "!foo 3", "!!python/tuple [3]", "[" * 101, "]\n--- [3", "*a", "!!bool 3", "{[3]: x}"]
#: Refused by the scanner, which is some tokens ahead.
TOKENS = ["\x01", "%", '"', "]]", "}", "@", ": : {"]


@pytest.mark.parametrize("hostile", EVENTS + TOKENS)
def test_nothing_is_constructed_after_what_is_refused(hostile: str, figures: Figures) -> None:
    codec, made = Yaml(), []

    def spied(construct: Callable[[str], Any]) -> Callable[[str], Any]:
        def spy(text: str) -> Any:
            made.append(text)
            return construct(text)

        return spy

    codec._schema.scalars.update({tag: spied(construct) for tag, construct in codec._schema.scalars.items()})
    reader = pipeline(registry=default_registry().with_serializer(codec, replace=True))

    with pytest.raises(DecodeError):
        reader.decode(message("yaml", f"[{'1, ' * 100}{hostile}, {'2, ' * 100}2]".encode()))
    assert "2" not in made
    assert hostile in TOKENS or made[:100] == ["1"] * 100
    figures("G12", 1)


@pytest.mark.parametrize(
    ("hostile", "most"),
    [("[" * 200_000, 103), ("- " * 100_000, 103), ("{a: " * 60_000, 204), ("a,".join("[" + " " * 100_000), 20_003)],
)
def test_no_event_is_asked_for_after_the_one_that_exceeds_a_limit(hostile: str, most: int, figures: Figures) -> None:
    codec, asked = Yaml(), []
    parser = codec._parser

    class Counting:
        def __init__(self, data: bytes) -> None:
            self._parser = parser(data)
            self.dispose = self._parser.dispose

        def get_event(self) -> Any:
            asked.append(1)
            return self._parser.get_event()

    object.__setattr__(codec, "_parser", Counting)
    reader = pipeline(registry=default_registry().with_serializer(codec, replace=True))

    with pytest.raises(LimitExceeded):
        reader.decode(message("yaml", hostile.encode()))
    assert len(asked) <= most
    figures("G12", 1)
