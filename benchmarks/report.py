"""A run as text: a line per measure, and the times of all sides as a table."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measures import Verdict
from benchmarks.results import OURS, Row, Run
from satchel.bench.timing import Figure, table


def measure_line(verdict: Verdict) -> str:
    """One line: what was measured, the figure, its interval, the bound, the verdict."""
    measure = verdict.measure
    bound = f"{measure.direction} {measure.bound:g}{measure.unit}"
    return f"{measure.id:4}{measure.text}: {_figure(verdict)} ({bound}): {verdict.word}"


def _figure(verdict: Verdict) -> str:
    if verdict.figure is None:
        return "-"
    unit = verdict.measure.unit
    return f"{number(verdict.figure.value)}{unit}, {interval(verdict.figure)}"


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def interval(figure: Figure) -> str:
    """From and to."""
    return f"{number(figure.low)} to {number(figure.high)}"


def heading(run: Run) -> str:
    """Where and with what it ran."""
    machine = run.machine
    libraries = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{machine['implementation']} {machine['python']}, {machine['system']} {machine['architecture']}, "
        f"{machine['cores']} cores, {machine['processor']}; {run.rounds} rounds. {libraries}."
    )


def measures_markdown(verdicts: Sequence[Verdict]) -> str:
    """The table of the measures."""
    rows = []
    for verdict in verdicts:
        measure, figure = verdict.measure, verdict.figure
        value = "-" if figure is None else f"{number(figure.value)}{measure.unit}"
        spread = "-" if figure is None or measure.kind == "size" else interval(figure)
        sign = "≥" if measure.direction == "at least" else "≤"
        rows.append((measure.id, measure.text, value, spread, f"{sign} {measure.bound:g}{measure.unit}", verdict.word))
    return _markdown(rows, ("", "measure", "figure", "95 %", "bound", ""))


def sides_markdown(rows: Sequence[Row]) -> str:
    """The table of all that was raced: Satchel's time, and the times of the others relative to it."""
    timed = [row for row in rows if row.sides]
    others = list(dict.fromkeys(side for row in timed for side in row.sides if side != OURS))
    lines = []
    for row in timed:
        ratios = [row.pairs.get(f"{OURS} vs {side}") for side in others]
        cells = ("" if pair is None else number(pair.faster.value) for pair in ratios)
        lines.append((row.name, number(row.sides[OURS].median), *cells))
    return _markdown(lines, ("", "Satchel, µs", *others))


def sides_text(rows: Sequence[Row]) -> str:
    """Every pair of every row: bytes, least and median times, ratio and its interval."""
    lines = []
    for row in rows:
        for couple, pair in row.pairs.items():
            one, other = (row.sides[name] for name in couple.split(" vs "))
            sizes = f"{one.size:,} / {other.size:,}" if one.size is not None and other.size is not None else ""
            times = (f"{number(side.minimum)} {number(side.median)}" for side in (one, other))
            lines.append((row.name, couple, sizes, *times, number(pair.faster.value), interval(pair.faster)))
    return table(lines, ("what", "sides", "bytes", "µs, least and median", "µs, other", "times as fast", "95 %"))


def text(run: Run, verdicts: Sequence[Verdict], *, whole: bool) -> str:
    """What a run is shown as on a terminal; measures without a figure only where all groups have run."""
    lines = [f"{heading(run)}\n\n{sides_text(run.rows)}\n"]
    lines += [f"left out: {name}: {reason}" for name, reason in run.left_out.items()]
    lines += [measure_line(verdict) for verdict in verdicts if whole or verdict.figure is not None]
    return "\n".join(lines)


def steps_markdown(rows: Sequence[Row]) -> str:
    """The table of the steps."""
    lines = []
    for row in rows:
        if row.name.startswith("steps of "):
            name = row.name.removeprefix("steps of ")
            lines += [(name, step, number(figure.value), interval(figure)) for step, figure in row.figures.items()]
            lines.append((name, "in all", number(sum(figure.value for figure in row.figures.values())), ""))
    return _markdown(lines, ("", "step", "ns", "95 %"))


def markdown(run: Run, verdicts: Sequence[Verdict]) -> str:
    """All that docs/performance.md shows of a run."""
    left_out = "".join(f"- left out: {name} ({reason})\n" for name, reason in run.left_out.items())
    return (
        f"{heading(run)}\n\n### The bounds\n\n{measures_markdown(verdicts)}\n\n"
        f"### Where the nanoseconds go\n\n{steps_markdown(run.rows)}\n\n"
        f"### Every side\n\nSatchel's median time, and how many times as long the others take.\n\n"
        f"{sides_markdown(run.rows)}\n" + (f"\n{left_out}" if left_out else "")
    )


def _markdown(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
