"""Where results are, as the settings say; with no result backend, nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from satchel.calling.broker.transports import connection_of

if TYPE_CHECKING:
    from satchel.calling.results.backends.base import Backend
    from satchel.calling.results.exceptions import ExceptionTable
    from satchel.calling.results.record import Record
    from satchel.calling.settings import Settings
    from satchel.types import Limits

#: Seconds that Redis may take for a result, where the settings do not say: Celery's two minutes are long for a caller.
_ANSWER_TIMEOUT = 10.0


class NoBackend:
    """What stands where no result backend is set; to ask it is an error that says so."""

    reply_to: str | None = None

    def prepare(self, channel: Any) -> None:
        """Do nothing: no results are expected."""

    def fetch(self, task_id: str) -> Record:
        """See `_refuse`."""
        self._refuse()

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """See `_refuse`."""
        self._refuse()

    def forget(self, task_id: str) -> None:
        """See `_refuse`."""
        self._refuse()

    def save_group(self, group_id: str, group: Any) -> None:
        """See `_refuse`."""
        self._refuse()

    def fetch_group(self, group_id: str) -> Any | None:
        """See `_refuse`."""
        self._refuse()

    def delete_group(self, group_id: str) -> None:
        """See `_refuse`."""
        self._refuse()

    def close(self) -> None:
        """Do nothing."""

    def _refuse(self) -> NoReturn:
        from satchel.calling.results.errors import BackendError  # Who only sends is spared it.

        raise BackendError(
            "there is no result backend",
            cure="set the one that the workers have: App(…, backend='redis://…'), or the setting result_backend",
            lasting=True,
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
        connect=lambda: connection_of(settings),
    )
