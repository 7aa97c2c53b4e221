"""What stock Celery workers store as results is read, waited for, forgotten and listened to, whatever the backend."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from celery.result import GroupResult as StockGroup

from satchel.calling.results import (
    AsyncResult,
    Backend,
    GroupResult,
    RemoteTraceback,
    ResultTimeout,
    TaskError,
    TaskRevoked,
    backend_for,
)
from satchel.message import MessageBuilder
from tests.interop.transports import SERVERS, missing, release_messages, stage_messages
from tests.interop.workers import PATIENCE, Peer, Worker

# By name: the broker, and what the worker is told beyond the broker's own settings.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "redis": ("redis", {"result_serializer": "json", "result_extended": True, "task_track_started": True}),
    "redis-pickle": ("redis", {"result_serializer": "pickle", "result_compression": "zlib"}),
    "amqp-rpc": ("amqp", {"result_serializer": "json", "result_extended": True, "task_track_started": True}),
    "redis-rpc": ("redis", {"result_serializer": "json", "result_backend": "rpc://"}),
    "files": ("filesystem", {"result_serializer": "msgpack", "result_accept_content": ["msgpack", "json"]}),
    "sqlite": ("sqlite", {"result_serializer": "json", "result_extended": True, "task_track_started": True}),
    "sqlite-pickle": ("sqlite", {"result_serializer": "pickle"}),
}
STORED = [name for name in KINDS if "rpc" not in name]
REPLIED = [name for name in KINDS if "rpc" in name]
BUILDER = MessageBuilder()


class Caller(Worker):
    """A worker with the tasks of `calling_worker_app`, and our backend for its results."""

    application = "calling_worker_app"
    pool = "solo"

    def __init__(self, kind: str, folder: Path) -> None:
        transport, settings = KINDS[kind]
        Peer.__init__(self, transport, folder, **settings)
        self.backend = self.new_backend()
        self.sending = threading.Lock()
        if transport == "filesystem":
            stage_messages(self.app, self.place)

    def new_backend(self, **options: Any) -> Backend:
        broker = self.app.conf.broker_url
        return backend_for(
            options.pop("url", self.settings["result_backend"]),
            **{
                "serializer": self.settings["result_serializer"],
                "accept": self.settings["result_accept_content"],
                "transport_options": self.settings.get("result_backend_transport_options"),
                "exceptions": ["calling_worker_app:OutOfStock"],
                "connect": lambda: self.app.connection_for_read(broker),
                **options,
            },
        )

    def send_to(self, backend: Backend, task: str, *args: Any, **options: Any) -> AsyncResult[Any]:
        """Send one message, as the calling API does."""
        message = BUILDER.build(f"calling.{task}", args, reply_to=backend.reply_to, **options)
        queue = self.app.amqp.queues[self.place.name]
        with self.sending, self.app.producer_pool.acquire() as producer:
            backend.prepare(producer.channel)
            producer.publish(
                **message.publish_arguments(),
                exchange=queue.exchange,
                routing_key=queue.routing_key,
                declare=[queue],
            )
            if self.transport == "filesystem":
                release_messages(self.place)
        return AsyncResult(message.id, backend)

    def task(self, task: str, *args: Any, **options: Any) -> AsyncResult[Any]:
        return self.send_to(self.backend, task, *args, **options)

    def close(self) -> None:
        self.backend.close()
        super().close()


@pytest.fixture(scope="session")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Caller]]:
    with contextlib.ExitStack() as stack:

        @cache
        def caller(kind: str) -> Caller:
            made = Caller(kind, tmp_path_factory.mktemp(f"calling-{kind}"))
            stack.callback(made.close)
            stack.enter_context(made.running())
            return made

        yield caller


@pytest.fixture
def caller(kind: str, callers: Callable[[str], Caller], unavailable: Callable[[str], NoReturn]) -> Caller:
    reason = missing(KINDS[kind][0])
    if reason is not None:
        unavailable(reason)
    return callers(kind)


def on(*names: str) -> Any:
    params = [pytest.param(name, marks=pytest.mark.xdist_group(f"calling-{name}")) for name in names]
    return pytest.mark.parametrize("kind", params)


# The end of a task


@on(*KINDS)
def test_what_a_task_returned_is_got(caller: Caller) -> None:
    result = caller.task("add", 2, 3)

    assert result.get(PATIENCE) == 5
    assert (result.state, result.ready(), result.successful(), result.failed()) == ("SUCCESS", True, True, False)
    assert result.date_done is not None
    assert result.date_done.tzinfo is not None
    assert result.get(0) == 5


@on(*KINDS)
def test_a_result_of_many_kinds_of_values_is_what_the_task_was_given(caller: Caller) -> None:
    value = [1, -2.5, "h\u00e9llo \u2603", None, True, {"a": [1, {"b": "x" * 5000}]}, []]

    assert caller.task("echo", value).get(PATIENCE) == value


@on(*KINDS)
def test_an_exception_of_python_is_raised_with_the_workers_traceback(caller: Caller) -> None:
    result = caller.task("fail", "builtin")
    with pytest.raises(ValueError, match="boom") as caught:
        result.get(PATIENCE)

    assert caught.value.args == ("boom", 42)
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in fail" in str(caught.value.__cause__)
    assert (result.state, result.failed(), result.traceback) == ("FAILURE", True, caught.value.__cause__.text)


@on(*KINDS)
def test_without_propagate_the_exception_is_the_result(caller: Caller) -> None:
    error = caller.task("fail", "builtin").get(PATIENCE, propagate=False)

    assert (type(error), error.args) == (ValueError, ("boom", 42))


@on(*KINDS)
@pytest.mark.parametrize(
    ("exception", "name"),
    [("nested", "OutOfStock.Nested"), ("unpickleable", "Unpickleable")],
)
def test_an_exception_that_is_not_allow_listed_is_told(caller: Caller, exception: str, name: str) -> None:
    result = caller.task("fail", exception)
    with pytest.raises(TaskError, match="lamp") as caught:
        result.get(PATIENCE)

    assert (caught.value.exc_module, caught.value.exc_type) == ("calling_worker_app", name)
    assert "in fail" in (caught.value.traceback or "")
    assert "calling_worker_app" not in sys.modules


@on(*KINDS)
def test_an_exception_that_is_allow_listed_is_rebuilt(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = type("OutOfStock", (Exception,), {"__module__": "calling_worker_app", "__qualname__": "OutOfStock"})
    stand_in = type(sys)("calling_worker_app")
    stand_in.OutOfStock = renamed  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "calling_worker_app", stand_in)
    backend = caller.new_backend(exceptions=[renamed])
    try:
        with pytest.raises(renamed) as caught:
            caller.send_to(backend, "fail", "custom").get(PATIENCE)
    finally:
        backend.close()

    assert caught.value.args == ("lamp", {"left": 0})


@on(*KINDS)
def test_a_task_that_expired_is_revoked(caller: Caller) -> None:
    result = caller.task("add", 1, 1, expires=-10)
    with pytest.raises(TaskRevoked, match="expired"):
        result.get(PATIENCE)

    assert (result.state, result.failed()) == ("REVOKED", False)


# While it runs


@on(*KINDS)
def test_each_state_comes_once_and_the_final_one_last(caller: Caller) -> None:
    seen: list[dict[str, Any]] = []
    other = caller.task("hello", 5, 5, 0.2)
    result = caller.task("hello", 1, 1, 0.3)

    assert result.get(PATIENCE, interval=0.02, on_message=seen.append) == "hello world: 2"
    assert {body["task_id"] for body in seen} == {result.id}
    states = [(body["status"], body["result"]) for body in seen if body["status"] != "STARTED"]
    assert states == [
        ("PROGRESS", {"progress": 50}),
        ("PROGRESS", {"progress": 90}),
        ("SUCCESS", "hello world: 2"),
    ]
    assert all(list(body)[:5] == ["task_id", "status", "result", "traceback", "children"] for body in seen)
    assert other.get(PATIENCE) == "hello world: 10"


@on(*KINDS)
def test_the_final_state_comes_when_it_is_already_there(caller: Caller) -> None:
    first: list[dict[str, Any]] = []
    result = caller.task("add", 2, 2)
    result.get(PATIENCE, on_message=first.append)
    again: list[dict[str, Any]] = []
    AsyncResult[int](result.id, caller.backend).get(PATIENCE, on_message=again.append)

    assert [body["status"] for body in again] == ["SUCCESS"]
    assert again[-1] == first[-1]


@on("redis", "amqp-rpc", "sqlite")
def test_that_a_task_has_started_is_told_when_it_is_tracked(caller: Caller) -> None:
    seen: list[str] = []
    caller.task("hello", 1, 1, 0.2).get(PATIENCE, interval=0.02, on_message=lambda body: seen.append(body["status"]))

    assert seen == ["STARTED", "PROGRESS", "PROGRESS", "SUCCESS"]


@on(*KINDS)
def test_waiting_ends_when_the_time_is_over(caller: Caller) -> None:
    result = AsyncResult[Any](str(uuid4()), caller.backend)

    assert result.state == "PENDING"
    with pytest.raises(ResultTimeout, match=result.id):
        result.get(0.3)
    with pytest.raises(ResultTimeout):
        result.get(0)


@on(*KINDS)
def test_results_are_awaited_together(caller: Caller) -> None:
    async def both() -> list[Any]:
        results = [caller.task("add", number, 1) for number in range(12)]
        return list(await asyncio.wait_for(asyncio.gather(*results), PATIENCE))

    assert asyncio.run(both()) == list(range(1, 13))


@on(*KINDS)
def test_six_threads_that_live_briefly_get_their_results(caller: Caller) -> None:
    values: list[Any] = []

    def call(number: int) -> None:
        values.append(caller.task("add", number, number).get(PATIENCE))

    for number in range(3):
        thread = threading.Thread(target=call, args=(number,))
        thread.start()
        thread.join()
    threads = [threading.Thread(target=call, args=(number,)) for number in range(3, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(values) == [0, 2, 4, 6, 8, 10]


@on(*KINDS)
def test_a_thread_gets_what_another_has_sent(caller: Caller) -> None:
    sent: list[AsyncResult[Any]] = []
    sender = threading.Thread(target=lambda: sent.extend(caller.task("add", n, 0) for n in range(20)))
    sender.start()
    sender.join()

    assert GroupResult("all", sent).get(PATIENCE) == list(range(20))


# What else is stored


@on(*KINDS)
def test_a_result_that_was_forgotten_is_pending(caller: Caller) -> None:
    result = caller.task("add", 1, 2)
    result.get(PATIENCE)
    result.forget()

    assert result.state == "PENDING"
    result.forget()


@on("redis", "amqp-rpc", "sqlite")
def test_extended_results_say_what_was_called(caller: Caller) -> None:
    result = caller.task("add", 1, 2)
    result.get(PATIENCE)

    assert (result.name, list(result.args), result.kwargs) == ("calling.add", [1, 2], {})
    assert (result.retries, result.queue) == (0, caller.place.name)
    assert "@" in (result.worker or "")


@on(*STORED)
def test_the_tasks_that_a_task_has_called_are_its_children(caller: Caller) -> None:
    result = caller.task("parent")
    child = result.get(PATIENCE)

    assert [each.id for each in result.children] == [child]
    assert result.children[0].get(PATIENCE) == 2


@on(*STORED)
def test_a_group_is_restored(caller: Caller) -> None:
    results = [caller.task("add", number, 10) for number in range(4)]
    saved = GroupResult(str(uuid4()), results).save()
    restored = GroupResult.restore(saved.id, caller.backend)

    assert restored == saved
    assert restored is not None
    assert restored.get(PATIENCE) == [10, 11, 12, 13]
    assert (restored.completed_count(), restored.successful(), restored.waiting()) == (4, True, False)
    saved.delete()
    assert GroupResult.restore(saved.id, caller.backend) is None
    restored.forget()


@on("redis", "files", "sqlite", "redis-pickle")
def test_celery_restores_our_group_and_we_celerys(caller: Caller) -> None:
    results = [caller.task("add", number, 10) for number in range(2)]
    ours = GroupResult(str(uuid4()), results).save()
    stock = StockGroup(str(uuid4()), [caller.app.AsyncResult(each.id) for each in results], app=caller.app)
    stock.save(backend=caller.app.backend)
    restored = caller.app.GroupResult.restore(ours.id)

    assert [each.id for each in restored.results] == [each.id for each in results]
    assert GroupResult.restore(stock.id, caller.backend) == GroupResult(stock.id, results)
    ours.delete()
    stock.delete(backend=caller.app.backend)


# Connections that break


class Proxy:
    """Stands between a client and a server; `cut` ends all connections, and `up` says whether new ones are taken."""

    def __init__(self, port: int) -> None:
        self.up = True
        self._target = ("127.0.0.1", port)
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.up:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@on("redis", "amqp-rpc")
def test_a_connection_that_breaks_while_waiting_is_renewed(caller: Caller) -> None:
    proxy = Proxy(SERVERS[caller.transport][1])
    url = caller.settings["result_backend"].replace("6379", str(proxy.port))
    broker = caller.app.conf.broker_url.replace("5672", str(proxy.port))
    backend = caller.new_backend(url=url, connect=lambda: caller.app.connection_for_read(broker))
    seen: list[Any] = []

    def told(body: dict[str, Any]) -> None:
        seen.append(body["result"])
        if body["status"] == "PROGRESS" and body["result"]["progress"] == 50:
            proxy.up = False
            proxy.cut()
            threading.Timer(0.2, setattr, (proxy, "up", True)).start()

    try:
        result = caller.send_to(backend, "hello", 1, 1, 0.6)
        assert result.get(PATIENCE, on_message=told) == "hello world: 2"
    finally:
        backend.close()
        proxy.close()

    assert [each for each in seen if not (isinstance(each, dict) and "pid" in each)] == [
        {"progress": 50},
        {"progress": 90},
        "hello world: 2",
    ]


# Replies


@on(*REPLIED)
def test_a_process_that_was_forked_has_a_queue_of_its_own(caller: Caller) -> None:
    assert caller.task("add", 1, 1).get(PATIENCE) == 2
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            # A broker connection of its own too: the pool of the stock application is its parent's.
            caller.app.pool.force_close_all = lambda *_: None
            caller.app._pool = None
            with caller.app.connection_for_write() as connection:
                message = BUILDER.build("calling.add", (20, 22), reply_to=caller.backend.reply_to)
                channel = connection.channel()
                caller.backend.prepare(channel)
                queue = caller.app.amqp.queues[caller.place.name]
                connection.Producer(channel).publish(
                    **message.publish_arguments(), exchange=queue.exchange, routing_key=queue.routing_key
                )
            got = AsyncResult[int](message.id, caller.backend).get(PATIENCE)
            os.write(writer, f"{got} {caller.backend.reply_to}".encode())
            caller.backend.close()
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as answer:
        value, _, queue = answer.read().partition(" ")
    os.waitpid(child, 0)

    assert (value, queue != caller.backend.reply_to) == ("42", True)
    assert caller.task("add", 2, 2).get(PATIENCE) == 4


@on("amqp-rpc")
def test_replies_that_came_while_the_connection_was_cut_are_not_lost(caller: Caller) -> None:
    assert caller.task("add", 1, 1).get(PATIENCE) == 2
    inbox: Any = caller.backend._inbox  # type: ignore[attr-defined]
    inbox._line._made.transport.sock.close()
    results = [caller.task("add", number, 1) for number in range(5)]

    assert [result.get(PATIENCE) for result in results] == [1, 2, 3, 4, 5]


@on(*REPLIED)
def test_the_queue_for_replies_is_gone_when_the_backend_is_closed(caller: Caller) -> None:
    backend = caller.new_backend()
    assert caller.send_to(backend, "add", 1, 1).get(PATIENCE) == 2
    queue = backend.reply_to
    backend.close()

    with caller.app.connection_for_read() as connection:
        channel = connection.channel()
        if caller.transport == "amqp":
            with pytest.raises(connection.channel_errors, match="NOT_FOUND"):
                channel.queue_declare(queue, passive=True)
        else:
            assert channel._size(queue) == 0
