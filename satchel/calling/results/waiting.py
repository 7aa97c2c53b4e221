"""Waiting for a task's states: by polling, and through outages of a result backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from satchel.calling.results.errors import BackendError, ResultTimeout
from satchel.calling.results.record import Record

PATIENCE: Final = 30.0
"""Seconds that a result backend may be unreachable on end, where no deadline says how long."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0
_FIRST_LOOKS: Final = 0.02


class Outage:
    """How long a result backend has been unreachable.

    Args:
        deadline: on the clock of `time.monotonic`; None gives up after `PATIENCE`.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline
        self._until: float | None = None
        self._pause = _FIRST_PAUSE

    def over(self) -> None:
        """Note that the backend has answered."""
        self._until, self._pause = None, _FIRST_PAUSE

    def check(self, error: BackendError) -> None:
        """Raise the error, if it is time to give up."""
        self._checked(error)

    def _checked(self, error: BackendError) -> float:
        now = time.monotonic()
        if self._until is None:
            self._until = now + PATIENCE if self._deadline is None else self._deadline
        if error.lasting or now >= self._until:
            raise error
        return self._until - now

    def wait(self, error: BackendError) -> None:
        """Wait for a while that doubles each time; raise the error, if it is time to give up."""
        time.sleep(min(self._pause, self._checked(error)))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def remaining(deadline: float | None, longest: float) -> float:
    """Give the seconds until the deadline, 0 to `longest`."""
    return longest if deadline is None else max(min(longest, deadline - time.monotonic()), 0.0)


def give_up(task_id: str) -> NoReturn:
    """Raise that the time is over."""
    raise ResultTimeout(
        f"no result of the task {task_id[:200]!r} in the time given",
        cure="it may still run: ask again, give more time, or see that a worker takes its queue and stores results",
    )


def poll(fetch: Callable[[str], Record], task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
    """Give each state that is seen, for backends that do not tell of new ones. See `Backend.watch`."""
    outage, pause = Outage(deadline), min(_FIRST_LOOKS, interval)
    last: Any = None
    while True:
        try:
            record = fetch(task_id)
        except BackendError as error:
            outage.wait(error)
            continue
        outage.over()
        # What was unpickled, and NaN, is no longer equal to itself: its repr is.
        if record.state != "PENDING" and record.raw != last and repr(record.raw) != repr(last):
            last = record.raw
            yield record
        if record.ready:
            return
        left = remaining(deadline, pause)
        if not left:
            give_up(task_id)
        time.sleep(left)
        pause = min(pause * 1.5, interval)
