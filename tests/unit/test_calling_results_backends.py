"""The backends on their own: files, SQLite, and a Redis that is not there; rpc has a module of its own."""

from __future__ import annotations

import os
import pickle
import socket
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from satchel import ContentDisallowed, CorruptBody, LimitExceeded, Limits, MissingDependency
from satchel.calling.results import AsyncResult, Backend, BackendError, GroupResult, ResultTimeout, backend_for
from satchel.calling.results.backends.choosing import key_prefix
from tests.unit.calling import stored

# By url


@pytest.mark.parametrize("url", ["redsi://localhost", "amqp://localhost", "db://x", "sqlite:///x", "", "localhost"])
def test_an_unknown_backend_is_told_with_the_choices(url: str) -> None:
    with pytest.raises(ValueError, match="rpc://"):
        backend_for(url)


def test_what_is_missing_for_a_backend_is_told() -> None:
    with pytest.raises(TypeError, match="connect"):
        backend_for("rpc://")
    with pytest.raises(TypeError, match="url"):
        backend_for(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="file:///"):
        backend_for("file://relative/path")
    with pytest.raises((TypeError, ValueError), match="socket_timeout"):
        backend_for("redis://localhost", socket_timeout=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "prefix"), [(None, ""), ("", ""), ("a", "a_"), ("a:", "a:"), ("a.", "a.")])
def test_a_prefix_ends_with_a_mark_as_celerys_does(given: Any, prefix: str) -> None:
    assert key_prefix(given) == prefix


def test_a_backend_does_not_show_its_password() -> None:
    assert repr(backend_for("redis://:secret@host:6379/1")) == "RedisBackend(redis://host:6379/1)"
    assert "secret" not in repr(backend_for("db+postgresql://me:secret@host/x"))


def test_a_driver_that_is_missing_is_told() -> None:
    with pytest.raises(MissingDependency, match="driver") as caught:
        backend_for("db+sqlite+pysqlcipher://:secret@/x").fetch("task")

    assert "secret" not in str(caught.value)


# Redis


def test_a_redis_that_is_not_there_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        backend = backend_for(f"redis://127.0.0.1:{free.getsockname()[1]}/0")
        with pytest.raises(BackendError, match="RedisBackend") as caught:
            AsyncResult[Any]("task", backend).get(0.2)

    assert caught.value.__cause__ is not None


def test_a_redis_that_does_not_answer_is_an_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        backend = backend_for(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", socket_timeout=0.1)
        with pytest.raises(BackendError, match="Timeout"):
            backend.fetch("task")
        with pytest.raises(BackendError):
            AsyncResult[Any]("task", backend).get(0.3)
        backend.close()


@pytest.mark.parametrize("scheme", ["redis+socket", "socket", "unix"])
def test_a_redis_behind_a_socket_file_is_asked_there(scheme: str, tmp_path: Path) -> None:
    backend = backend_for(f"{scheme}://{tmp_path}/no.sock")
    with pytest.raises(BackendError, match=r"connecting to .*no\.sock"):
        backend.fetch("task")


# Files


@pytest.fixture
def files(tmp_path: Path) -> Backend:
    return backend_for(f"file://{tmp_path}", transport_options={"global_keyprefix": "mine"})


def test_files_are_read_by_their_names(files: Backend, tmp_path: Path) -> None:
    (tmp_path / "mine_celery-task-meta-1").write_bytes(stored())

    assert (files.fetch("1").state, files.fetch("1").result) == ("SUCCESS", 4)
    assert files.fetch("2").state == "PENDING"
    files.forget("1")
    files.forget("1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("id", ["../x", "a/b", "a\\b", "a\0b", "/etc/passwd"])
def test_an_id_is_no_path(files: Backend, id: str) -> None:
    for act in (files.fetch, files.forget, files.fetch_group, files.delete_group):
        with pytest.raises(ValueError, match="file's name"):
            act(id)


def test_a_file_that_is_being_written_is_waited_for(files: Backend, tmp_path: Path) -> None:
    path, body = tmp_path / "mine_celery-task-meta-1", stored("x" * 1000)
    path.write_bytes(body[:100])
    timer = threading.Timer(0.2, lambda: path.write_bytes(body))
    timer.start()

    assert files.fetch("1").result == "x" * 1000
    timer.join()


def test_a_file_that_stays_broken_is_corrupt(files: Backend, tmp_path: Path) -> None:
    (tmp_path / "mine_celery-task-meta-1").write_bytes(stored()[:50])
    with pytest.raises(CorruptBody):
        AsyncResult[Any]("1", files).get(10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_instead_of_a_file_is_not_waited_for(files: Backend, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "celery-task-meta-1")

    assert files.fetch("1").state == "PENDING"


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    backend = backend_for(f"file://{tmp_path}", limits=Limits(max_body=1000))
    (tmp_path / "celery-task-meta-1").write_bytes(stored("x" * 5000))
    with pytest.raises(LimitExceeded):
        backend.fetch("1")


def test_a_directory_that_is_missing_is_an_error(tmp_path: Path) -> None:
    backend = backend_for(f"file://{tmp_path}/missing")
    with pytest.raises(BackendError, match="missing"):
        backend.fetch("1")
    with pytest.raises(BackendError, match="missing"):
        GroupResult("g", [AsyncResult("1", backend)]).save()


@pytest.mark.parametrize("act", ["get", "forget", "save", "restore"])
def test_an_id_that_is_too_long_for_a_file_is_told_at_once(files: Backend, tmp_path: Path, act: str) -> None:
    result = AsyncResult[Any]("x" * 300, files)
    group = GroupResult(result.id, [result])
    acts: dict[str, Callable[[], object]] = {
        "get": result.get,
        "forget": result.forget,
        "save": group.save,
        "restore": lambda: GroupResult.restore(group.id, files),
    }
    with pytest.raises(BackendError, match=r"id is too long for the name of a file.*give shorter ids") as caught:
        acts[act]()

    assert caught.value.lasting
    assert list(tmp_path.iterdir()) == []


# SQLite, as stock Celery before 5.7 writes it too

SCHEMA = (
    "CREATE TABLE celery_taskmeta (id INTEGER PRIMARY KEY, task_id VARCHAR(155), status VARCHAR(50), result BLOB, "
    "date_done DATETIME, traceback TEXT)"
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "results.sqlite", isolation_level=None)
    connection.execute(SCHEMA)
    yield connection
    connection.close()


def on_database(folder: Path, **options: Any) -> Backend:
    return backend_for(f"db+sqlite:///{folder / 'results.sqlite'}", **options)


def insert(database: sqlite3.Connection, task_id: str, result: bytes | None, status: str = "SUCCESS") -> None:
    row = task_id, status, result, "2031-01-02 03:04:05.000006"
    database.execute("INSERT INTO celery_taskmeta (task_id, status, result, date_done) VALUES (?, ?, ?, ?)", row)


def test_a_row_is_a_record(tmp_path: Path, database: sqlite3.Connection) -> None:
    backend = on_database(tmp_path)
    insert(database, "1", b'{"a": [1, 2]}')
    insert(database, "2", b'{"exc_type": "KeyError", "exc_module": "builtins", "exc_message": ["x"]}', "FAILURE")
    insert(database, "3", None)
    record = backend.fetch("1")

    assert (record.state, record.result, record.extended) == ("SUCCESS", {"a": [1, 2]}, {})
    assert record.date_done is not None
    assert record.date_done.isoformat() == "2031-01-02T03:04:05.000006+00:00"
    assert record.message("1")["date_done"] == "2031-01-02T03:04:05.000006+00:00"
    assert isinstance(backend.fetch("2").result, KeyError)
    assert backend.fetch("3").result is None
    assert backend.fetch("4").state == "PENDING"
    backend.close()


def test_a_pickled_column_is_read_where_pickle_is_accepted(tmp_path: Path, database: sqlite3.Connection) -> None:
    insert(database, "1", pickle.dumps({"a": (1, 2)}, 4))
    accepting, refusing = on_database(tmp_path, accept=["json", "pickle"]), on_database(tmp_path)

    assert accepting.fetch("1").result == {"a": (1, 2)}
    with pytest.raises(ContentDisallowed, match="not accepted"):
        refusing.fetch("1")
    accepting.close()
    refusing.close()


@pytest.mark.parametrize("date", ["no date", 5, b"x"])
def test_a_row_that_cannot_be_read_is_corrupt(tmp_path: Path, database: sqlite3.Connection, date: Any) -> None:
    insert(database, "1", b"4")
    database.execute("UPDATE celery_taskmeta SET date_done = ?", (date,))
    backend = on_database(tmp_path)
    with pytest.raises(CorruptBody, match="row of '1'"):
        backend.fetch("1")
    backend.close()


@pytest.mark.parametrize("column", ["result", "traceback"])
def test_of_a_value_that_is_too_large_no_more_is_read_than_its_beginning(
    tmp_path: Path, database: sqlite3.Connection, column: str
) -> None:
    insert(database, "1", b"4")
    database.execute(f"UPDATE celery_taskmeta SET {column} = ?", ("x" * 5_000_000,))
    database.execute("UPDATE celery_taskmeta SET result = CAST(result AS BLOB)")
    backend = on_database(tmp_path, limits=Limits(max_body=1000))
    with pytest.raises(LimitExceeded, match="max_body=1,000"):
        backend.fetch("1")
    tracemalloc.start()
    with pytest.raises(LimitExceeded):
        backend.fetch("1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000
    backend.close()


def test_a_table_of_something_else_is_told(tmp_path: Path, database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE orders (task_id TEXT)")
    backend = on_database(tmp_path, table_names={"task": "orders"})
    with pytest.raises(BackendError, match="'orders' is not one of Celery's results: it lacks result, status"):
        AsyncResult[Any]("1", backend).get()
    backend.close()


def test_a_pickled_state_is_told_once(tmp_path: Path, database: sqlite3.Connection) -> None:
    insert(database, "1", pickle.dumps(KeyError("again"), 4), "RETRY")
    backend = on_database(tmp_path, accept=["json", "pickle"])
    told: list[str] = []
    with pytest.raises(ResultTimeout):
        AsyncResult[Any]("1", backend).get(0.3, interval=0.01, on_message=lambda body: told.append(body["status"]))

    assert told == ["RETRY"]
    backend.close()


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE"])
def test_a_pickled_column_runs_nothing(tmp_path: Path, database: sqlite3.Connection, status: str) -> None:
    class Runs:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    insert(database, "1", pickle.dumps(Runs(), 4), status)
    backend = on_database(tmp_path, accept=["pickle"])
    with pytest.raises(ContentDisallowed):
        backend.fetch("1")

    assert not (tmp_path / "ran").exists()
    backend.close()


def test_a_database_without_tables_has_no_results(tmp_path: Path) -> None:
    backend = on_database(tmp_path)

    assert backend.fetch("1").state == "PENDING"
    assert backend.fetch_group("1") is None
    backend.forget("1")
    backend.delete_group("1")
    backend.close()


def test_a_group_is_saved_where_no_worker_has_been(tmp_path: Path) -> None:
    backend = on_database(tmp_path, table_names={"group": "my_groups"})
    group = GroupResult[Any]("g", [AsyncResult("1", backend)])
    group.save()
    group.save()

    assert GroupResult.restore("g", backend) == group
    group.delete()
    assert GroupResult.restore("g", backend) is None
    backend.close()


def test_a_database_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    backend = on_database(tmp_path / "missing")
    with pytest.raises(BackendError, match="unable to open") as caught:
        AsyncResult[Any]("1", backend).get(0.2)

    assert caught.value.__cause__ is not None
