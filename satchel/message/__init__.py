"""Task messages of Celery's protocols 1 and 2: the builder, the reader, and what they give."""

from __future__ import annotations

from satchel.message.builder import MessageBuilder
from satchel.message.options import TaskOptions
from satchel.message.reader import MessageReader
from satchel.message.reprs import bounded_repr
from satchel.message.signatures import Signature
from satchel.message.task_call import TaskCall
from satchel.message.task_message import TaskMessage

__all__ = [
    "MessageBuilder",
    "MessageReader",
    "Signature",
    "TaskCall",
    "TaskMessage",
    "TaskOptions",
    "bounded_repr",
]
