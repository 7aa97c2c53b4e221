"""Which candidate to take: the time of a message from a value to its copy, over links of given speeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from satchel.bench.results import Row
from satchel.bench.screening import Screened
from satchel.bench.timing import CLOCK

#: What a `Plan` has where an answer is wanted soon.
QUICK: dict[str, Any] = {"rounds": 12, "processes": 3, "seconds": 3, "sizing": 0.25, "checking": 0.5, "memory": False}

#: Less than this is no reason to take something less simple than another.
_INDIFFERENT = 0.01
#: A finalist is, by the screening, no dearer than the best by this factor, or the best for some other link.
_NEAR = 1.25
#: What is the best only where a byte takes so many times as long as over the slowest link in question is no finalist,
#: nor what takes so many times as long as the best there.
_FAR = 10
#: At the most, for all links, and for those in question.
_MOST_FINALISTS, _MOST_FOR_LINKS = 12, 8
_MICROSECONDS = 1e6
_CUT_BODIES = 12


class Link(NamedTuple):
    """What a message crosses.

    Attributes:
        speed: bits per second.
        hops: how often it crosses such a link: once to a broker and once from it is 2.
    """

    speed: float
    hops: int = 1

    def time(self, size: float) -> float:
        """Microseconds that so many bytes are on the way."""
        return self.hops * 8 * size / self.speed * _MICROSECONDS


class Prices(NamedTuple):
    """What is paid, in any currency.

    Attributes:
        core_hour: for an hour of one core.
        gigabyte: for the transfer of 10^9 bytes, each hop.
    """

    core_hour: float
    gigabyte: float

    def link(self, hops: int) -> Link:
        """The link over which times are in the same proportions as these prices."""
        return Link(8e6 * self.core_hour / (3.6 * self.gigabyte) if self.core_hour and self.gigabyte else 1e15, hops)

    def million(self, row: Row, hops: int) -> float:
        """What a million messages cost."""
        return row.there_and_back / 3600 * self.core_hour + row.sizes.mean * hops / 1000 * self.gigabyte


class Span(NamedTuple):
    """The links for which one row is the best.

    Attributes:
        row: the row.
        slowest, fastest: bits per second, for the hops in question; 0 and infinity at the ends.
    """

    row: Row
    slowest: float
    fastest: float


class Recommendation(NamedTuple):
    """An answer.

    Attributes:
        best: the row to take.
        ranked: all timed rows with their totals, the least first: microseconds, or money a million messages.
        spans: which row is the best for which link, from slow links to fast ones.
    """

    best: Row
    ranked: tuple[tuple[Row, float], ...]
    spans: tuple[Span, ...]


def recommend(
    rows: Sequence[Row], link: Link, prices: Prices | None = None, *, usual: Collection[str] = ()
) -> Recommendation:
    """Choose among the rows that were timed.

    Of rows that differ by less than a hundredth, the simplest is taken: one without a compressor, or with one that need
    not be configured.

    Args:
        rows: those of a run.
        link: what a message crosses.
        prices: choose by money instead of time.
        usual: the names of rows whose compressor is at its own level.
    """
    timed = [row for row in rows if row.stage == "timed"]
    totals = [
        (row, row.there_and_back + link.time(row.sizes.mean) if prices is None else prices.million(row, link.hops))
        for row in timed
    ]
    ranked = tuple(sorted(totals, key=lambda pair: pair[1]))
    close = [row for row, total in ranked if total <= ranked[0][1] * (1 + _INDIFFERENT)]
    best = min(close, key=lambda row: (row.compressor is not None, row.name not in usual, close.index(row)))
    return Recommendation(best, ranked, tuple(_spans(timed, link.hops)))


def _spans(rows: Sequence[Row], hops: int) -> Iterator[Span]:
    """Walk the lower hull of sizes and times: each of its corners is the best for some links."""
    points = [(row.sizes.mean, row.there_and_back) for row in rows]
    corners = hull(points)
    slowest = 0.0
    for corner, following in zip(corners, [*corners[1:], None], strict=True):
        fastest = math.inf
        if following is not None:
            fastest = hops * 8 / _factor(points[corner], points[following]) * _MICROSECONDS
        yield Span(rows[corner], slowest, fastest)
        slowest = fastest


def hull(points: Sequence[tuple[float, float]]) -> list[int]:
    """Give the indices of the points that are the least of time + bytes x some factor, from small to quick."""
    corners: list[int] = []
    for index in sorted(range(len(points)), key=points.__getitem__):
        size, time = points[index]
        if corners and time >= points[corners[-1]][1]:
            continue
        while len(corners) > 1 and _above(points[corners[-2]], points[corners[-1]], (size, time)):
            corners.pop()
        corners.append(index)
    return corners


def _factor(small: tuple[float, float], quick: tuple[float, float]) -> float:
    """Microseconds a byte that make two corners, one after the other, cost the same."""
    return (small[1] - quick[1]) / (quick[0] - small[0])


def _above(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the middle point is not under the line between the others."""
    (x1, y1), (x2, y2), (x3, y3) = first, middle, last
    return (y2 - y1) * (x3 - x1) >= (y3 - y1) * (x2 - x1)


def finalists(screened: Sequence[Screened], links: Sequence[Link]) -> list[Screened]:
    """Choose what is worth being timed: what may be the best for these links, or is for some other.

    What is the best only for links of a tenth of the speed and less, or takes ten times as long as what is the best for
    the slowest of these, takes long to time, and is no answer.

    Args:
        links: those in question; with none, all are.
    """
    points = [(one.size, one.encode + one.decode) for one in screened]
    distance: dict[int, float] = {}
    factors = [link.time(1) for link in links] or [10.0**power for power in range(-4, 2)]
    slowest = dearest = math.inf
    if links:
        slowest = max(factors) * _FAR
        dearest = min(points, key=lambda point: point[1] + point[0] * max(factors))[1] * _FAR
    corners = hull(points)
    chosen = [
        corner
        for corner, following in zip(corners, [*corners[1:], None], strict=True)
        if points[corner][1] < dearest and (following is None or _factor(points[corner], points[following]) < slowest)
    ]
    for factor in factors:
        totals = [time + size * factor for size, time in points]
        least = min(totals)
        for index, total in enumerate(totals):
            if total <= least * _NEAR:
                distance[index] = min(distance.get(index, math.inf), total / least)
    nearest = sorted(distance, key=distance.__getitem__)
    most = _MOST_FOR_LINKS if links else _MOST_FINALISTS
    return [screened[index] for index in dict.fromkeys((*nearest[: most // 2], *chosen, *nearest))][:most]


def worth_compressing(compressor: Any, bodies: Sequence[bytes], link: Link) -> int | None:
    """Give the size in bytes from which on compressing takes less time than it saves on the way.

    The beginnings of real bodies stand for short ones.

    Returns:
        None when it is not worth it at the size that a tenth of the bodies exceed, nor, then, at any other.
    """
    # A few that are far longer than the others, and may be of another kind, decide nothing.
    longest = sorted(map(len, bodies))[len(bodies) * 9 // 10]
    sizes = [32]
    while sizes[-1] < longest:
        sizes.append(math.ceil(sizes[-1] * math.sqrt(2)))
    found = None
    for size in reversed(sizes[:-1]):
        long = [body for body in bodies if len(body) >= size]
        step = max(1, len(long) // _CUT_BODIES)
        if _gain(compressor, [body[:size] for body in long[::step]], link) <= 0:
            break
        found = size
    return found


def _gain(compressor: Any, bodies: Sequence[bytes], link: Link) -> float:
    """Microseconds that compressing saves, the mean of these bodies."""
    gains = []
    for body in bodies:
        packed = compressor.compress(body)
        least = math.inf
        for _ in range(5):
            start = CLOCK()
            compressor.compress(body)
            compressor.decompress(packed, max_size=len(body))
            least = min(least, CLOCK() - start)
        gains.append(link.time(len(body) - len(packed)) - least * _MICROSECONDS)
    return statistics.fmean(gains)
