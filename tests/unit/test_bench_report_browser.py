"""The page of a run in Chromium: by keyboard, in the dark, at any width; nothing is loaded, nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from satchel.bench.exporting import export
from satchel.bench.results import Run
from tests.unit.bench_runs import HOSTILE, a_row, a_run, colours_of, hostile_run
from tests.unit.chromium import BROWSER, Tab, chromium

# One worker starts the browser, once.
pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.once]

Show = Callable[..., Tab]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if BROWSER is None:
        pytest.skip("needs chromium")
    with chromium(tmp_path_factory.mktemp("chromium") / "profile") as found:
        yield found


@pytest.fixture
def show(tab: Tab, tmp_path: Path) -> Show:
    def showing(run: Run, fragment: str = "", **options: Any) -> Tab:
        (tmp_path / "report.html").write_text(export(run, "html"), encoding="utf-8")
        tab.show(tmp_path / "report.html", fragment, **options)
        return tab

    return showing


def order(tab: Tab) -> list[int]:
    """The numbers of the table's rows, from the top."""
    found: list[int] = tab.evaluate("[...document.querySelectorAll('tbody tr')].map(row => +row.id.slice(1))")
    return found


def test_browser_loads_nothing_else_and_has_nothing_to_complain_about(show: Show) -> None:
    tab = show(hostile_run())

    assert len(tab.events("Network.requestWillBeSent")) == 1
    assert tab.events("Log.entryAdded") + tab.events("Runtime.exceptionThrown") == []
    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("document.querySelector('tbody a').textContent") == f"{HOSTILE} (baseline)"


def test_browser_runs_no_script_but_the_pages_own(show: Show) -> None:
    tab = show(a_run())
    # Runs even in a page whose policy admits no script: what it makes must not.
    tab.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    tab.evaluate("document.body.setAttribute('style', 'color: red')")

    assert tab.evaluate("typeof window.ran") == "undefined"
    assert tab.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"


def test_table_is_in_the_order_of_the_run_until_it_is_sorted(show: Show) -> None:
    tab = show(a_run())

    assert order(tab) == list(range(len(a_run().rows)))
    assert tab.evaluate("document.querySelectorAll('[aria-sort]').length") == 0


@pytest.mark.parametrize("key", ["Enter", " "])
def test_table_is_sorted_by_keyboard(show: Show, key: str) -> None:
    rows = a_run().rows
    tab = show(a_run())
    # The link to the table, the region that scrolls, then the headings.
    for _ in range(2 + 6):
        tab.press("Tab")
    tab.press(key)
    up, state = order(tab), tab.evaluate("document.activeElement.parentElement.getAttribute('aria-sort')")
    tab.press(key)

    assert tab.evaluate("document.activeElement.textContent") == "Encode µs"
    assert up == sorted(range(len(rows)), key=lambda number: rows[number].encode.median)
    assert order(tab) == up[::-1]
    assert (state, tab.evaluate("document.activeElement.parentElement.getAttribute('aria-sort')")) == (
        "ascending",
        "descending",
    )
    assert tab.evaluate("document.querySelector('[role=status]').textContent") == "Sorted by Encode µs, descending."
    assert tab.evaluate("document.querySelectorAll('[aria-sort]').length") == 1


def test_what_has_focus_is_seen(show: Show) -> None:
    tab = show(a_run())
    outlines = []
    for _ in range(14):
        tab.press("Tab")
        outlines.append(
            tab.evaluate(
                "(style => `${style.outlineStyle} ${style.outlineWidth}`)(getComputedStyle(document.activeElement))"
            )
        )

    assert outlines == ["solid 3px"] * 14


def test_row_that_has_focus_shows_its_point(show: Show) -> None:
    tab = show(a_run())
    tab.evaluate("document.querySelector('#r3 a').focus()")

    assert tab.evaluate("[...document.querySelectorAll('.lit')].map(each => each.id)") == ["p3", "r3"]


def test_point_leads_to_its_row(show: Show) -> None:
    tab = show(a_run())
    tab.evaluate("document.getElementById('p5').dispatchEvent(new MouseEvent('click'))")

    assert tab.evaluate("document.activeElement.closest('tr').id") == "r5"


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [("#sort=1", "ascending"), ("#sort=-10", "descending"), ("#sort=11", None), ("#sort=0", None), ("#sort=x", None)],
)
def test_address_says_how_the_table_is_sorted(show: Show, fragment: str, expected: str | None) -> None:
    tab = show(a_run(), fragment)

    assert tab.evaluate("document.querySelector('[aria-sort]')?.getAttribute('aria-sort') ?? null") == expected
    assert tab.events("Runtime.exceptionThrown") == []


def test_what_has_no_value_is_sorted_last(show: Show) -> None:
    rows = a_run().rows
    last = [number for number, row in enumerate(rows) if row.peak_memory is None]

    for fragment in ("#sort=8", "#sort=-8"):
        assert order(show(a_run(), fragment))[-len(last) :] == last


@pytest.mark.parametrize("dark", [False, True])
def test_page_has_the_colours_that_the_system_wants(show: Show, dark: bool) -> None:
    tab = show(a_run(), dark=dark)
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")

    back = colours_of(export(a_run(), "html"), dark)["back"]
    assert ground == f"rgb({int(back[1:3], 16)}, {int(back[3:5], 16)}, {int(back[5:7], 16)})"


def test_page_is_printed_no_wider_than_paper(show: Show) -> None:
    tab = show(a_run(), width=794, dark=True)
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    width, ground = tab.evaluate(
        "[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]"
    )
    tab.call("Emulation.setEmulatedMedia", media="")

    # A4 at 96 pixels an inch.
    assert width <= 794
    assert ground == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [320, 400, 640, 760, 1280])
@pytest.mark.parametrize("run", [a_run(), a_run(200), hostile_run()], ids=["usual", "200", "hostile"])
def test_page_fits_its_window(show: Show, run: Run, width: int) -> None:
    tab = show(run, width=width)

    assert tab.evaluate("document.documentElement.scrollWidth") <= width


#: The labels that are shown, as rectangles, and which two of them lie on each other.
OVERLAPS = """(() => {
    const labels = [...document.querySelectorAll("#scatter text")].filter(each => each.getClientRects().length);
    const boxes = labels.map(each => [each.textContent, each.getBoundingClientRect()]);
    const place = document.getElementById("scatter").getBoundingClientRect();
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;
    const pairs = boxes.flatMap(([name, box], index) =>
        boxes.slice(index + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${name} / ${other}`));
    const out = boxes.filter(([, box]) => box.left < 0 || box.right > innerWidth || box.top < place.top - 2)
        .map(([name]) => name);
    return [labels.length, pairs, out];
})()"""


@pytest.mark.parametrize("width", [320, 400, 560, 700, 720, 1000, 1280, 2000])
@pytest.mark.parametrize("count", [12, 60, 200])
def test_no_text_of_the_drawing_lies_on_another_or_is_cut_off(show: Show, count: int, width: int) -> None:
    shown, overlapping, outside = show(a_run(count), width=width).evaluate(OVERLAPS)

    assert shown >= 10
    assert (overlapping, outside) == ([], [])


@pytest.mark.parametrize("slowest", [700.0, 800.0, 856.0, 900.0, 990.0])
def test_no_tick_lies_on_the_name_of_its_axis(show: Show, slowest: float) -> None:
    rows = [a_row("quick", encode=1.0, decode=1.0), a_row("slow", size=300, encode=slowest - 9, decode=9.0)]

    _, overlapping, _ = show(replace(a_run(), rows=tuple(rows), baseline="quick")).evaluate(OVERLAPS)
    assert overlapping == []
