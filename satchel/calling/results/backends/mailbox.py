"""Replies that have arrived, by task: those of many threads, and those that nobody has asked for yet."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from satchel.records import NamedTuple

MOST_TASKS: Final = 10_000
MOST_BYTES: Final = 64 * 1024 * 1024
MOST_STATES: Final = 200
"""Of one task; the oldest go first."""


class Reply(NamedTuple):
    """A message of a worker, undecoded.

    Attributes:
        body: as it was sent.
        form: content type and content encoding.
        compression: the header of that name.
        again: the broker says that it may have been delivered before.
    """

    body: bytes
    form: tuple[Any, Any]
    compression: Any = None
    again: bool = False


class _Box:
    """What has arrived for one task, how many states before that were dropped, and whether its end was seen."""

    __slots__ = ("dropped", "ended", "replies", "size")

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.dropped = 0
        self.ended = False
        self.size = 0


class Mailbox:
    """Keeps replies within bounds: when there are too many, those of the task that was heard of longest ago go.

    Tasks that somebody waits for are kept whatever happens. Not to be shared by threads without a lock.
    """

    def __init__(self) -> None:
        self._boxes: OrderedDict[str, _Box] = OrderedDict()
        self._waiting: dict[str, int] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._boxes)

    def put(self, task_id: str, reply: Reply) -> None:
        """Keep a reply, unless it is one that was delivered twice, or comes behind an end that was seen."""
        box = self._boxes.setdefault(task_id, _Box())
        if box.ended or (reply.again and any(reply.body == known.body for known in box.replies)):
            return
        self._boxes.move_to_end(task_id)
        box.replies.append(reply)
        self._grow(box, len(reply.body))
        if len(box.replies) > MOST_STATES:
            self._grow(box, -len(box.replies.pop(0).body))
            box.dropped += 1
        self._shrink()

    def after(self, task_id: str, seen: int) -> tuple[list[Reply], int]:
        """Give the replies for a task after the first `seen`, and how many there have been in all."""
        box = self._boxes.get(task_id)
        if box is None:
            return [], seen
        return box.replies[max(seen - box.dropped, 0) :], box.dropped + len(box.replies)

    def last(self, task_id: str) -> Reply | None:
        """Give the newest reply for a task."""
        box = self._boxes.get(task_id)
        return box.replies[-1] if box is not None and box.replies else None

    def settle(self, task_id: str, end: Reply) -> None:
        """Note that a task's end was seen: only that is kept, and goes before what nobody has seen yet."""
        box = self._boxes.get(task_id)
        if box is None or box.ended:
            return
        box.dropped += len(box.replies) - 1
        self._grow(box, len(end.body) - box.size)
        box.replies[:] = [end]
        box.ended = True
        self._boxes.move_to_end(task_id, last=False)

    def wait(self, task_id: str, more: int) -> None:
        """Note that one more waits for a task, or (-1) one less."""
        count = self._waiting.get(task_id, 0) + more
        if count > 0:
            self._waiting[task_id] = count
        else:
            self._waiting.pop(task_id, None)

    def drop(self, task_id: str) -> None:
        """Forget a task."""
        box = self._boxes.pop(task_id, None)
        if box is not None:
            self._size -= box.size

    def _grow(self, box: _Box, size: int) -> None:
        box.size += size
        self._size += size

    def _shrink(self) -> None:
        if len(self._boxes) <= MOST_TASKS and self._size <= MOST_BYTES:
            return
        for task_id in list(self._boxes):
            if len(self._boxes) <= MOST_TASKS and self._size <= MOST_BYTES:
                return
            if task_id not in self._waiting:
                self.drop(task_id)
