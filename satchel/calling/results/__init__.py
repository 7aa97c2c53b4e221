"""Results of tasks, as stock Celery workers store them: read, waited for, and never trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.calling.results.backends.base import Backend
    from satchel.calling.results.backends.choosing import backend_for
    from satchel.calling.results.errors import BackendError, RemoteTraceback, ResultTimeout, TaskError, TaskRevoked
    from satchel.calling.results.group import GroupResult, result_from_tuple
    from satchel.calling.results.record import PENDING, Record
    from satchel.calling.results.result import AsyncResult
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(
        __name__,
        {
            "backends.base": "Backend",
            "backends.choosing": "backend_for",
            "errors": "BackendError RemoteTraceback ResultTimeout TaskError TaskRevoked",
            "group": "GroupResult result_from_tuple",
            "record": "PENDING Record",
            "result": "AsyncResult",
        },
    )

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
