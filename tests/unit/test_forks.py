"""What works in a process that was forked while another thread of its parent held a lock."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from satchel import Zstd, default_registry, register_serializer
from satchel.calling import App
from satchel.calling.routing.queues import Queues
from satchel.codecs import zstd_dictionaries
from satchel.forking import ProcessLock
from satchel.registry import process
from tests.unit.dictionaries import trained

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on POSIX alone"),
    # What Python 3.12 and later say of a fork with threads is what this is about.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@contextmanager
def held(lock: ProcessLock) -> Generator[None]:
    """Let another thread hold a lock."""
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock.here():
            holding.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


def status_of(act: Callable[[], bool]) -> int | None:
    """Fork, and give the child's exit status: 0 where `act` is true there; None where it does not end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if act() else 2
        finally:
            os._exit(status)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def configures(app: App) -> bool:
    app.configure(task_default_queue="child")
    return app.settings.task_default_queue == "child"


def closes(app: App) -> bool:
    app.close()
    return True


ACTS: dict[str, Callable[[App], bool]] = {
    "configure": configures,
    "pool": lambda app: app.pool.acquire(block=False).link is not None,
    "backend": lambda app: app.backend is not None,
    "task": lambda app: app.task(name="shop.new")(len).name == "shop.new",
    "hook": lambda app: app.before_publish(print) is print,
    "send": lambda app: bool(app.send_task("shop.add", (1, 2)).id),
    "close": closes,
}


@pytest.mark.parametrize("act", ACTS)
def test_a_child_does_not_wait_for_a_thread_that_it_has_not(act: str) -> None:
    app = App("a", broker="memory://")
    with held(app._lock):
        status = status_of(lambda: ACTS[act](app))

    assert status == 0


def test_a_child_finds_queues_of_its_own() -> None:
    queues = Queues(App("a", broker="memory://").settings)
    with held(queues._lock):
        status = status_of(lambda: queues.get("some").name == "some")

    assert status == 0


def test_a_child_registers_codecs() -> None:
    def act() -> bool:
        register_serializer("childs", str, str, "application/x-childs")
        return "childs" in default_registry().serializers

    with held(process._lock):
        status = status_of(act)

    assert status == 0


def test_a_child_digests_dictionaries() -> None:
    data = trained(70_301)
    with held(zstd_dictionaries._lock):
        status = status_of(lambda: len(Zstd(dictionary=data).compress(b"a" * 200)) < 200)

    assert status == 0


def test_a_child_of_a_thread_that_holds_the_lock_gives_its_own_back() -> None:
    lock = ProcessLock()

    def act() -> bool:
        with lock.here(), lock.here():
            return True

    with lock.here():
        status = status_of(act)

    assert status == 0
    with held(lock):
        pass


def test_a_child_of_a_half_done_change_sends_by_the_settings_that_it_has() -> None:
    class Watched(App):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if watching:
                statuses.append(status_of(lambda: self.sender.preparer.settings is self.settings))

    watching = False
    statuses: list[int | None] = []
    app = Watched("a", broker="memory://", backend="rpc://")
    _ = app.sender
    watching = True
    app.configure(broker_url="memory://other", task_default_queue="other")

    assert len(statuses) > 3
    assert set(statuses) == {0}


def test_a_lock_is_one_for_all_threads_of_a_process() -> None:
    lock, locks = ProcessLock(), list[Any]()
    threads = [threading.Thread(target=lambda: locks.append(lock.here())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(each) for each in [*locks, lock.here()]}) == 1
