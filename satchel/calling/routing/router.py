"""Routing: where a task's message goes, as Celery's guide has it, in kombu's terms."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.routing.queues import Queues, entities, is_broadcast, is_entity
from satchel.calling.settings import Settings
from satchel.message.times import shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from satchel.calling.routing.table import RouteTable

#: Names of tasks may be made up at run time: so many are remembered.
_REMEMBERED: Final = 10_000

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Destination(NamedTuple):
    """Where a message is to go, as it was given; None is not given."""

    queue: Any | None = None
    exchange: Any | None = None
    routing_key: str | None = None
    exchange_type: str | None = None


class Match(NamedTuple):
    """What the table says of a task: where it goes, and further options."""

    destination: Destination
    options: Mapping[str, Any]


NOWHERE: Final = Destination()
NO_MATCH: Final = Match(NOWHERE, MappingProxyType({}))


class Route(NamedTuple):
    """Where a message goes.

    Attributes:
        exchange: the exchange's name; ``""`` is the default exchange, whose routing keys are names of queues.
        routing_key: the routing key.
        queue: a ``kombu.Queue`` to be declared before, or None.
        exchange_to_declare: a ``kombu.Exchange`` to be declared before, or None; a queue's own comes with the queue.
        options: further options of the call, which its own go over.
    """

    exchange: str
    routing_key: str
    queue: Any | None
    exchange_to_declare: Any | None
    options: Mapping[str, Any]


class Router:
    """Routes tasks. Immutable, and safe to share between threads.

    Raises:
        TypeError, ValueError: ``task_routes`` or ``task_queues`` has another form; the message names the entry.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._table = None if settings.task_routes is None else _table(settings.task_routes)
        self._queues = Queues(settings)
        self._static: dict[str, Route] = {}

    def asks(self, task: str) -> bool:
        """Say whether a function must be asked where a task goes: each call may go elsewhere then."""
        return self._match(task) is None

    def static(self, task: str) -> Route | None:
        """Give the route of all calls of a task that say nothing of it; None where a function must be asked.

        Raises:
            UnknownQueue: the table names a queue that is not there, and must not be created.
        """
        route = self._static.get(task)
        if route is None:
            match = self._match(task)
            if match is None:
                return None
            route = self._resolve(match.destination, match.options)
            if len(self._static) >= _REMEMBERED:
                self._static.clear()
            self._static[task] = route
        return route

    def route(
        self,
        task: str,
        args: Any = (),
        kwargs: Any = None,
        *,
        queue: Any | None = None,
        exchange: Any | None = None,
        routing_key: str | None = None,
        exchange_type: str | None = None,
        options: Mapping[str, Any] = _NOTHING,
    ) -> Route:
        """Give the route of one call.

        Another `queue` than the table has for the task, or an `exchange`, goes over all of that destination: Celery
        mixes them, and sends to where neither of them means. A `routing_key` goes over the table's.

        Args:
            task: the task's name.
            args: its positional arguments, for functions in the table.
            kwargs: its keyword arguments, likewise.
            queue: the name of a queue, or a ``kombu.Queue``, to go to. With a direct exchange, the message goes to it
                by the default exchange.
            exchange: the name of an exchange, or a ``kombu.Exchange``, which is declared. One of the settings' is
                declared as well, and so is any with an `exchange_type`.
            routing_key: default the queue's, or ``""``; alone, it goes to the exchange of the default queue.
            exchange_type: the type of an `exchange` that is given by its name.
            options: further options of the call, for functions in the table.

        Raises:
            TypeError: an option is of another type, or says nothing without another one.
            ValueError: options contradict each other: a routing key that does not lead to the queue, or two types.
            UnknownQueue: there is no such queue, and it must not be created.
            ImportError: the table names a function that is not there.
        """
        own = Destination(queue, exchange, routing_key, exchange_type)
        if own == NOWHERE:
            route = self.static(task)
            if route is not None:
                return route
        else:
            check_destination("", own)
        table = self._table
        if table is None:
            match = NO_MATCH
        else:
            kwargs = {} if kwargs is None else kwargs
            match = table.static(task) or table.match(task, args, kwargs, {**options, **_given(own)})
        return self._resolve(_merged(own, match.destination), match.options)

    def _match(self, task: str) -> Match | None:
        """Give the match of a task for all its calls; None where a function must be asked."""
        return NO_MATCH if self._table is None else self._table.static(task)

    def _resolve(self, destination: Destination, options: Mapping[str, Any]) -> Route:
        queue = self._queue(destination)
        if destination.exchange is not None:
            route = self._by_exchange(destination, queue)
            source = route.exchange_to_declare or (None if queue is None else queue.exchange)
        else:
            if queue is None:
                queue = self._queues.get(self._settings.task_default_queue)
            key = destination.routing_key
            route = _to_queue(queue, key) if key is None or destination.queue is not None else _by_key(queue, key)
            source = queue.exchange
        # An exchange may say how its messages are kept.
        mode = getattr(source, "delivery_mode", None)
        if mode and options.get("delivery_mode") is None:
            options = MappingProxyType({**options, "delivery_mode": mode})
        if queue is not None and is_broadcast(queue):
            # Each worker declares its own queue: one of the sender's would only fill.
            return route._replace(queue=None, exchange_to_declare=queue.exchange, options=options)
        return route._replace(options=options)

    def _queue(self, destination: Destination) -> Any | None:
        queue = destination.queue
        return self._queues.get(queue) if isinstance(queue, str) else queue

    def _by_exchange(self, destination: Destination, queue: Any | None) -> Route:
        exchange, wanted = destination.exchange, destination.exchange_type
        if isinstance(exchange, str):
            name: str = exchange
            known = self._queues.exchange(name) if name else None
            if known is None and wanted is not None and name:
                known = entities().Exchange(name, type=wanted)
        else:
            known, name = exchange, exchange.name  # type: ignore[union-attr]
        if known is not None and wanted is not None and known.type != wanted:
            raise ValueError(f"exchange {name!r} is of type {known.type!r}, not {wanted!r}: leave out exchange_type")
        key = destination.routing_key
        if key is None:
            key = "" if queue is None else queue.name if name == "" else queue.routing_key
        return Route(name, key, queue, known if name else None, _NOTHING)


def _table(routes: Any) -> RouteTable:
    from satchel.calling.routing.table import RouteTable  # Many clients have no routes.

    return RouteTable(routes)


def check_destination(where: str, given: Destination) -> Destination:
    """Check a destination; `where` is what errors begin with, or empty.

    Raises:
        TypeError: a part is of another type, or one is missing without which it says nothing.
        ValueError: a name is empty.
    """
    at = f"{where}: " if where else ""
    queue, exchange, routing_key, exchange_type = given
    if queue is not None and not is_entity(queue, "Queue"):
        if not isinstance(queue, str):
            raise TypeError(f"{at}queue must be a name or a kombu.Queue, got {shown(queue)}")
        if not queue:
            raise ValueError(f"{at}queue must not be empty; leave it out for the default")
    if exchange is not None and not isinstance(exchange, str) and not is_entity(exchange, "Exchange"):
        raise TypeError(f"{at}exchange must be a name or a kombu.Exchange, got {shown(exchange)}")
    for name, value in (("routing_key", routing_key), ("exchange_type", exchange_type)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{at}{name} must be a str, got {shown(value)}")
    if exchange_type is not None and exchange is None:
        raise TypeError(f"{at}exchange_type needs exchange: it is the type of that")
    if exchange == "" and not routing_key and queue is None:
        raise TypeError(f"{at}exchange '' needs routing_key: the name of the queue")
    return given


def _merged(own: Destination, table: Destination) -> Destination:
    elsewhere = own.queue is not None and _name(own.queue) != _name(table.queue)
    if elsewhere or own.exchange is not None:
        return own
    return table._replace(**_given(own))


def _given(destination: Destination) -> dict[str, Any]:
    return {name: value for name, value in destination._asdict().items() if value is not None}


def _name(queue: Any) -> Any:
    return getattr(queue, "name", queue)


def _by_key(queue: Any, key: str) -> Route:
    return Route("" if queue.exchange is None else queue.exchange.name, key, queue, None, _NOTHING)


def _to_queue(queue: Any, key: str | None) -> Route:
    exchange = queue.exchange
    if exchange is not None and exchange.name and exchange.type != "direct":
        return Route(exchange.name, queue.routing_key if key is None else key, queue, None, _NOTHING)
    if key is None or key == queue.name or (exchange is not None and key == queue.routing_key):
        return Route("", queue.name, queue, None, _NOTHING)
    further = sorted(
        queue.bindings or (), key=lambda binding: (binding.exchange.type != "direct", binding.exchange.name)
    )
    for binding in further:
        if binding.exchange.type != "direct" or binding.routing_key == key:
            return Route(binding.exchange.name, key, queue, None, _NOTHING)
    raise ValueError(
        f"routing_key {shown(key)} does not lead to the queue {queue.name!r}: leave it out, or give the exchange too"
    )
