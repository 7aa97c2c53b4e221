"""Timing the finalists, in fresh processes one after another: what is steady within one differs between them.

Each is sent the work by its parent, and sends back the times, as pickles.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from satchel.bench import children
from satchel.bench.candidates import Candidate
from satchel.bench.machine import fixed_work
from satchel.bench.screening import check
from satchel.bench.timing import Job, race
from satchel.registry import Registry
from satchel.registry.registry import Dialect
from satchel.types import Encoded, Limits

#: How many processes time every finalist.
PROCESSES = 10
REFERENCE = ("", "a fixed piece of work")

Times: TypeAlias = dict[tuple[str, str], list[float]]
"""By a candidate's name and "encode" or "decode": microseconds a message, round by round. One is `REFERENCE`."""


class Work(NamedTuple):
    """What one process is to time.

    Attributes:
        candidates: all finalists.
        serializers: their serializers, as they are configured.
        dialect: of the registry that they are registered in.
        limits: of the pipelines.
        numbered: the messages, each with its number.
        rounds: how often.
        seconds: no further round begins after so long.
        seed: of the order within the rounds.
    """

    candidates: tuple[Candidate, ...]
    serializers: tuple[Any, ...]
    dialect: Dialect
    limits: Limits
    numbered: tuple[tuple[int, Any], ...]
    rounds: int
    seconds: float
    seed: int = 0


def raced(work: Work, processes: int) -> Iterator[Times]:
    """Time in so many processes, one after another. What cannot be sent to another process is timed in this one.

    Args:
        processes: how many; 0 for this one.

    Raises:
        ChildFailed: a process fails.
    """
    try:
        pickle.dumps(work)
    except Exception:  # noqa: BLE001 - a codec of an application's functions may raise anything
        processes = 0
    if processes == 0:
        yield timed(work)
    for number in range(processes):
        yield pickle.loads(children.run(__name__, pickle.dumps(work._replace(seed=number))))  # noqa: S301 - our own child


def timed(work: Work) -> Times:
    """Time every candidate, and the fixed piece of work, in shuffled rounds."""
    registry = Registry.of_dialect(work.dialect)
    for codec in work.serializers:
        registry = registry.with_serializer(codec, replace=True)
    fixed_work()
    jobs: dict[Any, Job] = {REFERENCE: fixed_work}
    for candidate in work.candidates:
        encode, decode = _jobs(candidate, registry, work)
        jobs[candidate.name, "encode"], jobs[candidate.name, "decode"] = encode, decode
    parent = os.getppid()
    times: dict[Any, list[float]] = race(
        jobs,
        rounds=work.rounds,
        seconds=work.seconds,
        fewest=1,
        seed=work.seed,
        warm=True,
        after_round=lambda _: children.end_with(parent),
    )
    count = len(work.numbered)
    return {key: took if key == REFERENCE else [time / count for time in took] for key, took in times.items()}


def _jobs(candidate: Candidate, registry: Registry, work: Work) -> tuple[Job, Job]:
    pipeline = candidate.pipeline(registry, work.limits)
    serializer, compression = candidate.serializer, candidate.compression
    values = [value for _, value in work.numbered]
    encoded = [pipeline.encode(value, serializer=serializer, compression=compression) for value in values]
    for (number, value), one in zip(work.numbered, encoded, strict=True):
        check(value, pipeline.decode(one), candidate.name, number)

    def encode(encode: Callable[..., Encoded] = pipeline.encode) -> None:
        for value in values:
            encode(value, serializer=serializer, compression=compression)

    def decode(decode: Callable[[Encoded], Any] = pipeline.decode) -> None:
        for one in encoded:
            decode(one)

    return encode, decode


def main() -> None:
    """Be one of the processes."""
    sys.stdout.buffer.write(pickle.dumps(timed(pickle.loads(sys.stdin.buffer.read()))))  # noqa: S301 - from the parent
