"""Rows of an outbox that one relay has claimed for a time, by SQLAlchemy 2, and what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from satchel.calling.errors import OperationalError
from satchel.calling.outbox.table import CARRIED, MYSQL, now, sqlalchemy
from satchel.errors import text_of
from satchel.message.fields import new_id

#: Seconds before a row that was not sent is tried again: doubled each time, up to the longest wait.
FIRST_WAIT: Final = 2.0
_LONGEST_WAIT: Final = 600.0
#: Seconds to wait when the database cannot note what was sent: first none, for the connection may be an old one, then
#: as long as a restart takes. What is not noted is sent again.
_WAITS: Final = (0.0, 1.0, 5.0)


class Batch:
    """Rows that one relay has claimed, the oldest first.

    Attributes:
        token: what the rows are claimed with.
        rows: the rows.
        size: how many they are, with those that cannot be read.
        sent: ids of those that the broker has.
        refused: why others were not sent, by their ids.
        damaged: why others cannot be sent at all.
        later: ids of those that were put off, untried.
        outage: why nothing can be sent now.
    """

    def __init__(self, token: str, rows: Sequence[Any], damaged: dict[int, str], deadline: float) -> None:
        self.token = token
        self.rows = rows
        self.size: int = len(rows) + len(damaged)
        self.sent: set[int] = set()
        self.refused: dict[int, Exception] = {}
        self.damaged = damaged
        self.later: set[int] = set()
        self.outage: OperationalError | None = None
        self._deadline = deadline

    def over(self) -> bool:
        """Say whether nothing more is to be published: the rest of the lease is for noting what was."""
        return self.outage is not None or time.monotonic() >= self._deadline

    def untouched(self) -> list[int]:
        """Give the ids of those that nothing has become of."""
        done = self.sent | self.refused.keys() | self.damaged.keys() | self.later
        return [row.id for row in self.rows if row.id not in done]


class Claims:
    """Claims rows of a table, and notes what has become of them.

    Args:
        table: of the outbox.
        engine: of SQLAlchemy.
        lease: seconds for which rows are claimed.
        max_attempts: how often a row is tried.
    """

    def __init__(self, table: Any, engine: Any, *, lease: float, max_attempts: int) -> None:
        self._table = table
        self._engine = engine
        self._lease = lease
        self._most = max_attempts

    def take(self, most: int) -> Batch | None:
        """Claim the oldest rows that are free; None when none is."""
        sa, table, token = sqlalchemy(), self._table, new_id()
        columns = table.c
        with self._engine.connect() as connection:
            locks = _skips_locked(connection.dialect)
            while True:
                _isolate(connection)
                begun, started = time.monotonic(), now()
                free = sa.or_(columns.not_before.is_(None), columns.not_before <= started), columns.failed_at.is_(None)
                oldest = sa.select(columns.id).where(*free).order_by(columns.id).limit(most)
                ids = list(connection.scalars(oldest.with_for_update(skip_locked=True) if locks else oldest))
                if not ids:
                    return None
                if not locks:
                    # SQLite lets nobody write who has read before another one has written.
                    connection.commit()
                    _isolate(connection)
                claim = {"claimed_by": token, "not_before": started + timedelta(seconds=self._lease)}
                connection.execute(table.update().where(columns.id.in_(ids), *free).values(claim))
                rows, damaged = _read(connection, table, sa.and_(columns.id.in_(ids), columns.claimed_by == token))
                connection.commit()
                if rows or damaged:  # Otherwise another relay was faster.
                    return Batch(token, rows, damaged, begun + self._lease / 2)

    def note(self, batch: Batch) -> None:
        """Delete the rows that were sent, and let go of the others."""
        charset = "utf-8"
        for wait in (*_WAITS, None):
            try:
                with self._engine.begin() as connection:
                    _isolate(connection)
                    self._note(connection, batch, charset)
            except (sqlalchemy().exc.DBAPIError, UnicodeError) as error:
                if wait is None:
                    raise
                if not getattr(error, "connection_invalidated", False):
                    charset = "ascii"  # A database that has not all of Unicode may not have the text of an error.
                time.sleep(wait)
            else:
                return

    def _note(self, connection: Any, batch: Batch, charset: str) -> None:
        table, ended = self._table, now()
        columns = table.c
        # A row whose lease was over may be another relay's by now.
        mine = columns.claimed_by == batch.token

        def change(ids: Sequence[int], **values: Any) -> None:
            values = {"claimed_by": None, "not_before": None, **values}
            connection.execute(table.update().where(columns.id.in_(ids), mine).values(values))

        sent = sorted(batch.sent)
        if sent and connection.dialect.name in MYSQL:
            # One by one: for many, InnoDB may read the whole table, and then waits for rows that others have locked.
            one = columns.id == sqlalchemy().bindparam("sent")
            connection.execute(table.delete().where(one, mine), [{"sent": number} for number in sent])
        elif sent:
            connection.execute(table.delete().where(columns.id.in_(sent), mine))
        for row in batch.rows:
            error = batch.refused.get(row.id)
            if error is not None:
                attempts = int(row.attempts) + 1
                change(
                    [row.id],
                    attempts=attempts,
                    last_error=_text(f"{type(error).__name__}: {text_of(error)}", charset),
                    not_before=ended + timedelta(seconds=_wait(attempts)),
                    failed_at=ended if attempts >= self._most else None,
                )
        for number, reason in batch.damaged.items():
            change([number], attempts=columns.attempts + 1, last_error=_text(reason, charset), failed_at=ended)
        if batch.later:
            change(list(batch.later), not_before=ended + timedelta(seconds=FIRST_WAIT))
        untouched = batch.untouched()
        if untouched:
            change(untouched)


def _read(connection: Any, table: Any, mine: Any) -> tuple[list[Any], dict[int, str]]:
    """Read rows; and by their ids, what those say that cannot be read."""
    sa = sqlalchemy()
    carried = sa.select(*(table.c[name] for name in CARRIED))
    try:
        return list(connection.execute(carried.where(mine).order_by(table.c.id))), {}
    except (TypeError, ValueError):
        # One of them has a value that SQLAlchemy cannot read: SQLite takes anything for a time, or for a binary.
        rows: list[Any] = []
        damaged: dict[int, str] = {}
        for number in list(connection.scalars(sa.select(table.c.id).where(mine).order_by(table.c.id))):
            try:
                rows.append(connection.execute(carried.where(table.c.id == number)).one())
            except (TypeError, ValueError) as error:
                damaged[number] = f"the row is damaged: {type(error).__name__}: {text_of(error)}"
        return rows, damaged


def _isolate(connection: Any) -> None:
    """Let a transaction, at its begin, see what is committed meanwhile, whatever is usual in the application.

    In InnoDB's default, REPEATABLE READ, a relay would lock what lies between its rows too: it would wait for
    applications that write, and these would end in deadlocks. In PostgreSQL's, relays that run at once would fail.
    """
    if connection.dialect.name in ("postgresql", *MYSQL):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _skips_locked(dialect: Any) -> bool:
    """Say whether the database has ``FOR UPDATE SKIP LOCKED``."""
    if dialect.name in MYSQL:
        return bool(dialect.server_version_info >= ((10, 6) if dialect.is_mariadb else (8, 0, 1)))
    return bool(dialect.name == "postgresql")


def _wait(attempts: int) -> float:
    return float(min(FIRST_WAIT * 2 ** min(attempts - 1, 32), _LONGEST_WAIT))


def _text(text: str, charset: str) -> str:
    # PostgreSQL has no text with NUL, and no database has half a character.
    return text.replace("\x00", "").encode(charset, "backslashreplace").decode(charset)
