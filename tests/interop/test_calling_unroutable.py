"""Messages that no queue takes, or that the broker refuses: every one is an error, and costs no other."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from satchel.calling import (
    App,
    NotConfirmed,
    OperationalError,
    Refused,
    SendManyError,
    Unroutable,
)
from tests.interop.faulty import Place, rabbitmq, sweep_redis
from tests.interop.transports import AMQP_URL, REDIS_URL, missing, on

kombu: Any = import_module("kombu")  # Its names are not exported as type checkers want it.

Unavailable = Callable[[str], NoReturn]

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
