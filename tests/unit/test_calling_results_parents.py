"""What fails before a task is what waiting for it raises, as in Celery: of chains, and of headers of chords."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from satchel import CorruptBody
from satchel.calling.results import PENDING, AsyncResult, BackendError, GroupResult, Record, TaskError
from tests.unit.scripted_results import Scripted, state

CHORD_ERROR = state("FAILURE", TaskError("ChordError", "celery.exceptions"))
SOLD = state("FAILURE", TaskError("Sold", "shop"))
LOST = state("FAILURE", TaskError("Lost", "shop"))
DONE = state("SUCCESS", 4)


def chord_of(backend: Scripted, *header: str) -> AsyncResult[Any]:
    return AsyncResult("body", backend, parent=GroupResult("header", [AsyncResult(each, backend) for each in header]))


def got(result: AsyncResult[Any] | GroupResult[Any], how: str) -> Any:
    if how == "get":
        return result.get(5, interval=0.01)

    async def awaited() -> Any:
        return await asyncio.wait_for(result._wait(), 5)

    return asyncio.run(awaited())


@pytest.fixture(params=["get", "await"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_body_of_a_chord_raises_what_the_header_raised(how: str) -> None:
    backend = Scripted(one=[DONE], two=[SOLD], three=[LOST], body=[CHORD_ERROR])
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(chord_of(backend, "one", "two", "three"), how)


def test_a_header_that_fails_while_its_body_is_waited_for_is_told_too(how: str) -> None:
    backend = Scripted(one=[SOLD], body=[PENDING, PENDING, CHORD_ERROR])
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(chord_of(backend, "one"), how)


def test_a_task_before_it_that_has_failed_already_is_told_at_once(how: str) -> None:
    backend = Scripted(one=[SOLD], two=[PENDING], last=[PENDING])
    two = AsyncResult[Any]("two", backend, parent=AsyncResult("one", backend))
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(AsyncResult("last", backend, parent=two), how)


def test_a_header_is_not_looked_at_before_its_body_has_failed(how: str) -> None:
    backend = Scripted(one=[SOLD], two=[SOLD], body=[PENDING, PENDING, DONE])

    assert got(chord_of(backend, "one", "two"), how) == 4
    assert backend.looks == 3


def test_what_a_task_returned_is_given_whatever_became_of_those_before_it(how: str) -> None:
    backend = Scripted(one=[SOLD], last=[DONE])
    result = AsyncResult[Any]("last", backend, parent=AsyncResult("one", backend))

    assert got(result, how) == 4
    assert result.ready()
    assert got(result, how) == 4


def test_the_callback_is_called_though_another_one_has_failed() -> None:
    backend = Scripted(one=[PENDING, SOLD], last=[PENDING, CHORD_ERROR])
    told: list[Any] = []
    result = AsyncResult[Any]("last", backend, parent=AsyncResult("one", backend))
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        result.get(5, interval=0.01, callback=lambda *given: told.append(given))

    assert told == [("last", CHORD_ERROR.result)]


def test_of_several_failures_the_first_to_run_is_raised(how: str) -> None:
    backend = Scripted(one=[SOLD], total=[CHORD_ERROR], last=[CHORD_ERROR])
    header = GroupResult[Any]("header", [AsyncResult("one", backend)], backend=backend)
    last = AsyncResult[Any]("last", backend, parent=AsyncResult("total", backend, parent=header))
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(last, how)


def test_groups_within_a_header_are_looked_into(how: str) -> None:
    backend = Scripted(one=[DONE], two=[SOLD], body=[CHORD_ERROR])
    within = GroupResult[Any]("within", [AsyncResult("two", backend)])
    header = GroupResult[Any]("header", [AsyncResult("one", backend), within])
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(AsyncResult("body", backend, parent=header), how)


def test_a_body_that_is_a_group_raises_what_the_header_raised(how: str) -> None:
    backend = Scripted(one=[SOLD], body=[PENDING, CHORD_ERROR])
    header = GroupResult[Any]("header", [AsyncResult("one", backend)])
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        got(GroupResult[Any]("bodies", [AsyncResult("body", backend)], parent=header), how)


def test_a_body_that_failed_itself_raises_its_own(how: str) -> None:
    backend = Scripted(one=[DONE], body=[LOST])
    with pytest.raises(TaskError, match=r"^shop\.Lost"):
        got(chord_of(backend, "one"), how)


def test_a_failure_that_is_known_still_gives_way_to_the_headers() -> None:
    backend = Scripted(one=[SOLD], body=[CHORD_ERROR])
    result = chord_of(backend, "one")

    assert result.failed()
    with pytest.raises(TaskError, match=r"^shop\.Sold"):
        result.get(5)


def test_without_propagate_the_task_s_own_is_given_and_nothing_else_looked_at() -> None:
    backend = Scripted(one=[SOLD], body=[CHORD_ERROR])

    assert chord_of(backend, "one").get(5, propagate=False) is CHORD_ERROR.result
    assert backend.looks == 1


@pytest.mark.parametrize("end", [DONE, SOLD])
def test_a_result_without_a_parent_is_looked_at_once(end: Record, how: str) -> None:
    backend = Scripted(body=[end])
    try:
        got(AsyncResult("body", backend), how)
    except TaskError:
        assert end is SOLD

    assert backend.looks == 1


def test_tasks_of_a_header_that_ignore_their_results_are_not_looked_at() -> None:
    backend = Scripted(body=[DONE])
    header = GroupResult[Any]("header", [AsyncResult("one", backend, ignored=True)])

    assert AsyncResult[Any]("body", backend, parent=header).get(5) == 4
    assert backend.looks == 1


def test_a_header_that_cannot_be_read_stops_nobody(how: str) -> None:
    backend = Scripted(one=[CorruptBody("broken")], two=[PENDING], body=[DONE])

    assert got(chord_of(backend, "one", "two"), how) == 4


def test_a_backend_that_is_down_is_not_asked_for_each_task_of_a_header() -> None:
    scripts: dict[str, list[Record | Exception]] = {name: [BackendError("it is down")] for name in "abcdef"}
    backend = Scripted(**scripts, body=[CHORD_ERROR])

    with pytest.raises(TaskError, match="ChordError"):
        chord_of(backend, *"abcdef").get(5)
    assert backend.looks == 2


def test_the_tasks_of_a_header_are_looked_at_until_the_time_is_over() -> None:
    backend = Scripted(body=[CHORD_ERROR])
    with pytest.raises(TaskError, match="ChordError"):
        chord_of(backend, *"abcdef").get(0)

    assert backend.looks == 2


def test_who_waits_for_the_body_of_a_chord_can_be_cancelled_between_two_looks() -> None:
    looks = 0

    class Slow(Scripted):
        def fetch(self, task_id: str) -> Record:
            nonlocal looks
            looks += 1
            time.sleep(0.02)
            return super().fetch(task_id)

    async def waits() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(chord_of(backend, *map(str, range(500)))._wait(), 0.1)

    backend = Slow(body=[CHORD_ERROR])
    asyncio.run(waits())

    assert 0 < looks < 100
