"""The relay of an outbox: publishes what is committed there, and deletes what the broker has confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.broker.base import Link
from satchel.calling.broker.link import PATIENCE, Parcel
from satchel.calling.errors import NotConfirmed, OperationalError, Refused, Unroutable
from satchel.calling.outbox.claims import Batch, Claims
from satchel.calling.outbox.table import Declarations, parcel_of, sqlalchemy
from satchel.errors import let_signals_through, text_of
from satchel.message.checks import integer
from satchel.message.checks import limit as seconds
from satchel.message.times import shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    import threading

    from satchel.calling.outbox.outbox import Outbox

#: Rows that are taken at a time: so many at the most are sent again after a crash.
_AT_A_TIME: Final = 100
#: Seconds that a relay waits at the most while the broker or the database is not there.
_LONGEST_PAUSE: Final = 30.0
#: Places where messages have gone, as many as are remembered.
_REMEMBERED: Final = 1_000

_Place = tuple[str, str | None]
"""Where a message goes: the name of the exchange, and what is declared before."""


class Relay:
    """Sends what an outbox holds. Several may run at once: in threads, processes, and on machines whose clocks agree.

    A row is claimed for a time, published, and deleted behind the broker's confirmation: none is lost, wherever a
    relay ends. What one had under way that was killed is sent again, up to a hundred, with the same task ids.

    Args:
        outbox: what is sent.
        engine: SQLAlchemy's ``Engine`` for the database that the outbox is in.
        lease: seconds for which rows are claimed; after them, those of a relay that was killed are sent by another. A
            broker may take 30 seconds to confirm, which half of the lease should be more than.
        max_attempts: how often a row is tried before it counts as failed. Times when the broker cannot be reached are
            not counted. The waits between are 2, 4, 8, … seconds, and 10 minutes at the most: 20 take two hours.

    Raises:
        TypeError, ValueError: an argument is not one of these.
    """

    def __init__(self, outbox: Outbox, engine: Any, *, lease: float = 90.0, max_attempts: int = 20) -> None:
        if not isinstance(engine, sqlalchemy().Engine):
            raise TypeError(f"engine must be an Engine of SQLAlchemy, got {shown(engine)}")
        self._app = outbox.app
        self._name = outbox.table.name
        self._claims = Claims(
            outbox.table,
            engine,
            lease=seconds("lease", lease),
            max_attempts=integer("max_attempts", max_attempts, 1),
        )
        self._declarations = Declarations()
        self._proven: set[_Place] = set()

    def run_once(self, limit: int = 100) -> int:
        """Send rows, the oldest first, until none is left.

        Args:
            limit: how many rows are tried at the most.

        Returns:
            How many were sent.

        Raises:
            OperationalError: the broker cannot be reached. What was sent before is noted, and the rest stays.
            sqlalchemy.exc.SQLAlchemyError: the database cannot be used.
        """
        return self._run(integer("limit", limit, 1))[0]

    def run(self, stop: threading.Event, interval: float = 1.0) -> None:
        """Send rows until `stop` is set, which is looked at after each hundred of them.

        While the broker or the database is not there, it says so by the logger ``satchel.calling.outbox``, waits up to
        30 seconds, and tries again.

        Args:
            stop: ends it.
            interval: seconds between two looks at an outbox that is empty.
        """
        import logging

        pause = interval = seconds("interval", interval)
        lost = OperationalError, sqlalchemy().exc.DBAPIError, sqlalchemy().exc.TimeoutError
        while not stop.is_set():
            try:
                _, tried = self._run(_AT_A_TIME)
                pause = interval
                if tried < _AT_A_TIME:
                    stop.wait(interval)
            except lost as error:
                # SQLAlchemy's own text is the whole statement.
                reason = f"{type(error).__name__}: {text_of(getattr(error, 'orig', None) or error)}"
                logger = logging.getLogger("satchel.calling.outbox")
                logger.warning("the outbox %s waits for %g s: %s", self._name, pause, reason)
                stop.wait(pause)
                pause = min(pause * 2, max(_LONGEST_PAUSE, interval))

    def _run(self, limit: int) -> tuple[int, int]:
        """Give how many rows were sent, and how many were tried."""
        sent = tried = 0
        while tried < limit:
            batch = self._claims.take(min(limit - tried, _AT_A_TIME))
            if batch is None:
                break
            try:
                self._deliver(batch)
            finally:
                self._claims.note(batch)
            sent += len(batch.sent)
            tried += batch.size
            if batch.outage is not None:
                raise batch.outage
        return sent, tried

    def _deliver(self, batch: Batch) -> None:
        messages: list[_Message] = []
        for row in batch.rows:
            try:
                parcel = parcel_of(row, self._declarations)
            except ValueError as error:
                batch.damaged[row.id] = str(error)
            else:
                messages.append(_Message(row.id, parcel, (row.exchange, row.declaration), bool(row.attempts)))
        if not messages:
            return
        try:
            link = self._app.pool.take(PATIENCE)
        except OperationalError as error:
            batch.outage = error
            return
        try:
            _Delivery(link, batch, self._proven).publish(messages)
        finally:
            self._app.pool.give_back(link)

    def __repr__(self) -> str:
        return f"<Relay of {self._name}>"


class _Message(NamedTuple):
    """A row's message: with its place, and whether it was tried before."""

    number: int
    parcel: Parcel
    place: _Place
    tried: bool


class _Delivery:
    """Publishes the messages of a batch over one connection, and writes into the batch what becomes of them.

    A broker closes the channel over a queue that is there with other arguments, and over an exchange that is not, and
    what else is under way then must be sent again. So a message goes alone when it has failed before, or when it is the
    first one to its place; others go together.

    Args:
        link: the connection.
        batch: what the messages are of.
        proven: places that messages have gone to.
    """

    def __init__(self, link: Link, batch: Batch, proven: set[_Place]) -> None:
        self._link = link
        self._batch = batch
        self._proven = proven
        self._troubles: Counter[_Place] = Counter()

    def publish(self, messages: Iterable[_Message]) -> None:
        """Publish messages in their order."""
        together: list[_Message] = []
        for message in messages:
            if not message.tried and message.place in self._proven:
                together.append(message)
            else:
                self._publish_together(together)
                together = []
                self._publish_alone(message)
        self._publish_together(together)

    def _publish_together(self, messages: Sequence[_Message]) -> None:
        batch = self._batch
        if not messages or batch.over():
            return
        refused: Mapping[int, OperationalError] = {}
        try:
            refused = self._link.publish_many({each.number: each.parcel for each in messages}, batch.sent)
        except Exception as error:  # noqa: BLE001 - one of them fails: which one shows when they go alone
            let_signals_through(error)
        for message in messages:
            refusal = refused.get(message.number)
            # A queue that was deleted is declared again by the second try.
            if refusal is not None and not (isinstance(refusal, Unroutable) and message.parcel.route.queue is not None):
                batch.refused[message.number] = refusal
            elif message.number not in batch.sent:
                self._publish_alone(message)

    def _publish_alone(self, message: _Message) -> None:
        batch, place = self._batch, message.place
        if batch.over():
            return
        if self._troubles[place] > 1:
            batch.later.add(message.number)
            return
        error = self._try(message)
        if error is not None and self._lost(error):
            error = self._try(message)  # It was an old connection, mostly.
        if error is None:
            batch.sent.add(message.number)
            if len(self._proven) >= _REMEMBERED:
                self._proven.clear()
            self._proven.add(place)
        elif isinstance(error, OperationalError) and error.delivered is False and self._lost(error):
            self._link.next_broker()
            batch.outage = error
        else:
            batch.refused[message.number] = error
            if not _refused(error):
                # It may be for the place, or for the message alone: of the others there, one more is tried.
                self._proven.discard(place)
                self._troubles[place] += 1

    def _try(self, message: _Message) -> Exception | None:
        try:
            self._link.publish(message.parcel)
        except Exception as error:  # noqa: BLE001 - whatever one of them fails of, the others are to be sent
            let_signals_through(error)
            return error
        return None

    def _lost(self, error: Exception) -> bool:
        """Say whether there was no connection, or it was lost: that is nothing that this message has done."""
        answered = isinstance(error, (NotConfirmed, Refused)) or _refused(error)
        return isinstance(error, OperationalError) and not answered


def _refused(error: Exception) -> bool:
    """Say whether the broker has looked at the message and not taken it."""
    return isinstance(error, Unroutable) or (isinstance(error, NotConfirmed) and error.delivered is False)
