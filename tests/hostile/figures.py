"""The promises on hostile input, and what the tests measured of them: a line each, at the end of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.hostile.vectors import VECTORS

#: `make hostile`: as many cases as the promises name, and a time beyond its bound makes the run fail.
THOROUGH = os.environ.get("SATCHEL_THOROUGH") == "1"


class Promise(NamedTuple):
    """What is promised.

    Attributes:
        text: in a few words.
        bounds: the most that a figure may be, by its unit; none where a figure is told, and another one is held.
    """

    text: str
    bounds: dict[str, float | None] = {}  # noqa: RUF012  # never changed


#: Times are in milliseconds of the processor, and only `make hostile` holds them against their bounds: no test asserts
#: a time. All other bounds are asserted where the figure is taken, too.
PROMISES = {
    "G1": Promise(
        "bombs are refused, at little cost",
        # At 64 MiB, libbz2 alone takes as long: there it is held to what it takes without us.
        {"MiB beyond the limit": 12, "ms": 500, "ms of bzip2 at 64 MiB": None, "times bzip2 alone": 1.25},
    ),
    "G2": Promise("exactly the limit is accepted, one byte more is refused"),
    "G3": Promise("every truncation is refused"),
    "G4": Promise("whatever follows the end is refused"),
    "G5": Promise("no flipped bit gives a wrong value"),
    "G6": Promise("mutants: a DecodeError or a sound value", {"MiB of drift": 5}),
    "G7": Promise("100 levels are accepted, 101 refused, 100,000 do not crash"),
    "G8": Promise("the public vectors" if VECTORS.is_dir() else "OWN BODIES ONLY, for want of ../shared/vectors"),
    "G9": Promise("what is refused is refused before anything is touched"),
    "G10": Promise("four times the input, at most five times the work", {"times": 5, "times the library alone": 1.25}),
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

    def __call__(self, promise: str, cases: int, sizes: Iterable[int] = (), **measured: float) -> None:
        """Note a number of cases, the sizes of bodies, and figures by unit: in a keyword, ``_`` stands for a blank."""
        if promise not in PROMISES:
            raise ValueError(f"no such promise: {promise}")
        taken = {unit.replace("_", " "): float(figure) for unit, figure in measured.items()}
        unknown = taken.keys() - PROMISES[promise].bounds.keys()
        if unknown:
            raise ValueError(f"no bound for {unknown} in {promise}: give it one in PROMISES")
        self._properties.append(("promise", [promise, cases, sorted(sizes), taken]))


@dataclass
class Sum:
    """What all tests of a run noted of one promise."""

    promise: Promise
    cases: int = 0
    sizes: list[int] = field(default_factory=list)
    highest: dict[str, float] = field(default_factory=dict)

    def add(self, cases: int, sizes: list[int], taken: dict[str, float]) -> None:
        self.cases += cases
        self.sizes += sizes[:1] + sizes[-1:]
        for unit, figure in taken.items():
            self.highest[unit] = max(figure, self.highest.get(unit, figure))

    def outside(self) -> list[str]:
        """Give the units of the figures that are beyond their bounds."""
        bounds = self.promise.bounds
        return [unit for unit, figure in self.highest.items() if (bound := bounds[unit]) is not None and figure > bound]

    def __str__(self) -> str:
        parts = [f"{self.promise.text:<60} {self.cases:>12,} cases"]
        if self.sizes:
            parts.append(f"bodies of {min(self.sizes):,} to {max(self.sizes):,} B")
        for unit, figure in self.highest.items():
            bound = self.promise.bounds[unit]
            held = "" if bound is None else f" (≤ {bound:g})"
            parts.append(f"{figure:,.{0 if figure > 100 else 2}f} {unit}{held}")
        return "   ".join([*parts, *(["OUTSIDE"] if self.outside() else [])])


def sums(reports: Iterable[Any]) -> dict[str, Sum]:
    """Give what the tests of a run noted, by promise; none for what was not tested."""
    noted: dict[str, Sum] = {}
    for report in reports:
        for _, (promise, *what) in (item for item in report.user_properties if item[0] == "promise"):
            noted.setdefault(promise, Sum(PROMISES[promise])).add(*what)
    return {name: noted[name] for name in PROMISES if name in noted}


def shortcomings(noted: dict[str, Sum], *, whole: bool) -> Iterator[str]:
    """Say why a thorough run fails though its tests pass; `whole`: it was to test every promise."""
    for name, promise in PROMISES.items():
        if name in noted:
            yield from (f"{name}: {unit} is beyond {promise.bounds[unit]}" for unit in noted[name].outside())
        elif whole:
            yield f"{name}: nothing was tested"
