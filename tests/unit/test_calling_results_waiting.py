"""Results are waited for, awaited, listened to and grouped: what callers see, whatever the backend is."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from satchel import CorruptBody
from satchel.calling.results import (
    PENDING,
    AsyncResult,
    BackendError,
    GroupResult,
    Record,
    ResultTimeout,
    TaskError,
    TaskRevoked,
    result_from_tuple,
)
from satchel.calling.results import waiting as waiting_module
from tests.unit.scripted_results import Scripted, state

DOWN = BackendError("the backend is down")


def result_of(*script: Record | Exception, **options: Any) -> AsyncResult[Any]:
    return AsyncResult("task", Scripted(task=list(script)), **options)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "PATIENCE", 0.2)


# get


def test_a_value_is_given_and_kept() -> None:
    result = result_of(PENDING, state("STARTED"), state("SUCCESS", 4))

    assert result.get(5, interval=0.01) == 4
    looks = result.backend.looks  # type: ignore[attr-defined]
    assert (result.get(), result.state, result.info, result.ready()) == (4, "SUCCESS", 4, True)
    assert result.backend.looks == looks  # type: ignore[attr-defined]


def test_a_state_that_is_not_final_is_not_kept() -> None:
    result = result_of(state("MINE", 1), state("MINE", 2))

    assert [(result.state, result.result)] == [("MINE", 2)]


def test_what_a_task_raised_is_raised_and_raised_again() -> None:
    result = result_of(state("FAILURE", KeyError("no")))
    for _ in range(2):
        with pytest.raises(KeyError, match="no"):
            result.get(1)

    assert isinstance(result.get(1, propagate=False), KeyError)
    assert (result.failed(), result.successful()) == (True, False)


@pytest.mark.parametrize("states", [[PENDING], [state("STARTED")]])
def test_the_time_can_be_over(states: list[Record | Exception]) -> None:
    with pytest.raises(ResultTimeout, match="'task'") as caught:
        result_of(*states).get(0.05, interval=0.01)

    assert isinstance(caught.value, TimeoutError)


def test_no_time_is_one_look() -> None:
    assert result_of(state("SUCCESS", 4)).get(0) == 4
    with pytest.raises(ResultTimeout):
        result_of(PENDING, state("SUCCESS", 4)).get(0)


def test_an_ignored_result_is_none_at_once() -> None:
    result = result_of(DOWN, ignored=True)

    assert result.get() is None
    assert asyncio.run(awaited(result)) is None
    result.forget()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"timeout": "1"}, TypeError),
        ({"timeout": True}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"interval": 0}, ValueError),
        ({"interval": None}, TypeError),
    ],
)
def test_a_wrong_option_of_get_is_told(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        result_of(state("SUCCESS")).get(**options)


@pytest.mark.parametrize("id", [None, "", 3])
def test_a_wrong_id_is_told(id: Any) -> None:
    with pytest.raises(TypeError, match="id"):
        AsyncResult(id, Scripted())


# Callbacks


def test_each_state_is_told_once_and_the_final_one_last() -> None:
    seen: list[dict[str, Any]] = []
    progress = state("PROGRESS", {"done": 50}, worker="w")
    result = result_of(PENDING, state("STARTED"), progress, progress, progress, state("SUCCESS", 4))
    result.get(5, interval=0.01, on_message=seen.append)

    assert [body["status"] for body in seen] == ["STARTED", "PROGRESS", "SUCCESS"]
    assert seen[1] == {
        "task_id": "task",
        "status": "PROGRESS",
        "result": {"done": 50},
        "traceback": None,
        "children": [],
        "worker": "w",
    }


def test_the_final_state_is_told_when_it_is_known_already() -> None:
    seen: list[str] = []
    result = result_of(state("FAILURE", KeyError("no")))
    for _ in range(2):
        result.get(1, propagate=False, on_message=lambda body: seen.append(body["status"]))

    assert seen == ["FAILURE", "FAILURE"]


def test_a_callback_gets_id_and_value() -> None:
    got: list[Any] = []
    result_of(state("SUCCESS", 4)).get(callback=lambda *given: got.append(given))

    assert got == [("task", 4)]


def test_what_a_callback_raises_comes_through() -> None:
    def interrupt(body: dict[str, Any]) -> None:
        raise DOWN

    with pytest.raises(BackendError) as caught:
        result_of(state("MINE"), state("SUCCESS", 4)).get(5, on_message=interrupt)

    assert caught.value is DOWN


# Outages


def test_an_outage_is_waited_out() -> None:
    seen: list[str] = []
    result = result_of(DOWN, state("STARTED"), DOWN, DOWN, state("STARTED"), state("SUCCESS", 4))

    assert result.get(20, interval=0.01, on_message=lambda body: seen.append(body["status"])) == 4
    assert seen == ["STARTED", "SUCCESS"]


def test_an_outage_until_the_deadline_is_told() -> None:
    with pytest.raises(BackendError) as caught:
        result_of(DOWN).get(0.2, interval=0.01)

    assert caught.value is DOWN


@pytest.mark.usefixtures("impatient")
def test_without_a_deadline_patience_is_bounded() -> None:
    with pytest.raises(BackendError):
        result_of(DOWN).get(interval=0.01)
    with pytest.raises(BackendError):
        asyncio.run(awaited(result_of(DOWN)))


def test_what_asking_again_does_not_help_is_told_at_once() -> None:
    backend = Scripted(task=[BackendError("wrong password", lasting=True)])
    with pytest.raises(BackendError, match="password"):
        AsyncResult[Any]("task", backend).get(60)

    assert backend.looks == 1


# Parents


def test_a_task_whose_parent_failed_is_not_waited_for() -> None:
    backend = Scripted(first=[state("FAILURE", TaskError("Sold", "shop"))], middle=[PENDING], last=[PENDING])
    first = AsyncResult[Any]("first", backend)
    last = AsyncResult[Any]("last", backend, parent=AsyncResult("middle", backend, parent=first))
    with pytest.raises(TaskError, match=r"shop\.Sold"):
        last.get(5)

    assert [each.id for each in last.parents()] == ["middle", "first"]
    assert last.as_tuple() == (("last", (("middle", (("first", None), None)), None)), None)


@pytest.mark.parametrize("trouble", [DOWN, CorruptBody("broken")])
def test_a_parent_of_which_nothing_is_known_stops_nobody(trouble: Exception) -> None:
    backend = Scripted(first=[trouble], last=[state("SUCCESS", 4)])
    last = AsyncResult[Any]("last", backend, parent=AsyncResult("first", backend))

    assert last.get(5) == 4


def test_a_group_whose_parent_failed_is_not_waited_for() -> None:
    backend = Scripted(first=[state("FAILURE", TaskError("Sold", "shop"))], one=[PENDING])
    group = GroupResult[Any]("g", [AsyncResult("one", backend)], parent=AsyncResult("first", backend))
    with pytest.raises(TaskError, match=r"shop\.Sold"):
        group.get(5)
    with pytest.raises(TaskError, match=r"shop\.Sold"):
        asyncio.run(asyncio.wait_for(awaited(group), 5))


def test_an_error_that_is_raised_again_does_not_grow() -> None:
    result = result_of(state("FAILURE", KeyError("no")))

    def frames() -> int:
        with pytest.raises(KeyError) as caught:
            result.get()
        return len(caught.traceback)

    first = frames()

    assert [frames() for _ in range(5)] == [first] * 5


# asyncio


async def awaited(result: AsyncResult[Any] | GroupResult[Any]) -> Any:
    return await result


def test_awaiting_does_not_block_the_loop() -> None:
    class Slow(Scripted):
        def fetch(self, task_id: str) -> Record:
            time.sleep(0.1)
            return super().fetch(task_id)

    async def both() -> tuple[Any, int]:
        turns = 0
        task = asyncio.ensure_future(awaited(AsyncResult("task", Slow(task=[PENDING, state("SUCCESS", 4)]))))
        while not task.done():
            await asyncio.sleep(0.005)
            turns += 1
        return task.result(), turns

    value, turns = asyncio.run(both())

    assert value == 4
    assert turns > 5


def test_awaiting_a_task_whose_parent_failed_raises_that() -> None:
    backend = Scripted(first=[state("FAILURE", TaskError("Sold", "shop"))], last=[PENDING])
    last = AsyncResult[Any]("last", backend, parent=AsyncResult("first", backend))
    with pytest.raises(TaskError, match=r"shop\.Sold"):
        asyncio.run(asyncio.wait_for(awaited(last), 5))


def test_awaiting_raises_what_the_task_raised() -> None:
    with pytest.raises(KeyError):
        asyncio.run(awaited(result_of(PENDING, state("FAILURE", KeyError("no")))))
    with pytest.raises(TaskRevoked):
        asyncio.run(awaited(result_of(state("REVOKED", TaskRevoked("x")))))


def test_awaiting_can_be_bounded_and_leaves_nothing_behind() -> None:
    async def bounded() -> int:
        backend = Scripted(task=[PENDING])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(awaited(AsyncResult("task", backend)), 0.1)
        looks = backend.looks
        await asyncio.sleep(0.6)
        return backend.looks - looks

    assert asyncio.run(bounded()) <= 1


def test_an_outage_while_awaiting_is_waited_out() -> None:
    assert asyncio.run(awaited(result_of(DOWN, PENDING, DOWN, state("SUCCESS", 4)))) == 4


# Values


def test_results_are_equal_by_id() -> None:
    backend = Scripted()
    one, same, other = (AsyncResult[Any](*each) for each in (("1", backend), ("1", Scripted()), ("2", backend)))

    assert one == same
    assert one != other
    assert one != "1"
    assert len({one, same, other}) == 2
    assert (repr(one), str(one), one.task_id) == ("<AsyncResult: 1>", "1", "1")


def test_forgetting_forgets_what_was_kept() -> None:
    result = result_of(state("SUCCESS", 4), PENDING)
    result.get()
    result.forget()

    assert result.state == "PENDING"
    assert result.backend.forgotten == ["task"]  # type: ignore[attr-defined]


def test_children_are_results() -> None:
    children = [[["a", None], None], [["g", [["p", None], None]], [[["b", None], None]]]]
    backend = Scripted(task=[Record("SUCCESS", 4, children=children)])
    first, group = AsyncResult[Any]("task", backend).children

    assert first == AsyncResult("a", backend)
    assert group == GroupResult("g", [AsyncResult("b", backend)])
    assert group.parent == AsyncResult("p", backend)


@pytest.mark.parametrize("stored", [None, 3, "ab", [], [1, 2], [["a", None]], [["", None], None], [["a", 3], None]])
def test_what_is_no_stored_result_is_corrupt(stored: Any) -> None:
    with pytest.raises(CorruptBody, match="not a stored result"):
        result_from_tuple(stored, Scripted())


def test_a_stored_result_of_many_levels_is_refused() -> None:
    stored: Any = [["a", None], None]
    for _ in range(200):
        stored = [["a", stored], None]
    with pytest.raises(CorruptBody, match="deeper"):
        result_from_tuple(stored, Scripted())


# Groups


def group_of(**scripts: Any) -> GroupResult[Any]:
    backend = Scripted(**scripts)
    return GroupResult("group", [AsyncResult(name, backend) for name in scripts])


def test_a_group_gives_values_in_its_own_order() -> None:
    group = group_of(a=[PENDING, PENDING, state("SUCCESS", 1)], b=[state("SUCCESS", 2)])

    assert group.completed_count() == 1
    assert group.get(5, interval=0.01) == group.join() == [1, 2]
    assert (group.ready(), group.successful(), group.failed(), group.waiting()) == (True, True, False, False)
    assert (len(group), [each.id for each in group], group[1].id) == (2, ["a", "b"], "b")


def test_a_group_is_awaited() -> None:
    async def all_of(group: GroupResult[Any]) -> list[Any]:
        return await group

    assert asyncio.run(all_of(group_of(a=[PENDING, state("SUCCESS", 1)], b=[state("SUCCESS", 2)]))) == [1, 2]


def test_a_group_raises_or_gives_what_failed() -> None:
    group = group_of(a=[state("SUCCESS", 1)], b=[state("FAILURE", KeyError("no"))], c=[PENDING])
    with pytest.raises(KeyError):
        group.get(5)
    values = GroupResult("some", group.results[:2]).get(5, propagate=False)

    assert (values[0], type(values[1])) == (1, KeyError)
    assert (group.failed(), group.successful(), group.waiting()) == (True, False, True)


def test_the_time_of_a_group_is_one_for_all() -> None:
    group = group_of(**{name: [PENDING] for name in "abcdef"})
    with pytest.raises(ResultTimeout):
        group.get(0.05, propagate=False, interval=0.01)


def test_a_group_is_saved_restored_and_deleted() -> None:
    group = group_of(a=[state("SUCCESS", 1)], b=[state("SUCCESS", 2)])
    backend = group.backend
    group.save()

    assert GroupResult.restore("group", backend) == group
    group.delete()
    assert GroupResult.restore("group", backend) is None
    group.forget()
    assert backend.forgotten == ["a", "b"]  # type: ignore[attr-defined]


def test_a_single_result_is_no_group() -> None:
    backend = Scripted()
    backend.groups["x"] = (("x", None), None)
    with pytest.raises(CorruptBody, match="single result"):
        GroupResult.restore("x", backend)


def test_a_group_without_tasks_is_there_and_empty() -> None:
    group = GroupResult[Any]("group", [], backend=Scripted())

    assert bool(group)
    assert (len(group), group.get(), group.ready()) == (0, [], True)
    with pytest.raises(ValueError, match="backend"):
        GroupResult[Any]("group", []).save()


def test_groups_are_within_groups() -> None:
    inner = group_of(a=[state("SUCCESS", 1)], b=[state("SUCCESS", 2)])
    outer = GroupResult("outer", [inner, *group_of(c=[state("SUCCESS", 3)])])

    assert outer.get(5) == [[1, 2], 3]
    assert outer.completed_count() == 3
    assert result_from_tuple(outer.as_tuple(), inner.backend) == outer
