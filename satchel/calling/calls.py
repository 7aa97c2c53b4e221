"""A call on its way: what is called and how, what hooks see of it, and what is ready to be published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from satchel.calling.broker.link import Parcel
from satchel.calling.options import Publishing
from satchel.calling.retrying import RetryPolicy
from satchel.named import NamedTuple


class Defaults(NamedTuple):
    """What a task says of itself; None leaves it to the settings."""

    serializer: str | None = None
    compression: str | None = None
    ignore_result: bool | None = None
    queue: Any = None
    options: Mapping[str, Any] = {}
    elsewhere: bool = False
    """The task's code is not here, and what it says of itself is not known."""


OWN: Final = ("serializer", "compression", "ignore_result")
"""The options of messages that are fields of `Defaults`."""

NO_DEFAULTS = Defaults()
ELSEWHERE = Defaults(elsewhere=True)


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
