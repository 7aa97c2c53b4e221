"""What comes back is what went in, however quickly that is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from satchel.bench.screening import Mismatch, check

DEEP: Any = []
for _ in range(3_000):
    DEEP = [DEEP]
EACH = [1]


@pytest.mark.parametrize(
    ("value", "back"),
    [
        ([1, "a", {"b": [2.5, None, True]}], [1, "a", {"b": [2.5, None, True]}]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([(1, (2,))], [[1, [2]]]),
        ([EACH, EACH], [[1], [1]]),
        ([float("nan")], [float("nan")]),
        ([10**5_000], [10**5_000]),
        ([date(2001, 1, 1)], [date(2001, 1, 1)]),
    ],
)
def test_equal_values_are(value: Any, back: Any) -> None:
    check(value, back, "a", 0)


@pytest.mark.parametrize(
    ("value", "back"),
    [
        ([1], [True]),
        ([1], [1.0]),
        ([0.0], [-0.0]),
        (["a"], [b"a"]),
        ([b"a"], [bytearray(b"a")]),
        ([1, 2], [1]),
        ({"a": 1}, {"a": 2}),
        ([date(2001, 1, 1)], ["2001-01-01"]),
        ([{1}], [[1]]),
    ],
)
def test_others_are_not(value: Any, back: Any) -> None:
    with pytest.raises(Mismatch, match="a: message 7 does not come back"):
        check(value, back, "a", 7)


def test_what_is_nested_too_deep_to_be_told_quickly_is_looked_at() -> None:
    with pytest.raises((Mismatch, RecursionError)):
        check(DEEP, [DEEP], "a", 0)
