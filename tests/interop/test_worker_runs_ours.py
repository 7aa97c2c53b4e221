"""A stock Celery worker runs what our builder sends: every serializer and compressor, both protocols."""

from __future__ import annotations

import pytest

from satchel.testing import difference, identical
from tests.interop.grid import CONTENT_TYPES, GRID, Combination, received
from tests.interop.grid_run import GridRun
from tests.interop.transports import TRANSPORTS, on
from tests.interop.workers import Worker


@on(*TRANSPORTS)
def test_the_worker_is_a_stock_one(worker: Worker) -> None:
    assert worker.outcome(worker.call("satchel_modules")) == ("SUCCESS", [])


@pytest.mark.parametrize("combination", GRID, ids=str)
@on(*TRANSPORTS)
def test_a_stock_worker_runs_our_task(grid_run: GridRun, combination: Combination) -> None:
    message = grid_run.messages[combination]
    arrived = grid_run.received(combination)

    assert message.headers.get("compression") == CONTENT_TYPES[combination.compression]
    assert difference(received(combination.serializer), arrived) is None


@on(*TRANSPORTS)
def test_all_56_combinations_were_run(grid_run: GridRun) -> None:
    equal = {
        (cell.serializer, cell.compression, cell.protocol)
        for cell in GRID
        if identical(received(cell.serializer), grid_run.received(cell))
    }

    assert f"{len(equal)} of 56 combinations" == "56 of 56 combinations"
