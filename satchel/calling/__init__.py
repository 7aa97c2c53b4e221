"""The calling API of Celery's guide: tasks that stock workers run, sent and waited for without Celery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from satchel.calling.app import App
from satchel.calling.calls import Outgoing
from satchel.calling.errors import NotConfirmed, OperationalError, PoolTimeout, Refused, SendManyError, Unroutable
from satchel.calling.options import CallOptions
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

if TYPE_CHECKING:
    from satchel.calling.canvas import Chain, Chord, ChordsUnsupported, Group, chain, chord, group

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

_OF_CANVAS = frozenset({"Chain", "Chord", "ChordsUnsupported", "Group", "chain", "chord", "group"})


def __getattr__(name: str) -> Any:
    # Most clients send no chains: they are spared the import.
    if name not in _OF_CANVAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from satchel.calling import canvas

    return getattr(canvas, name)
