"""The plot in docs/performance.md, as SVG: python -m benchmarks.plot RESULTS.json [SVG].

Bars for how many times as fast as kombu each job is, with a mark where its bound is; below, where the nanoseconds of a
small JSON message go. The same results give the same bytes, and the colours follow the reader's dark or light mode.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from benchmarks import steps
from benchmarks.measures import Verdict, judged
from benchmarks.report import number
from benchmarks.results import Row, Run, load
from satchel.bench.timing import Figure

TARGET = Path(__file__).parents[1] / "docs" / "performance.svg"

WIDTH, LEFT, RIGHT, LINE = 860, 250, 70, 22
#: A card of its own: the page around it may be dark where the reader's system is not.
STYLE = """
svg { --card: #ffffff; --ink: #22262b; --soft: #6b7380; --grid: #d9dde3; --bar: #2f6fb0; --mark: #c2410c;
  --s0: #2f6fb0; --s1: #0f8f7f; --s2: #b7791f; --s3: #8b5fbf; }
@media (prefers-color-scheme: dark) { svg { --card: #16191d; --ink: #e6e9ed; --soft: #98a1ad; --grid: #343a42;
  --bar: #5fa3e0; --mark: #fb923c; --s0: #5fa3e0; --s1: #3cc4b1; --s2: #e0ad4f; --s3: #b690e6; } }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.soft, .tick { fill: var(--soft); font-size: 12px; } .title { font-size: 15px; font-weight: 600; }
.end { text-anchor: end; } .tick { text-anchor: middle; }
.card { fill: var(--card); } .grid { stroke: var(--grid); } .bar { fill: var(--bar); }
.mark { stroke: var(--mark); stroke-width: 2; }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); } .s3 { fill: var(--s3); }
"""


class Drawn(NamedTuple):
    """A part of the picture, and how high it is."""

    parts: list[str]
    height: int


def svg(run: Run) -> str:
    """The picture of a run."""
    compared = [verdict for verdict in judged(run) if verdict.measure.kind == "faster" and verdict.figure is not None]
    profiles = [row for name in (steps.ENCODE, steps.DECODE) for row in run.rows if row.name == name]
    top, drawn = 20, []
    for part in [_bars(compared, top)] if compared else []:
        drawn, top = part.parts, top + part.height
    for row in profiles:
        part = _profile(row, top)
        drawn, top = drawn + part.parts, top + part.height
    title = "Satchel's speed relative to kombu's, and the time of each step of a small JSON message"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" aria-label="{title}">',
        f"<style>{STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{top}" rx="8"/>',
        *drawn,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def text(x: float, y: float, words: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{attribute}>{escape(words)}</text>'


def line(x: float, top: float, bottom: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _rect(x: float, y: float, width: float, kind: str, told: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="13" rx="2">'
        f"<title>{escape(told)}</title></rect>"
    )


def _bars(verdicts: Sequence[Verdict], top: int) -> Drawn:
    values = [
        value for verdict in verdicts if verdict.figure for value in (verdict.figure.value, verdict.measure.bound)
    ]
    ticks = list(_ticks(min([1.0, *values]), max(values)))
    lowest, highest = ticks[0], ticks[-1]

    def at(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / lowest) / math.log(highest / lowest)

    first = top + 44
    bottom = first + LINE * len(verdicts)
    parts = [text(20, top + 12, "Times as fast as kombu (logarithmic; the mark is the bound)", "title")]
    for tick in ticks:
        parts += [text(at(tick), first - 8, f"{tick:g}", "tick"), line(at(tick), first - 4, bottom, "grid")]
    for index, verdict in enumerate(verdicts):
        if verdict.figure is not None:
            parts += _bar(
                verdict, verdict.figure, first + LINE * index, at(verdict.figure.value), at(verdict.measure.bound)
            )
    return Drawn(parts, bottom - top + 30)


def _bar(verdict: Verdict, figure: Figure, y: float, end: float, bound: float) -> list[str]:
    name = f"{verdict.measure.id} {verdict.measure.row}"
    told = f"{name}: {number(figure.value)} ({number(figure.low)} to {number(figure.high)})"
    return [
        text(LEFT - 10, y + 12, name, "end"),
        _rect(LEFT, y + 2, end - LEFT, "bar", told),
        line(bound, y, y + 17, "mark"),
        text(max(end, bound) + 6, y + 13, number(figure.value), "soft"),
    ]


def _ticks(least: float, most: float) -> Iterator[float]:
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    every = list(chain.from_iterable((10.0**power, 2 * 10.0**power, 5 * 10.0**power) for power in powers))
    below = max(tick for tick in every if tick <= least)
    above = min(tick for tick in every if tick >= most and tick > below)
    yield from (float(f"{tick:g}") for tick in every if below <= tick <= above)


def _profile(row: Row, top: int) -> Drawn:
    # What is measured by what is left can come out a little below nothing.
    widths = {step: max(0.0, figure.value) for step, figure in row.figures.items()}
    whole = sum(widths.values()) or 1.0
    scale = (WIDTH - 40) / whole
    name = row.name.removeprefix("steps of ")
    parts = [text(20, top + 12, f"{name}: where {number(whole)} ns go", "title")]
    x, y = 20.0, top + 26
    for index, (step, width) in enumerate(widths.items()):
        parts.append(_rect(x, y, width * scale, f"s{index % 4}", f"{step}: {number(width)} ns"))
        parts.append(_rect(20, y + LINE * (index + 1), 13, f"s{index % 4}", step))
        parts.append(text(40, y + LINE * (index + 1) + 11, f"{step}: {number(width)} ns", "soft"))
        x += width * scale
    return Drawn(parts, 26 + LINE * (len(widths) + 1) + 24)


def main(results: str, target: str = str(TARGET)) -> None:
    """Draw."""
    Path(target).write_text(svg(load(Path(results))))


if __name__ == "__main__":
    main(*sys.argv[1:])
