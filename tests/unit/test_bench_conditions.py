"""Conditions of a comparison: how they are written, and when they fail."""

from __future__ import annotations

from typing import Any

import pytest

from satchel.bench.comparing import Difference, compare
from satchel.bench.conditions import InvalidCondition, judge, parse
from tests.unit.comparing_runs import row, run


def of(name: str, measure: Any = "bytes", *, growth: float = 0.1, before: float = 100.0, **changes: Any) -> Difference:
    made = Difference(name, measure, before, before * (1 + growth), 1 + growth, 1 + growth / 2, 1 + growth * 2, True)
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("text", "row_name", "measure", "comparison", "amount", "relative"),
    [
        ("bytes>2%", None, "bytes", ">", 0.02, True),
        ("bytes > 2.5 %", None, "bytes", ">", 0.025, True),
        ("json:bytes>2%", "json", "bytes", ">", 0.02, True),
        ("msgpack + zstd 3: time>=0.5us", "msgpack + zstd 3", "time", ">=", 0.5, False),
        ("a:b>c:encode<-10%", "a:b>c", "encode", "<", -0.1, True),
        ("decode>1\N{MICRO SIGN}s", None, "decode", ">", 1.0, False),
        ("decode>1\N{GREEK SMALL LETTER MU}s", None, "decode", ">", 1.0, False),
        ("time<=2ms", None, "time", "<=", 2000.0, False),
        ("memory>1.5MiB", None, "memory", ">", 1.5 * 1024 * 1024, False),
        ("bytes>10B", None, "bytes", ">", 10.0, False),
        ("bytes>0", None, "bytes", ">", 0.0, False),
    ],
)
def test_conditions_are_read(
    text: str, row_name: str | None, measure: str, comparison: str, amount: float, relative: bool
) -> None:
    read_as = parse(text)

    assert read_as.amount == pytest.approx(amount)
    assert read_as == (text, row_name, measure, comparison, read_as.amount, relative)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "one of bytes, encode"),
        ("size>2%", 1, "one of bytes, encode"),
        ("json:size>2%", 6, "one of bytes, encode"),
        (":bytes>2%", 1, "the name of a row"),
        ("bytes=2%", 6, "one of >= <= > <"),
        ("bytes>>2%", 7, "a number"),
        ("bytes>two%", 7, "a number"),
        ("bytes>2", 8, "a unit: %, B"),
        ("bytes>2us", 8, "a unit: %, B"),
        ("time>2B", 7, "a unit: %, ns"),
        ("time>2%!", 7, "a unit: %, ns"),
        ("missing>2%", 8, "nothing more"),
    ],
)
def test_what_is_no_condition_is_refused_with_where_and_why(text: str, position: int, expected: str) -> None:
    with pytest.raises(InvalidCondition) as refused:
        parse(text)

    assert f"at character {position}, {expected}" in str(refused.value)
    assert "as in bytes>2% or" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "growth", "failed"),
    [
        ("bytes>2%", 0.03, True),
        ("bytes>2%", 0.02, False),
        ("bytes>=2%", 0.02, True),
        ("bytes>2%", -0.5, False),
        ("bytes<-2%", -0.03, True),
        ("bytes<=-3%", -0.03, True),
        ("bytes>5B", 0.06, True),
        ("bytes>5B", 0.04, False),
        ("json:bytes>2%", 0.03, True),
    ],
)
def test_a_condition_is_about_growth(text: str, growth: float, failed: bool) -> None:
    found = of("json", growth=growth)

    assert judge(parse(text), [found], (), ()) == (parse(text), failed, (found,) if failed else (), "")


def test_a_difference_that_does_not_count_fails_nothing() -> None:
    assert not judge(parse("time>2%"), [of("json", "time", counts=False)], (), ()).failed


def test_a_condition_of_a_row_is_about_that_row_alone() -> None:
    found = [of("json"), of("yaml", growth=0.01)]

    assert judge(parse("json:bytes>2%"), found, (), ()).differences == (found[0],)
    assert not judge(parse("yaml:bytes>2%"), found, (), ()).failed


def test_a_condition_names_a_row_that_exists() -> None:
    with pytest.raises(InvalidCondition, match="no row is called 'jsno'; there are: json, yaml, msgpack"):
        judge(parse("jsno:bytes>2%"), [of("json")], ["yaml"], ["msgpack"])


@pytest.mark.parametrize(
    ("text", "failed"),
    [("missing", True), ("yaml:missing", True), ("json:missing", False), ("msgpack:missing", False)],
)
def test_missing_is_about_rows_that_were_there_before(text: str, failed: bool) -> None:
    verdict = judge(parse(text), [of("json")], ["yaml"], ["msgpack"])

    assert (verdict.failed, verdict.why) == (failed, "missing: yaml" if failed else "")


def test_a_condition_of_a_row_that_is_gone_fails_and_of_a_new_one_passes() -> None:
    gone, new = (judge(parse(f"{name}:bytes>2%"), [of("json")], ["yaml"], ["msgpack"]) for name in ("yaml", "msgpack"))

    assert (gone.failed, gone.why) == (True, "missing: yaml")
    assert (new.failed, new.why) == (False, "not judged: the row was not there before")


def test_a_condition_that_can_judge_nothing_fails() -> None:
    unknown = of("json", "time", low=None, high=None, counts=False, note="screened, not timed")

    assert judge(parse("time>2%"), [unknown], (), ())[1:] == (
        True,
        (),
        "there is nothing to judge: screened, not timed",
    )
    assert judge(parse("memory>2%"), [unknown], (), ()).why.endswith("no row has it in both runs")


def test_memory_out_of_nothing_is_more_than_any_share() -> None:
    found = compare(run(row(peak_memory=0)), run(row(peak_memory=1 << 20)))

    assert judge(parse("memory>500%"), found, (), ()).failed
    assert judge(parse("memory>1MiB"), found, (), ()).failed is False
    assert judge(parse("memory>=1MiB"), found, (), ()).failed
