"""No result backend: calls are sent, and their results are nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from satchel.calling.results.errors import BackendError

if TYPE_CHECKING:
    from satchel.calling.results.record import Record


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
        raise BackendError(
            "there is no result backend",
            cure="set the one that the workers have: App(…, backend='redis://…'), or the setting result_backend",
            lasting=True,
        )
