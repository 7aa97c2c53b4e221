"""The relay of an outbox, where connections and messages fail: what is tried again, when, and what is not held up."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from satchel.calling import NotConfirmed, OperationalError, Refused, Unroutable
from satchel.calling.broker.base import Link
from satchel.calling.broker.link import Parcel
from satchel.calling.broker.pool import Pool
from tests.unit.calling import Shop
from tests.unit.outbox_desk import Add, Desk, utc_now

kombu: Any = import_module("kombu")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(shop, tmp_path)
    yield desk
    desk.engine.dispose()


class Faulty:
    """A link on which some messages fail, and what has come over it.

    Attributes:
        faults: gives the error for a message, or None.
        came: the first argument of each call, as it came; a list of those that came together.
    """

    def __init__(self, faults: Callable[[Any], Exception | None]) -> None:
        self.faults = faults
        self.came: list[Any] = []
        self._connection = SimpleNamespace(channel_errors=(LookupError,))

    def publish(self, parcel: Parcel, /) -> None:
        number = json.loads(parcel.body)[0][0]
        error = self.faults(number)
        if error is not None:
            raise error
        self.came.append(number)

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        together: list[Any] = []
        refused: dict[int, OperationalError] = {}
        for number, parcel in parcels.items():
            named = json.loads(parcel.body)[0][0]
            error = self.faults(named)
            if isinstance(error, (Unroutable, NotConfirmed)):
                refused[number] = error
            elif error is not None:
                raise error
            else:
                together.append(named)
                sent.add(number)
        self.came.append(together)
        return refused

    def stale(self) -> bool:
        return False

    def next_broker(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def faulty(desk: Desk) -> Callable[..., Faulty]:
    """Gives the application a link on which these calls fail, by their first argument."""

    def make(faults: Mapping[int, Exception] | Callable[[int], Exception | None]) -> Faulty:
        link = Faulty(faults.get if isinstance(faults, Mapping) else faults)
        made: Link = link
        desk.shop.app._pool = Pool(lambda: made, 1)
        return link

    return make


def lost() -> OperationalError:
    return OperationalError("the connection to the broker was lost", delivered=None)


def test_the_first_message_to_a_place_goes_alone_and_the_next_ones_together(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    link = faulty({})
    desk.write(*(add.s(number, 0) for number in range(4)))
    desk.write(add.s(4, 0), queue="other")
    desk.write(add.s(5, 0))

    assert desk.relay().run_once() == 6
    assert link.came == [0, [1, 2, 3], 4, [5]]


def test_a_broker_that_cannot_be_reached_leaves_all_rows_free_and_uncounted(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    link = faulty({number: OperationalError("the broker cannot be reached", delivered=False) for number in (1, 2)})
    desk.write(*(add.s(number, 0) for number in range(4)))
    relay = desk.relay()

    with pytest.raises(OperationalError, match="cannot be reached"):
        relay.run_once()
    assert [(row.attempts, row.claimed_by, row.not_before) for row in desk.rows()] == [(0, None, None)] * 3
    link.faults = lambda _: None
    assert desk.relay().run_once() == 3
    assert link.came == [0, 1, [2, 3]]


def test_a_pool_without_a_free_connection_leaves_all_rows_free(
    desk: Desk, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satchel.calling.outbox.relay.PATIENCE", 0.01)
    desk.shop.app.configure(broker_pool_limit=1)
    desk.write(add.s(1, 2))

    with desk.shop.app.pool.acquire(), pytest.raises(OperationalError, match="connections of the pool are in use"):
        desk.relay().run_once()
    assert [(row.attempts, row.claimed_by, row.not_before) for row in desk.rows()] == [(0, None, None)]


def test_a_message_that_ends_the_connection_each_time_does_not_hold_up_the_others(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    link = faulty({2: lost()})
    desk.write(*(add.s(number, 0) for number in range(5)))

    assert desk.relay().run_once() == 4
    assert link.came == [0, 3, 4]  # 1 was sent with those that failed together.
    assert [(row.attempts, row.last_error) for row in desk.rows()] == [
        (1, "OperationalError: the connection to the broker was lost")
    ]


def test_a_place_that_takes_nothing_does_not_hold_up_the_others(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    link = faulty({number: lost() for number in range(10)})
    desk.write(*(add.s(number, 0) for number in range(10)), queue="broken")
    desk.write(*(add.s(number, 0) for number in range(10, 13)))

    assert desk.relay().run_once() == 3
    assert link.came == [10, [11, 12]]
    # Two were tried, and the others put off.
    assert [row.attempts for row in desk.rows()] == [1, 1, *[0] * 8]
    assert all(row.not_before > utc_now() and row.claimed_by is None for row in desk.rows())


def test_what_the_broker_answers_with_an_error_is_no_outage(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    error = Refused("the broker refused the message: inequivalent arg 'durable'", delivered=False)
    link = faulty({0: error})
    desk.write(*(add.s(number, 0) for number in range(3)))

    assert desk.relay().run_once() == 2
    assert link.came == [1, [2]]
    assert [row.attempts for row in desk.rows()] == [1]


@pytest.mark.parametrize("delivered", [False, None])
def test_a_connection_that_was_closed_meanwhile_costs_nothing(
    desk: Desk, add: Add, faulty: Callable[..., Faulty], delivered: bool | None
) -> None:
    errors = [OperationalError("the connection to the broker was lost", delivered=delivered)]
    link = faulty(lambda _: errors.pop() if errors else None)
    desk.write(*(add.s(number, 0) for number in range(3)))

    assert desk.relay().run_once() == 3
    assert link.came == [0, [1, 2]]


def test_what_fails_in_other_ways_than_the_transport_is_counted_too(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    faulty({1: ValueError("a\x00b")})
    desk.write(*(add.s(number, 0) for number in range(3)))

    assert desk.relay(max_attempts=1).run_once() == 2
    with desk.engine.connect() as connection:
        (failed,) = desk.outbox.failed(connection)
    assert failed.last_error == "ValueError: ab"


def test_a_queue_that_was_deleted_is_declared_again_at_once(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    gone = {number: [Unroutable("returned", delivered=False)] for number in (1, 2)}
    link = faulty(lambda number: gone[number].pop() if gone.get(number) else None)
    desk.write(*(add.s(number, 0) for number in range(4)))

    assert desk.relay().run_once() == 4
    assert link.came == [0, [3], 1, 2]


def test_a_message_that_the_broker_refuses_waits_longer_each_time(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    faulty({0: NotConfirmed("basic.nack", delivered=False)})
    desk.write(add.s(0, 0))
    waits = []
    for _ in range(12):
        before = utc_now()
        desk.relay().run_once()
        waits.append(round((desk.rows()[0].not_before - before).total_seconds(), -1))
        desk.change(not_before=None)

    assert waits == sorted(waits)
    assert waits[4:6] == [30, 60]
    assert waits[-1] == 600


def test_nothing_more_is_published_when_half_of_the_lease_is_over(
    desk: Desk, add: Add, faulty: Callable[..., Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("satchel.calling.outbox.claims.time.monotonic", lambda: clock[0])

    def slow(number: int) -> None:
        clock[0] += 20

    link = faulty(slow)
    desk.write(*(add.s(number, 0) for number in range(5)), countdown=1)
    desk.change(attempts=1)  # So that each goes alone.

    assert desk.relay(lease=60).run_once(limit=5) == 2
    assert link.came == [0, 1]
    assert [(row.attempts, row.claimed_by, row.not_before) for row in desk.rows()] == [(1, None, None)] * 3


def test_what_was_sent_is_noted_though_the_relay_is_interrupted(
    desk: Desk, add: Add, faulty: Callable[..., Faulty]
) -> None:
    def interrupted(number: int) -> None:
        if number == 1:
            raise KeyboardInterrupt

    faulty(interrupted)
    desk.write(*(add.s(number, 0) for number in range(3)))
    desk.change(attempts=1)

    with pytest.raises(KeyboardInterrupt):
        desk.relay().run_once()
    assert [row.claimed_by for row in desk.rows()] == [None, None]


@pytest.mark.parametrize(("away", "waits"), [(1, [0]), (3, [0, 1, 5]), (4, [0, 1, 5])])
def test_what_was_sent_is_noted_when_a_database_that_was_started_anew_is_back(
    desk: Desk, add: Add, faulty: Callable[..., Faulty], monkeypatch: pytest.MonkeyPatch, away: int, waits: list[int]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("satchel.calling.outbox.claims.time.sleep", waited.append)
    faults = [
        sa.exc.OperationalError("DELETE", None, Exception("the server is gone"), connection_invalidated=True)
    ] * away

    def fails(connection: Any, *_: Any) -> None:
        if link.came and faults:
            raise faults.pop()

    sa.event.listen(desk.engine, "before_cursor_execute", fails)
    link = faulty(lambda _: None)
    desk.write(add.s(1, 2))

    if away == 4:
        with pytest.raises(sa.exc.OperationalError, match="the server is gone"):
            desk.relay().run_once()
    else:
        assert desk.relay().run_once() == 1
    assert waited == waits
    assert len(desk.rows()) == (away == 4)


def test_it_runs_on_when_the_broker_and_the_database_are_back(
    desk: Desk, add: Add, faulty: Callable[..., Faulty], caplog: pytest.LogCaptureFixture
) -> None:
    errors = [OperationalError("the broker is gone", delivered=False) for _ in range(2)]
    link = faulty(lambda _: errors.pop() if errors else None)
    desk.write(add.s(1, 2))
    stop = threading.Event()
    with desk.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE satchel_outbox RENAME TO away"))
    with caplog.at_level(logging.WARNING, "satchel.calling.outbox"):
        thread = threading.Thread(target=desk.relay().run, args=(stop, 0.01))
        thread.start()
        while not caplog.records:
            stop.wait(0.01)
        with desk.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO satchel_outbox"))
        while not link.came:
            stop.wait(0.01)
        stop.set()
        thread.join()
    told = [record.getMessage().partition(" s: ")[2] for record in caplog.records]

    assert told[0] == "OperationalError: no such table: satchel_outbox"
    assert told[-1] == "OperationalError: the broker is gone"
