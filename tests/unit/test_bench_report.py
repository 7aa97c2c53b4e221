"""The page of a run: one file that loads nothing, whatever names are in it, readable in the dark and by keyboard."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import pytest

from satchel.bench.axes import Scale
from satchel.bench.exporting import export
from satchel.bench.results import Cost, Row, Run, Sizes
from satchel.bench.tabling import tabulate
from tests.unit.bench_runs import HOSTILE, a_row, a_run, colours_of, hostile_run

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """A page's elements, with their attributes and texts; an element that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def of(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(value in (attributes.get(key) or "").split() for key, value in wanted.items())
        ]

    def inside(self, tag: str) -> str:
        return "".join(text for name, text in self.texts if name == tag)


def page(run: Run) -> Page:
    return Page(export(run, "html"))


def test_page_of_200_candidates_is_no_larger_than_250_kb() -> None:
    rows = [replace(row, name=f"{row.name} {'x' * 30}") for row in a_run(200).rows]

    assert len(export(a_run(tuple(rows)), "html").encode()) <= 250_000


def test_page_names_no_other_resource() -> None:
    found = page(a_run())
    names = {name for _, attributes in found.elements for name in attributes}
    links = [value for _, attributes in found.elements for name, value in attributes.items() if name == "href"]

    assert not names & {"src", "srcset", "action", "style", "data", "poster"}
    assert not any(name.startswith("on") for name in names)
    assert all(link is not None and link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import|//", found.inside("style"))
    assert not re.search(r"fetch|XMLHttp|import\b|innerHTML|eval", found.inside("script"))


def test_policy_admits_this_style_and_this_script_and_nothing_else() -> None:
    found = page(a_run())
    (policy,) = (meta["content"] for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(found.inside(tag).encode()).digest()).decode()}'"
        for tag in ("style", "script")
    ]

    assert policy == (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; base-uri 'none'; form-action 'none'"
    )


def test_policy_comes_before_what_it_governs() -> None:
    tags = [name for name, _ in page(a_run()).elements]
    text = export(a_run(), "html")

    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert (tags.count("style"), tags.count("script")) == (1, 1)


def test_a_hostile_name_stays_text() -> None:
    hostile, usual = page(hostile_run()), page(a_run((a_row("json", pareto=True), a_row("other"))))

    assert {name for name, _ in hostile.elements} == {name for name, _ in usual.elements} | {"p"}
    assert hostile.of("img") == []
    assert hostile.inside("script") == usual.inside("script")
    assert hostile.inside("a").count(HOSTILE) == 1
    assert all("onerror" not in attributes for _, attributes in hostile.elements)


def test_what_cannot_be_seen_is_escaped() -> None:
    shown = export(a_run((a_row("a\x00\u202e\x1b\nb", pareto=True),)), "html")

    assert r"a\x00\u202e\x1b\nb" in shown
    assert {c for c in shown if not c.isprintable()} <= {"\n", "\xa0"}


def test_every_candidate_has_a_row_and_a_point_and_the_row_leads_to_the_point() -> None:
    run, found = a_run(), page(a_run())
    points = {circle["id"] for circle in found.of("circle") if "id" in circle}

    assert points == {f"p{number}" for number in range(len(run.rows))}
    assert {row["id"] for row in found.of("tr") if "id" in row} == {f"r{number}" for number in range(len(run.rows))}
    assert {link["href"] for link in found.of("a")} == {f"#{point}" for point in points} | {"#candidates"}


def test_table_is_that_of_the_terminal() -> None:
    run = a_run()
    text = export(run, "html")
    rows = [
        tuple(re.sub("<.*?>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row))
        for row in re.findall('<tr id="r.*?</tr>', text)
    ]

    assert tuple(rows) == tabulate(run).rows


def test_pareto_line_leads_through_the_pareto_points() -> None:
    run, found = a_run(), page(a_run())
    best = {f"p{number}" for number, row in enumerate(run.rows) if row.pareto}
    centres = {(circle["cx"], circle["cy"]) for circle in found.of("circle", **{"class": "best"}) if "id" in circle}
    lines = found.of("line", **{"class": "pareto"})
    ends = {(line["x1"], line["y1"]) for line in lines} | {(line["x2"], line["y2"]) for line in lines}

    assert {circle["id"] for circle in found.of("circle", **{"class": "best"}) if "id" in circle} == best
    assert centres <= ends
    assert len(lines) == 2 * (len(best) - 1)


def test_drawing_is_described_for_those_who_do_not_see_it() -> None:
    found = page(a_run())
    (drawing,) = found.of("svg", id="scatter")

    assert (drawing["role"], drawing["aria-labelledby"]) == ("img", "scatter-title scatter-desc")
    assert "12 candidates" in found.inside("desc")
    assert "On the Pareto line, from the smallest: json + brotli 11, 221 bytes" in found.inside("desc")
    assert all("aria-hidden" in other for other in found.of("svg") if other is not drawing)


@pytest.mark.parametrize("count", [12, 60, 200])
@pytest.mark.parametrize(("kind", "width"), [("wide", 640), ("wide", 1100), ("narrow", 290), ("narrow", 640)])
def test_labels_lie_within_the_drawing_and_not_on_each_other(count: int, kind: str, width: int) -> None:
    boxes = list(label_boxes(page(a_run(count)), kind, width))

    assert len(boxes) >= 3
    assert all(left >= 0 and right <= width for left, _, right, _ in boxes)
    assert not [
        pair
        for pair in combinations(boxes, 2)
        if pair[0][0] < pair[1][2] and pair[1][0] < pair[0][2] and pair[0][1] < pair[1][3] and pair[1][1] < pair[0][3]
    ]


def label_boxes(found: Page, kind: str, width: int) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right and bottom of the labels, 6 pixels for a character: what the browser needs is about that."""
    texts = [text for tag, text in found.texts if tag == "text"]
    for attributes, text in zip(found.of("text"), texts, strict=True):
        if attributes.get("class") == f"name {kind}":
            x, y = float((attributes["x"] or "").rstrip("%")) / 100 * width, float(attributes["y"] or "")
            long = 6 * len(text)
            anchor = {"start": 0.0, "middle": 0.5, "end": 1.0}[attributes["text-anchor"] or ""]
            left, base = x + float(attributes["dx"] or "") - anchor * long, y + float(attributes["dy"] or "")
            yield left, base - 9, left + long, base + 3


def awkward_rows() -> dict[str, tuple[Row, ...]]:
    huge = 10**400
    no_time = Cost(0.0, 0.0, 0.0, 0.0)
    return {
        "none": (),
        "one": (a_row(),),
        "equal": (a_row("a", pareto=True), a_row("b", pareto=True)),
        "no time and no size": (a_row("a", encode=0.0, decode=0.0), replace(a_row(), sizes=Sizes(0.0, 0, 0, 0))),
        "huge": (replace(a_row(), peak_memory=huge, ratio=huge, encode=Cost(huge, huge, huge, huge)), a_row()),
        "negative": (
            replace(a_row(), ratio=-1.0, decode=Cost(-5.0, -5.0, -5.0, -5.0)),
            a_row(encode=1e-7, decode=1e-7),
        ),
        "no interval": (replace(a_row(), encode=Cost(0.0, 5e-324, 0.0, 9.0), decode=Cost(0.0, huge, 0.0, 1.5)),),
        "a wide range": (a_row("a", size=1e-6, encode=1e14), a_row("b", size=1e14, encode=1e-6, decode=1e-6)),
        "ratio 0": (replace(a_row("a", size=1.0), ratio=0.0), replace(no_pareto := a_row(), encode=no_time)),
        "the same name": (no_pareto, no_pareto),
    }


@pytest.mark.parametrize("rows", awkward_rows().values(), ids=awkward_rows().keys())
def test_numbers_that_cannot_be_drawn_are_left_to_the_table(rows: tuple[Row, ...]) -> None:
    found = page(a_run(rows))

    assert len([row for row in found.of("tr") if "id" in row]) == len(rows)
    shown = " ".join(value or "" for _, attributes in found.elements for value in attributes.values())
    assert not re.search(r"\b(nan|inf)\b", shown)


def test_bars_lie_within_their_room() -> None:
    for rectangle in page(a_run(60)).of("rect"):
        start, width = (float((rectangle.get(name) or "0").rstrip("%")) for name in ("x", "width"))

        assert start >= 0
        assert start + width <= 100.01


def test_warnings_and_what_was_left_out_are_shown() -> None:
    run = a_run(0, complete=False)
    text = export(run, "html")

    assert text.count('class="warning"') == 1
    assert "The run was interrupted" in text
    assert "python-snappy is not installed" in text


@pytest.mark.parametrize(
    ("values", "logarithmic", "ticks"),
    [
        ([100, 200], False, [100.0, 120.0, 140.0, 160.0, 180.0, 200.0]),
        ([7, 7], False, [6.95, 7.0, 7.05]),
        ([1, 900], True, [1.0, 10.0, 100.0, 1000.0]),
        ([100, 800], True, [100.0, 200.0, 500.0]),
    ],
)
def test_axis_fits_its_values(values: list[float], logarithmic: bool, ticks: list[float]) -> None:
    scale = Scale.over(values)
    shares = [scale.share(value) for value in values]

    assert scale.logarithmic is logarithmic
    assert all(0 < share < 1 for share in shares)
    assert scale.ticks(6) == ticks


# --- colours ---


def colours(dark: bool) -> dict[str, str]:
    return colours_of(export(a_run(), "html"), dark)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.1."""
    lower, higher = sorted(map(luminance, (one, other)))
    return (higher + 0.05) / (lower + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground_as_wcag_aa_wants(dark: bool) -> None:
    named = colours(dark)
    grounds = {"text": ("back", "raised", "lit"), "muted": ("back", "raised"), "accent": ("back", "raised")}

    found = {(text, on): contrast(named[text], named[on]) for text, ons in grounds.items() for on in ons}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("dark", [False, True])
def test_marks_stand_out_from_their_ground_as_wcag_aa_wants(dark: bool) -> None:
    named = colours(dark)

    found = {
        mark: contrast(named[mark], named["back"])
        for mark in ("accent", "encode", "decode", "size", "point", "warning")
    }
    assert {mark: ratio for mark, ratio in found.items() if ratio < 3} == {}


def test_colours_of_the_dark_are_those_of_the_light() -> None:
    assert colours(dark=True).keys() == colours(dark=False).keys()
