"""A place at a broker behind the proxy: an application, its queue, what arrived there; and faults, again and again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn
from uuid import uuid4

import pytest

from satchel.calling import (
    App,
    OperationalError,
    sending,
)
from tests.interop.proxy import Mode, Proxy, proxy_to
from tests.interop.transports import AMQP_URL, REDIS_URL, SERVERS, missing, on

kombu: Any = import_module("kombu")  # Its names are not exported as type checkers want it.

Unavailable = Callable[[str], NoReturn]


#: How long a broker may be silent here, in seconds: a black hole is to be noticed soon.
PATIENCE = 0.5


class Place:
    """A broker behind a proxy, and one queue of it."""

    def __init__(self, transport: str, proxy: Proxy) -> None:
        self.transport = transport
        self.proxy = proxy
        self.name = f"satchel-faults-{uuid4().hex}"
        self.apps: list[App] = []
        self.queues = [self.name]

    @property
    def url(self) -> str:
        direct = AMQP_URL if self.transport == "amqp" else REDIS_URL
        return direct.replace(f":{SERVERS[self.transport][1]}", f":{self.proxy.port}")

    def app(self, *, broker: str | None = None, **more: Any) -> App:
        options = {"confirm_timeout": PATIENCE} if self.transport == "amqp" else {"socket_timeout": PATIENCE}
        settings = {
            "task_default_queue": self.name,
            "broker_connection_timeout": 1,
            "broker_transport_options": options,
            **more,
        }
        app = App("faults", broker=broker or self.url, **settings)
        self.apps.append(app)
        return app

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """Give a channel that the proxy has no part in."""
        with kombu.Connection(AMQP_URL if self.transport == "amqp" else REDIS_URL) as connection:
            yield connection.default_channel

    def arrived(self) -> list[str]:
        """Take all out of the queue; give the tasks' ids."""
        ids: list[str] = []
        with self.channel() as channel:
            while (message := channel.basic_get(self.name, no_ack=True)) is not None:
                ids.append(message.headers["id"])
        return ids

    def close(self) -> None:
        for app in self.apps:
            app.close()
        if self.transport == "redis":
            return sweep_redis(*self.queues)
        with self.channel() as channel:
            for name in self.queues:
                channel.queue_delete(name)
                channel.exchange_delete(name)
        return None


def sweep_redis(*names: str) -> None:
    """Delete queues and what is bound to them; kombu's own way leaves what another connection has declared."""
    from redis import Redis

    with Redis.from_url(REDIS_URL) as client:
        for name in names:
            keys = list(client.scan_iter(match=f"*{name}*", count=1000))
            if keys:
                client.delete(*keys)


@pytest.fixture
def place(transport: str, unavailable: Unavailable) -> Iterator[Place]:
    reason = missing(transport)
    if reason is not None:
        unavailable(reason)
    with proxy_to(SERVERS[transport][1]) as proxy:
        place = Place(transport, proxy)
        try:
            yield place
        finally:
            proxy.set("pass")
            place.close()


both = on("amqp", "redis")
rabbitmq = on("amqp")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which nobody waits for; the test may put a function behind one."""
    made: list[float] = []
    monkeypatch.setattr(sending, "time", SimpleNamespace(**{**vars(time), "sleep": made.append}))
    return made


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.01)


class Sent(NamedTuple):
    """What became of messages: those whose call returned, and the errors of the others, by the task's id."""

    returned: set[str]
    failed: dict[str, OperationalError]


class Faults:
    """Breaks a network each time that some messages more were tried, until all were."""

    KINDS: tuple[Mode | str, ...] = ("cut", "black hole", "refuse", "mute", "cut", "hold")

    def __init__(self, proxy: Proxy, every: int) -> None:
        self.proxy = proxy
        self.every = every
        self.tried = 0
        self.made = 0
        self.done = threading.Event()
        self._random = random.Random(6)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Faults:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self._thread.join()

    def _run(self) -> None:
        at = self.every
        while not self.done.wait(0.002):
            if self.tried < at:
                continue
            kind = self.KINDS[self.made % len(self.KINDS)]
            if kind == "cut":
                self.proxy.cut()
            else:
                self.proxy.set(kind)  # type: ignore[arg-type]
                self.done.wait(self._random.uniform(0.1, 1.5 * PATIENCE))
                self.proxy.set("pass")
            self.made += 1
            at = self.tried + self.every


def in_threads(number: int, run: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def guarded(index: int) -> None:
        try:
            run(index)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def check(sent: Sent, arrived: list[str]) -> None:
    there = set(arrived)
    lost = (sent.returned | sent.failed.keys()) - there

    assert sent.returned <= there
    assert lost <= sent.failed.keys()
    assert there <= sent.returned | sent.failed.keys()
    assert not [each for each, error in sent.failed.items() if error.delivered is False and each in there]
    assert all(error.task_id == each for each, error in sent.failed.items())
