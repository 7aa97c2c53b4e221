"""The two clients of a broker, Satchel's and Celery's, with one task, one call and one queue, and what both send."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.payloads import small
from benchmarks.values import Differs, check
from satchel.calling import App

TASK = "shop.orders.pay"
#: The call: positional and keyword arguments.
ARGS, KWARGS = small()[:2]
#: Options that both have, with one meaning, but for `queue`. Seconds where nothing else is said.
OPTIONS: dict[str, Any] = {
    "countdown": 30,
    "expires": 3600,
    "priority": 5,
    "headers": {"tenant": "A17"},
    "time_limit": 300,
    "soft_time_limit": 240,
    "shadow": "pay A17",
    "ignore_result": True,
    "serializer": "json",
    "retry": True,
    "retry_policy": {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
}
#: Seconds that a message may take to come, and that two messages' times may be apart.
PATIENCE = 5.0


class Unavailable(Exception):
    """A broker does not answer; the text says where it was looked for."""


class Side(NamedTuple):
    """A client: each of its functions sends the call, or many, and gives the id of the last."""

    delay: Callable[[], str]
    apply_async: Callable[[], str]
    hundred: Callable[[], str]


class Received(NamedTuple):
    """What a consumer gets, without what is its own way of telling it."""

    payload: Any
    headers: dict[str, Any]
    properties: dict[str, Any]
    form: tuple[str, str]
    route: tuple[str, str]


def pay(order: int, customer: str, price: dict[str, Any], *, retry: Any = None, note: str = "") -> None:
    """The task, whose arguments both check when it is called."""


class Queue:
    """A queue on a broker with a name that nothing else has."""

    def __init__(self, url: str) -> None:
        kombu: Any = import_module("kombu")
        self.url = url
        self.name = f"satchel-bench-{uuid4().hex}"
        self._connection = kombu.Connection(url)
        channel = self._connection.default_channel
        self._queue = kombu.Queue(self.name, kombu.Exchange(self.name), routing_key=self.name).bind(channel)
        # As both sides will: with other arguments than these, their own declaration would fail.
        self._queue.declare()

    def purge(self, _: int = 0) -> None:
        """Throw away what is in there: a long queue slows the broker down."""
        self._queue.purge()

    def take(self) -> Received:
        """Take one message, decoded.

        Raises:
            Differs: none comes.
        """
        deadline = time.monotonic() + PATIENCE
        while (message := self._queue.get(no_ack=True, accept=["json"])) is None:
            if time.monotonic() > deadline:
                raise Differs(f"a message: none came in {PATIENCE:g} s, on {_scheme(self.url)}")
            time.sleep(0.001)
        told = ("application_headers", "content_type", "content_encoding", "delivery_info", "delivery_tag")
        properties = {name: value for name, value in message.properties.items() if name not in told}
        route = message.delivery_info["exchange"], message.delivery_info["routing_key"]
        form = message.content_type, message.content_encoding
        return Received(message.payload, message.headers, properties, form, route)

    def close(self) -> None:
        """Delete it, and the exchange that has its name."""
        # In this order: kombu's virtual exchanges purge their queues, and so make them anew in memory.
        self._queue.exchange.delete()
        self._queue.delete()
        self._connection.release()


@contextmanager
def queue_on(url: str) -> Generator[Queue, None, None]:
    """A queue, which is deleted at the end.

    Raises:
        Unavailable: the broker does not answer.
    """
    at = urlsplit(url)
    if at.hostname and at.port:
        try:
            socket.create_connection((at.hostname, at.port), timeout=2).close()
        except OSError as error:
            raise Unavailable(f"no answer on {at.hostname}:{at.port}") from error
    with closing(Queue(url)) as queue:
        yield queue


def server(name: str, url: str) -> dict[str, str]:
    """The broker's version by its name; nothing where none can be asked."""
    kombu: Any = import_module("kombu")
    with kombu.Connection(url) as connection:
        kind = connection.transport.driver_type
        if kind == "redis":
            return {name: connection.default_channel.client.info("server")["redis_version"]}
        if kind == "amqp":
            connection.connect()
            return {name: str(connection.connection.server_properties.get("version", "?"))}
    return {}


@contextmanager
def satchel_side(queue: Queue, **transport_options: Any) -> Generator[Side, None, None]:
    """Satchel's client, without a result backend."""
    app = App("benchmarks", broker=queue.url, task_default_queue=queue.name, broker_transport_options=transport_options)
    task: Any = app.task(name=TASK)(pay)
    # By default ours leaves it to the worker to revoke what has expired; Celery lets the broker drop it as well.
    options = {**OPTIONS, "queue": queue.name, "broker_expiration": True}

    def hundred() -> str:
        return app.send_many([task.s(*ARGS, **KWARGS) for _ in range(100)])[-1].id

    with app:
        yield Side(
            lambda: task.delay(*ARGS, **KWARGS).id, lambda: task.apply_async(ARGS, KWARGS, **options).id, hundred
        )


@contextmanager
def celery_side(queue: Queue, **transport_options: Any) -> Generator[Side, None, None]:
    """Celery's client, without a result backend."""
    app: Any = import_module("celery").Celery("benchmarks", broker=queue.url, set_as_current=False)
    app.conf.task_default_queue = queue.name
    app.conf.broker_transport_options = transport_options
    task = app.task(name=TASK)(pay)
    options = {**OPTIONS, "queue": queue.name}

    def delay() -> str:
        return str(task.delay(*ARGS, **KWARGS).id)

    def hundred() -> str:
        return [delay() for _ in range(100)][-1]

    try:
        yield Side(delay, lambda: str(task.apply_async(ARGS, KWARGS, **options).id), hundred)
    finally:
        app.close()


def check_sides(ours: Side, theirs: Side, queue: Queue) -> None:
    """Send everything there is by both, and stop unless a consumer gets the call, complete and the same from both.

    Raises:
        Differs: what it gets differs, or is not the call.
    """
    for what in Side._fields:
        queue.purge()
        received: list[Received] = []
        for side in (ours, theirs):
            task_id = getattr(side, what)()
            for _ in range(99 if what == "hundred" else 0):
                queue.take()
            message = queue.take()
            check_message(f"{what}, {_scheme(queue.url)}", message, task_id)
            received.append(message)
        check_equal(f"{what}, {_scheme(queue.url)}", *received)


def check_message(what: str, message: Received, task_id: str) -> None:
    """Stop unless a message is the call, under its id.

    Raises:
        Differs: it is not.
    """
    check(f"{what}: the call", [message.headers.get("task"), *message.payload[:2]], [TASK, ARGS, KWARGS])
    ids = [message.headers.get("id"), message.headers.get("root_id"), message.properties.get("correlation_id")]
    check(f"{what}: the ids", ids, [task_id] * 3)


def check_equal(what: str, ours: Received, theirs: Received) -> None:
    """Stop unless two messages are equal, but for ids and times.

    Raises:
        Differs: they are not.
    """
    for name in ("eta", "expires"):
        times = [message.headers.get(name) for message in (ours, theirs)]
        given = [datetime.fromisoformat(told) for told in times if told is not None]
        if len(given) == 1 or (given and abs((given[0] - given[1]).total_seconds()) > PATIENCE):
            raise Differs(f"{what}: {name}: {times[0]} and {times[1]}")
    one, other = _comparable(ours), _comparable(theirs)
    for name in Received._fields:
        check(f"{what}: {name}, satchel's beside celery's", getattr(one, name), getattr(other, name))


def _comparable(message: Received) -> Received:
    own = ("id", "root_id", "origin", "eta", "expires")
    headers = {name: "" if name in own and value else value for name, value in message.headers.items()}
    # AMQP: no priority is the priority 0, which Celery writes. Where replies go is the client's own queue, which
    # Celery names even when it has no results, and Satchel when they come that way.
    properties = {"priority": 0, **message.properties, "correlation_id": "", "reply_to": ""}
    return message._replace(headers=headers, properties=properties)


def _scheme(url: str) -> str:
    return url.partition(":")[0]
