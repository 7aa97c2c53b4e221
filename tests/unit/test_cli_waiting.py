"""Waiting for tasks on a command line: the bar, what it says, and when it ends."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any

import pytest

from satchel.calling.results import PENDING, Record, ResultTimeout
from satchel.cli.states import Seen
from satchel.cli.waiting import ends
from satchel.errors import CorruptBody
from tests.unit.cli_calling import Place, place, run
from tests.unit.cli_run import environment

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

__all__ = ["place", "run"]  # fixtures

WITHOUT_RICH = "import sys; sys.modules['rich'] = None\n"
MAIN = "from satchel.cli import main; import sys; sys.exit(main())"
DONE = Record("SUCCESS", 4)


class Stored:
    """A result backend that gives the states that it was made with, and then raises, if it was made with an error."""

    def __init__(self, states: Mapping[str, list[Record | Exception]]) -> None:
        self.states = states
        self.deadlines: list[float | None] = []

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        self.deadlines.append(deadline)
        for state in self.states[task_id]:
            if isinstance(state, Exception):
                raise state
            yield state


def waited(backend: Any, ids: list[str], seconds: float = inf, what: str = "") -> tuple[list[Seen], list[Any]]:
    told: list[Any] = []
    seen = list(ends(backend, ids, seconds, lambda *each: told.append(each), what))
    return seen, told


def told_of(*states: Record) -> list[Any]:
    return waited(Stored({"one": [*states, DONE]}), ["one"], what="shop.add")[1]


def test_each_state_is_told_by_its_name() -> None:
    told = told_of(Record("STARTED", {"pid": 1}), Record("PACKING"))

    assert told == [
        ("shop.add PENDING", 0.0),
        ("shop.add STARTED", 0.0),
        ("shop.add PACKING", 0.0),
        ("shop.add SUCCESS", 1.0),
    ]


@pytest.mark.parametrize(
    ("meta", "done", "shown"),
    [
        ({"progress": 50}, 0.5, "shop.add PROGRESS"),
        ({"progress": 12.5}, 0.125, "shop.add PROGRESS"),
        ({"progress": 250}, 1.0, "shop.add PROGRESS"),
        ({"progress": -5}, 0.0, "shop.add PROGRESS"),
        ({"current": 3, "total": 4}, 0.75, "shop.add PROGRESS 3 of 4"),
        ({"current": 1200, "total": 4800}, 0.25, "shop.add PROGRESS 1,200 of 4,800"),
        ({"progress": 10, "current": 3, "total": 4}, 0.1, "shop.add PROGRESS 3 of 4"),
    ],
)
def test_bar_is_where_the_task_says(meta: Any, done: float, shown: str) -> None:
    told = told_of(Record("PROGRESS", meta))

    assert told[1] == (shown, done)


@pytest.mark.parametrize(
    "meta",
    [
        {"progress": "half"},
        {"progress": float("nan")},
        {"progress": True},
        {"progress": 10**400},
        {"current": 1, "total": 0},
        {"current": None, "total": 4},
        {},
        [30],
        "30",
        None,
    ],
)
def test_meta_that_says_nothing_leaves_the_bar_where_it_was(meta: Any) -> None:
    told = told_of(Record("PROGRESS", {"progress": 20}), Record("PROGRESS", meta))

    assert told[2] == ("shop.add PROGRESS", 0.2)


def test_bar_of_several_tasks_is_shared_by_them() -> None:
    backend = Stored({"one": [Record("PROGRESS", {"progress": 50}), DONE], "two": [DONE]})
    seen, told = waited(backend, ["one", "two"])

    assert [each.id for each in seen] == ["one", "two"]
    assert [done for _, done in told] == [0.0, 0.25, 0.5, 0.5, 1.0]
    assert [what.partition(" PEN")[0] for what, _ in (told[0], told[3])] == ["1 of 2", "2 of 2"]


def test_task_that_does_not_end_in_time_is_given_as_it_is() -> None:
    last = Record("PROGRESS", {"progress": 50})
    backend = Stored({"one": [last, ResultTimeout("late")], "two": [ResultTimeout("late")], "three": [DONE]})
    seen, _ = waited(backend, ["one", "two", "three"], seconds=5)

    assert seen == [Seen("one", last), Seen("two", PENDING), Seen("three", DONE)]


def test_time_is_for_all_tasks_together() -> None:
    backend = Stored({"one": [DONE], "two": [DONE]})
    before = time.monotonic()
    waited(backend, ["one", "two"], seconds=5)
    after = time.monotonic()

    first, second = backend.deadlines
    assert first == second
    assert first is not None
    assert before + 5 <= first <= after + 5


def test_without_seconds_there_is_no_deadline() -> None:
    backend = Stored({"one": [DONE]})
    waited(backend, ["one"])

    assert backend.deadlines == [None]


def test_result_that_cannot_be_read_does_not_hide_the_others() -> None:
    backend = Stored({"one": [CorruptBody("it is cut")], "two": [DONE]})
    seen, _ = waited(backend, ["one", "two"])

    assert seen == [Seen("one", None, "it is cut"), Seen("two", DONE)]


# --- on a terminal ---


def on_terminal(place: Place, *steps: tuple[str, Callable[[], None]], absent: str = "", **variables: str) -> str:
    """Run `send --wait` with a terminal for its errors; each step waits for a text on it, then does something."""
    ours, terminal = pty.openpty()
    arguments = ["send", *place.broker, *place.backend, "shop.add", "--task-id", "one", "--wait"]
    clean = environment(**{"TERM": "xterm-256color", "NO_COLOR": "", **variables})
    process = subprocess.Popen(
        [sys.executable, "-c", absent + MAIN, *arguments], stdout=subprocess.DEVNULL, stderr=terminal, env=clean
    )
    os.close(terminal)
    seen = ""
    for text, act in steps:
        begin = len(seen)
        while text not in seen[begin:]:
            seen += os.read(ours, 65_536).decode()
        act()
    try:
        while part := os.read(ours, 65_536):
            seen += part.decode()
    except OSError:  # The other end is closed.
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return seen


@pytest.mark.parametrize("absent", ["", WITHOUT_RICH], ids=["rich", "no rich"])
def test_bar_moves_as_the_task_tells_how_far_it_is(place: Place, absent: str) -> None:
    seen = on_terminal(
        place,
        ("PENDING", lambda: place.store("one", "STARTED", {"pid": 1})),
        ("STARTED", lambda: place.store("one", "PROGRESS", {"progress": 30})),
        ("30%", lambda: place.store("one", "COUNTING", {"current": 3, "total": 4})),
        ("75%", lambda: place.store("one", "PACKING \x1b[2J")),
        ("PACKING", lambda: place.store("one", "SUCCESS", 4)),
        absent=absent,
    )

    assert "COUNTING 3 of 4" in seen
    assert "PACKING \x1b[2J" not in seen


def test_no_colour_is_written_with_no_color(place: Place) -> None:
    place.store("one", "SUCCESS", 4)
    seen = on_terminal(place, NO_COLOR="1")

    assert "\x1b[3" not in seen
    assert "shop.add SUCCESS" in seen
