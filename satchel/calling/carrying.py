"""The options of signatures that messages carry: what a Celery 5 worker calls a task with, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.calls import Publishing, over, split
from satchel.calling.declaring import OWN
from satchel.calling.retrying import RetryPolicy
from satchel.calling.routing.queues import is_entity
from satchel.message.checks import epoch
from satchel.message.options import Draft, place
from satchel.message.times import iso, moment_in, shown

if TYPE_CHECKING:
    from satchel.calling.declaring import Defaults

_NAMES: Final = {"callbacks": "link", "errbacks": "link_error", "group": "group_id"}
"""Options with two names, of which workers know one."""
_MANY: Final = frozenset({"link", "link_error", "chain"})


def one_name(options: Mapping[str, Any]) -> dict[str, Any]:
    """Copy options, each under the name that workers know."""
    return {_NAMES.get(name, name): value for name, value in options.items()}


def listed(value: Any) -> list[Any]:
    """Give one signature, several, or None, as a list."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def linked(options: Mapping[str, Any], name: str, signature: Mapping[str, Any]) -> dict[str, Any]:
    """Copy options, with one more signature in ``link`` or ``link_error``, unless it is there already."""
    if not isinstance(signature, Mapping):
        raise TypeError(f"{name} must be a signature, such as task.s(…) or task.si(…), got {shown(signature)}")
    merged = one_name(options)
    before = listed(merged.get(name))
    merged[name] = before if signature in before else [*before, signature]
    return merged


def with_defaults(options: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """Put what a task says of itself behind the options of a call."""
    own = {name: getattr(defaults, name) for name in (*OWN, "queue")}
    return over({name: value for name, value in {**own, **defaults.options}.items() if value is not None}, options)


def carried(options: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """Check the options of a signature, and turn them into what a message carries.

    Args:
        options: see `CallOptions`.
        zone: where naive datetimes are.

    Raises:
        TypeError, ValueError: as for a call; or an option has a meaning in this process alone.
    """
    message, publishing = split(options)
    if Publishing(publishing).carrier is not None:
        raise TypeError("connection, producer and publisher are of this process: a signature cannot carry them")
    place(message, Draft({}, {}, {}, {}), 2)
    plain: dict[str, Any] = {}
    for name, value in one_name(options).items():
        if value is None:
            if name == "compression":
                plain[name] = None  # It goes over that of the worker's own task.
        elif name == "stamps":
            plain |= {"stamped_headers": list(value), **value}
        elif name in {"queue", "exchange"}:
            plain[name] = value.name if is_entity(value, name.capitalize()) else value
        elif name != "broker_expiration":  # Workers set the broker's expiration in any case.
            plain[name] = _plain(name, value, zone)
    return plain


def _plain(name: str, value: Any, zone: tzinfo) -> Any:
    if name in _MANY:
        signatures = [_signature(each) for each in listed(value)]
        # In the order in which a worker takes them off the end.
        return signatures[::-1] if name == "chain" else signatures
    if name == "chord":
        return _signature(value)
    if name == "retry_policy":
        return _policy(value)
    if name == "timestamp":
        return epoch(name, value)  # To AMQP's library it is a number, and a worker hands it on as it is.
    if isinstance(value, datetime):
        return iso(moment_in(name, value, zone))
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def _policy(value: RetryPolicy | Mapping[str, Any]) -> dict[str, Any]:
    if RetryPolicy.of(value).retry_errors is not None:
        raise TypeError("retry_errors are classes of this process: a signature cannot carry them")
    given = asdict(value) if isinstance(value, RetryPolicy) else value
    return {name: each for name, each in given.items() if name != "retry_errors"}


def _signature(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(value)
