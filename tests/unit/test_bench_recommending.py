"""The recommendation: the least time over a link, or the least money; crossovers; what is worth compressing."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from satchel.bench.candidates import Candidate
from satchel.bench.recommending import Link, Prices, finalists, hull, recommend, worth_compressing
from satchel.bench.results import Cost, Row, Sizes
from satchel.bench.screening import Screened


def row(name, size, time, stage="timed"):
    half = Cost(time / 2, time / 2, time / 2, time / 2)
    serializer, _, compressor = name.partition("+")
    sizes = Sizes(size, size, size, size)
    return Row(name, serializer, compressor or None, None, None, stage, sizes, 1.0, half, half)


ROWS = [row("json", 1000, 4), row("json+zstd", 400, 10), row("json+xz", 300, 900), row("yaml", 1000, 400)]


@pytest.mark.parametrize(("speed", "best"), [(1e10, "json"), (1e8, "json+zstd"), (1e5, "json+xz")])
def test_a_slower_link_takes_a_smaller_message(speed, best):
    assert recommend(ROWS, Link(speed)).best.name == best


def test_the_total_is_encode_link_and_decode():
    answer = recommend(ROWS, Link(8e6, hops=2))

    totals = {one.name: total for one, total in answer.ranked}
    assert totals["json"] == pytest.approx(4 + 2 * 1000)
    assert totals["json+zstd"] == pytest.approx(10 + 2 * 400)


def test_a_difference_of_less_than_a_hundredth_takes_what_is_simpler():
    rows = [row("json+zstd", 1000, 3.97), row("json", 1000, 4)]

    assert recommend(rows, Link(1e12)).best.name == "json"


def test_of_equal_rows_the_one_that_need_not_be_configured_is_taken():
    rows = [row("json+zlib:9", 1000, 3.97), row("json+zlib:6", 1000, 4)]

    assert recommend(rows, Link(1e12), usual={"json+zlib:6"}).best.name == "json+zlib:6"
    assert recommend(rows, Link(1e12)).best.name == "json+zlib:9"


def test_what_was_only_screened_is_not_recommended():
    rows = [*ROWS, row("quick", 1, 0.1, "screened")]

    assert recommend(rows, Link(1e8)).best.name == "json+zstd"


def test_prices_choose_by_money():
    # 10 µs of a core, and 400 bytes, a million times.
    prices = Prices(core_hour=3.6, gigabyte=0.5)

    answer = recommend(ROWS, Link(1e8), prices)

    assert {one.name: total for one, total in answer.ranked}["json+zstd"] == pytest.approx(0.01 + 0.2)
    assert answer.best.name == "json+zstd"
    assert recommend(ROWS, Link(1e8), Prices(3.6e6, 0.5)).best.name == "json"


def test_the_spans_cover_all_links_and_each_is_right_within_itself():
    spans = recommend(ROWS, Link(1e8, hops=3)).spans

    assert [span.row.name for span in spans] == ["json+xz", "json+zstd", "json"]
    assert (spans[0].slowest, spans[-1].fastest) == (0, math.inf)
    for one, following in itertools.pairwise(spans):
        assert one.fastest == following.slowest
    for span in spans:
        inside = min(max(span.slowest * 1.1, 1), span.fastest * 0.9)
        assert recommend(ROWS, Link(inside, hops=3)).best.name == span.row.name


def test_the_hull_holds_the_best_point_for_every_factor():
    rng = random.Random(5)
    points = [(rng.uniform(1, 100), rng.uniform(1, 100)) for _ in range(200)]

    corners = hull(points)

    for power in range(-40, 41):
        factor = 10 ** (power / 10)
        best = min(range(len(points)), key=lambda index: points[index][1] + factor * points[index][0])
        assert best in corners
    assert hull([(1, 1), (1, 1), (2, 1)]) == [0]


def test_finalists_hold_the_best_for_every_link_and_what_is_near():
    screened = [Screened(Candidate(one.name), one.sizes.mean, one.encode.median, one.decode.median) for one in ROWS]

    assert {one.candidate.serializer for one in finalists(screened, [Link(1e8)])} == {"json", "json+zstd"}
    assert {one.candidate.serializer for one in finalists(screened, [])} == {"json", "json+zstd", "json+xz"}
    many = [Screened(Candidate(f"c{n}"), 100 + n / 1000, 1.0, 1.0) for n in range(50)]
    assert len(finalists(many, [Link(1e8)])) == 8
    assert len(finalists(many, [])) == 12


def test_what_is_the_best_for_far_slower_links_alone_is_no_finalist():
    points = {"quick": (1_000, 10), "small": (900, 100), "smallest": (890, 20_000)}
    screened = [Screened(Candidate(name), size, time, 0.0) for name, (size, time) in points.items()]

    # A byte less for 2 ms more: worth it up to 8 kbit/s over two hops.
    assert {one.candidate.serializer for one in finalists(screened, [Link(1e6, 2)])} == {"quick", "small"}
    assert {one.candidate.serializer for one in finalists(screened, [Link(5e4, 2), Link(1e9, 2)])} == points.keys()
    assert {one.candidate.serializer for one in finalists(screened, [])} == points.keys()


def test_what_takes_ten_times_as_long_as_the_best_is_no_finalist():
    points = {"quick": (1_000, 10), "small": (700, 100), "smaller": (400, 990), "smallest": (300, 1_900)}
    screened = [Screened(Candidate(name), size, time, 0.0) for name, (size, time) in points.items()]

    # Over this link the second is the best, and the two smallest are not near; they are not far from being the best.
    assert {one.candidate.serializer for one in finalists(screened, [Link(8e6)])} == {"quick", "small", "smaller"}
    assert {one.candidate.serializer for one in finalists(screened, [])} == points.keys()


class Halving:
    """Takes no time, and halves what has more than 100 bytes; what is shorter grows."""

    def compress(self, body):
        return bytes(len(body) // 2) if len(body) > 100 else bytes(len(body) + 20)

    def decompress(self, body, *, max_size):
        return body


def test_the_smallest_size_worth_compressing_is_where_it_begins_to_gain():
    bodies = [bytes(size) for size in (50, 500, 5000, 5000)]

    # So slow a link that no time counts.
    assert 100 < (worth_compressing(Halving(), bodies, Link(1000)) or 0) < 150


def test_one_long_body_that_does_not_shrink_decides_nothing():
    class Picky(Halving):
        def compress(self, body):
            return bytes(len(body) + 9) if body.startswith(b"random") else super().compress(body)

    bodies = [*[bytes(500)] * 50, b"random" * 1000]

    assert 100 < (worth_compressing(Picky(), bodies, Link(1000)) or 0) < 150


def test_nothing_is_worth_compressing_for_a_link_that_is_quicker():
    assert worth_compressing(Halving(), [bytes(1000)] * 5, Link(1e15)) is None
