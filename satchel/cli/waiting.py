"""Waiting for tasks to end, with a bar on a terminal that moves as they tell how far they are."""

from __future__ import annotations

import math
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from satchel.cli.application import unreadable
from satchel.cli.given import is_number
from satchel.cli.states import Seen
from satchel.errors import DecodeError

if TYPE_CHECKING:
    from satchel.calling.results import Backend, Record
    from satchel.cli.showing import Tell

#: The longest wait between two looks, in seconds, where there is no push.
_INTERVAL = 0.5


def add_wait(parser: ArgumentParser, what: str) -> None:
    """Add ``--wait [SECONDS]``; its value is seconds, infinity without SECONDS, and None where it is not given."""
    parser.add_argument("--wait", nargs="?", const=math.inf, type=seconds_of, metavar="SECONDS", help=what)


def seconds_of(text: str) -> float:
    """Read a number of seconds.

    Raises:
        ArgumentTypeError: it is something else.
    """
    seconds = float(text) if is_number(text) else -1.0
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds


def ends(backend: Backend, ids: Sequence[str], seconds: float, tell: Tell, what: str = "") -> Iterator[Seen]:
    """Wait for tasks, one after another, and give what each came to.

    Args:
        backend: where their results are.
        ids: the tasks.
        seconds: how long, for all together; infinity is for ever. After that, each is given as it is.
        tell: is told of every state.
        what: the name of the one task.

    Raises:
        BackendError: the backend cannot be reached.
    """
    from satchel.calling.results import PENDING, ResultTimeout

    deadline = None if math.isinf(seconds) else time.monotonic() + seconds
    for number, task_id in enumerate(ids):
        label = what or (f"{number + 1} of {len(ids)}" if len(ids) > 1 else task_id)
        done, record = 0.0, PENDING
        tell(f"{label} {record.state}", number / len(ids))
        try:
            for record in backend.watch(task_id, deadline=deadline, interval=_INTERVAL):
                done = 1.0 if record.ready else _done(record, done)
                tell(f"{label} {_progress(record)}", (number + done) / len(ids))
        except ResultTimeout:
            pass
        except DecodeError as error:
            yield Seen(task_id, None, unreadable(error))
            continue
        yield Seen(task_id, record)


def _done(record: Record, before: float) -> float:
    """Give how much of a task is done, 0 to 1, as its own state says it; otherwise as before."""
    meta = record.result
    if not isinstance(meta, Mapping):
        return before
    progress, current, total = (_number(meta.get(name)) for name in ("progress", "current", "total"))
    if progress is not None:
        return min(max(progress / 100, 0.0), 1.0)
    if current is not None and total:
        return min(max(current / total, 0.0), 1.0)
    return before


def _progress(record: Record) -> str:
    meta = record.result
    if isinstance(meta, Mapping) and not record.ready:
        current, total = _number(meta.get("current")), _number(meta.get("total"))
        if current is not None and total:
            return f"{record.state} {current:,} of {total:,}"
    return record.state


def _number(value: Any) -> float | None:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if plain and abs(value) < 1e15 else None
