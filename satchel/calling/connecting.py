"""What settings say of connections: to the broker, and to the result backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from satchel.calling.broker.link import PATIENCE, Link, open_link
from satchel.calling.broker.transports import OVER_AMQP, OVER_REDIS, new_connection, scheme
from satchel.calling.results.nowhere import NoBackend
from satchel.calling.settings import Settings
from satchel.calling.settings.kinds import seconds
from satchel.types import Limits

if TYPE_CHECKING:
    from satchel.calling.results import Backend
    from satchel.calling.results.exceptions import ExceptionTable

#: Seconds that Redis may take for a result, where the settings do not say: Celery's two minutes are long for a caller.
_ANSWER_TIMEOUT = 10.0


def link_to(settings: Settings) -> Link:
    """Make a link to the broker of the settings; nothing is connected yet."""
    return open_link(
        _connection(settings),
        confirm=settings.broker_transport_options.get("confirm_publish", True),
        patience=seconds("confirm_timeout", settings.broker_transport_options.get("confirm_timeout", PATIENCE)),
    )


def _connection(settings: Settings) -> Any:
    url = settings.publish_url
    options = dict(settings.broker_transport_options)
    options.pop("confirm_timeout", None)
    # Confirmed by the link, which can wait for many at once.
    options.pop("confirm_publish", None)
    # A server that does not answer is to be an error; these transports would wait for ever.
    if scheme(url) in OVER_REDIS:
        options.setdefault("socket_timeout", PATIENCE)
    elif scheme(url) in OVER_AMQP:
        options.setdefault("write_timeout", PATIENCE)
    return new_connection(
        url,
        options,
        setting="broker_url" if settings.broker_write_url is None else "broker_write_url",
        connect_timeout=settings.broker_connection_timeout,
        ssl=settings.broker_use_ssl,
        login_method=settings.broker_login_method,
        failover_strategy=settings.broker_failover_strategy,
    )


def backend_of(settings: Settings, exceptions: ExceptionTable | None, limits: Limits) -> Backend:
    """Make the result backend of the settings; nothing is connected yet.

    Raises:
        ValueError: there is none for its url.
    """
    if settings.result_backend is None:
        return NoBackend()
    from satchel.calling.results.backends.choosing import backend_for  # Whoever only sends reads none.

    return backend_for(
        settings.result_backend,
        serializer=settings.result_serializer,
        accept=settings.accepted_results,
        limits=limits,
        exceptions=exceptions or (),
        transport_options=settings.result_backend_transport_options,
        expires=settings.result_lifetime,
        socket_timeout=settings.redis_socket_timeout or _ANSWER_TIMEOUT,
        connect_timeout=settings.redis_socket_connect_timeout or settings.broker_connection_timeout,
        table_names=settings.database_table_names,
        table_schemas=settings.database_table_schemas,
        engine_options=settings.database_engine_options,
        connect=lambda: _connection(settings),
    )
