"""What commands show: tables on standard output, progress on standard error; by rich where it is installed."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, _ArgumentGroup
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TextIO

from satchel.cli.outcome import one_line
from satchel.cli.table import row as laid

if TYPE_CHECKING:
    from rich.console import Console

    from satchel.bench.results import Run

Tell = Callable[[str, float], None]
"""Called with what is being done, and how much of it is done (0 to 1)."""

_REFRESH = 0.1
"""Seconds between two showings of progress."""
_SPARE = ("STAGE", "P50", "MEMORY", "RATIO", "P99", "PARETO")
"""The columns of a run that a narrow terminal does without, the first to go first."""


def add_plain(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--plain``."""
    parser.add_argument("--plain", action="store_true", help="the table as plain text, as it is in a pipe")


def add_screened(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--screened``."""
    parser.add_argument("--screened", action="store_true", help="show the candidates that were only screened, too")


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    plain: bool = False,
    spare: Sequence[str] = (),
    strong: Collection[int] = (),
) -> None:
    """Print a table on standard output.

    In a pipe, and with `plain`, it is plain text that only the cells decide. On a terminal it is laid out by rich where
    that is installed, without colours where ``NO_COLOR`` is set, and columns that do not fit are left out.

    Args:
        header: the columns' names.
        rows: cells, a row as long as the header; what would act on a terminal is escaped.
        right: the names of the columns that are set to the right.
        plain: whatever standard output is.
        spare: the names of the columns that may be left out, the first to go first.
        strong: the numbers of the rows that stand out.
    """
    cells = [[one_line(cell, 300) for cell in line] for line in rows]
    if plain or not _is_terminal(sys.stdout):
        print(_text(header, cells, right))
        return
    kept = _fitting(header, cells, spare)
    spared = [name for index, name in enumerate(header) if index not in kept]
    header = [header[index] for index in kept]
    cells = [[line[index] for index in kept] for line in cells]
    if _has_rich():
        _print_rich(header, cells, right, strong)
    else:
        print(_text(header, cells, right))
    if spared:
        print(f"For want of room without {', '.join(spared)}; see them with --plain, or in a wider terminal.")


def print_run(run: Run, *, plain: bool, screened: bool = False) -> None:
    """Print a run: its table, and what must be known to read it.

    Args:
        run: what is printed.
        plain: as plain text, whatever standard output is.
        screened: with the candidates that were only screened.
    """
    from dataclasses import replace

    from satchel.bench.tabling import caption, left_out, tabulate, warnings

    rows = run.rows if screened else tuple(row for row in run.rows if row.stage == "timed")
    behind = len(run.rows) - len(rows)
    run = replace(run, rows=rows)
    table = tabulate(run)
    best = [number for number, row in enumerate(rows) if row.pareto]
    print_table(table.header, table.rows, right=table.right, plain=plain, spare=_SPARE, strong=best)
    print(f"\n{caption(run)}")
    if behind:
        print(f"{behind} more were screened, and are behind: --screened shows them.")
    for text in warnings(run):
        print(text)
    for name, reason in left_out(run):
        print(f"Left out: {one_line(name)}: {one_line(reason)}")


@contextmanager
def progress() -> Generator[Tell, None, None]:
    """Show on standard error how far a command is; nothing where that is no terminal.

    It is written only when the function that this gives is called, never by a thread of its own: that would disturb
    what is timed between two calls. What was written is gone afterwards, however it ends.
    """
    if not _is_terminal(sys.stderr):
        yield _nothing
    elif _has_rich():
        with _rich_progress() as tell:
            yield tell
    else:
        with _line_of_progress() as tell:
            yield tell


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _has_rich() -> bool:
    if os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    try:
        return find_spec("rich") is not None
    except ValueError:  # It is in sys.modules without a specification, or as None.
        return False


def _columns(stream: TextIO) -> int:
    """Give how many characters a line of a terminal has."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def _text(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str]) -> str:
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(laid(line, widths, [name in right for name in header]) for line in lines)


def _fitting(header: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> list[int]:
    """Give the numbers of the columns that are shown: without those to spare, as far as there is no room for them."""
    widths = [max(map(len, column)) + 2 for column in zip(header, *rows, strict=True)]
    kept, room = list(range(len(header))), _columns(sys.stdout)
    for name in spare:
        # The last column needs no gap after it.
        if sum(widths[index] for index in kept) - 2 <= room:
            break
        kept = [index for index in kept if header[index] != name]
    return kept


def _print_rich(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str], strong: Collection[int]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for index, name in enumerate(header):
        # Numbers stay whole: what does not fit is taken from the first column.
        table.add_column(name, justify="right" if name in right else "left", no_wrap=index > 0, overflow="fold")
    for number, line in enumerate(rows):
        # As Text, which is not searched for rich's markup: a name may be a stranger's.
        table.add_row(*map(Text, line), style="bold green" if number in strong else None)
    _console(sys.stdout).print(table)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    # No system of colours is no escape sequence at all.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=stream, width=_columns(stream), color_system=colours, highlight=False)


def _nothing(what: str, done: float) -> None:
    """Nobody is looking."""


@contextmanager
def _rich_progress() -> Generator[Tell, None, None]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        console=_console(sys.stderr),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = shown.add_task("", total=1.0)
    due = _limit()

    def tell(what: str, done: float) -> None:
        if due(what):
            shown.update(task, completed=done, description=one_line(what, 60), refresh=True)

    with shown:
        yield tell


@contextmanager
def _line_of_progress() -> Generator[Tell, None, None]:
    stream, written, due = sys.stderr, 0, _limit()

    def write(text: str) -> None:
        nonlocal written
        # Blanks and not an escape sequence, which not every terminal knows.
        stream.write(f"\r{text.ljust(written)}")
        stream.flush()
        written = len(text)

    def tell(what: str, done: float) -> None:
        if due(what):
            write(f"{done:4.0%} {one_line(what, 60)}"[: _columns(stream) - 1])

    try:
        yield tell
    finally:
        if written:
            write("")
            write("")


def _limit() -> Callable[[str], bool]:
    """Give a function that says whether it is time to write again: every tenth of a second, and for what is new."""
    from time import monotonic

    last, before = -_REFRESH, ""

    def due(what: str) -> bool:
        nonlocal last, before
        now = monotonic()
        if what == before and now - last < _REFRESH:
            return False
        last, before = now, what
        return True

    return due
