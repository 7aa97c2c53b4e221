"""Tables of text: columns as wide as their widest cell, numbers to the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = "") -> str:
    """Lay out a table.

    Args:
        header: the columns' names.
        rows: cells, a row as long as the header.
        right: the names of the columns that are set to the right, separated by spaces.
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(row(line, widths, [name in right.split() for name in header]) for line in lines)


def row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """Lay out one row of a table."""
    laid = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(laid).rstrip()
