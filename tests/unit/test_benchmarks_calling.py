"""The benchmark of the calling API measures what it says, of messages that are equal. No test looks at a time."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks import calling, calling_sides, calling_texts
from benchmarks.calling_sides import (
    OPTIONS,
    Queue,
    Received,
    Side,
    celery_side,
    check_equal,
    check_message,
    check_sides,
    queue_on,
    satchel_side,
)
from benchmarks.measures import judged
from benchmarks.results import OURS, Run, raced
from benchmarks.values import Differs
from satchel.bench import timing
from satchel.message import bounded_repr

pytest.importorskip("celery")
pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def short_races(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "BATCH", 1e-6)
    monkeypatch.setattr(calling, "MANY", 1)


@pytest.fixture
def queue() -> Iterator[Queue]:
    with queue_on("memory://") as opened:
        yield opened


@contextmanager
def side_of(name: str, queue: Queue) -> Generator[Side, None, None]:
    with (satchel_side if name == OURS else celery_side)(queue) as side:
        yield side


def received(side: str, queue: Queue, field: str = "apply_async", **options: Any) -> Received:
    """What arrives of one side's call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calling_sides, "OPTIONS", {**OPTIONS, **options})
        with side_of(side, queue) as client:
            getattr(client, field)()
    return queue.take()


# The sides


@pytest.mark.parametrize("field", ["delay", "apply_async"])
def test_the_messages_of_both_sides_are_equal(queue: Queue, field: str) -> None:
    ours, theirs = received(OURS, queue, field), received("celery", queue, field)

    check_equal("a call", ours, theirs)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("countdown", 90), ("expires", 90), ("priority", 4), ("headers", {"tenant": 1}), ("time_limit", 299)),
        *(("soft_time_limit", 1), ("shadow", "refund"), ("ignore_result", False)),
    ],
)
def test_a_message_with_another_option_is_no_match(queue: Queue, option: str, value: Any) -> None:
    ours, theirs = received(OURS, queue, **{option: value}), received("celery", queue)

    with pytest.raises(Differs, match="a call"):
        check_equal("a call", ours, theirs)


@pytest.mark.parametrize("name", ["origin", "eta", "argsrepr", "stamps"])
def test_a_message_that_lacks_a_header_is_no_match(queue: Queue, name: str) -> None:
    ours, theirs = received(OURS, queue), received("celery", queue)
    del ours.headers[name]

    with pytest.raises(Differs, match="a call"):
        check_equal("a call", ours, theirs)


def test_a_side_that_sends_too_little_is_found(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_sides, "PATIENCE", 0.01)
    with satchel_side(queue) as ours, celery_side(queue) as theirs, pytest.raises(Differs, match="none came"):
        check_sides(ours._replace(hundred=ours.delay), theirs, queue)


def test_a_side_that_gives_another_id_is_found(queue: Queue) -> None:
    with satchel_side(queue) as ours, celery_side(queue) as theirs, pytest.raises(Differs, match="the ids"):
        check_sides(ours._replace(delay=lambda: ours.delay().upper()), theirs, queue)


def test_a_queue_leaves_nothing_behind(queue: Queue) -> None:
    kombu = pytest.importorskip("kombu")
    with queue_on("memory://") as other:
        name = other.name
        received(OURS, other)
        received("celery", other)
    with kombu.Connection("memory://") as connection:
        channel = connection.default_channel

        assert name != queue.name
        assert name not in channel.queues
        assert queue.name in channel.queues


# What is measured


def sent_here(side: str, queue: Queue) -> tuple[float, str]:
    """In place of another process, which would not share the memory."""
    with side_of(side, queue) as client:
        return 1.0, client.delay()


def test_every_measure_is_of_a_row_that_a_run_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_texts, "COUNT", 20)
    monkeypatch.setattr(calling, "first_send", sent_here)
    rows = [row for measured in (calling.memory_rows, calling.redis_rows) for row in measured(1, "memory://")]
    run = Run([*rows, *calling.amqp_rows(1, "memory://"), *calling.text_rows(1)])

    assert list(dict.fromkeys(verdict.measure.id for verdict in judged(run, calling.MEASURES))) == [
        f"C{n}" for n in range(1, 7)
    ]
    assert all(verdict.figure is not None for verdict in judged(run, calling.MEASURES))
    edges = {row.name for row in run.rows if row.sides.keys() == {OURS, "celery", "repr"}}
    assert edges == {"argsrepr of 10,000 values at the edges", "argsrepr of 10,000 values of every kind"}
    assert all({OURS, "celery"} == row.sides.keys() for row in run.rows if row.name not in edges)


@pytest.mark.parametrize("side", [OURS, "celery"])
def test_a_first_send_is_one_of_a_process_of_its_own(side: str, tmp_path: Path) -> None:
    with queue_on(f"sqla+sqlite:///{tmp_path / 'broker.sqlite'}") as shared:
        seconds, task_id = calling.first_send(side, shared)
        message = shared.take()

    check_message("a first send", message, task_id)
    assert seconds > 0
    assert message.headers["origin"].startswith("gen")
    assert f"gen{os.getpid()}@" not in message.headers["origin"]


def test_who_waits_for_a_broker_pays_for_it() -> None:
    own = timing.CLOCK
    with calling.wall_clock():
        within = timing.CLOCK

    assert within is time.perf_counter
    assert timing.CLOCK is own


def test_what_costs_at_most_a_share_is_seen_from_our_side() -> None:
    run = Run([raced("import and first send, RabbitMQ", {OURS: [3.0, 3.0], "celery": [4.0, 4.0]})])
    (verdict,) = (each for each in judged(run, calling.MEASURES) if each.figure)

    assert verdict.figure == pytest.approx((0.75, 0.75, 0.75))
    assert verdict.holds


# Texts


def test_the_values_are_the_same_each_time_and_of_every_kind() -> None:
    given = calling_texts.values(500)
    members = [member for value in given for member in (value.values() if isinstance(value, dict) else value)]
    kinds = {type(member).__name__ for member in members}

    # Not the texts, for the order of a set with a NaN in it is each time another one.
    assert [len(repr(value)) for value in given] == [len(repr(value)) for value in calling_texts.values(500)]
    assert kinds >= {"list", "tuple", "dict", "set", "frozenset", "str", "bytes", "int", "float", "bool", "NoneType"}
    assert kinds >= {"datetime", "date", "time", "timedelta", "Decimal", "UUID"}
    assert any(isinstance(member, str) and len(member) > 1024 for member in members)


def test_every_text_that_differs_is_printed_and_fails_the_run(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(calling_texts, "bounded_repr", lambda value: f"{bounded_repr(value)} and more")

    assert calling.main(["--only", "argsrepr", "--rounds", "1"]) == 1
    printed = capsys.readouterr().err
    assert "argsrepr and kwargsrepr of the call: 2 of 2 texts" in printed
    assert [f"value {number}: " in printed for number in range(3)] == [True, True, False]


# The command


def test_a_broker_that_does_not_answer_is_left_out_by_name(capsys: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        status = calling.main(["--only", "Redis", "--rounds", "1", "--redis", f"redis://127.0.0.1:{port}/0"])

    assert status == 0
    assert f"left out: Redis: no answer on 127.0.0.1:{port}" in capsys.readouterr().out


def test_the_command_prints_the_bounds_and_keeps_the_run(tmp_path: Path, capsys: Any) -> None:
    status = calling.main(["--only", "memory", "--rounds", "1", "--json", str(tmp_path / "run.json")])
    printed = capsys.readouterr().out
    kept = json.loads((tmp_path / "run.json").read_text())

    assert status == 0
    assert "C1  delay, memory, times as fast as celery: " in printed
    assert "(at least 8x): " in printed
    assert "C2" not in printed
    assert [row["name"] for row in kept["rows"]] == ["delay, memory", "apply_async with full options, memory"]
    assert {measure["id"] for measure in kept["measures"]} == {f"C{number}" for number in range(1, 7)}


def test_sides_that_differ_fail_the_run(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(
        calling,
        "check_sides",
        lambda ours, theirs, queue: check_sides(ours._replace(delay=ours.apply_async), theirs, queue),
    )

    assert calling.main(["--only", "memory", "--rounds", "1"]) == 1
    assert "the two sides differ: delay, memory" in capsys.readouterr().err
