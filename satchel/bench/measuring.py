"""A run: every candidate is screened, and those that come into question are timed together, in the same rounds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any

from satchel.bench.candidates import Candidate, libraries
from satchel.bench.machine import machine, noise, versions
from satchel.bench.peaks import peak_memory
from satchel.bench.racing import PROCESSES, REFERENCE, Times, Work, raced
from satchel.bench.results import Cost, Row, Run, Sizes, from_json, to_json
from satchel.bench.samples import Samples
from satchel.bench.screening import Mismatch, Screened, screen
from satchel.bench.timing import Figure, clustered
from satchel.bench.tried import Tried
from satchel.registry import Registry
from satchel.types import Encoded, Limits

#: Bodies of fewer bytes are not compressed: what a Pipeline does by default.
THRESHOLD = 128
#: Microseconds that one batch of the slowest finalist may take.
_LONGEST_BATCH = 30_000
#: How many messages are timed: as many as the longest batch has time for, and all where they are fewer than twice that.
_LEAST_TIMED, _MOST_TIMED = 64, 96


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        registry: the codecs.
        candidates: all that are compared.
        baseline: the one of them that the others are beside.
        finalists: chooses, of those that were screened, which are timed; the baseline always is.
        limits: those of the messages' readers.
        rounds: how often each finalist is timed, in all processes together.
        processes: how many processes time them, one after another; 0 for this one.
        seconds: no further round begins after so long.
        sizing: seconds that the sizes of all messages may take of one finalist; beyond, they are estimated.
        checking: seconds after which no further message is encoded by a serializer, and decoded, if no finalist is of
            it; for finalists all are.
        memory: measure peak memory, where the system tells.
        left_out: codecs that are no candidates, and why.
        tell: is given what is being done, and how much of it is done (0 to 1).
    """

    registry: Registry
    candidates: Sequence[Candidate]
    baseline: Candidate
    finalists: Callable[[Sequence[Screened]], Iterable[Screened]]
    limits: Limits = Limits()
    rounds: int = 30
    processes: int = PROCESSES
    seconds: float = math.inf
    sizing: float = 2.0
    checking: float = math.inf
    memory: bool = True
    left_out: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str, float], object] = lambda _what, _done: None


def measure(samples: Samples, plan: Plan) -> Run:
    """Measure candidates on messages.

    When it is interrupted (KeyboardInterrupt) while the finalists are timed, the run holds what was measured by the
    processes until then, and its `complete` is False.

    Raises:
        EncodeError: the baseline does not carry a message.
        Mismatch: a message does not come back.
    """
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    tried = Tried(samples.values, plan.registry, plan.limits, plan.checking)
    tried.all_of(list(dict.fromkeys(one.serializer for one in (plan.baseline, *plan.candidates))), plan.tell)
    candidates = [one for one in dict.fromkeys((plan.baseline, *plan.candidates)) if one.serializer in tried.bodies]
    screened = _screened(candidates, tried, plan)
    chosen: dict[Candidate, Screened] = {}
    while not chosen:
        chosen = {one.candidate: one for one in (screened[0], *plan.finalists(screened))}
        for name in dict.fromkeys(one.serializer for one in chosen):
            if not tried.complete(name):
                screened = [one for one in screened if one.candidate.serializer != name]
                chosen = {}
    bodies = tried.in_order()
    times, raced_all = _raced(chosen, samples.values, bodies, plan)
    steadiness = [microseconds for those in times for microseconds in those[REFERENCE]]
    timed, sized_all = _timed(chosen, samples.values, bodies, plan, times)
    by_time = attrgetter("there_and_back")
    rest = [_screened_row(one, timed[0], len(samples.values)) for one in screened if one.candidate not in chosen]
    run = Run(
        created=created,
        satchel=versions(["satchel"]).get("satchel", ""),
        machine=machine(),
        libraries=versions(libraries(candidates, plan.registry)),
        samples=samples.facts,
        baseline=plan.baseline.name,
        dialect=plan.registry.dialect,
        rounds=len(steadiness),
        noise=noise(steadiness),
        complete=raced_all and sized_all,
        rows=(*sorted(_with_pareto(timed), key=by_time), *sorted(rest, key=by_time)),
        left_out={**plan.left_out, **tried.left_out},
    )
    # What is shown is what is written.
    return from_json(to_json(run))


def _screened(candidates: Sequence[Candidate], tried: Tried, plan: Plan) -> list[Screened]:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        plan.tell("screening", done / len(candidates))

    return screen(
        candidates, tried.values, tried.bodies, plan.registry, plan.limits, threshold=THRESHOLD, after_each=tell
    )


def _raced(
    chosen: Mapping[Candidate, Screened], values: Sequence[Any], bodies: Mapping[str, list[Encoded]], plan: Plan
) -> tuple[list[Times], bool]:
    """Time the finalists together; and whether that was not interrupted."""
    slowest = max(max(one.encode, one.decode) for one in chosen.values())
    own = bodies[plan.baseline.serializer]
    indices = _spread(own, min(_MOST_TIMED, max(_LEAST_TIMED, int(_LONGEST_BATCH / slowest))))
    serializers = {one.serializer: plan.registry.serializer(one.serializer) for one in chosen}
    processes = plan.processes or 1
    work = Work(
        tuple(chosen),
        tuple(serializers.values()),
        plan.registry.dialect,
        plan.limits,
        tuple((index, values[index]) for index in indices),
        math.ceil(plan.rounds / processes),
        plan.seconds / processes,
    )
    times: list[Times] = []
    plan.tell("timing", 0)
    try:
        for number, found in enumerate(raced(work, plan.processes), 1):
            times.append(found)
            plan.tell("timing", number / processes)
    except KeyboardInterrupt:
        if not times:
            raise
        return times, False
    return times, True


def _spread(bodies: Sequence[Encoded], most: int) -> list[int]:
    """The indices of messages of all sizes, one of each of so many equal parts from the largest to the smallest.

    Their mean size is that of all, as nearly as it can be: what one is too long, the next are shorter.
    """
    sizes = [len(encoded.body) for encoded in bodies]
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)
    count = len(by_size) if len(by_size) < 2 * most else most
    chosen: list[int] = []
    owed = 0.0
    for number in range(count):
        part = by_size[number * len(sizes) // count : (number + 1) * len(sizes) // count]
        owed += sum(sizes[index] for index in part) * count / len(sizes)
        chosen.append(min(part, key=lambda index: abs(sizes[index] - owed)))
        owed -= sizes[chosen[-1]]
    return chosen


def _timed(
    chosen: Mapping[Candidate, Screened],
    values: Sequence[Any],
    bodies: Mapping[str, list[Encoded]],
    plan: Plan,
    times: Sequence[Times],
) -> tuple[list[Row], bool]:
    """The rows of the finalists, the baseline's first; and whether sizes and memory were not interrupted."""
    largest = max(range(len(values)), key=lambda index: len(bodies[plan.baseline.serializer][index].body))
    rows: list[Row] = []
    complete = True
    for number, (candidate, estimate) in enumerate(chosen.items()):
        sizes, peak = _estimated(estimate, len(values)), None
        try:
            if complete:
                plan.tell("sizes and memory", number / len(chosen))
                sizes = _sizes(candidate, estimate, bodies[candidate.serializer], plan.sizing)
                peak = peak_memory(candidate, values[largest], plan.registry, plan.limits) if plan.memory else None
        except KeyboardInterrupt:
            complete = False
        encode, decode = (_cost(candidate.name, way, plan.baseline.name, times) for way in ("encode", "decode"))
        total = rows[0].sizes.total if rows else sizes.total
        rows.append(_row(candidate, "timed", sizes, total, encode, decode, peak))
    return rows, complete


def _sizes(candidate: Candidate, estimate: Screened, bodies: Sequence[Encoded], most: float) -> Sizes:
    codec = candidate.compressor
    each = [len(encoded.body) for encoded in bodies]
    if codec is not None:
        if estimate.encode * len(bodies) > most * 1e6:
            return _estimated(estimate, len(bodies))
        for index, encoded in enumerate(bodies):
            body = bytes(encoded.body)
            if len(body) < THRESHOLD:
                continue
            packed = codec.compress(body)
            if codec.decompress(packed, max_size=len(body)) != body:
                raise Mismatch(f"{candidate.name}: message {index} does not come back from its compressor")
            each[index] = min(len(body), len(packed))
    ordered = sorted(each)
    half, most = (ordered[math.ceil(share * len(each)) - 1] for share in (0.5, 0.99))
    return Sizes(statistics.fmean(each), half, most, sum(each), tuple(each))


def _estimated(estimate: Screened, count: int) -> Sizes:
    mean = estimate.size
    return Sizes(mean, None, None, round(mean * count))


def _cost(name: str, way: str, baseline: str, times: Sequence[Times]) -> Cost:
    own = [those[name, way] for those in times]
    median = clustered(own)

    def beside(other: tuple[str, str]) -> Figure:
        pairs = (zip(one, those[other], strict=True) for one, those in zip(own, times, strict=True))
        return clustered([[above / below for above, below in pair] for pair in pairs])

    return Cost(
        min(map(min, own)),
        median.value,
        median.low,
        median.high,
        beside((baseline, way)),
        beside(REFERENCE),
    )


def _row(
    candidate: Candidate, stage: Any, sizes: Sizes, baseline: int, encode: Cost, decode: Cost, peak: int | None
) -> Row:
    return Row(
        name=candidate.name,
        serializer=candidate.serializer,
        compressor=candidate.compression,
        level=candidate.level,
        dictionary=candidate.dictionary,
        stage=stage,
        sizes=sizes,
        ratio=baseline / sizes.total,
        encode=encode,
        decode=decode,
        peak_memory=peak,
    )


def _screened_row(estimate: Screened, baseline: Row, count: int) -> Row:
    encode, decode = (Cost(time, time, time, time) for time in (estimate.encode, estimate.decode))
    sizes = _estimated(estimate, count)
    return _row(estimate.candidate, "screened", sizes, baseline.sizes.total, encode, decode, None)


def _with_pareto(rows: Sequence[Row]) -> list[Row]:
    def beaten(row: Row) -> bool:
        own = row.sizes.mean, row.there_and_back
        return any(
            (size <= own[0] and time <= own[1]) and (size, time) != own
            for size, time in ((other.sizes.mean, other.there_and_back) for other in rows)
        )

    return [replace(row, pareto=not beaten(row)) for row in rows]
