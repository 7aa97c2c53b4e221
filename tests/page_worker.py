"""A stock Celery worker for the examples of a page: it runs the application of a module in the page's directory.

It knows nothing of Satchel, and ends when its standard input does, so that none outlives the tests, however they ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

PATIENCE: Final = 60.0  # Seconds. Only a failure takes as long.
READY: Final = Path("worker.ready")
LOG: Final = Path("worker.log")
SEEN: Final = "states.seen."
"""What the name of a file begins with that says how many states of tasks the page has seen."""


class PageWorker:
    """A worker in the current directory, whose module ``worker`` has the application."""

    def __init__(self, *options: str) -> None:
        self._seen: set[str] = set()
        Path(f"{SEEN}0").touch()
        with LOG.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, *options], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> None:
        """Wait until it takes messages."""
        end = time.monotonic() + PATIENCE
        while not READY.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the worker is not there; it said:\n{LOG.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)

    def seen(self, state: object) -> None:
        """Let a task go on that sleeps until the page has seen its state."""
        self._seen.add(repr(state))
        Path(f"{SEEN}{len(self._seen)}").touch()

    def seeing(self, look: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Give a function that looks at a state, and says that it was seen."""

        def told(state: Any) -> Any:
            value = look(state)
            self.seen(state)
            return value

        return told

    def end(self) -> None:
        """End it at once."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _end_with_the_page() -> None:
    os.read(0, 1)
    os._exit(0)


def _stepwise() -> SimpleNamespace:
    """Give what stands for the module ``time`` of tasks that tell how far they are: no state passes unseen."""
    told = count()

    def sleep(seconds: float) -> None:
        file, end = Path(f"{SEEN}{next(told)}"), time.monotonic() + PATIENCE
        time.sleep(seconds)
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.01)

    return SimpleNamespace(sleep=sleep)


def main(options: list[str]) -> None:
    """Run the worker."""
    threading.Thread(target=_end_with_the_page, daemon=True).start()
    sys.path[0] = os.getcwd()  # Instead of this file's directory.
    signals: Any = import_module("celery.signals")
    transport: Any = import_module("kombu.transport.sqlalchemy")
    transport.Transport.polling_interval = 0.02  # Seconds; it has no option for it.

    def announce(**_: Any) -> None:
        READY.touch()

    signals.worker_ready.connect(announce)
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")
    module: Any = import_module("worker")
    module.time = _stepwise()
    module.app.worker_main(["worker", "--pool=solo", *quiet, *options])


if __name__ == "__main__":
    main(sys.argv[1:])
