"""Two runs side by side: by row and measure the ratio after / before, its interval, and whether it counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, fmean, stdev
from typing import Any, Literal, NamedTuple, get_args

from satchel.bench.results import Cost, InvalidRun, Row, Run, from_json
from satchel.bench.timing import FEWEST, Figure

Measure = Literal["bytes", "encode", "decode", "time", "memory"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
#: A smaller difference of times does not count: as a share, and in microseconds.
LEAST_SHARE, LEAST_TIME = 0.03, 0.1
#: The same for memory, whose interval nobody knows: allocators take it in steps. As a share, and in bytes.
LEAST_MEMORY_SHARE, LEAST_MEMORY = 0.1, 256 * 1024
_WAYS: dict[Measure, slice] = {"encode": slice(0, 1), "decode": slice(1, 2), "time": slice(0, 2)}
#: Half widths on a log scale. Two processes that run the same code differ by as much, however many rounds each has:
#: memory is laid out anew, and hashes are seeded anew.
_PROCESS = 0.013
#: Where no fixed piece of work was timed beside it, the machine's speed may have changed by a quarter.
_SPEED = math.log(1.25)
#: No size or time is as large.
_MOST = 1e18
_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.975)


class Difference(NamedTuple):
    """One measure of a row that both runs have.

    Attributes:
        name: the row's.
        measure: "bytes" and times are of a message, the mean; "time" is encode and decode; "memory" is the peak's.
        before, after: as measured, in bytes or microseconds.
        ratio: after / before; of times, each relative to a fixed piece of work in the same rounds, so that the
            machine's speed is not in it; infinite where there was nothing before.
        low, high: the ratio's interval; None where it is not known.
        counts: it is more than chance, and more than the least that matters.
        note: what else must be known to read it, or "".
    """

    name: str
    measure: Measure
    before: float
    after: float
    ratio: float
    low: float | None
    high: float | None
    counts: bool
    note: str = ""

    @property
    def change(self) -> float:
        """After less before, in bytes or microseconds, at the machine's speed of before."""
        if self.measure in ("bytes", "memory"):
            return self.after - self.before
        return self.before * (self.ratio - 1)

    @property
    def judged(self) -> bool:
        """Whether enough is known to say that it counts or does not."""
        return self.measure == "memory" or self.low is not None


def read(text: str | bytes) -> Run:
    """Read a run that can be compared: names are unique, sizes and times positive.

    Raises:
        InvalidRun: it is not one.
    """
    run = from_json(text)
    names: set[str] = set()
    for row in run.rows:
        if row.name in names:
            raise InvalidRun(f"two rows are called {row.name!r}")
        names.add(row.name)
        for what, fits in _checks(row):
            if not fits:
                raise InvalidRun(f"{row.name}: {what}")
    if not (abs(run.noise.spread) < _MOST and abs(run.noise.drift) < _MOST):
        raise InvalidRun("noise: not all of it is finite")
    return run


def _checks(row: Row) -> Iterator[tuple[str, bool]]:
    sizes, peak = row.sizes, row.peak_memory
    yield "sizes: not all are positive and finite", 0 < sizes.mean < _MOST and 0 < sizes.total < _MOST
    if sizes.each:
        yield "sizes: the total is not the sum of each", sum(sizes.each) == sizes.total and min(sizes.each) >= 0
    yield "peak_memory: it is negative, or not finite", peak is None or 0 <= peak < _MOST
    for way, cost in (("encode", row.encode), ("decode", row.decode)):
        for figure in (Figure(cost.median, cost.low, cost.high), cost.reference):
            if figure is not None:
                ordered = 0 < figure.low <= figure.value <= figure.high < _MOST
                yield f"{way}: not positive and finite, or low, median and high are not in order", ordered


def only(one: Run, other: Run) -> list[str]:
    """The names of the rows of one run that the other has not."""
    known = {row.name for row in other.rows}
    return [row.name for row in one.rows if row.name not in known]


def compare(before: Run, after: Run) -> list[Difference]:
    """Compare what two runs have in common, row by row, in the order of `before`.

    **Bytes.** Where both runs have every message of equal samples, the ratio is exact and any difference counts; its
    interval says how it may vary with other such messages (95 %, by the standard error of a ratio of sums: Cochran,
    Sampling Techniques, 1977, chapter 6). Of different samples, it is the ratio of means, and counts if its interval,
    widened as those of times are, excludes 1.

    **Times.** On a log scale, the two runs' half widths are added, as if both were wrong at once, each after what
    processes differ by was added to it in quadrature. The sum is widened for the number of times that are compared
    (Bonferroni), so that 95 % holds for all intervals together. A difference counts if its interval excludes 1 and it
    is above 3 % and above 0.1 µs.

    **Memory** has no interval. A difference counts above 10 % and 256 KiB.

    What was only screened, was timed in too few rounds, or has a size that is an estimate, is told but does not count.

    Args:
        before, after: as `read` gives them.
    """
    earlier, later = ({row.name: row for row in run.rows} for run in (before, after))
    pairs = [(earlier[name], later[name]) for name in earlier if name in later]
    same = before.samples.digest == after.samples.digest
    widening = _NORMAL.inv_cdf(1 - 0.025 / (3 * len(pairs) or 1)) / _Z
    enough = min(before.rounds, after.rounds) >= FEWEST
    return [found for one, other in pairs for found in _differences(one, other, same, enough, widening)]


def _differences(one: Row, other: Row, same: bool, enough: bool, widening: float) -> Iterator[Difference]:
    size = _bytes(one, other, same, widening)
    yield size
    besides, note = 0.0, ""
    if "screened" in (one.stage, other.stage):
        besides, note = math.inf, "screened, not timed"
    elif not enough:
        besides, note = math.inf, f"fewer than {FEWEST} rounds"
    elif not same:
        # Times of other messages differ about as the sizes do.
        besides = math.inf if size.high is None else math.log(size.high / size.ratio)
        note = "of different messages"
    costs: Sequence[Cost] = (one.encode, one.decode)
    others: Sequence[Cost] = (other.encode, other.decode)
    for measure, which in _WAYS.items():
        found = _time(one.name, measure, costs[which], others[which], besides, widening)
        yield found._replace(note=note or found.note)
    if one.peak_memory is not None and other.peak_memory is not None:
        yield _memory(one.name, one.peak_memory, other.peak_memory)


def _bytes(one: Row, other: Row, same: bool, widening: float) -> Difference:
    own, its = one.sizes.each, other.sizes.each
    if not own or not its:
        before, after = one.sizes.mean, other.sizes.mean
        return Difference(one.name, "bytes", before, after, after / before, None, None, False, "estimated from a part")
    before, after = fmean(own), fmean(its)
    ratio = sum(its) * len(own) / (sum(own) * len(its))
    if same and len(own) == len(its):
        half = _Z * _error_of_ratio(own, its, ratio)
        counts, note = sum(own) != sum(its), ""
    else:
        half = _Z * widening * (_error_of_mean(own) + _error_of_mean(its))
        counts, note = abs(math.log(ratio)) > half, "of different messages"
    low, high = (None, None) if math.isinf(half) else _interval(ratio, half)
    return Difference(one.name, "bytes", before, after, ratio, low, high, counts, note)


def _error_of_ratio(below: Sequence[int], above: Sequence[int], ratio: float) -> float:
    """The relative standard error of a ratio of sums over the same messages: what a bootstrap would find, at once."""
    count = len(below)
    if count < 2:
        return 0.0
    rest = sum((more - ratio * less) ** 2 for less, more in zip(below, above, strict=True))
    return math.sqrt(rest * count / (count - 1)) / sum(above)


def _error_of_mean(sizes: Sequence[int]) -> float:
    """The relative standard error of a mean."""
    return stdev(sizes) / fmean(sizes) / math.sqrt(len(sizes)) if len(sizes) > 1 else math.inf


def _time(
    name: str, measure: Measure, costs: Sequence[Cost], others: Sequence[Cost], besides: float, widening: float
) -> Difference:
    """Compare the sums of times. `besides` is what else the runs differ in: a half width, infinite if not known."""
    before, after = (math.fsum(cost.median for cost in those) for those in (costs, others))
    beside = all(cost.reference is not None for cost in (*costs, *others))
    one, other = (_sum(those, beside) for those in (costs, others))
    ratio = other.value / one.value
    if math.isinf(besides):
        return Difference(name, measure, before, after, ratio, None, None, False)
    half = widening * (_half_width(one) + _half_width(other)) + besides + (0 if beside else _SPEED)
    low, high = _interval(ratio, half)
    share = abs(ratio - 1)
    counts = not low <= 1 <= high and share > LEAST_SHARE and share * before > LEAST_TIME
    note = "" if beside else "the machine's speed is in it"
    return Difference(name, measure, before, after, ratio, low, high, counts, note)


def _sum(costs: Sequence[Cost], beside: bool) -> Figure:
    """The sum of times, beside the fixed piece of work or in microseconds; its bounds are those of all at once."""
    figures = [cost.reference if beside else Figure(cost.median, cost.low, cost.high) for cost in costs]
    value, low, high = (math.fsum(parts) for parts in zip(*filter(None, figures), strict=True))
    return Figure(value, low, high)


def _half_width(figure: Figure) -> float:
    wider = max(math.log(figure.high / figure.value), math.log(figure.value / figure.low))
    return math.hypot(wider, _PROCESS)


def _memory(name: str, before: int, after: int) -> Difference:
    ratio = after / before if before else math.inf if after else 1.0
    counts = abs(after - before) > max(LEAST_MEMORY, LEAST_MEMORY_SHARE * before)
    return Difference(name, "memory", before, after, ratio, None, None, counts)


def _interval(ratio: float, half: float) -> tuple[float, float]:
    half = min(half, 300)  # beyond, exp() overflows
    return ratio * math.exp(-half), ratio * math.exp(half)


def warnings(before: Run, after: Run) -> list[str]:
    """What two runs differ in, besides what is compared, and what makes their figures weak; a sentence each."""
    found = [f"{run}: {text}" for run, one in (("before", before), ("after", after)) for text in _weak(one)]
    if before.samples.digest != after.samples.digest:
        found.append("the samples differ: sizes and times are of different messages")
    for what in ("baseline", "dialect"):
        found += _changed(what, getattr(before, what), getattr(after, what))
    for what in sorted(before.machine.keys() | after.machine.keys()):
        found += _changed(f"machine: {what}", before.machine.get(what), after.machine.get(what))
    for what in sorted(before.libraries.keys() | after.libraries.keys()):
        found += _changed(what, before.libraries.get(what), after.libraries.get(what))
    rows = {row.name: row for row in before.rows}
    for row in after.rows:
        if row.name in rows:
            found += _changed(f"{row.name}: codecs", _codecs(rows[row.name]), _codecs(row))
    return found


def _weak(run: Run) -> Iterator[str]:
    if not run.complete:
        yield "the run was interrupted"
    if not run.noise.stable:
        yield f"the machine was not steady (spread {run.noise.spread:.1%}, drift {run.noise.drift:+.1%})"


def _changed(what: str, one: Any, other: Any) -> list[str]:
    if one == other:
        return []
    texts = ["none" if value is None else str(value) for value in (one, other)]
    return [f"{what}: {texts[0]} before, {texts[1]} after"]


def _codecs(row: Row) -> str:
    parts = {"compressor": row.compressor, "level": row.level, "dictionary": row.dictionary}
    return " ".join([row.serializer, *(f"{name}={part}" for name, part in parts.items() if part is not None)])
