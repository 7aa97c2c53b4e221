"""A stock Celery worker honours the options of our messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded, TaskRevokedError, TimeLimitExceeded

from satchel.message import MessageBuilder
from tests.interop.grid import PROTOCOLS
from tests.interop.grid_run import GridRun
from tests.interop.transports import TRANSPORTS, on
from tests.interop.workers import BUILDER, PATIENCE, Worker

SERVERS = ("amqp", "redis")

protocols = pytest.mark.parametrize("protocol", PROTOCOLS, ids="protocol{}".format)


def request(worker: Worker, *args: Any, builder: MessageBuilder = BUILDER, **options: Any) -> dict[str, Any]:
    """Give what a task saw of the message that called it."""
    state, value = worker.outcome(worker.call("request", *args, builder=builder, **options))
    assert state == "SUCCESS", value
    return dict(value)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


# When it runs


@protocols
@pytest.mark.parametrize("wait", ["countdown", "eta"])
@on(*TRANSPORTS)
def test_a_task_does_not_run_before_its_time(worker: Worker, wait: str, protocol: Any) -> None:
    due = datetime.now(timezone.utc) + timedelta(seconds=0.8)
    options: dict[str, Any] = {"countdown": 0.8} if wait == "countdown" else {"eta": due}
    message = worker.call("started", builder=MessageBuilder(protocol=protocol), **options)
    state, started = worker.outcome(message)

    assert state == "SUCCESS"
    assert started >= due.timestamp()


@protocols
@on(*TRANSPORTS)
def test_a_task_that_is_expired_is_revoked(worker: Worker, protocol: Any) -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    message = worker.call("started", builder=MessageBuilder(protocol=protocol), expires=past)
    state, error = worker.outcome(message)

    assert (state, type(error), str(error)) == ("REVOKED", TaskRevokedError, "expired")


@on(*TRANSPORTS)
def test_a_task_that_is_not_expired_runs(worker: Worker) -> None:
    # Fractions of a second count, and so do offsets from UTC.
    end = datetime.now(timezone(timedelta(hours=-9, minutes=-30))) + timedelta(seconds=60.5)

    assert worker.outcome(worker.call("add", 1, 2, expires=end)) == ("SUCCESS", 3)


@on("amqp")
def test_the_broker_drops_a_message_at_its_expiration(worker: Worker) -> None:
    queue = f"{worker.place.name}-unconsumed"
    with worker.app.connection_for_write() as connection:
        channel = connection.default_channel
        channel.queue_declare(queue, auto_delete=False)
        try:
            producer = connection.Producer()
            producer.publish(**MessageBuilder().build("t", expiration=0.05).publish_arguments(), routing_key=queue)
            producer.publish(**MessageBuilder().build("kept").publish_arguments(), routing_key=queue)
            time.sleep(0.5)
            first = channel.basic_get(queue, no_ack=True)
        finally:
            channel.queue_delete(queue)

    assert first.headers["task"] == "kept"


# What follows


@protocols
@on(*TRANSPORTS)
def test_a_link_is_run_with_the_result(worker: Worker, protocol: Any) -> None:
    following = worker.signature("add", 10)
    message = worker.call("add", 1, 2, builder=MessageBuilder(protocol=protocol), link=following)

    assert worker.outcome(message) == ("SUCCESS", 3)
    assert worker.outcome(following) == ("SUCCESS", 13)


@protocols
@on(*TRANSPORTS)
def test_a_link_error_is_run_with_the_id_of_what_failed(worker: Worker, protocol: Any) -> None:
    message = worker.call("fail", builder=MessageBuilder(protocol=protocol), link_error=worker.signature("touch"))
    state, error = worker.outcome(message)

    assert (state, repr(error)) == ("FAILURE", "KeyError('no')")
    # Celery names no result of such a task.
    assert eventually((worker.place.folder / message.id).exists), worker.told()


@on(*TRANSPORTS)
def test_a_chain_runs_in_its_order(worker: Worker) -> None:
    second, third = worker.signature("echo", "second"), worker.signature("echo", kwargs={"k": "third"})
    worker.call("echo", "first", chain=[second, third])

    # Each gets the result of the one before it as its first argument.
    assert worker.outcome(second) == ("SUCCESS", (([["first"], {}], "second"), {}))
    assert worker.outcome(third) == ("SUCCESS", (([[[["first"], {}], "second"], {}],), {"k": "third"}))


@on(*SERVERS)
def test_signatures_of_celerys_own_are_taken(worker: Worker) -> None:
    following = worker.app.signature("worker_app.add", (10,)).set(task_id=str(uuid4()), reply_to=worker.reply_to)
    message = worker.call("add", 1, 2, link=following)

    assert worker.outcome(message) == ("SUCCESS", 3)
    assert worker.outcome(following) == ("SUCCESS", 13)


@protocols
@on("redis")
def test_the_body_of_a_chord_is_run_when_its_header_is(worker: Worker, protocol: Any) -> None:
    group, body = str(uuid4()), worker.signature("echo")
    worker.app.backend.set_chord_size(group, 3)  # A client's part, told to the result backend.
    builder = MessageBuilder(protocol=protocol)
    for index in (2, 0, 1):
        worker.call("add", index, 10, builder=builder, group_id=group, group_index=index, chord=body)
    state, value = worker.outcome(body)

    assert state == "SUCCESS", value
    (results,), _ = value
    # Celery 5 takes no group_index from protocol 1: there, the order is any.
    assert (results if protocol == 2 else sorted(results)) == [10, 11, 12]


# How it runs


@on(*TRANSPORTS)
def test_a_body_too_short_to_be_compressed_is_run(worker: Worker) -> None:
    message = worker.call("add", 1, 2, builder=MessageBuilder(compression="zstd", serializer="msgpack"))

    assert "compression" not in message.headers
    assert worker.outcome(message) == ("SUCCESS", 3)


@protocols
@pytest.mark.parametrize(
    ("options", "error"),
    [({"soft_time_limit": 0.5, "time_limit": 30}, SoftTimeLimitExceeded), ({"time_limit": 1}, TimeLimitExceeded)],
    ids=["soft", "hard"],
)
@on(*SERVERS)
def test_a_time_limit_ends_a_task(worker: Worker, options: Any, error: Any, protocol: Any) -> None:
    state, raised = worker.outcome(worker.call("sleep", 60, builder=MessageBuilder(protocol=protocol), **options))

    assert (state, type(raised)) == ("FAILURE", error)


@on(*TRANSPORTS)
def test_no_result_is_stored_when_it_is_ignored(worker: Worker, tmp_path: Path) -> None:
    message = worker.call("touch", str(tmp_path / "ran"), ignore_result=True)

    assert eventually((tmp_path / "ran").exists), worker.told()
    # The worker does one thing after another: when it has done this, it has ended that.
    assert worker.outcome(worker.call("add", 1, 2)).state == "SUCCESS"
    assert worker.app.AsyncResult(message.id).state == "PENDING"


@on("amqp", "redis")
def test_messages_are_taken_by_priority(grid_run: GridRun) -> None:
    # AMQP's highest is 255; with Redis, kombu takes the lowest number first.
    expected = [9, 5, 0] if grid_run.worker.transport == "amqp" else [0, 5, 9]
    started = {priority: grid_run.worker.outcome(message).value for priority, message in grid_run.ranked.items()}

    assert sorted(started, key=lambda priority: started[priority]) == expected


# What it sees


@on(*TRANSPORTS)
def test_a_task_sees_what_its_message_says(worker: Worker) -> None:
    said: dict[str, Any] = {
        "root_id": "the-root",
        "parent_id": "the-parent",
        "group_index": 4,
        "retries": 2,
        "shadow": "shown as this",
        "argsrepr": "(what, I, say)",
        "kwargsrepr": "{and: this}",
        "origin": "me@here",
        "replaced_task_nesting": 3,
        "correlation_id": str(uuid4()),
    }
    options: dict[str, Any] = {
        "task_id": said["correlation_id"],  # For rpc finds a result by the correlation id.
        "group": "the-group",
        "priority": 3,
        "time_limit": 20,
        "soft_time_limit": 10.5,
        "stamps": {"who": "us"},
        "headers": {"mine": {"a": [1, None]}},
    }
    message = worker.call("request", **said, **options)
    seen = worker.outcome(message).value

    assert {name: seen[name] for name in said} == said
    assert (seen["id"], seen["group"], seen["reply_to"]) == (message.id, "the-group", worker.reply_to)
    assert list(seen["timelimit"]) == [20, 10.5]
    assert (seen["stamped_headers"], seen["stamps"]) == (["who"], {"who": "us"})
    assert seen["mine"] == seen["headers"]["mine"] == {"a": [1, None]}
    assert seen["delivery_info"]["priority"] == 3


@on(*TRANSPORTS)
def test_a_task_of_protocol_1_sees_what_its_message_says(worker: Worker) -> None:
    builder = MessageBuilder(protocol=1)
    said = {"retries": 2, "group": "the-group"}  # Celery 5 does not look for a group_index here.
    seen = request(worker, builder=builder, **said, time_limit=20, headers={"mine": [1]}, priority=3)

    assert {name: seen[name] for name in said} == said
    assert list(seen["timelimit"]) == [20, None]
    assert seen["delivery_info"]["priority"] == 3


@on(*TRANSPORTS)
def test_a_message_is_its_own_root_by_default(worker: Worker) -> None:
    message = worker.call("request")
    seen = worker.outcome(message).value

    assert (seen["id"], seen["root_id"], seen["correlation_id"]) == (message.id,) * 3
    assert (seen["parent_id"], seen["group"], seen["retries"], seen["ignore_result"]) == (None, None, 0, False)
    assert seen["origin"] == message.headers["origin"]


@on(*TRANSPORTS)
def test_a_redacted_value_is_not_shown_to_a_worker(worker: Worker) -> None:
    secrets = {"password": "hunter2", "n": 1}
    message = MessageBuilder(redact={"password"}).build(
        "worker_app.request", (secrets,), secrets, reply_to=worker.reply_to
    )
    worker.send(message)
    seen = worker.outcome(message).value

    assert seen["argsrepr"] == "({'password': '***', 'n': 1},)"
    assert seen["kwargsrepr"] == "{'password': '***', 'n': 1}"


@on("redis", "filesystem")
def test_a_worker_logs_no_arguments_that_are_turned_off(worker: Worker) -> None:
    seen = request(worker, "a secret", builder=MessageBuilder(reprs=False))

    assert (seen["argsrepr"], seen["kwargsrepr"]) == ("...", "...")
