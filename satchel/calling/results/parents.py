"""What runs before a task, in a chain or as the header of a chord: where that failed, the task may never come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from satchel.calling.results.errors import BackendError
from satchel.calling.results.result import AsyncResult, raise_failure
from satchel.errors import DecodeError

if TYPE_CHECKING:
    from satchel.calling.results.group import GroupResult


def is_known(result: AsyncResult[Any]) -> bool:
    """Say whether a task has ended, as far as can be told: those before it are looked at later then, or never."""
    try:
        return result._record().ready
    except (BackendError, DecodeError):
        return False


def raise_of_parents(
    parent: AsyncResult[Any] | GroupResult[Any] | None, deadline: float | None, *, headers: bool = False
) -> None:
    """Raise what the first of those tasks that run before another one raised: then that one may never come.

    Args:
        parent: what runs right before it.
        deadline: when to stop looking at further ones.
        headers: look at those of groups as well. They may be thousands, and the body of a chord fails with them: so
            only when it has.
    """
    for number, result in enumerate(_tasks_above(parent, headers=headers)):
        if number and deadline is not None and time.monotonic() >= deadline:
            return
        try:
            record = result._record()
        except BackendError:
            return  # Of the task itself it may be known all the same, and each further look may take as long.
        except DecodeError:
            continue
        raise_failure(record)


async def wait_for_parents(parent: AsyncResult[Any] | GroupResult[Any] | None, *, headers: bool = False) -> None:
    """Do as `raise_of_parents` does, each look in a thread of its own: between them it can be cancelled."""
    for result in _tasks_above(parent, headers=headers):
        try:
            record = await result._looked()
        except BackendError:
            return
        except DecodeError:
            continue
        raise_failure(record)


def _tasks_above(parent: AsyncResult[Any] | GroupResult[Any] | None, *, headers: bool) -> Iterator[AsyncResult[Any]]:
    """Give the results that are stored of what runs before a task, the first to run first."""
    above: list[AsyncResult[Any] | GroupResult[Any]] = []
    while parent is not None:
        above.append(parent)
        parent = parent.parent
    for each in reversed(above):
        if headers or isinstance(each, AsyncResult):
            yield from _tasks_of(each)


def _tasks_of(result: AsyncResult[Any] | GroupResult[Any]) -> Iterator[AsyncResult[Any]]:
    """Give the tasks that store results, those of groups within a group too."""
    if not isinstance(result, AsyncResult):
        for each in result.results:
            yield from _tasks_of(each)
    elif not result.ignored:
        yield result
