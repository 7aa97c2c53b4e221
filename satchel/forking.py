"""Locks that a fork leaves behind: a thread that the forked process has not may hold its parent's for ever."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class ProcessLock:
    """A reentrant lock for the threads of one process: ``with lock.here():``. A forked process has its own."""

    def __init__(self) -> None:
        # By process, and not made anew by os.register_at_fork: a fork in C does not call that.
        self._locks: dict[int, AbstractContextManager[bool]] = {}

    def here(self) -> AbstractContextManager[bool]:
        """Give the lock of this process."""
        process = os.getpid()
        lock = self._locks.get(process)
        return lock if lock is not None else self._locks.setdefault(process, threading.RLock())
