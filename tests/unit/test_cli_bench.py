"""`satchel bench`, `recommend` and `doctor` as a user runs them: samples in, tables and files out, exit codes."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from satchel import Pipeline
from satchel.bench.generated import GENERATED
from satchel.bench.results import from_json
from tests.unit.cli_run import COMMAND, environment, satchel
from tests.unit.dictionaries import trained

pytestmark = pytest.mark.once

#: Little work: what is tested is what the commands do with it.
QUICK = ("--serializers", "json,msgpack", "--compressors", "none,zlib", "--levels", "1", "--rounds", "5")
ROWS = ["json", "json+zlib:1", "msgpack", "msgpack+zlib:1"]
#: Those of one process of pytest-xdist, which share a run.
OF_THE_RUN = pytest.mark.xdist_group("a-run-of-the-benchmark")


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "orders.jsonl"
    lines = [
        json.dumps({"id": n, "customer": f"secret-{n % 5}", "lines": [{"sku": k} for k in range(n % 20)]})
        for n in range(120)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def run(messages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    exports = [
        argument for form in ("json", "csv", "md", "html") for argument in ("--export", str(folder / f"run.{form}"))
    ]
    done = satchel("bench", str(messages), "--all", *QUICK, *exports)
    assert done.code == 0, done.err
    (folder / "out").write_text(done.text)
    (folder / "err").write_text(done.err)
    return folder


@OF_THE_RUN
def test_a_table_is_on_standard_output_and_the_number_of_messages_on_the_other(run):
    table = (run / "out").read_text()

    assert (run / "err").read_text().startswith("120 messages, ")
    assert sorted(line.split()[0] for line in table.splitlines()[1:5]) == ROWS
    assert "json (baseline)" in table
    assert "\x1b" not in table


@OF_THE_RUN
def test_every_export_is_made_from_the_json_again_byte_for_byte(run):
    found = from_json((run / "run.json").read_bytes())
    assert sorted(row.name for row in found.rows) == ROWS

    for form in ("json", "csv", "md", "html"):
        again = run / f"again.{form}"
        assert satchel("report", str(run / "run.json"), "--export", str(again)).code == 0
        assert again.read_bytes() == (run / f"run.{form}").read_bytes()


@OF_THE_RUN
def test_no_export_holds_a_payload_or_a_path(run):
    for form in ("json", "csv", "md", "html"):
        text = (run / f"run.{form}").read_text()
        assert "secret" not in text
        assert "orders.jsonl" in text or form == "csv"
        assert str(run.parent) not in text


@OF_THE_RUN
def test_the_sheet_has_a_line_for_each_candidate(run):
    with open(run / "run.csv", newline="") as file:
        lines = list(csv.DictReader(file))

    assert sorted(line["name"] for line in lines) == ROWS


def test_json_on_standard_output_takes_the_place_of_the_table(messages):
    done = satchel("bench", str(messages), "--json", "-", *QUICK)

    assert from_json(done.out).samples.measured == 120
    assert done.out.endswith(b"}\n")


def test_standard_input_and_few_messages():
    done = satchel("bench", "-", *QUICK, stdin='{"a": 1}\n{"a": 2}\n')

    assert (done.code, done.out.count(b"\n") > 5) == (0, True)
    assert "n = 2" in done.err


def test_a_message_that_is_broken_is_exit_code_3_with_its_place(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text('{"a": 1}\n{"a": \n')

    done = satchel("bench", str(path), *QUICK)

    assert (done.code, done.out) == (3, b"")
    assert re.search(r"orders\.jsonl.*2", done.err)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--baseline", "json+"], "SERIALIZER"),
        (["--baseline", "jsno"], "did you mean 'json'"),
        (["--compressors", "zstdd"], "did you mean 'zstd'"),
        (["--levels", "x"], "levels"),
        (["--rounds", "0"], "positive"),
        (["--export", "run.xlsx"], ".csv"),
        (["--export", "nowhere/run.csv"], "nowhere/run.csv: No such file"),
        (["--json", "nowhere/run.json"], "nowhere/run.json: No such file"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_measured(messages, arguments, told):
    done = satchel("bench", str(messages), *QUICK, *arguments)

    assert (done.code, done.out) == (2, b"")
    assert told in done.err
    assert done.err.count("satchel: error:") == 1


def test_a_library_that_is_missing_is_left_out_with_the_command_that_installs_it(messages, tmp_path):
    (tmp_path / "zstandard.py").write_text("raise ModuleNotFoundError('zstandard')")

    quick = ("--serializers", "json", "--levels", "1", "--rounds", "5", "--json", "-")
    everything = satchel("bench", str(messages), *quick, PYTHONPATH=str(tmp_path))
    named = satchel("bench", str(messages), *QUICK, "--compressors", "zstd", PYTHONPATH=str(tmp_path))

    assert from_json(everything.out).left_out["zstd"] == "pip install 'satchel[zstd]'"
    assert named.code == 4
    assert "pip install 'satchel[zstd]'" in named.err


def test_a_plugin_is_measured_and_recommended_with_no_flag_and_a_broken_one_is_left_out(messages, plugin_site):
    quick = ("--compressors", "none", "--rounds", "5", "--json", "-")
    for command in ("bench", "recommend"):
        found = from_json(satchel(command, str(messages), *quick, PYTHONPATH=str(plugin_site)).out)

        assert "reverse" in {row.serializer for row in found.rows}
        assert "does not import" in found.left_out["broken"]


def test_a_recommendation_names_one_and_its_lines_of_configuration_work(messages):
    done = satchel("recommend", str(messages), *QUICK, "--link", "10M", "--hops", "2")

    assert done.code == 0, done.err
    best = re.match(r"Take (\S+): over 10 Mbit/s, 2 hops, ", done.text)
    assert best is not None
    assert best[1] in ROWS
    assert "Links for which each is the best, at 2 hops:" in done.text
    lines = done.text[done.text.index("# Satchel") :]
    names: dict[str, Any] = {"value": [{"sku": k} for k in range(50)]}
    exec(lines, names)
    pipeline = names["pipeline"]
    assert isinstance(pipeline, Pipeline)
    assert pipeline.decode(names["encoded"]) == names["value"]


def test_a_recommendation_for_celery_has_its_settings():
    done = satchel("recommend", "--sample", "celery:50", *QUICK, "--link", "100k", "--dialect", "celery")

    assert 'task_serializer = result_serializer = "' in done.text
    assert "celery_registry" in done.text


def test_a_recommendation_by_money_needs_both_prices(messages):
    assert satchel("recommend", str(messages), "--core-hour", "1").code == 2
    done = satchel("recommend", str(messages), *QUICK, "--core-hour", "0.05", "--gigabyte", "0.1")

    assert "a million messages cost" in done.text


def test_pickle_is_recommended_only_where_it_is_named(messages):
    quick = ("--compressors", "none", "--rounds", "5", "--json", "-")
    unnamed = from_json(satchel("recommend", str(messages), *quick).out)
    named = from_json(satchel("recommend", str(messages), "--serializers", "json,pickle", *quick).out)

    assert "pickle" not in {row.serializer for row in unnamed.rows}
    assert "untrusted" in unnamed.left_out["pickle"]
    assert "pickle" in {row.serializer for row in named.rows}


def test_an_interruption_keeps_what_was_measured_and_is_exit_code_130(messages, tmp_path):
    path = tmp_path / "run.json"
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "bench", str(messages), *QUICK, "--rounds", "100000", "--json", str(path)],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=environment(TERM="dumb"),
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    while b"timing" not in shown:
        shown += os.read(ours, 1000)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    rest = os.read(ours, 10_000)
    os.close(ours)

    assert process.returncode == 130
    assert b"Traceback" not in shown + rest + out
    # Whether one process was done until then is a matter of chance.
    assert not path.exists() or not from_json(path.read_bytes()).complete


def test_nothing_in_the_current_folder_is_run(messages, tmp_path):
    for name in ("orjson", "json", "satchel"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    program = "import sys; sys.path.remove(''); from satchel.cli import main; sys.exit(main())"

    done = subprocess.run(
        [sys.executable, "-c", program, "bench", str(messages), *QUICK],
        capture_output=True,
        cwd=tmp_path,
        env=environment(),
    )

    assert (done.returncode, b"MEMORY" in done.stdout) == (0, True)
    assert not (tmp_path / "ran").exists()


def test_the_lines_for_a_dictionary_give_the_sizes_that_were_measured(tmp_path, monkeypatch):
    path = tmp_path / "orders.zdict"
    path.write_bytes(trained(7))
    options = (
        "--serializers",
        "json",
        "--compressors",
        "none",
        "--levels",
        "9",
        "--rounds",
        "5",
        "--dictionary",
        str(path),
    )

    done = satchel(
        "recommend", "--sample", "celery:40", *options, "--link", "10k", "--json", str(tmp_path / "run.json")
    )

    best = next(row for row in from_json((tmp_path / "run.json").read_bytes()).rows if row.compressor)
    assert best.name == "json+zstd-dictionary:9"
    assert best.dictionary is not None
    values = GENERATED["celery"](40, 1)
    names: dict[str, Any] = {"value": values[0]}
    exec(done.text[done.text.index("# Satchel") :], names)
    pipeline = names["pipeline"]
    assert pipeline.registry.compressor("zstd-dictionary").level == 9
    assert pipeline.decode(names["encoded"]) == values[0]


def test_a_dictionary_that_is_none_is_told(messages, tmp_path):
    assert satchel("bench", str(messages), *QUICK, "--dictionary", str(tmp_path / "none.zdict")).code == 2
    (tmp_path / "bad.zdict").write_bytes(b"nothing")
    assert "train one" in satchel("bench", str(messages), *QUICK, "--dictionary", str(tmp_path / "bad.zdict")).err


def test_doctor_tells_noise_engines_and_what_is_missing(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("")
    done = satchel("doctor")
    told = json.loads(satchel("doctor", "--json").out)

    assert done.code == 0
    assert "a fixed piece of work varies by" in done.text
    assert set(told) == {"machine", "noise", "codecs"}
    assert {codec["name"] for codec in told["codecs"]} >= {"json", "zstd"}
    assert told["machine"]["python"] == ".".join(map(str, sys.version_info[:3]))


def test_doctor_is_strict_on_request(monkeypatch):
    from satchel import cli
    from satchel.bench import machine
    from satchel.bench.results import Noise

    monkeypatch.setattr(machine, "observe", lambda _: Noise(0.5, 0.0, stable=False))

    assert cli.main(["doctor"]) == 0
    assert cli.main(["doctor", "--strict"]) == 5


def test_a_run_on_a_machine_that_is_not_steady_is_exit_code_5_when_strict(messages, monkeypatch, capsys):
    from satchel import cli
    from satchel.bench import measuring, racing
    from satchel.bench.results import Noise

    monkeypatch.setattr(measuring, "noise", lambda _: Noise(0.5, 0.0, stable=False))
    monkeypatch.setattr(measuring, "raced", lambda work, _: racing.raced(work, 0))

    assert cli.main(["bench", str(messages), *QUICK]) == 0
    assert "The machine was not steady" in capsys.readouterr().out
    assert cli.main(["bench", str(messages), *QUICK, "--strict"]) == 5
    assert "not steady: a fixed piece of work varied by 50%" in capsys.readouterr().err
