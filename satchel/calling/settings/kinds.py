"""The kinds of settings: how the value of each is checked, and how it is read from an environment variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.retrying import RetryPolicy
from satchel.message import checks
from satchel.message.times import UTC, duration, shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    #: How the text of an environment variable is read: a function of `texts`, which few clients need.
    Reader: TypeAlias = Literal[
        "text", "flag", "number", "json", "json_list_or_text", "json_or_text", "names", "flag_or_json", "number_or_text"
    ]

DEFAULT_BROKER: Final = "amqp://guest:guest@localhost:5672//"
"""Where Celery looks for a broker when it is told nothing."""


class Kind(NamedTuple):
    """A kind of setting.

    Attributes:
        check: takes the name and the value, and gives the value as it is kept; TypeError or ValueError.
        reader: what makes a value from text, which may still be wrong.
        optional: None is a value too, and is not checked.
    """

    check: Callable[[str, Any], Any]
    reader: Reader
    optional: bool = False


def urls(name: str, value: object) -> str | tuple[str, ...]:
    """Take a URL, several with ``;`` between them, or a sequence of URLs. None is the default broker.

    One without a scheme may be a host's name alone, of an AMQP broker, as kombu takes it.
    """
    if value is None:
        return DEFAULT_BROKER
    if isinstance(value, (list, tuple)):
        if not value:
            raise ValueError(f"{name} must have at least one URL")
        return tuple(_url(f"{name}[{index}]", item) for index, item in enumerate(value))
    return _url(name, value)


def _url(name: str, value: object) -> str:
    taken = secret_text(name, value)
    for each in taken.split(";"):
        scheme, there, _ = each.partition("://")
        if not (scheme if there else not _OF_URLS.intersection(each)):
            raise ValueError(f"{name} must begin with a scheme, such as amqp://, redis:// or sqla+sqlite://")
    return taken


#: Characters of URLs that no name of a host has.
_OF_URLS: Final = frozenset(":/@")


def secret_text(name: str, value: object) -> str:
    """Take a str that is not empty; errors do not show it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got a value of type {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty; leave it out, or give None, for the default")
    return value


def seconds(name: str, value: object) -> float:
    """Take a number of seconds or a timedelta, greater than 0, and give seconds."""
    total = duration(name, value).total_seconds()
    if not total > 0:
        raise ValueError(f"{name} must be greater than 0 seconds, got {shown(value)}")
    return total


def lifetime(name: str, value: object) -> timedelta | None:
    """Take a number of seconds or a timedelta; 0 is None, for ever, as Celery has it."""
    wait = duration(name, value)
    if wait < timedelta(0):
        raise ValueError(f"{name} must be 0 seconds or more, got {shown(value)}")
    return wait or None


def mapping(name: str, value: object) -> Mapping[str, Any]:
    """Take a mapping with str keys, and give a copy that cannot be changed."""
    return MappingProxyType(checks.named(name, value))


def flag_or_mapping(name: str, value: object) -> bool | Mapping[str, Any]:
    """Take a bool, or a mapping with str keys."""
    if isinstance(value, (bool, Mapping)):
        return value if isinstance(value, bool) else mapping(name, value)
    raise TypeError(f"{name} must be True, False or a mapping, got a value of type {type(value).__name__}")


def names(name: str, value: object) -> tuple[str, ...]:
    """Take a sequence or set of str, at least one, and give a tuple."""
    if isinstance(value, str) or not isinstance(value, (Sequence, Set)):
        example = f"[{value!r}]" if isinstance(value, str) else "['json']"
        raise TypeError(f"{name} must be a list of names, such as {example}, got {shown(value)}")
    given = sorted(value) if isinstance(value, Set) and all(isinstance(item, str) for item in value) else value
    taken = tuple(checks.required_text(f"{name}[{index}]", item) for index, item in enumerate(given))
    if not taken:
        raise ValueError(f"{name} must have at least one name")
    return taken


def among(*choices: object) -> Callable[[str, Any], Any]:
    """Make a check that takes one of `choices`."""
    listed = " or ".join(map(repr, choices))

    def check(name: str, value: object) -> Any:
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return value
        error = ValueError if any(type(value) is type(choice) for choice in choices) else TypeError
        raise error(f"{name} must be {listed}, got {shown(value)}")

    return check


STRATEGIES: Final = ("round-robin", "shuffle")
"""Orders of several brokers that kombu knows by a name."""


def strategy(name: str, value: object) -> Any:
    """Take the name of an order of several brokers, or a function that makes one."""
    if callable(value) or (isinstance(value, str) and value in STRATEGIES):
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name} must be {' or '.join(map(repr, STRATEGIES))}, or a function, got {shown(value)}")


def zone(name: str, value: object) -> str | tzinfo:
    """Take a tzinfo, or the name of a zone that is known."""
    if not isinstance(value, tzinfo):
        zone_of(checks.text(name, value))
    return value  # type: ignore[return-value]


def zone_of(value: str | tzinfo | None) -> tzinfo:
    """Give the tzinfo of a name of the IANA database; None is UTC. ValueError where there is no such zone."""
    if value is None or value == "UTC":
        return UTC
    if isinstance(value, tzinfo):
        return value
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"timezone: no time zone {shown(value)} here; names are such as 'Asia/Tokyo'; where the system has no"
            " time zones, run: pip install tzdata"
        ) from None


def not_eager(name: str, value: object) -> bool:
    """Take False: who sets True must not find tasks sent to a broker."""
    if checks.flag(name, value):
        raise ValueError(f"{name}=True is not for this client, which sends; to run a task here, call it: task(*args)")
    return False


def policy(name: str, value: object) -> RetryPolicy:
    """Take a RetryPolicy, or a mapping of what makes one."""
    try:
        if value is None:
            raise TypeError("retry_policy must be a mapping or a RetryPolicy, got None")
        return RetryPolicy.of(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def queues(name: str, value: object) -> Any:
    """Take a mapping or a sequence; `Router` looks at what is in it."""
    if isinstance(value, Mapping):
        return mapping(name, value)
    if isinstance(value, str) or not isinstance(value, (Sequence, Set)):
        raise TypeError(f"{name} must be a list of kombu.Queue, or a mapping of names to options, got {shown(value)}")
    return tuple(value)


def routes(name: str, value: object) -> Any:
    """Take what may be a routing table; `Router` looks at what is in it."""
    if isinstance(value, Mapping):
        return MappingProxyType(dict(value))
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if callable(value) or hasattr(value, "route_for_task") or (isinstance(value, str) and value):
        return value
    raise TypeError(
        f"{name} must be a mapping, a list of mappings, pairs or functions, or a function, got {shown(value)}"
    )


def _optional(kind: Kind) -> Kind:
    return kind._replace(optional=True)


_TEXT = Kind(checks.required_text, "text")
_TEXT_OR_NONE = Kind(checks.text, "text", optional=True)
_SECRET_OR_NONE = Kind(secret_text, "text", optional=True)
_FLAG = Kind(checks.flag, "flag")
_COUNT_OR_NONE = Kind(checks.count, "number", optional=True)
_SECONDS = Kind(seconds, "number")
_MAPPING = Kind(mapping, "json")
_NAMES = Kind(names, "names")
_PRIORITY_OR_NONE = Kind(checks.priority, "number", optional=True)
_QUEUE_TYPE = Kind(among("classic", "quorum"), "text")


KINDS: Final[dict[str, Kind]] = {
    "broker_url": Kind(urls, "json_list_or_text"),
    "broker_write_url": Kind(urls, "json_list_or_text", optional=True),
    "broker_pool_limit": _COUNT_OR_NONE,
    "broker_pool_acquire_timeout": _optional(_SECONDS),
    "broker_connection_timeout": _SECONDS,
    "broker_login_method": _TEXT_OR_NONE,
    "broker_use_ssl": Kind(flag_or_mapping, "flag_or_json"),
    "broker_transport_options": _MAPPING,
    "broker_failover_strategy": Kind(strategy, "text", optional=True),
    "result_backend": _SECRET_OR_NONE,
    "result_backend_transport_options": _MAPPING,
    "result_serializer": _TEXT,
    "result_accept_content": _optional(_NAMES),
    "result_compression": _TEXT_OR_NONE,
    "result_expires": Kind(lifetime, "number", optional=True),
    "result_extended": _FLAG,
    "redis_socket_timeout": _optional(_SECONDS),
    "redis_socket_connect_timeout": _optional(_SECONDS),
    "database_engine_options": _MAPPING,
    "database_table_names": _optional(_MAPPING),
    "database_table_schemas": _optional(_MAPPING),
    "accept_content": _NAMES,
    "task_serializer": _TEXT,
    "task_compression": _TEXT_OR_NONE,
    "task_protocol": Kind(among(2, 1), "number"),
    "task_ignore_result": _FLAG,
    "task_always_eager": Kind(not_eager, "flag"),
    "task_routes": Kind(routes, "json_or_text", optional=True),
    "task_queues": Kind(queues, "json", optional=True),
    "task_create_missing_queues": _FLAG,
    "task_create_missing_queue_type": _QUEUE_TYPE,
    "task_create_missing_queue_exchange_type": _TEXT_OR_NONE,
    "task_default_queue": Kind(checks.short_text, "text"),
    "task_default_queue_type": _QUEUE_TYPE,
    "task_default_exchange": Kind(checks.short_text, "text", optional=True),
    "task_default_exchange_type": _TEXT,
    "task_default_routing_key": Kind(checks.short_text, "text", optional=True),
    "task_default_delivery_mode": Kind(checks.delivery_mode, "number_or_text"),
    "task_default_priority": _PRIORITY_OR_NONE,
    "task_queue_max_priority": _PRIORITY_OR_NONE,
    "task_publish_retry": _FLAG,
    "task_publish_retry_policy": Kind(policy, "json"),
    "timezone": Kind(zone, "text", optional=True),
    "enable_utc": _FLAG,
}
"""The kind of each field of `Settings`."""
