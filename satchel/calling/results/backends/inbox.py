"""The queue for replies of one process, by kombu: its connection, and what has arrived on it for all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import uuid4
from weakref import WeakSet

from satchel.calling.results.backends.mailbox import MOST_TASKS, Mailbox, Reply
from satchel.calling.results.errors import BackendError

WAIT: Final = 1.0
"""The longest wait in one piece, in seconds."""
_ANSWER: Final = 10.0
"""Seconds that the broker may take to answer."""
_LEAST_WAIT: Final = 0.001
_PREFETCH: Final = 500


class Inbox:
    """The queue for replies of one process, its connection, and what has arrived."""

    def __init__(self, connect: Callable[[], Any], expires: float) -> None:
        self.queue: str = str(uuid4())
        self._connect = connect
        self._expires = expires
        self._mail = Mailbox()
        self._news = threading.Condition()
        self._receiving = False
        self._line: _Line | None = None
        self._declared: WeakSet[Any] = WeakSet()
        self._declared_until = 0.0

    # What has arrived; any thread

    def last(self, task_id: str) -> Reply | None:
        with self._news:
            return self._mail.last(task_id)

    def after(self, task_id: str, seen: int) -> tuple[list[Reply], int]:
        with self._news:
            return self._mail.after(task_id, seen)

    def settle(self, task_id: str, end: Reply) -> None:
        with self._news:
            self._mail.settle(task_id, end)

    def drop(self, task_id: str) -> None:
        with self._news:
            self._mail.drop(task_id)

    @contextmanager
    def waited_for(self, task_id: str) -> Generator[None]:
        with self._news:
            self._mail.wait(task_id, 1)
        try:
            yield
        finally:
            with self._news:
                self._mail.wait(task_id, -1)

    def await_news(self, task_id: str, seen: int, timeout: float) -> None:
        """Wait for a new reply for the task, and receive those for all others meanwhile, unless another does."""
        end = time.monotonic() + timeout
        with self._news:
            while self._receiving:
                left = end - time.monotonic()
                if left <= 0 or self._mail.after(task_id, seen)[0]:
                    return
                self._news.wait(left)
            if self._mail.after(task_id, seen)[0]:
                return
            self._receiving = True
        self._receive(max(end - time.monotonic(), 0), 1)

    def receive(self, timeout: float) -> None:
        """Receive what is there, unless another thread does."""
        with self._news:
            if self._receiving:
                return
            self._receiving = True
        self._receive(timeout, MOST_TASKS)

    # The connection; one thread at a time, the one that has set `_receiving`

    def _receive(self, timeout: float, most: int) -> None:
        try:
            opened = self._line = self._line or _Line(self._connect())
            with opened.errors():
                if opened.channel is None:
                    self._consume(opened.open())
                with suppress(TimeoutError):
                    for _ in range(most):
                        opened.drain(max(timeout, _LEAST_WAIT))
        except BaseException:
            # Whatever has interrupted it may have left half a frame behind.
            line, self._line = self._line, None
            if line is not None:
                line.close(in_order=False)
            raise
        finally:
            with self._news:
                self._receiving = False
                self._news.notify_all()

    def _consume(self, channel: Any) -> None:
        from kombu.transport import virtual

        stored = isinstance(channel, virtual.Channel)
        if stored:
            channel.Message = _plain_message(virtual.Message)
        else:
            channel.basic_qos(0, _PREFETCH, False)
        self._declare(channel)

        def arrived(message: Any) -> None:
            # What no worker writes must not come again and again.
            with suppress(AttributeError, TypeError, ValueError):
                self._put(message)
            if not stored:
                channel.basic_ack(message.delivery_tag)

        # Where the broker keeps what is not acknowledged, a lost connection loses no reply. kombu's own queues keep
        # that for as long as their broker lives, and there nobody would take it.
        channel.basic_consume(self.queue, no_ack=stored, callback=arrived, consumer_tag=f"satchel-{uuid4()}")

    def _put(self, message: Any) -> None:
        properties = message.properties
        headers = getattr(message, "application_headers", None) or getattr(message, "headers", None) or {}
        body = message.body.encode("utf-8") if isinstance(message.body, str) else bytes(message.body or b"")
        content_type = properties.get("content_type", getattr(message, "content_type", None))
        content_encoding = properties.get("content_encoding", getattr(message, "content_encoding", None))
        task_id = properties.get("correlation_id")
        if isinstance(task_id, str) and task_id:
            again = bool((message.delivery_info or {}).get("redelivered"))
            reply = Reply(body, (content_type, content_encoding), headers.get("compression"), again)
            with self._news:
                self._mail.put(task_id, reply)

    # The queue

    def declare(self, channel: Any) -> None:
        """Declare the queue, once for each connection; and again before it could have expired."""
        now, connection = time.monotonic(), channel.connection
        with self._news:
            if now > self._declared_until:
                self._declared.clear()
            if connection in self._declared:
                return
        self._declare(channel)
        with self._news:
            self._declared.add(connection)
            self._declared_until = now + self._expires / 4

    def _declare(self, channel: Any) -> None:
        # It outlives its connection, so that replies meanwhile are not lost; the broker deletes it when it is unused.
        channel.queue_declare(
            queue=self.queue,
            durable=True,
            exclusive=False,
            auto_delete=False,
            arguments={"x-expires": int(self._expires * 1000)},
        )

    def close(self) -> None:
        with self._news:
            self._news.wait_for(lambda: not self._receiving, timeout=2 * WAIT)
            line, self._line = self._line, None
        if not self._declared and line is None:
            return
        line = line or _Line(self._connect())
        in_order = False
        with suppress(BackendError), line.errors():  # It expires.
            (line.channel or line.open()).queue_delete(queue=self.queue)
            in_order = True
        line.close(in_order=in_order)


class _Line:
    """A connection to the broker, as a kombu connection describes it, without kombu's own retries."""

    def __init__(self, described: Any) -> None:
        self._described = described
        self._made: Any = None
        self.channel: Any = None

    def open(self) -> Any:
        """Connect, to the first of several brokers that is there, and give a channel."""
        others = max(len(self._described.alt or ()), 1) - 1
        while self._made is None:
            try:
                self._made = self._described.transport.establish_connection()
            except Exception:
                if not others:
                    raise
                others -= 1
                self._described.maybe_switch_next()
        if (made_socket := getattr(self._made, "sock", None)) is not None:
            # py-amqp would wait for ever for an answer.
            made_socket.settimeout(_ANSWER)
        self.channel = self._described.transport.create_channel(self._made)
        return self.channel

    def drain(self, timeout: float) -> None:
        """Wait for what comes; TimeoutError when nothing does."""
        try:
            self._described.transport.drain_events(self._made, timeout=timeout)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # It is taken from its queue by now.
            raise ConnectionAbortedError("kombu cannot read a message in the queue for replies") from error

    def close(self, *, in_order: bool) -> None:
        """Close it; out of order without a word, to which an answer might never come."""
        made, self._made, self.channel = self._made, None, None
        with suppress(Exception):  # It is gone anyway.
            if made is not None and (in_order or not hasattr(made, "collect")):
                self._described.transport.close_connection(made)
        with suppress(Exception):
            if made is not None and hasattr(made, "collect"):
                made.collect()

    @contextmanager
    def errors(self) -> Generator[None]:
        """Turn the transport's errors into a `BackendError`."""
        try:
            yield
        except Exception as error:
            transport = self._described.transport
            if not isinstance(error, (OSError, *transport.connection_errors, *transport.channel_errors)):
                raise
            raise BackendError(
                f"the broker of the result backend rpc:// is not reached: {type(error).__name__}: {str(error)[:200]}",
                cure="see that the broker runs there, and that broker_url and its password are right",
            ) from error


def _plain_message(base: Any) -> Any:
    """Give a class of messages that are not decompressed by kombu, which would do so without a bound."""

    class Plain(base):  # type: ignore[misc]
        def __init__(self, payload: Any, channel: Any = None, **more: Any) -> None:
            stated = payload.get("headers")
            headers = dict(stated) if isinstance(stated, dict) else {}
            compression = headers.pop("compression", None)
            super().__init__({**payload, "headers": headers}, channel=channel, **more)
            if compression is not None:
                self.headers["compression"] = compression

    return Plain
