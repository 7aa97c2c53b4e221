"""A run as a table of text, with what must be known to read it: the terminal, Markdown and HTML show this one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from satchel.bench.results import Cost, Row, Run

FEW = 100
"""Fewer messages than this are named as too few."""


class Cell(NamedTuple):
    """A cell's text, and what it is sorted by; None comes last."""

    text: str
    value: float | str | None


class Column(NamedTuple):
    """A column.

    Attributes:
        title: its name, one word.
        unit: of its numbers, or nothing.
        meaning: what it holds.
        right: it is set to the right, as numbers are.
    """

    title: str
    unit: str
    meaning: str
    right: bool = False


class Table(NamedTuple):
    """A run's candidates, in the order of its rows.

    Attributes:
        columns: what each cell of a row is.
        cells: one row per candidate.
    """

    columns: tuple[Column, ...]
    cells: tuple[tuple[Cell, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' titles."""
        return tuple(column.title for column in self.columns)

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The cells' texts."""
        return tuple(tuple(cell.text for cell in row) for row in self.cells)

    @property
    def right(self) -> tuple[str, ...]:
        """The titles of the columns that are set to the right."""
        return tuple(column.title for column in self.columns if column.right)


_COLUMNS: tuple[tuple[Column, Callable[[Row], Cell]], ...] = (
    (Column("NAME", "", "serializer, compressor and level"), lambda row: Cell(visible(row.name), visible(row.name))),
    (Column("MEAN", "bytes", "mean size", right=True), lambda row: _number(row.sizes.mean)),
    (Column("P50", "bytes", "half of the messages are no larger", right=True), lambda row: _share(row.sizes.p50)),
    (Column("P99", "bytes", "99 % of the messages are no larger", right=True), lambda row: _share(row.sizes.p99)),
    (Column("RATIO", "", "the baseline's size / this; above 1 is smaller", right=True), lambda row: _number(row.ratio)),
    (Column("ENCODE", "µs", "median time to encode a message", right=True), lambda row: _time(row.encode)),
    (Column("DECODE", "µs", "median time to decode a message", right=True), lambda row: _time(row.decode)),
    (Column("MEMORY", "", "at most, for the largest message", right=True), lambda row: _memory(row.peak_memory)),
    (
        Column("PARETO", "", "no other is both smaller and quicker"),
        lambda row: Cell("yes" if row.pareto else "", 0 if row.pareto else 1),
    ),
    (Column("STAGE", "", "timed with the finalists, or only screened"), lambda row: Cell(row.stage, row.stage)),
)


def tabulate(run: Run) -> Table:
    """Give a run's table; the baseline is marked in its name."""
    cells = tuple(tuple(cell(row) for _, cell in _COLUMNS) for row in run.rows)
    marked = (_mark(row) if found.name == run.baseline else row for found, row in zip(run.rows, cells, strict=True))
    return Table(tuple(column for column, _ in _COLUMNS), tuple(marked))


def there_and_back(row: Row) -> float:
    """Give the median time of encoding and decoding a message, in microseconds; NaN when that cannot be shown."""
    return row.there_and_back if is_plain(row.encode.median) and is_plain(row.decode.median) else math.nan


def facts(run: Run) -> tuple[tuple[str, str], ...]:
    """Give what the numbers are of, as pairs of a title and a text."""
    samples, noise = run.samples, run.noise
    steady = "steady" if noise.stable else "not steady"
    pairs = (
        ("messages", f"{_messages(run)}, {samples.bytes:,} bytes in all, from {', '.join(samples.sources) or '-'}"),
        ("baseline", run.baseline),
        ("rounds", f"{run.rounds:,}"),
        ("noise", f"{steady}: spread {_percent(noise.spread)}, drift {_percent(noise.drift)}"),
        ("dialect", run.dialect),
        ("machine", ", ".join(f"{name} {value}" for name, value in run.machine.items())),
        ("libraries", ", ".join(f"{name} {version}" for name, version in run.libraries.items())),
        ("satchel", run.satchel),
        ("begun", run.created),
        ("digest", samples.digest),
    )
    return tuple((title, visible(text) or "-") for title, text in pairs)


def warnings(run: Run) -> tuple[str, ...]:
    """Give what a reader must know before trusting the numbers; nothing when all is well."""
    samples = run.samples
    found = (
        (not run.complete, "The run was interrupted: candidates or rounds are missing."),
        (not run.noise.stable, "The machine was not steady: small differences in time do not count."),
        (samples.measured < FEW, f"There are only {samples.measured:,} messages: the sizes may be off."),
        (samples.synthetic, "The messages are generated: your own may give another order."),
    )
    return tuple(text for holds, text in found if holds)


def left_out(run: Run) -> tuple[tuple[str, str], ...]:
    """Give what was not measured, and why."""
    return tuple((visible(name), visible(reason)) for name, reason in run.left_out.items())


def caption(run: Run) -> str:
    """Give one line that says what the table's numbers are."""
    times = "the median over the rounds, with half its 95 % interval"
    return f"{_messages(run)}. Sizes are in bytes; times are in µs of processor time per message: {times}."


def digits(value: float) -> str:
    """Give a number to three digits that count; ``?`` for what no size or time can be."""
    if not is_plain(value):
        return "?"
    rounded = float(f"{value:.3g}")
    if rounded == 0 or abs(rounded) >= 100 or isinstance(value, int):
        return f"{rounded:,.0f}"
    return f"{rounded:.{2 - math.floor(math.log10(abs(rounded)))}f}"


def is_plain(value: float) -> bool:
    """Whether a number can be shown and drawn: a file may hold NaN, or 400 digits."""
    return -1e15 < value < 1e15


def visible(text: str) -> str:
    """Give a text on one line, what cannot be seen escaped: a name may be a stranger's."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _mark(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return row[0]._replace(text=f"{row[0].text} (baseline)"), *row[1:]


def _number(value: float) -> Cell:
    return Cell(digits(value), value if is_plain(value) else None)


def _share(size: int | None) -> Cell:
    return Cell("-", None) if size is None else _number(size)


def _time(cost: Cost) -> Cell:
    text, value = _number(cost.median)
    return Cell(text + _interval(cost), value)


def _interval(cost: Cost) -> str:
    """Give half of the interval, in percent; nothing where there is none, as of what was only screened."""
    try:
        half = max(cost.high - cost.median, cost.median - cost.low)
        if not (cost.median > 0 and half > 0 and is_plain(half)):
            return ""
        # Rounded up: an interval is not to look narrower than it is.
        return f" ±{math.ceil(100 * half / cost.median)}%"
    except OverflowError:  # Nobody measured that; a file may say it.
        return ""


def _memory(size: int | None) -> Cell:
    if size is None or not is_plain(size):
        return Cell("-" if size is None else "?", None)
    power = min(max(abs(size).bit_length() - 1, 0) // 10, 3)
    shown = size / 1024**power if power else size
    return Cell(f"{digits(shown)} {('B', 'KiB', 'MiB', 'GiB')[power]}", size)


def _messages(run: Run) -> str:
    samples = run.samples
    if samples.seen > samples.measured:
        return f"{samples.measured:,} of {samples.seen:,} messages, chosen at random"
    return f"{samples.measured:,} messages"


def _percent(share: float) -> str:
    return f"{digits(100 * share)} %"
