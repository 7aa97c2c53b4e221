"""How well `satchel recommend` chooses, and how far equal runs differ: python -m benchmarks.choosing [regret|equal].

`regret` holds each recommendation against a run that times every candidate: how much more the recommended one costs
than the best of all, on six corpora and four links. `equal` measures the same messages again and again, and compares
each run with each: what `satchel compare` calls, and how far the times are apart.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from typing import Any

from satchel import default_registry
from satchel.bench.candidates import Choice, candidates
from satchel.bench.comparing import compare
from satchel.bench.generated import GENERATED
from satchel.bench.measuring import Plan, measure
from satchel.bench.recommending import QUICK, Link, finalists, recommend
from satchel.bench.results import Run, Sampled
from satchel.bench.samples import Samples

CORPORA = ("celery", "events", "records", "text", "numbers", "small")
LINKS = (1e6, 1e7, 1e8, 1e9)
_COUNT = 300
_EQUAL_RUNS = 15
_EQUAL = ("json", "msgpack", "json+zstd:1", "msgpack+zstd:1", "json+zlib:6", "json+brotli:5")


def _samples(name: str) -> Samples:
    values = GENERATED[name](_COUNT, 1)
    return Samples(tuple(values), Sampled(len(values), len(values), name, (f"sample:{name}",), True, 0))


def _run(samples: Samples, choose: Any, names: tuple[str, ...] = (), **options: Any) -> Run:
    registry = default_registry()
    every, left_out = candidates(registry)
    every = [one for one in every if one.serializer != "pickle" and (not names or one.name in names)]
    baseline = Choice("json").candidate(registry)
    return measure(samples, Plan(registry, every, baseline, choose, left_out=left_out, **{"memory": False, **options}))


def regret() -> None:
    """Print, per corpus and link, what is recommended, what is best, and how much more the first costs."""
    worst = 0.0
    for name in CORPORA:
        samples = _samples(name)
        everything = _run(samples, lambda every: every, rounds=10, seconds=20)
        for speed in LINKS:
            link = Link(speed, 2)
            began = time.perf_counter()
            chosen = recommend(_run(samples, lambda every: finalists(every, [link]), **QUICK).rows, link).best  # noqa: B023
            took = time.perf_counter() - began
            best = recommend(everything.rows, link)
            totals = {row.name: total for row, total in best.ranked}
            more = totals[chosen.name] / best.ranked[0][1] - 1
            worst = max(worst, more)
            print(
                f"{name:8} {speed / 1e6:6.0f} Mbit/s  {chosen.name:20} best {best.ranked[0][0].name:20} "
                f"{more:+.1%}  {took:.1f} s",
                flush=True,
            )
    print(f"at most {worst:.1%} more than the best of all (≤ 3 %)")


def equal() -> None:
    """Print what comparing equal runs calls, and the 95th percentile of how far their times are apart."""
    samples = _samples("celery")
    runs = []
    for number in range(_EQUAL_RUNS):
        runs.append(_run(samples, lambda every: every, _EQUAL))
        noise = runs[-1].noise
        print(f"run {number + 1}: spread {noise.spread:.1%}, drift {noise.drift:+.1%}", flush=True)
    _tell_pairs("all runs", runs)
    _tell_pairs("runs on a machine that was steady", [run for run in runs if run.noise.stable])


def _tell_pairs(which: str, runs: Sequence[Run]) -> None:
    called, errors = 0, [0.0]
    pairs = list(itertools.combinations(runs, 2))
    for before, after in pairs:
        found = compare(before, after)
        called += any(one.counts for one in found)
        errors += [abs(one.ratio - 1) for one in found if one.measure in ("encode", "decode")]
    errors.sort()
    apart = errors[int(len(errors) * 0.95)]
    print(
        f"{which}: {len(pairs)} comparisons of equal runs, {called} call a difference (0); "
        f"times are {apart:.1%} apart at the 95th percentile (≤ 2 %)"
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["regret", "equal"]
    for what in wanted:
        {"regret": regret, "equal": equal}[what]()
