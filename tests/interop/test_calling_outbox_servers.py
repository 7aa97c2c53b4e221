"""The outbox on PostgreSQL and MariaDB: what SQLite cannot show, where one writes at a time and types bind nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from satchel.calling import App, OperationalError
from satchel.calling.outbox import Outbox, Relay
from satchel.calling.outbox.claims import Claims
from tests.interop.database_servers import Place, Store, database_on, on_servers, together
from tests.unit.outbox_desk import RELAY, utc_now

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=on_servers())
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with database_on(request.param) as place:
        yield place


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    store = Store(place)
    yield store
    store.close()


# The transaction


def test_what_is_committed_is_sent_and_nothing_else_is(store: Store) -> None:
    with Session(store.engine) as session, session.begin():
        result = store.outbox.add(session, store.call(1))
        with session.begin_nested() as savepoint:
            store.outbox.add(session, store.call(2))
            savepoint.rollback()
        before = store.relay().run_once()
    with Session(store.engine) as session:
        store.outbox.add(session, store.call(3))
        session.rollback()

    assert (before, store.relay().run_once(), store.rows()) == (0, 1, [])
    assert store.shop.sent().id == result.id


def test_what_an_application_has_under_way_is_not_sent_when_its_connection_is_lost(store: Store) -> None:
    with pytest.raises(sa.exc.OperationalError), Session(store.engine) as session:  # noqa: PT012 - which one fails is the driver's affair
        store.outbox.add(session, store.call(1))
        store.kill_others()
        store.outbox.add(session, store.call(2))
        session.commit()

    assert store.put(3)
    assert store.relay().run_once() == 1
    assert store.numbers() == [3]


# The message


def test_rows_arrive_in_the_order_in_which_they_were_added(store: Store) -> None:
    store.put(*range(230))

    assert store.relay().run_once(limit=1000) == 230
    assert store.numbers() == list(range(230))


def test_a_large_message_arrives_whole(store: Store) -> None:
    text = "ä😀\x00\\'\"%:" * 150_000
    store.write(store.shop.app.signature("shop.add", (text,)), headers={"trace": "€" * 70_000})
    store.relay().run_once()
    sent = store.shop.sent()

    assert sent.args[0] == text
    assert sent.headers["trace"] == "€" * 70_000


def test_names_and_errors_may_have_any_character(store: Store) -> None:
    name, queue = "shop.ÿ😀", f"{store.shop.queue}-ÿ😀"
    store.write(store.shop.app.signature(name), queue=queue)
    store.write(store.shop.app.signature(name), exchange=f"{queue}-none", routing_key="ÿ😀")

    assert store.relay(max_attempts=1).run_once() == 1
    assert store.shop.sent(queue).task == name
    with store.engine.begin() as connection:
        (failed,) = store.outbox.failed(connection)
        assert (failed.task, f"exchange '{queue}-none'" in failed.last_error) == (name, True)
        assert store.outbox.retry(connection, failed.id)


def test_an_error_that_the_database_cannot_hold_is_noted_in_part(store: Store) -> None:
    store.put(1)
    if store.place.server.name == "MariaDB":
        store.say("ALTER TABLE satchel_outbox CONVERT TO CHARACTER SET latin1")
    claims = store.relay()._claims
    batch = claims.take(1)
    assert batch is not None
    batch.refused[batch.rows[0].id] = OperationalError("a\x00b \ud800 😀", delivered=None)
    claims.note(batch)

    whole = "😀" if store.place.server.name == "PostgreSQL" else "\\U0001f600"
    assert store.rows()[0].last_error == f"OperationalError: ab \\ud800 {whole}"


def test_times_are_those_of_utc_whatever_the_time_zone(store: Store) -> None:
    away = store.connect(store.place.server.tokyo)
    before = utc_now()
    with Session(away) as session, session.begin():
        store.outbox.add(session, store.call(1), expires=600, broker_expiration=True)
    after = utc_now()
    (row,) = store.rows()
    Relay(store.outbox, away)._claims.take(1)
    meanwhile = store.relay().run_once()
    store.change(not_before=utc_now() - timedelta(milliseconds=1))

    assert before <= row.created_at <= after
    assert row.drop_at - row.created_at <= timedelta(seconds=600)
    assert (meanwhile, store.relay().run_once()) == (0, 1)
    assert 540_000 < int(store.shop.sent().properties["expiration"]) <= 600_000


# Several at once


def test_relays_that_run_at_once_send_each_row_once_while_applications_write(store: Store) -> None:
    ids = store.put(*range(100))
    written = threading.Event()

    def write() -> None:
        for number in range(100):
            ids.extend(store.put(number, number))

    def relay() -> None:
        relay = store.relay()
        while True:
            last = written.is_set()
            if not relay.run_once(limit=20) and last:
                return

    def write_all() -> None:
        try:
            together(write, write)
        finally:
            written.set()

    together(write_all, relay, relay, relay)

    assert store.rows() == []
    assert Counter(call.id for call in store.shop.received()) == Counter(ids)


def test_rows_that_another_relay_is_claiming_are_skipped(store: Store) -> None:
    store.put(*range(20))
    other, ours = store.connect(), store.relay()
    sent: list[int] = []

    @sa.event.listens_for(other, "commit")
    def claimed(_: object) -> None:
        if not sent:
            sent.append(ours.run_once())

    sent.append(Relay(store.outbox, other).run_once(limit=5))

    assert sent == [15, 5]
    assert store.numbers() == [*range(5, 20), *range(5)]


def test_a_relay_does_not_wait_for_transactions_that_are_open(store: Store) -> None:
    store.put(*range(20))
    relay = store.relay()
    with store.engine.begin() as connection:
        store.outbox.add(connection, store.call(20))
        batch = relay._claims.take(5)
        assert batch is not None
        relay._claims.note(batch)
        sent = relay.run_once()
        store.outbox.add(connection, store.call(21))

    assert (sent, relay.run_once()) == (20, 2)
    assert store.numbers() == list(range(22))


def test_an_application_does_not_wait_for_a_relay_that_is_claiming(store: Store) -> None:
    store.put(*range(5))
    other = store.connect()
    ids: list[str] = []
    sa.event.listen(other, "commit", lambda _: ids.extend(store.put(5) if not ids else ()))

    assert Relay(store.outbox, other).run_once(limit=5) == 5
    assert len(ids) == 1


# Relays that end, and connections


RELAYS = (
    RELAY
    + """
steps, killed, ended, running = 1, 0, [], set()
while running or not ended:
    while len(running) < 3 and not ended:
        child = os.fork()
        if not child:
            try:
                relay(steps)
            finally:
                os._exit(1)
        running.add(child)
        steps += 6
    child, status = os.wait()
    running.remove(child)
    if os.WIFEXITED(status):
        ended.append(os.WEXITSTATUS(status))
    else:
        killed += 1
print(killed)
sys.exit(max(ended))
"""
)


def test_nothing_is_lost_when_relays_that_run_at_once_are_killed(store: Store, tmp_path: Path) -> None:
    folder, control = tmp_path / "queue", tmp_path / "control"
    folder.mkdir()
    control.mkdir()
    ids = store.put(*range(150))

    # The first is killed at its first step, the next at its seventh, …: before, amid and behind all that relays do.
    done = subprocess.run(
        [sys.executable, "-c", RELAYS, folder, control, store.place.url, "0.6"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    arrived = Counter(json.loads(each.read_bytes())["headers"]["id"] for each in folder.iterdir())

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 10
    assert set(arrived) == set(ids)
    assert len(ids) < sum(arrived.values())  # Some were killed between publishing and deleting.


def test_a_relay_notes_what_it_has_sent_though_its_connection_is_lost_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(claims: Claims, *args: Any, note: Any = Claims.note) -> None:
        store.kill_others()
        note(claims, *args)

    monkeypatch.setattr(Claims, "note", note)
    store.put(*range(3))

    assert Relay(store.outbox, store.connect()).run_once() == 3
    assert store.rows() == []
    assert store.numbers() == [0, 1, 2]


def test_a_relay_whose_connection_is_lost_amid_a_claim_has_claimed_nothing(store: Store) -> None:
    store.put(*range(3))
    other = store.connect()
    sa.event.listen(other, "commit", lambda _: store.kill_others(), once=True)
    relay = Relay(store.outbox, other)

    with pytest.raises(sa.exc.OperationalError):
        relay.run_once()
    assert relay.run_once() == 3
    assert store.numbers() == [0, 1, 2]


def test_a_relay_runs_on_when_its_connections_are_lost(store: Store) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Relay(store.outbox, store.connect()).run, args=(stop, 0.01))
    thread.start()
    try:
        for number in range(3):
            store.put(number)
            while store.rows():
                stop.wait(0.01)
            store.kill_others()
    finally:
        stop.set()
        thread.join()

    assert store.numbers() == [0, 1, 2]


# The table


def test_processes_that_start_together_may_all_create_the_table(store: Store) -> None:
    outbox = Outbox(store.shop.app, "satchel_outbox_together")
    together(*[lambda: outbox.create(store.engine)] * 6)
    outbox.create(store.engine)

    outbox.table.drop(store.engine)


def test_a_migration_creates_the_table_by_its_connection_or_by_the_statement_itself(store: Store) -> None:
    for create in (
        store.outbox.create,
        lambda connection: connection.exec_driver_sql(str(CreateTable(store.outbox.table).compile(store.engine))),
    ):
        store.outbox.table.drop(store.engine)
        with store.engine.begin() as connection:
            create(connection)
        store.put(1)

        assert store.relay().run_once() == 1


def test_the_table_may_be_in_a_schema_and_have_any_name(store: Store) -> None:
    schema = "public" if store.place.server.name == "PostgreSQL" else store.place.name
    outbox = Outbox(App("shop", broker="memory://"), "Order's %(ä) letters", sa.MetaData(schema=schema))
    outbox.create(store.engine)
    with store.engine.begin() as connection:
        outbox.add(connection, outbox.app.signature("shop.add"), queue=store.shop.queue)
    sent = Relay(outbox, store.engine).run_once()
    outbox.table.drop(store.engine)

    assert (sent, store.shop.sent().task) == (1, "shop.add")
