"""The relay of an outbox: each row is sent, once where nothing ends, and none holds up the others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from satchel.calling import App
from satchel.calling.outbox import Outbox
from tests.unit.calling import Shop
from tests.unit.outbox_desk import RELAY, Add, Desk, utc_now

kombu: Any = import_module("kombu")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(shop, tmp_path)
    yield desk
    desk.engine.dispose()


# Several relays, and relays that end


def test_relays_that_run_at_once_send_each_row_once(desk: Desk, add: Add) -> None:
    ids = desk.write(*(add.s(number, 0) for number in range(600)))
    sent: list[int] = []
    start = threading.Barrier(4)

    def run() -> None:
        relay = desk.relay()
        start.wait()
        while (number := relay.run_once(limit=20)) > 0:
            sent.append(number)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == 600
    assert Counter(call.id for call in desk.shop.received()) == Counter(ids)


def test_rows_of_a_relay_that_is_at_work_are_left_alone_until_its_lease_is_over(desk: Desk, add: Add) -> None:
    (task_id,) = desk.write(add.s(1, 2))
    other = desk.relay()._claims.take(10)
    meanwhile = desk.relay().run_once()
    desk.change(not_before=str(utc_now() - timedelta(seconds=1)))

    assert other is not None
    assert (meanwhile, desk.relay().run_once()) == (0, 1)
    assert desk.shop.sent().id == task_id


def test_a_relay_that_was_held_up_does_not_delete_what_another_one_has_by_now(desk: Desk, add: Add) -> None:
    desk.write(add.s(1, 2))
    slow = desk.relay()._claims
    batch = slow.take(10)
    assert batch is not None
    desk.change(not_before=str(utc_now() - timedelta(seconds=1)))
    desk.relay()._claims.take(10)
    batch.sent.add(batch.rows[0].id)
    slow.note(batch)

    assert len(desk.rows()) == 1


def test_no_id_is_given_to_a_second_row(desk: Desk, add: Add) -> None:
    desk.write(add.s(1, 2))
    first = desk.rows()[0].id
    desk.relay().run_once()
    desk.write(add.s(1, 2))

    assert desk.rows()[0].id > first


RELAYS = (
    RELAY
    + """
steps = 1
while True:
    child = os.fork()
    if not child:
        try:
            relay(steps)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status):
        print(steps)
        sys.exit(os.WEXITSTATUS(status))
    steps += 5
"""
)


@pytest.mark.once
def test_nothing_is_lost_when_relays_are_killed_again_and_again(tmp_path: Path) -> None:
    folder, control, database = tmp_path / "queue", tmp_path / "control", tmp_path / "shop.sqlite"
    folder.mkdir()
    control.mkdir()
    app = App("shop", broker="memory://")
    outbox = Outbox(app)
    engine = sa.create_engine(f"sqlite:///{database}")
    outbox.create(engine)
    with engine.begin() as connection:
        ids = [outbox.add(connection, app.signature("shop.add", (number, 0))).id for number in range(500)]
    engine.dispose()

    # The first is killed at its first step, the next at its sixth, …: before, amid and behind all that relays do.
    done = subprocess.run(
        [sys.executable, "-c", RELAYS, folder, control, f"sqlite:///{database}?timeout=60", "2"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    arrived = Counter(json.loads(each.read_bytes())["headers"]["id"] for each in folder.iterdir())

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 100
    assert set(arrived) == set(ids)
    assert len(ids) < sum(arrived.values())  # Some were killed between publishing and deleting.


# What cannot be sent


def test_a_row_that_no_queue_takes_does_not_hold_up_the_others(desk: Desk, add: Add) -> None:
    exchange = f"nowhere-{uuid4().hex}"
    desk.write(add.s(1, 1))
    desk.write(add.s(2, 2), exchange=exchange, routing_key="nobody")
    desk.write(add.s(3, 3))

    assert desk.relay().run_once() == 2
    (row,) = desk.rows()
    assert [list(call.args) for call in desk.shop.received()] == [[1, 1], [3, 3]]
    assert (row.attempts, row.failed_at, row.claimed_by) == (1, None, None)
    assert row.not_before > utc_now()
    assert f"exchange '{exchange}'" in row.last_error


def test_a_row_is_given_up_after_so_many_attempts_and_tried_again_when_told_so(desk: Desk, add: Add) -> None:
    exchange = kombu.Exchange(f"late-{uuid4().hex}", "direct")
    (task_id,) = desk.write(add.s(1, 1), exchange=exchange.name, routing_key="goods")
    relay = desk.relay(max_attempts=2)
    for _ in range(3):
        relay.run_once()
        desk.change(not_before=None)

    with desk.engine.begin() as connection:
        (failed,) = desk.outbox.failed(connection)
        assert (failed.task_id, failed.task, failed.attempts) == (task_id, "shop.add", 2)
        assert failed.last_error.startswith("Unroutable: ")
        assert failed.created_at <= failed.failed_at <= datetime.now(timezone.utc)
        assert desk.outbox.retry(connection, failed.id)
        assert not desk.outbox.retry(connection, failed.id)
        assert desk.outbox.failed(connection) == []

    with kombu.Connection("memory://") as connection:
        kombu.Queue(desk.shop.queue, exchange, "goods")(connection.default_channel).declare()
    assert relay.run_once() == 1
    assert desk.shop.sent().id == task_id


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("headers", "{"),
        ("headers", "[]"),
        ("headers", "[" * 100_000),
        ("properties", "null"),
        ("declaration", '{"queue": 1}'),
        ("declaration", '{"queue": {"name": "x"}}'),
        ("exchange", b"\x00"),
        ("body", "not bytes"),
        ("drop_at", "soon"),
        ("priority", "high"),
    ],
)
def test_a_damaged_row_is_given_up_and_the_others_are_sent(desk: Desk, add: Add, column: str, value: Any) -> None:
    desk.write(add.s(1, 1))
    desk.change(**{column: value})
    desk.write(add.s(2, 2))

    assert desk.relay().run_once() == 1
    with desk.engine.connect() as connection:
        (failed,) = desk.outbox.failed(connection)
    assert failed.last_error.startswith("the row is damaged: ")
    assert list(desk.shop.sent().args) == [2, 2]


def test_it_runs_until_it_is_stopped(desk: Desk, add: Add) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=desk.relay().run, args=(stop, 0.01))
    thread.start()
    ids = desk.write(*(add.s(number, 0) for number in range(5)))
    while desk.rows():
        stop.wait(0.01)
    stop.set()
    thread.join()

    assert [call.id for call in desk.shop.received()] == ids
