"""What the tests that inject faults share."""

from __future__ import annotations

from collections.abc import Iterator


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error, and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__
