"""Timing several ways side by side: shuffled rounds of batches in one process, ratios within each round."""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

Job = Callable[[], object]
Samples = dict[str, list[float]]

#: The shortest batch that is timed, in seconds.
BATCH = 0.004
#: The thread's own time, where that is told finely: what another process takes from it is no side's cost.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-6 else time.perf_counter
#: The fewest rounds of a race that is cut short.
FEWEST = 5


class Figure(NamedTuple):
    """A median, and the middle 95 % of that median over bootstrap samples."""

    value: float
    low: float
    high: float


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
    samples = race({"ours": ours, "theirs": theirs}, rounds=rounds)
    one, other = (statistics.median(times) for times in samples.values())
    return Comparison(one, other, *ratio(samples["theirs"], samples["ours"]))


def race(
    jobs: Mapping[str, Job],
    *,
    rounds: int,
    seconds: float = math.inf,
    fewest: int = FEWEST,
    seed: int = 0,
    warm: bool = False,
    after_round: Callable[[int], object] = lambda _: None,
    samples: Samples | None = None,
) -> Samples:
    """Time every job in turn, `rounds` times, in random order within a round.

    Args:
        seconds: no further round begins so long after the beginning, once there were `fewest`.
        fewest: rounds.
        seed: of the order within the rounds.
        warm: every job has been done before.
        after_round: is given the number of rounds that were done, after each.
        samples: a dict to write into: when the race is interrupted, its whole rounds are there.

    Returns:
        Per job the time of a call, in microseconds, round by round: what has one index was measured together.
    """
    order = random.Random(seed)  # noqa: S311 - no secret
    samples = {} if samples is None else samples
    samples.update((name, []) for name in jobs)
    with collector_off():
        began = time.perf_counter()
        batches = {name: _batch(job, warm) for name, job in jobs.items()}
        for done in range(rounds):
            if done >= fewest and time.perf_counter() - began > seconds:
                break
            names = order.sample(list(jobs), len(jobs))
            took = {name: timed(jobs[name], batches[name]) / batches[name] * 1e6 for name in names}
            for name in jobs:
                samples[name].append(took[name])
            after_round(done + 1)
    return samples


@contextmanager
def collector_off() -> Generator[None, None, None]:
    """Keep the collector from running in one side's time for the garbage of another."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def timed(job: Job, calls: int) -> float:
    """Give the seconds that so many calls take."""
    repeat, now = range(calls), CLOCK
    start = now()
    for _ in repeat:
        job()
    return now() - start


def _batch(job: Job, warm: bool) -> int:
    if not warm:
        job()  # The first call may import and set up.
    calls = 1
    while (took := timed(job, calls)) < BATCH:
        calls = max(calls * 2, int(calls * BATCH / took) if took else calls * 10)
    return calls


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """The median of the paired ratios."""
    return figure([one / other for one, other in zip(above, below, strict=True)])


def difference(more: Sequence[float], less: Sequence[float]) -> Figure:
    """The median of the paired differences."""
    return figure([one - other for one, other in zip(more, less, strict=True)])


def figure(values: Sequence[float]) -> Figure:
    """The median with its interval."""
    rng = random.Random(1)  # noqa: S311 - no secret
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(500))
    return Figure(statistics.median(values), medians[12], medians[-13])


def clustered(groups: Sequence[Sequence[float]]) -> Figure:
    """The middle of the groups' medians, with its interval: groups are drawn anew, and values within each.

    What was measured in one process has something in common, which more rounds of that process do not tell.
    """
    rng = random.Random(1)  # noqa: S311 - no secret

    def drawn() -> float:
        chosen = rng.choices(groups, k=len(groups))
        return middle([statistics.median(rng.choices(group, k=len(group))) for group in chosen])

    drawn_anew = sorted(drawn() for _ in range(500))
    return Figure(middle(list(map(statistics.median, groups))), drawn_anew[12], drawn_anew[-13])


def middle(values: Sequence[float]) -> float:
    """The mean without the least fifth or more, and without as many of the greatest; of three and four, their median.

    Of several processes' medians it is nearer to that of more of them than their median is, and as little moved by one
    that was disturbed.
    """
    ends = math.ceil(len(values) / 5) if len(values) > 2 else 0
    return statistics.fmean(sorted(values)[ends : len(values) - ends])


def table(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """A table of text in Markdown."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], " | ".join("-" * width for width in widths), *lines[1:]])
