"""One target under libFuzzer, in this process: ``python -m fuzz.process TARGET REPORT CORPUS SECONDS RUNS SEED``.

A REPORT is a JSON file. The process ends by itself after so many seconds or executions, or at the first finding.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from random import Random
from typing import Any, NoReturn

#: Seconds that one input may take, on a busy machine.
HANGS = 20
#: Executions and parts of the whole after which memory should not grow any more.
WARM_UP = 1_000
WARM_SHARE = 0.25
MIB = 1024 * 1024


class Run:
    """Counts executions, and ends the process.

    Args:
        check: the target's.
        report: where to write what was counted, or found.
        seconds, runs: when to end, whichever comes first; 0 is never.
    """

    def __init__(self, check: Callable[[bytes], bool], report: Path, seconds: float, runs: int) -> None:
        self._check = check
        self._report = report
        self._seconds = seconds
        self._runs = runs
        self._started = time.monotonic()
        self._done = self._values = 0
        self._warm: int | None = None

    def one(self, data: bytes) -> None:
        """Check one input."""
        written = os.fstat(2).st_size
        try:
            self._values += self._check(data)
        except BaseException:  # noqa: BLE001  # whatever a promise did not allow
            self._end(data, traceback.format_exc())
        self._done += 1
        if os.fstat(2).st_size != written:
            self._end(data, "something was written to standard error")
        if self._done % 256 == 0 or self._done == self._runs:
            self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        passed = time.monotonic() - self._started
        share = max(passed / self._seconds if self._seconds else 0, self._done / self._runs if self._runs else 0)
        if self._warm is None and WARM_SHARE <= share < 1 and self._done >= WARM_UP:
            self._warm = self._resident()
        if share >= 1:
            self._end(None, None)

    def _resident(self) -> int:
        """Give the bytes that this process holds, without what is free."""
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def _end(self, data: bytes | None, found: str | None) -> NoReturn:
        drift = (self._resident() - self._warm) / MIB if self._warm is not None else None
        seconds = time.monotonic() - self._started
        told = {"done": self._done, "values": self._values, "seconds": seconds, "drift": drift, "found": found}
        if data is not None:
            self._report.with_suffix(".input").write_bytes(data)
        self._report.write_text(json.dumps(told))
        # Not by an exception: libFuzzer would report it a second time, and not end.
        os._exit(0)


def main(name: str, report: str, corpus: str, seconds: str, runs: str, seed: str) -> None:
    """Fuzz a target until the end."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["satchel"], exclude=["satchel.testing", "satchel.cli.demo"]):
        import satchel

        for module in walk_packages(satchel.__path__, "satchel."):
            if "testing" not in module.name and "__main__" not in module.name:
                import_module(module.name)
    from fuzz.seeds import LONGEST
    from fuzz.targets import TARGETS

    target = TARGETS[name]()
    for body in target.seeds:
        if len(body) <= LONGEST:
            (Path(corpus) / hashlib.sha256(body).hexdigest()[:40]).write_bytes(body)
    run = Run(target.check, Path(report), float(seconds), int(runs))

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if random.getrandbits(1):
            return bytes(target.mutate(data, longest, random, atheris.Mutate))[:longest]
        return bytes(atheris.Mutate(data, longest))

    options = [f"-max_len={LONGEST}", f"-timeout={HANGS}", "-rss_limit_mb=2048", "-verbosity=0", f"-seed={seed}"]
    artifacts = f"-artifact_prefix={Path(report).with_suffix('')}."
    atheris.Setup([sys.argv[0], *options, artifacts, "-runs=-1", corpus], run.one, custom_mutator=mutate)
    # What asks for more than a GiB is a finding, though the system might grant it: a MemoryError is no DecodeError.
    with open("/proc/self/statm") as statm:
        room = int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE") + 1024 * MIB
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
