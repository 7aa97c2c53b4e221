"""Comparing two runs: ratios, intervals, what counts."""

from __future__ import annotations

import json
import math
import random
import statistics
from dataclasses import replace
from typing import Any

import pytest

from satchel.bench.comparing import Difference, compare, only, read, warnings
from satchel.bench.results import InvalidRun, Noise, Row, Run, to_json
from satchel.bench.timing import Figure
from tests.unit.comparing_runs import SIZES, cost, estimated, other_samples, row, run, sizes


def differences(before: Run, after: Run) -> dict[str, Difference]:
    """The differences of the only row, by measure."""
    return {found.measure: found for found in compare(before, after)}


# Bytes.


def test_sizes_of_the_same_messages_are_compared_exactly() -> None:
    longer = [size + 10 for size in SIZES]
    found = differences(run(), run(row(sizes=sizes(longer))))["bytes"]

    assert (found.before, found.after, found.counts, found.note) == (144.0, 154.0, True, "")
    assert found.ratio == pytest.approx(sum(longer) / sum(SIZES), rel=1e-12)


def test_one_byte_in_a_thousand_messages_counts() -> None:
    each = [400] * 1000
    found = differences(run(row(sizes=sizes(each))), run(row(sizes=sizes([*each[1:], 401]))))["bytes"]

    assert found.counts
    assert found.ratio == pytest.approx(400_001 / 400_000, rel=1e-12)


def test_the_interval_of_sizes_is_that_of_a_bootstrap_over_messages() -> None:
    rng = random.Random(5)
    pairs = [(size, size * 0.9 + rng.uniform(0, 30)) for size in (rng.randrange(80, 900) for _ in range(200))]
    before, after = ([round(pair[side]) for pair in pairs] for side in (0, 1))

    drawn = (rng.choices(range(200), k=200) for _ in range(1000))
    ratios = sorted(sum(after[i] for i in picks) / sum(before[i] for i in picks) for picks in drawn)
    found = differences(run(row(sizes=sizes(before))), run(row(sizes=sizes(after))))["bytes"]

    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) == pytest.approx(ratios[975] - ratios[25], rel=0.15)
    assert found.low < found.ratio < found.high


def test_sizes_of_other_messages_count_only_beyond_their_interval() -> None:
    before = run(row(sizes=sizes([*range(100, 300)])))
    alike, twice = (
        differences(before, other_samples(run(row(sizes=sizes([*each])))))["bytes"]
        for each in (range(104, 304), range(200, 600, 2))
    )

    assert (alike.counts, twice.counts) == (False, True)
    assert alike.note == twice.note == "of different messages"


def test_sizes_that_were_estimated_are_told_but_do_not_count() -> None:
    found = differences(run(row(sizes=estimated(100.0))), run(row(sizes=estimated(200.0))))["bytes"]

    assert (found.ratio, found.low, found.counts, found.judged) == (2.0, None, False, False)


# Times.


def test_a_time_counts_above_three_per_cent_and_a_tenth_of_a_microsecond() -> None:
    before = run(row(encode=cost(4.0, half=0.0001), decode=cost(0.5, half=0.0001)))
    after = run(row(encode=cost(4.4, half=0.0001), decode=cost(0.58, half=0.0001)))
    found = differences(before, after)

    assert found["encode"].ratio == pytest.approx(1.1)
    # A sixth more is under 0.1 µs.
    assert (found["encode"].counts, found["decode"].counts, found["time"].counts) == (True, False, True)


def test_a_time_whose_interval_holds_1_does_not_count() -> None:
    found = differences(run(row(encode=cost(40.0, half=0.1))), run(row(encode=cost(44.0, half=0.1))))["encode"]

    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high
    assert not found.counts


def test_the_machines_speed_is_not_in_times() -> None:
    slow = run(row(encode=cost(8.0, work=20.0), decode=cost(12.0, work=20.0)))
    found = differences(run(), slow)

    assert [found[measure].ratio for measure in ("encode", "decode", "time")] == pytest.approx([1, 1, 1])
    assert (found["encode"].before, found["encode"].after) == (4.0, 8.0)


def test_without_the_fixed_piece_of_work_medians_are_compared_and_only_great_differences_count() -> None:
    before = run(row(encode=cost(4.0, work=None), decode=cost(4.0, work=None)))
    found = differences(before, run(row(encode=cost(4.6), decode=cost(8.0))))

    assert [found[measure].ratio for measure in ("encode", "decode")] == pytest.approx([1.15, 2.0])
    assert (found["encode"].counts, found["decode"].counts) == (False, True)
    assert found["decode"].note == "the machine's speed is in it"


def test_time_is_encode_and_decode() -> None:
    found = differences(run(), run(row(encode=cost(6.0))))["time"]

    assert [found.before, found.after, found.ratio] == pytest.approx([10.0, 12.0, 1.2])


@pytest.mark.parametrize("changes", [{"rounds": 4}, {"rows": (row(encode=cost(9.0), stage="screened"),)}])
def test_times_that_are_weak_are_told_but_do_not_count(changes: dict[str, Any]) -> None:
    after = replace(run(row(encode=cost(9.0))), **changes)
    found = differences(run(), after)["encode"]

    assert found.ratio == pytest.approx(2.25)
    assert (found.low, found.counts, found.judged) == (None, False, False)


def test_times_of_other_messages_have_the_messages_in_their_interval() -> None:
    after = other_samples(run(row(encode=cost(4.8))))
    same, other = (differences(run(), made)["encode"] for made in (run(row(encode=cost(4.8))), after))

    assert (same.counts, other.counts) == (True, False)


def test_the_more_rows_are_compared_the_wider_is_each_interval() -> None:
    alone = compare(run(), run())[1]
    among_many = compare(run(*(row(str(n)) for n in range(30))), run(*(row(str(n)) for n in range(30))))[1]

    assert alone.high is not None
    assert among_many.high is not None
    assert among_many.high > alone.high > 1


# Memory.


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [(1 << 20, 3 << 20, True), (1 << 20, (1 << 20) + 4096, False), (100 << 20, 105 << 20, False), (0, 1 << 20, True)],
)
def test_memory_counts_above_a_tenth_and_a_quarter_of_a_mebibyte(before: int, after: int, counts: bool) -> None:
    found = differences(run(row(peak_memory=before)), run(row(peak_memory=after)))["memory"]

    assert found.counts is counts
    assert found.change == after - before


def test_memory_that_one_run_did_not_measure_is_not_compared() -> None:
    assert "memory" not in differences(run(), run(row(peak_memory=None)))


# Runs.


def test_rows_of_one_run_alone_are_named() -> None:
    before, after = run(row("json"), row("yaml")), run(row("json"), row("msgpack"))

    assert {found.name for found in compare(before, after)} == {"json"}
    assert (only(before, after), only(after, before)) == (["yaml"], ["msgpack"])


def test_equal_runs_have_no_difference_and_no_warning() -> None:
    assert [found.ratio for found in compare(run(), run())] == [1.0] * 5
    assert warnings(run(), run()) == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"machine": {"python": "3.12.1", "cores": 2}}, "machine: python: 3.13.1 before, 3.12.1 after"),
        ({"libraries": {}}, "msgpack: 1.1.0 before, none after"),
        ({"baseline": "yaml"}, "baseline: json before, yaml after"),
        ({"dialect": "celery"}, "dialect: satchel before, celery after"),
        ({"complete": False}, "after: the run was interrupted"),
        ({"noise": Noise(0.2, 0.01, False)}, "after: the machine was not steady (spread 20.0%, drift +1.0%)"),
        ({"rows": (row(dictionary=7),)}, "json: codecs: json before, json dictionary=7 after"),
    ],
)
def test_what_else_differs_is_named(changes: dict[str, Any], warning: str) -> None:
    assert warnings(run(), run(**changes)) == [warning]


def test_other_samples_are_named() -> None:
    assert warnings(run(), other_samples(run())) == ["the samples differ: sizes and times are of different messages"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda stored: stored["rows"].append(stored["rows"][0]), "two rows are called 'json'"),
        (lambda stored: stored["rows"][0]["encode"].update(median=0), "encode"),
        (lambda stored: stored["rows"][0]["encode"].update(high=math.nan), "encode"),
        (lambda stored: stored["rows"][0]["decode"]["reference"].update(low=-1), "decode"),
        (lambda stored: stored["rows"][0]["sizes"].update(total=1), "the total is not the sum of each"),
        (lambda stored: stored["rows"][0]["sizes"].update(mean=0.0), "sizes"),
        (lambda stored: stored["rows"][0].update(peak_memory=-1), "peak_memory"),
        (lambda stored: stored["noise"].update(drift=10**400), "noise"),
        (lambda stored: stored.pop("rows"), "rows"),
    ],
)
def test_a_run_that_cannot_be_compared_is_refused(change: Any, says: str) -> None:
    stored = json.loads(to_json(run()))
    assert read(json.dumps(stored)).rows[0].name == "json"
    change(stored)

    with pytest.raises(InvalidRun, match=says):
        read(json.dumps(stored))


# Chance. The noise is that of medians over a run's rounds; intervals are as wide as that noise, give or take a fifth.


def noisy(rng: random.Random, noise: tuple[float, float], encode: float = 1.0) -> Run:
    """A run of 20 rows on a machine whose speed is up to 10 % off; the first encode takes `encode` times as long."""
    speed = rng.uniform(0.9, 1.1)

    def timed(true: float) -> Any:
        error = rng.uniform(*noise)
        value = true * math.exp(rng.gauss(0, error))
        half = 1.96 * error * math.exp(rng.gauss(0, 0.2))
        low, high = value * math.exp(-half), value * math.exp(half)
        median, lowest, highest = (speed * figure for figure in (value, low, high))
        return cost(1.0)._replace(
            median=median, low=lowest, high=highest, reference=Figure(value / 10, low / 10, high / 10)
        )

    rows: list[Row] = []
    for number in range(20):
        rows.append(row(f"row {number}", encode=timed(2.0 * 1.2**number * encode), decode=timed(3.0 * 1.2**number)))
        encode = 1.0
    return run(*rows)


def test_a_hundred_comparisons_of_the_same_code_call_no_difference() -> None:
    rng = random.Random(20)
    pairs = [(noisy(rng, (0.01, 0.03)), noisy(rng, (0.01, 0.03))) for _ in range(100)]
    called = [found for before, after in pairs for found in compare(before, after) if found.counts]

    assert called == []


def test_a_tenth_more_is_called_where_the_same_code_differs_by_up_to_two_per_cent() -> None:
    rng, noise = random.Random(10), (0.004, 0.009)
    alike = [found for _ in range(20) for found in compare(noisy(rng, noise), noisy(rng, noise))]
    errors = [abs(found.ratio - 1) for found in alike if found.measure in ("encode", "decode")]
    called = [compare(noisy(rng, noise), noisy(rng, noise, 1.1))[1] for _ in range(100)]

    assert 0.015 < statistics.quantiles(errors, n=20)[-1] <= 0.02
    assert {(found.name, found.measure) for found in called} == {("row 0", "encode")}
    assert sum(found.counts and found.ratio > 1 for found in called) >= 95
