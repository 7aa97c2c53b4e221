"""Measuring what a decode costs, in a process of its own, which is forked for each case."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024

#: What measures needs /proc and fork.
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Cost(NamedTuple):
    """What one case did.

    Attributes:
        outcome: the name of the error's class; "" when there was none; "signal N" when the process was killed.
        detail: the error's text, or the repr of the value, shortened.
        peak: bytes by which the process's resident memory grew, at its highest.
        seconds: of the processor.
        stderr: what was written to standard error.
    """

    outcome: str
    detail: str
    peak: int
    seconds: float
    stderr: str


def measured(
    prepare: Callable[..., Callable[[], Any]],
    cases: Iterable[tuple[Any, ...]],
    *,
    address_space: int = 1024 * MIB,
    times: int = 1,
) -> list[Cost]:
    """Measure `prepare(*case)()` for each case, each in a fork of one small process.

    Args:
        prepare: a module's function, which makes things ready (imports, warm-up) and gives the work to measure.
        cases: arguments, which can be pickled. Bodies are among them: making one would leave free memory behind.
        address_space: bytes by which the process may grow; beyond, a MemoryError.
        times: measure each case so often, and give the least time, but the most memory: what else the machine does
            takes time of the processor too.
    """
    job = (prepare.__module__, prepare.__qualname__, list(cases), address_space, times)
    done = subprocess.run(
        [sys.executable, "-c", "from tests.hostile.child import serve; serve()"],
        input=pickle.dumps(job),
        capture_output=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr.decode()
    costs: list[Cost] = pickle.loads(done.stdout)
    return costs


def serve() -> None:
    """Measure the cases on standard input, and write their costs to standard output."""
    module, name, cases, address_space, times = pickle.load(sys.stdin.buffer)
    prepare = getattr(import_module(module), name)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    costs = []
    gc.collect()
    gc.freeze()  # Nothing of this process is looked at again by a fork's collector, which would copy its pages.
    for case in cases:
        if trim is not None:
            trim(0)  # What is free is given back, so that what a case takes shows.
        costs.append(_worst([_forked(prepare, case, address_space) for _ in range(times)]))
    sys.stdout.buffer.write(pickle.dumps(costs))


def _worst(costs: list[Cost]) -> Cost:
    # One that came out otherwise than the first is worth more than any figure.
    cost = next((each for each in costs if each.outcome != costs[0].outcome), costs[0])
    stderr = "".join(dict.fromkeys(each.stderr for each in costs))
    peak, seconds = max(each.peak for each in costs), min(each.seconds for each in costs)
    return cost._replace(peak=peak, seconds=seconds, stderr=stderr)


def _forked(prepare: Callable[..., Callable[[], Any]], case: tuple[Any, ...], address_space: int) -> Cost:
    reading, writing = os.pipe()
    # No second pipe: the child would wait for room in the one that is not being read.
    with tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if not pid:
            os.close(reading)
            os.dup2(errors.fileno(), 2)
            with open(writing, "wb") as pipe:
                pickle.dump(_cost(prepare, case, address_space), pipe)
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            answer = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        errors.seek(0)
        stderr = errors.read().decode(errors="replace")
    if status:
        killed = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit {status}"
        return Cost(killed, "", 0, 0.0, stderr)
    cost: Cost = pickle.loads(answer)
    return cost._replace(stderr=stderr)


def _cost(prepare: Callable[..., Callable[[], Any]], case: tuple[Any, ...], address_space: int) -> Cost:
    work = prepare(*case)
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + address_space,) * 2)
    before, started = _status("VmHWM"), time.process_time()
    outcome = ""
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is the outcome
        seconds, peak = time.process_time() - started, _status("VmHWM") - before
        outcome, detail = type(error).__name__, str(error)[:300]
    else:
        seconds, peak = time.process_time() - started, _status("VmHWM") - before
        detail = type(value).__name__
    return Cost(outcome, detail, peak, seconds, "")


def _status(field: str) -> int:
    # Not ru_maxrss: a child starts with its parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))
