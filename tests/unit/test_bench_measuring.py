"""A run: what is measured on which messages, what is left out and why, and what an interruption leaves."""

from __future__ import annotations

import hashlib
import math
import random
import statistics

import pytest

from satchel import EncodeError, Pipeline, default_registry
from satchel.bench import measuring, timing
from satchel.bench.candidates import Candidate, Choice, candidates
from satchel.bench.machine import noise
from satchel.bench.measuring import Plan, measure
from satchel.bench.racing import raced
from satchel.bench.recommending import finalists
from satchel.bench.results import Sampled, from_json, to_json
from satchel.bench.samples import Samples
from satchel.bench.screening import Mismatch
from satchel.registry.functions import FunctionCompressor, FunctionSerializer

pytestmark = pytest.mark.once

VALUES = tuple(
    {"id": n, "customer": f"secret-{n % 7}@example.com", "lines": [{"sku": f"S{k}", "n": k} for k in range(n % 9)]}
    for n in range(60)
)


@pytest.fixture(autouse=True)
def _short_batches(monkeypatch):
    monkeypatch.setattr(timing, "BATCH", 1e-6)


def sampled(values):
    facts = Sampled(len(values), len(values), hashlib.sha256(b"").hexdigest(), ("test",), True, 1)
    return Samples(tuple(values), facts)


def plan(registry=None, *, baseline="json", rounds=5, choose=lambda every: every, **options):
    registry = registry or default_registry()
    more = {name: options.pop(name) for name in ("memory", "tell", "seconds", "processes", "sizing") if name in options}
    every, left_out = candidates(registry, **options)
    chosen = Choice.parse(baseline).candidate(registry)
    return Plan(
        registry, every, chosen, choose, rounds=rounds, left_out=left_out, **{"memory": False, "processes": 0, **more}
    )


SMALL = {"serializers": ["json", "msgpack"], "compressors": ["none", "zlib"], "levels": [1]}


def test_every_finalist_has_the_sizes_that_a_pipeline_gives():
    run = measure(sampled(VALUES), plan(**SMALL))

    assert {row.name for row in run.rows} == {"json", "msgpack", "json+zlib:1", "msgpack+zlib:1"}
    for row in run.rows:
        pipeline = Choice.parse(row.name).candidate(default_registry()).pipeline(default_registry(), plan().limits)
        sizes = [
            len(pipeline.encode(value, serializer=row.serializer, compression=row.compressor).body) for value in VALUES
        ]
        assert list(row.sizes.each) == sizes
        assert (row.sizes.total, row.sizes.p50) == (sum(sizes), sorted(sizes)[29])
        assert row.sizes.p99 == sorted(sizes)[59]


def test_the_baseline_is_beside_itself_once():
    run = measure(sampled(VALUES), plan(baseline="msgpack", **SMALL))

    own = next(row for row in run.rows if row.name == "msgpack")
    assert run.baseline == "msgpack"
    assert own.ratio == 1
    assert own.encode.relative == own.decode.relative == (1, 1, 1)


def test_only_finalists_are_timed_and_the_baseline_always_is():
    run = measure(
        sampled(VALUES), plan(choose=lambda every: [one for one in every if one.candidate.compressor], **SMALL)
    )

    stages = {row.name: row.stage for row in run.rows}
    assert stages == {"json": "timed", "msgpack": "screened", "json+zlib:1": "timed", "msgpack+zlib:1": "timed"}
    screened = next(row for row in run.rows if row.stage == "screened")
    assert (screened.encode.relative, screened.sizes.each, screened.pareto) == (None, (), False)


def test_the_screening_estimates_the_size_that_is_measured():
    everything = measure(sampled(VALUES), plan(**SMALL))
    estimated = measure(sampled(VALUES), plan(choose=lambda _: [], **SMALL))

    sizes = {row.name: row.sizes.mean for row in everything.rows}
    assert {row.name: row.sizes.mean for row in estimated.rows} == pytest.approx(sizes, rel=0.02)


def test_a_run_holds_no_message():
    text = to_json(measure(sampled(VALUES), plan(**SMALL)))

    assert "secret" not in text
    assert to_json(from_json(text)) == text


def test_a_row_is_marked_when_none_is_both_smaller_and_quicker():
    rows = measure(sampled(VALUES), plan(**SMALL)).rows

    points = {row.name: (row.sizes.mean, row.encode.median + row.decode.median) for row in rows}
    for row in rows:
        beaten = any(
            size <= points[row.name][0] and time <= points[row.name][1]
            for name, (size, time) in points.items()
            if name != row.name
        )
        assert row.pareto is not beaten


def test_a_serializer_that_does_not_carry_a_message_is_left_out_with_its_path():
    values = [*VALUES[:5], {"when": {1, 2}, "key": {(1, 2): 3}}]

    run = measure(sampled(values), plan(baseline="pickle", serializers=["json", "pickle"], compressors=["none"]))

    assert [row.name for row in run.rows] == ["pickle"]
    assert "[5]" in run.left_out["json"]
    with pytest.raises(EncodeError, match=r"\[5\]"):
        measure(sampled(values), plan(serializers=["json"], compressors=["none"]))


def test_a_message_that_does_not_come_back_names_codec_and_message():
    lossy = FunctionSerializer("lossy", lambda value: str(len(value)).encode(), int, "application/x-lossy", "binary")
    registry = default_registry().with_serializer(lossy)

    with pytest.raises(Mismatch, match="lossy: message 0 does not come back"):
        measure(sampled(VALUES), plan(registry, serializers=["lossy"], compressors=["none"]))


def test_a_compressor_that_gives_another_body_is_a_mismatch():
    wrong = FunctionCompressor("wrong", lambda body: body[:9], lambda body, *, max_size: b"[1]", "application/x-wrong")
    registry = default_registry().with_compressor(wrong)

    with pytest.raises(Mismatch, match="wrong"):
        measure(sampled(VALUES), plan(registry, serializers=["json"], compressors=["wrong"]))


def test_an_interruption_leaves_the_rounds_that_were_done():
    def interrupt(what, done):
        if what == "timing" and done >= 0.5:
            raise KeyboardInterrupt

    run = measure(sampled(VALUES), plan(rounds=8, tell=interrupt, processes=4, **SMALL))

    assert (run.complete, run.rounds) == (False, 4)
    assert all(row.encode.median > 0 for row in run.rows)


def test_processes_of_their_own_time_as_this_one_does():
    here = measure(sampled(VALUES), plan(**SMALL))
    apart = measure(sampled(VALUES), plan(processes=2, rounds=4, **SMALL))

    assert [row.sizes for row in apart.rows if row.name == "json"] == [
        row.sizes for row in here.rows if row.name == "json"
    ]
    assert (apart.rounds, apart.complete) == (4, True)
    assert {row.name for row in apart.rows} == {row.name for row in here.rows}


def test_an_interruption_of_what_comes_after_the_timing_keeps_the_times():
    def interrupt(what, done):
        if what == "sizes and memory" and done > 0:
            raise KeyboardInterrupt

    run = measure(sampled(VALUES), plan(tell=interrupt, **SMALL))

    assert (run.complete, run.rounds, len(run.rows)) == (False, 5, 4)
    assert [row.name for row in run.rows if row.sizes.each] == ["json"]


def test_sizes_that_take_too_long_are_estimated_for_all_messages():
    run = measure(sampled(VALUES), plan(baseline="json+zlib:1", choose=lambda _: [], sizing=0.0, **SMALL))

    rows = {row.name: row for row in run.rows}
    assert (rows["json+zlib:1"].sizes.p50, rows["json+zlib:1"].sizes.each) == (None, ())
    assert rows["json"].sizes.total == pytest.approx(rows["json"].sizes.mean * len(VALUES), rel=0.01)
    assert rows["json"].ratio < 1


def test_a_compressor_that_was_only_screened_is_verified_too():
    wrong = FunctionCompressor("wrong", lambda body: body[:9], lambda body, *, max_size: b"[1]", "application/x-wrong")
    registry = default_registry().with_compressor(wrong)

    with pytest.raises(Mismatch, match="wrong"):
        measure(sampled(VALUES), plan(registry, serializers=["json"], compressors=["wrong"], choose=lambda _: []))


def test_an_interruption_before_anything_was_timed_is_one():
    def interrupt(what, done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(sampled(VALUES), plan(tell=interrupt, **SMALL))


def test_short_messages_are_not_compressed():
    run = measure(sampled([{"a": n} for n in range(20)]), plan(**SMALL))

    sizes = {row.name: row.sizes.each for row in run.rows}
    assert sizes["json+zlib:1"] == sizes["json"]


@pytest.mark.parametrize("count", [63, 100, 127, 191, 192, 200, 300, 1_000])
def test_the_messages_that_are_timed_are_as_long_on_average_as_all_are(monkeypatch, count):
    source = random.Random(1)
    values = ["x" * int(source.lognormvariate(5, 1.3)) for _ in range(count)]
    works = []

    def spied(work, processes):
        works.append(work)
        return raced(work, processes)

    monkeypatch.setattr(measuring, "raced", spied)
    measure(sampled(values), plan(serializers=["json"], compressors=["none"]))

    timed = [len(value) for _, value in works[0].numbered]
    assert min(64, count) <= len(timed) < 192
    assert statistics.fmean(timed) == pytest.approx(statistics.fmean(map(len, values)), rel=0.02)
    assert max(timed) > sorted(map(len, values))[-10]


def test_one_message_is_enough():
    run = measure(sampled(VALUES[-1:]), plan(**SMALL))

    assert {row.stage for row in run.rows} == {"timed"}


def test_a_plugin_is_measured_without_being_named():
    codec = FunctionCompressor("same", bytes, lambda body, *, max_size: bytes(body), "application/x-same")
    registry = default_registry().with_compressor(codec)

    run = measure(sampled(VALUES), plan(registry, serializers=["json"], levels=[1]))

    assert "json+same" in {row.name for row in run.rows}


def test_peak_memory_counts_what_a_codec_keeps():
    value = [{"id": n, "text": "x" * 50} for n in range(5_000)]
    run = measure(
        sampled([value]),
        plan(serializers=["json"], compressors=["none", "zstd"], levels=[19], memory=True, rounds=1, seconds=0.1),
    )

    peaks = {row.name: row.peak_memory or 0 for row in run.rows}
    if 0 in peaks.values():
        pytest.skip("the system does not tell")
    # The body alone has 350 kB, and zstd's tables of level 19 have tens.
    assert peaks["json"] > 350_000
    assert peaks["json+zstd:19"] > peaks["json"] + 2_000_000


def test_the_finalists_of_all_links_hold_the_smallest_and_the_quickest():
    run = measure(sampled(VALUES), plan(choose=lambda every: finalists(every, [])))

    timed = [row for row in run.rows if row.stage == "timed"]
    assert len(timed) <= 13
    assert min(run.rows, key=lambda row: row.sizes.mean).sizes.mean >= min(row.sizes.mean for row in timed) * 0.98


def test_noise_is_the_middle_half_of_the_times_and_what_changed_over_them():
    steady = noise([100.0, 101.0, 99.0, 100.0] * 10)
    drifting = noise([*[100.0] * 20, *[120.0] * 20])
    wild = noise([100.0, 200.0] * 20)

    assert steady.stable
    assert not drifting.stable
    assert drifting.drift == pytest.approx(0.2)
    assert not wild.stable
    assert wild.spread == pytest.approx(100 / 150)


def test_candidates_that_are_equal_are_one():
    one = Candidate("json")
    run = measure(
        sampled(VALUES),
        Plan(default_registry(), [one, one], one, lambda every: every, rounds=5, memory=False, processes=0),
    )

    assert [row.name for row in run.rows] == ["json"]
    assert not math.isnan(run.noise.spread)
    assert Pipeline(["json"]).decode(Pipeline(["json"]).encode(VALUES[0])) == VALUES[0]
