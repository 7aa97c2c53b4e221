"""Conditions under which a comparison of two runs fails, such as ``bytes>2%``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from typing import NamedTuple

from satchel.bench.comparing import MEASURES, Difference

GRAMMAR = "[ROW:]MEASURE OP NUMBER UNIT, as in bytes>2% or json:time>0.5us; or [ROW:]missing"
MISSING = "missing"

_OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
#: In microseconds, and in bytes. Two letters look like µ: the micro sign and the Greek mu.
_TIMES = {"ns": 1e-3, "us": 1.0, "\N{MICRO SIGN}s": 1.0, "\N{GREEK SMALL LETTER MU}s": 1.0, "ms": 1e3, "s": 1e6}
_BYTES = {"B": 1.0, "kB": 1e3, "KiB": 1024.0, "MB": 1e6, "MiB": 1024.0**2, "GB": 1e9, "GiB": 1024.0**3}
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")


class InvalidCondition(ValueError):
    """A text is no condition, or names a row that does not exist; the message says where and why."""


class Condition(NamedTuple):
    """After is more (or less) than before by more (or less) than so much, and the difference counts.

    Attributes:
        text: as it was given.
        row: the row's name, or None for all.
        measure: one of `MEASURES`, or `MISSING`: a row that was there before is there no more.
        comparison: ``>``, ``>=``, ``<`` or ``<=``; "" with `MISSING`.
        amount: of growth: a share (0.02 for 2 %), bytes, or microseconds.
        relative: it is a share.
    """

    text: str
    row: str | None
    measure: str
    comparison: str = ""
    amount: float = 0.0
    relative: bool = True

    def holds(self, difference: Difference) -> bool:
        """Whether a difference counts and is as the condition says."""
        growth = difference.ratio - 1 if self.relative else difference.change
        # 1.02 - 1 is more than 0.02 by its last bit.
        held = _OPERATORS[self.comparison](growth if math.isinf(growth) else round(growth, 12), self.amount)
        return difference.counts and held


class Verdict(NamedTuple):
    """What a condition comes to.

    Attributes:
        failed: the gate is shut.
        differences: those for which the condition holds.
        why: what else there is to say, or "".
    """

    condition: Condition
    failed: bool
    differences: tuple[Difference, ...] = ()
    why: str = ""


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        InvalidCondition: it is not one; where, what is expected there, and the grammar.
    """
    colon = text.rfind(":")
    row = text[:colon].strip() if colon >= 0 else None
    if row == "":
        raise _wrong(text, 0, "the name of a row")
    start = _skip(text, colon + 1)
    word = re.compile(r"\w*").match(text, start)
    measure = word[0] if word else ""
    if measure not in (*MEASURES, MISSING):
        raise _wrong(text, start, f"one of {', '.join(MEASURES)}, {MISSING}")
    at = _skip(text, start + len(measure))
    if measure == MISSING:
        if at < len(text):
            raise _wrong(text, at, "nothing more")
        return Condition(text, row, MISSING)
    comparison = next((sign for sign in _OPERATORS if text.startswith(sign, at)), None)
    if comparison is None:
        raise _wrong(text, at, f"one of {' '.join(_OPERATORS)}")
    amount, relative = _amount(text, _skip(text, at + len(comparison)), measure)
    return Condition(text, row, measure, comparison, amount, relative)


def _amount(text: str, at: int, measure: str) -> tuple[float, bool]:
    number = _NUMBER.match(text, at)
    if number is None:
        raise _wrong(text, at, "a number")
    at = _skip(text, number.end())
    unit, value = text[at:].rstrip(), float(number[0])
    if unit == "%":
        return value / 100, True
    units = _BYTES if measure in ("bytes", "memory") else _TIMES
    # Without its unit, 1.05 could be a ratio, a per cent or a microsecond. Nothing is nothing in each.
    if unit not in units and (unit or value):
        raise _wrong(text, at, f"a unit: %, {', '.join(units)}")
    return value * units.get(unit, 1.0), False


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _wrong(text: str, at: int, expected: str) -> InvalidCondition:
    return InvalidCondition(f"{text!r}: at character {at + 1}, {expected} is expected; a condition is {GRAMMAR}")


def judge(condition: Condition, differences: Sequence[Difference], gone: Sequence[str], new: Sequence[str]) -> Verdict:
    """Apply a condition to a comparison.

    A condition that finds nothing to judge fails: a gate that cannot shut is none. One for a row that is new passes.

    Args:
        gone, new: the names of rows that are only in the run before, or only in the one after.

    Raises:
        InvalidCondition: it names a row that is in neither run.
    """
    row = condition.row
    names = {difference.name for difference in differences}
    if row is not None and row not in {*names, *gone, *new}:
        known = ", ".join([*names, *gone, *new][:8])
        raise InvalidCondition(f"{condition.text!r}: no row is called {row!r}; there are: {known}")
    if row in gone or condition.measure == MISSING:
        lost = [name for name in gone if row in (None, name)]
        return Verdict(condition, bool(lost), (), f"missing: {', '.join(lost)}" if lost else "")
    if row in new:
        return Verdict(condition, False, (), "not judged: the row was not there before")
    asked = [one for one in differences if one.measure == condition.measure and row in (None, one.name)]
    if not any(one.judged for one in asked):
        note = next((one.note for one in asked if one.note), "no row has it in both runs")
        return Verdict(condition, True, (), f"there is nothing to judge: {note}")
    holding = tuple(filter(condition.holds, asked))
    return Verdict(condition, bool(holding), holding)
