"""The pool of connections to the broker: its limit, its waits, its leases, and what failures leave behind."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from satchel.calling import App, OperationalError, PoolTimeout
from satchel.calling.broker.link import Parcel
from satchel.calling.broker.pool import Pool

kombu: Any = import_module("kombu")  # Its names are not exported as type checkers want it.


class FakeLink:
    """Remembers what was done with it."""

    made: int = 0

    def __init__(self) -> None:
        self.closed = 0
        self.is_stale = False

    def publish(self, parcel: Parcel, /) -> None:
        raise NotImplementedError

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        raise NotImplementedError

    def stale(self) -> bool:
        return self.is_stale

    def next_broker(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


class Factory:
    def __init__(self) -> None:
        self.links: list[FakeLink] = []

    def __call__(self) -> FakeLink:
        self.links.append(FakeLink())
        return self.links[-1]


def test_no_more_than_the_limit_are_held_at_a_time() -> None:
    new = Factory()
    pool = Pool(new, 3)
    held: list[int] = []
    now = 0
    lock = threading.Lock()

    def use() -> None:
        nonlocal now
        for _ in range(50):
            with pool.acquire():
                with lock:
                    now += 1
                    held.append(now)
                time.sleep(0)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=use) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(held) == 600
    assert max(held) <= 3
    assert len(new.links) <= 3


def test_one_link_is_one_holders_at_a_time() -> None:
    pool = Pool(Factory(), 2)

    with pool.acquire() as one, pool.acquire() as other:
        assert one.link is not other.link


def test_a_connection_is_kept_for_the_next() -> None:
    new = Factory()
    pool = Pool(new, 2)

    for _ in range(5):
        with pool.acquire():
            pass

    assert [link.closed for link in new.links] == [0]


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_each_has_a_connection_that_is_closed_behind_it(limit: int | None) -> None:
    new = Factory()
    pool = Pool(new, limit)

    with pool.acquire(timeout=0), pool.acquire(block=False), pool.acquire():
        assert [link.closed for link in new.links] == [0, 0, 0]

    assert [link.closed for link in new.links] == [1, 1, 1]


@pytest.mark.parametrize("how", [{"timeout": 0.01}, {"timeout": 0}, {"block": False}, {"block": False, "timeout": 60}])
def test_a_full_pool_is_an_error_in_time(how: dict[str, float]) -> None:
    pool = Pool(Factory(), 1)

    with pool.acquire(), pytest.raises(PoolTimeout, match="all 1 connections"):
        pool.acquire(**how)  # type: ignore[arg-type]

    pool.acquire(block=False).release()


def test_a_wait_ends_when_a_connection_becomes_free() -> None:
    pool = Pool(Factory(), 1)
    lease = pool.acquire()
    thread = threading.Timer(0.05, lease.release)
    thread.start()

    with pool.acquire(timeout=60):
        thread.join()


def test_a_second_release_does_nothing() -> None:
    pool = Pool(Factory(), 1)
    lease = pool.acquire()

    lease.release()
    lease.release()

    with pool.acquire(block=False), pytest.raises(PoolTimeout):
        pool.acquire(block=False)


def test_a_lease_that_was_released_is_an_error() -> None:
    lease = Pool(Factory(), 1).acquire()
    lease.release()

    with pytest.raises(ValueError, match="released"):
        _ = lease.link


def test_an_error_in_the_block_gives_the_connection_back() -> None:
    pool = Pool(Factory(), 1)

    with pytest.raises(ZeroDivisionError), pool.acquire():
        raise ZeroDivisionError

    pool.acquire(block=False).release()


def test_a_connection_that_cannot_be_made_takes_no_place() -> None:
    def new() -> FakeLink:
        raise LookupError

    pool = Pool(new, 2)

    for _ in range(5):
        with pytest.raises(LookupError):
            pool.acquire(block=False)


def test_a_broker_of_an_unknown_kind_is_the_same_error_each_time() -> None:
    task = App("a", broker="nosuch://", broker_pool_limit=2).remote("shop.pay")
    errors: list[BaseException] = []

    for _ in range(4):
        with pytest.raises(Exception, match="nosuch") as caught:
            task.apply_async((1,), timeout=0.01)
        errors.append(caught.value)

    assert len({type(error) for error in errors}) == 1


def test_a_stale_connection_is_closed_before_it_is_handed_out() -> None:
    new = Factory()
    pool = Pool(new, 1)
    pool.acquire().release()
    new.links[0].is_stale = True

    pool.acquire()

    assert [link.closed for link in new.links] == [1]


def test_close_closes_what_nobody_uses_and_the_pool_goes_on() -> None:
    new = Factory()
    pool = Pool(new, 2)
    held = pool.acquire()
    pool.acquire().release()

    pool.close()
    closed = [link.closed for link in new.links]
    held.release()

    assert closed == [0, 1]
    with pool.acquire(block=False), pool.acquire(block=False):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on POSIX alone")
def test_a_forked_child_has_a_pool_of_its_own() -> None:
    new = Factory()
    pool = Pool(new, 2)
    held = pool.acquire()
    pool.acquire().release()

    child = os.fork()
    if child == 0:
        status = 1
        try:
            with pool.acquire(block=False) as one, pool.acquire(block=False) as two:
                mine = one.link not in new.links[:2] and two.link not in new.links[:2]
            held.release()
            with pool.acquire(block=False), pool.acquire(block=False):
                try:
                    pool.acquire(block=False)
                except PoolTimeout:
                    status = 0 if mine else 2
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    held.release()

    assert status == 0
    with pool.acquire(block=False) as one, pool.acquire(block=False) as two:
        assert {id(one.link), id(two.link)} == {id(link) for link in new.links}


def test_threads_that_are_the_first_in_a_forked_child_get_no_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, seen, taken = Pool(FakeLink, 1), threading.Event(), threading.Event()
    other, late, refused = os.getpid() + 1, threading.Thread(target=lambda: take_late()), list[PoolTimeout]()

    def getpid() -> int:
        if threading.current_thread() is late and not seen.is_set():
            seen.set()
            taken.wait(30)
        return other

    def take_late() -> None:
        try:
            pool.take(block=False)
        except PoolTimeout as error:
            refused.append(error)

    monkeypatch.setattr("satchel.calling.broker.pool.os.getpid", getpid)
    late.start()
    seen.wait(30)
    with pool.acquire(block=False):
        taken.set()
        late.join()

    assert len(refused) == 1


def test_a_connection_of_the_applications_own_is_not_kept() -> None:
    task = App("a", broker="memory://").remote("shop.pay")
    connection = kombu.Connection("memory://")
    task.apply_async((1,), connection=connection)
    known = weakref.ref(connection)

    connection.release()
    del connection
    gc.collect()

    assert known() is None
