"""A call on its way: its options, checked; what hooks see of it, and what is ready to be published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.errors import nearest
from satchel.message.checks import short_text
from satchel.message.options import OPTION_NAMES
from satchel.message.times import shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from satchel.calling.broker.link import Parcel
    from satchel.calling.declaring import Defaults
    from satchel.calling.retrying import RetryPolicy

ROUTING: Final = ("queue", "exchange", "routing_key")

_CARRIERS: Final = ("connection", "producer", "publisher")

PUBLISHING: Final = frozenset({*ROUTING, *_CARRIERS, "retry", "retry_policy", "mandatory", "timeout"})
"""Names of the options that are not the message's; `CallOptions` says what they are."""


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


class Call(NamedTuple):
    """One call: what is called, with what, and how."""

    task: str
    defaults: Defaults
    args: Any
    kwargs: Any
    options: Mapping[str, Any]


class Outgoing:
    """A call on its way, as the hooks see it.

    Attributes:
        task, id, args, kwargs: of the call.
        headers: before the message is built, the caller's own; a hook may add to them, and change nothing else. Behind
            its publishing, a copy of all that the message has.
    """

    __slots__ = ("args", "headers", "id", "kwargs", "task")

    def __init__(self, task: str, task_id: str, args: Any, kwargs: Any, headers: dict[str, Any]) -> None:
        self.task: str = task
        self.id: str = task_id
        self.args: Any = args
        self.kwargs: Any = kwargs
        self.headers: dict[str, Any] = headers


class Prepared(NamedTuple):
    """A call that is ready to be published."""

    id: str
    packet: Parcel
    ignored: bool
    policy: RetryPolicy | None
    publishing: Publishing


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
