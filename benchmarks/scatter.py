"""A run of `satchel bench` into docs/benchmarks.md, as a table and a plot: python -m benchmarks.scatter RUN.json.

The plot has size across and time there and back upwards, both logarithmic, and a line through what no other candidate
beats in both. The same run gives the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.page import filled
from benchmarks.plot import STYLE, WIDTH, line, text
from satchel.bench.axes import Scale
from satchel.bench.results import Row, Run, from_json
from satchel.bench.tabling import caption, digits, facts, tabulate

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- run: from `python -m benchmarks.scatter` -->", "<!-- end of the run -->"

_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 460, 70, 40, 46, 410
_TICKS = 8
#: Pixels of a character, and of a line of text.
_CHARACTER, _LINE = 6.6, 14
_STYLE = """
.pareto { fill: none; stroke: var(--mark); stroke-width: 1.5; } circle { fill: var(--bar); }
circle.best { fill: var(--mark); }
"""


def svg(run: Run) -> str:
    """The picture of the finalists of a run."""
    rows = _finalists(run)
    across = Scale.over([row.sizes.mean for row in rows], logarithmic=True)
    upwards = Scale.over([row.there_and_back for row in rows], logarithmic=True)
    places = [
        (
            _LEFT + across.share(row.sizes.mean) * (WIDTH - _LEFT - _RIGHT),
            _BOTTOM - upwards.share(row.there_and_back) * (_BOTTOM - _TOP),
        )
        for row in rows
    ]
    best = sorted(place for row, place in zip(rows, places, strict=True) if row.pareto)
    title = f"{run.samples.sources[0]}: bytes of a message against µs of encoding and decoding it"
    box = f'viewBox="0 0 {WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}{_STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{_HEIGHT}" rx="8"/>',
        text(20, 26, title, "title"),
        *_grid(across, upwards),
        f'<polyline class="pareto" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in best)}"/>',
        *_points(rows, places),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _finalists(run: Run) -> tuple[Row, ...]:
    return tuple(row for row in run.rows if row.stage == "timed")


def _grid(across: Scale, upwards: Scale) -> Iterator[str]:
    for tick in across.ticks(_TICKS):
        x = _LEFT + across.share(tick) * (WIDTH - _LEFT - _RIGHT)
        yield line(x, _TOP, _BOTTOM, "grid")
        yield text(x, _BOTTOM + 18, f"{digits(tick)} B", "tick")
    for tick in upwards.ticks(_TICKS):
        y = _BOTTOM - upwards.share(tick) * (_BOTTOM - _TOP)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text(_LEFT - 8, y + 4, f"{digits(tick)} µs", "soft end")


def _points(rows: Sequence[Row], places: Sequence[tuple[float, float]]) -> Iterator[str]:
    """The points, each with its name beside it, or a line or more below where another name stands there."""
    taken: list[tuple[float, float, float]] = []
    for row, (x, y) in sorted(zip(rows, places, strict=True), key=lambda pair: pair[1][1]):
        kind = ' class="best"' if row.pareto else ""
        told = f"{row.name}: {digits(row.sizes.mean)} bytes, {digits(row.there_and_back)} µs"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"{kind}><title>{escape(told)}</title></circle>'
        long = len(row.name) * _CHARACTER
        left = x - long - 9 if x + 9 + long > WIDTH - 4 else x + 9
        base = y + 4
        while any(abs(base - other) < _LINE and left < end and start < left + long for start, end, other in taken):
            base += _LINE
        taken.append((left, left + long, base))
        yield text(left, base, row.name, "soft")


def markdown(run: Run) -> str:
    """The plot, the table of the finalists, and what they were measured on."""
    table = tabulate(replace(run, rows=_finalists(run)))
    rules = ["--:" if column.right else ":--" for column in table.columns]
    lines = [f"| {' | '.join(cells)} |" for cells in (table.header, rules, *table.rows)]
    machine = "; ".join(f"{name}: {what}" for name, what in facts(run) if name not in ("digest", "sources"))
    return "\n\n".join(["![Size against time](benchmarks.svg)", "\n".join(lines), caption(run), machine])


def main(results: str) -> None:
    """Fill the page in and draw the plot."""
    run = from_json(Path(results).read_bytes())
    page = DOCS / "benchmarks.md"
    page.write_text(filled(page.read_text(), markdown(run), BEGIN, END))
    (DOCS / "benchmarks.svg").write_text(svg(run))


if __name__ == "__main__":
    main(*sys.argv[1:])
