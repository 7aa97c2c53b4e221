"""Task messages of Celery's protocols 1 and 2: the builder, the reader, and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.message.builder import MessageBuilder
    from satchel.message.options import Signature
    from satchel.message.reader import MessageReader
    from satchel.message.reprs import bounded_repr
    from satchel.message.task_call import TaskCall
    from satchel.message.task_message import TaskMessage
    from satchel.message.task_options import TaskOptions
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(
        __name__,
        {
            "builder": "MessageBuilder",
            "options": "Signature",
            "reader": "MessageReader",
            "reprs": "bounded_repr",
            "task_call": "TaskCall",
            "task_message": "TaskMessage",
            "task_options": "TaskOptions",
        },
    )

__all__ = [
    "MessageBuilder",
    "MessageReader",
    "Signature",
    "TaskCall",
    "TaskMessage",
    "TaskOptions",
    "bounded_repr",
]
