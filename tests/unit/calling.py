"""What tests of the calling API share: an application on kombu's memory transport, what it has sent, and results."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any
from uuid import uuid4

from satchel import Pipeline, celery_registry
from satchel.calling import App, Task
from satchel.calling.calls import Prepared
from satchel.message import MessageReader, TaskCall

kombu: Any = import_module("kombu")

READER = MessageReader(Pipeline(["json", "msgpack", "yaml", "pickle"], registry=celery_registry))


class Shop:
    """An application with a queue of its own.

    Attributes:
        app: it.
        queue: the name of its default queue.
    """

    def __init__(self, **settings: Any) -> None:
        self.queue = f"satchel-{uuid4().hex}"
        given = {"broker": "memory://", "task_default_queue": self.queue, **settings}
        self.app = App("shop", **given)

    def received(self, queue: str | None = None) -> list[TaskCall]:
        """Take all messages out of a queue."""
        with kombu.Connection("memory://") as connection:
            simple = kombu.Queue(queue or self.queue)(connection.default_channel)
            calls = []
            while (message := simple.get(no_ack=True)) is not None:
                calls.append(
                    READER.read(
                        body=message.body,
                        content_type=message.content_type,
                        content_encoding=message.content_encoding,
                        headers=message.headers,
                        properties=message.properties,
                    )
                )
            return calls

    def sent(self, queue: str | None = None) -> TaskCall:
        """Take the one message out of a queue."""
        (call,) = self.received(queue)
        return call


def stored(result: Any = 4, status: str = "SUCCESS", **fields: Any) -> bytes:
    """Give what a worker stores, or replies."""
    return json.dumps({"status": status, "result": result, "traceback": None, "children": [], **fields}).encode()


def task_of(app: App, **options: Any) -> Task[..., Any]:
    """Make a task of a function that takes anything."""

    def pay(*args: Any) -> None: ...

    made: Task[..., Any] = app.task(name="shop.pay", **options)(pay)
    return made


def prepared(task: Task[..., Any], *args: Any, **options: Any) -> Prepared:
    """Prepare a call; nothing is sent."""
    return task.app.sender.prepare(task.signature(args, **options).call())
