"""The options of `apply_async`: those of the message, and those that say how it is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

from satchel.calling.naming import nearest
from satchel.calling.retrying import RetryPolicy
from satchel.message import TaskOptions
from satchel.message.checks import short_text
from satchel.message.options import OPTION_NAMES
from satchel.message.times import shown

if TYPE_CHECKING:
    from satchel.calling.broker.pool import Lease


class CallOptions(TaskOptions, total=False):
    """What `Task.apply_async` takes beside arguments: `satchel.message.TaskOptions`, and these. None means absent.

    Where it goes:
        queue: the name of a queue, or a ``kombu.Queue``; one that is missing is created.
        exchange: the name of an exchange, or a ``kombu.Exchange``, which is declared.
        routing_key: the routing key; without an exchange, that of the default exchange of the settings.

    How it is published:
        retry: False tries once; default the setting ``task_publish_retry``.
        retry_policy: see `RetryPolicy`; keys that are not given are those of ``task_publish_retry_policy``.
        connection, producer, publisher: a lease of ``app.pool``, a `Publisher`, or kombu's ``Connection`` or
            ``Producer``, to be used instead of one from the pool. It is tried once: only its owner can connect it anew.
        mandatory: False lets the broker drop a message that no queue takes, as Celery does; default True.
        timeout: seconds to wait for a connection of the pool, and then for the broker to confirm; more than 0, as in
            no time no broker confirms. For a connection at once or none, take it: ``app.pool.acquire(block=False)``.
    """

    queue: Any | None
    exchange: Any | None
    routing_key: str | None
    retry: bool | None
    retry_policy: RetryPolicy | Mapping[str, Any] | None
    connection: Lease | Any | None
    producer: Any | None
    publisher: Any | None
    mandatory: bool | None
    timeout: float | None


class TaskDefaults(TaskOptions, total=False):
    """What a task may say: options that hold for all its calls, where a call does not say."""

    queue: Any | None


class WorkerOptions(TypedDict, total=False):
    """Options of tasks that belong to workers, which have their own: taken by ``@app.task``, and of no effect here."""

    base: Any
    lazy: Any
    shared: Any
    trail: Any
    throws: Any
    Strategy: Any
    Request: Any
    # When it is tried again.
    max_retries: Any
    default_retry_delay: Any
    autoretry_for: Any
    dont_autoretry_for: Any
    retry_kwargs: Any
    retry_backoff: Any
    retry_backoff_max: Any
    retry_jitter: Any
    retry_on_worker_lost: Any
    # When it is acknowledged.
    acks_late: Any
    acks_on_failure: Any
    acks_on_timeout: Any
    acks_on_failure_or_timeout: Any
    reject_on_worker_lost: Any
    # How it runs, and what is told of it.
    rate_limit: Any
    track_started: Any
    send_events: Any
    resultrepr_maxsize: Any
    store_eager_result: Any
    store_errors_even_if_ignored: Any
    before_start: Any
    on_success: Any
    on_failure: Any
    on_retry: Any
    after_return: Any
    # How it takes models.
    pydantic: Any
    pydantic_strict: Any
    pydantic_context: Any
    pydantic_dump_kwargs: Any


class DeclaredOptions(TaskDefaults, WorkerOptions, total=False):
    """What ``@app.task`` takes: options of its calls, and those that one function has for the worker as well."""


PUBLISHING: Final = frozenset(CallOptions.__annotations__) - frozenset(TaskOptions.__annotations__)
"""Names of the options that are not the message's."""

WORKERS: Final = frozenset(WorkerOptions.__annotations__)
"""Names of the options of tasks that are the worker's."""

ROUTING: Final = ("queue", "exchange", "routing_key")
_CARRIERS: Final = ("connection", "producer", "publisher")


class Publishing:
    """The options of one call that say how it is published, checked."""

    __slots__ = ("carrier", "exchange", "mandatory", "queue", "retry", "retry_policy", "routing_key", "timeout")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.queue: Any = given.get("queue")
        self.exchange: Any = given.get("exchange")
        self.routing_key: str | None = given.get("routing_key")
        self.retry: bool | None = _flag("retry", given.get("retry"))
        self.retry_policy: Any = given.get("retry_policy")
        self.mandatory: bool | None = _flag("mandatory", given.get("mandatory"))
        self.timeout: float | None = _seconds("timeout", given.get("timeout"))
        carriers = [name for name in _CARRIERS if given.get(name) is not None]
        if len(carriers) > 1:
            raise TypeError(f"{carriers[0]} and {carriers[1]} exclude each other: give one of them")
        self.carrier: Any = given[carriers[0]] if carriers else None
        for name in ROUTING:
            value = given.get(name)
            if isinstance(value, str) and value:
                short_text(name, value)
        if self.routing_key is not None and not isinstance(self.routing_key, str):
            raise TypeError(f"routing_key must be a str, got {shown(self.routing_key)}")


def split(options: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Part options into those of the message and those of publishing.

    Raises:
        TypeError: one is neither; with the nearest name of both.
    """
    if OPTION_NAMES.issuperset(options):
        return options, _NONE
    message: dict[str, Any] = {}
    publishing: dict[str, Any] = {}
    for name, value in options.items():
        if name in PUBLISHING:
            publishing[name] = value
        elif name in OPTION_NAMES:
            message[name] = value
        else:
            raise _unknown(name)
    return message, publishing


_NONE: Final[Mapping[str, Any]] = {}

#: Options that exclude each other: one that a call gives goes over the other one, too.
_INSTEAD: Final = {
    "countdown": "eta",
    "eta": "countdown",
    "expiration": "broker_expiration",
    "broker_expiration": "expiration",
}


def over(standing: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Put options over those that hold where nothing else is said. None is not said, but for ``compression``: off."""
    if None in options.values():
        options = {name: value for name, value in options.items() if value is not None or name == "compression"}
    if not standing:
        return {**options}
    merged = {**standing, **options}
    for one, other in _INSTEAD.items():
        if one in standing and other in options and one not in options:
            del merged[one]
    return merged


def _unknown(name: str) -> TypeError:
    near = nearest(name, OPTION_NAMES | PUBLISHING)
    hint = f"did you mean {near!r}?" if near else "see satchel.calling.CallOptions for those there are"
    return TypeError(f"unknown option {name!r}; {hint}; headers of your own go into headers={{…}}")


def unknown_to_tasks(name: str, *, here: bool) -> TypeError:
    """Make the error for what a task may not say, whose code is `here` or elsewhere."""
    if name in WORKERS:
        return TypeError(f"the option {name!r} of a task is its worker's: give it where the task's code is")
    of_code = WORKERS | {"bind", "name", "typing"} if here else frozenset[str]()
    near = nearest(name, OPTION_NAMES | of_code | {"queue"})
    hint = f"did you mean {near!r}?" if near else "see satchel.calling.CallOptions for those there are"
    return TypeError(f"unknown option {name!r} of a task; {hint}")


def _flag(name: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, got {shown(value)}")
    if not 0 < value < float("inf"):
        cure = "; for a connection at once or none, take it by app.pool.acquire(block=False)" if value == 0 else ""
        raise ValueError(f"{name} must be greater than 0 seconds, got {shown(value)}{cure}")
    return value
