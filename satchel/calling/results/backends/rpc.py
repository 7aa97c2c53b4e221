"""Results as replies through the broker, by kombu: one queue for a process, shared by all its threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, NoReturn

from satchel.calling.results.backends.inbox import WAIT, Inbox
from satchel.calling.results.backends.mailbox import Reply
from satchel.calling.results.errors import BackendError
from satchel.calling.results.reading import ResultReader
from satchel.calling.results.record import PENDING, Record
from satchel.calling.results.waiting import Outage, give_up, remaining
from satchel.errors import DecodeError

_FEWEST_SECONDS: Final = 60.0
_DAY: Final = 86_400.0


class RpcBackend:
    """See `Backend`. Whoever waits receives for all; a process that was forked has a queue of its own.

    What nobody has asked for is kept for later, within bounds (`mailbox`). A reply comes to the process that sent the
    task, and to no other: an id alone finds nothing elsewhere.

    Args:
        connect: gives a new kombu connection to the broker.
        reader: decodes replies.
        expires: seconds after which the broker deletes a queue that no process uses; None is a day.
    """

    def __init__(self, connect: Callable[[], Any], reader: ResultReader, *, expires: float | None = _DAY) -> None:
        self._connect = connect
        self._reader = reader
        self._expires = max(_DAY if expires is None else expires, _FEWEST_SECONDS)
        # By process. Those of a parent stay as they are: to close their sockets would close the parent's.
        self._inboxes: dict[int, Inbox] = {}

    def __repr__(self) -> str:
        return "RpcBackend()"

    @property
    def _inbox(self) -> Inbox:
        process = os.getpid()
        inbox = self._inboxes.get(process)
        if inbox is None:
            inbox = self._inboxes.setdefault(process, Inbox(self._connect, self._expires))
        return inbox

    @property
    def reply_to(self) -> str | None:
        """The name of this process's queue for replies."""
        return self._inbox.queue

    def prepare(self, channel: Any) -> None:
        """Declare the queue on the channel of a connection that has not declared it yet."""
        self._inbox.declare(channel)

    def fetch(self, task_id: str) -> Record:
        """See `Backend.fetch`. Gives the newest state that has arrived, after receiving what is there."""
        inbox = self._inbox
        reply = inbox.last(task_id)
        if reply is None or not self._ends(reply):
            inbox.receive(0)
            reply = inbox.last(task_id)
        record = PENDING if reply is None else self._record(reply)
        if record.ready and reply is not None:
            inbox.settle(task_id, reply)
        return record

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """See `Backend.watch`. A reply that is refused is the state until a newer one has come, as it is in stores."""
        inbox, outage, seen = self._inbox, Outage(deadline), 0
        with inbox.waited_for(task_id):
            while True:
                replies, seen = inbox.after(task_id, seen)
                for reply in replies:
                    try:
                        record = self._record(reply)
                    except DecodeError:
                        if _is_last(inbox, task_id, reply):
                            raise
                        continue
                    if record.ready:
                        inbox.settle(task_id, reply)
                    yield record
                    if record.ready:
                        return
                try:
                    inbox.await_news(task_id, seen, remaining(deadline, WAIT))
                    outage.over()
                except BackendError as error:
                    outage.wait(error)
                    continue
                if not remaining(deadline, WAIT) and not inbox.after(task_id, seen)[0]:
                    give_up(task_id)

    def forget(self, task_id: str) -> None:
        """See `Backend.forget`."""
        self._inbox.drop(task_id)

    def save_group(self, group_id: str, group: Any) -> NoReturn:
        """Refuse."""
        raise _no_groups()

    def fetch_group(self, group_id: str) -> NoReturn:
        """Refuse."""
        raise _no_groups()

    def delete_group(self, group_id: str) -> NoReturn:
        """Refuse."""
        raise _no_groups()

    def close(self) -> None:
        """Close the connection and delete the queue: replies that are still under way are lost."""
        inbox = self._inboxes.pop(os.getpid(), None)
        if inbox is not None:
            inbox.close()

    def _ends(self, reply: Reply) -> bool:
        try:
            return self._record(reply).ready
        except DecodeError:
            return False  # A good one may have come after it.

    def _record(self, reply: Reply) -> Record:
        return self._reader.record(self._reader.decode(reply.body, reply.form, reply.compression))


def _is_last(inbox: Inbox, task_id: str, reply: Reply) -> bool:
    """Say whether it is the newest reply for the task, after receiving what is there: what is newer goes over it."""
    if inbox.last(task_id) is reply:
        with suppress(BackendError):  # What has arrived counts all the same.
            inbox.receive(0)
    return inbox.last(task_id) is reply


def _no_groups() -> BackendError:
    return BackendError(
        "the result backend rpc:// stores no groups",
        cure="keep the GroupResult itself; or use Redis, files or a database as result_backend",
        lasting=True,
    )
