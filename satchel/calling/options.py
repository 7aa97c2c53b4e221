"""The options of `apply_async`, by name: those of the message, and those that say how it is published, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from satchel.calling.naming import nearest
from satchel.message.checks import short_text
from satchel.message.options import OPTION_NAMES
from satchel.message.times import shown

ROUTING: Final = ("queue", "exchange", "routing_key")
_CARRIERS: Final = ("connection", "producer", "publisher")

PUBLISHING: Final = frozenset({*ROUTING, *_CARRIERS, "retry", "retry_policy", "mandatory", "timeout"})
"""Names of the options that are not the message's; `CallOptions` says what they are."""

WORKERS: Final = frozenset(
    {
        *("base", "lazy", "shared", "trail", "throws", "Strategy", "Request"),
        *("max_retries", "default_retry_delay", "autoretry_for", "dont_autoretry_for", "retry_kwargs", "retry_backoff"),
        *("retry_backoff_max", "retry_jitter", "retry_on_worker_lost"),
        *("acks_late", "acks_on_failure", "acks_on_timeout", "acks_on_failure_or_timeout", "reject_on_worker_lost"),
        *("rate_limit", "track_started", "send_events", "resultrepr_maxsize", "store_eager_result"),
        *("store_errors_even_if_ignored", "before_start", "on_success", "on_failure", "on_retry", "after_return"),
        *("pydantic", "pydantic_strict", "pydantic_context", "pydantic_dump_kwargs"),
    }
)
"""Names of the options of tasks that are the worker's; see `WorkerOptions`."""


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
