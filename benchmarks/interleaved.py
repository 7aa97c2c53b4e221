"""Timing two ways side by side: shuffled rounds of batches in one process, ratios pair by pair."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Job = Callable[[], object]

#: The shortest batch that is timed, in seconds.
BATCH = 0.004


class Comparison(NamedTuple):
    """How `ours` compares with `theirs`.

    Attributes:
        ours, theirs: the median time of a call, in microseconds.
        faster: the median of the paired ratios theirs / ours; above 1 we are faster.
        low, high: the middle 95 % of that median over bootstrap samples of the pairs.
    """

    ours: float
    theirs: float
    faster: float
    low: float
    high: float


def compare(ours: Job, theirs: Job, *, rounds: int) -> Comparison:
    """Time both in turn, `rounds` times, in random order within a round."""
    jobs = [(job, _batch(job)) for job in (ours, theirs)]
    order = random.Random(0)
    pairs: list[list[float]] = []
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            pair = [0.0, 0.0]
            for index in order.sample((0, 1), 2):
                job, calls = jobs[index]
                pair[index] = _time(job, calls) / calls * 1e6
            pairs.append(pair)
    finally:
        if enabled:
            gc.enable()
    ratios = [their / our for our, their in pairs]
    low, high = _interval(ratios)
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return Comparison(medians[0], medians[1], statistics.median(ratios), low, high)


def _batch(job: Job) -> int:
    calls = 1
    while (took := _time(job, calls)) < BATCH:
        calls = max(calls * 2, int(calls * BATCH / took) if took else calls * 10)
    return calls


def _time(job: Job, calls: int) -> float:
    repeat = range(calls)
    start = time.perf_counter()
    for _ in repeat:
        job()
    return time.perf_counter() - start


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(500))
    return medians[12], medians[-13]


def table(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """A table of text in Markdown."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], " | ".join("-" * width for width in widths), *lines[1:]])
