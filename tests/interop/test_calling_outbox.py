"""The relay of an outbox on real brokers: one message that a broker refuses costs the others nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
import sqlalchemy as sa

from satchel.calling import App
from satchel.calling.outbox import Outbox, Relay
from tests.interop.transports import AMQP_URL, REDIS_URL, missing, on

kombu: Any = import_module("kombu")


class Desk:
    """An application with an outbox, and what is in its queue."""

    def __init__(self, transport: str, folder: Path) -> None:
        self.queue = f"satchel-{uuid4().hex}"
        self.app = App("shop", broker={"amqp": AMQP_URL, "redis": REDIS_URL}[transport], task_default_queue=self.queue)
        self.outbox = Outbox(self.app)
        self.engine = sa.create_engine(f"sqlite:///{folder / 'shop.sqlite'}")
        self.outbox.create(self.engine)
        self.relay = Relay(self.outbox, self.engine)
        self.connection = kombu.Connection(self.app.settings.broker_url)
        self.channel: Any = self.connection.channel()

    def write(self, numbers: range, **options: Any) -> list[str]:
        with self.engine.begin() as connection:
            return [
                self.outbox.add(connection, self.app.signature("shop.add", (number, 0)), **options).id
                for number in numbers
            ]

    def errors(self) -> list[tuple[str, int]]:
        """Which rows are left, by their error and attempts."""
        table = self.outbox.table
        with self.engine.connect() as connection:
            return [(str(row.last_error), row.attempts) for row in connection.execute(table.select())]

    def received(self) -> list[str]:
        ids = []
        queue = kombu.Queue(self.queue)(self.channel)
        while (message := queue.get(no_ack=True)) is not None:
            ids.append(message.headers["id"])
        return ids

    def close(self) -> None:
        self.engine.dispose()
        self.app.close()
        self.channel.queue_delete(self.queue)
        if hasattr(self.channel, "client"):  # Redis keeps what is bound to the queue.
            self.channel.client.delete(*(f"_kombu.{kind}.{self.queue}" for kind in ("binding", "binding_permanent")))
        self.connection.close()


@pytest.fixture
def desk(transport: str, tmp_path: Path, unavailable: Callable[[str], NoReturn]) -> Iterator[Desk]:
    reason = missing(transport)
    if reason is not None:
        unavailable(reason)
    desk = Desk(transport, tmp_path)
    yield desk
    desk.close()


@on("amqp", "redis")
def test_rows_arrive_once_and_in_their_order(desk: Desk) -> None:
    ids = desk.write(range(250))

    assert desk.relay.run_once(limit=1000) == 250
    assert desk.received() == ids


@on("amqp")
def test_a_queue_that_is_there_with_other_arguments_costs_the_others_nothing(desk: Desk) -> None:
    other = f"{desk.queue}-other"
    desk.channel.queue_declare(other, durable=False, auto_delete=True, arguments={"x-expires": 60_000})
    ids = desk.write(range(60))
    desk.write(range(5), queue=kombu.Queue(other, durable=True))
    ids += desk.write(range(60))
    sent = desk.relay.run_once(limit=1000)
    left = desk.errors()
    desk.channel.queue_delete(other)

    assert sent == 120
    assert Counter(desk.received()) == Counter(ids)
    assert [attempts for _, attempts in left] == [1, 1, 0, 0, 0]
    assert "PRECONDITION_FAILED" in left[0][0]


@on("amqp")
def test_an_exchange_that_is_not_there_costs_the_others_nothing(desk: Desk) -> None:
    ids = desk.write(range(60))
    desk.write(range(1), exchange=f"{desk.queue}-nowhere", routing_key="nobody")
    ids += desk.write(range(60))

    assert desk.relay.run_once(limit=1000) == 120
    assert Counter(desk.received()) == Counter(ids)
    ((error, attempts),) = desk.errors()
    assert attempts == 1
    assert "NOT_FOUND" in error


@on("amqp")
def test_a_queue_that_is_deleted_meanwhile_is_there_again(desk: Desk) -> None:
    desk.write(range(10))
    desk.relay.run_once()
    desk.received()
    desk.channel.queue_delete(desk.queue)
    ids = desk.write(range(10))

    assert desk.relay.run_once() == 10
    assert Counter(desk.received()) == Counter(ids)
