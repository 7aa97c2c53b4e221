"""Results on PostgreSQL and MariaDB, in the tables that stock workers make there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.result import GroupResult as StockGroup

from satchel import DecodeError, Limits
from satchel.calling import App, GroupResult
from tests.interop.database_servers import Place, database_on, on_servers


@pytest.fixture(scope="module", params=on_servers())
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with database_on(request.param) as place:
        yield place


@pytest.fixture
def app(place: Place) -> Iterator[App]:
    with App("client", broker="memory://", backend=f"db+{place.url}") as app:
        yield app


@pytest.fixture
def stock(place: Place) -> Iterator[Any]:
    """The worker's side, which makes the tables."""
    stock = Celery("worker", broker="memory://", backend=f"db+{place.url}", set_as_current=False)
    stock.conf.result_extended = True
    yield stock
    stock.close()


def a_group(app: App) -> GroupResult[Any]:
    return GroupResult(str(uuid4()), [app.AsyncResult(str(uuid4())) for _ in range(3)], backend=app.backend)


def test_groups_are_saved_again_and_again_where_no_worker_has_been(app: App) -> None:
    for group in (a_group(app), a_group(app)):
        group.save()
        group.save()

        restored = GroupResult.restore(group.id, app.backend)
        assert restored is not None
        assert [each.id for each in restored] == [each.id for each in group]


def test_groups_and_results_are_read_from_stock_tables_and_written_to_them(app: App, stock: Any) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    for number, task_id in enumerate(ids):
        stock.backend.store_result(task_id, {"number": number, "text": "ünï☃😀"}, "SUCCESS")
    theirs = StockGroup(str(uuid4()), [stock.AsyncResult(task_id) for task_id in ids])
    theirs.save(backend=stock.backend)

    assert app.AsyncResult(ids[2]).get(timeout=5) == {"number": 2, "text": "ünï☃😀"}

    ours = a_group(app)
    for group in (ours, a_group(app)):
        group.save()
    read_by_stock = StockGroup.restore(ours.id, backend=stock.backend)
    read_by_us = GroupResult.restore(theirs.id, app.backend)
    assert read_by_us is not None
    assert [each.id for each in read_by_us] == ids
    assert [each.id for each in read_by_stock] == [each.id for each in ours]


def test_what_is_too_large_is_not_read_whole(app: App, stock: Any, place: Place) -> None:
    if place.server.name == "MariaDB":
        pytest.skip("the columns of stock workers hold 64 KiB on MariaDB")
    task_id = str(uuid4())
    stock.backend.store_result(task_id, "x" * (Limits().max_body + 1_000), "SUCCESS")

    with pytest.raises(DecodeError):
        app.AsyncResult(task_id).get(timeout=5)
