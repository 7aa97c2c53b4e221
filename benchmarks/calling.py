"""Satchel's calling API beside Celery's: every side's times, and the measures C1 to C6 with their bounds.

python -m benchmarks.calling [--rounds N] [--only GROUP …] [--json FILE] [--redis URL] [--amqp URL]

Before a clock runs, messages of both sides are received from the broker and are the same, complete call; that stock
workers run ours is what tests/interop shows. Neither side has a result backend: at Redis's, Celery would subscribe with
each call. The status is 0 unless two sides differ.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import calling_texts, report
from benchmarks.calling_sides import (
    ARGS,
    KWARGS,
    TASK,
    Queue,
    Side,
    Unavailable,
    celery_side,
    check_equal,
    check_message,
    check_sides,
    queue_on,
    satchel_side,
    server,
)
from benchmarks.measures import Measure, judged
from benchmarks.results import OURS, Row, Run, raced, save
from benchmarks.values import Differs
from satchel.bench import timing
from satchel.bench.machine import machine, versions
from satchel.bench.timing import Samples, race
from satchel.message import bounded_repr

CELERY: Final = "celery"
#: Fresh processes of each side.
RUNS: Final = 120
#: Races of single calls have so many rounds for each that is asked for: many short ones, for a broker has its moods.
MANY: Final = 4
#: What is measured on every broker, by the field of `Side` that does it.
CALLS: Final = {"delay": "delay", "apply_async": "apply_async with full options"}
WITH_CONFIRMS: Final = {"confirm_publish": True}
WITHOUT_CONFIRMS: Final = {"confirm_publish": False}


def _faster(id_: str, where: str, bound: float) -> list[Measure]:
    return [Measure(id_, f"{what}, {where}", "faster", CELERY, "at least", bound) for what in CALLS.values()]


MEASURES: Final[tuple[Measure, ...]] = (
    *_faster("C1", "memory", 8),
    *_faster("C2", "RabbitMQ without confirms", 3),
    *_faster("C3", "Redis", 1.6),
    Measure("C4", "send_many of 100, Redis", "faster", CELERY, "at least", 8),
    Measure("C4", "send_many of 100 with confirms, RabbitMQ", "faster", CELERY, "at least", 2),
    Measure("C5", "import and first send, RabbitMQ", "cost", CELERY, "at most", 0.8),
    Measure("C6", "kwargsrepr of 10,000 calls of a shop", "faster", CELERY, "at least", 5),
    Measure("C6", "argsrepr of 10,000 arguments of the value model", "faster", CELERY, "at least", 5),
    Measure("C6", "argsrepr of 10,000 values that hypothesis makes", "faster", CELERY, "at least", 5),
    Measure("C6", "argsrepr of 10,000 values at the edges", "faster", CELERY, "at least", 5),
    Measure("C6", "argsrepr of 10,000 values of every kind", "faster", CELERY, "at least", 5),
)


def memory_rows(rounds: int, url: str) -> list[Row]:
    """One call at a time, with no broker behind it."""
    with queue_on(url) as queue, satchel_side(queue) as ours, celery_side(queue) as theirs:
        check_sides(ours, theirs, queue)
        return _calls("memory", queue, ours, theirs, rounds)


def redis_rows(rounds: int, url: str) -> list[Row]:
    """One call at a time, and a hundred."""
    with queue_on(url) as queue, satchel_side(queue) as ours, celery_side(queue) as theirs, wall_clock():
        check_sides(ours, theirs, queue)
        return [
            *_calls("Redis", queue, ours, theirs, rounds),
            _hundred("send_many of 100, Redis", queue, ours, theirs, rounds),
        ]


def amqp_rows(rounds: int, url: str) -> list[Row]:
    """One call at a time, without confirms and with, and a hundred: confirmed, beside Celery's that are not."""
    with (
        queue_on(url) as queue,
        satchel_side(queue, **WITHOUT_CONFIRMS) as ours,
        celery_side(queue, **WITHOUT_CONFIRMS) as theirs,
        satchel_side(queue, **WITH_CONFIRMS) as ours_confirmed,
        celery_side(queue, **WITH_CONFIRMS) as theirs_confirmed,
        wall_clock(),
    ):
        check_sides(ours, theirs, queue)
        check_sides(ours_confirmed, theirs_confirmed, queue)
        return [
            *_calls("RabbitMQ without confirms", queue, ours, theirs, rounds),
            *_calls("RabbitMQ with confirms", queue, ours_confirmed, theirs_confirmed, rounds),
            _hundred("send_many of 100 with confirms, RabbitMQ", queue, ours_confirmed, theirs, rounds),
            _first_send(queue, min(RUNS, 6 * rounds)),
        ]


def text_rows(rounds: int) -> list[Row]:
    """The texts of arguments that logs show, in microseconds for one.

    Raises:
        Differs: a text of Satchel's is not Celery's; with every one that is not.
    """
    theirs = calling_texts.celerys_text()

    def row(what: str, given: Sequence[Any], messages: int, **more: Callable[[Any], str]) -> Row:
        found = calling_texts.differences(given)
        if found:
            raise Differs("\n".join([f"{what}: {len(found)} of {len(given):,} texts", *found]))

        def all_of(text: Callable[[Any], str]) -> Callable[[], object]:
            return lambda: [text(value) for value in given]

        texts = {OURS: bounded_repr, CELERY: theirs, **more}
        samples = race({side: all_of(text) for side, text in texts.items()}, rounds=rounds)
        return raced(what, samples, messages=messages)

    count = calling_texts.COUNT
    # The names are those of the measures, whatever a test counts.
    return [
        row("argsrepr and kwargsrepr of the call", (ARGS, KWARGS), 1),
        row("kwargsrepr of 10,000 calls of a shop", calling_texts.of_calls(count), count),
        row("argsrepr of 10,000 arguments of the value model", calling_texts.arguments(count), count),
        row("argsrepr of 10,000 values that hypothesis makes", calling_texts.made_by_hypothesis(count), count),
        # Made to compare where texts end, and what is at the edges: most of the time is Python's own there.
        row("argsrepr of 10,000 values at the edges", calling_texts.at_the_edges(count), count, repr=repr),
        row("argsrepr of 10,000 values of every kind", calling_texts.values(count), count, repr=repr),
    ]


@contextmanager
def wall_clock() -> Generator[None, None, None]:
    """Time by the clock on the wall: who waits for a broker pays for it, which a thread's own time leaves out."""
    own = timing.CLOCK
    timing.CLOCK = time.perf_counter
    try:
        yield
    finally:
        timing.CLOCK = own


def _calls(where: str, queue: Queue, ours: Side, theirs: Side, rounds: int) -> list[Row]:
    def row(field: str, what: str) -> Row:
        jobs = {OURS: getattr(ours, field), CELERY: getattr(theirs, field)}
        return raced(f"{what}, {where}", race(jobs, rounds=MANY * rounds, after_round=queue.purge))

    return [row(field, what) for field, what in CALLS.items()]


def _hundred(name: str, queue: Queue, ours: Side, theirs: Side, rounds: int) -> Row:
    samples = race({OURS: ours.hundred, CELERY: theirs.hundred}, rounds=rounds, after_round=queue.purge)
    return raced(name, samples, messages=100)


# Fresh processes

_FIRST: Final = {
    OURS: "from satchel.calling import App\napp = App('benchmarks', broker={url!r}, task_default_queue={queue!r})",
    CELERY: "from celery import Celery\napp = Celery('benchmarks', broker={url!r})\n"
    "app.conf.task_default_queue = {queue!r}",
}
_PROGRAM: Final = """
import time
began = time.perf_counter()
{client}

@app.task(name={task!r})
def pay(order, customer, price, *, retry=None, note=""):
    pass

result = pay.delay(*{args!r}, **{kwargs!r})
print(time.perf_counter() - began, result.id)
"""


def _first_send(queue: Queue, runs: int) -> Row:
    """Import, application and first send, with each client's own settings: ours waits for the confirmation."""
    received = []
    for side in _FIRST:
        _, task_id = first_send(side, queue)
        message = queue.take()
        check_message(f"first send, {side}", message, task_id)
        received.append(message)
    check_equal("first send", *received)
    order, samples = random.Random(0), Samples({side: [] for side in _FIRST})
    for _ in range(runs):
        for side in order.sample(list(_FIRST), len(_FIRST)):
            samples[side].append(first_send(side, queue)[0] * 1e6)
        queue.purge()
    return raced("import and first send, RabbitMQ", samples)


def first_send(side: str, queue: Queue) -> tuple[float, str]:
    """Send the call in a process of its own; give the seconds from its first import on, and the task's id."""
    client = _FIRST[side].format(url=queue.url, queue=queue.name)
    program = _PROGRAM.format(client=client, task=TASK, args=ARGS, kwargs=KWARGS)
    # -I: neither the directory nor the environment adds modules.
    command = [sys.executable, "-I", "-c", program]
    told = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
    seconds, task_id = told.split()
    return float(seconds), task_id


# The command

GROUPS: Final = ("argsrepr", "memory", "Redis", "RabbitMQ")
#: What has a part in a call.
_LIBRARIES: Final = ("satchel", "celery", "kombu", "amqp", "redis", "orjson", "ormsgpack", "msgspec")


def measured(groups: list[str], rounds: int, urls: dict[str, str]) -> Run:
    """Measure these groups; a broker that does not answer is left out.

    Raises:
        Differs: two sides give or send something different.
    """
    run = Run(machine=machine(), versions=versions(_LIBRARIES), rounds=rounds)
    by_broker = {"memory": memory_rows, "Redis": redis_rows, "RabbitMQ": amqp_rows}
    for group in groups:
        print(f"… {group}", file=sys.stderr, flush=True)
        try:
            if group == "argsrepr":
                run.rows.extend(text_rows(rounds))
            else:
                run.rows.extend(by_broker[group](rounds, urls[group]))
                run.versions.update(server(group, urls[group]))
        except Unavailable as error:
            run.left_out[group] = str(error)
    return run


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    description = __doc__.partition("\n")[0] if __doc__ else ""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calling", description=description)
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds (default 30)")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="these groups only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--redis", metavar="URL", default="redis://127.0.0.1:6379/0", help="default %(default)s")
    parser.add_argument(
        "--amqp", metavar="URL", default="amqp://guest:guest@127.0.0.1:5672//", help="default %(default)s"
    )
    options = parser.parse_args(arguments)
    urls = {"memory": "memory://", "Redis": options.redis, "RabbitMQ": options.amqp}
    try:
        run = measured(options.only, options.rounds, urls)
    except Differs as error:
        print(f"the two sides differ: {error}", file=sys.stderr)
        return 1
    verdicts = judged(run, MEASURES)
    if options.json:
        save(run, options.json, measures=[verdict.plain() for verdict in verdicts])
    print(report.text(run, verdicts, whole=len(options.only) == len(GROUPS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
