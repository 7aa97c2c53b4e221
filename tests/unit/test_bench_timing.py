"""Timing side by side: how often what is timed is called, and the middle of several processes."""

from __future__ import annotations

import time

import pytest

from satchel.bench.timing import BATCH, clustered, middle, race


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], 3.0),
        ([1.0, 3.0], 2.0),
        ([1.0, 2.0, 30.0], 2.0),
        ([1.0, 2.0, 4.0, 30.0], 3.0),
        ([0.0, 1.0, 2.0, 6.0, 30.0], 3.0),
        ([0.0, 0.0, *[5.0, 5.0, 5.0, 8.0, 8.0, 8.0], 90.0, 99.0], 6.5),
    ],
)
def test_the_middle_leaves_out_what_is_far_away(values: list[float], expected: float) -> None:
    assert middle(values) == middle(values[::-1]) == expected


def test_a_process_that_was_disturbed_moves_no_figure() -> None:
    steady = [[10.0, 10.0, 11.0]] * 9

    assert clustered([*steady, [500.0] * 3]).value == clustered(steady).value == 10.0


@pytest.mark.parametrize(("warm", "calls"), [(False, 5), (True, 4)])
def test_what_has_been_done_before_is_not_done_once_more(warm: bool, calls: int) -> None:
    done: list[None] = []

    def slow() -> None:
        done.append(None)
        began = time.thread_time()
        while time.thread_time() - began < 2 * BATCH:
            pass

    race({"slow": slow}, rounds=3, warm=warm)
    # One tells how many calls make a batch, and each round is one.
    assert len(done) == calls
