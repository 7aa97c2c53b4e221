"""Publishing over AMQP 0-9-1 by py-amqp, with RabbitMQ's publisher confirms and mandatory messages."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Mapping
from typing import Any

from satchel.calling.broker.link import Parcel, VirtualLink, unroutable
from satchel.calling.broker.properties import hasten
from satchel.calling.errors import NotConfirmed, OperationalError, Refused
from satchel.calling.routing.queues import is_entity
from satchel.errors import let_signals_through

#: How many messages may wait for their confirmation at a time.
_WINDOW = 100


class AmqpLink(VirtualLink):
    """A connection to RabbitMQ, or another AMQP broker.

    Args:
        connection: says which.
        confirm: wait for the broker to confirm each message. Without, what is lost on the way is lost without a word.
        patience: seconds that it may take.
        owned: the connection is nobody else's.
    """

    def __init__(self, connection: Any, *, confirm: bool, patience: float, owned: bool = True) -> None:
        super().__init__(connection, owned=owned)
        self._confirm = confirm
        self._patience = patience
        self._tag = 0
        self._waiting: dict[int, Parcel] = {}
        self._refused: dict[int, OperationalError] = {}

    def _open(self) -> Any:
        channel = super()._open()
        self._tag = 0
        self._waiting.clear()
        self._refused.clear()
        channel.events["basic_return"].add(self._on_return)
        if self._confirm:
            channel.confirm_select(nowait=True)  # A broker that has no confirms ends the connection.
            channel.events["basic_ack"].add(self._on_ack)
            channel.events["basic_nack"].add(self._on_nack)
        return channel

    def _create_channel(self, transport: Any) -> Any:
        if self._owned:
            # Otherwise it would wait for ever for answers that have no time limit of their own.
            self._made.sock.settimeout(self._patience)
        return super()._create_channel(transport)

    def publish(self, parcel: Parcel, /) -> None:
        """See `Link.publish`."""
        try:
            channel = self._ready_channel()
            self._make_ready(parcel)
            self._put(channel, parcel)
            if self._confirm:
                self._settle(parcel.timeout)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - see `VirtualLink.publish`
            self._fail(error, parcel)
        except BaseException:
            self._drop()  # Half a frame may be written, and a confirmation on its way.
            raise
        if self._refused:
            raise self._refused.pop(self._tag)

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        """See `Link.publish_many`."""
        refused = self._declare_all(parcels)
        under_way: dict[int, int] = {}

        def settle() -> None:
            try:
                self._settle(None)
            finally:
                for tag, number in under_way.items():
                    if tag in self._refused:
                        refused[number] = self._refused.pop(tag)
                    elif tag not in self._waiting:
                        sent.add(number)
                under_way.clear()

        current: Parcel | None = None
        try:
            channel = self._ready_channel()
            for number, current in parcels.items():
                if number in refused:
                    continue
                self._make_ready(current)
                self._put(channel, current)
                under_way[self._tag] = number
                if len(under_way) >= _WINDOW:
                    settle()
            settle()
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - see `VirtualLink.publish`
            self._fail(error, current)
        except BaseException:
            self._drop()
            raise
        return refused

    def _declare_all(self, parcels: Mapping[int, Parcel]) -> dict[int, OperationalError]:
        """Declare what is missing, and give what the broker refuses, by the parcels' numbers.

        A refusal ends the channel, and with it all that is not confirmed: it must not come between messages.
        """
        refused: dict[int, OperationalError] = {}
        refusals: dict[tuple[str, int, int], OperationalError | None] = {}
        for number, parcel in parcels.items():
            route = parcel.route
            key = route.exchange, id(route.queue), id(route.exchange_to_declare)
            if key not in refusals:
                refusals[key] = self._refusal(parcel)
            refusal = refusals[key]
            if refusal is not None:
                refused[number] = refusal
        return refused

    def _declare_one(self, entity: Any) -> None:
        if not is_entity(entity, "Queue") or entity.no_declare or not entity.name or entity.on_declared:
            entity.declare()
            return
        # The broker takes one after another, and a refusal ends the channel: to wait for the last is to wait for all.
        entity.declare(nowait=True)
        self._channel.queue_declare(entity.name, passive=True)

    def _refusal(self, parcel: Parcel) -> OperationalError | None:
        route = parcel.route
        try:
            channel = self._ready_channel()
            self._declare(route)
            if route.exchange and route.queue is None and route.exchange_to_declare is None:
                channel.exchange_declare(route.exchange, "direct", passive=True)  # Is it there, whatever its type is?
        except Exception as error:  # noqa: BLE001 - see `VirtualLink.publish`
            try:
                self._fail(error, parcel)
            except Refused as refused:
                return refused
        except BaseException:
            self._drop()
            raise
        return None

    def _put(self, channel: Any, parcel: Parcel) -> None:
        _, body, content_type, content_encoding, headers, properties, priority, route, mandatory, _, _ = parcel
        message = channel.prepare_message(
            body,
            priority,
            content_type=content_type,
            content_encoding=content_encoding,
            headers=headers,
            properties=properties,
        )
        hasten(message)
        self._under_way = True
        self._tag += 1
        if self._confirm:
            self._waiting[self._tag] = parcel
        channel.basic_publish(message, exchange=route.exchange, routing_key=route.routing_key, mandatory=mandatory)

    def _settle(self, timeout: float | None) -> None:
        """Wait until nothing waits for its confirmation any more."""
        if not self._waiting:
            return
        patience = self._patience if timeout is None else timeout
        deadline = time.monotonic() + patience
        drain = self._made.drain_events
        while self._waiting:
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                drain(timeout=left)
            except TimeoutError as error:
                # Its answer may still come, and would be taken for another's: the connection is of no more use.
                waiting = list(self._waiting.values())
                self._drop()
                let_signals_through(error)
                raise NotConfirmed(
                    f"the broker did not confirm {len(waiting)} of the messages within {patience:g} s",
                    expected="it may have them all the same: sent again with the same task_id, they are the same tasks",
                    cure="where it needs longer: timeout=, or confirm_timeout in broker_transport_options",
                    task_id=waiting[0].id,
                ) from error

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if multiple:
            for number in [number for number in self._waiting if number <= tag]:
                del self._waiting[number]
        else:
            self._waiting.pop(tag, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for number in [number for number in self._waiting if number == tag or (multiple and number < tag)]:
            parcel = self._waiting.pop(number)
            self._refused[number] = NotConfirmed(
                f"the broker refused the message {parcel.id} (basic.nack)",
                expected="its queue may be full, or without a leader",
                task_id=parcel.id,
                delivered=False,
            )

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        # The broker returns a message before it confirms it.
        # Each of them may be the caller's, and protocol 1 has no headers.
        ids = (message.headers or {}).get("id"), message.properties.get("correlation_id")
        where = exchange, routing_key
        for tag, parcel in self._waiting.items():
            own = parcel.headers.get("id"), parcel.properties.get("correlation_id")
            if own == ids and parcel.route[:2] == where and tag not in self._refused:
                self._refused[tag] = unroutable(parcel, str(error))
                # The queue was there when it was declared: it is to be declared again.
                self._declared.clear()
                return

    def stale(self) -> bool:
        """See `Link.stale`."""
        return self._channel is not None and _has_spoken(self._made)

    def _disconnect(self, made: Any, channel: Any, *, in_order: bool) -> None:
        if not self._owned:
            _close_channel(made, channel, self._patience)
        elif in_order and not _has_spoken(made):
            super()._disconnect(made, channel, in_order=in_order)
        else:
            made.collect()  # Without a word, to which the answer might never come.


def _has_spoken(made: Any) -> bool:
    """Say whether there is something to be read: unasked, a broker mostly says that it ends the connection."""
    try:
        if sys.platform == "win32":
            return bool(select.select([made.sock], [], [], 0)[0])
        poll = select.poll()  # The other one takes no file descriptor above 1023.
        poll.register(made.sock, select.POLLIN)
        return bool(poll.poll(0))
    except (AttributeError, OSError, TypeError, ValueError):
        return True


def _close_channel(made: Any, channel: Any, patience: float) -> None:
    """Close a channel on a connection that stays its owner's."""
    if channel is not None:
        before = made.sock.gettimeout()
        made.sock.settimeout(patience)
        try:
            channel.close()
        finally:
            made.sock.settimeout(before)
