"""The calling API of Celery's guide: tasks that stock workers run, sent and waited for without Celery."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.calling.app import App
    from satchel.calling.call_options import CallOptions
    from satchel.calling.calls import Outgoing
    from satchel.calling.canvas import Chain, Chord, ChordsUnsupported, Group, chain, chord, group
    from satchel.calling.errors import NotConfirmed, OperationalError, PoolTimeout, Refused, SendManyError, Unroutable
    from satchel.calling.preparing import LongWait, NeverRuns
    from satchel.calling.results import (
        AsyncResult,
        BackendError,
        GroupResult,
        ResultTimeout,
        TaskError,
        TaskRevoked,
    )
    from satchel.calling.retrying import RetryPolicy
    from satchel.calling.routing.queues import UnknownQueue
    from satchel.calling.settings import Settings, UnknownVariable
    from satchel.calling.signature import Signature
    from satchel.calling.task import Task
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(
        __name__,
        {
            "app": "App",
            "call_options": "CallOptions",
            "calls": "Outgoing",
            "canvas": "Chain Chord ChordsUnsupported Group chain chord group",
            "errors": "NotConfirmed OperationalError PoolTimeout Refused SendManyError Unroutable",
            "preparing": "LongWait NeverRuns",
            "results": "AsyncResult BackendError GroupResult ResultTimeout TaskError TaskRevoked",
            "retrying": "RetryPolicy",
            "routing.queues": "UnknownQueue",
            "settings": "Settings UnknownVariable",
            "signature": "Signature",
            "task": "Task",
        },
    )

__all__ = [
    "App",
    "AsyncResult",
    "BackendError",
    "CallOptions",
    "Chain",
    "Chord",
    "ChordsUnsupported",
    "Group",
    "GroupResult",
    "LongWait",
    "NeverRuns",
    "NotConfirmed",
    "OperationalError",
    "Outgoing",
    "PoolTimeout",
    "Refused",
    "ResultTimeout",
    "RetryPolicy",
    "SendManyError",
    "Settings",
    "Signature",
    "Task",
    "TaskError",
    "TaskRevoked",
    "UnknownQueue",
    "UnknownVariable",
    "Unroutable",
    "chain",
    "chord",
    "group",
]
