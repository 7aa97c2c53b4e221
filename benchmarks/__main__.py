"""Satchel beside its peers and the raw libraries: every side's times, and the measures P1 to P13 with their bounds.

python -m benchmarks [--rounds N] [--only GROUP …] [--json FILE] [--markdown] [--from FILE]

The status is 0 unless two sides give back different values; `make bench-gate` is what fails on a slowdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import corpus, dictionaries, imports, memory, messages, packing, report, serializing, steps, threads
from benchmarks.measures import judged
from benchmarks.payloads import Payload, generated
from benchmarks.results import LIBRARIES, Run, load, save
from benchmarks.sides import FORMATS
from benchmarks.values import Differs
from satchel.bench.machine import machine, versions

#: Of the measures that start a process each, or threads.
RUNS = 20


def _payloads(run: Run) -> list[Payload]:
    try:
        return [*generated(), corpus.payload()]
    except corpus.Unavailable as error:
        run.left_out[corpus.NAME] = str(error)
        return generated()


def _serializers(run: Run) -> None:
    payloads = _payloads(run)
    for format_ in FORMATS:
        _tell(format_)
        rows, missing = serializing.rows(format_, payloads, run.rounds)
        run.rows.extend(rows)
        run.left_out.update(missing)
    run.rows.extend(serializing.plain_rows(run.rounds))


def _compressors(run: Run) -> None:
    rows, missing = packing.rows(run.rounds)
    run.rows.extend(rows)
    run.left_out.update(missing)


def _dictionaries(run: Run) -> None:
    try:
        run.rows.extend(dictionaries.rows(run.rounds))
    except ImportError as error:
        run.left_out["zstd with a dictionary"] = str(error)


def _messages(run: Run) -> None:
    run.rows.extend(messages.rows(run.rounds))


def _threads(run: Run) -> None:
    row, reason = threads.row(min(RUNS, run.rounds))
    if row is None:
        run.left_out["zstd on two threads"] = reason
    else:
        run.rows.append(row)


def _imports(run: Run) -> None:
    run.rows.extend(imports.rows(min(RUNS, run.rounds)))


def _memory(run: Run) -> None:
    rows, reason = memory.rows()
    run.rows.extend(rows)
    if reason:
        run.left_out["memory"] = reason


def _steps(run: Run) -> None:
    run.rows.extend(steps.rows(run.rounds))


GROUPS: dict[str, Callable[[Run], None]] = {
    "imports": _imports,
    "threads": _threads,
    "memory": _memory,
    "steps": _steps,
    "messages": _messages,
    "compressors": _compressors,
    "dictionaries": _dictionaries,
    "serializers": _serializers,
}


def measured(groups: list[str], rounds: int) -> Run:
    """Measure these groups.

    Raises:
        Differs: two sides give back different values.
    """
    run = Run(machine=machine(), versions=versions(LIBRARIES), rounds=rounds)
    for name in groups:
        _tell(name)
        GROUPS[name](run)
    return run


def _tell(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure, or read what was measured, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds (default 30)")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="these groups only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--from", dest="results", type=Path, metavar="FILE", help="print such results; measure nothing")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md")
    options = parser.parse_args(arguments)
    try:
        run = load(options.results) if options.results else measured(options.only, options.rounds)
    except Differs as error:
        print(f"the two sides differ: {error}", file=sys.stderr)
        return 1
    verdicts = judged(run)
    if options.json:
        save(run, options.json, measures=[verdict.plain() for verdict in verdicts])
    if options.markdown:
        print(report.markdown(run, verdicts))
        return 0
    print(report.text(run, verdicts, whole=len(options.only) == len(GROUPS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
