"""``satchel compare``: two runs of the benchmark side by side, and a gate for CI."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from satchel.cli.outcome import FAILED, OK, UNSTABLE, one_line, usage
from satchel.cli.report import read_run
from satchel.cli.table import table

if TYPE_CHECKING:  # It imports what --help need not pay for.
    from satchel.bench.comparing import Difference
    from satchel.bench.conditions import Condition, Verdict
    from satchel.bench.results import Run


_EPILOG = """\
A and B are what `satchel bench --json FILE` wrote: A before a change, B after it.

Ratios are after / before. Times are compared relative to a fixed piece of work that was timed in the same rounds, so
that the machine's speed is not in them. A difference of times counts only if its interval (95 %, for all rows together)
excludes 1 and it is above 3 % and above 0.1 µs. Sizes of the same messages are exact: any difference counts. Memory
counts above 10 % and 256 KiB.

conditions of --fail-if: [ROW:]MEASURE OP NUMBER UNIT
  MEASURE  bytes, encode, decode, time (encode + decode), memory
  OP       >  >=  <  <=
  UNIT     %, or B kB KiB MB MiB GB GiB, or ns us µs ms s; of the growth from A to B
  It fails where the difference counts, too. [ROW:]missing fails where a row of A is not in B.

examples:
  satchel compare main.json branch.json
  satchel compare main.json branch.json --fail-if 'bytes>2%' --fail-if 'json:time>1us' --fail-if missing
  satchel bench samples/ --json - | satchel compare main.json - --fail-if 'time>10%' --strict

exit codes: 1: a condition fails; 2: usage; 3: a file is not a run; 5: with --strict, a run is unstable.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Compare two runs of the benchmark."
    parser.epilog = _EPILOG
    parser.add_argument("before", metavar="A", help="a run; one of the two may be - (standard input)")
    parser.add_argument("after", metavar="B", help="the run that is compared with it")
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="exit with 1 where it holds; may be repeated",
    )
    parser.add_argument("--all", action="store_true", help="show the differences that do not count, too")
    parser.add_argument("--json", action="store_true", help="a JSON object, with every difference")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 5 if a run was interrupted, or its machine not steady"
    )


def run(options: Namespace) -> int:
    """Compare."""
    from satchel.bench.comparing import compare, only, read, warnings

    if options.before == options.after == "-":
        raise usage("only one of A and B can be standard input")
    conditions = [_condition(text) for text in options.fail_if]
    before, after = read_run(options.before, read), read_run(options.after, read)
    found, gone, new = compare(before, after), only(before, after), only(after, before)
    verdicts = [_judged(condition, found, gone, new) for condition in conditions]
    told = warnings(before, after)
    if options.json:
        _print_json((before, after), found, (gone, new), verdicts, told)
    else:
        _print_table(found, show_all=options.all)
        for name, rows in ((options.before, gone), (options.after, new)):
            if rows:
                print(one_line(f"only in {_shown(name)}: {', '.join(rows)}", 2_000))
    sys.stdout.flush()
    for text in (*(f"warning: {text}" for text in told), *filter(None, map(_said, verdicts))):
        print(f"satchel: {one_line(text, 2_000)}", file=sys.stderr)
    if options.strict and not all(one.complete and one.noise.stable for one in (before, after)):
        print("satchel: --strict: a run is unstable; repeat it on a machine at rest", file=sys.stderr)
        return UNSTABLE
    return FAILED if any(verdict.failed for verdict in verdicts) else OK


def _condition(text: str) -> Condition:
    from satchel.bench.conditions import InvalidCondition, parse

    try:
        return parse(text)
    except InvalidCondition as error:
        raise usage(f"--fail-if {error}") from error


def _judged(condition: Condition, found: Sequence[Difference], gone: Sequence[str], new: Sequence[str]) -> Verdict:
    from satchel.bench.conditions import InvalidCondition, judge

    try:
        return judge(condition, found, gone, new)
    except InvalidCondition as error:
        raise usage(f"--fail-if {error}") from error


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name


def _said(verdict: Verdict) -> str:
    """What a user must know of a condition, or ""."""
    rows = [
        f"{one.name} {_value(one, one.before)} -> {_value(one, one.after)} ({_percent(one)})"
        for one in verdict.differences
    ]
    more = [f"and {len(rows) - 5} more rows"] if len(rows) > 5 else []
    why = verdict.why or "; ".join([*rows[:5], *more])
    return f"{'failed' if verdict.failed else 'passed'}: {verdict.condition.text}: {why}" if why else ""


def _print_table(found: Sequence[Difference], *, show_all: bool) -> None:
    shown = [one for one in found if show_all or one.counts]
    if shown:
        header = ("ROW", "MEASURE", "BEFORE", "AFTER", "RATIO", "INTERVAL", "COUNTS")
        print(table(header, map(_row, shown), right="BEFORE AFTER RATIO"), end="\n\n")
    counting, unknown = sum(one.counts for one in found), sum(not one.judged for one in found)
    print(f"{counting} of {len(found)} differences count.", end="")
    if unknown:
        print(f" Of {unknown} it is not known (--json says why).", end="")
    print("" if show_all or len(shown) == len(found) else " --all shows the others.")


def _row(one: Difference) -> tuple[str, ...]:
    interval = "" if one.low is None or one.high is None else f"{one.low:.3f} to {one.high:.3f}"
    before, after = _value(one, one.before), _value(one, one.after)
    counts = f"yes, {_percent(one)}" if one.counts else "no" if one.judged else "not known"
    note = f" ({one.note})" if one.note else ""
    return one_line(one.name, 60), one.measure, before, after, f"{one.ratio:.3f}", interval, counts + note


def _value(one: Difference, value: float) -> str:
    if one.measure == "memory":
        return f"{value / 1024:,.0f} KiB"
    return f"{value:,.1f} B" if one.measure == "bytes" else f"{value:,.2f} µs"


def _percent(one: Difference) -> str:
    return f"{one.ratio - 1:+.2%}"


def _print_json(
    runs: tuple[Run, Run],
    found: Sequence[Difference],
    only: tuple[Sequence[str], Sequence[str]],
    verdicts: Sequence[Verdict],
    told: Sequence[str],
) -> None:
    import json

    document = {
        "format": "satchel-compare-1",
        "before": _facts(runs[0]),
        "after": _facts(runs[1]),
        "differences": [_plain(one) for one in found],
        "only_before": only[0],
        "only_after": only[1],
        "conditions": [
            {
                "condition": verdict.condition.text,
                "failed": verdict.failed,
                "rows": [one.name for one in verdict.differences],
                "why": verdict.why,
            }
            for verdict in verdicts
        ],
        "warnings": told,
    }
    print(json.dumps(document, indent=2))


def _facts(one: Run) -> dict[str, Any]:
    return {
        "created": one.created,
        "satchel": one.satchel,
        "samples": one.samples.digest,
        "stable": one.noise.stable,
        "complete": one.complete,
    }


def _plain(one: Difference) -> dict[str, Any]:
    from math import isinf

    # JSON has no infinity.
    return {**one._asdict(), "ratio": None if isinf(one.ratio) else one.ratio, "judged": one.judged}
