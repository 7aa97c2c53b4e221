"""``satchel report``: a run as a page, a table or another form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from satchel.bench.exporting import FORMS, export
from satchel.bench.results import Run, to_json
from satchel.bench.tabling import tabulate
from satchel.cli.table import table
from tests.unit.bench_runs import a_row, a_run
from tests.unit.cli_run import environment, satchel


def stored(directory: Path, run: Run) -> str:
    path = directory / "run.json"
    path.write_text(to_json(run), encoding="utf-8")
    return str(path)


def test_page_is_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = satchel("report", stored(tmp_path, a_run()), "-o", str(target))

    assert done == (0, b"", "")
    assert target.read_bytes().decode() == export(a_run(), "html")


def test_page_is_written_to_a_pipe_and_the_run_read_from_one() -> None:
    done = satchel("report", "-", "-o", "-", stdin=to_json(a_run()))

    assert (done.code, done.text, done.err) == (0, export(a_run(), "html"), "")


def test_run_is_exported_in_several_forms_at_once(tmp_path: Path) -> None:
    names = {form: str(tmp_path / f"out.{form}") for form in FORMS}
    options = [option for name in names.values() for option in ("--export", name)]
    done = satchel("report", stored(tmp_path, a_run()), *options)

    assert done == (0, b"", "")
    assert {form: Path(name).read_bytes().decode() for form, name in names.items()} == {
        form: export(a_run(), form) for form in FORMS
    }


def test_exported_json_is_the_run_byte_for_byte(tmp_path: Path) -> None:
    source = stored(tmp_path, a_run())
    satchel("report", source, "--export", str(tmp_path / "again.JSON"))

    assert (tmp_path / "again.JSON").read_bytes() == Path(source).read_bytes()


@pytest.mark.parametrize("plain", [[], ["--plain"]])
def test_table_is_shown_when_nothing_is_to_be_written(tmp_path: Path, plain: list[str]) -> None:
    done = satchel("report", stored(tmp_path, a_run()), "--screened", *plain)
    shown = tabulate(a_run())

    assert (done.code, done.err) == (0, "")
    assert done.text.startswith(table(shown.header, shown.rows, right=" ".join(shown.right)) + "\n\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not JSON"),
        ("{}", "it is no run of `satchel bench`"),
        ("[" * 100_000, "it is not JSON"),
        ("\xff", "it is not JSON"),
        (to_json(a_run()).replace('"rounds":40', '"rounds":"40"'), "run.rounds: '40' is not int"),
        (to_json(a_run()).replace('"stable":true', '"stable":true,"x":1'), "run.noise: these members are"),
        ('{"format":"satchel-bench-1"}', "run: these members are missing"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_what_is_no_run_is_exit_code_3_and_one_line(tmp_path: Path, text: str, message: str, named: bool) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("latin-1"))
    done = satchel("report", str(path)) if named else satchel("report", "-", stdin=path.read_bytes())

    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith(f"satchel: error: {path if named else 'standard input'}: {message}")
    assert done.err.count("\n") == 1
    assert "satchel bench --json" in done.err


def test_file_that_is_too_long_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)  # A hole: it takes no room on the disk.
    done = satchel("report", str(path))

    assert done.code == 3
    assert "it is longer than 64 MiB" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.json"], "absent.json: No such file or directory"),
        ([], "the following arguments are required: RUN.json"),
        (["run.json", "--export", "x.txt"], "'x.txt' does not end in .json, .csv, .md or .html"),
        (["run.json", "--export", "-"], "'-' does not end in .json, .csv, .md or .html"),
        (["run.json", "-o", "x.csv"], "-o writes a page in HTML; for another form use --export x.csv"),
        (["-", "-o", "/nowhere/x.html"], "/nowhere/x.html: No such file or directory"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str) -> None:
    done = satchel("report", *arguments, stdin=to_json(a_run()))

    assert (done.code, done.out) == (2, b"")
    assert message in done.err


def test_wrong_usage_is_found_before_the_run_is_read() -> None:
    assert satchel("report", "-", "--export", "x.txt", stdin="no run").code == 2


@pytest.mark.parametrize("form", FORMS)
def test_name_that_has_no_utf_8_is_written_nevertheless(tmp_path: Path, form: str) -> None:
    run = a_run((a_row("\ud800", pareto=True),))
    source, target = tmp_path / "run.json", tmp_path / f"out.{form}"
    source.write_text(json.dumps(json.loads(to_json(run))), encoding="ascii")
    done = satchel("report", str(source), "--export", str(target))

    assert done == (0, b"", "")
    assert b"\\ud800" in target.read_bytes()


def test_json_of_such_a_name_is_read_as_the_same_run(tmp_path: Path) -> None:
    run = a_run((a_row("\ud800"),))
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps(json.loads(to_json(run))), encoding="ascii")
    satchel("report", str(one), "--export", str(other))

    loaded: Any = json.loads(other.read_bytes())
    assert loaded == json.loads(to_json(run))


@pytest.mark.parametrize("number", ["1e999", "NaN", "-1", "9" * 400, "0"])
def test_number_that_no_size_can_be_is_no_bug(tmp_path: Path, number: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(
        to_json(a_run()).replace('"mean":402.5', f'"mean":{number}').replace('"spread":0.0123457', f'"spread":{number}')
    )
    done = satchel("report", str(path), "-o", str(tmp_path / "x.html"), "--export", str(tmp_path / "x.md"))

    assert done.code in {0, 3}
    assert "Traceback" not in done.err


def test_help_imports_nothing_that_a_page_needs() -> None:
    listing = "import sys, satchel.cli.report; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, env=environment(), text=True)

    imported = set(done.stdout.split())
    assert "satchel.cli.report" in imported
    assert not imported & {"satchel.bench", "json", "csv", "html", "rich", "statistics", "random", "importlib.metadata"}
