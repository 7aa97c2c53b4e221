"""The backends on their own: files, SQLite, a broker in memory, and a Redis that is not there."""

from __future__ import annotations

import json
import os
import pickle
import socket
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kombu.connection import Connection
from kombu.messaging import Producer

from satchel import ContentDisallowed, CorruptBody, LimitExceeded, Limits, MissingDependency
from satchel.calling.results import AsyncResult, Backend, BackendError, GroupResult, ResultTimeout, backend_for
from satchel.calling.results.backends import key_prefix, mailbox
from satchel.calling.results.backends.mailbox import Mailbox, Reply
from satchel.calling.results.backends.redis import redis_url


def stored(result: Any = 4, status: str = "SUCCESS", **fields: Any) -> bytes:
    return json.dumps({"status": status, "result": result, "traceback": None, "children": [], **fields}).encode()


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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:p%40ss@host:6379/1", "redis://:p%40ss@host:6379/1"),
        ("redis+socket:///tmp/redis.sock?virtual_host=/2", "unix:///tmp/redis.sock?db=2"),
        ("socket:///tmp/redis.sock", "unix:///tmp/redis.sock?db=0"),
        ("unix:///tmp/redis.sock?db=3", "unix:///tmp/redis.sock?db=3"),
        ("rediss://host/0?ssl_cert_reqs=CERT_REQUIRED", "rediss://host/0?ssl_cert_reqs=required"),
    ],
)
def test_celerys_urls_are_redis_pys(url: str, expected: str) -> None:
    assert redis_url(url) == expected


def test_a_backend_does_not_show_its_password() -> None:
    assert repr(backend_for("redis://:secret@host:6379/1")) == "RedisBackend(redis://host:6379/1)"
    assert "secret" not in repr(backend_for("db+postgresql://me:secret@host/x"))


@pytest.mark.parametrize("url", ["redis://me:secret@host:port", "db+sqlite+pysqlite://me:secret@host:port/x"])
def test_a_url_that_cannot_be_read_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BackendError, match=r"cannot be read.*%2F") as caught:
        AsyncResult[Any]("task", backend_for(url)).get()

    assert "secret" not in str(caught.value)


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


# rpc, on kombu's transport in memory


class Broker:
    def __init__(self) -> None:
        self.url = "memory://"
        self.connections = 0

    def connect(self) -> Connection:
        self.connections += 1
        return Connection(self.url, transport_options={"polling_interval": 0.01})

    def reply(self, backend: Backend, task_id: str | None, body: bytes, **options: Any) -> None:
        with self.connect() as connection:
            channel = connection.channel()
            backend.prepare(channel)
            Producer(channel).publish(
                body,
                exchange="",
                routing_key=backend.reply_to,
                correlation_id=task_id,
                **{"content_type": "application/json", "content_encoding": "utf-8", **options},
            )


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def rpc(broker: Broker) -> Iterator[Backend]:
    backend = backend_for("rpc://", connect=broker.connect)
    yield backend
    backend.close()


def test_replies_are_given_to_whom_they_are_for(broker: Broker, rpc: Backend) -> None:
    one, two = str(uuid4()), str(uuid4())
    broker.reply(rpc, two, stored(2))
    broker.reply(rpc, one, stored({"done": 1}, "PROGRESS"))
    broker.reply(rpc, one, stored(1))
    seen: list[str] = []

    assert AsyncResult[int](one, rpc).get(5, on_message=lambda body: seen.append(body["status"])) == 1
    assert seen == ["PROGRESS", "SUCCESS"]
    assert rpc.fetch(two).result == 2
    assert AsyncResult[int](one, rpc).get(0) == 1


def test_all_threads_wait_on_one_connection(broker: Broker, rpc: Backend) -> None:
    ids = [str(uuid4()) for _ in range(8)]
    values: dict[str, Any] = {}

    def wait(task_id: str) -> None:
        values[task_id] = AsyncResult[Any](task_id, rpc).get(20)

    threads = [threading.Thread(target=wait, args=(task_id,)) for task_id in ids]
    for thread in threads:
        thread.start()
    for number, task_id in enumerate(ids):
        broker.reply(rpc, task_id, stored(number))
    for thread in threads:
        thread.join()

    assert values == {task_id: number for number, task_id in enumerate(ids)}
    assert broker.connections == 1 + len(ids)


def test_a_compressed_reply_is_bounded(broker: Broker, rpc: Backend) -> None:
    bomb, fair, lying = (str(uuid4()) for _ in range(3))
    headers = {"headers": {"compression": "application/x-gzip"}}
    broker.reply(rpc, bomb, zlib.compress(b" " * 100_000_000), **headers)
    broker.reply(rpc, fair, zlib.compress(stored("x" * 1000)), **headers)
    broker.reply(rpc, lying, stored(), headers={"compression": "application/x-unknown"})

    with pytest.raises(LimitExceeded):
        rpc.fetch(bomb)
    with pytest.raises(ContentDisallowed):
        rpc.fetch(lying)
    assert rpc.fetch(fair).result == "x" * 1000


def test_a_reply_of_a_type_that_is_not_accepted_is_refused(broker: Broker, rpc: Backend) -> None:
    task_id = str(uuid4())
    body = pickle.dumps({"status": "SUCCESS"})
    broker.reply(rpc, task_id, body, content_type="application/x-python-serialize", content_encoding="binary")
    with pytest.raises(ContentDisallowed):
        AsyncResult[Any](task_id, rpc).get(5)


def test_a_broken_reply_does_not_hide_a_good_one_after_it(broker: Broker, rpc: Backend) -> None:
    task_id = str(uuid4())
    broker.reply(rpc, task_id, b"[1")
    with pytest.raises(CorruptBody):
        rpc.fetch(task_id)
    broker.reply(rpc, task_id, stored(4))

    assert rpc.fetch(task_id).result == 4


def test_a_reply_to_no_task_is_dropped(broker: Broker, rpc: Backend) -> None:
    task_id = str(uuid4())
    broker.reply(rpc, None, stored())
    broker.reply(rpc, task_id, stored(4))

    assert AsyncResult[int](task_id, rpc).get(5) == 4


@pytest.mark.parametrize(
    "payload",
    [
        {"body": "x"},
        {"body": "x", "properties": {}},
        {"body": "x", "properties": {"delivery_tag": "1", "correlation_id": ["x"]}},
        {"body": "x", "headers": 3, "properties": {"delivery_tag": "1", "correlation_id": "x"}},
        {"body": "x", "properties": {"delivery_tag": "1", "body_encoding": "rot13"}},
        [],
    ],
)
def test_what_is_no_message_does_not_keep_others_from_coming(broker: Broker, rpc: Backend, payload: Any) -> None:
    with broker.connect() as connection:
        channel = connection.channel()
        rpc.prepare(channel)
        channel._put(rpc.reply_to, payload)
    task_id = str(uuid4())
    broker.reply(rpc, task_id, stored(4))

    assert AsyncResult[int](task_id, rpc).get(10) == 4


def test_a_forgotten_reply_is_gone(broker: Broker, rpc: Backend) -> None:
    task_id = str(uuid4())
    broker.reply(rpc, task_id, stored())
    result = AsyncResult[int](task_id, rpc)
    result.get(5)
    result.forget()

    assert result.state == "PENDING"
    with pytest.raises(ResultTimeout):
        result.get(0)


def test_rpc_stores_no_groups(rpc: Backend) -> None:
    with pytest.raises(BackendError, match="groups"):
        GroupResult("g", [AsyncResult("1", rpc)]).save()


def test_a_broker_that_is_not_there_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"amqp://127.0.0.1:{free.getsockname()[1]}//"
        backend = backend_for("rpc://", connect=lambda: Connection(url, connect_timeout=1))
        with pytest.raises(BackendError, match="broker") as caught:
            AsyncResult[Any]("task", backend).get(0.2)
    backend.close()

    assert isinstance(caught.value.__cause__, OSError)


# What has arrived


def reply(body: bytes = b"x", *, again: bool = False) -> Reply:
    return Reply(body, ("application/json", "utf-8"), None, again)


def test_replies_are_kept_in_order_until_they_are_seen() -> None:
    mail = Mailbox()
    for body in (b"1", b"2"):
        mail.put("a", reply(body))
    first, seen = mail.after("a", 0)
    mail.put("a", reply(b"3"))
    then, seen = mail.after("a", seen)

    assert [each.body for each in first] == [b"1", b"2"]
    assert [each.body for each in then] == [b"3"]
    assert mail.after("a", seen) == ([], 3)
    assert mail.after("b", 0) == ([], 0)


def test_a_reply_that_is_delivered_again_is_the_same() -> None:
    mail = Mailbox()
    for each in (reply(b"1"), reply(b"1"), reply(b"1", again=True), reply(b"2", again=True)):
        mail.put("a", each)

    assert [each.body for each in mail.after("a", 0)[0]] == [b"1", b"1", b"2"]


def test_a_seen_end_goes_before_what_nobody_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_TASKS", 3)
    mail = Mailbox()
    for task in "abc":
        mail.put(task, reply())
    mail.settle("c", reply())
    mail.put("d", reply())

    assert [mail.last(task) is not None for task in "abcd"] == [True, True, False, True]


def test_nothing_comes_behind_an_end_that_was_seen() -> None:
    mail = Mailbox()
    for body in (b"end", b"started"):
        mail.put("a", reply(body))
    mail.settle("a", reply(b"end"))
    mail.put("a", reply(b"again"))

    assert mail.last("a") == reply(b"end")
    assert [each.body for each in mail.after("a", 0)[0]] == [b"end"]


def test_tasks_and_bytes_are_bounded_but_for_those_that_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_TASKS", 10)
    monkeypatch.setattr(mailbox, "MOST_BYTES", 1000)
    mail = Mailbox()
    mail.wait("mine", 1)
    mail.put("mine", reply())
    for number in range(100):
        mail.put(f"small {number}", reply())
    few = len(mail)
    for number in range(100):
        mail.put(f"large {number}", reply(b"x" * 400))
    kept = mail.last("mine")
    mail.wait("mine", -1)
    for number in range(100):
        mail.put(f"more {number}", reply(b"x" * 400))

    assert few <= 10
    assert len(mail) <= 3
    assert kept is not None
    assert mail.last("mine") is None


def test_the_states_of_one_task_are_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_STATES", 5)
    mail = Mailbox()
    for number in range(20):
        mail.put("a", reply(b"%d" % number))
    bodies, seen = mail.after("a", 3)

    assert [each.body for each in bodies] == [b"15", b"16", b"17", b"18", b"19"]
    assert seen == 20
