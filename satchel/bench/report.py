"""A run as one HTML page that needs nothing else: scatter, bars, table; a script only sorts and points."""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from string import Template

from satchel.bench.results import Row, Run
from satchel.bench.scatter import drawable, scatter
from satchel.bench.tabling import (
    Cell,
    Column,
    Table,
    caption,
    digits,
    facts,
    left_out,
    tabulate,
    there_and_back,
    visible,
    warnings,
)

_MOST_BARS = 24
_LONGEST = 200
"""Characters of a name or text that are shown."""


def html(run: Run) -> str:
    """Give the page; one of 200 candidates has at most 250 KB."""
    style, script = _data("report.css"), _data("report.js")
    return Template(_data("report.html")).substitute(
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        style=style,
        script=script,
        caption=_text(caption(run)),
        warnings="\n".join(f'<p class="warning">{_text(text)}</p>' for text in warnings(run)),
        findings="\n".join(_findings(run)),
        scatter=_scatter(run),
        bars=_bars(run),
        table=_table(run, tabulate(run)),
        left_out=_section("Left out", left_out(run)),
        facts=_section("Measured on", facts(run)),
    )


def _data(name: str) -> str:
    return (resources.files("satchel.bench") / name).read_text("utf-8")


def _hash(block: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}"


def _text(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _findings(run: Run) -> Iterator[str]:
    """Say which candidate is the smallest, and which the quickest."""
    rows = [row for row in run.rows if drawable(row)]
    if not rows:
        return
    small, quick = min(rows, key=lambda row: row.sizes.mean), min(rows, key=there_and_back)
    for title, row in (("smallest", small), ("quickest", quick)):
        measured = (
            f"{digits(row.sizes.mean)} bytes, {digits(there_and_back(row))} µs there and back; {_beside(row, run)}"
        )
        yield f"<div><dt>{title}</dt><dd><b>{_text(visible(row.name))}</b><br>{_text(measured)}</dd></div>"


def _beside(row: Row, run: Run) -> str:
    if row.name == run.baseline:
        return "the baseline"
    larger = 0 < row.ratio < 1
    factor = 1 / row.ratio if larger else row.ratio
    return f"{digits(factor)}\u00a0times {'larger' if larger else 'smaller'} than {visible(run.baseline)}"


def _scatter(run: Run) -> str:
    drawn = scatter(run)
    if not drawn:
        return "<p>There is nothing to draw.</p>"
    screened = any(row.stage == "screened" for row in run.rows)
    kinds = [("best", "on the Pareto line"), ("base", "the baseline"), ("", "another")]
    kinds += [("screened", "screened, not timed with the rest")] if screened else []
    keys = (
        f'<span><svg width="16" height="16" aria-hidden="true"><circle class="{kind}" cx="8" cy="8" r="5"/></svg> '
        f"{text}</span>"
        for kind, text in kinds
    )
    return f'{drawn}\n<p class="keys">{" ".join(keys)}</p>'


def _bars(run: Run) -> str:
    drawn = [row for row in run.rows if drawable(row)]
    chosen = {id(row) for row in sorted(drawn, key=lambda row: _rank(row, run))[:_MOST_BARS]}
    rows = [row for row in drawn if id(row) in chosen]
    if not rows:
        return ""
    longest_time = _room([there_and_back(row) for row in rows])
    longest_size = _room([row.sizes.mean for row in rows])
    lines = [_bar(row, run, longest_time, longest_size) for row in rows]
    cut = any(there_and_back(row) > longest_time or row.sizes.mean > longest_size for row in rows)
    some = f" The {len(rows)} of most interest are shown." if len(rows) < len(run.rows) else ""
    ragged = " A bar with a gap near its end is longer than there is room for." if cut else ""
    keys = '<span class="key encode"></span> encode <span class="key decode"></span> decode'
    head = f"<div class=head><span></span><span>time, µs: {keys}</span><span>mean size, bytes</span></div>"
    note = f"<figcaption>{some}{ragged}</figcaption>" if some or ragged else ""
    return f"{head}\n{chr(10).join(lines)}\n{note}"


def _rank(row: Row, run: Run) -> tuple[bool, bool, bool]:
    return row.name != run.baseline, not row.pareto, row.stage != "timed"


def _room(values: Sequence[float]) -> float:
    """Give the longest bar's value: one very slow candidate is not to leave the others a pixel."""
    return min(max(values), 4 * statistics.median(values))


def _bar(row: Row, run: Run, longest_time: float, longest_size: float) -> str:
    name = visible(row.name) + (" (baseline)" if row.name == run.baseline else "")
    times = (("encode", row.encode.median / longest_time), ("decode", row.decode.median / longest_time))
    sizes = (("size", row.sizes.mean / longest_size),)
    return (
        f'<div class="bar"><span class="who">{_text(name)}</span>{_pieces(times)}<span class="n">'
        f'{digits(there_and_back(row))}</span>{_pieces(sizes)}<span class="n">{digits(row.sizes.mean)}</span></div>'
    )


def _pieces(parts: Sequence[tuple[str, float]]) -> str:
    """Draw the parts of a bar, whose lengths are shares of its room, one after the other."""
    start, drawn = 0.0, ""
    for kind, share in parts:
        width = max(min(share, 1 - start), 0)
        drawn += f'<rect class="{kind}" x="{100 * start:.4g}%" width="{100 * width:.4g}%" height="14"/>'
        start += width
    if sum(share for _, share in parts) > 1.0001:
        drawn += '<rect class="gap" x="95%" width="3" height="14"/>'
    return f'<svg height="14" aria-hidden="true">{drawn}</svg>'


def _table(run: Run, table: Table) -> str:
    head = "".join(_heading(column) for column in table.columns)
    rows = [
        _row(number, cells, table, run.rows[number].name == run.baseline, drawable(run.rows[number]))
        for number, cells in enumerate(table.cells)
    ]
    return f"<thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody>"


def _heading(column: Column) -> str:
    unit = f" <small>{column.unit}</small>" if column.unit else ""
    kind = ' class="n"' if column.right else ""
    return f'<th scope="col"{kind} title="{escape(column.meaning)}">{column.title.capitalize()}{unit}</th>'


def _row(number: int, cells: tuple[Cell, ...], table: Table, is_base: bool, has_point: bool) -> str:
    name = _text(cells[0].text)
    first = f'<a href="#p{number}">{name}</a>' if has_point else name
    kind = ' class="baseline"' if is_base else ""
    rest = zip(cells[1:], table.columns[1:], strict=True)
    return f'<tr id="r{number}"{kind}><th scope="row">{first}</th>{"".join(_cell(*pair) for pair in rest)}</tr>'


def _cell(cell: Cell, column: Column) -> str:
    if not column.right:
        return f"<td>{escape(cell.text)}</td>"
    value = "" if cell.value is None else f"{cell.value:.6g}"
    return f'<td data-v="{value}">{escape(cell.text)}</td>'


def _section(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    if not pairs:
        return ""
    items = "\n".join(f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>" for name, text in pairs)
    return f"<section>\n<h2>{title}</h2>\n<dl>\n{items}\n</dl>\n</section>"
