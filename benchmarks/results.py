"""What a run measures: rows, each of several sides that did one job, and where it ran; kept as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from satchel.bench.timing import Figure, Samples, difference, ratio

#: The distributions whose versions count.
LIBRARIES = (
    "satchel",
    *("kombu", "celery", "orjson", "msgspec", "ormsgpack", "msgpack", "PyYAML", "zstandard", "brotli"),
    *("backports.zstd", "dramatiq", "taskiq", "temporalio"),
)

OURS = "satchel"
#: Satchel without any extra.
CORE = "satchel core"
#: The fastest library that loses nothing, called directly: what it is, `sides.RAW` and `packing.RAW` say.
RAW = "raw"


class Timing(NamedTuple):
    """How long one side took, in microseconds, over all rounds; and the bytes that it wrote, where it writes."""

    minimum: float
    median: float
    size: int | None = None


class Pair(NamedTuple):
    """One side beside another.

    Attributes:
        faster: paired ratios theirs / ours; above 1 the first is faster.
        more: paired differences ours - theirs, in microseconds.
        size: bytes ours / bytes theirs.
    """

    faster: Figure
    more: Figure
    size: float | None = None


@dataclass(frozen=True)
class Row:
    """A job, and how the sides did it.

    Attributes:
        sides: the name of a side, and its time.
        pairs: "satchel vs kombu", and how the first compares with the second.
        figures: what is not a time per call, by name.
    """

    name: str
    sides: dict[str, Timing] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A run: its rows, what was left out and why, and where and with what it ran."""

    rows: list[Row] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    rounds: int = 0


def raced(name: str, samples: Samples, sizes: Mapping[str, int] | None = None, *, messages: int = 1) -> Row:
    """A row from the times of a race: Satchel beside every other side, and its core beside kombu.

    Args:
        sizes: the bytes that a side wrote in a call.
        messages: how many messages a call was for; times and bytes are told for one.
    """
    sizes = sizes or {}
    samples = {side: [microseconds / messages for microseconds in times] for side, times in samples.items()}
    sides = {
        side: Timing(min(times), statistics.median(times), round(sizes[side] / messages) if side in sizes else None)
        for side, times in samples.items()
    }
    couples = [(OURS, side) for side in samples if side != OURS]
    if {CORE, "kombu"} <= samples.keys():
        couples.append((CORE, "kombu"))
    pairs = {f"{one} vs {other}": _pair(samples, sizes, one, other) for one, other in couples if one in samples}
    return Row(name, sides, pairs)


def _pair(samples: Samples, sizes: Mapping[str, int], one: str, other: str) -> Pair:
    size = sizes[one] / sizes[other] if one in sizes and sizes.get(other) else None
    return Pair(ratio(samples[other], samples[one]), difference(samples[one], samples[other]), size)


def save(run: Run, path: Path, **more: Any) -> None:
    """Write a run as JSON."""
    path.write_text(json.dumps({**_plain(asdict(run)), **more}, indent=1) + "\n")


def load(path: Path) -> Run:
    """Read what `save` wrote."""
    stored = json.loads(path.read_text())
    rows = [
        Row(
            row["name"],
            {side: Timing(**timing) for side, timing in row["sides"].items()},
            {
                couple: Pair(Figure(**pair["faster"]), Figure(**pair["more"]), pair["size"])
                for couple, pair in row["pairs"].items()
            },
            {name: Figure(**figure) for name, figure in row["figures"].items()},
        )
        for row in stored["rows"]
    ]
    return Run(rows, stored["left_out"], stored["machine"], stored["versions"], stored["rounds"])


def _plain(value: Any) -> Any:
    # A NamedTuple is written by its fields' names, and six digits are more than any of it is good for.
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
