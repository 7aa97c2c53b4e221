"""The scatter of size against time, with the Pareto line, as SVG that is as wide as its place: x in %, y in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from satchel.bench.axes import Scale
from satchel.bench.results import Row, Run
from satchel.bench.tabling import digits, is_plain, there_and_back, visible

HEIGHT = 440
"""Pixels, with the names of the ticks."""

#: Where points may be: the rest is for the ticks' names.
_LEFT, _RIGHT = 11.0, 97.0
_TOP, _BOTTOM = 32.0, 392.0
#: The widths of the drawing, in pixels, for which a placing of labels is made; the style sheet shows one of the two.
_PLACINGS = {"wide": (640, 720, 840, 960, 1100), "narrow": (290, 340, 420, 520, 640)}
#: Of a character of a label, on average and a little more; of its line.
_CHARACTER, _LINE = 6.7, 13.0
_TICKS = 8
#: Characters of a label.
_LONGEST = 28
#: Each label is compared with each of so many points, for each width: more would take long.
_MOST_LABELS, _MOST_AVOIDED = 40, 200


class Point(NamedTuple):
    """A candidate's place: its row's number, x in %, y in pixels."""

    number: int
    x: float
    y: float
    row: Row


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


#: By the width of the drawing.
_Boxes = dict[int, list[_Box]]


class _Label(NamedTuple):
    """A label beside a point: how far, in pixels, and which of its ends is there."""

    dx: float
    dy: float
    anchor: str

    def box(self, point: Point, width: int, length: int) -> _Box:
        long = length * _CHARACTER
        start = point.x / 100 * width + self.dx - {"start": 0, "middle": long / 2, "end": long}[self.anchor]
        base = point.y + self.dy
        return _Box(start, base - _LINE + 3, start + long, base + 3)


_PLACES = (
    _Label(9, -5, "start"),
    _Label(9, 14, "start"),
    _Label(0, -11, "middle"),
    _Label(0, 20, "middle"),
    _Label(-9, 14, "end"),
    _Label(-9, -5, "end"),
)
#: Further off: only where no other point is nearer.
_FAR_PLACES = (_Label(14, -20, "start"), _Label(-14, 28, "end"))


def drawable(row: Row) -> bool:
    """Whether a candidate has a place: times that are not above 0 have none on a logarithmic axis."""
    time = there_and_back(row)
    return all(value > 1e-9 and is_plain(value) for value in (row.sizes.mean, time))


def scatter(run: Run) -> str:
    """Draw a run's candidates: an `svg` element; empty when there is nothing to draw."""
    drawn = [(number, row) for number, row in enumerate(run.rows) if drawable(row)]
    if not drawn:
        return ""
    sizes = Scale.over([row.sizes.mean for _, row in drawn])
    times = Scale.over([there_and_back(row) for _, row in drawn], logarithmic=True)
    points = [
        Point(number, _across(sizes, row.sizes.mean), _down(times, there_and_back(row)), row) for number, row in drawn
    ]
    parts = [
        f'<svg id="scatter" width="100%" height="{HEIGHT}" role="img" aria-labelledby="scatter-title scatter-desc">',
        '<title id="scatter-title">Size against time</title>',
        f'<desc id="scatter-desc">{escape(_described(points, sizes))}</desc>',
        *_grid(sizes, times),
        *_pareto_line(points),
        # The baseline and the Pareto points last, so that no other lies on them.
        *(_mark(point, run) for point in sorted(points, key=lambda point: (point.row.pareto, _is_base(point, run)))),
        *_labels(points, run, times),
        "</svg>",
    ]
    return "\n".join(parts)


def _across(scale: Scale, size: float) -> float:
    return round(_LEFT + scale.share(size) * (_RIGHT - _LEFT), 2)


def _down(scale: Scale, time: float) -> float:
    return round(_BOTTOM - scale.share(time) * (_BOTTOM - _TOP), 1)


def _is_base(point: Point, run: Run) -> bool:
    return point.row.name == run.baseline


def _described(points: Sequence[Point], sizes: Scale) -> str:
    axis = "logarithmic" if sizes.logarithmic else "linear"
    best = sorted((point for point in points if point.row.pareto), key=lambda point: point.x)
    named = "; ".join(
        f"{visible(point.row.name)[:80]}, {digits(point.row.sizes.mean)} bytes, {digits(there_and_back(point.row))} µs"
        for point in best[:12]
    )
    line = f" On the Pareto line, from the smallest: {named}." if named else ""
    return (
        f"{len(points)} candidates. Across: mean size in bytes, {axis}. Up: time to encode and decode, logarithmic. "
        f"Further left is smaller, further down is quicker.{line} The table below has the same numbers."
    )


def _grid(sizes: Scale, times: Scale) -> Iterator[str]:
    for tick in times.ticks(_TICKS):
        y = _down(times, tick)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        yield f'<text class="tick" x="0" y="{y}" dy="-4">{_time(tick)}</text>'
    # Names that would run into each other on a narrow screen are not there.
    for kind, at_most in (("wide", 8), ("narrow", 4)):
        for tick in sizes.ticks(at_most):
            x = _across(sizes, tick)
            yield f'<line class="grid {kind}" x1="{x}%" x2="{x}%" y1="{_TOP}" y2="{_BOTTOM + 4}"/>'
            yield f'<text class="tick {kind}" x="{x}%" y="{_BOTTOM}" dy="20" text-anchor="middle">{_size(tick)}</text>'
    yield f'<text class="axis" x="100%" y="{HEIGHT - 6}" text-anchor="end">mean size, bytes →</text>'
    yield '<text class="axis" x="0" y="10">↑ time to encode and decode</text>'


def _pareto_line(points: Sequence[Point]) -> Iterator[str]:
    """Draw the edge of what no candidate beats: stairs, since between two points there is no candidate."""
    best = sorted((point for point in points if point.row.pareto), key=lambda point: (point.x, point.y))
    for index, one in enumerate(best[:-1]):
        after = best[index + 1]
        yield f'<line class="pareto" x1="{one.x}%" x2="{after.x}%" y1="{one.y}" y2="{one.y}"/>'
        yield f'<line class="pareto" x1="{after.x}%" x2="{after.x}%" y1="{one.y}" y2="{after.y}"/>'


def _mark(point: Point, run: Run) -> str:
    row = point.row
    kinds = (("best", row.pareto), ("base", _is_base(point, run)), ("screened", row.stage == "screened"))
    kind = " ".join(name for name, holds in kinds if holds)
    told = f"{visible(row.name)[:80]}: {digits(row.sizes.mean)} bytes, {digits(there_and_back(row))} µs"
    attributes = f' class="{kind}"' if kind else ""
    radius = 6 if row.pareto or _is_base(point, run) else 5
    return (
        f'<circle id="p{point.number}"{attributes} cx="{point.x}%" cy="{point.y}" r="{radius}">'
        f"<title>{escape(told)}</title></circle>"
    )


def _labels(points: Sequence[Point], run: Run, times: Scale) -> Iterator[str]:
    best = sorted((point for point in points if point.row.pareto), key=lambda point: point.x)
    base = [point for point in points if _is_base(point, run)]
    named = list(dict.fromkeys([*base[:1], *best[:1], *best[-1:], *best[:_MOST_LABELS]]))
    for kind, widths in _PLACINGS.items():
        ticks = [_Box(0, _down(times, tick) - 16, 52, _down(times, tick)) for tick in times.ticks(_TICKS)]
        taken = {width: ticks + [_around(point, width) for point in (named + best)[:_MOST_AVOIDED]] for width in widths}
        others = {width: [_around(point, width) for point in points[:_MOST_AVOIDED]] for width in widths}
        for point in named:
            text = _name(point, run)
            place = _place(point, len(text), taken, others)
            if place is None:
                continue
            for width, boxes in taken.items():
                boxes.append(place.box(point, width, len(text)))
            yield (
                f'<text class="name {kind}" x="{point.x}%" y="{point.y}" dx="{place.dx:g}" dy="{place.dy:g}" '
                f'text-anchor="{place.anchor}">{escape(text)}</text>'
            )


def _place(point: Point, length: int, taken: _Boxes, others: _Boxes) -> _Label | None:
    near = [place for place in _PLACES if _free(place, point, length, taken)]
    far = [place for place in _FAR_PLACES if _free(place, point, length, taken)]
    best = next((place for place in near + far if _free(place, point, length, others)), None)
    # Better on a point that has no name than nowhere.
    return best or (near[0] if near else None)


def _free(place: _Label, point: Point, length: int, taken: _Boxes) -> bool:
    """Whether a label lies within the drawing and on nothing else, however wide the drawing is."""
    for width, boxes in taken.items():
        box = place.box(point, width, length)
        if box.left < 0 or box.right > width or box.top < _TOP or box.bottom > _BOTTOM + 4:
            return False
        if any(box.meets(other) for other in boxes):
            return False
    return True


def _around(point: Point, width: int) -> _Box:
    x = point.x / 100 * width
    return _Box(x - 6, point.y - 6, x + 6, point.y + 6)


def _name(point: Point, run: Run) -> str:
    name = visible(point.row.name)
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return f"{short} (baseline)" if _is_base(point, run) else short


def _time(microseconds: float) -> str:
    power = 0 if microseconds < 1e3 else 1 if microseconds < 1e6 else 2
    return f"{microseconds / 1e3**power:.6g} {('µs', 'ms', 's')[power]}"


def _size(size: float) -> str:
    return f"{size:,.6g}" if size < 1e6 else f"{size / 1e6:,.6g} M"
