"""Counting the steps that Python takes: a test that times would fail on a busy machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def counted(function: Callable[[], T]) -> tuple[T, int]:
    """Give what a function gives, and how many lines, calls and returns it took."""
    steps = 0

    def count(*_: Any) -> Any:
        nonlocal steps
        steps += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return function(), steps
    finally:
        sys.settrace(before)
