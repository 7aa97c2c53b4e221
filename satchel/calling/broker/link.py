"""One connection to the broker, by kombu's transports, with what is declared on it; for one thread at a time."""

from __future__ import annotations

import contextlib
import os
import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

from satchel.calling.errors import OperationalError, Refused, Unroutable
from satchel.calling.routing.router import Route
from satchel.errors import let_signals_through
from satchel.message import TaskMessage
from satchel.message.fields import new_id
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from satchel.calling.broker.base import Link

# In half the time of a NamedTuple's own constructor, which is Python.
_new = tuple.__new__

PATIENCE = 30.0
"""Seconds that a broker may take to answer, where neither a call nor ``broker_transport_options`` says."""

#: Connections that this process was forked with. Nobody closes them: they are the other process's.
_inherited: list[object] = []

#: Entities that a connection remembers having declared: those that are made for each call are let go again.
_DECLARED = 1_000


#: Errors of connections by which a broker says no: AMQP's (530), for one, and redis-py's.
_NO = frozenset({"NotAllowed", "AuthenticationError", "AuthenticationWrongNumberOfArgsError"})


class Parcel(NamedTuple):
    """A message with where it goes."""

    id: str
    body: bytes
    content_type: str
    content_encoding: str
    headers: dict[str, Any]
    properties: dict[str, Any]
    priority: int | None
    route: Route
    mandatory: bool
    timeout: float | None
    ready: Callable[[Any], None] | None
    """Called with the channel before the message is published."""


def parcel(
    message: TaskMessage,
    route: Route,
    *,
    mandatory: bool = True,
    timeout: float | None = None,
    ready: Callable[[Any], None] | None = None,
) -> Parcel:
    """Take a message apart as transports want it. Its parts are not copied: transports change none of them."""
    task_id, (body, content_type, content_encoding, _), headers, properties = message.parts()
    priority = None
    if "priority" in properties or "expiration" in properties:
        properties = properties.copy()
        priority = properties.pop("priority", None)
        if "expiration" in properties:  # AMQP: milliseconds, as a short string.
            properties["expiration"] = str(int(properties["expiration"] * 1000))
    form = content_type, content_encoding
    return _new(Parcel, (task_id, body, *form, headers, properties, priority, route, mandatory, timeout, ready))


class VirtualLink:
    """A connection by a transport that kombu makes of something else: Redis, a database, files, memory.

    Args:
        connection: says which.
        owned: the connection is nobody else's, and closed with the link.
    """

    def __init__(self, connection: Any, *, owned: bool = True) -> None:
        self._connection = connection
        self._owned = owned
        self._made: Any = None
        self._channel: Any = None
        self._under_way = False
        self._declared: dict[int, Any] = {}
        self._failures: tuple[type[BaseException], ...] = ()
        self._pid = 0
        # Whether the channel makes messages as kombu's base class does. It is asked with the first one: who puts
        # himself between later is seen by the next connection.
        self._plain: bool | None = None
        self._tags, self._numbers = "", count()

    def publish(self, parcel: Parcel, /) -> None:
        """See `Link.publish`."""
        try:
            channel = self._ready_channel()
            self._make_ready(parcel)
            self._put(channel, parcel)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - `_fail` knows which are the transport's
            self._fail(error, parcel)
        except BaseException:
            self._drop()  # Half a message may be written, or an answer unread.
            raise

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        """See `Link.publish_many`."""
        refused: dict[int, OperationalError] = {}
        for number, parcel in parcels.items():
            try:
                self.publish(parcel)
            except Unroutable as error:
                refused[number] = error
            else:
                sent.add(number)
        return refused

    def _put(self, channel: Any, parcel: Parcel) -> None:
        _, body, content_type, content_encoding, headers, properties, priority, route, mandatory, _, _ = parcel
        if route.exchange and mandatory:
            self._check_route(channel, parcel)
        # In memory, the headers are the very ones that a consumer gets and may change, and messages of one builder
        # share what is in them. What the caller gave was copied when it was checked.
        headers = headers.copy()
        if (limits := headers.get("timelimit")) is not None:
            headers["timelimit"] = limits.copy()
        if (stamps := headers.get("stamps")) is not None:
            headers["stamps"] = stamps.copy()
        exchange, routing_key = route.exchange, route.routing_key
        if self._plain is None:
            self._plain = _is_plain(channel)
        if not self._plain:
            # It writes into the properties, and the message may be published once more.
            properties = properties.copy()
            message = channel.prepare_message(body, priority, content_type, content_encoding, headers, properties)
            self._under_way = True
            channel.basic_publish(message, exchange=exchange, routing_key=routing_key)
            return
        # As the channel would make it, in a third of the time.
        message = {
            "body": b2a_base64(body, newline=False).decode("ascii"),
            "content-encoding": content_encoding,
            "content-type": content_type,
            "headers": headers,
            "properties": {
                **properties,
                "delivery_info": {"exchange": exchange, "routing_key": routing_key},
                "priority": priority or channel.default_priority,
                "body_encoding": "base64",
                "delivery_tag": f"{self._tags}{next(self._numbers)}",
            },
        }
        self._under_way = True
        if exchange:
            channel.typeof(exchange).deliver(message, exchange, routing_key)
        else:
            channel._put(routing_key, message)

    def _check_route(self, channel: Any, parcel: Parcel) -> None:
        # These transports put a message into no queue without a word. Who listens to a fanout nobody knows.
        route = parcel.route
        if channel.typeof(route.exchange).type != "fanout":
            try:
                queues = channel.typeof(route.exchange).lookup(
                    channel.get_table(route.exchange), route.exchange, route.routing_key, None
                )
            except Exception as error:
                # Memory, Redis: there is no such exchange, or nothing was ever bound to it.
                if not isinstance(error, KeyError) and type(error).__name__ != "InconsistencyError":
                    raise
                queues = ()
            if not queues:
                # What was bound once is to be bound again. Kombu remembers it, too.
                self._declared.clear()
                if route.queue is not None:
                    self._channel.state.queue_bindings_delete(route.queue.name)
                raise unroutable(parcel)

    def _ready_channel(self) -> Any:
        self._under_way = False
        if self._channel is not None and (
            self._pid != os.getpid()  # Held by its user when the process was forked.
            or (not self._owned and self._connection.connect() is not self._made)  # Its owner has connected it anew.
        ):
            self._drop()
        return self._channel or self._open()

    def _open(self) -> Any:
        transport = self._connection.transport
        self._failures = (*transport.connection_errors, *transport.channel_errors, OSError)
        self._pid = os.getpid()
        self._made = transport.establish_connection() if self._owned else self._connection.connect()
        self._channel = self._create_channel(transport)
        self._plain = None
        # Delivery tags, unlike those of any other connection: a UUID's form, whose last digits count.
        self._tags, self._numbers = new_id()[:-12], count(10**11)
        return self._channel

    def _create_channel(self, transport: Any) -> Any:
        return transport.create_channel(self._made)

    def _make_ready(self, parcel: Parcel) -> None:
        if parcel.ready is not None:
            parcel.ready(self._channel)
        self._declare(parcel.route)

    def _declare(self, route: Route) -> None:
        declared, exchange, queue = self._declared, route.exchange_to_declare, route.queue
        if exchange is not None and id(exchange) not in declared:
            self._declare_anew(exchange)
        if queue is not None and id(queue) not in declared:
            self._declare_anew(queue)

    def _declare_anew(self, entity: Any) -> None:
        self._declare_one(entity.bind(self._channel))
        if len(self._declared) >= _DECLARED:
            self._declared.clear()
        self._declared[id(entity)] = entity  # Kept, so that no other one gets its id.

    def _declare_one(self, entity: Any) -> None:
        entity.declare()

    def _fail(self, error: Exception, parcel: Parcel | None) -> None:
        if not self._failures:  # The transport itself could not be had: an unknown scheme, or no such library.
            raise error
        if not isinstance(error, self._failures):
            self._drop()
            raise error
        where = _shown(self._connection)
        opened = self._channel is not None
        # Of a message, once there is a channel; before, of the connection: a wrong password, no such virtual host.
        no = isinstance(error, self._connection.transport.channel_errors)
        refused = no and opened
        self._drop()
        for each in (error, error.__context__):  # A time limit of the application's may be a TimeoutError.
            if each is not None:
                let_signals_through(each)
        if refused:
            doing = "the broker refused the message"
        elif opened:
            doing = "the connection to the broker was lost"
        else:
            answered = no or type(error).__name__ in _NO
            doing = "the broker refused the connection" if answered else "the broker cannot be reached"
        raise (Refused if refused else OperationalError)(
            f"{doing}: {type(error).__name__}: {error}",
            expected=f"broker: {where}",
            task_id=parcel and parcel.id,
            delivered=None if self._under_way else False,
        ) from error

    def stale(self) -> bool:
        """See `Link.stale`. Whether the process was forked since is seen when it is used."""
        return False

    def next_broker(self) -> None:
        """Turn to the next of several brokers, for the next connection."""
        if self._channel is None and self._owned and self._connection.alt:
            self._connection.maybe_switch_next()

    def close(self) -> None:
        """See `Link.close`."""
        self._end(in_order=True)

    def _drop(self) -> None:
        """End a connection that has failed."""
        self._end(in_order=False)

    def _end(self, *, in_order: bool) -> None:
        made, self._made = self._made, None
        channel, self._channel = self._channel, None
        self._declared.clear()
        if made is not None and self._pid != os.getpid():
            _inherited.append((made, channel, self._connection))
            self._connection = self._connection.clone()
        elif made is not None:
            with contextlib.suppress(Exception):  # It is of no more use, whatever its state is.
                self._disconnect(made, channel, in_order=in_order)

    def _disconnect(self, made: Any, channel: Any, *, in_order: bool) -> None:
        if self._owned:
            self._connection.transport.close_connection(made)
        elif channel is not None:
            channel.close()


#: How a channel of kombu's virtual transports makes a message; what puts it into a queue is each transport's own.
_MAKING = ("prepare_message", "basic_publish", "_inplace_augment_message", "encode_body", "_next_delivery_tag")


def _is_plain(channel: Any) -> bool:
    """Say whether a channel makes messages as kombu's base class does, and nobody has put himself between."""
    base: Any = import_module("kombu.transport.virtual.base")  # Whoever has such a channel has imported it.
    cls = type(channel)
    return (
        issubclass(cls, base.Channel)
        and channel.body_encoding == "base64"
        and type(channel.codecs.get("base64")) is base.Base64
        and not any(name in vars(channel) for name in _MAKING)
        and all(
            getattr(cls, name) is made and made.__module__ == base.__name__ and not hasattr(made, "__wrapped__")
            for name, made in ((name, vars(base.Channel)[name]) for name in _MAKING)
        )
    )


def unroutable(parcel: Parcel, reason: str = "no queue is bound to it with that key") -> Unroutable:
    """Give the error for a message that no queue takes."""
    route = parcel.route
    return Unroutable(
        f"the message {parcel.id} was not delivered: exchange {route.exchange!r}, routing key {route.routing_key!r}: "
        f"{reason}",
        cure="bind a queue, or give mandatory=False if it may be lost",
        task_id=parcel.id,
        delivered=False,
    )


def _shown(connection: Any) -> str:
    """Name the broker without its password."""
    shown: str = re.sub(r"//([^:@/]*):[^@/]*@", r"//\1:**@" if connection.password else r"//\1@", connection.as_uri())
    return shown.replace("//@", "//")


def open_link(connection: Any, *, confirm: bool = True, patience: float = PATIENCE, owned: bool = True) -> Link:
    """Give the link that suits a connection's transport; nothing is connected yet.

    Args:
        connection: a kombu connection that nobody else uses.
        confirm: wait until the broker confirms each message, where it can (AMQP).
        patience: seconds to wait for it.
        owned: the connection is nobody else's.
    """
    kind = connection.transport.driver_type
    if kind == "amqp":
        from satchel.calling.broker.amqp import AmqpLink

        return AmqpLink(connection, confirm=confirm, patience=patience, owned=owned)
    if kind == "redis" and hasattr(connection.transport.Channel, "create_publish_batch"):
        from satchel.calling.broker.redis import RedisLink

        return RedisLink(connection, owned=owned)
    return VirtualLink(connection, owned=owned)
