"""The promises on hostile input, and what the tests measured of them: a line each, at the end of a run."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

#: `make hostile`: as many cases as the promises name, and a time beyond its bound makes the run fail.
THOROUGH = os.environ.get("SATCHEL_THOROUGH") == "1"


class Promise(NamedTuple):
    """What is promised.

    Attributes:
        text: in a few words.
        bounds: the most that a figure may be, by its unit.
    """

    text: str
    bounds: dict[str, float] = {}  # noqa: RUF012  # never changed


#: Times are in milliseconds of the processor, and only `make hostile` holds them against their bounds: no test asserts
#: a time. All other bounds are asserted where the figure is taken, too.
PROMISES = {
    "G1": Promise("bombs are refused, at little cost", {"MiB beyond the limit": 12, "ms": 500}),
    "G2": Promise("exactly the limit is accepted, one byte more is refused"),
    "G3": Promise("every truncation is refused"),
    "G4": Promise("whatever follows the end is refused"),
    "G5": Promise("no flipped bit gives a wrong value"),
    "G6": Promise("mutants: a DecodeError or a sound value", {"MiB of drift": 5}),
    "G7": Promise("100 levels are accepted, 101 refused, 100,000 do not crash"),
    "G8": Promise("the public vectors"),
    "G9": Promise("what is refused is refused before anything is touched"),
    "G10": Promise("four times the input, at most five times the work", {"times": 5}),
    "G11": Promise("memory: the limit and 80 times the body", {"of what is allowed": 1}),
    "G12": Promise("YAML: 256 KiB that are refused are refused quickly", {"ms": 50}),
    "G13": Promise("malicious pickles: nothing runs", {"MiB": 16}),
    "G15": Promise("values come back equal, or are refused when encoded"),
    "G16": Promise("eight threads, mixed calls"),
}


class Figures:
    """Notes what a test measured.

    Args:
        properties: a test's own, which travel with its report from worker to controller.
    """

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, promise: str, cases: int, **measured: float) -> None:
        """Note a number of cases, and figures by unit: in a keyword, ``_`` stands for a blank."""
        if promise not in PROMISES:
            raise ValueError(f"no such promise: {promise}")
        taken = {unit.replace("_", " "): float(figure) for unit, figure in measured.items()}
        unknown = taken.keys() - PROMISES[promise].bounds.keys()
        if unknown:
            raise ValueError(f"no bound for {unknown} in {promise}: give it one in PROMISES")
        self._properties.append(("promise", [promise, cases, taken]))


def lines(reports: Iterable[Any]) -> Iterator[tuple[str, bool]]:
    """Give a line for each promise that was tested, and whether its figures are within the bounds."""
    cases: dict[str, int] = defaultdict(int)
    highest: dict[str, dict[str, float]] = defaultdict(dict)
    for report in reports:
        for name, noted in getattr(report, "user_properties", ()):
            if name == "promise":
                promise, count, taken = noted
                cases[promise] += count
                for unit, figure in taken.items():
                    highest[promise][unit] = max(figure, highest[promise].get(unit, figure))
    for name, promise in PROMISES.items():
        if name in cases:
            within = all(figure <= promise.bounds[unit] for unit, figure in highest[name].items())
            shown = "".join(
                f"   {figure:,.{0 if figure > 100 else 2}f} {unit} (≤ {promise.bounds[unit]:g})"
                for unit, figure in highest[name].items()
            )
            line = f"{name:<4} {promise.text:<60} {cases[name]:>12,} cases{shown}"
            yield (line if within else f"{line}   OUTSIDE"), within
