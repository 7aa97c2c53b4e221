"""G16: eight threads of 100,000 mixed calls each, on what they share: nothing wrong, nothing crashed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.threads import first_use, storm

THREADS = 8
CALLS = 100_000 if THOROUGH else 1_500
FIRST_USES = 100 if THOROUGH else 10

#: Threads take address space for their stacks and pools, a free-threaded Python for its heaps.
SPACE = 256 * 1024 * MIB

pytestmark = linux_only


def mixed(threads: int, calls: int) -> Callable[[], Any]:
    _check_gil()
    return lambda: storm(threads, calls)


def first(threads: int, seed: int) -> Callable[[], Any]:
    return lambda: first_use(threads, seed)


def _check_gil() -> None:
    # An extension that was not made for it would have switched it on again.
    if os.environ.get("PYTHON_GIL") == "0" and getattr(sys, "_is_gil_enabled", bool)():
        raise RuntimeError("the GIL is on")


@pytest.mark.timeout(3600)
def test_mixed_calls_by_eight_threads_give_what_one_thread_gets(figures: Figures) -> None:
    (cost,) = measured(mixed, [(THREADS, CALLS)], address_space=SPACE)

    outcome = cost.outcome or "nothing wrong"
    print(f"{THREADS} threads of {CALLS:,} calls each: {outcome}, {cost.seconds:.0f} s of the processor")
    figures("G16", THREADS * CALLS)
    assert (cost.outcome, cost.detail, cost.stderr) == ("", "NoneType", "")


@pytest.mark.timeout(3600)
def test_codecs_that_eight_threads_use_first_at_the_same_time_work(figures: Figures) -> None:
    costs = measured(first, [(THREADS, seed) for seed in range(FIRST_USES)], address_space=SPACE)

    figures("G16", THREADS * FIRST_USES)
    assert {(cost.outcome, cost.detail, cost.stderr) for cost in costs} == {("", "NoneType", "")}
