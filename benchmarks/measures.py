"""The measures P1 to P13 with their bounds, as data, and what a run says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from benchmarks.packing import NAMES
from benchmarks.results import OURS, RAW, Row, Run
from satchel.bench.timing import Figure

#: "faster": times as fast as the other side; "cost": times its time; "more": µs more than it takes; "size": bytes,
#: relative to its; "figure": what is no comparison of two sides.
Kind = Literal["faster", "cost", "more", "size", "figure"]
Direction = Literal["at least", "at most"]


class Measure(NamedTuple):
    """A bound on one figure of one row.

    Attributes:
        row: the row's name.
        kind: which figure of it.
        side: the side that Satchel is held against; of a "figure", its name.
    """

    id: str
    row: str
    kind: Kind
    side: str
    direction: Direction
    bound: float

    @property
    def text(self) -> str:
        """What is measured, in words."""
        if self.kind == "figure":
            return self.row
        told = {"faster": "times as fast as", "cost": "times the time of", "more": "more than", "size": "size beside"}
        side = "the raw library" if self.side == RAW else f"{self.side}'s" if self.kind == "size" else self.side
        return f"{self.row}, {told[self.kind]} {side}"

    @property
    def unit(self) -> str:
        """What stands after its figures."""
        if self.kind == "more":
            return " µs"
        return f" {self.side}" if self.side == "ms" else "x"


def _sized(id_: str, what: str, bounds: dict[str, float]) -> Iterator[Measure]:
    for size, bound in bounds.items():
        yield Measure(id_, f"{what}, {size}", "faster", "kombu", "at least", bound)


MEASURES: tuple[Measure, ...] = (
    *_sized("P1", "json encode", {"198 B": 4, "10 KB": 4, "1 MB": 4}),
    *_sized("P2", "json decode", {"198 B": 3.5, "10 KB": 1.6, "1 MB": 1.5}),
    *_sized("P3", "json encode", {"extended 200 B": 2, "extended 10 KB": 2, "extended 1 MB": 2}),
    *_sized("P3", "json decode", {"extended 200 B": 2, "extended 10 KB": 1.4, "extended 1 MB": 1.4}),
    *_sized("P4", "msgpack encode", {"198 B": 3, "1 MB": 2.5}),
    *_sized("P4", "msgpack decode", {"198 B": 1.8, "1 MB": 1}),
    *_sized("P5", "yaml encode", {"198 B": 10, "10 KB": 10, "1 MB": 10}),
    *_sized("P5", "yaml decode", {"198 B": 8, "10 KB": 8, "1 MB": 8}),
    *_sized("P6", "pickle decode", {"10 KB": 0.55}),
    *_sized("P6", "pickle encode", {"198 B": 1, "10 KB": 1, "1 MB": 1}),
    *_sized("P7", "zstd there and back", {"589 B": 4}),
    *_sized("P7", "brotli there and back", {"589 B": 20}),
    *_sized("P7", "lzma there and back", {"589 B": 8}),
    *(
        Measure("P7", f"{name} there and back, 589 B", "size", "kombu", "at most", 1.10)
        for name in ("zstd", "brotli", "lzma")
    ),
    Measure("P8", "json encode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "json decode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "msgpack encode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "msgpack decode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "pickle encode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "pickle decode, 198 B", "more", RAW, "at most", 1.5),
    Measure("P8", "raw encode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "raw decode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "text encode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "text decode, 198 B", "more", RAW, "at most", 1),
    Measure("P8", "json encode, 1 MB", "cost", RAW, "at most", 2.8),
    Measure("P8", "json decode, 1 MB", "cost", RAW, "at most", 1.7),
    *(
        Measure("P8", f"{name} there and back, {size}", "cost", RAW, "at most", 1.15)
        for name in NAMES
        for size in ("10 KB", "1 MB")
    ),
    *_sized("P9", "message build", {"small": 6, "10 KB": 6}),
    *_sized("P10", "message read", {"small": 2.5, "10 KB": 1.6}),
    Measure("P11", "zstd on two threads, 10 KB", "figure", "times one thread", "at least", 1.6),
    Measure("P12", "import satchel", "figure", "ms", "at most", 20),
    Measure("P12", "first json encode", "figure", "ms", "at most", 60),
    Measure("P13", "memory of encode, raw + zstd, 64 MB", "figure", "times input + output", "at most", 2.2),
    Measure("P13", "memory of decode, raw + zstd, 64 MB", "figure", "times input + output", "at most", 2.2),
)


@dataclass(frozen=True)
class Verdict:
    """A measure and its figure; None where the run has none."""

    measure: Measure
    figure: Figure | None

    @property
    def holds(self) -> bool | None:
        """Whether the median is within the bound."""
        if self.figure is None:
            return None
        if self.measure.direction == "at least":
            return self.figure.value >= self.measure.bound
        return self.figure.value <= self.measure.bound

    @property
    def word(self) -> str:
        """The verdict in words."""
        return {True: "holds", False: "FALLS SHORT", None: "left out"}[self.holds]

    def plain(self) -> dict[str, Any]:
        """The verdict as data."""
        figure = None if self.figure is None else self.figure._asdict()
        return {**self.measure._asdict(), "measure": self.measure.text, "figure": figure, "verdict": self.word}


def judged(run: Run, measures: Sequence[Measure] = MEASURES) -> list[Verdict]:
    """What a run says of every measure."""
    rows = {row.name: row for row in run.rows}
    return [Verdict(measure, _figure(rows.get(measure.row), measure)) for measure in measures]


def _figure(row: Row | None, measure: Measure) -> Figure | None:
    if row is None:
        return None
    if measure.kind == "figure":
        return row.figures.get(measure.side)
    pair = row.pairs.get(f"{OURS} vs {measure.side}")
    if pair is None:
        return None
    if measure.kind == "faster":
        return pair.faster
    if measure.kind == "more":
        return pair.more
    if measure.kind == "size":
        return None if pair.size is None else Figure(pair.size, pair.size, pair.size)
    value, low, high = pair.faster
    return Figure(1 / value, 1 / high, 1 / low)
