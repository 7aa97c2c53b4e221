"""Sending over networks and to brokers that fail: whatever returned has arrived, and whatever was lost raised."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from satchel.calling import (
    OperationalError,
    SendManyError,
    sending,
)
from satchel.errors import EncodeError
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Limits
from tests.interop.faulty import Faults, Place, Sent, both, check, in_threads, wait_until
from tests.interop.proxy import Mode, proxy_to
from tests.interop.transports import HOST

kombu: Any = import_module("kombu")  # Its names are not exported as type checkers want it.

Unavailable = Callable[[str], NoReturn]

# A network that fails, again and again


@both
def test_every_call_that_returned_has_arrived_however_the_network_fails(place: Place) -> None:
    app = place.app(broker_pool_limit=4)
    task = app.remote("shop.pay")
    task.apply_async((0,), task_id="first")
    sent = Sent({"first"}, {})
    tried: list[str] = ["first"]

    with Faults(place.proxy, every=90) as faults:

        def send(thread: int) -> None:
            number = 0
            while number < 600 or (faults.made < 20 and number < 20_000):
                number += 1
                name = f"{thread}-{number}"
                tried.append(name)
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
    assert len(tried) >= 3601
    assert sorted([*sent.returned, *sent.failed]) == sorted(tried)
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
