"""A pool of connections to the broker, each leased to one thread at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from satchel.calling.errors import PoolTimeout
from satchel.forking import ProcessLock

if TYPE_CHECKING:
    from types import TracebackType

    from satchel.calling.broker.base import Link


class Pool:
    """Connections that are kept for the next caller. Safe to share between threads, and after a fork.

    Args:
        new: makes a link, which connects when it is first used.
        limit: how many there are at the most; None or 0 makes one for each call, which is closed behind it.
    """

    def __init__(self, new: Callable[[], Link], limit: int | None) -> None:
        self._new = new
        self.limit: int | None = limit or None
        self._forked = ProcessLock()
        self._reset()

    def _reset(self) -> None:
        self._idle: list[Link] = []
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(self.limit or 0):
            self._permits.put(None)
        self._pid = os.getpid()  # At last: who sees it takes no more of what was before.

    def take(self, timeout: float | None = None, *, block: bool = True) -> Link:
        """Take a link out; see `acquire`. It must be given back."""
        if self._pid != os.getpid():
            self._leave_to_the_parent()
        if self.limit is None:
            return self._new()
        try:
            self._permits.get(False)
        except Empty:
            self._wait(block, timeout)
        try:
            try:
                link = self._idle.pop()
            except IndexError:
                return self._new()
            if link.stale():
                link.close()
        except BaseException:
            self._permits.put(None)
            raise
        return link

    def _leave_to_the_parent(self) -> None:
        inherited: list[Link] = []
        with self._forked.here():
            if self._pid != os.getpid():  # Another thread may have come first.
                inherited = self._idle
                self._reset()
        for link in inherited:
            link.close()  # It knows whose it is.

    def _wait(self, block: bool, timeout: float | None) -> None:
        try:
            self._permits.get(block, timeout)
        except Empty:
            waited = f"within {timeout:g} s" if block and timeout is not None else "at once"
            raise PoolTimeout(
                f"all {self.limit} connections of the pool are in use, and none became free {waited}",
                cure="raise broker_pool_limit, or the timeout",
                delivered=False,
            ) from None

    def give_back(self, link: Link) -> None:
        """Put a link back; its next user connects anew if it has failed."""
        if self.limit is None:
            link.close()
        else:
            self._idle.append(link)
            self._permits.put(None)

    def acquire(self, block: bool = True, timeout: float | None = None) -> Lease:
        """Lease a connection: ``with app.pool.acquire() as connection``.

        Args:
            block: wait for one to become free; otherwise fail at once.
            timeout: seconds to wait; None waits for as long as it takes.

        Raises:
            PoolTimeout: none became free.
        """
        return Lease(self, self.take(timeout, block=block))

    def close(self) -> None:
        """Close the connections that nobody uses. The pool goes on working."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return


class Lease:
    """A connection that is the holder's alone until it is released."""

    def __init__(self, pool: Pool, link: Link) -> None:
        self._pool = pool
        self._link: Link | None = link
        self._pid = os.getpid()

    @property
    def link(self) -> Link:
        """The connection.

        Raises:
            ValueError: it was released.
        """
        if self._link is None:
            raise ValueError("this connection was released: acquire another one")
        return self._link

    def release(self) -> None:
        """Give it back to the pool; once more does nothing."""
        link, self._link = self._link, None
        if link is None:
            return
        if self._pid != os.getpid():
            link.close()  # Not of this process, nor was its permit.
        else:
            self._pool.give_back(link)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
