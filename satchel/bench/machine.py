"""Where a run runs: the machine, the libraries, and how steady it is."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from satchel.bench.results import Noise
from satchel.bench.timing import collector_off, timed

#: The spread and the drift of the fixed piece of work, up to which a machine counts as steady.
STEADY = 0.05
#: Calls of the fixed piece of work in one batch of some 5 ms.
_CALLS = 80

_TEXT = json.dumps([{"id": n, "name": f"order-{n:04}", "total": n / 8, "tags": ["new", None, True]} for n in range(20)])


def machine() -> dict[str, Any]:
    """What the figures depend on; no host name and no path."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": cores(),
    }


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor()


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """The versions of those distributions that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def fixed_work() -> None:
    """A piece of work that is the same in every run, some 60 µs, and like that of a codec: it reads and writes JSON."""
    json.dumps(json.loads(_TEXT))


def noise(times: Sequence[float]) -> Noise:
    """How steady the machine was, by the times of the fixed piece of work, in the order in which they were taken."""
    if len(times) < 4:
        return Noise(0.0, 0.0, stable=False)
    low, median, high = statistics.quantiles(times, n=4)
    half = len(times) // 2
    drift = statistics.median(times[half:]) / statistics.median(times[:half]) - 1
    spread = (high - low) / median
    return Noise(spread, drift, stable=spread <= STEADY and abs(drift) <= STEADY)


def observe(seconds: float) -> Noise:
    """Time the fixed piece of work, again and again, for so many seconds."""
    with collector_off():
        times = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            times.append(timed(fixed_work, _CALLS))
    return noise(times)
