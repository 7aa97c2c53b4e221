"""The table of an outbox, by SQLAlchemy 2: its columns, and messages as rows of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

from satchel.calling.broker.link import Parcel
from satchel.calling.routing.queues import entities
from satchel.calling.routing.router import Route
from satchel.codecs.base import require
from satchel.message.times import UTC, shown

#: Columns that a relay reads. It needs no times of them: a damaged one could not be read at all.
CARRIED: Final = (
    *("id", "task_id", "body", "content_type", "content_encoding", "headers", "properties", "priority"),
    *("exchange", "routing_key", "declaration", "mandatory", "drop_at", "attempts"),
)

#: SQLAlchemy's names for MySQL and MariaDB.
MYSQL: Final = "mysql", "mariadb"
# What is usual on a server may be an engine without transactions, and a character set without most characters.
_OF_MYSQL: Final = {f"{name}_engine": "InnoDB" for name in MYSQL} | {f"{name}_charset": "utf8mb4" for name in MYSQL}

#: Declarations that are remembered, so that a connection sees the same queue for the same text.
_REMEMBERED: Final = 1_000

Declared = tuple[Any, Any]
"""A ``kombu.Queue`` or None, and a ``kombu.Exchange`` or None."""


def sqlalchemy() -> Any:
    """Import SQLAlchemy.

    Raises:
        MissingDependency: it is not installed.
    """
    return require("sqlalchemy", codec="an outbox", library="sqlalchemy", extra="sqlalchemy")


def now() -> datetime:
    """Give the time as the table has it: in UTC, and naive, which every database keeps as it is."""
    return datetime.now(UTC).replace(tzinfo=None)


def outbox_table(name: str, metadata: Any | None) -> Any:
    """Describe the table, or give the one of that name that `metadata` has already.

    Raises:
        ValueError: the one that is there is another table.
    """
    sa = sqlalchemy()
    home = sa.MetaData() if metadata is None else metadata
    full = name if home.schema is None else f"{home.schema}.{name}"
    there = home.tables.get(full)
    if there is None:
        # Ids are never used twice: a relay that was held up would delete the row that has one now.
        return sa.Table(name, home, *_columns(sa), sqlite_autoincrement=True, **_OF_MYSQL)
    missing = [column.name for column in _columns(sa) if column.name not in there.c]
    if missing:
        raise ValueError(f"the metadata has another table {full!r}, without {', '.join(missing)}: give table_name=…")
    return there


def _columns(sa: Any) -> list[Any]:
    mysql = import_module("sqlalchemy.dialects.mysql")
    # MySQL's own BLOB and TEXT end at 64 KiB, and its DATETIME has no fractions.
    text = sa.Text().with_variant(mysql.LONGTEXT(), *MYSQL)
    binary = sa.LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL)
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL)
    return [
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("task_id", sa.String(255), nullable=False),
        sa.Column("task", text, nullable=False),
        sa.Column("body", binary, nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("content_encoding", sa.String(255), nullable=False),
        sa.Column("headers", text, nullable=False),
        sa.Column("properties", text, nullable=False),
        sa.Column("priority", sa.Integer),
        sa.Column("exchange", text, nullable=False),
        sa.Column("routing_key", text, nullable=False),
        sa.Column("declaration", text),
        sa.Column("mandatory", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("drop_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("not_before", moment),
        sa.Column("claimed_by", sa.String(36)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", text),
        sa.Column("failed_at", moment),
    ]


# A message as a row


def row_of(parcel: Parcel, task: str) -> dict[str, Any]:
    """Give the row of a message that is to be sent.

    Raises:
        TypeError: its queue or exchange has arguments that JSON does not carry.
    """
    created, route, properties = now(), parcel.route, dict(parcel.properties)
    # For a broker it counts from when it gets the message; for the caller, from the call.
    milliseconds = properties.pop("expiration", None)
    return {
        "task_id": parcel.id,
        "task": task,
        "body": bytes(parcel.body),
        "content_type": parcel.content_type,
        "content_encoding": parcel.content_encoding,
        "headers": _text(parcel.headers),
        "properties": _text(properties),
        "priority": parcel.priority,
        "exchange": route.exchange,
        "routing_key": route.routing_key,
        "declaration": _declaration(route),
        "mandatory": parcel.mandatory,
        "drop_at": None if milliseconds is None else created + timedelta(milliseconds=int(milliseconds)),
        "created_at": created,
        "attempts": 0,
    }


def _declaration(route: Route) -> str | None:
    if route.queue is None and route.exchange_to_declare is None:
        return None
    parts = {"queue": route.queue, "exchange": route.exchange_to_declare}
    described = {name: None if part is None else part.as_dict(recurse=True) for name, part in parts.items()}
    try:
        return _text(described)
    except (TypeError, ValueError) as error:
        name = (route.exchange_to_declare if route.queue is None else route.queue).name  # type: ignore[union-attr]
        raise TypeError(f"{shown(name)} cannot be written into an outbox: its arguments are not JSON") from error


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


# And a row as a message


class Declarations:
    """The queues and exchanges of rows, by their text: the same text gives the same objects."""

    def __init__(self) -> None:
        self._made: dict[str, Declared] = {}

    def of(self, text: str | None) -> Declared:
        """Give what a text describes.

        Raises:
            ValueError: it describes nothing.
        """
        if text is None:
            return None, None
        made = self._made.get(text)
        if made is None:
            described = _table(text)
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            made = self._made[text] = _queue(described.get("queue")), _exchange(described.get("exchange"))
        return made


def parcel_of(row: Any, declarations: Declarations) -> Parcel:
    """Give the message of a row.

    Raises:
        ValueError: the row is damaged.
    """
    try:
        return _parcel(row, declarations)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"the row is damaged: {type(error).__name__}: {error}") from error


def _parcel(row: Any, declarations: Declarations) -> Parcel:
    queue, exchange = declarations.of(row.declaration)
    properties = _table(row.properties)
    if row.drop_at is not None:
        left = (row.drop_at - now()) / timedelta(milliseconds=1)
        properties["expiration"] = str(max(int(left), 0))
    for name in ("task_id", "content_type", "content_encoding", "exchange", "routing_key"):
        if not isinstance(getattr(row, name), str):
            raise ValueError(f"{name} is {shown(getattr(row, name))}")
    return Parcel(
        id=row.task_id,
        body=_bytes(row.body),
        content_type=row.content_type,
        content_encoding=row.content_encoding,
        headers=_table(row.headers),
        properties=properties,
        priority=row.priority if row.priority is None else int(row.priority),
        route=Route(row.exchange, row.routing_key, queue, exchange, {}),
        mandatory=bool(row.mandatory),
        timeout=None,
        ready=None,
    )


def _bytes(value: object) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise ValueError(f"body is {shown(value)}")
    return bytes(value)


def _table(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"a mapping is needed, not {shown(value)}")
    return value


def _exchange(given: dict[str, Any] | None) -> Any:
    return None if given is None else entities().Exchange(**given)


def _queue(given: dict[str, Any] | None) -> Any:
    if given is None:
        return None
    bound = [
        entities().binding(**{**each, "exchange": _exchange(each["exchange"])}) for each in given["bindings"] or ()
    ]
    return entities().Queue(**{**given, "exchange": _exchange(given["exchange"]), "bindings": bound})
