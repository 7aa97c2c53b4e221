"""States of tasks as commands show them: rows for a person, and JSON for a program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from satchel.cli.outcome import one_line
from satchel.cli.values import json_text
from satchel.errors import CorruptBody, EncodeError
from satchel.types import Limits

if TYPE_CHECKING:
    from satchel.calling.results import Record

_NOTHING = "no state is stored: the task waits, or is unknown, or its result has expired or was never kept"
#: A result was within limits; with type tags it may be fuller.
_ROOM = Limits(max_depth=400, max_nodes=8_000_000)


class Seen(NamedTuple):
    """What was seen of a task: a state, or why it cannot be read."""

    id: str
    record: Record | None
    unreadable: str = ""

    @property
    def failed(self) -> bool:
        """Whether the task has ended and returned nothing."""
        return self.record is not None and self.record.ready and self.record.state != "SUCCESS"

    @property
    def state(self) -> str:
        """The state, for a person."""
        return "?" if self.record is None else self.record.state


def value_text(value: Any, *, compact: bool = False) -> str:
    """Give a value as JSON, or by Python's repr where it has no such form."""
    try:
        return json_text(value, _ROOM, compact=compact)
    except EncodeError:
        return repr(value)


def raised(record: Record) -> str:
    """Give what a task raised, as it would be raised again; nothing for one that did not."""
    from satchel.calling.results import TaskError

    error = record.result
    if not isinstance(error, Exception):
        return ""
    return str(error) if isinstance(error, TaskError) else repr(error)


def summary(seen: Seen, longest: int) -> str:
    """Give a task's result, or what else is to be told of it, in at most so many characters of one line."""
    record = seen.record
    if record is None:
        text = seen.unreadable
    elif record.state == "PENDING":
        text = "(no state is stored)"
    else:
        text = raised(record) or value_text(record.result, compact=True)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def ended(seen: Seen) -> str:
    """Give when a task ended, for a table."""
    done = None if seen.record is None else seen.record.date_done
    return "" if done is None else done.isoformat(" ", "seconds")


def rows(seen: Seen, now: datetime) -> Iterator[tuple[str, str]]:
    """Give all that is known of a task as names and texts; those that are empty say nothing.

    Args:
        seen: the task.
        now: the time that its end is held against.
    """
    record = seen.record
    yield "state", seen.state
    if record is None:
        yield "unreadable", seen.unreadable
        return
    if record.state == "PENDING":
        yield "meaning", _NOTHING
        return
    failure = raised(record)
    yield "raised", failure
    yield "result", "" if failure else value_text(record.result, compact=True)
    yield "done", _when(record.date_done, now)
    for name, value in record.extended.items():
        text = value if isinstance(value, str) else value_text(value, compact=True)
        yield name, "" if value is None else text
    yield "parent", record.parent_id or ""
    yield "group", record.group_id or ""
    yield "children", ", ".join(children(record))
    yield "traceback", record.traceback or ""


def lines(seen: Seen, longest: int) -> Iterator[str]:
    """Lay out what is known of a task, so many characters of each value."""
    yield one_line(seen.id)
    told = [(name, text) for name, text in rows(seen, datetime.now(timezone.utc)) if text]
    width = max(len(name) for name, _ in told)
    for name, text in told:
        if name == "traceback":
            yield f"  {name}"
            yield from (f"    {line}" for line in traceback_lines(text))
        else:
            yield f"  {name.ljust(width)}  {one_line(text, longest)}"


def traceback_lines(text: str) -> Iterator[str]:
    """Give a worker's traceback line by line, without anything that would act on a terminal."""
    for line in text.rstrip().split("\n"):
        yield one_line(line.expandtabs(4), 2_000)


def plain(seen: Seen) -> dict[str, Any]:
    """Give all that is known of a task as JSON can hold it.

    The result is in ``result`` where it has a JSON form, and otherwise Python's repr of it in ``repr``; what a task
    raised is a text in ``raised``.
    """
    record = seen.record
    if record is None:
        return {"id": seen.id, "state": None, "unreadable": seen.unreadable}
    failure = raised(record)
    return {
        "id": seen.id,
        "state": record.state,
        **({"raised": failure} if failure else _plain("result", record.result)),
        "traceback": record.traceback,
        "done": record.date_done and record.date_done.isoformat(),
        "parent": record.parent_id,
        "group": record.group_id,
        "children": list(children(record)),
        **{name: text for field, value in record.extended.items() for name, text in _plain(field, value).items()},
    }


def _plain(name: str, value: Any) -> dict[str, Any]:
    import json

    try:
        return {name: json.loads(json_text(value, _ROOM, compact=True))}
    except EncodeError:
        return {"repr" if name == "result" else f"{name}_repr": repr(value)}


def print_json(seen: Seen) -> None:
    """Print a task's state as a JSON object on a line of its own."""
    import json

    print(json.dumps(plain(seen)))
    sys.stdout.flush()


def children(record: Record) -> Iterator[str]:
    """Give the ids of the tasks that a task has called, those in groups among them."""
    from satchel.calling.results import GroupResult, result_from_tuple
    from satchel.calling.results.nowhere import NoBackend

    pending: list[Any] = []
    try:
        pending = [result_from_tuple(child, NoBackend()) for child in record.children]
    except CorruptBody:
        yield "(they cannot be read)"
    while pending:
        result = pending.pop(0)
        if isinstance(result, GroupResult):
            pending[:0] = result.results
        else:
            yield result.id


def _when(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = timedelta(seconds=round(abs((now - moment).total_seconds())))
    return f"{moment.isoformat(timespec='seconds')} ({seconds} ago)" if moment <= now else moment.isoformat()
