"""Tables and progress on a terminal and in a pipe, with rich and without."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from typing import NamedTuple

import pytest

from satchel.cli.table import table
from tests.unit.bench_runs import a_run
from tests.unit.cli_run import environment

WITHOUT_RICH = "import sys; sys.modules['rich'] = None\n"
TABLE = """
from satchel.cli.showing import print_table
rows = [("json", "402", "x"), ("[red]msgpack\\x1b[2J", "1,331", "y")]
print_table(("NAME", "SIZE", "MORE"), rows, right=("SIZE",), {})
"""
RUN = """
from satchel.cli.showing import print_run
from tests.unit.bench_runs import a_run
print_run(a_run(), plain={})
"""
PROGRESS = """
import sys
from satchel.cli import showing
showing._REFRESH = 0
with showing.progress() as tell:
    tell("screening", 0.25)
    tell("timing [red]\\x1b[2J", 0.5)
    {}
print("done", file=sys.stderr)
"""
INTERRUPTED = "import os, signal; os.kill(os.getpid(), signal.SIGINT); tell('not reached', 1.0)"

either = pytest.mark.parametrize("absent", ["", WITHOUT_RICH], ids=["rich", "no rich"])


class Seen(NamedTuple):
    """What a program wrote, and its exit code."""

    out: str
    err: str
    code: int


def in_pipes(code: str, **variables: str) -> Seen:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(**variables), timeout=60)
    return Seen(done.stdout.decode(), done.stderr.decode(), done.returncode)


def on_terminal(code: str, *, columns: int = 120, **variables: str) -> Seen:
    """Run code whose standard output and error are a terminal each; the ends of lines are put back."""
    ends = [pty.openpty() for _ in range(2)]
    for _, terminal in ends:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    clean = environment(**{"TERM": "xterm-256color", "COLUMNS": "", "NO_COLOR": "", **variables})
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=ends[0][1], stderr=ends[1][1], env=clean
    )
    for _, terminal in ends:
        os.close(terminal)
    out, err = (drained(ours) for ours, _ in ends)
    return Seen(out, err, process.wait(timeout=60))


def drained(ours: int) -> str:
    """Read until the other end is closed. Less is written to the two terminals than they hold."""
    data = b""
    try:
        while part := os.read(ours, 65536):
            data += part
    except OSError:
        pass
    os.close(ours)
    return data.decode().replace("\r\n", "\n")


def unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def left_on_screen(text: str) -> list[str]:
    """What a terminal shows once it has got a text: the lines, without the blanks at their ends."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|.|\n", text, re.DOTALL):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


# --- tables ---


@either
def test_table_in_a_pipe_is_plain_text(absent: str) -> None:
    seen = in_pipes(absent + TABLE.format(""), FORCE_COLOR="1")

    rows = [("json", "402", "x"), (r"[red]msgpack\x1b[2J", "1,331", "y")]
    assert seen == (table(("NAME", "SIZE", "MORE"), rows, right="SIZE") + "\n", "", 0)


@either
def test_plain_table_is_the_same_on_a_terminal_as_in_a_pipe(absent: str) -> None:
    code = absent + TABLE.format("plain=True")

    assert on_terminal(code, columns=20) == in_pipes(code)


def test_table_on_a_terminal_is_laid_out_by_rich() -> None:
    seen = on_terminal(TABLE.format("strong=(0,)"))

    assert "\x1b[1" in seen.out
    lines = unstyled(seen.out).splitlines()
    assert lines[0].split() == ["NAME", "SIZE", "MORE"]
    assert set(lines[1]) <= {"─", " "}
    assert lines[2].split() == ["json", "402", "x"]


@either
def test_name_is_no_markup_and_cannot_act_on_the_terminal(absent: str) -> None:
    seen = on_terminal(absent + TABLE.format(""))

    assert r"[red]msgpack\x1b[2J" in seen.out
    assert "\x1b[2J" not in seen.out


@either
@pytest.mark.parametrize(("no_color", "term"), [("1", "xterm-256color"), ("", "dumb")], ids=["NO_COLOR", "dumb"])
def test_no_escape_sequence_is_written_where_none_is_wanted(absent: str, no_color: str, term: str) -> None:
    seen = on_terminal(absent + TABLE.format("strong=(0,)"), NO_COLOR=no_color, TERM=term)

    assert "\x1b" not in seen.out
    assert seen.out.splitlines()[0].split() == ["NAME", "SIZE", "MORE"]


def test_rich_is_imported_only_for_a_terminal() -> None:
    told = "\nimport sys; print('rich.console' in sys.modules, file=sys.stderr)"

    assert in_pipes(RUN.format(False) + told).err == "False\n"
    assert on_terminal(RUN.format(False) + told).err == "True\n"
    assert on_terminal(RUN.format(True) + told).err == "False\n"


@either
def test_columns_that_do_not_fit_a_terminal_are_left_out_and_named(absent: str) -> None:
    wide = on_terminal(absent + RUN.format(False), columns=120, NO_COLOR="1").out
    narrow = on_terminal(absent + RUN.format(False), columns=60, NO_COLOR="1").out

    assert "For want of room" not in wide
    header = next(line for line in narrow.splitlines() if "NAME" in line)
    assert header.split() == ["NAME", "MEAN", "P99", "ENCODE", "DECODE", "PARETO"]
    assert "For want of room without P50, RATIO, MEMORY, STAGE; see them with --plain" in narrow
    assert max(len(line) for line in narrow.partition("For want")[0].splitlines()) <= 60


def test_table_that_fits_is_as_wide_by_rich_as_without() -> None:
    code = RUN.format(False)
    rich, plain = (on_terminal(absent + code, columns=85, NO_COLOR="1").out for absent in ("", WITHOUT_RICH))

    lines = [line.rstrip() for line in rich.splitlines()]
    assert [line for line in lines if set(line) != {"─"}] == plain.splitlines()


@either
def test_names_of_columns_may_be_the_same(absent: str) -> None:
    code = "from satchel.cli.showing import print_table; print_table(('', 'N', ''), [('a', '1', 'b')], right=('N',))"
    seen = on_terminal(absent + code, NO_COLOR="1")

    assert seen.out.splitlines()[-1].split() == ["a", "1", "b"]


@pytest.mark.parametrize("rows", ["[]", "[('', '')]"])
@either
def test_table_may_be_empty(absent: str, rows: str) -> None:
    code = f"from satchel.cli.showing import print_table; print_table(('A', 'B'), {rows}, spare=('B',))"

    assert on_terminal(absent + code, NO_COLOR="1").out.split()[:2] == ["A", "B"]


def test_run_is_shown_with_what_must_be_known_to_read_it() -> None:
    seen = in_pipes(RUN.format(False))

    timed = [row for row in a_run().rows if row.stage == "timed"]
    assert len(seen.out.splitlines()) == 1 + len(timed) + 4
    assert f"{len(a_run().rows) - len(timed)} more were screened, and are behind" in seen.out
    assert "1,000 of 12,034 messages, chosen at random." in seen.out
    assert "Left out: json + snappy: python-snappy is not installed" in seen.out


# --- progress ---


@either
def test_progress_is_silent_where_standard_error_is_no_terminal(absent: str) -> None:
    assert in_pipes(absent + PROGRESS.format("")) == ("", "done\n", 0)


@either
def test_progress_is_shown_on_a_terminal_and_gone_afterwards(absent: str) -> None:
    seen = on_terminal(absent + PROGRESS.format(""))

    assert seen.out == ""
    assert "25%" in seen.err
    assert "screening" in seen.err
    assert r"timing [red]\x1b[2J" in seen.err
    assert left_on_screen(seen.err) == ["done"]


@either
def test_ctrl_c_leaves_no_progress_on_the_terminal(absent: str) -> None:
    ending = "\ntry: exec(code)\nexcept KeyboardInterrupt: print('stopped', file=__import__('sys').stderr)"
    seen = on_terminal(f"{absent}code = {PROGRESS.format(INTERRUPTED)!r}{ending}")

    assert "not reached" not in seen.err
    assert left_on_screen(seen.err) == ["stopped"]
    # A cursor that was hidden is shown again.
    assert seen.err.count("\x1b[?25l") == seen.err.count("\x1b[?25h")


def test_progress_starts_no_thread() -> None:
    counted = "import threading; print(threading.active_count())"

    assert on_terminal(PROGRESS.format(counted)).out == "1\n"


def test_progress_without_rich_is_no_wider_than_the_terminal() -> None:
    seen = on_terminal(WITHOUT_RICH + PROGRESS.format(""), columns=20)

    assert max(map(len, seen.err.replace("\n", "\r").split("\r"))) == 19


def test_progress_is_written_at_most_ten_times_a_second_and_for_what_is_new() -> None:
    code = "from satchel.cli import showing\nshowing._REFRESH = 1e9\nwith showing.progress() as tell:\n"
    seen = on_terminal(WITHOUT_RICH + code + "    for n in range(100): tell(f'step {n // 50}', n / 100)")

    assert re.findall(r"step \d+", seen.err) == ["step 0", "step 1"]


def test_interrupted_program_ends_by_its_signal_without_rich_in_the_way() -> None:
    seen = on_terminal(PROGRESS.format(INTERRUPTED))

    assert seen.code in {-signal.SIGINT, 128 + signal.SIGINT}
