"""The peers that tests of interoperability share: one worker process, and one client, per transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import NoReturn

import pytest

from tests.interop.faulty import place, sleeps  # noqa: F401 - fixtures
from tests.interop.grid_run import GridRun
from tests.interop.transports import missing
from tests.interop.workers import Peer, Worker

Unavailable = Callable[[str], NoReturn]


@pytest.fixture(scope="session")
def grid_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], GridRun]]:
    with ExitStack() as stack:

        @cache
        def run(transport: str) -> GridRun:
            worker = Worker(transport, tmp_path_factory.mktemp(f"worker-{transport}"))
            stack.callback(worker.close)
            grid = GridRun(worker)
            grid.send()
            stack.enter_context(worker.running())
            grid.collect()
            return grid

        yield run


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, int], Peer]]:
    with ExitStack() as stack:

        @cache
        def client(transport: str, protocol: int) -> Peer:
            folder = tmp_path_factory.mktemp(f"client-{transport}")
            peer = Peer(transport, folder, task_protocol=protocol)
            stack.callback(peer.close)
            return peer

        yield client


@pytest.fixture
def grid_run(transport: str, grid_runs: Callable[[str], GridRun], unavailable: Unavailable) -> GridRun:
    """The grid, sent to a stock worker on `transport`, and its results."""
    reason = missing(transport)
    if reason is not None:
        unavailable(reason)
    return grid_runs(transport)


@pytest.fixture
def worker(grid_run: GridRun) -> Worker:
    """A stock worker that is running on `transport`."""
    return grid_run.worker


@pytest.fixture
def client(transport: str, protocol: int, clients: Callable[[str, int], Peer], unavailable: Unavailable) -> Peer:
    """A stock Celery application on `transport` that writes `protocol`; nobody else consumes from its queue."""
    reason = missing(transport)
    if reason is not None:
        unavailable(reason)
    return clients(transport, protocol)
