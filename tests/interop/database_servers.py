"""Databases on PostgreSQL and MariaDB that tests make for themselves and drop, and outboxes in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from uuid import uuid4

import pytest
import sqlalchemy as sa

from satchel.calling.outbox import Outbox
from tests.interop.transports import HOST
from tests.unit.calling import Shop
from tests.unit.outbox_desk import Desk


class Server(NamedTuple):
    """A server, and its own words for what SQL has none for.

    Attributes:
        name, port: of it.
        url: of its databases.
        home: the one to connect to, for making others.
        made, dropped: what a database is made, and dropped, with.
        session: how one connects: with what is usual on some servers, and a short wait for locks.
        tokyo: how one connects from another time zone.
        others: the connections to a database, but for the one that asks.
        kill: ends one of them.
    """

    name: str
    port: int
    url: str
    home: str
    made: str
    dropped: str
    session: dict[str, str]
    tokyo: dict[str, str]
    others: str
    kill: str


SERVERS: Final = {
    "postgresql": Server(
        name="PostgreSQL",
        port=5432,
        url=f"postgresql+psycopg://postgres@{HOST}:5432/",
        home="postgres",
        made="",
        dropped=" WITH (FORCE)",
        session={"options": "-c lock_timeout=3s -c default_transaction_isolation=serializable"},
        tokyo={"options": "-c timezone=Asia/Tokyo"},
        others="SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        kill="SELECT pg_terminate_backend(%s)",
    ),
    "mariadb": Server(
        name="MariaDB",
        port=3306,
        url=f"mariadb+pymysql://root@{HOST}:3306/",
        home="",
        made=" CHARACTER SET latin1",
        dropped="",
        session={"init_command": "SET innodb_lock_wait_timeout = 3, default_storage_engine = 'MyISAM'"},
        tokyo={"init_command": "SET time_zone = '+09:00'"},
        others="SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
        kill="KILL %s",
    ),
}


class Place:
    """A database of these tests' own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"satchel_{uuid4().hex}"
        self._home = sa.create_engine(server.url + server.home, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._say(f"CREATE DATABASE {self.name}{server.made}")

    @property
    def url(self) -> str:
        return self.server.url + self.name

    def drop(self) -> None:
        self._say(f"DROP DATABASE {self.name}{self.server.dropped}")

    def _say(self, statement: str) -> None:
        with self._home.connect() as connection:
            connection.execute(sa.text(statement))


def on_servers() -> list[Any]:
    """Give the names of the servers, as a fixture is parametrized with."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"interop-{name}")) for name in SERVERS]


@contextmanager
def database_on(name: str) -> Iterator[Place]:
    """Make a database, and drop it; where that cannot be, skip the test."""
    server = SERVERS[name]
    try:
        place = Place(server)
    except sa.exc.OperationalError as error:
        # Not a failure in CI either: no broker is missing, and SQLite is always there.
        reason = str(error.orig).partition("\n")[0]
        pytest.skip(f"{server.name} on {HOST}:{server.port} cannot be used: {reason}")
    try:
        yield place
    finally:
        place.drop()


class Store(Desk):
    """An application with an outbox in the place's database."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.shop = Shop()
        self.outbox = Outbox(self.shop.app)
        self._engines: list[sa.Engine] = []
        # What the tests themselves write and read, gets over connections that were lost.
        self.engine = self.connect(pool_pre_ping=True)
        self.outbox.create(self.engine)

    def connect(self, arguments: dict[str, str] | None = None, **options: Any) -> sa.Engine:
        """Give an engine of its own."""
        arguments = arguments or self.place.server.session
        self._engines.append(sa.create_engine(self.place.url, connect_args=arguments, pool_size=10, **options))
        return self._engines[-1]

    def call(self, number: int) -> Any:
        return self.shop.app.signature("shop.add", (number, 0))

    def put(self, *numbers: int, **options: Any) -> list[str]:
        return self.write(*map(self.call, numbers), **options)

    def numbers(self) -> list[int]:
        """Take what has arrived."""
        return [call.args[0] for call in self.shop.received()]

    def say(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def kill_others(self) -> None:
        """End all connections to the database, and wait until they are."""
        engine = sa.create_engine(self.place.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            others = sa.text(self.place.server.others)
            killed = set(connection.scalars(others))
            for number in killed:
                connection.exec_driver_sql(self.place.server.kill, (number,))
            while killed & set(connection.scalars(others)):
                time.sleep(0.01)

    def close(self) -> None:
        for engine in self._engines:
            engine.dispose()
        with sa.create_engine(self.place.url, poolclass=sa.NullPool).begin() as connection:
            self.outbox.table.drop(connection)


def together(*works: Callable[[], object]) -> None:
    """Do works at once; raise what one of them raises."""
    errors: list[Exception] = []
    start = threading.Barrier(len(works))

    def do(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - for the test to raise
            errors.append(error)

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
