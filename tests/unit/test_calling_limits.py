"""`App(limits=…)`: one bound on what a client sends and on the results that it reads."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from satchel import EncodeError, LimitExceeded, Limits, Pipeline
from satchel.calling import App, GroupResult
from satchel.registry import celery_registry
from tests.unit.calling import Shop, stored

SMALL = Limits(max_body=2_000)
LARGE = Limits(max_body=6_000_000)
TEXT = "x" * 5_000_000

BACKENDS = ["redis://localhost", "rpc://", "file:///results", "db+sqlite://"]

OR = ", or that of App's pipeline"


def an_app(backend: str, **options: Any) -> App:
    return App("shop", broker="memory://", backend=backend, **options)


def put(folder: Path, result: Any) -> None:
    (folder / "celery-task-meta-task").write_bytes(stored(result))


# What it bounds


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_results_of_every_backend_are_read_within_the_limits(backend: str) -> None:
    default: Any = an_app(backend).backend
    given: Any = an_app(backend, limits=LARGE).backend
    of_pipeline: Any = an_app(backend, pipeline=Pipeline(["json"], limits=SMALL)).backend

    assert [each._reader.limits for each in (default, given, of_pipeline)] == [Limits(), LARGE, SMALL]


def test_a_result_of_more_than_the_default_is_read_where_the_limits_allow_it(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    with pytest.raises(LimitExceeded, match="max_body"):
        an_app(f"file://{tmp_path}").AsyncResult("task").get(5)

    assert an_app(f"file://{tmp_path}", limits=LARGE).AsyncResult("task").get(5) == TEXT


def test_a_change_of_the_settings_leaves_the_limits(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    app = an_app("file:///elsewhere", limits=LARGE)
    app.configure(result_backend=f"file://{tmp_path}")

    assert app.AsyncResult("task").get(5) == TEXT


def test_messages_are_sent_within_the_limits() -> None:
    small, large = Shop(limits=SMALL), Shop(limits=LARGE)
    with pytest.raises(EncodeError, match="max_body=2,000"):
        small.app.send_task("shop.show", ("x" * 2_000,))
    large.app.send_task("shop.show", (TEXT,))

    assert small.received() == []
    with pytest.raises(LimitExceeded):  # The reader's are as ever.
        large.sent()


def test_a_saved_group_is_written_and_read_within_the_limits(tmp_path: Path) -> None:
    large, small = an_app(f"file://{tmp_path}", limits=LARGE), an_app(f"file://{tmp_path}", limits=SMALL)
    group = GroupResult("group", [large.AsyncResult(f"{number:036}") for number in range(100)]).save()

    assert GroupResult.restore("group", large.backend) == group
    with pytest.raises(LimitExceeded, match=r"App\(limits=Limits\(max_body=…\)\)"):
        GroupResult.restore("group", small.backend)
    with pytest.raises(EncodeError, match=r"App\(limits=Limits\(max_body=…\)\)"):
        group.save(small.backend)


# What is refused


def test_limits_beside_a_pipeline_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Pipeline\(…, limits=…\)"):
        an_app("rpc://", pipeline=Pipeline(["json"]), limits=LARGE)


@pytest.mark.parametrize("given", [30_000_000, {"max_body": 1}, "4M", False])
def test_what_is_no_limits_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"Limits\(max_body=30_000_000\)"):
        an_app("rpc://", limits=given)


# What is told


def test_a_result_that_is_too_large_says_how_to_read_it(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    with pytest.raises(LimitExceeded) as caught:
        an_app(f"file://{tmp_path}").AsyncResult("task").get(5)

    assert str(caught.value) == (
        "the message exceeds max_body=4,194,304; if it is genuine, raise the limit: "
        "App(limits=Limits(max_body=…)), or that of App's pipeline"
    )


def test_a_text_that_is_too_large_in_a_table_says_so_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "results") as table:
        table.execute("create table celery_taskmeta (task_id, status, result, traceback)")
        table.execute("insert into celery_taskmeta values ('task', 'FAILURE', ?, ?)", (b"null", "x" * 3_000))
    with pytest.raises(LimitExceeded, match=r"raise the limit: App\(limits=Limits\(max_body=…\)\)"):
        an_app(f"db+sqlite:///{tmp_path}/results", limits=SMALL).AsyncResult("task").get(5)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("x" * 2_000, "compress it, send a reference instead, or raise the limit: App(limits=Limits(max_body=…))" + OR),
        ([[[[[[[[1]]]]]]]], "flatten it, or raise the limit: App(limits=Limits(max_depth=…))" + OR),
        ([1] * 100, "split it, or raise the limit: App(limits=Limits(max_nodes=…))" + OR),
    ],
    ids=["long", "deep", "many"],
)
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_what_is_too_large_to_send_says_what_to_do_in_a_client(serializer: str, value: Any, cure: str) -> None:
    app = an_app("rpc://", limits=Limits(max_body=2_000, max_depth=8, max_nodes=60))
    for send in (
        lambda: app.send_task("shop.show", (value,), serializer=serializer),
        lambda: app.send_many([app.signature("shop.show", (value,)).set(serializer=serializer)]),
    ):
        with pytest.raises(EncodeError) as caught:
            send()
        assert caught.value.cure == cure


def test_the_own_bound_of_a_serializer_is_told_as_what_it_is() -> None:
    with pytest.raises(EncodeError, match=r"use Yaml\(max_nodes=…\)") as caught:
        an_app("rpc://").send_task("shop.show", ([1] * 9_000,), serializer="yaml")

    assert caught.value.limit is None


def test_the_own_bound_of_a_serializer_is_told_as_what_it_is_in_results(tmp_path: Path) -> None:
    value = {"status": "SUCCESS", "result": [1] * 9_000}
    body = bytes(Pipeline(["json"], registry=celery_registry).encode(value).body)
    (tmp_path / "celery-task-meta-task").write_bytes(body)
    app = an_app(f"file://{tmp_path}", result_serializer="yaml")
    with pytest.raises(LimitExceeded, match=r"decode with Yaml\(max_nodes=…\)"):
        app.AsyncResult("task").get(5)

    assert json.loads(body) == value
