"""Results in a database, by SQLAlchemy: the tables ``celery_taskmeta`` and ``celery_tasksetmeta`` of stock workers."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final

from satchel.calling.errors import tell_clients
from satchel.calling.results.errors import BackendError
from satchel.calling.results.reading import ResultReader
from satchel.calling.results.record import PENDING, Record
from satchel.calling.results.waiting import poll
from satchel.calling.urls import UNREADABLE
from satchel.codecs.base import require
from satchel.errors import CorruptBody, LimitExceeded, MissingDependency, text_of

_ENCODED: Final = ("result", "args", "kwargs", "children")
"""The columns whose values are encoded."""
_PLAIN: Final = ("status", "traceback", "date_done", "name", "worker", "retries", "queue")
_NEEDED: Final = ("taskset_id", "result"), ("task_id", "status", "result")
"""The columns without which nothing is found: of groups, and of tasks."""
_CUTTING: Final = frozenset({"sqlite", "postgresql", "mysql", "mariadb"})
"""The databases that cut bytes by ``substr`` as they cut texts. Others send values whole."""


class SQLAlchemyBackend:
    """See `Backend`. The table is looked at again and again while waiting.

    Args:
        url: SQLAlchemy's, such as ``sqlite:////path`` or ``postgresql+psycopg://user@host/name``.
        reader: decodes what is stored.
        names: of the tables for "task" and "group".
        schemas: of these, likewise.
        engine_options: for `sqlalchemy.create_engine`, such as timeouts in ``connect_args``.
    """

    reply_to: str | None = None

    def __init__(
        self,
        url: str,
        reader: ResultReader,
        *,
        names: Mapping[str, str] | None = None,
        schemas: Mapping[str, str] | None = None,
        engine_options: Mapping[str, Any] | None = None,
    ) -> None:
        names, schemas = names or {}, schemas or {}
        self._url = url
        self._reader = reader
        self._tasks = names.get("task") or "celery_taskmeta", schemas.get("task")
        self._groups = names.get("group") or "celery_tasksetmeta", schemas.get("group")
        self._options = dict(engine_options or {})
        # One for each process: a child must use no connection of its parent's, nor close it.
        self._engines: dict[int, Any] = {}
        self._tables: dict[tuple[str, str | None], Any] = {}

    def __repr__(self) -> str:
        return f"SQLAlchemyBackend({self._tasks[0]!r})"

    def prepare(self, channel: Any) -> None:
        """Do nothing: the worker knows where results go."""

    def fetch(self, task_id: str) -> Record:
        """See `Backend.fetch`."""
        row = self._row(self._tasks, "task_id", task_id)
        if row is None:
            return PENDING
        stored: dict[str, Any] = {name: row[name] for name in _PLAIN if name in row}
        most = self._reader.limits.max_body
        if any(isinstance(value, str) and len(value) > most for value in stored.values()):
            error = LimitExceeded("max_body", most)
            tell_clients(error)
            raise error
        for name in _ENCODED:
            value = row.get(name)
            stored[name] = self._reader.decode_column(value) if isinstance(value, bytes) else value
        if not stored["status"] or stored["status"] == "PENDING":
            return PENDING
        stored["date_done"] = _text(stored.get("date_done"))
        if "name" not in row:
            del stored["args"], stored["kwargs"]
        stored["task_id"] = task_id
        return self._reader.record(stored)

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """See `Backend.watch`."""
        return poll(self.fetch, task_id, deadline=deadline, interval=interval)

    def forget(self, task_id: str) -> None:
        """See `Backend.forget`."""
        self._delete(self._tasks, "task_id", task_id)

    def save_group(self, group_id: str, group: Any) -> None:
        """See `Backend.save_group`."""
        body, now = self._reader.encode(group), datetime.now(timezone.utc).replace(tzinfo=None)
        with self._errors(), self._engine().begin() as connection:
            table = self._table(self._groups) if self._has(self._groups) else self._made_group_table(connection)
            connection.execute(table.delete().where(table.c.taskset_id == group_id))
            connection.execute(table.insert().values(taskset_id=group_id, result=body, date_done=now))

    def fetch_group(self, group_id: str) -> Any | None:
        """See `Backend.fetch_group`."""
        row = self._row(self._groups, "taskset_id", group_id)
        body = None if row is None else row["result"]
        return self._reader.decode_column(body) if isinstance(body, bytes) else None

    def delete_group(self, group_id: str) -> None:
        """See `Backend.delete_group`."""
        self._delete(self._groups, "taskset_id", group_id)

    def close(self) -> None:
        """See `Backend.close`."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    # What is asked of the database

    def _engine(self) -> Any:
        engine = self._engines.get(os.getpid())
        if engine is None:
            try:
                made = _library().create_engine(self._url, **self._options)
            except ImportError as error:
                raise MissingDependency(
                    "the result backend db+…",
                    error.name or "of its driver",
                    None,
                    cure="install the driver, or name another one in the url of result_backend",
                    fault=error,
                ) from error
            except _library().exc.NoSuchModuleError as error:
                name = self._url.partition(":")[0]
                raise BackendError(
                    f"the url of result_backend names no database that SQLAlchemy knows: db+{name}",
                    cure="it is db+ and SQLAlchemy's url: db+sqlite:///path, db+postgresql+psycopg://user@host/name, …",
                    lasting=True,
                ) from error
            except (_library().exc.ArgumentError, ValueError):
                what = "the url of result_backend, db+…, cannot be read"
                # Not chained: its text may have a part of the password in it.
                raise BackendError(what, cure=UNREADABLE, lasting=True) from None
            engine = self._engines.setdefault(os.getpid(), made)
        return engine

    def _has(self, place: tuple[str, str | None]) -> bool:
        name, schema = place
        return place in self._tables or _library().inspect(self._engine()).has_table(name, schema=schema)

    def _table(self, place: tuple[str, str | None]) -> Any:
        """Give a table with the columns that it has: workers add some as they are set."""
        table = self._tables.get(place)
        if table is None:
            sa, (name, schema) = _library(), place
            columns = sa.inspect(self._engine()).get_columns(name, schema=schema)
            lacking = set(_NEEDED[place is self._tasks]) - {each["name"] for each in columns}
            if lacking:
                raise BackendError(
                    f"the table {name!r} is not one of Celery's results: it lacks {', '.join(sorted(lacking))}",
                    cure="see database_table_names and the url of result_backend",
                    lasting=True,
                )
            typed = [sa.Column(each["name"], _type(sa, each["name"]), *self._numbered(place, each)) for each in columns]
            table = self._tables[place] = sa.Table(name, sa.MetaData(), *typed, schema=schema)
        return table

    def _numbered(self, place: tuple[str, str | None], column: Mapping[str, Any]) -> list[Any]:
        """Give the sequence that a column is numbered by, where the database does not do that by itself."""
        own = column.get("default") or column.get("identity") or column.get("autoincrement") is True
        if place is not self._groups or column["name"] != "id" or own or not self._engine().dialect.supports_sequences:
            return []
        return [_sequence(_library(), place[1])]

    def _row(self, place: tuple[str, str | None], column: str, id: str) -> dict[str, Any] | None:
        with self._errors():
            if not self._has(place):
                return None
            table = self._table(place)
            with self._engine().connect() as connection:
                wanted = self._wanted(table)
                rows = connection.execute(_library().select(*wanted).where(table.c[column] == id)).mappings()
                try:
                    row = rows.first()
                except (TypeError, ValueError, OverflowError) as error:  # SQLite takes anything for a time.
                    what = f"the row of {id[:200]!r} cannot be read: {type(error).__name__}: {text_of(error)}"
                    raise CorruptBody(what) from error
        return None if row is None else dict(row)

    def _wanted(self, table: Any) -> list[Any]:
        """Give the columns, cut where they are longer than what is decoded, so that no more is sent."""
        sa = _library()
        if self._engine().dialect.name not in _CUTTING:
            return list(table.c)
        # As databases count: a number beyond 31 bits is of another type. What comes before a body is short.
        most = min(self._reader.limits.max_body + 200, 2**31 - 1)
        return [
            sa.func.substr(each, 1, most, type_=each.type).label(each.name)
            if isinstance(each.type, (sa.LargeBinary, sa.String))
            else each
            for each in table.c
        ]

    def _delete(self, place: tuple[str, str | None], column: str, id: str) -> None:
        with self._errors():
            if self._has(place):
                table = self._table(place)
                with self._engine().begin() as connection:
                    connection.execute(table.delete().where(table.c[column] == id))

    def _made_group_table(self, connection: Any) -> Any:
        """Make the table of groups as Celery would, where no worker has been yet."""
        sa, (name, schema) = _library(), self._groups
        table = sa.Table(
            name,
            sa.MetaData(),
            sa.Column("id", sa.Integer, _sequence(sa, schema), primary_key=True),
            sa.Column("taskset_id", sa.String(155), unique=True),
            sa.Column("result", sa.LargeBinary, nullable=True),
            sa.Column("date_done", sa.DateTime, nullable=True, index=True),
            schema=schema,
            sqlite_autoincrement=True,
        )
        table.create(connection, checkfirst=True)
        return table

    @contextmanager
    def _errors(self) -> Generator[None]:
        errors = _library().exc
        try:
            yield
        except (errors.SQLAlchemyError, OSError) as error:
            # A column that has come since: looked up again the next time.
            self._tables.clear()
            lasting = not isinstance(error, (errors.DBAPIError, errors.TimeoutError, OSError))
            text = str(getattr(error, "orig", None) or error)[:200]
            raise BackendError(
                f"the result backend {self!r} cannot be used: {type(error).__name__}: {text}",
                cure="see that the database of result_backend is there, and that its url is right",
                lasting=lasting,
            ) from error


def _type(sa: Any, column: str) -> Any:
    if column in _ENCODED or column == "stamps":
        return sa.LargeBinary
    if column == "date_done":
        return sa.DateTime
    return sa.Integer if column in ("id", "retries") else sa.String


def _sequence(sa: Any, schema: str | None) -> Any:
    return sa.Sequence("taskset_id_sequence", schema=schema)  # Celery's name for it, whatever the table's is.


def _text(moment: Any) -> Any:
    # As the other backends have it. Databases drop the zone, which is UTC.
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).isoformat() if isinstance(moment, datetime) else moment


def _library() -> Any:
    return require("sqlalchemy", codec="the result backend db+…", library="sqlalchemy", extra="sqlalchemy")
