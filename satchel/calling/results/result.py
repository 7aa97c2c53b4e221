"""The result of one task: wait for it, look at it, forget it; blocking, or with asyncio."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from satchel.message.checks import encodable
from satchel.message.times import shown

if TYPE_CHECKING:
    from satchel.calling.results.backends.base import Backend
    from satchel.calling.results.group import GroupResult
    from satchel.calling.results.record import Record

R_co = TypeVar("R_co", covariant=True)

_FIRST_PAUSE: Final = 0.01  # Seconds.
_LONGEST_PAUSE: Final = 0.25


class AsyncResult(Generic[R_co]):
    """The result of a task, by its id. Making one asks nothing; a final state is asked for once, then kept.

    Args:
        id: the task's.
        backend: where results are stored.
        parent: the result of what runs before it, in a chain or as the header of a chord: where that failed, this one
            never comes.
        ignored: the task was sent with ``ignore_result=True``: `get` gives None at once.
    """

    def __init__(
        self,
        id: str,
        backend: Backend,
        *,
        parent: AsyncResult[Any] | GroupResult[Any] | None = None,
        ignored: bool = False,
    ) -> None:
        # Most ids are Satchel's own: in a quarter of the time of a call.
        self.id: str = id if type(id) is str and id and id.isascii() else task_id_of(id)
        self.backend = backend
        self.parent = parent
        self.ignored = ignored
        self._final: Record | None = None

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.id

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, AsyncResult) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return self.id

    def as_tuple(self) -> tuple[tuple[str, Any], None]:
        """Give it as Celery stores it: ``((id, parent), None)``."""
        return (self.id, self.parent and self.parent.as_tuple()), None

    # Waiting

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        *,
        on_message: Callable[[dict[str, Any]], object] | None = None,
        callback: Callable[[str, Any], object] | None = None,
    ) -> R_co:
        """Wait for the task's end and give what it returned.

        Args:
            timeout: seconds; None waits for ever, 0 only looks.
            propagate: raise what the task raised or, if one before it has failed, what the first of those did; False
                gives the task's own exception instead.
            interval: the longest wait between two looks, in seconds, at backends that do not tell of new states.
            on_message: called with every state of this task that is seen, as a dict (``task_id, status, result,
                traceback, children`` and whatever else is stored): each once, and the final one always.
            callback: called at the end with the task's id and its value or exception.

        Raises:
            ResultTimeout: the time was over.
            Exception: what the task raised, where its class is allow-listed; its cause is the worker's traceback.
            TaskError: what else the task raised; `TaskRevoked` when it was not run.
            BackendError: the result backend cannot be reached.
            DecodeError: the result is not accepted, too large, or broken.
        """
        if self.ignored:
            return cast(R_co, None)
        deadline = deadline_of(timeout)
        check_interval(interval)
        if propagate and self.parent is not None:
            from satchel.calling.results.parents import is_known, raise_of_parents  # Most tasks have none.

            if not is_known(self):
                raise_of_parents(self.parent, deadline)
        if self._final is None:
            for record in self.backend.watch(self.id, deadline=deadline, interval=interval):
                if record.ready:
                    self._final = record
                if on_message is not None:
                    on_message(record.message(self.id))
        elif on_message is not None:
            on_message(self._final.message(self.id))
        record = self._record()
        if callback is not None:
            callback(self.id, record.result)
        if propagate and record.raised:
            if self.parent is not None:
                from satchel.calling.results.parents import raise_of_parents

                raise_of_parents(self.parent, deadline, headers=True)
            raise_failure(record)
        return cast(R_co, record.result)

    def __await__(self) -> Generator[Any, None, R_co]:
        """Wait without blocking the event loop, for as long as it takes; ``asyncio.timeout`` bounds it."""
        return self._wait().__await__()

    async def _wait(self) -> R_co:
        import asyncio  # 14 ms, and most callers have no event loop.

        from satchel.calling.results.errors import BackendError
        from satchel.calling.results.parents import is_known, wait_for_parents
        from satchel.calling.results.waiting import Outage

        # Short looks, not one long wait: a thread cannot be cancelled, and the loop's are few.
        if self.ignored:
            return cast(R_co, None)
        if self.parent is not None and not await asyncio.to_thread(is_known, self):
            await wait_for_parents(self.parent)
        pause, outage = _FIRST_PAUSE, Outage()
        while True:
            try:
                record = await self._looked()
                outage.over()
            except BackendError as error:
                outage.check(error)
            else:
                if record.raised:
                    await wait_for_parents(self.parent, headers=True)
                    raise_failure(record)
                if record.ready:
                    return cast(R_co, record.result)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _looked(self) -> Record:
        import asyncio  # See above.

        return self._final if self._final is not None else await asyncio.to_thread(self._record)

    # Looking

    def _record(self) -> Record:
        if self._final is not None:
            return self._final
        record = self.backend.fetch(self.id)
        if record.ready:
            self._final = record
        return record

    @property
    def state(self) -> str:
        """The state now; ``PENDING`` when none is stored."""
        return self._record().state

    status = state

    @property
    def result(self) -> Any:
        """The value, what ``update_state`` was given, the exception, or None."""
        return self._record().result

    info = result

    @property
    def traceback(self) -> str | None:
        """The worker's traceback, as text."""
        return self._record().traceback

    @property
    def date_done(self) -> datetime | None:
        """When it ended, with a timezone."""
        return self._record().date_done

    @property
    def children(self) -> list[AsyncResult[Any] | GroupResult[Any]]:
        """The results of the tasks that the task called."""
        from satchel.calling.results.group import result_from_tuple

        return [result_from_tuple(child, self.backend) for child in self._record().children]

    def ready(self) -> bool:
        """Tell whether the task has ended."""
        return self._record().ready

    def successful(self) -> bool:
        """Tell whether it returned."""
        return self.state == "SUCCESS"

    def failed(self) -> bool:
        """Tell whether it raised."""
        return self.state == "FAILURE"

    @property
    def name(self) -> str | None:
        """The task's name; like the next five, it is stored when ``result_extended`` is on."""
        return self._record().extended.get("name")

    @property
    def args(self) -> Any:
        """Its positional arguments."""
        return self._record().extended.get("args")

    @property
    def kwargs(self) -> Any:
        """Its keyword arguments."""
        return self._record().extended.get("kwargs")

    @property
    def worker(self) -> str | None:
        """The worker that ran it."""
        return self._record().extended.get("worker")

    @property
    def retries(self) -> int | None:
        """How often it was tried again."""
        return self._record().extended.get("retries")

    @property
    def queue(self) -> str | None:
        """The routing key that it came by."""
        return self._record().extended.get("queue")

    def forget(self) -> None:
        """Delete the result, here and at the backend."""
        self._final = None
        if not self.ignored:
            self.backend.forget(self.id)

    def parents(self) -> Iterator[AsyncResult[Any] | GroupResult[Any]]:
        """Give the results before it in its chain, the nearest first."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent


def raise_failure(record: Record) -> None:
    """Raise what a task raised, if that is how it ended."""
    if record.raised:
        error: BaseException = record.result
        raise error.with_traceback(None)  # It is kept, and would grow by each time that it is raised.


def task_id_of(value: object) -> str:
    """Take the id of a task or a group: a str that is not empty, and that UTF-8 can encode."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"an id is a str that is not empty, got {shown(value)}")
    encodable("an id", value)
    return value


def deadline_of(timeout: float | None) -> float | None:
    """Turn seconds from now into a time on the clock of `time.monotonic`."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, or None, got {shown(timeout)}")
    if math.isnan(timeout) or timeout < 0:
        raise ValueError(f"timeout must be 0 seconds or more, or None for no limit, got {shown(timeout)}")
    return time.monotonic() + timeout


def check_interval(interval: float) -> None:
    """Take a number of seconds that is greater than 0."""
    if isinstance(interval, bool) or not isinstance(interval, (int, float)):
        raise TypeError(f"interval must be a number of seconds, got {shown(interval)}")
    if not interval > 0:
        raise ValueError(f"interval must be greater than 0 seconds, got {shown(interval)}")
