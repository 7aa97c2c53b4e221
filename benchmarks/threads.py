"""Two threads on the zstd compressor alone, beside one that does the same number of bodies."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence

from benchmarks.payloads import SEED, message
from benchmarks.results import Row
from satchel import Zstd
from satchel.bench.machine import cores
from satchel.bench.timing import figure

#: Bodies per thread and round: some 20 ms.
BODIES = 800
LIMIT = 16 * 1024 * 1024
#: Work that never waits for another thread goes this much faster on two cores that are free.
FREE = 1.7


def row(rounds: int) -> tuple[Row | None, str]:
    """The row; or None and why there is none."""
    if cores() < 2:
        return None, "one core"
    codec = Zstd()
    body = message(random.Random(SEED), 10_500)

    def work(bodies: int) -> None:
        for _ in range(bodies):
            codec.decompress(codec.compress(body), max_size=LIMIT)

    free = figure(speedups(_hash, 60, rounds))
    if free.value < FREE:
        return None, f"two cores are not free: plain hashing is {free.value:.2f} times as fast on two threads"
    found = figure(speedups(work, BODIES, rounds))
    return Row("zstd on two threads, 10 KB", figures={"times one thread": found, "times one thread, hashing": free}), ""


def speedups(work: Callable[[int], None], amount: int, rounds: int) -> Sequence[float]:
    """How many times as fast two threads do `amount` each as one does all of it, round by round."""
    _ = _on_threads(work, amount, 2)
    return [_on_threads(work, 2 * amount, 1) / _on_threads(work, amount, 2) for _ in range(rounds)]


def _on_threads(work: Callable[[int], None], amount: int, count: int) -> float:
    start = threading.Barrier(count + 1)

    def run() -> None:
        start.wait()
        work(amount)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _hash(amount: int) -> None:
    # hashlib lets other threads run.
    block = bytes(512 * 1024)
    for _ in range(amount):
        hashlib.sha256(block).digest()
