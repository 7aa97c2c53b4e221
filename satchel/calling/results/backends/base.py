"""What a result backend is: where the states of tasks are read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from satchel.calling.results.record import Record


class Backend(Protocol):
    """Reads the states that workers store. Shared by threads, and usable after a fork.

    Whatever cannot be reached or used is a `BackendError`; what is stored there but refused, a `DecodeError`.
    """

    @property
    def reply_to(self) -> str | None:
        """The name of the queue for replies, which messages carry; None where workers know where results go."""
        ...

    def prepare(self, channel: Any) -> None:
        """Make ready for results, before a message is sent on a kombu `channel`: rpc declares its queue there.

        It costs nothing where it was done before. What it raises is the transport's own error.
        """
        ...

    def fetch(self, task_id: str) -> Record:
        """Give a task's state as it is now; `PENDING` when there is none."""
        ...

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """Give each state as it comes, and the final one exactly once and last.

        Args:
            task_id: the task.
            deadline: on the clock of `time.monotonic`, or None.
            interval: the longest wait between two looks, in seconds, where there is no push.

        Raises:
            ResultTimeout: at the deadline.
            BackendError: it could not be reached until then or, without a deadline, for 30 seconds on end.
        """
        ...

    def forget(self, task_id: str) -> None:
        """Delete a task's result."""
        ...

    def save_group(self, group_id: str, group: Any) -> None:
        """Store a group, given as ``((id, parent), [((id, parent), None), …])``."""
        ...

    def fetch_group(self, group_id: str) -> Any | None:
        """Give a group as it was stored, or None."""
        ...

    def delete_group(self, group_id: str) -> None:
        """Delete a stored group, but no result."""
        ...

    def close(self) -> None:
        """Close all connections. They are opened again when they are needed."""
        ...
