"""What `on_message` tells of on Redis: the state that is there when `get` starts, and all from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from celery import Celery

from satchel.calling import App, ResultTimeout
from tests.interop.transports import REDIS_URL, missing

pytestmark = pytest.mark.xdist_group("calling-redis")


@pytest.fixture
def stock(unavailable: Callable[[str], NoReturn]) -> Iterator[Any]:
    """The worker's side, which stores states."""
    reason = missing("redis")
    if reason is not None:
        unavailable(reason)
    stock = Celery("worker", broker="memory://", backend=REDIS_URL, set_as_current=False)
    stock.conf.result_expires = 60
    yield stock
    stock.backend.client.close()
    stock.close()


@pytest.mark.parametrize("state", ["STARTED", "PROGRESS"])
def test_the_state_that_is_there_is_told_first_and_once_and_those_before_it_are_not(stock: Any, state: str) -> None:
    task_id, seen = str(uuid4()), list[tuple[str, Any]]()
    stock.backend.store_result(task_id, {"done": 10}, state)
    stock.backend.store_result(task_id, {"done": 50}, state)

    def go_on(body: dict[str, Any]) -> None:
        seen.append((body["status"], body["result"]))
        if body["result"] == {"done": 50}:
            stock.backend.store_result(task_id, {"done": 90}, state)
            stock.backend.store_result(task_id, 4, "SUCCESS")

    with App("client", broker="memory://", backend=REDIS_URL) as app:
        value = app.AsyncResult(task_id).get(10, on_message=go_on)
        app.AsyncResult(task_id).forget()

    assert value == 4
    assert seen == [(state, {"done": 50}), (state, {"done": 90}), ("SUCCESS", 4)]


def test_the_state_that_is_there_is_told_when_there_is_no_time_to_wait(stock: Any) -> None:
    task_id, seen = str(uuid4()), list[str]()
    stock.backend.store_result(task_id, {"done": 10}, "PROGRESS")
    with App("client", broker="memory://", backend=REDIS_URL) as app:
        with pytest.raises(ResultTimeout):
            app.AsyncResult(task_id).get(0, on_message=lambda body: seen.append(body["status"]))
        app.AsyncResult(task_id).forget()

    assert seen == ["PROGRESS"]
