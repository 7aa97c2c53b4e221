"""The settings of a calling client, under Celery's names: from keywords, modules, Django and the environment."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import timedelta, tzinfo
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

from satchel.calling.retrying import RetryPolicy
from satchel.calling.settings.kinds import DEFAULT_BROKER, KINDS, zone_of
from satchel.message.times import shown
from satchel.records import dataclass, replace

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_PASSWORD: Final = r"(://[^/?#;]*?:)[^/?#;]*@"


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


def _engine_options() -> Mapping[str, Any]:
    return MappingProxyType({"pool_pre_ping": True, "pool_recycle": 3600})


# A generated comparison of so many fields would take a millisecond to import.
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Settings:
    """Every setting that a calling client has. Immutable, checked when it is made; `Settings.of` says more of errors.

    Raises:
        TypeError: a value is of another type; the message names the setting.
        ValueError: a value is out of range.
    """

    broker_url: str | Sequence[str] = DEFAULT_BROKER
    """The broker's URL; several, in a list or with ``;`` between them, are tried in turn."""
    broker_write_url: str | Sequence[str] | None = None
    """The broker to send to, where workers read from another one; see `publish_url`."""
    broker_pool_limit: int | None = 10
    """How many connections at most; 0 or None makes one for each send."""
    broker_pool_acquire_timeout: float | None = None
    """Seconds that a call waits for a connection of the pool; None is 30."""
    broker_connection_timeout: float = 4.0
    """Seconds to wait for the broker to take a connection."""
    broker_login_method: str | None = None
    """How to log in to an AMQP broker; None leaves it to the transport."""
    broker_use_ssl: bool | Mapping[str, Any] = False
    """TLS: True, or the options of it, as kombu takes them."""
    broker_transport_options: Mapping[str, Any] = field(default_factory=_nothing)
    """Options of kombu's transport."""
    broker_failover_strategy: str | Callable[..., Any] | None = None
    """The order in which several brokers are tried: ``"round-robin"`` (None is that, too), ``"shuffle"`` or a function
    of their URLs that gives an endless iterator."""

    result_backend: str | None = None
    """Where results are: a URL, ``rpc://``, or None for nowhere."""
    result_backend_transport_options: Mapping[str, Any] = field(default_factory=_nothing)
    """Options of the store, such as ``global_keyprefix``."""
    result_serializer: str = "json"
    """The serializer of results."""
    result_accept_content: Sequence[str] | None = None
    """The serializers whose results are read; None: see `accepted_results`."""
    result_compression: str | None = None
    """The compression of results."""
    result_expires: timedelta | float | None = timedelta(days=1)
    """How long results are kept, kept here as a timedelta; None or 0 is for ever. See `result_lifetime`."""
    result_extended: bool = False
    """Whether the store keeps a task's name, arguments, worker, retries and queue as well."""

    redis_socket_timeout: float | None = None
    """Seconds to wait for an answer of Redis; None is 10 (Celery's 120 are long for one who waits)."""
    redis_socket_connect_timeout: float | None = None
    """Seconds to wait for Redis to take a connection; None is `broker_connection_timeout`."""

    database_engine_options: Mapping[str, Any] = field(default_factory=_engine_options)
    """Options of SQLAlchemy's ``create_engine``."""
    database_table_names: Mapping[str, Any] | None = None
    """Names of the tables, for ``task`` and ``group``."""
    database_table_schemas: Mapping[str, Any] | None = None
    """Schemas of the tables, for ``task`` and ``group``."""

    accept_content: Sequence[str] = ("json",)
    """The serializers whose messages are read."""
    task_serializer: str = "json"
    """The serializer of tasks that say no other."""
    task_compression: str | None = None
    """The compression of tasks that say no other; None is off."""
    task_protocol: Literal[1, 2] = 2
    """The version of the message protocol; 1 is for workers older than Celery 4."""
    task_ignore_result: bool = False
    """Whether no results are stored, of tasks that do not say."""
    task_always_eager: Literal[False] = False
    """Only False: this client sends."""

    task_routes: Any = None
    """Where tasks go: see `satchel.calling.routing.Router`."""
    task_queues: Any = None
    """The queues: a list of ``kombu.Queue``, or a mapping of names to options of theirs. None: the default queue."""
    task_create_missing_queues: bool = True
    """Whether queues that are not among ``task_queues`` are created; otherwise their names are refused."""
    task_create_missing_queue_type: Literal["classic", "quorum"] = "classic"
    """The RabbitMQ type of those."""
    task_create_missing_queue_exchange_type: str | None = None
    """The type of the exchanges of those; None is direct."""
    task_default_queue: str = "celery"
    """The queue of tasks that are not routed."""
    task_default_queue_type: Literal["classic", "quorum"] = "classic"
    """The RabbitMQ type of that queue, where ``task_queues`` is not given."""
    task_default_exchange: str | None = None
    """The exchange of queues that name none; None is ``task_default_queue``."""
    task_default_exchange_type: str = "direct"
    """The type of that exchange."""
    task_default_routing_key: str | None = None
    """The routing key of queues that name none; None is ``task_default_queue``."""
    task_default_delivery_mode: Literal[1, 2, "transient", "persistent"] = 2
    """Whether brokers keep messages on disk; kept here as the number."""
    task_default_priority: int | None = None
    """The priority, 0 to 255, of tasks that say no other."""
    task_queue_max_priority: int | None = None
    """RabbitMQ's ``x-max-priority`` of queues that do not say."""
    task_publish_retry: bool = True
    """Whether to try again when a message was not sent."""
    task_publish_retry_policy: RetryPolicy | Mapping[str, Any] = field(default_factory=RetryPolicy)
    """How to try again; kept here as a RetryPolicy."""

    timezone: str | tzinfo | None = None
    """Where naive datetimes are: a tzinfo or a name; None is UTC. See `zone`."""
    enable_utc: bool = True
    """False needs `timezone`: the zone of this machine, which Celery takes then, is not the workers'."""

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            value = getattr(self, name)
            if value is not None or not kind.optional:
                checked = kind.check(name, value)
                if checked is not value:
                    object.__setattr__(self, name, checked)
        if not self.enable_utc and self.timezone is None:
            raise ValueError(
                "enable_utc=False needs timezone, such as 'Europe/Berlin': this machine's may not be the workers'"
            )

    def __repr__(self) -> str:
        """Show what is not the default, without passwords."""
        changed = (name for name in KINDS if getattr(self, name) != getattr(_defaults(), name))
        return f"Settings({', '.join(f'{name}={_masked(name, getattr(self, name))}' for name in changed)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Settings):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in KINDS)

    # Mappings are among the fields.
    __hash__: ClassVar[None]  # type: ignore[assignment]

    # A mapping that cannot be changed cannot be pickled either.
    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self, name) for name in KINDS}
        return _remade, ({name: _plain(value) for name, value in values.items()},)

    @property
    def publish_url(self) -> str | Sequence[str]:
        """The URL of the broker to send to: `broker_write_url`, or `broker_url`."""
        return self.broker_write_url if self.broker_write_url is not None else self.broker_url

    @property
    def zone(self) -> tzinfo:
        """The zone of naive datetimes."""
        return zone_of(self.timezone)

    @property
    def accepted_results(self) -> tuple[str, ...]:
        """Whose results are read: of `result_accept_content`, or of `accept_content` and `result_serializer`."""
        if self.result_accept_content is not None:
            return tuple(self.result_accept_content)
        return tuple(dict.fromkeys((*self.accept_content, self.result_serializer)))

    @property
    def result_lifetime(self) -> timedelta | None:
        """How long results are kept; None is for ever."""
        expires = self.result_expires
        return timedelta(seconds=expires) if isinstance(expires, (int, float)) else expires

    @classmethod
    def of(cls, *sources: Mapping[str, Any] | object | None, namespace: str | None = None, **keywords: Any) -> Settings:
        """Gather settings; later sources win, and keywords over all.

        Args:
            sources: mappings of names to values; `Settings`; other objects, such as modules, whose attributes are
                read; or None.
            namespace: ``"CELERY"`` where the sources are such that ``CELERY_TASK_SERIALIZER`` is their name of
                ``task_serializer``, as in Django's settings; everything else in them is not looked at then.
            keywords: further settings, under their own names.

        What concerns only workers, beat and events is left out, so that one configuration serves them as well.

        Raises:
            TypeError: a name is unknown, with the nearest that is known, or it is one of Celery 3's, with today's. Of
                an object's attributes, only those count that look like settings.
        """
        given: dict[str, Any] = {}
        if namespace is not None or any(source is not None for source in sources):
            from satchel.calling.settings.sources import named, prefix_of  # Many clients have keywords alone.

            prefix = prefix_of(namespace)
            for source in sources:
                if isinstance(source, Settings):
                    given.update({name: getattr(source, name) for name in KINDS})
                elif source is not None:
                    given.update(named(source, prefix))
        given.update(_known(keywords))
        return cls._made(given)

    @classmethod
    def _made(cls, given: dict[str, Any]) -> Settings:
        if not KINDS.keys() >= given.keys():
            from satchel.calling.settings.names import ADDRESS_PARTS, refuse_elsewhere

            if "broker_url" not in given and "broker_write_url" not in given:
                for name in sorted(ADDRESS_PARTS.intersection(given)):
                    if given[name] is not None:
                        cure = "give broker_url='amqp://user:password@host:port/vhost'"
                        raise TypeError(f"{name} alone is not read: {cure}")
            refuse_elsewhere(given)
        return cls(**{name: value for name, value in given.items() if name in KINDS})

    @classmethod
    def from_object(cls, source: object, *, namespace: str | None = None) -> Settings:
        """Read settings from an object or a mapping, or from the module with this dotted name; see `of`.

        Raises:
            ImportError: there is no such module.
        """
        if isinstance(source, str):
            from importlib import import_module

            source = import_module(source)
        return cls.of(source, namespace=namespace)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, *, prefix: str = "CELERY_") -> Settings:
        """Read settings from environment variables, such as ``CELERY_BROKER_URL``.

        Flags are words such as ``true`` or ``0``; durations are numbers of seconds; mappings are JSON; lists are JSON
        or names with commas between them; ``none`` is None where None is allowed. An empty variable is none at all.
        What Celery, its worker and its scripts read is left out. So is a variable with the prefix that is no
        setting's, with an `UnknownVariable` warning that names the nearest: it may be another program's.

        Args:
            environ: default ``os.environ``.
            prefix: what the variables begin with.

        Raises:
            ValueError: the text of one is not what its setting needs.
        """
        if not prefix:
            raise ValueError("prefix must not be empty: every variable would be a setting")

        from satchel.calling.settings.sources import UnknownVariable, from_variables

        def tell(text: str) -> None:
            warnings.warn(f"a variable is left out: {text}", UnknownVariable, stacklevel=4)

        given = from_variables(os.environ if environ is None else environ, prefix, tell)
        return cls._made(given)

    def changed(self, **changes: Any) -> Settings:
        """Give settings of which some are other ones. Errors are those of `of`."""
        from satchel.calling.settings.names import refuse_elsewhere

        refuse_elsewhere(changes)
        return replace(self, **{name: value for name, value in _known(changes).items() if name in KINDS})


def _known(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if KINDS.keys() >= given.keys():
        return given
    from satchel.calling.settings.sources import known

    return known(given)


@cache
def _defaults() -> Settings:
    return Settings()


def _remade(values: dict[str, Any]) -> Settings:
    return Settings(**values)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, MappingProxyType) else value


def _masked(name: str, value: Any) -> str:
    if isinstance(value, Mapping):  # TLS and transport options may have secrets in them.
        return "{" + ", ".join(f"{key!r}: ..." for key in value) + "}"
    return re.sub(_PASSWORD, r"\1***@", repr(value)) if name.endswith(("_url", "_backend")) else shown(value)
