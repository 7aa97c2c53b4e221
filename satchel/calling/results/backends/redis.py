"""Results in Redis, by redis-py: one key a task, whose changes are published on a channel of the same name."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from satchel.calling.results.errors import BackendError
from satchel.calling.results.reading import ResultReader
from satchel.calling.results.record import PENDING, Record
from satchel.calling.results.waiting import Outage, give_up, remaining
from satchel.calling.urls import redis_url
from satchel.codecs.base import require
from satchel.message.checks import limit

TASKS: Final = "celery-task-meta-"
GROUPS: Final = "celery-taskset-meta-"

_QUIET: Final = 5.0
"""Seconds without news, after which the key itself is looked at: a connection may be dead, and not say so."""


class RedisBackend:
    """See `Backend`. Redis tells of new states as they come.

    Args:
        url: of the server, such as ``redis://:password@host:6379/0``, ``rediss://…`` or ``redis+socket:///path``.
        reader: decodes what is stored.
        prefix: stands before all keys.
        expires: seconds that a saved group is kept; None keeps it for ever.
        socket_timeout: seconds that the server may take to answer.
        connect_timeout: seconds that connecting may take.
    """

    reply_to: str | None = None

    def __init__(
        self,
        url: str,
        reader: ResultReader,
        *,
        prefix: str = "",
        expires: float | None = 86_400,
        socket_timeout: float = 10.0,
        connect_timeout: float = 4.0,
    ) -> None:
        self._url = redis_url(url)
        self._reader = reader
        self._prefix = prefix
        self._expires = expires
        self._longest = limit("socket_timeout", socket_timeout)
        self._connecting = limit("connect_timeout", connect_timeout)
        self._made: Any = None

    def __repr__(self) -> str:
        address = urlsplit(self._url)
        return f"RedisBackend({address.scheme}://{address.netloc.rpartition('@')[2]}{address.path})"

    def prepare(self, channel: Any) -> None:
        """Do nothing: the worker knows where results go."""

    def fetch(self, task_id: str) -> Record:
        """See `Backend.fetch`."""
        body = self._stored(self._key(TASKS, task_id))
        return self._record(body) if body else PENDING

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """See `Backend.watch`."""
        key = self._key(TASKS, task_id)
        outage, seen = Outage(deadline), b""
        while True:
            try:
                body = self._stored(key)
                outage.over()
                first = self._record(body) if body and body != seen else None
                over = not remaining(deadline, 1)
                if first is not None and (first.ready or over):
                    yield first
                    if first.ready:
                        return
                if over:
                    give_up(task_id)
                with self._subscribed(key) as channel:
                    if first is not None:
                        # Not before: what comes while the caller looks at it would be missed.
                        seen = body
                        yield first
                    for body in self._bodies(channel, key, seen, deadline):
                        record, seen = self._record(body), body
                        yield record
                        if record.ready:
                            return
            except BackendError as error:
                outage.wait(error)

    def forget(self, task_id: str) -> None:
        """See `Backend.forget`."""
        self._ask(lambda client: client.delete(self._key(TASKS, task_id)))

    def save_group(self, group_id: str, group: Any) -> None:
        """See `Backend.save_group`."""
        key, body = self._key(GROUPS, group_id), self._reader.encode({"result": group})
        expires = None if self._expires is None else max(int(self._expires), 1)
        self._ask(lambda client: client.set(key, body, ex=expires))

    def fetch_group(self, group_id: str) -> Any | None:
        """See `Backend.fetch_group`."""
        body = self._stored(self._key(GROUPS, group_id))
        return self._reader.group(body) if body else None

    def delete_group(self, group_id: str) -> None:
        """See `Backend.delete_group`."""
        self._ask(lambda client: client.delete(self._key(GROUPS, group_id)))

    def start_chord(self, group_id: str, size: int) -> None:
        """Store how many tasks the header of a chord has. Workers count those that are done, and then call the body.

        Args:
            group_id: the header's id; what an earlier chord with the same has left is forgotten.
            size: how many tasks report to it, 1 and up.
        """
        key = self._key(GROUPS, group_id)
        expires = None if self._expires is None else max(int(self._expires), 1)

        def start(client: Any) -> None:
            client.delete(f"{key}.c")
            client.set(f"{key}.s", size, ex=expires)

        self._ask(start)

    def close(self) -> None:
        """See `Backend.close`."""
        client, self._made = self._made, None
        if client is not None:
            client.close()
            client.connection_pool.disconnect()

    # What is asked of the server

    def _key(self, kind: str, id: str) -> str:
        return f"{self._prefix}{kind}{id}"

    def _record(self, body: bytes) -> Record:
        return self._reader.record(self._reader.decode(body))

    def _stored(self, key: str) -> bytes:
        # One byte more than is decoded, so that the server never sends what would be refused anyway.
        most = self._reader.limits.max_body + len(key) + 100
        return bytes(self._ask(lambda client: client.getrange(key, 0, most)))

    def _ask(self, ask: Callable[[Any], Any]) -> Any:
        with self._errors():
            client = self._client()
            try:
                return ask(client)
            except _library().exceptions.ConnectionError:
                return ask(client)  # The server may have closed a connection that the pool has kept.

    def _client(self) -> Any:
        if self._made is None:
            redis = _library()
            keepalive = {} if self._url.startswith("unix:") else {"socket_keepalive": True}
            # No retry within the library: a subscription that it renews unseen has missed what came meanwhile.
            retry = import_module("redis.retry").Retry(import_module("redis.backoff").NoBackoff(), 0)
            self._made = redis.Redis.from_url(
                self._url,
                socket_timeout=self._longest,
                socket_connect_timeout=self._connecting,
                retry=retry,
                **keepalive,
            )
        return self._made

    @contextmanager
    def _errors(self) -> Generator[None]:
        errors = _library().exceptions
        try:
            yield
        except (errors.RedisError, OSError) as error:
            refused = errors.ResponseError, errors.AuthenticationError, errors.DataError
            raise BackendError(
                f"the result backend {self!r} cannot be used: {type(error).__name__}: {str(error)[:200]}",
                cure="see that Redis runs there, and that result_backend and its password are right",
                lasting=isinstance(error, refused),
            ) from error

    @contextmanager
    def _subscribed(self, key: str) -> Generator[Any]:
        with self._errors():
            channel = self._client().pubsub()
        try:
            with self._errors():
                channel.subscribe(key)
                self._until(channel, "subscribe")
            yield channel
        finally:
            channel.close()

    def _until(self, channel: Any, kind: str) -> list[bytes]:
        """Read the states that come before a message of the kind."""
        bodies: list[bytes] = []
        end = time.monotonic() + self._longest
        while left := remaining(end, self._longest):
            message = channel.get_message(timeout=left)
            if message is not None and message["type"] == kind:
                return bodies
            if message is not None and message["type"] == "message":
                bodies.append(message["data"])
        raise TimeoutError(f"no answer within {self._longest} seconds")

    def _bodies(self, channel: Any, key: str, seen: bytes, deadline: float | None) -> Iterator[bytes]:
        """Give each state since `seen` once and in order, until the deadline, or until one was missed."""
        now = self._stored(key)
        with self._errors():
            # What was published before the answer to this comes before it.
            channel.ping()
            passed = self._until(channel, "pong")
        if now and now != seen and now not in passed:
            passed = [now, *passed]
        for body in passed:
            yield body
            seen = body
        while left := remaining(deadline, _QUIET):
            with self._errors():
                message = channel.get_message(timeout=left)
            if message is not None and message["type"] == "message":
                seen = message["data"]
                yield seen
            elif message is None and remaining(deadline, 1) and self._stored(key) != seen:
                return


def _library() -> Any:
    return require("redis", codec="the result backend redis://", library="redis", extra="redis")
