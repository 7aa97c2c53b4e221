"""Task messages: built and encoded, and read, beside what Celery and kombu do around the transport.

Both sides end where a transport begins (body, headers, properties), and both are published on kombu's memory transport
and consumed again before a clock runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.payloads import small, task_body
from benchmarks.results import OURS, Row, raced
from benchmarks.values import Differs, check
from satchel.bench.timing import race
from satchel.message import MessageBuilder, MessageReader

TASK = "shop.orders.pay"
#: What two messages for one call may differ in: the ids, and who sent them.
_OWN = {"id", "root_id", "origin", "correlation_id"}


def calls() -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Task calls by name: positional and keyword arguments."""
    return {"small": (small()[0], small()[1]), "10 KB": (task_body(38)[0], task_body(38)[1])}


class Celery:
    """Celery's way to a message: `as_task_v2`, and what kombu's producer does with it before the transport."""

    def __init__(self) -> None:
        celery: Any = import_module("celery")
        kombu: Any = import_module("kombu")
        self.app = celery.Celery("benchmarks", broker="memory://", set_as_current=False)
        self.new_id = import_module("kombu.utils.uuid").uuid
        self.as_task = self.app.amqp.as_task_v2
        self.producer = kombu.Producer(None, exchange=kombu.Exchange("tasks"), auto_declare=False)

    def build(self, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Give what is handed to a transport."""
        headers, properties, body, _ = self.as_task(self.new_id(), TASK, args, kwargs)
        _, properties["delivery_mode"] = self.producer._delivery_details(self.producer.exchange, None)
        body, content_type, content_encoding = self.producer._prepare(body, "json", None, None, None, headers)
        return {
            "body": body,
            "content_type": content_type,
            "content_encoding": content_encoding,
            "headers": headers,
            **properties,
        }


def rows(rounds: int) -> list[Row]:
    """Build and read, with small arguments and with one of 10 KB."""
    builder, reader, celery = MessageBuilder(), MessageReader(), Celery()
    kombu: Any = import_module("kombu")
    measured: list[Row] = []

    def build(args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        return builder.build(TASK, args, kwargs).publish_arguments()

    for label, (args, kwargs) in calls().items():
        ours, theirs = build(args, kwargs), celery.build(args, kwargs)
        check_messages(ours, theirs, args, kwargs)
        jobs = {OURS: partial(build, args, kwargs), "kombu": partial(celery.build, args, kwargs)}
        sizes = {OURS: len(ours["body"]), "kombu": len(theirs["body"])}
        measured.append(raced(f"message build, {label}", race(jobs, rounds=rounds), sizes))

        received = consumed(theirs)
        parts = {
            name: getattr(received, name) for name in ("content_type", "content_encoding", "headers", "properties")
        }
        parts["body"] = received.body.encode() if isinstance(received.body, str) else bytes(received.body)
        accept = {"application/json"}

        def payload(parts: dict[str, Any] = parts, accept: set[str] = accept) -> Any:
            return kombu.Message(**parts, accept=accept).payload

        def read(parts: dict[str, Any] = parts) -> Any:
            return reader.read(**parts)

        call = read()
        check(f"message read, {label}", [call.args, call.kwargs, call.embed], payload())
        measured.append(raced(f"message read, {label}", race({OURS: read, "kombu": payload}, rounds=rounds)))
    return measured


def check_messages(ours: dict[str, Any], theirs: dict[str, Any], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Publish both, and stop unless a consumer gets the same call, headers and properties from both.

    Raises:
        Differs: what it gets differs, or is not the call.
    """
    one, other = consumed(ours), consumed(theirs)
    for name, message in (("satchel", one), ("celery", other)):
        check(f"{name}'s message", message.payload[:2], [list(args), kwargs])
    check("satchel's message beside celery's", one.payload, other.payload)
    for what in ("headers", "properties"):
        left, right = (_without_own(getattr(message, what)) for message in (one, other))
        if left != right:
            raise Differs(f"{what}: {left} and {right}")


def _without_own(fields: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if name not in _OWN and not name.startswith("delivery_")}
    return {**kept, "own": sorted(_OWN & fields.keys())}


def consumed(message: dict[str, Any]) -> Any:
    """Publish a message on kombu's memory transport and give what a consumer receives."""
    kombu: Any = import_module("kombu")
    with kombu.Connection("memory://") as connection:
        queue = connection.SimpleQueue("tasks", accept=["json"])
        producer = kombu.Producer(connection)
        producer.publish(**message, routing_key="tasks", exchange=queue.queue.exchange)
        received = queue.get(timeout=5)
        received.ack()
        queue.close()
    return received
