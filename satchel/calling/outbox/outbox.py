"""An outbox: messages that are written in the application's own transaction, by SQLAlchemy 2, and sent behind it."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from satchel.calling.app import App
from satchel.calling.outbox.relay import Relay
from satchel.calling.outbox.table import outbox_table, row_of, sqlalchemy
from satchel.calling.signature import Signature
from satchel.message.checks import integer, required_text
from satchel.message.times import UTC, shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.call_options import CallOptions
    from satchel.calling.results import AsyncResult

__all__ = ["FailedMessage", "Outbox", "Relay"]

R = TypeVar("R")

#: Options of a call that only whoever publishes can heed.
_OF_THE_RELAY: Final = ("connection", "producer", "publisher", "retry", "retry_policy", "timeout")


class Executor(Protocol):
    """SQLAlchemy's ``Session``, ``scoped_session`` or ``Connection``."""

    def execute(self, statement: Any, /) -> Any:
        """Execute a statement within the transaction."""


class FailedMessage(NamedTuple):
    """A message that the relay has given up.

    Attributes:
        id: of its row, for `Outbox.retry`.
        task_id, task: the task's id and name.
        attempts: how often it was tried.
        last_error: why it was not sent the last time.
        created_at, failed_at: when it was written, and given up; in UTC.
    """

    id: int
    task_id: str
    task: str
    attempts: int
    last_error: str
    created_at: datetime
    failed_at: datetime


class Outbox:
    """Messages in a table of the application's own database. Immutable, and safe to share between threads.

    Args:
        app: whose tasks are called. Its relay connects to the broker; to add a message, nobody does.
        table_name: of the table.
        metadata: of SQLAlchemy, to which the table is added; default one of its own.

    Attributes:
        app: the application.
        table: SQLAlchemy's ``Table``. Times in it are in UTC.

    Raises:
        TypeError: an argument has another type.
        ValueError: the name is empty, or `metadata` has another table of that name.
        MissingDependency: SQLAlchemy is not installed.
    """

    def __init__(self, app: App, table_name: str = "satchel_outbox", metadata: Any | None = None) -> None:
        if not isinstance(app, App):
            raise TypeError(f"app must be an App, got {shown(app)}")
        required_text("table_name", table_name)
        if metadata is not None and not isinstance(metadata, sqlalchemy().MetaData):
            raise TypeError(f"metadata must be a MetaData of SQLAlchemy, got {shown(metadata)}")
        self.app = app
        self.table: Any = outbox_table(table_name, metadata)

    def create(self, engine: Any) -> None:
        """Create the table, where it is not there yet.

        Args:
            engine: SQLAlchemy's ``Engine`` for the database; in a migration, its ``Connection``.
        """
        sa = sqlalchemy()
        try:
            self.table.create(engine, checkfirst=True)
        except sa.exc.DBAPIError:
            # Processes that start together all look before one of them has created it.
            if not isinstance(engine, sa.Engine):
                raise
            self.table.create(engine, checkfirst=True)

    def add(
        self,
        target: Executor,
        signature: Signature[R],
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Write a call into the outbox, within the transaction of `target`: it is sent if and only if that commits.

        The message is built here and now: ``countdown`` and ``expires`` count from this call, and so does the expiry
        at the broker. Hooks of `App.before_publish` see it now, those of `App.after_publish` do not.

        Args:
            target: the application's own ``Session`` or ``Connection``.
            signature: the call, such as ``add.s(1, 2)``.
            options: further options, which win over the signature's; see `CallOptions`. What says how it is published
                (``connection``, ``producer``, ``publisher``, ``retry``, ``retry_policy``, ``timeout``) is the relay's.

        Returns:
            The result. Nothing comes before the transaction is committed: do not wait for it within.

        Raises:
            TypeError, ValueError, EncodeError: the call is wrong, as for `Task.apply_async`; nothing was written.
            sqlalchemy.exc.SQLAlchemyError: the row cannot be written.
        """
        _check_target(target)
        if not isinstance(signature, Signature):
            raise TypeError(f"a signature is needed, such as task.s(1, 2), got {shown(signature)}")
        app = self.app
        if signature.app is not app:
            raise ValueError(f"{signature.name!r} is a task of {signature.app!r}, and the outbox is of {app!r}")
        call = signature.call(**options)
        for name in _OF_THE_RELAY:
            if call.options.get(name) is not None:
                raise TypeError(f"{name} says how a message is published, which the relay does: leave it out")
        prepared = app.sender.prepare(call)
        if prepared.packet.ready is not None:
            raise ValueError(
                "results by rpc:// come to the process that sends, and that is the relay's: give ignore_result=True, "
                "or a result backend that stores them"
            )
        target.execute(self.table.insert().values(row_of(prepared.packet, call.task)))
        return app._result(prepared.id, ignored=prepared.ignored)

    def failed(self, connection: Executor, limit: int = 100) -> list[FailedMessage]:
        """Give the messages that the relay has given up, the oldest first, `limit` at the most."""
        _check_target(connection)
        table = self.table
        columns = [table.c[name] for name in FailedMessage._fields]
        oldest = sqlalchemy().select(*columns).where(table.c.failed_at.is_not(None)).order_by(table.c.id)
        rows = connection.execute(oldest.limit(integer("limit", limit, 1)))
        return [_failed(*row) for row in rows]

    def retry(self, connection: Executor, id: int) -> bool:
        """Let the relay try a message again that it has given up, as often as a new one.

        Args:
            connection: it is done in its transaction.
            id: `FailedMessage.id`.

        Returns:
            Whether there is such a message.
        """
        _check_target(connection)
        table = self.table
        given_up = table.c.id == integer("id", id, 0), table.c.failed_at.is_not(None)
        again = {"failed_at": None, "attempts": 0, "not_before": None, "claimed_by": None}
        return bool(connection.execute(table.update().where(*given_up).values(again)).rowcount)

    def __repr__(self) -> str:
        return f"<Outbox {self.table.name} of {self.app.name}>"


def _failed(id: int, task_id: str, task: str, attempts: int, error: str, *times: datetime) -> FailedMessage:
    created, failed = (moment.replace(tzinfo=UTC) for moment in times)
    return FailedMessage(id, task_id, task, attempts, error, created, failed)


def _check_target(target: object) -> None:
    orm = import_module("sqlalchemy.orm")
    if not isinstance(target, (orm.Session, orm.scoped_session, sqlalchemy().Connection)):
        cure = ""
        if type(target).__name__.startswith(("Async", "async_")):
            cure = "; with asyncio: await session.run_sync(lambda session: outbox.add(session, …))"
        raise TypeError(f"a Session or Connection of SQLAlchemy is needed, got {shown(target)}{cure}")
