"""The benchmark measures what it says, and tells it. No test looks at a time."""

from __future__ import annotations

import json
import random
import socket
import tarfile
import time
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import corpus, messages, packing, payloads, report, serializing, sides
from benchmarks.measures import MEASURES, Measure, Verdict, judged
from benchmarks.results import CORE, LIBRARIES, OURS, RAW, Run, load, raced, save
from benchmarks.values import Differs, check, same
from satchel.bench import timing
from satchel.bench.machine import machine, versions
from satchel.bench.timing import Figure

pytest.importorskip("kombu")
pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "BATCH", 1e-6)


def made_run(**more: Any) -> Run:
    """A run in which Satchel takes 1 µs for everything, and the others 3."""
    rows = {
        name: raced(name, {OURS: [1.0, 1.0], "kombu": [3.0, 3.0], RAW: [3.0, 3.0]}, {OURS: 9, "kombu": 10, RAW: 9})
        for name in dict.fromkeys(measure.row for measure in MEASURES)
    }
    for measure in MEASURES:
        if measure.kind == "figure":
            rows[measure.row].figures[measure.side] = Figure(1.8, 1.7, 1.9)
    return Run(list(rows.values()), {"a peer": "not installed"}, machine(), versions(LIBRARIES), 2, **more)


# Timing


def test_a_race_times_every_job_in_every_round() -> None:
    samples = timing.race({"one": lambda: None, "two": lambda: None}, rounds=7)

    assert {name: len(times) for name, times in samples.items()} == {"one": 7, "two": 7}


def test_a_race_that_takes_too_long_is_cut_short_but_has_some_rounds() -> None:
    samples = timing.race({"one": lambda: time.sleep(0.001)}, rounds=500, seconds=0)

    assert len(samples["one"]) == timing.FEWEST


def test_a_ratio_is_the_median_of_the_pairs_within_its_interval() -> None:
    found = timing.ratio([2.0, 6.0, 40.0], [1.0, 2.0, 10.0])

    assert found.value == 3.0
    assert found.low <= found.value <= found.high


# Values


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (True, 1), ([1], (1,)), ({"a": [1]}, {"a": [True]}), ([1], [1, 2]), ({"a": 1}, {"b": 1})],
)
def test_values_that_differ_in_type_or_content_are_not_the_same(left: Any, right: Any) -> None:
    assert not same(left, right)
    with pytest.raises(Differs, match="the sides"):
        check("the sides", left, right)


def test_the_order_of_keys_is_no_difference() -> None:
    assert same({"a": 1, "b": [None]}, {"b": [None], "a": 1})


# Payloads


def test_payloads_are_as_large_as_they_are_called() -> None:
    body = sides.sides("json")[0][1]
    sizes = {payload.name: len(body.body(body.encode(payload.value))) for payload in payloads.generated()}

    assert sizes["198 B"] == 198
    assert all(180 <= size <= 230 for name, size in sizes.items() if name.endswith("200 B"))
    assert all(10_000 <= size <= 11_000 for name, size in sizes.items() if name.endswith("10 KB"))
    assert all(950_000 <= size <= 1_100_000 for name, size in sizes.items() if name.endswith("1 MB"))


@pytest.mark.parametrize("size", [589, 10_500])
def test_messages_for_compressors_have_their_size_exactly(size: int) -> None:
    body = payloads.message(random.Random(1), size)

    assert len(body) == size
    assert len(json.loads(body)) == 3


def archive(path: Path, member: str, content: bytes) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        opened.addfile(info, BytesIO(content))
    return path


def test_the_corpus_is_the_examples_of_all_hooks(tmp_path: Path) -> None:
    hooks = [{"examples": [{"a": 1}]}, {"examples": [{"b": 2}, {"c": 3}]}]
    found = corpus.examples(archive(tmp_path / "a.tgz", corpus.MEMBER, json.dumps(hooks).encode()))

    assert found == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(("member", "content"), [("other", b"[]"), (corpus.MEMBER, b"{"), (corpus.MEMBER, b"[1]")])
def test_another_archive_is_no_corpus(tmp_path: Path, member: str, content: bytes) -> None:
    with pytest.raises(corpus.Unavailable):
        corpus.examples(archive(tmp_path / "a.tgz", member, content))


def test_without_npm_the_corpus_is_left_out_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    monkeypatch.setattr(corpus.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    run = Run()
    found = command._payloads(run)

    assert run.left_out == {"webhook corpus": "npm is not installed"}
    assert [payload.name for payload in found] == [payload.name for payload in payloads.generated()]


# Sides


@pytest.mark.parametrize("format_", sides.FORMATS)
def test_the_sides_of_a_format_agree_and_are_all_measured(format_: str) -> None:
    small = [payload for payload in payloads.generated() if payload.name in ("198 B", "extended 200 B", "binary 10 KB")]
    rows, _ = serializing.rows(format_, small, rounds=2)
    plain = next(row for row in rows if row.name == f"{format_} encode, 198 B")

    assert {OURS, "kombu", RAW} <= plain.sides.keys()
    assert (CORE in plain.sides) == (format_ in ("json", "msgpack"))
    assert all(timing.size for timing in plain.sides.values())
    assert {row.name.split(" ")[1].rstrip(",") for row in rows} == {"encode", "decode"}


def test_a_side_that_gives_another_value_stops_the_run(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    honest, missing = sides.sides("json")
    wrong = [*honest[:2], honest[1]._replace(name="wrong", decode=lambda body: datetime.now(timezone.utc))]
    monkeypatch.setattr(serializing, "sides", lambda format_: (wrong, missing))
    monkeypatch.setattr(command, "_payloads", lambda run: payloads.generated()[:1])

    assert command.main(["--only", "serializers", "--rounds", "1"]) == 1
    assert "wrong on its own body" in capsys.readouterr().err


@pytest.mark.parametrize("name", packing.NAMES)
def test_the_raw_compressor_has_satchels_parameters(name: str) -> None:
    rows, _ = packing.rows(1, [name], ["589 B", "10 KB"])
    together = [row for row in rows if "there and back" in row.name]

    assert [row.pairs["satchel vs raw"].size for row in together] == [1.0, 1.0]


def test_messages_of_both_builders_are_compared_when_complete() -> None:
    rows = messages.rows(rounds=1)

    assert [row.name for row in rows] == [
        *("message build, small", "message read, small", "message build, 10 KB", "message read, 10 KB")
    ]


def test_a_message_that_lacks_a_header_is_no_match() -> None:
    celery = messages.Celery()
    whole, lacking = celery.build([1], {}), celery.build([1], {})
    del lacking["headers"]["origin"]

    with pytest.raises(Differs, match="headers"):
        messages.check_messages(lacking, whole, [1], {})


# Measures


def test_every_measure_of_the_table_has_a_bound() -> None:
    assert list(dict.fromkeys(measure.id for measure in MEASURES)) == [f"P{number}" for number in range(1, 14)]
    assert len({measure[:4] for measure in MEASURES}) == len(MEASURES)


@pytest.mark.parametrize(
    ("direction", "bound", "word"),
    [
        ("at least", 2, "holds"),
        ("at least", 2.1, "FALLS SHORT"),
        ("at most", 2, "holds"),
        ("at most", 1.9, "FALLS SHORT"),
    ],
)
def test_a_verdict_goes_by_the_median(direction: Any, bound: float, word: str) -> None:
    verdict = Verdict(Measure("P1", "a row", "faster", "kombu", direction, bound), Figure(2.0, 1.5, 2.5))

    assert verdict.word == word
    assert report.measure_line(verdict) == (
        f"P1  a row, times as fast as kombu: 2.00x, 1.50 to 2.50 ({direction} {bound:g}x): {word}"
    )


def test_a_run_answers_every_measure_and_an_empty_one_none() -> None:
    answered, unanswered = judged(made_run()), judged(Run())

    assert all(verdict.figure is not None for verdict in answered)
    assert {verdict.word for verdict in unanswered} == {"left out"}


def test_cost_and_difference_are_seen_from_our_side() -> None:
    figures = {(v.measure.row, v.measure.kind): v.figure for v in judged(made_run()) if v.figure}

    assert figures["json encode, 1 MB", "cost"].value == pytest.approx(1 / 3)
    assert figures["json encode, 198 B", "more"].value == -2
    assert figures["zstd there and back, 589 B", "size"].value == 0.9


# Results


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    run = made_run()
    save(run, tmp_path / "r.json", measures=[])

    assert load(tmp_path / "r.json") == replace(run, rows=load(tmp_path / "r.json").rows)
    assert [row.name for row in load(tmp_path / "r.json").rows] == [row.name for row in run.rows]
    assert load(tmp_path / "r.json").rows[0].pairs == run.rows[0].pairs


def test_results_name_no_host_and_no_path() -> None:
    told = json.dumps({**machine(), **versions(LIBRARIES)})

    assert socket.gethostname() not in told
    assert str(Path.cwd()) not in told


def test_the_command_prints_what_was_kept(tmp_path: Path, capsys: Any) -> None:
    save(made_run(), tmp_path / "r.json")

    assert command.main(["--from", str(tmp_path / "r.json")]) == 0
    printed = capsys.readouterr().out
    assert "P13 memory of decode, raw + zstd, 64 MB: 1.80x, 1.70 to 1.90 (at most 2.2x): holds" in printed
    assert "left out: a peer: not installed" in printed
