"""Made-up runs of the benchmark, of which two can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from satchel.bench.results import Cost, Noise, Row, Run, Sampled, Sizes
from satchel.bench.timing import Figure

SIZES = (100, 120, 90, 300, 110)


def sizes(each: Sequence[int] = SIZES) -> Sizes:
    return Sizes(sum(each) / len(each), sorted(each)[len(each) // 2], max(each), sum(each), tuple(each))


def estimated(mean: float) -> Sizes:
    return Sizes(mean, round(mean), round(mean), round(mean * 5))


def cost(median: float, *, half: float = 0.005, work: float | None = 10.0) -> Cost:
    """A cost; `work` is the time of the fixed piece of work beside which it was timed."""
    reference = Figure(median / work, median / work * (1 - half), median / work * (1 + half)) if work else None
    return Cost(median * 0.99, median, median * (1 - half), median * (1 + half), None, reference)


def row(name: str = "json", **changes: Any) -> Row:
    made = Row(name, name, None, None, None, "timed", sizes(), 1.0, cost(4.0), cost(6.0), 1024 * 1024)
    return replace(made, **changes)


def run(*rows: Row, **changes: Any) -> Run:
    made = Run(
        created="2031-01-02T03:04:05+00:00",
        satchel="0.1.0",
        machine={"python": "3.13.1", "cores": 2},
        libraries={"msgpack": "1.1.0"},
        samples=Sampled(5, 5, "ab" * 32, ("sample:celery",), True, 1000),
        baseline="json",
        dialect="satchel",
        rounds=25,
        noise=Noise(0.01, 0.002, True),
        complete=True,
        rows=rows or (row(),),
    )
    return replace(made, **changes)


def other_samples(made: Run) -> Run:
    return replace(made, samples=made.samples._replace(digest="cd" * 32))
