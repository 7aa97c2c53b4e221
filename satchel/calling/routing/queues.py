"""The queues of a client: kombu's, as Celery declares them from ``task_queues`` and the defaults."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from satchel.calling.errors import nearest
from satchel.calling.settings import Settings
from satchel.errors import SatchelError
from satchel.forking import ProcessLock
from satchel.message.times import shown

#: Names of queues may be made up at run time: so many of those that are not configured are remembered.
_REMEMBERED: Final = 1_000

_OPTIONS: Final = frozenset(
    {
        *("exchange", "exchange_type", "exchange_durable", "exchange_auto_delete", "exchange_arguments"),
        *("routing_key", "binding_key", "delivery_mode", "durable", "auto_delete", "queue_durable"),
        *("queue_auto_delete", "queue_arguments", "binding_arguments", "consumer_arguments", "exclusive", "no_ack"),
        *("alias", "bindings", "no_declare", "expires", "message_ttl", "max_length", "max_length_bytes"),
        "max_priority",
    }
)
"""What kombu's ``Queue.from_dict`` reads."""


class UnknownQueue(SatchelError, LookupError):
    """No queue of that name is among ``task_queues``, and ``task_create_missing_queues`` is off."""


def entities() -> Any:
    """Import ``kombu.entity``, with its `Queue` and `Exchange`; it says that it is typed, and half of it is."""
    from importlib import import_module

    return import_module("kombu.entity")


def is_entity(value: object, name: str) -> bool:
    """Say whether a value is kombu's ``Queue`` or ``Exchange``; where kombu is not imported, nothing is."""
    kind = _kind("kombu.entity", name)
    return kind is not None and isinstance(value, kind)


def is_broadcast(queue: object) -> bool:
    """Say whether it is kombu's ``Broadcast``: every worker has a queue of its own there."""
    kind = _kind("kombu.common", "Broadcast")
    return kind is not None and isinstance(queue, kind)


def _kind(module: str, name: str) -> Any:
    # Another thread may be in the midst of importing it: what there is no class for yet is none of it.
    return getattr(sys.modules.get(module), name, None)


class Queues:
    """The queues that messages are sent to. Safe to share between threads.

    Raises:
        TypeError: something in ``task_queues`` is neither a ``kombu.Queue`` nor a mapping of a queue's options.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._configured = _configured(settings.task_queues)
        self._made: dict[str, Any] = {}
        self._lock = ProcessLock()

    def get(self, name: str) -> Any:
        """Give the ``kombu.Queue`` of that name or alias.

        Raises:
            UnknownQueue: there is none, and none may be created.
        """
        queue = self._made.get(name)
        if queue is None:
            with self._lock.here():
                queue = self._made.get(name)
                if queue is None:
                    queue = self._make(name)
                    if len(self._made) > len(self._configured) + _REMEMBERED:
                        self._made.clear()
                    self._made[name] = queue
        return queue

    def exchange(self, name: str) -> Any | None:
        """Give the ``kombu.Exchange`` of that name, where the settings have one."""
        for queue in self._all():
            if queue.exchange is not None and queue.exchange.name == name:
                return queue.exchange
        default = self._default_exchange()
        return default if default.name == name else None

    def _all(self) -> Iterator[Any]:
        for name in self._configured or (self._settings.task_default_queue,):
            yield self.get(name)

    def _make(self, name: str) -> Any:
        settings = self._settings
        if name in self._configured:
            return self._completed(_queue(name, self._configured[name]))
        if not self._configured and name == settings.task_default_queue:
            quorum = settings.task_default_queue_type == "quorum"
            return self._completed(_new(name, self._default_exchange(), self._default_key(), quorum=quorum))
        if not settings.task_create_missing_queues:
            raise self._unknown(name)
        exchange = entities().Exchange(name, type=settings.task_create_missing_queue_exchange_type or "direct")
        quorum = settings.task_create_missing_queue_type == "quorum"
        return self._completed(_new(name, exchange, name, quorum=quorum))

    def _completed(self, queue: Any) -> Any:
        """Give a queue with what it leaves to the settings; the one that was given stays as it is."""
        most = self._settings.task_queue_max_priority
        changes: dict[str, Any] = {}
        if queue.exchange is None or queue.exchange.name == "":
            changes["exchange"] = self._default_exchange()
        if not queue.routing_key and not is_broadcast(queue):
            changes["routing_key"] = self._default_key()
        if most is not None and "x-max-priority" not in (queue.queue_arguments or {}):
            changes["queue_arguments"] = {**(queue.queue_arguments or {}), "x-max-priority": most}
        if not changes:
            return queue
        # kombu's own copy leaves out the callback.
        copied = object.__new__(type(queue))
        copied.__dict__.update(queue.__dict__)
        copied.__dict__.update(changes)
        return copied

    def _default_exchange(self) -> Any:
        settings = self._settings
        name = settings.task_default_exchange or settings.task_default_queue
        return entities().Exchange(name, type=settings.task_default_exchange_type)

    def _default_key(self) -> str:
        return self._settings.task_default_routing_key or self._settings.task_default_queue

    def _unknown(self, name: str) -> UnknownQueue:
        known = sorted(self._configured or (self._settings.task_default_queue,))
        near = nearest(name, known)
        return UnknownQueue(
            f"no queue {shown(name)} in task_queues",
            expected=f"did you mean {near!r}?" if near else f"known: {', '.join(known)}",
            cure="add it there, or set task_create_missing_queues=True",
        )


def _new(name: str, exchange: Any, routing_key: str, *, quorum: bool) -> Any:
    return entities().Queue(name, exchange, routing_key, queue_arguments={"x-queue-type": "quorum"} if quorum else None)


def _queue(name: str, given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    key = given.get("routing_key") or given.get("binding_key") or name
    return entities().Queue.from_dict(name, **{**given, "routing_key": key})


def _configured(value: Any) -> dict[str, Any]:
    """Read ``task_queues``: queues, or options of queues, by name and alias."""
    named: dict[str, Any] = {}
    items = value.items() if isinstance(value, Mapping) else ((None, item) for item in value or ())
    for index, (name, item) in enumerate(items):
        where = f"task_queues[{index if name is None else name!r}]"
        if is_entity(item, "Queue"):
            # As Celery has it, the queue's own name counts.
            named[item.name] = item
            if item.alias:
                named[item.alias] = item
        elif name is None:
            raise TypeError(f"{where} must be a kombu.Queue, got {shown(item)}; in a mapping of names, options do")
        elif not isinstance(name, str) or not name:
            raise TypeError(f"task_queues must have names that are str, got {shown(name)}")
        elif isinstance(item, Mapping):
            _check_options(where, item)
            named[name] = item
        else:
            raise TypeError(f"{where} must be a kombu.Queue or a mapping of its options, got {shown(item)}")
    return named


def _check_options(where: str, options: Mapping[Any, Any]) -> None:
    for option in options:
        if option not in _OPTIONS:
            near = nearest(option, _OPTIONS)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(_OPTIONS))}"
            raise TypeError(f"unknown option {shown(option)} in {where}; {hint}")
