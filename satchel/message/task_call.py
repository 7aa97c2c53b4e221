"""A task call, as it was read from a message."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from satchel.message.reprs import bounded_repr
from satchel.message.times import UTC, in_zone, shown
from satchel.records import NamedTuple


class TaskCall(NamedTuple):
    """What a task message says, in the shape of protocol 2 whichever protocol it came in.

    Attributes:
        task: the task's name.
        id: the task's id.
        args: positional arguments, as they were decoded: a list, or a tuple where the serializer keeps those.
        kwargs: keyword arguments.
        embed: the signatures of what follows: ``callbacks``, ``errbacks``, ``chain`` (last task first), ``chord``.
        eta: the earliest time to run, aware, or None.
        expires: the latest time to run, aware, or None.
        headers: the message's headers; of protocol 1, with what its body says put under the names of protocol 2.
            Only task, id, eta and expires were checked.
        properties: the message's properties, unchecked.
        protocol: 2, or 1 when everything was in the body. The hybrid form, which has both, is 2.
    """

    task: str
    id: str
    args: list[Any] | tuple[Any, ...]
    kwargs: dict[str, Any]
    embed: dict[str, Any]
    eta: datetime | None
    expires: datetime | None
    headers: dict[str, Any]
    properties: dict[str, Any]
    protocol: Literal[1, 2]

    def status(self, now: datetime | None = None) -> Literal["due", "not yet", "expired"]:
        """Tell whether a worker would run the task at `now`, revoke it as expired, or wait for its eta.

        Args:
            now: default the present. Naive ones are taken in UTC.

        Raises:
            TypeError: `now` is not a datetime.
        """
        if now is not None and not isinstance(now, datetime):
            raise TypeError(f"now must be a datetime, got {shown(now)}")
        if self.eta is None and self.expires is None:
            return "due"
        moment = datetime.now(UTC) if now is None else in_zone(now, UTC)
        # Workers look at the expiry first, and still run a task at that very moment.
        if self.expires is not None and moment > self.expires:
            return "expired"
        return "not yet" if self.eta is not None and moment < self.eta else "due"

    def __repr__(self) -> str:
        args, kwargs = bounded_repr(self.args, max_length=80), bounded_repr(self.kwargs, max_length=80)
        return f"<TaskCall {self.task}[{self.id}]: args={args} kwargs={kwargs}>"
