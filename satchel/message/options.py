"""The options of a task message: a closed set, each with its check and its place in the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from time import time_ns
from typing import Any, Final

from satchel.message import checks
from satchel.message.checks import MAX_TTL, table
from satchel.message.times import after, duration, iso, microseconds, moment_in, shown
from satchel.records import NamedTuple

Signature = Mapping[str, Any]
"""What describes a task that follows: see `signature`."""

_FIELDS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "task": (str, "a task name"),
    "args": ((list, tuple), "a list or tuple"),
    "kwargs": (Mapping, "a mapping"),
    "options": (Mapping, "a mapping"),
    "subtask_type": ((str, type(None)), "a str or None"),
    "immutable": (bool, "a bool"),
}


def signature(name: str, value: object) -> dict[str, Any]:
    """Check one signature, given as the option `name`, and copy it to a plain dict with every field that workers read.

    Args:
        value: a mapping with ``task`` and, when wanted, ``args``, ``kwargs``, ``options`` (execution options of that
            task, such as ``task_id`` and ``queue``), ``subtask_type`` and ``immutable``. Others are kept.
            Celery's ``Signature`` is such a mapping.

    Raises:
        TypeError: it is not a mapping, or a field, or a name in one, has another type; the message names the field.
        ValueError: it has no task name.
    """
    if not isinstance(value, Mapping):
        # A task, of Satchel or of Celery.
        cure = "; a task's signature is task.s(…), or task.si(…)" if callable(getattr(value, "si", None)) else ""
        raise TypeError(
            f"{name} must be a signature, such as {{'task': 'shop.pay', 'args': [1]}}, got {shown(value)}{cure}"
        )
    plain: dict[str, Any] = {
        "task": None,
        "args": [],
        "kwargs": {},
        "options": {},
        "subtask_type": None,
        "immutable": False,
    }
    plain.update(value)
    if plain["task"] is None or plain["task"] == "":
        raise ValueError(f"{name} has no task name: a signature needs 'task', got {shown(value)}")
    for field, (types, expected) in _FIELDS.items():
        if not isinstance(plain[field], types):
            raise TypeError(f"{name}: its {field!r} must be {expected}, got {shown(plain[field])}")
    for field in ("kwargs", "options"):
        plain[field] = dict(plain[field])
        for key in plain[field]:
            if not isinstance(key, str):
                raise TypeError(f"{name}: its {field!r} must have str names, got {shown(key)}")
    return plain


def signatures(name: str, value: object) -> list[dict[str, Any]]:
    """Check one signature or a list of them, given as the option `name`; see `signature`."""
    if isinstance(value, (list, tuple)):
        return [signature(f"{name}[{index}]", item) for index, item in enumerate(value)]
    return [signature(name, value)]


def chain(name: str, value: object) -> list[dict[str, Any]] | None:
    """Check the rest of a chain, in the order in which it runs, and give it as messages carry it: last task first."""
    return signatures(name, value)[::-1] or None


class Draft(NamedTuple):
    """The parts of a message while its options are put in; `call` holds what is not a field of the message."""

    headers: dict[str, Any]
    properties: dict[str, Any]
    embed: dict[str, Any]
    call: dict[str, Any]


class _Option(NamedTuple):
    check: Callable[[str, Any], Any]
    place: int  # The index of a part of a Draft.
    field: str


_HEADER, _PROPERTY, _EMBED, _CALL = range(4)

_OPTIONS: Final[dict[str, _Option]] = {
    "task_id": _Option(checks.short_text, _CALL, "task_id"),
    "countdown": _Option(duration, _CALL, "countdown"),
    "eta": _Option(checks.moment, _CALL, "eta"),
    "expires": _Option(checks.wait_or_moment, _CALL, "expires"),
    "broker_expiration": _Option(checks.flag, _CALL, "broker_expiration"),
    "retries": _Option(checks.count, _HEADER, "retries"),
    "group_id": _Option(checks.text, _HEADER, "group"),
    "group": _Option(checks.text, _HEADER, "group"),
    "group_index": _Option(checks.count, _HEADER, "group_index"),
    "root_id": _Option(checks.text, _HEADER, "root_id"),
    "parent_id": _Option(checks.text, _HEADER, "parent_id"),
    "link": _Option(signatures, _EMBED, "callbacks"),
    "callbacks": _Option(signatures, _EMBED, "callbacks"),
    "link_error": _Option(signatures, _EMBED, "errbacks"),
    "errbacks": _Option(signatures, _EMBED, "errbacks"),
    "chain": _Option(chain, _EMBED, "chain"),
    "chord": _Option(signature, _EMBED, "chord"),
    "reply_to": _Option(checks.short_text, _PROPERTY, "reply_to"),
    "time_limit": _Option(checks.limit, _CALL, "time_limit"),
    "soft_time_limit": _Option(checks.limit, _CALL, "soft_time_limit"),
    "shadow": _Option(checks.text, _HEADER, "shadow"),
    "priority": _Option(checks.priority, _PROPERTY, "priority"),
    "ignore_result": _Option(checks.flag, _HEADER, "ignore_result"),
    "headers": _Option(checks.user_headers, _CALL, "headers"),
    "delivery_mode": _Option(checks.delivery_mode, _PROPERTY, "delivery_mode"),
    "correlation_id": _Option(checks.short_text, _PROPERTY, "correlation_id"),
    "message_id": _Option(checks.short_text, _PROPERTY, "message_id"),
    "timestamp": _Option(checks.epoch, _PROPERTY, "timestamp"),
    "type": _Option(checks.short_text, _PROPERTY, "type"),
    "user_id": _Option(checks.short_text, _PROPERTY, "user_id"),
    "app_id": _Option(checks.short_text, _PROPERTY, "app_id"),
    "cluster_id": _Option(checks.short_text, _PROPERTY, "cluster_id"),
    "expiration": _Option(checks.time_to_live, _PROPERTY, "expiration"),
    "stamps": _Option(table, _HEADER, "stamps"),
    "argsrepr": _Option(checks.any_text, _HEADER, "argsrepr"),
    "kwargsrepr": _Option(checks.any_text, _HEADER, "kwargsrepr"),
    "replaced_task_nesting": _Option(checks.count, _HEADER, "replaced_task_nesting"),
    "origin": _Option(checks.text, _HEADER, "origin"),
    "serializer": _Option(checks.text, _CALL, "serializer"),
    "compression": _Option(checks.text, _CALL, "compression"),
}

OPTION_NAMES: Final = frozenset(_OPTIONS)
"""The names of all options of a message."""

STANDING: Final = frozenset(
    {"priority", "time_limit", "soft_time_limit", "ignore_result", "delivery_mode", "broker_expiration", "expiration"}
)
"""The options that a builder may have for all its messages: none of them says what one message is, or when it runs."""

# Absent and None are not the same for these: None is a choice of its own.
_NONE_IS_A_VALUE: Final = frozenset({"ignore_result", "compression"})

_EXCLUSIVE: Final = {
    "countdown": "eta",
    "group": "group_id",
    "link": "callbacks",
    "link_error": "errbacks",
}
# Options that are held against others. Of a pair that excludes each other, one is enough.
_TOGETHER: Final = frozenset({*_EXCLUSIVE.values(), "expiration", "broker_expiration", "time_limit", "soft_time_limit"})

_NOT_IN_PROTOCOL_1: Final = (
    *("chain", "shadow", "ignore_result", "stamps", "root_id", "parent_id"),
    *("argsrepr", "kwargsrepr", "origin", "replaced_task_nesting"),
)


def place(options: Mapping[str, Any], parts: Draft | tuple[dict[str, Any], ...], protocol: int) -> None:
    """Check `options` and put each into its place in `parts`, which are those of a `Draft`.

    Raises:
        TypeError: an option is unknown (with the nearest known name), has another type, or excludes another one.
        ValueError: a value is out of range, or the protocol has no field for the option.
    """
    for name, value in options.items():
        option = _OPTIONS.get(name)
        if option is None:
            raise _unknown(name)
        check, part, field = option
        if value is not None:
            parts[part][field] = check(name, value)
        elif name in _NONE_IS_A_VALUE:
            parts[part][field] = None
    if not _TOGETHER.isdisjoint(options):
        _, properties, _, call = parts
        for one, other in _EXCLUSIVE.items():
            if options.get(one) is not None and options.get(other) is not None:
                raise TypeError(f"{one} and {other} exclude each other: give one of them")
        if "expiration" in properties and call.get("broker_expiration") is not None:
            raise TypeError("broker_expiration and expiration exclude each other: give one of them")
        hard, soft = call.get("time_limit"), call.get("soft_time_limit")
        if hard is not None and soft is not None and soft > hard:
            raise ValueError(f"soft_time_limit must not be greater than time_limit: {soft} > {hard}")
    if protocol == 1:
        for name in _NOT_IN_PROTOCOL_1:
            value = options.get(name)
            # To store the result is what protocol 1 does: nothing is lost.
            if value is not None and (name, value) != ("ignore_result", False):
                raise ValueError(f"{name} has no place in protocol 1: leave it out, or build with protocol=2")


_PUBLISHING: Final = frozenset(
    {"queue", "exchange", "routing_key", "retry", "retry_policy", "producer", "connection", "declare", "mandatory"}
)


def _unknown(name: str) -> TypeError:
    if name in _PUBLISHING:
        cure = "give it to producer.publish, beside **message.publish_arguments()"
        return TypeError(f"unknown option {name!r}; it is not of the message but of how it is published: {cure}")
    import difflib  # 6 ms to import, and only this error needs it.

    near = difflib.get_close_matches(name, _OPTIONS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(_OPTIONS))}"
    return TypeError(f"unknown option {name!r}; {hint}")


def schedule(headers: dict[str, Any], properties: dict[str, Any], call: Mapping[str, Any], zone: tzinfo) -> None:
    """Put the times of a `Draft` into its headers, ISO 8601, waits counted from one and the same now.

    Args:
        zone: where naive datetimes are taken to be.

    Raises:
        ValueError: a time is not within the years 1 to 9999, or too late for a broker to keep.
    """
    countdown: timedelta | None = call.get("countdown")
    expires: timedelta | datetime | None = call.get("expires")
    if "eta" in call:
        headers["eta"] = iso(moment_in("eta", call["eta"], zone))
    if not countdown and expires is None:  # A wait of 0 is none, as in Celery.
        return
    now = time_ns() // 1_000
    if countdown:
        headers["eta"] = after("countdown", now, countdown)
    if expires is None:
        return
    if isinstance(expires, timedelta):
        headers["expires"] = after("expires", now, expires)
        left = timedelta.total_seconds(expires)
    else:
        end = moment_in("expires", expires, zone)
        headers["expires"] = iso(end)
        left = (microseconds(end) - now) / 1_000_000
    if call.get("broker_expiration"):
        properties["expiration"] = _time_to_live(left)


def _time_to_live(seconds: float) -> float:
    if seconds > MAX_TTL:
        raise ValueError(f"broker_expiration: brokers keep a time of up to {MAX_TTL:.0f} seconds, not {seconds:.0f}")
    return max(seconds, 0.0)
