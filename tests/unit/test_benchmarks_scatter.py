"""The plot and the table of a run in docs/benchmarks.md. No test looks at a time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from benchmarks import page, scatter
from tests.unit.bench_runs import HOSTILE, a_row, a_run

SVG = "{http://www.w3.org/2000/svg}"
PAGE = scatter.DOCS / "benchmarks.md"


def test_every_finalist_has_a_point_and_a_name_within_the_picture() -> None:
    run = a_run()
    root = ET.fromstring(scatter.svg(run))
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    finalists = [row for row in run.rows if row.stage == "timed"]
    circles = list(root.iter(f"{SVG}circle"))

    assert len(circles) == len(finalists)
    assert {row.name for row in finalists} <= {element.text for element in root.iter(f"{SVG}text")}
    for circle in circles:
        assert 0 < float(circle.attrib["cx"]) < width
        assert 0 < float(circle.attrib["cy"]) < height
    assert sum(circle.get("class") == "best" for circle in circles) == sum(row.pareto for row in finalists)
    assert scatter.svg(a_run()) == scatter.svg(run)


def test_smaller_is_further_to_the_left_and_quicker_is_further_down() -> None:
    small, quick = a_row("small", size=100, encode=50, decode=50), a_row("quick", size=900, encode=1, decode=1)
    root = ET.fromstring(scatter.svg(a_run(rows=(small, quick))))
    places = {
        str(circle[0].text).partition(":")[0]: (float(circle.attrib["cx"]), float(circle.attrib["cy"]))
        for circle in root.iter(f"{SVG}circle")
    }

    assert places["small"][0] < places["quick"][0]
    assert places["small"][1] < places["quick"][1]


def test_a_name_is_no_markup() -> None:
    ET.fromstring(scatter.svg(a_run(rows=(a_row(HOSTILE),))))


def test_the_page_takes_the_table_of_a_run_and_has_its_plot() -> None:
    table = scatter.markdown(a_run())
    first = page.filled(PAGE.read_text(), table, scatter.BEGIN, scatter.END)

    assert page.filled(first, table, scatter.BEGIN, scatter.END) == first
    assert all((f"| {row.name}" in first) == (row.stage == "timed") for row in a_run().rows if row.name != "json")
    assert re.findall(r"!\[[^]]*\]\((\S+\.svg)\)", table) == ["benchmarks.svg"]
    assert (scatter.DOCS / "benchmarks.svg").stat().st_size < 60_000
