"""The names of Celery's settings: those of this client are the fields of `Settings`; here are all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from satchel.calling.errors import did_you_mean, nearest

#: Of workers, beat, events, remote control, and of result stores that this client does not read.
_FOREIGN_AREAS: Final = (
    *("worker_", "beat_", "event_", "control_", "security_", "cache_", "cassandra_", "s3_", "azureblockblob_", "gcs_"),
    *("couchbase_", "arangodb_", "mongodb_", "cosmosdbsql_", "dynamodb_", "elasticsearch_"),
)

#: The same, in the areas that are partly this client's.
_FOREIGN: Final = frozenset(
    {
        *("imports", "include"),
        *("broker_read_url", "broker_heartbeat", "broker_heartbeat_checkrate", "broker_channel_error_retry"),
        *("broker_connection_retry", "broker_connection_retry_on_startup", "broker_connection_max_retries"),
        "broker_native_delayed_delivery_queue_type",
        *("result_backend_always_retry", "result_backend_max_retries", "result_backend_thread_safe"),
        *("result_backend_max_sleep_between_retries_ms", "result_backend_base_sleep_between_retries_ms"),
        *("result_cache_max", "result_chord_expires", "result_chord_join_timeout", "result_chord_retry_interval"),
        *("result_exchange", "result_exchange_type", "result_failure_expires", "result_persistent"),
        *("task_acks_late", "task_acks_on_failure", "task_acks_on_failure_or_timeout", "task_acks_on_timeout"),
        *("task_allow_error_cb_on_chord_header", "task_annotations", "task_default_rate_limit"),
        *("task_eager_propagates", "task_inherit_parent_priority", "task_reject_on_worker_lost"),
        *("task_remote_tracebacks", "task_repr_maxlevels", "task_retry_on_worker_lost", "task_send_sent_event"),
        *("task_soft_time_limit", "task_store_eager_result", "task_time_limit", "task_track_started"),
        "task_store_errors_even_if_ignored",
        # Of result stores: how their connections are kept, which is up to this client.
        *("redis_client_name", "redis_max_connections", "redis_socket_keepalive", "redis_retry_on_timeout"),
        *("redis_backend_health_check_interval", "database_short_lived_sessions", "database_create_tables_at_setup"),
    }
)

_IN_THE_URL: Final = "give it in the url: result_backend='rediss://user:password@host:port/db'"

#: What would be wrong to leave out, and what does it here instead.
_ELSEWHERE: Final = {
    **dict.fromkeys(("redis_host", "redis_port", "redis_db", "redis_username", "redis_password"), _IN_THE_URL),
    "redis_backend_use_ssl": f"{_IN_THE_URL}, with ?ssl_cert_reqs=required&ssl_ca_certs=…",
    "redis_backend_credential_provider": _IN_THE_URL,
    "database_url": "give it as result_backend='db+…'",
    "database_engine_callback": "use database_engine_options",
}

ADDRESS_PARTS: Final = frozenset(
    {"broker_transport", "broker_host", "broker_port", "broker_user", "broker_password", "broker_vhost"}
)
"""What older configurations give instead of ``broker_url``. Celery reads them; beside a URL they say nothing."""

#: Variables whose names look like settings' and that Celery, its worker or its scripts read.
_FOREIGN_VARIABLES: Final = frozenset(
    {
        *("APP", "APP_ARG", "APP_DIR", "BENCH", "BENCH_EVERY", "BIN", "CONFIG_MODULE", "CREATE_DIRS", "CREATE_LOGDIR"),
        *("CREATE_RUNDIR", "CUSTOM_WORKER_POOL", "LOADER", "LOG_FILE", "LOG_LEVEL", "LOG_REDIRECT"),
        *("LOG_REDIRECT_LEVEL", "RDB_HOST", "RDB_PORT", "SKIP_CHECKS", "TRACE_APP", "DEFAULT_NODES", "SU", "SU_ARGS"),
    }
)

#: Names of Celery 3 that no rule leads to today's.
_RENAMED: Final = {
    "CELERY_DISABLE_RATE_LIMITS": "worker_disable_rate_limits",
    "CELERY_EAGER_PROPAGATES_EXCEPTIONS": "task_eager_propagates",
    "CELERY_MAX_CACHED_RESULTS": "result_cache_max",
    "CELERY_MESSAGE_COMPRESSION": "task_compression",
    "CELERY_ENABLE_REMOTE_CONTROL": "worker_enable_remote_control",
    "CELERY_REDIRECT_STDOUTS": "worker_redirect_stdouts",
    "CELERY_REDIRECT_STDOUTS_LEVEL": "worker_redirect_stdouts_level",
    "CELERY_RESULT_DBURI": "database_url",
    "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS": "database_short_lived_sessions",
    "CELERY_RESULT_DB_TABLENAMES": "database_table_names",
    "CELERY_RESULT_ENGINE_OPTIONS": "database_engine_options",
    "CELERY_SEND_EVENTS": "worker_send_task_events",
    "CELERY_SEND_TASK_SENT_EVENT": "task_send_sent_event",
    "CELERY_TASK_RESULT_EXPIRES": "result_expires",
    "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
    "CELERYD_WORKER_LOST_WAIT": "worker_lost_wait",
}

_PARTLY_OURS: Final = ("accept_", "broker_", "database_", "redis_", "result_", "task_")


def foreign(name: str) -> bool:
    """Say whether Celery has a setting of that name which does not concern this client."""
    return name in _FOREIGN or name in _ELSEWHERE or name in ADDRESS_PARTS or name.startswith(_FOREIGN_AREAS)


def refuse_elsewhere(given: Mapping[str, object]) -> None:
    """Refuse settings of result stores that this client does not read, and that must not be left out.

    Raises:
        ValueError: there is one; with what does it here.
    """
    for name in sorted(_ELSEWHERE.keys() & given.keys()):
        if given[name] not in (None, False, ""):
            raise ValueError(f"{name} is not read here: {_ELSEWHERE[name]}")


def foreign_variable(name: str) -> bool:
    """Say whether Celery or its worker reads an environment variable of that name, given without its ``CELERY_``."""
    return name in _FOREIGN_VARIABLES


def todays_name(name: str, ours: Collection[str]) -> str | None:
    """Give today's name of a setting that has one of Celery 3's, upper-case names; None where it is not one."""
    if name in _RENAMED:
        return _RENAMED[name]
    if not name.isupper():
        return None
    lower = name.lower()
    for prefix, area in (("celeryd_", "worker_"), ("celerybeat_", "beat_"), ("celery_", ""), ("celery_", "task_")):
        if lower.startswith(prefix):
            lower_today = area + lower[len(prefix) :]
            if lower_today in ours or foreign(lower_today):
                return lower_today
    return lower if lower in ours or foreign(lower) else None


def looks_like_ours(name: str) -> bool:
    """Say whether a name that is no setting's begins like one: in a module it may be a typing error, or its own."""
    return name.startswith(_PARTLY_OURS)


def unknown(name: object, ours: Collection[str], *, shown: str | None = None, prefix: str = "") -> TypeError:
    """Make the error for a name that is no setting's.

    Args:
        name: as settings are called.
        ours: the names of this client's settings.
        shown: the name as it was given; default `name`.
        prefix: what names have in front there; they are upper-case then.
    """
    given = name if shown is None else shown
    if isinstance(name, str):
        today = todays_name(f"{prefix}{name}".upper() if prefix else name, ours)
        if today is not None:
            cure = f"{prefix}{today.upper()}" if prefix else today
            more = "" if prefix or not name.startswith("CELERY_") else ", or give namespace='CELERY'"
            return TypeError(f"{given!r} is a name of Celery 3; the setting is {cure!r} now{more}")
    if not prefix:
        return TypeError(f"unknown setting {given!r}; {did_you_mean(given, ours)}")
    near = nearest(name, ours)  # Without the prefix, in which all are alike.
    hint = f"did you mean {prefix + near.upper()!r}?" if near else "no setting has a name like it"
    return TypeError(f"unknown setting {given!r}; {hint}")
