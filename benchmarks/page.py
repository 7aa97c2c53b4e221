"""A run into docs/performance.md and its plot: python -m benchmarks.page RESULTS.json."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import plot, report
from benchmarks.measures import judged
from benchmarks.results import load

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- results: from `python -m benchmarks.page` -->", "<!-- end of the results -->"


def filled(page: str, tables: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with these tables in the place of those that it has, between two marks.

    Raises:
        ValueError: the page has no place for them.
    """
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    if end not in rest:
        raise ValueError(f"the page has no {begin} … {end}")
    return f"{before}{begin}\n\n{tables.strip()}\n\n{end}{after}"


def main(results: str) -> None:
    """Fill the page in and draw the plot."""
    run = load(Path(results))
    PAGE.write_text(filled(PAGE.read_text(), report.markdown(run, judged(run))))
    plot.main(results)


if __name__ == "__main__":
    main(*sys.argv[1:])
