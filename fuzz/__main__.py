"""Fuzz the targets, two at a time, and end with a table; status 1 when something was found.

python -m fuzz [--seconds N | --runs N] [TARGET …]
python -m fuzz --reproduce TARGET FILE
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.seeds import ROOT, VECTORS
from fuzz.targets import TARGETS

BUILD = ROOT / "build" / "fuzz"
#: MiB by which a target's process may grow once it is warm: G6.
MOST_DRIFT = 5
#: Executions after which it must have been measured, though a run was cut by time: `WARM_UP`, and as many again.
MEASURED = 2_000
#: They are no codecs, and take far longer: a tenth of --runs is theirs.
COMMANDS = ("inspect", "decode")
HEADER = ("target", "executions", "per s", "values", "refusals", "drift MiB", "findings")


class Result(NamedTuple):
    """What became of one target.

    Attributes:
        row: of the table.
        finding: what was found, and how to see it again; or None.
    """

    row: tuple[str, ...]
    finding: str | None


def fuzz(name: str, options: argparse.Namespace) -> Result:
    """Fuzz one target in a process of its own."""
    corpus, report = BUILD / "corpus" / name, BUILD / "findings" / f"{name}.json"
    for folder in (corpus, report.parent):
        folder.mkdir(parents=True, exist_ok=True)
    for stale in report.parent.glob(f"{name}.*"):
        stale.unlink()
    log = BUILD / f"{name}.log"
    runs = options.runs // 10 if name in COMMANDS else options.runs
    limits = [str(options.seconds), str(runs), str(options.seed)]
    command = [sys.executable, "-W", "default", "-m", "fuzz.process", name, str(report), str(corpus), *limits]
    with open(log, "wb") as stderr:
        status = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            check=False,
        ).returncode
    told: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    found = _found(name, told, report, log, status) or _missing(name, told, status, cut=bool(options.seconds))
    print(f"{name}: {'FOUND SOMETHING' if found else 'done'}", file=sys.stderr, flush=True)
    return Result(_row(name, told, found), found)


def _found(name: str, told: dict[str, Any], report: Path, log: Path, status: int) -> str | None:
    text: str | None = told.get("found")
    if told and text is None:
        return None
    # What libFuzzer itself saw, a crash or a hang, is told by its own file.
    saved = [path for path in report.parent.glob(f"{name}.*") if path != report]
    end = text or f"it ended with status {status}: " + log.read_text(errors="replace")[-2_000:]
    again = f"python -m fuzz --reproduce {name} {os.path.relpath(saved[0])}" if saved else f"see {log}"
    return f"{name}: {end.rstrip()}\nreproduce it: {again}"


def _missing(name: str, told: dict[str, Any], status: int, *, cut: bool) -> str | None:
    """Say what a run lacks that reports no finding; one that is cut by time may be too short to measure memory."""
    done, drift = told["done"], told["drift"]
    if status:
        return f"{name}: it ended with status {status} after its report"
    if not done:
        return f"{name}: nothing was executed"
    if drift is None and not (cut and done < MEASURED):
        return f"{name}: memory was not measured in {done:,} executions; give it some thousands"
    if drift is not None and drift >= MOST_DRIFT:
        return f"{name}: memory grew by {drift:.1f} MiB"
    return None


def _row(name: str, told: dict[str, Any], found: str | None) -> tuple[str, ...]:
    if not told:
        return (name, "?", "?", "?", "?", "?", "1")
    done, values, drift = told["done"], told["values"], told["drift"]
    return (
        name,
        f"{done:,}",
        f"{done / max(told['seconds'], 0.001):,.0f}",
        f"{values:,}",
        f"{done - values:,}",
        "?" if drift is None else f"{drift:.2f}",
        "1" if found else "0",
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Lay a table out, the first column to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def reproduce(name: str, file: str) -> int:
    """Check one input again, without libFuzzer: a promise that is broken shows as its traceback."""
    came_out = TARGETS[name]().check(Path(file).read_bytes())
    print(f"{name}: {'a value' if came_out else 'refused'}: nothing is wrong")
    return 0


def main() -> int:
    """Fuzz."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the codecs, the pipeline, the commands.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=0, help="for each target; default 6, unless --runs is given")
    parser.add_argument("--runs", type=int, default=0, help="executions of each target, of a command a tenth")
    parser.add_argument("--seed", type=int, default=1, help="libFuzzer's; default 1")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("--reproduce", nargs=2, metavar=("TARGET", "FILE"), help="check one input again")
    options = parser.parse_args()
    if options.reproduce:
        return reproduce(*options.reproduce)
    unknown = set(options.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if find_spec("atheris") is None:
        parser.error("atheris is not installed: requirements/fuzz.txt; it has wheels for Linux alone")
    if not options.seconds and not options.runs:
        options.seconds = 6
    started = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda name: fuzz(name, options), options.targets or TARGETS))
    findings = [result.finding for result in results if result.finding]
    print(table([HEADER, *(result.row for result in results)]))
    seeds = "with" if VECTORS.is_dir() else "WITHOUT"
    seconds = time.monotonic() - started
    print(f"{len(results)} targets in {seconds:.0f} s, {seeds} the public vectors: {len(findings)} findings")
    for finding in findings:
        print(f"\n{finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
