"""The outbox: a call is sent if and only if the transaction commits that it was written in."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.schema import CreateTable

from satchel.calling import App
from satchel.calling.outbox import Outbox, Relay
from satchel.calling.outbox.claims import _skips_locked
from satchel.calling.outbox.table import Declarations, _declaration
from satchel.calling.routing.router import Route
from tests.unit.calling import Shop
from tests.unit.outbox_desk import Add, Desk, utc_now

kombu: Any = import_module("kombu")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(shop, tmp_path)
    yield desk
    desk.engine.dispose()


class AsyncSession:
    """Stands for SQLAlchemy's, which needs greenlet."""

    def execute(self, statement: Any, /) -> Any:
        raise AssertionError(statement)


# The transaction


def test_a_call_is_sent_when_its_transaction_is_committed(desk: Desk, add: Add) -> None:
    with Session(desk.engine) as session, session.begin():
        result = desk.outbox.add(session, add.s(1, 2))
        before = desk.relay().run_once()

    assert (before, desk.relay().run_once(), desk.rows()) == (0, 1, [])
    sent = desk.shop.sent()
    assert (sent.id, sent.task, list(sent.args)) == (result.id, "shop.add", [1, 2])


def test_a_call_is_not_sent_when_its_transaction_is_rolled_back(desk: Desk, add: Add) -> None:
    with Session(desk.engine) as session:
        desk.outbox.add(session, add.s(1, 2))
        session.rollback()

    assert desk.relay().run_once() == 0
    assert desk.shop.received() == []


def test_a_call_is_not_sent_when_its_savepoint_is_rolled_back(desk: Desk, add: Add) -> None:
    with Session(desk.engine) as session, session.begin():
        desk.outbox.add(session, add.s(1, 1))
        with session.begin_nested() as savepoint:
            desk.outbox.add(session, add.s(2, 2))
            savepoint.rollback()

    assert desk.relay().run_once() == 1
    assert list(desk.shop.sent().args) == [1, 1]


def test_a_connection_and_a_scoped_session_do_as_well(desk: Desk, add: Add) -> None:
    scoped = scoped_session(sessionmaker(desk.engine))
    desk.outbox.add(scoped, add.s(1, 1))
    scoped.commit()
    scoped.remove()
    with desk.engine.begin() as connection:
        desk.outbox.add(connection, add.s(2, 2))

    assert desk.relay().run_once() == 2
    assert [list(call.args) for call in desk.shop.received()] == [[1, 1], [2, 2]]


# The message


def test_the_message_is_the_one_that_is_sent_without_an_outbox(desk: Desk, add: Add) -> None:
    options: dict[str, Any] = {
        "task_id": "pay-1",
        "headers": {"trace": ["ä", 1.5, None, {"deep": True}]},
        "priority": 3,
        "serializer": "yaml",
        "expiration": 60,
        "link": add.s(3),
    }
    add.s(1, 2).set(**options).apply_async()
    (direct,) = desk.shop.received()
    desk.write(add.s(1, 2), **options)
    desk.relay().run_once()
    relayed = desk.shop.sent()

    def parts(call: Any) -> Any:
        properties = {
            name: each for name, each in call.properties.items() if name not in ("delivery_tag", "expiration")
        }
        return call.task, call.args, call.kwargs, call.embed, dict(call.headers), properties

    assert parts(relayed) == parts(direct)


def test_calls_are_sent_in_the_order_in_which_they_were_added(desk: Desk, add: Add) -> None:
    desk.write(*(add.s(number, 0) for number in range(230)))

    assert desk.relay().run_once(limit=1000) == 230
    assert [call.args[0] for call in desk.shop.received()] == list(range(230))


def test_no_more_are_sent_at_a_time_than_was_said(desk: Desk, add: Add) -> None:
    desk.write(*(add.s(number, 0) for number in range(5)))

    assert desk.relay().run_once(limit=3) == 3
    assert [call.args[0] for call in desk.shop.received()] == [0, 1, 2]


def test_waits_count_from_the_call_and_not_from_the_relay(desk: Desk, add: Add) -> None:
    before = datetime.now(timezone.utc)
    desk.write(add.s(1, 2), countdown=100, expires=200)
    after = datetime.now(timezone.utc)
    desk.relay().run_once()
    sent = desk.shop.sent()

    assert sent.eta is not None
    assert sent.expires is not None
    assert before <= sent.eta - timedelta(seconds=100) <= after
    assert before <= sent.expires - timedelta(seconds=200) <= after


@pytest.mark.parametrize(("elapsed", "left"), [(100, 500), (700, 0)])
def test_the_expiry_at_the_broker_counts_from_the_call_too(desk: Desk, add: Add, elapsed: int, left: int) -> None:
    desk.write(add.s(1, 2), expires=600, broker_expiration=True)
    drop_at = desk.rows()[0].drop_at
    with desk.engine.begin() as connection:
        connection.execute(desk.outbox.table.update().values(drop_at=drop_at - timedelta(seconds=elapsed)))
    desk.relay().run_once()
    milliseconds = int(desk.shop.sent().properties["expiration"])

    assert left * 1000 - 60_000 < milliseconds <= left * 1000


def test_times_in_the_table_are_in_utc(desk: Desk, add: Add) -> None:
    before = utc_now()
    desk.write(add.s(1, 2))

    assert before <= desk.rows()[0].created_at <= utc_now()


def test_the_result_of_a_call_whose_result_is_ignored_is_none_at_once(desk: Desk, add: Add) -> None:
    with Session(desk.engine) as session, session.begin():
        result = desk.outbox.add(session, add.s(1, 2), ignore_result=True)

        assert result.get() is None


def test_a_queue_is_declared_by_the_relay_as_the_call_gave_it() -> None:
    exchange = kombu.Exchange("goods", "topic", arguments={"alternate-exchange": "others"}, delivery_mode=1)
    queue = kombu.Queue(
        "goods",
        queue_arguments={"x-queue-type": "quorum"},
        max_priority=7,
        message_ttl=1.5,
        bindings=[kombu.binding(exchange, "goods.#", arguments={"a": 1})],
    )
    plain = kombu.Queue("plain", exchange, "plain", durable=False, auto_delete=True)

    for route in (Route("goods", "goods.a", queue, exchange, {}), Route("", "plain", plain, None, {})):
        made = Declarations().of(_declaration(route))

        assert made[0].as_dict(recurse=True) == route.queue.as_dict(recurse=True)  # type: ignore[union-attr]
        assert made[1] == route.exchange_to_declare


def test_the_same_queue_is_declared_once_by_one_connection() -> None:
    text = _declaration(Route("", "plain", kombu.Queue("plain"), None, {}))
    declarations = Declarations()

    assert declarations.of(text)[0] is declarations.of(text)[0]


# What is refused


def test_what_only_a_publisher_can_heed_is_refused(desk: Desk, add: Add) -> None:
    options: dict[str, Any] = {
        "retry": True,
        "retry_policy": {"max_retries": 1},
        "timeout": 3,
        "connection": object(),
        "producer": object(),
        "publisher": object(),
    }
    for name, value in options.items():
        with pytest.raises(TypeError, match=f"^{name} says how a message is published"):
            desk.write(add.s(1, 2), **{name: value})

    assert desk.rows() == []


def test_a_call_that_is_wrong_is_refused_before_anything_is_written(desk: Desk, add: Add) -> None:
    with Session(desk.engine) as session, session.begin():
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            desk.outbox.add(session, add.signature((1,)))
        with pytest.raises(TypeError, match="unknown option 'countdwn'; did you mean 'countdown'"):
            desk.outbox.add(session, add.s(1, 2), countdwn=3)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"a signature is needed, such as task\.s\(1, 2\)"):
            desk.outbox.add(session, add)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"'shop\.add' is a task of <App shop"):
            Outbox(App("other")).add(session, add.s(1, 2))

    assert desk.rows() == []


def test_arguments_of_a_queue_that_json_does_not_carry_are_refused(desk: Desk, add: Add) -> None:
    queue = kombu.Queue("odd", queue_arguments={"x": object()})

    with pytest.raises(TypeError, match="'odd' cannot be written into an outbox"):
        desk.write(add.s(1, 2), queue=queue)


def test_other_targets_than_sessions_and_connections_are_refused(desk: Desk, add: Add) -> None:
    with pytest.raises(TypeError, match=r"a Session or Connection of SQLAlchemy is needed, got <sqlalchemy\.engine"):
        desk.outbox.add(desk.engine, add.s(1, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"with asyncio: await session\.run_sync"):
        desk.outbox.add(AsyncSession(), add.s(1, 2))


def test_results_by_rpc_are_refused_unless_they_are_ignored(tmp_path: Path) -> None:
    shop = Shop(result_backend="rpc://")
    desk = Desk(shop, tmp_path)
    with closing(desk.engine.raw_connection()):
        pass
    signature = shop.app.signature("shop.add", (1, 2))

    with pytest.raises(ValueError, match="results by rpc:// come to the process that sends"):
        desk.write(signature)
    desk.write(signature, ignore_result=True)
    desk.engine.dispose()


def test_the_table_is_in_the_metadata_that_was_given(shop: Shop) -> None:
    metadata = sa.MetaData(schema="shop")
    outbox = Outbox(shop.app, "letters", metadata)

    assert metadata.tables["shop.letters"] is outbox.table
    assert Outbox(shop.app, "letters", metadata).table is outbox.table


def test_another_table_of_the_same_name_is_refused(shop: Shop) -> None:
    metadata = sa.MetaData()
    sa.Table("letters", metadata, sa.Column("id", sa.Integer), sa.Column("task_id", sa.Integer))

    with pytest.raises(ValueError, match="the metadata has another table 'letters', without task, body,"):
        Outbox(shop.app, "letters", metadata)


def test_wrong_arguments_are_refused(desk: Desk) -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: Outbox("shop"), "app must be an App"),  # type: ignore[arg-type]
        (lambda: Outbox(desk.shop.app, 5), "table_name must be a str"),  # type: ignore[arg-type]
        (lambda: Outbox(desk.shop.app, metadata={}), "metadata must be a MetaData"),
        (lambda: Relay(desk.outbox, "sqlite://"), "engine must be an Engine"),
        (lambda: desk.relay(lease=0), "lease must be a number of seconds greater than 0"),
        (lambda: desk.relay(max_attempts=0), "max_attempts is out of range"),
        (lambda: desk.relay().run_once(0), "limit is out of range"),
        (lambda: desk.relay().run(threading.Event(), 0), "interval must be a number of seconds greater than 0"),
    ]
    for call, text in wrong:
        with pytest.raises((TypeError, ValueError), match=text):
            call()


def test_importing_it_imports_no_sqlalchemy() -> None:
    code = "import satchel.calling.outbox, sys; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("name", "maria", "version", "expected"),
    [
        ("postgresql", False, (15, 1), True),
        ("mysql", False, (8, 0, 36), True),
        ("mysql", False, (5, 7, 44), False),
        ("mysql", True, (10, 11, 6), True),
        ("mariadb", True, (10, 5, 9), False),
        ("sqlite", False, (3, 40), False),
        ("mssql", False, (16,), False),
    ],
)
def test_rows_that_are_locked_are_skipped_where_the_database_can(
    name: str, maria: bool, version: tuple[int, ...], expected: bool
) -> None:
    dialect = SimpleNamespace(name=name, is_mariadb=maria, server_version_info=version)

    assert _skips_locked(dialect) is expected


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_the_table_has_transactions_and_all_characters_and_sizes_on_mysql(name: str) -> None:
    # Servers may be set otherwise; tests/interop runs it on one.
    dialect = sa.make_url(f"{name}+pymysql://h/d").get_dialect()()
    written = str(CreateTable(Outbox(App("a", broker="memory://")).table).compile(dialect=dialect))

    assert "ENGINE=InnoDB" in written
    assert "CHARSET=utf8mb4" in written
    assert {"LONGBLOB", "LONGTEXT", "DATETIME(6)"} <= set(written.replace(",", " ").split())
