"""The regression gate, the page and the plot. No test looks at a time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import gate, page, plot, report, steps
from benchmarks.measures import MEASURES, judged
from benchmarks.results import LIBRARIES, OURS, RAW, Row, Run, raced
from satchel.bench import timing
from satchel.bench.machine import machine, versions
from satchel.bench.timing import Figure

pytest.importorskip("kombu")
pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]


def made_run() -> Run:
    rows = [
        raced(name, {OURS: [1.0, 1.0], "kombu": [3.0, 3.5], RAW: [0.5, 0.6]})
        for name in dict.fromkeys(measure.row for measure in MEASURES if measure.kind == "faster")
    ]
    times = {
        "<library>": Figure(80.0, 70.0, 90.0),
        "codec": Figure(200.0, 190.0, 210.0),
        "rest": Figure(-3.0, -4.0, 1.0),
    }
    rows += [Row(name, figures=dict(times)) for name in (steps.ENCODE, steps.DECODE)]
    return Run(rows, {}, machine(), versions(LIBRARIES), 2)


def test_every_floor_is_of_a_ratio_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "BATCH", 1e-6)
    monkeypatch.setattr(gate, "ROUNDS", 1)

    assert gate.ratios(gate.floors()).keys() == gate.floors().keys()


def test_the_gate_knows_kombu_and_the_raw_libraries() -> None:
    sides = {name.rpartition(" ")[2] for name in gate.floors()}

    assert sides == {"kombu", "raw"}
    assert all(floor > 0 for floor in gate.floors().values())


@pytest.mark.parametrize(
    ("measured", "passes"),
    [
        ([{"a": 2.0, "b": 2.0}], True),
        ([{"a": 2.0, "b": 0.5}, {"b": 1.5}], True),
        ([{"a": 2.0, "b": 0.5}, {"b": 0.6}], False),
    ],
)
def test_what_is_under_its_floor_is_measured_once_more(
    monkeypatch: pytest.MonkeyPatch, measured: list[dict[str, float]], passes: bool
) -> None:
    asked: list[set[str]] = []

    def ratios(names: dict[str, float]) -> dict[str, float]:
        asked.append(set(names))
        return measured[len(asked) - 1]

    monkeypatch.setattr(gate, "ratios", ratios)

    assert gate.passes({"a": 1.0, "b": 1.0}) is passes
    assert asked == [set(each) for each in measured]


def test_one_failure_in_many_runs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter([True, False, True])
    monkeypatch.setattr(gate, "passes", lambda least: next(outcomes))

    assert gate.main(["--times", "3"]) == 1


def test_floors_are_half_of_what_is_measured_rounded_down() -> None:
    assert gate.halved({"a": 5.19, "b": 0.0537, "c": 105.0}) == {"a": 2.5, "b": 0.026, "c": 52.0}


def test_the_page_takes_the_tables_of_a_run() -> None:
    run = made_run()
    tables = report.markdown(run, judged(run))
    first = page.filled(page.PAGE.read_text(), tables)

    assert page.filled(first, tables) == first
    assert "| P1 | json encode, 198 B, times as fast as kombu | 3.25x |" in first


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="the page has no"):
        page.filled("# A page", "")


def test_the_plot_is_small_well_formed_and_the_same_each_time() -> None:
    run = made_run()
    drawn = plot.svg(run)
    texts = [element.text for element in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]

    assert plot.svg(made_run()) == drawn
    assert len(drawn) < 60_000
    assert "prefers-color-scheme: dark" in drawn
    assert {"P1 json encode, 198 B", "P10 message read, small", "<library>: 80.0 ns"} <= set(texts)


def test_nothing_is_drawn_outside_of_the_picture() -> None:
    root = ET.fromstring(plot.svg(made_run()))
    width, height = map(float, root.attrib["viewBox"].split()[2:])

    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("x", 0)) + float(box.attrib["width"]) <= width
        assert float(box.get("y", 0)) + float(box.attrib["height"]) <= height


def test_the_plot_of_the_page_is_in_the_repository() -> None:
    (name,) = re.findall(r"!\[[^]]*\]\((\S+\.svg)\)", page.PAGE.read_text())

    assert (ROOT / "docs" / name) == plot.TARGET
    assert plot.TARGET.stat().st_size < 60_000


def test_every_profile_has_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "BATCH", 1e-6)
    profiles = {row.name: row.figures for row in steps.rows(1)}

    assert {steps.ENCODE, steps.DECODE} <= profiles.keys()
    for name, figures in profiles.items():
        assert name.startswith("steps of ")
        assert [*figures][2:] == ["codec, the rest", "pipeline"]
        assert len(figures) == 4
