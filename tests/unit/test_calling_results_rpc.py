"""The result backend rpc: on a broker in memory, one that is not there, and its mailbox on its own."""

from __future__ import annotations

import pickle
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from kombu.connection import Connection
from kombu.messaging import Producer

from satchel import ContentDisallowed, CorruptBody, LimitExceeded
from satchel.calling.results import AsyncResult, Backend, BackendError, GroupResult, ResultTimeout, backend_for
from satchel.calling.results.backends import mailbox
from satchel.calling.results.backends.inbox import Inbox
from satchel.calling.results.backends.mailbox import Mailbox, Reply
from tests.unit.calling import stored


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


def test_a_broken_reply_is_the_same_error_each_time_and_stays_its_own_tasks(broker: Broker, rpc: Backend) -> None:
    broken, other = AsyncResult[int](str(uuid4()), rpc), AsyncResult[int](str(uuid4()), rpc)
    broker.reply(rpc, other.id, stored({"done": 1}, "PROGRESS"))
    broker.reply(rpc, broken.id, b"[1")
    broker.reply(rpc, other.id, stored(2))
    errors: list[str] = []
    for timeout in (5, 0, 5):
        with pytest.raises(CorruptBody) as caught:
            broken.get(timeout)
        errors.append(str(caught.value))
    seen: list[str] = []

    assert len(set(errors)) == 1
    assert other.get(5, on_message=lambda body: seen.append(body["status"])) == 2
    assert seen == ["PROGRESS", "SUCCESS"]


@pytest.mark.parametrize("timeout", [0, 5])
def test_what_comes_behind_a_broken_reply_is_the_result(broker: Broker, rpc: Backend, timeout: float) -> None:
    result = AsyncResult[int](str(uuid4()), rpc)
    broker.reply(rpc, result.id, stored({"done": 1}, "PROGRESS"))
    broker.reply(rpc, result.id, b"[1")
    with pytest.raises(CorruptBody):
        result.get(5)
    broker.reply(rpc, result.id, stored(4))
    seen: list[str] = []

    assert result.get(timeout, on_message=lambda body: seen.append(body["status"])) == 4
    assert seen[-1] == "SUCCESS"


def test_a_broken_reply_is_told_though_the_broker_is_gone(
    broker: Broker, rpc: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = AsyncResult[int](str(uuid4()), rpc)
    broker.reply(rpc, result.id, b"[1")
    with pytest.raises(CorruptBody):
        result.get(5)

    def fail(self: Inbox, timeout: float) -> None:
        raise BackendError("gone")

    monkeypatch.setattr(Inbox, "receive", fail)
    with pytest.raises(CorruptBody):
        result.get(5)


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
