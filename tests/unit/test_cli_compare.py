"""`satchel compare`: the table, the JSON, the gate and its exit codes."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from satchel.bench.results import Noise, Run, to_json
from satchel.cli import COMMANDS, compare, main, report
from satchel.cli.outcome import Failure
from tests.unit.comparing_runs import SIZES, cost, other_samples, row, run, sizes

BIGGER = row(sizes=sizes([size + 10 for size in SIZES]))

Compare = Callable[..., tuple[int, str, str]]


def called(arguments: list[str]) -> int:
    if "compare" in COMMANDS:
        return main(["compare", *arguments])
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    try:
        return compare.run(parser.parse_args(arguments))
    except Failure as failure:
        print(f"satchel: error: {failure}", file=sys.stderr)
        return failure.code


@pytest.fixture
def comparing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Compare two runs, or texts, in a.json and b.json; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ended(before: Run | str, after: Run | str, *arguments: str) -> tuple[int, str, str]:
        for name, made in (("a.json", before), ("b.json", after)):
            Path(name).write_text(made if isinstance(made, str) else to_json(made), encoding="utf-8")
        code = called(["a.json", "b.json", *arguments])
        return code, *capsys.readouterr()

    return ended


def test_the_table_shows_what_counts(comparing: Compare) -> None:
    code, out, err = comparing(run(), run(BIGGER))
    header, line, _, summary = out.splitlines()

    assert (code, err) == (0, "")
    assert header.split() == ["ROW", "MEASURE", "BEFORE", "AFTER", "RATIO", "INTERVAL", "COUNTS"]
    assert line.split()[:7] == ["json", "bytes", "144.0", "B", "154.0", "B", "1.069"]
    assert line.endswith("yes, +6.94%")
    assert summary == "1 of 5 differences count. --all shows the others."


def test_all_shows_the_other_differences_too(comparing: Compare) -> None:
    code, out, _ = comparing(run(), run(BIGGER), "--all")

    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[1:6]] == ["bytes", "encode", "decode", "time", "memory"]
    assert out.endswith("1 of 5 differences count.\n")


def test_equal_runs_have_nothing_to_show(comparing: Compare) -> None:
    assert comparing(run(), run()) == (0, "0 of 5 differences count. --all shows the others.\n", "")


def test_a_condition_that_holds_fails_the_gate_in_one_line(comparing: Compare) -> None:
    code, _, err = comparing(run(), run(BIGGER), "--fail-if", "bytes>2%", "--fail-if", "time>2%")

    assert (code, err) == (1, "satchel: failed: bytes>2%: json 144.0 B -> 154.0 B (+6.94%)\n")


def test_a_condition_that_does_not_hold_passes(comparing: Compare) -> None:
    assert comparing(run(), run(BIGGER), "--fail-if", "bytes>10%")[0::2] == (0, "")


def test_a_long_list_of_rows_that_fail_is_cut(comparing: Compare) -> None:
    names = [f"row {number}" for number in range(8)]
    before, after = (run(*(row(name, sizes=sizes(each)) for name in names)) for each in ([5], [6]))
    _, _, err = comparing(before, after, "--fail-if", "bytes>2%")

    assert err.endswith("row 4 5.0 B -> 6.0 B (+20.00%); and 3 more rows\n")
    assert err.count("\n") == 1


def test_rows_of_one_run_alone_are_told_and_a_missing_one_can_fail(comparing: Compare) -> None:
    before, after = run(row("json"), row("yaml")), run(row("json"), row("msgpack"))
    code, out, err = comparing(before, after, "--fail-if", "missing")

    assert out.splitlines()[-2:] == ["only in a.json: yaml", "only in b.json: msgpack"]
    assert (code, err) == (1, "satchel: failed: missing: missing: yaml\n")


def test_a_gate_with_nothing_to_judge_is_shut(comparing: Compare) -> None:
    screened = run(row(stage="screened"))
    code, out, err = comparing(screened, screened, "--fail-if", "time>5%")

    assert (code, err) == (1, "satchel: failed: time>5%: there is nothing to judge: screened, not timed\n")
    assert "Of 3 it is not known" in out


def test_a_condition_of_a_new_row_passes_and_says_so(comparing: Compare) -> None:
    code, _, err = comparing(run(), run(row(), row("yaml")), "--fail-if", "yaml:bytes>1%")

    assert (code, err) == (0, "satchel: passed: yaml:bytes>1%: not judged: the row was not there before\n")


@pytest.mark.parametrize("condition", ["bytes>>2%", "jsno:bytes>2%", "bytes>2"])
def test_a_wrong_condition_is_a_mistake_of_the_user(comparing: Compare, condition: str) -> None:
    code, out, err = comparing(run(), run(), "--fail-if", condition)

    assert (code, out) == (2, "")
    assert err.startswith(f"satchel: error: --fail-if '{condition}': ")
    assert err.count("\n") == 1


def test_warnings_go_to_stderr(comparing: Compare) -> None:
    code, out, err = comparing(run(), run(dialect="celery"))

    assert (code, err) == (0, "satchel: warning: dialect: satchel before, celery after\n")
    assert "dialect" not in out


@pytest.mark.parametrize("unstable", [run(complete=False), run(noise=Noise(0.2, 0.1, False))])
def test_strict_refuses_a_run_that_is_unstable(comparing: Compare, unstable: Run) -> None:
    assert comparing(unstable, run(), "--strict")[0] == 5
    assert comparing(run(), unstable, "--strict", "--fail-if", "missing")[0] == 5
    assert comparing(run(), unstable)[0] == 0
    assert comparing(run(), run(), "--strict")[0] == 0


@pytest.mark.parametrize("text", ["", "{}", "[1", '{"format": "satchel-bench-1"}', "\x00"])
def test_a_file_that_is_no_run_is_bad_data(comparing: Compare, text: str) -> None:
    code, out, err = comparing(run(), text)

    assert (code, out) == (3, "")
    assert err.startswith("satchel: error: b.json: ")
    assert err.endswith("; give a file that `satchel bench --json` wrote\n")
    assert err.count("\n") == 1


def test_a_file_that_is_too_large_is_bad_data(comparing: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST", 1 << 20)
    code, _, err = comparing(run(), " " * (1 << 20) + to_json(run()))

    assert (code, err) == (3, "satchel: error: b.json: it is longer than 1 MiB, which no run is\n")


def test_a_file_that_is_not_there_is_a_mistake_of_the_user(comparing: Compare, capsys: Any) -> None:
    comparing(run(), run())

    assert called(["a.json", "c.json"]) == 2
    assert capsys.readouterr().err == "satchel: error: c.json: No such file or directory\n"


def test_one_of_the_two_can_be_standard_input(
    comparing: Compare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    comparing(run(), run())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(to_json(run(BIGGER)).encode())))

    assert called(["a.json", "-", "--fail-if", "bytes>2%"]) == 1
    assert called(["-", "-"]) == 2
    assert capsys.readouterr().err.endswith("only one of A and B can be standard input\n")


def test_json_holds_every_difference_and_every_verdict(comparing: Compare) -> None:
    code, out, _ = comparing(
        run(row(peak_memory=0), row("yaml")),
        other_samples(run(row(encode=cost(9.0)), row("msgpack"))),
        *("--json", "--fail-if", "memory>1KiB"),
    )
    document = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

    assert code == 1
    assert document["format"] == "satchel-compare-1"
    assert [one["measure"] for one in document["differences"]] == ["bytes", "encode", "decode", "time", "memory"]
    # From nothing to something is no ratio.
    assert (document["differences"][4]["ratio"], document["differences"][4]["counts"]) == (None, True)
    assert (document["only_before"], document["only_after"]) == (["yaml"], ["msgpack"])
    assert document["conditions"] == [{"condition": "memory>1KiB", "failed": True, "rows": ["json"], "why": ""}]
    assert document["warnings"] == ["the samples differ: sizes and times are of different messages"]
    assert document["before"]["stable"] is document["after"]["complete"] is True


def test_names_cannot_act_on_a_terminal(comparing: Compare) -> None:
    before, after = (run(row("\x1b[31mred"), row(f"{way}\x1b[2J"), dialect="\x1b[1m" + way) for way in ("a", "b"))
    _, out, err = comparing(before, after, "--all", "--fail-if", "missing")

    assert "\x1b" not in out + err
    assert "\\x1b[31mred" in out
