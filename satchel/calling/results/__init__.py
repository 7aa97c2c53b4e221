"""Results of tasks, as stock Celery workers store them: read, waited for, and never trusted."""

from __future__ import annotations

from satchel.calling.results.backends import Backend, backend_for
from satchel.calling.results.errors import BackendError, RemoteTraceback, ResultTimeout, TaskError, TaskRevoked
from satchel.calling.results.group import GroupResult, result_from_tuple
from satchel.calling.results.record import PENDING, Record
from satchel.calling.results.result import AsyncResult

__all__ = [
    "PENDING",
    "AsyncResult",
    "Backend",
    "BackendError",
    "GroupResult",
    "Record",
    "RemoteTraceback",
    "ResultTimeout",
    "TaskError",
    "TaskRevoked",
    "backend_for",
    "result_from_tuple",
]
