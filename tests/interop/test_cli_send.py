"""`satchel send` and `satchel results` with stock Celery workers: results, failures, progress, interruptions."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from tests.interop.transports import missing
from tests.interop.workers import PATIENCE, Peer, Worker
from tests.unit.cli_run import COMMAND, Ended, environment, satchel

# By name: the broker, and what the worker is told beyond the broker's own settings.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "redis": ("redis", {"result_serializer": "json", "result_extended": True, "task_track_started": True}),
    "amqp-rpc": ("amqp", {"result_serializer": "json", "task_track_started": True}),
    "sqlite": ("sqlite", {"result_serializer": "msgpack", "result_accept_content": ["msgpack"]}),
}
STORED = ["redis", "sqlite"]
OF_THE_CLIENT = ("task_default_queue", "task_default_exchange", "task_default_routing_key", "result_serializer")
AS_JSON = (
    *("broker_transport_options", "result_backend_transport_options", "result_accept_content"),
    "task_queue_max_priority",
)


class Served(Worker):
    """A worker with the tasks of `calling_worker_app`, for clients that are commands."""

    application = "calling_worker_app"
    pool = "solo"

    def __init__(self, kind: str, folder: Path) -> None:
        transport, settings = KINDS[kind]
        Peer.__init__(self, transport, folder, **settings)

    @property
    def variables(self) -> dict[str, Any]:
        """The environment of a client."""
        given = {name: self.settings[name] for name in OF_THE_CLIENT}
        given |= {name: json.dumps(self.settings[name]) for name in AS_JSON if name in self.settings}
        return {f"CELERY_{name.upper()}": text for name, text in given.items()}

    @property
    def urls(self) -> list[str]:
        return ["--broker", self.settings["broker_url"], *self.backend]

    @property
    def backend(self) -> list[str]:
        return ["--backend", self.settings["result_backend"]]

    def send(self, task: str, *arguments: str) -> Ended:  # type: ignore[override]
        return satchel("send", f"calling.{task}", *self.urls, *arguments, **self.variables)

    def results(self, *arguments: str) -> Ended:
        return satchel("results", *self.backend, *arguments, **self.variables)


@pytest.fixture(scope="session")
def all_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    with contextlib.ExitStack() as stack:

        @cache
        def served(kind: str) -> Served:
            made = Served(kind, tmp_path_factory.mktemp(f"cli-{kind}"))
            stack.callback(made.close)
            stack.enter_context(made.running())
            return made

        yield served


@pytest.fixture
def served(kind: str, all_served: Callable[[str], Served], unavailable: Callable[[str], NoReturn]) -> Served:
    reason = missing(KINDS[kind][0])
    if reason is not None:
        unavailable(reason)
    return all_served(kind)


def on(*names: str) -> Any:
    params = [pytest.param(name, marks=pytest.mark.xdist_group(f"cli-{name}")) for name in names]
    return pytest.mark.parametrize("kind", params)


WAIT = f"--wait={PATIENCE}"


@on(*KINDS)
def test_result_of_a_stock_worker_is_printed(served: Served) -> None:
    by_place = served.send("add", "2", "2.5", WAIT)
    by_name = served.send("add", WAIT, "one=2", "other=-3")
    echoed = served.send("echo", '{"a": [1, null, "Zoë"]}', WAIT, "--json")

    assert (by_place.code, by_place.text) == (0, "4.5\n"), served.told()
    assert (by_name.code, by_name.text) == (0, "-1\n")
    assert json.loads(echoed.out)["result"] == {"a": [1, None, "Zoë"]}


@on(*KINDS)
def test_failure_in_a_stock_worker_is_its_traceback_and_exit_code_6(served: Served) -> None:
    own, custom = served.send("fail", "builtin", WAIT), served.send("fail", "custom", WAIT)

    assert (own.code, own.out) == (custom.code, custom.out) == (6, b"")
    for ended in (own, custom):
        sent, begin, *_ = ended.err.splitlines()
        assert sent.startswith("satchel: sent ")
        assert begin == "Traceback (most recent call last):"
        assert "in fail" in ended.err
    assert own.err.endswith("satchel: error: the task failed: ValueError('boom', 42)\n")
    assert custom.err.splitlines()[-1].startswith(
        "satchel: error: the task failed: calling_worker_app.OutOfStock('lamp'"
    )


@on(*KINDS)
def test_task_that_has_expired_is_revoked(served: Served) -> None:
    ended = served.send("add", "1", "1", "--countdown", "0.5", "--expires", "0.1", WAIT)

    assert ended.code == 6
    assert "satchel: error: the task was revoked: celery.exceptions.TaskRevokedError('expired')" in ended.err


@on(*KINDS)
def test_bar_moves_with_a_stock_worker(served: Served) -> None:
    ours, terminal = pty.openpty()
    command = [*COMMAND, "send", "calling.hello", *served.urls, "1", "1", "pause=0.5", "--wait"]
    variables = environment(**{"TERM": "xterm-256color", **served.variables})
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, env=variables, text=True)
    os.close(terminal)
    seen = b""
    with contextlib.suppress(OSError):  # The other end is closed.
        while part := os.read(ours, 65_536):
            seen += part
    os.close(ours)
    out, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, '"hello world: 2"\n')
    assert all(text in seen for text in (b"calling.hello PROGRESS", b"50%", b"90%"))


@on(*KINDS)
def test_compressed_and_otherwise_serialized_calls_are_run(served: Served) -> None:
    ended = served.send("echo", "x" * 10_000, "-s", "msgpack", "-c", "zlib", "--priority", "3", WAIT)

    assert (ended.code, ended.text) == (0, f'"{"x" * 10_000}"\n')


@on(*STORED)
def test_ctrl_c_leaves_the_task_running_and_its_result_is_found_again(served: Served) -> None:
    task_id = str(uuid4())
    command = [*COMMAND, "send", "calling.hello", *served.urls, "1", "1", "--task-id", task_id, "--wait"]
    variables = environment(**served.variables)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    again = err.strip().partition("look again: satchel ")[2].split()
    found = satchel(*again, WAIT, "--json", **served.variables)

    assert (process.returncode, out) == (130, "")
    assert again == ["results", task_id, *served.backend]
    assert (found.code, json.loads(found.out)["result"]) == (0, "hello world: 2")


@on(*STORED)
def test_results_of_several_tasks_are_waited_for_shown_and_deleted(served: Served) -> None:
    ids = [
        served.send(task, *arguments).text.strip()
        for task, *arguments in (("add", "1", "2"), ("fail", "builtin"), ("echo", "[]"))
    ]
    waited = served.results(*ids, WAIT, "--json", "--forget")
    after = served.results(*ids, "--json")

    states = [json.loads(line) for line in waited.text.splitlines()]
    assert waited.code == 6
    assert [state["state"] for state in states] == ["SUCCESS", "FAILURE", "SUCCESS"]
    assert [states[0]["result"], states[1]["raised"], states[2]["result"]] == [3, "ValueError('boom', 42)", []]
    assert "in fail" in states[1]["traceback"]
    assert all(state["done"] for state in states)
    assert [json.loads(line)["state"] for line in after.text.splitlines()] == ["PENDING"] * 3


@on(*STORED)
def test_children_of_a_task_are_shown(served: Served) -> None:
    parent = json.loads(served.send("parent", WAIT, "--json").out)
    child = served.results(parent["result"], WAIT, "--json")

    assert parent["children"] == [parent["result"]]
    assert (child.code, json.loads(child.out)["result"]) == (0, 2)


@on("redis")
def test_what_extended_results_hold_is_shown(served: Served) -> None:
    task_id = served.send("add", "1", "2").text.strip()
    ended = served.results(task_id, WAIT)

    assert ended.code == 0
    for name, text in {"name": "calling.add", "args": "[1,2]", "kwargs": "{}", "queue": served.place.name}.items():
        assert f"  {name.ljust(7)}  {text}\n" in ended.text


@on("amqp-rpc")
def test_queue_that_was_declared_otherwise_is_told_with_the_cure(served: Served) -> None:
    variables = {**served.variables, "CELERY_TASK_QUEUE_MAX_PRIORITY": ""}
    refused = satchel("send", "calling.add", *served.urls, "1", "1", **variables)

    assert (refused.code, refused.out) == (1, b"")
    assert "x-max-priority" in refused.err
    assert "the queue is there with other arguments: give the workers' own settings, such as --config" in refused.err
