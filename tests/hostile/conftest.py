"""In the thorough run, what takes times runs alone: a test on the next core makes it up to twice as slow."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.hostile.figures import THOROUGH


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until a test that is marked `alone` is alone, and any other until none such runs."""
    if not (THOROUGH and "PYTEST_XDIST_WORKER" in os.environ):
        yield
        return
    import fcntl  # Windows has none, nor what the thorough run needs.

    alone = request.node.get_closest_marker("alone") is not None
    # All workers' folders are in one.
    shared = tmp_path_factory.getbasetemp().parent
    with open(shared / "next", "ab") as following, open(shared / "running", "ab") as running:
        # Who is to be alone keeps the others from beginning while it waits.
        fcntl.flock(following, fcntl.LOCK_EX)
        fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(following, fcntl.LOCK_UN)
        yield
        fcntl.flock(running, fcntl.LOCK_UN)  # Closing is not enough where a fork has the file, too.
