"""Connections: how many there are, forks, interruptions, and a server that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import pytest

from satchel.calling import (
    App,
    NotConfirmed,
    OperationalError,
    PoolTimeout,
)
from satchel.calling.broker.amqp import AmqpLink
from satchel.calling.results import BackendError
from tests.interop.faulty import Place, Sent, both, check, in_threads, rabbitmq, wait_until
from tests.interop.proxy import proxy_to
from tests.interop.transports import HOST, on

amqp: Any = import_module("amqp")
pyamqp: Any = import_module("kombu.transport.pyamqp")
kombu: Any = import_module("kombu")  # Its names are not exported as type checkers want it.

Unavailable = Callable[[str], NoReturn]

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


@rabbitmq
def test_a_queue_and_its_exchange_are_declared_with_one_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = kombu.Exchange(place.name, "topic")
    waited: list[Any] = []
    wait = pyamqp.Channel.wait

    def counted(channel: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        waited.append(method)
        return wait(channel, method, *args, **kwargs)

    task, queue = place.app().remote("shop.pay"), kombu.Queue(place.name, exchange, "a.*")
    with monkeypatch.context() as patch:
        patch.setattr(pyamqp.Channel, "wait", counted)
        sent = [task.apply_async((1,), queue=queue).id, task.apply_async((1,), queue=queue).id]
    sent.append(task.apply_async((1,), exchange=exchange, routing_key="a.x").id)

    assert place.arrived() == sent
    assert waited == [amqp.spec.Channel.OpenOk, amqp.spec.Queue.DeclareOk]


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
