"""Sending over networks and to brokers that fail: whatever returned has arrived, and whatever was lost raised."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn
from uuid import uuid4

import pytest

from satchel.calling import (
    App,
    NotConfirmed,
    OperationalError,
    PoolTimeout,
    Refused,
    SendManyError,
    Unroutable,
    sending,
)
from satchel.calling.broker.amqp import AmqpLink
from satchel.calling.results import BackendError
from satchel.errors import EncodeError
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Limits
from tests.interop.proxy import Mode, Proxy, proxy_to
from tests.interop.transports import AMQP_URL, HOST, REDIS_URL, SERVERS, missing, on

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


# A network that fails, again and again


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


@both
def test_every_call_that_returned_has_arrived_however_the_network_fails(place: Place) -> None:
    app = place.app(broker_pool_limit=4)
    task = app.remote("shop.pay")
    task.apply_async((0,), task_id="first")
    sent = Sent({"first"}, {})

    with Faults(place.proxy, every=90) as faults:

        def send(thread: int) -> None:
            for number in range(600):
                name = f"{thread}-{number}"
                faults.tried += 1
                try:
                    task.apply_async((number,), task_id=name, retry_policy={"max_retries": 1, "interval_max": 0})
                except OperationalError as error:
                    sent.failed[name] = error
                else:
                    sent.returned.add(name)

        in_threads(6, send)
    leases = [app.pool.acquire(block=False) for _ in range(4)]  # None was lost.
    for lease in leases:
        lease.release()
    app.close()
    wait_until(lambda: place.proxy.open == 0)

    assert faults.made >= 20
    assert len(sent.returned) + len(sent.failed) == 3601
    check(sent, place.arrived())


@both
def test_what_send_many_says_of_each_message_is_so_however_the_network_fails(place: Place) -> None:
    app = place.app(task_publish_retry_policy={"max_retries": 1, "interval_max": 0})
    task = app.remote("shop.pay")
    sent = Sent(set(), {})
    said: list[bool] = []

    with Faults(place.proxy, every=2) as faults:

        def send(thread: int) -> None:
            batch = 0
            while batch < 24 or (faults.made < 12 and batch < 2_000):
                batch += 1
                names = [f"{thread}-{batch}-{number}" for number in range(50)]
                faults.tried += 1
                try:
                    results = app.send_many([task.signature((name,), task_id=name) for name in names])
                except SendManyError as error:
                    said.append([each is None for each in error.results] == [n in error.failures for n in range(50)])
                    sent.failed.update((names[number], each) for number, each in error.failures.items())
                    results = [each for each in error.results if each is not None]
                sent.returned.update(each.id for each in results)

        in_threads(3, send)
    app.close()
    wait_until(lambda: place.proxy.open == 0)

    assert faults.made >= 12
    assert said
    assert all(said)
    assert len(sent.returned) + len(sent.failed) >= 3600
    check(sent, place.arrived())


# A broker that is down


@both
def test_without_retry_a_broker_that_is_down_is_tried_once(place: Place, sleeps: list[float]) -> None:
    task = place.app().remote("shop.pay")
    place.proxy.set("refuse")

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), task_id="one", retry=False)

    error = caught.value
    assert (place.proxy.accepted, sleeps, error.attempts) == (1, [], 1)
    assert (error.task_id, error.delivered) == ("one", False)
    assert error.__cause__ is not None


@both
def test_a_broker_that_goes_down_is_tried_once_more_without_retry(place: Place) -> None:
    task = place.app().remote("shop.pay")
    task.delay(1)
    before = place.proxy.accepted
    place.proxy.set("refuse")

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), retry=False)

    assert place.proxy.accepted - before <= 1
    assert caught.value.attempts == 1


@both
@pytest.mark.parametrize("retries", [0, 1, 5])
def test_a_policy_makes_as_many_attempts_and_waits_as_it_says(place: Place, sleeps: list[float], retries: int) -> None:
    task = place.app().remote("shop.pay")
    place.proxy.set("refuse")
    policy = {"max_retries": retries, "interval_start": 1, "interval_step": 2, "interval_max": 6}

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), retry_policy=policy)

    assert place.proxy.accepted == retries + 1 == caught.value.attempts
    assert sleeps == [1, 3, 5, 6, 6][:retries]


@both
def test_max_retries_none_tries_until_the_broker_is_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    task = place.app().remote("shop.pay")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 30:
            place.proxy.set("pass")

    monkeypatch.setattr(sending, "time", SimpleNamespace(**{**vars(time), "sleep": sleep}))
    place.proxy.set("refuse")

    result = task.apply_async((1,), retry_policy={"max_retries": None})

    assert len(waits) == 30
    assert place.arrived() == [result.id]


@both
def test_retry_errors_restrict_what_is_tried_again(place: Place, sleeps: list[float]) -> None:
    task = place.app().remote("shop.pay")
    place.proxy.set("refuse")
    attempts: list[int] = []

    for errors in ([TimeoutError], (TimeoutError, ZeroDivisionError), [OperationalError]):
        with pytest.raises(OperationalError) as caught:
            task.apply_async((1,), retry_policy={"max_retries": 2, "retry_errors": errors})
        attempts.append(caught.value.attempts)

    assert attempts == [1, 1, 3]


@both
def test_retry_errors_with_timeout_error_tries_again_after_silence(place: Place, sleeps: list[float]) -> None:
    task = place.app().remote("shop.pay")
    task.delay(1)
    place.proxy.set("black hole")

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), retry_policy={"max_retries": 1, "retry_errors": (TimeoutError,)})

    assert caught.value.attempts == 2


@both
@pytest.mark.parametrize("mode", ["black hole", "mute", "hold"])
def test_a_broker_that_falls_silent_is_noticed(place: Place, mode: Mode) -> None:
    task = place.app().remote("shop.pay")
    task.delay(0)
    place.proxy.set(mode)

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), task_id="one", retry=False)

    assert (caught.value.attempts, caught.value.task_id, caught.value.delivered) == (1, "one", None)


@both
def test_a_broker_that_falls_silent_when_a_queue_is_declared_is_noticed(place: Place) -> None:
    task = place.app().remote("shop.pay")
    task.delay(0)
    other = f"{place.name}-other"
    place.queues.append(other)
    place.proxy.set("black hole")

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), queue=other, retry=False)

    assert caught.value.delivered is False


@both
def test_a_broker_that_takes_no_more_of_a_large_message_is_noticed(place: Place) -> None:
    # More than the sockets' buffers hold.
    pipeline = Pipeline(["json"], registry=celery_registry, limits=Limits(max_body=50_000_000, max_depth=100))
    task = place.app(pipeline=pipeline).remote("shop.pay")
    task.delay(0)
    place.proxy.set("hold")

    with pytest.raises(OperationalError):
        task.apply_async(("x" * 30_000_000,), retry=False)

    place.proxy.cut()
    place.proxy.set("pass")
    task.apply_async((1,), retry=False)
    assert len(place.arrived()) == 2


@both
def test_a_broker_that_never_answers_a_new_connection_is_noticed(place: Place) -> None:
    task = place.app().remote("shop.pay")
    place.proxy.set("black hole")

    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), retry=False)

    assert caught.value.delivered is False


@both
def test_what_an_earlier_attempt_may_have_delivered_is_not_said_to_be_undelivered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = place.app(task_publish_retry_policy={"max_retries": 1})
    task = app.remote("shop.pay")
    task.apply_async((0,), task_id="first")
    errors: list[OperationalError] = []
    down = SimpleNamespace(**{**vars(time), "sleep": lambda _: place.proxy.set("refuse")})
    monkeypatch.setattr(sending, "time", down)

    place.proxy.set("mute")
    with pytest.raises(OperationalError) as caught:
        task.apply_async((1,), task_id="one")
    errors.append(caught.value)
    place.proxy.set("pass")
    task.apply_async((0,), task_id="second")
    place.proxy.set("mute")
    with pytest.raises(SendManyError) as many:
        app.send_many([task.signature((1,), task_id="two")])
    errors.extend(many.value.failures.values())

    place.proxy.set("pass")
    assert place.arrived() == ["first", "one", "second", "two"]
    assert [(error.delivered, error.attempts) for error in errors] == [(None, 2), (None, 2)]


@both
def test_a_wrong_call_is_no_failure_of_the_transport(place: Place) -> None:
    app = place.app()
    task = app.remote("shop.pay")
    place.proxy.set("refuse")

    with pytest.raises(EncodeError):
        task.delay(object())
    with pytest.raises(TypeError):
        task.apply_async((1,), headers={"user": object()})
    with pytest.raises(TypeError):
        task.apply_async((1,), countdwn=3)  # type: ignore[call-arg]
    with pytest.raises(EncodeError):
        app.send_many([task.s(1), task.s(object())])

    assert place.proxy.accepted == 0


@both
@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 64, b"AMQP\x00\x00\x09\x01", b"-ERR no\r\n"]
)
def test_a_server_that_speaks_something_else_is_an_operational_error(place: Place, said: bytes) -> None:
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(1000)
                client.sendall(said)

    threading.Thread(target=serve, daemon=True).start()
    url = place.url.replace(f":{place.proxy.port}", f":{listener.getsockname()[1]}")
    try:
        with pytest.raises(OperationalError):
            place.app(broker=url).remote("shop.pay").apply_async((1,), retry=False)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@both
def test_a_list_of_brokers_is_tried_in_turn(place: Place) -> None:
    with proxy_to(place.proxy.port) as dead:
        dead.set("refuse")
        broken = place.url.replace(f":{place.proxy.port}", f":{dead.port}")

        result = place.app(broker=f"{broken};{place.url}").remote("shop.pay").delay(1)

        assert dead.accepted == 1
    assert place.arrived() == [result.id]


# Messages that no queue takes


def app_on(transport: str, folder: Path, unavailable: Unavailable) -> App:
    reason = missing(transport)
    if reason is not None:
        unavailable(reason)
    options = {}
    if transport == "filesystem":
        options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "c")}
    url = {"amqp": AMQP_URL, "redis": REDIS_URL}.get(transport, f"{transport}://")
    queue = f"satchel-faults-{uuid4().hex}"
    return App("faults", broker=url, broker_transport_options=options, task_default_queue=queue)


def remove(app: App, *exchanges: str) -> None:
    with kombu.Connection(
        app.settings.broker_url, transport_options=app.settings.broker_transport_options
    ) as connection:
        channel = connection.default_channel
        channel.queue_delete(app.settings.task_default_queue)
        if connection.transport.driver_type == "amqp":
            for name in (app.settings.task_default_queue, *exchanges):
                channel.exchange_delete(name)
    app.close()
    if str(app.settings.broker_url).startswith("redis"):
        sweep_redis(app.settings.task_default_queue)


@on("amqp", "redis", "memory", "filesystem")
@pytest.mark.parametrize("kind", ["direct", "topic"])
def test_a_message_for_an_exchange_without_a_queue_is_unroutable(
    transport: str, kind: str, tmp_path: Path, unavailable: Unavailable
) -> None:
    app = app_on(transport, tmp_path, unavailable)
    exchange = kombu.Exchange(f"satchel-faults-{uuid4().hex}", type=kind)
    task = app.remote("shop.pay")
    try:
        with pytest.raises(Unroutable) as caught:
            task.apply_async((1,), exchange=exchange, routing_key="nowhere", task_id="one")
        with pytest.raises(SendManyError) as many:
            app.send_many([task.signature((1,), task_id="one", exchange=exchange, routing_key="nowhere")] * 2)
        task.apply_async((1,), exchange=exchange, routing_key="nowhere", mandatory=False)
        task.delay(1)
    finally:
        remove(app, exchange.name)

    assert (caught.value.task_id, caught.value.delivered, caught.value.attempts) == ("one", False, 1)
    assert {number: type(error) for number, error in many.value.failures.items()} == {0: Unroutable, 1: Unroutable}


@on("amqp", "redis", "memory", "filesystem")
def test_an_exchange_that_does_not_exist_fails_this_send_and_not_the_next(
    transport: str, tmp_path: Path, unavailable: Unavailable
) -> None:
    app = app_on(transport, tmp_path, unavailable)
    task = app.remote("shop.pay")
    try:
        with pytest.raises(OperationalError, match="satchel-nowhere"):
            task.apply_async((1,), exchange="satchel-nowhere", routing_key="x", retry=False)
        task.apply_async((1,), retry=False)
        with pytest.raises(SendManyError):
            app.send_many([task.signature((1,), exchange="satchel-nowhere", routing_key="x")])
        app.send_many([task.s(1)])
    finally:
        remove(app)


@rabbitmq
def test_a_queue_that_is_deleted_is_declared_again_and_nothing_is_lost(place: Place) -> None:
    app = place.app()
    task = app.remote("shop.pay")
    task.delay(1)

    with place.channel() as channel:
        channel.queue_delete(place.name)
    one = task.delay(1).id
    arrived = place.arrived()
    with place.channel() as channel:
        channel.queue_delete(place.name)
    many = [each.id for each in app.send_many([task.s(number) for number in range(250)])]
    arrived += place.arrived()

    assert sorted(arrived) == sorted([one, *many])


@rabbitmq
@pytest.mark.parametrize("wrong", ["queue", "exchange"])
def test_what_the_broker_refuses_of_many_is_refused_alone_and_nothing_is_sent_twice(
    place: Place, sleeps: list[float], wrong: str
) -> None:
    task, other = place.app().remote("shop.pay"), f"{place.name}-other"
    place.queues.append(other)
    options: dict[str, Any] = {"exchange": "satchel-nowhere", "routing_key": "x"}
    if wrong == "queue":
        options = {"queue": other}
        with place.channel() as channel:
            kombu.Queue(other, kombu.Exchange(other), other, max_length=5)(channel).declare()

    with pytest.raises(SendManyError) as caught:
        task.app.send_many([task.s(1), task.s(2).set(**options), task.s(3)])
    arrived = place.arrived()

    assert arrived == [caught.value.results[number].id for number in (0, 2)]
    assert {number: (type(error), error.delivered) for number, error in caught.value.failures.items()} == {
        1: (Refused, False)
    }


@rabbitmq
@pytest.mark.parametrize("protocol", [1, 2])
def test_a_message_with_a_correlation_id_of_its_own_is_not_lost_silently(place: Place, protocol: int) -> None:
    app = place.app(task_protocol=protocol)

    with pytest.raises(Unroutable):
        app.send_task("shop.pay", correlation_id="mine", exchange="amq.direct", routing_key=place.name)


@rabbitmq
def test_a_connection_that_its_owner_has_made_anew_is_used(place: Place) -> None:
    app = place.app()
    with kombu.Connection(AMQP_URL) as connection:
        one = app.send_task("shop.pay", connection=connection).id
        connection.close()
        connection.connect()
        other = app.send_task("shop.pay", connection=connection).id

    assert place.arrived() == [one, other]


@rabbitmq
def test_a_full_queue_that_refuses_is_not_confirmed(place: Place) -> None:
    queue = kombu.Queue(place.name, queue_arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    app = place.app(task_queues=[queue], task_publish_retry=False)
    task = app.remote("shop.pay")
    task.delay(1)
    task.delay(1)

    with pytest.raises(NotConfirmed) as caught:
        task.apply_async((1,), task_id="one")
    with pytest.raises(SendManyError) as many:
        app.send_many([task.s(1), task.s(2)])

    assert (caught.value.task_id, caught.value.delivered) == ("one", False)
    assert [type(error) for error in many.value.failures.values()] == [NotConfirmed, NotConfirmed]
    assert len(place.arrived()) == 2


# Connections


@both
def test_no_more_connections_are_made_than_the_limit(place: Place) -> None:
    app = place.app(broker_pool_limit=1)
    app.remote("shop.pay").delay(1)
    each = place.proxy.accepted
    app.configure(broker_pool_limit=3)
    task = app.remote("shop.pay")
    before = place.proxy.accepted

    def send(_: int) -> None:
        for _ in range(20):
            task.delay(1)

    in_threads(12, send)

    assert place.proxy.accepted - before <= 3 * each
    assert len(place.arrived()) == 241


@both
@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_pool_each_send_connects_and_closes(place: Place, limit: int | None) -> None:
    app = place.app(broker_pool_limit=limit)
    task = app.remote("shop.pay")
    task.delay(1)
    each = place.proxy.accepted

    task.delay(1)
    task.delay(1)

    assert place.proxy.accepted == 3 * each
    wait_until(lambda: place.proxy.open == 0)


@rabbitmq
def test_a_connection_that_the_server_ended_while_it_was_idle_is_replaced_without_an_error(place: Place) -> None:
    task = place.app().remote("shop.pay")
    first = task.delay(1).id

    for _ in range(3):
        place.proxy.cut()
        first = task.apply_async((1,), retry=False).id

    assert place.arrived()[-1] == first
    assert place.proxy.accepted == 4


@on("redis")
def test_a_redis_connection_that_ended_while_it_was_idle_is_replaced_without_an_error(place: Place) -> None:
    task = place.app().remote("shop.pay")
    task.delay(1)

    place.proxy.cut()
    task.apply_async((1,), retry=False)

    assert len(place.arrived()) == 2


@rabbitmq
def test_connections_are_kept_in_a_process_with_many_open_files(place: Place) -> None:
    spare = [os.dup(0) for _ in range(1030)]
    try:
        task = place.app().remote("shop.pay")
        task.delay(1)
        task.delay(1)
    finally:
        for number in spare:
            os.close(number)

    assert place.proxy.accepted == 1


@both
def test_a_forked_child_sends_by_a_connection_of_its_own(place: Place) -> None:
    app = place.app()
    task = app.remote("shop.pay")
    task.apply_async((1,), task_id="before")
    before = place.proxy.accepted

    for number in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for turn in range(5):
                    task.apply_async((1,), task_id=f"child-{number}-{turn}", retry=False)
                app.close()
                status = 0
            finally:
                os._exit(status)
        for turn in range(5):
            task.apply_async((1,), task_id=f"parent-{number}-{turn}", retry=False)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    # The parent's connections are those that it had.
    assert place.proxy.accepted == before * 4
    arrived = place.arrived()
    assert (len(arrived), len(set(arrived))) == (31, 31)


@both
def test_a_lease_that_a_child_inherits_is_not_sent_over(place: Place) -> None:
    app = place.app()
    task = app.remote("shop.pay")
    with app.pool.acquire() as lease:
        task.apply_async((1,), task_id="before", connection=lease)
        before = place.proxy.accepted
        child = os.fork()
        if child == 0:
            status = 1
            try:
                task.apply_async((1,), task_id="child", connection=lease)
                status = 0
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        task.apply_async((1,), task_id="parent", connection=lease)

    assert status == 0
    assert place.proxy.accepted > before
    assert sorted(place.arrived()) == ["before", "child", "parent"]


# Interruptions


class Interruption(BaseException):
    pass


@both
def test_an_interrupted_connection_is_not_used_again(place: Place) -> None:
    task = place.app(broker_transport_options={}).remote("shop.pay")
    task.apply_async((1,), task_id="first")
    before = place.proxy.accepted

    def interrupt(*_: object) -> None:
        raise Interruption

    handler = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    place.proxy.set("hold")
    timer.start()
    try:
        with pytest.raises(Interruption):
            task.apply_async((1,), task_id="second", retry=False)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, handler)
    place.proxy.set("pass")
    task.apply_async((1,), task_id="third", retry=False)

    assert place.proxy.accepted > before
    assert {"first", "third"} <= set(place.arrived()) <= {"first", "second", "third"}


@both
def test_a_time_limit_of_the_applications_own_is_no_failure_of_the_broker(place: Place) -> None:
    app = place.app(broker_transport_options={})
    task = app.remote("shop.pay")
    task.delay(1)
    limit = TimeoutError("the application's own")

    def interrupt(*_: object) -> None:
        raise limit

    handler = signal.signal(signal.SIGUSR1, interrupt)
    timers = [threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGUSR1)) for seconds in (0.3, 0.6)]
    place.proxy.set("hold")
    try:
        for timer, send in zip(timers, (lambda: task.delay(2), lambda: app.send_many([task.s(3)])), strict=True):
            timer.start()
            with pytest.raises(TimeoutError) as caught:
                send()
            assert caught.value is limit
    finally:
        for timer in timers:
            timer.join()
        signal.signal(signal.SIGUSR1, handler)


@rabbitmq
def test_a_message_does_not_take_the_confirmation_of_one_that_was_interrupted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = kombu.Queue(place.name, queue_arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    app = place.app(task_queues=[queue], task_publish_retry=False)
    task = app.remote("shop.pay")
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(AmqpLink, "_settle", interrupt)
        with pytest.raises(KeyboardInterrupt):
            task.apply_async((1,), task_id="one")

    wait_until(lambda: _count(place) == 1)
    with pytest.raises(NotConfirmed) as caught:
        task.apply_async((1,), task_id="two")

    assert caught.value.task_id == "two"
    assert place.arrived() == ["one"]


def _count(place: Place) -> int:
    with place.channel() as channel:
        count: int = channel.queue_declare(place.name, passive=True).message_count
    return count


@both
def test_a_wait_for_a_connection_ends_in_time_when_the_holder_hangs(place: Place) -> None:
    app = place.app(broker_pool_limit=1)
    with app.pool.acquire(), pytest.raises(PoolTimeout) as caught:
        app.remote("shop.pay").apply_async((1,), task_id="one", timeout=0.05)

    assert (caught.value.task_id, caught.value.delivered, place.proxy.accepted) == ("one", False, 0)


# Result backends


@both
def test_a_result_backend_that_is_down_does_not_stop_sending(place: Place) -> None:
    with proxy_to(1) as dead:
        dead.set("refuse")
        result = place.app(backend=f"redis://{HOST}:{dead.port}/0").remote("shop.pay").delay(1)

        assert place.arrived() == [result.id]
        with pytest.raises(BackendError):
            result.get(timeout=0.5)


# A server that is killed


class OwnRedis:
    """A Redis of one's own that writes each command to its disk before it answers."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.create_server((HOST, 0)) as free:
            self.port: int = free.getsockname()[1]
        self._command = [program, "--port", str(self.port), "--bind", HOST, "--dir", str(folder), "--save", ""]
        self._command += ["--appendonly", "yes", "--appendfsync", "always"]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100) == b"+PONG\r\n"
        except OSError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    server = OwnRedis(program, tmp_path)
    try:
        yield server
    finally:
        server.kill()


def test_every_call_that_returned_survives_a_server_that_is_killed(own_redis: OwnRedis) -> None:
    app = App("faults", broker=f"redis://{HOST}:{own_redis.port}/0", task_default_queue="q", broker_pool_limit=3)
    task = app.remote("shop.pay")
    sent = Sent(set(), {})
    ended = threading.Event()

    def send(thread: int) -> None:
        if thread == 0:
            for _ in range(3):
                at = len(sent.returned) + 100
                wait_until(lambda at=at: len(sent.returned) >= at)  # type: ignore[misc]
                own_redis.kill()
                down = len(sent.failed) + 3
                wait_until(lambda down=down: len(sent.failed) >= down)  # type: ignore[misc]
                own_redis.start()
            ended.set()
            return
        number = 0
        while not ended.is_set():
            number += 1
            name = f"{thread}-{number}"
            try:
                task.apply_async((1,), task_id=name, retry_policy={"max_retries": 1, "interval_max": 0.05})
            except OperationalError as error:
                sent.failed[name] = error
            else:
                sent.returned.add(name)

    in_threads(4, send)
    app.close()
    arrived: list[str] = []
    with kombu.Connection(f"redis://{HOST}:{own_redis.port}/0") as connection:
        while (message := connection.default_channel.basic_get("q", no_ack=True)) is not None:
            arrived.append(message.headers["id"])

    assert len(sent.returned) > 300
    check(sent, arrived)
