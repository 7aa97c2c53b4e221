"""What a process pays before it sends its first message: fresh interpreters, beside one that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.results import Row
from satchel.bench.timing import Figure

#: Programs, and what is told of them. -I: neither the directory nor the environment adds modules.
PROGRAMS = {
    "import satchel": "import satchel",
    "first json encode": "import satchel; satchel.Pipeline(['json']).encode({'order': 'A17', 'total': 12.5})",
}


def rows(runs: int) -> list[Row]:
    """The least time of so many runs, less that of the bare interpreter, in milliseconds."""
    for program in PROGRAMS.values():
        _seconds(program)  # Compiles what has no bytecode yet.
    bare: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(runs):
        bare.append(_seconds("pass"))
        for name, program in PROGRAMS.items():
            times[name].append(_seconds(program))
    return [Row(name, figures={"ms": _beyond(each, bare)}) for name, each in times.items()]


def _beyond(times: list[float], bare: list[float]) -> Figure:
    # The least of each: whatever else the machine does only adds to it. The interval is between the halves of the runs.
    halves = [min(times[start::2]) - min(bare[start::2]) for start in (0, 1)] if len(times) > 1 else []
    least = min(times) - min(bare)
    return Figure(*(each * 1000 for each in (least, min([least, *halves]), max([least, *halves]))))


def _seconds(program: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", program], check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - began
