"""One state of one task, as a result backend stored it: decoded, validated, and its exception rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from satchel.records import NamedTuple

READY_STATES: Final = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
"""After these, nothing comes."""
PROPAGATED_STATES: Final = frozenset({"FAILURE", "REVOKED"})
"""The final states whose result is an exception that is raised."""
EXCEPTION_STATES: Final = frozenset({"FAILURE", "REVOKED", "RETRY"})
"""The states whose result is an exception."""

EXTENDED: Final = ("name", "args", "kwargs", "worker", "retries", "queue")
"""What workers store besides when ``result_extended`` is on."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Record(NamedTuple):
    """One state of one task.

    Attributes:
        state: ``PENDING``, ``STARTED``, ``RETRY``, ``SUCCESS``, ``FAILURE``, ``REVOKED`` or a task's own.
        result: the value, what `update_state` was given, or an exception.
        traceback: the worker's, as text.
        children: the tasks that the task called, each as ``((id, parent), nodes)``.
        date_done: when it ended, with a timezone; None until then.
        group_id, parent_id: the group it belongs to, and the task that called it.
        extended: what ``result_extended`` adds: ``name, args, kwargs, worker, retries, queue``; empty when it is off.
        raw: what was stored, decoded, as it is there.
    """

    state: str
    result: Any = None
    traceback: str | None = None
    children: list[Any] | tuple[Any, ...] = ()
    date_done: datetime | None = None
    group_id: str | None = None
    parent_id: str | None = None
    extended: Mapping[str, Any] = _NOTHING
    raw: Mapping[str, Any] = _NOTHING

    @property
    def ready(self) -> bool:
        """Whether it is the last state."""
        return self.state in READY_STATES

    @property
    def raised(self) -> bool:
        """Whether the task ended with an exception, which is the result."""
        return self.state in PROPAGATED_STATES

    def message(self, task_id: str) -> dict[str, Any]:
        """Give what callbacks get: Celery's names, and whatever else was stored."""
        body = {
            "task_id": task_id,
            "status": self.state,
            "result": self.result,
            "traceback": self.traceback,
            "children": list(self.children),
        }
        return body | {name: value for name, value in self.raw.items() if name not in body}


PENDING: Final = Record("PENDING")
"""No worker has stored a state: the task waits, is unknown, or its result has expired."""
