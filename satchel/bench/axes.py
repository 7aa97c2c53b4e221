"""Axes of a drawing: where a number stands between two others, and which round numbers to name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_MANTISSAS: tuple[tuple[float, ...], ...] = (
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 5, 6, 8),
    (1, 2, 5),
    (1,),
)


class Scale(NamedTuple):
    """A linear or logarithmic scale.

    Attributes:
        low, high: the ends; above 0 on a logarithmic scale.
        logarithmic: equal distances are equal ratios.
    """

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], *, logarithmic: bool | None = None) -> Scale:
        """Make a scale that has room for some values, and a little more.

        Args:
            values: at least one, all above 0.
            logarithmic: None for what fits: logarithmic where the highest is five times the lowest.
        """
        low, high = min(values), max(values)
        logarithmic = high > 5 * low if logarithmic is None else logarithmic
        if logarithmic:
            factor = max((high / low) ** 0.04, 1.05)
            return cls(low / factor, high * factor, True)
        margin = max((high - low) * 0.06, high * 0.01)
        return cls(low - margin, high + margin, False)

    def share(self, value: float) -> float:
        """Give where a value stands: 0 at the low end, 1 at the high one."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, at_most: int) -> list[float]:
        """Give round numbers on the scale, as many as there may be, from the lowest up."""
        choices = self._logarithmic_ticks() if self.logarithmic else self._linear_ticks(at_most)
        fitting = [ticks for ticks in choices if len(ticks) <= at_most]
        return max(fitting, key=len, default=[])

    def _linear_ticks(self, at_most: int) -> Iterable[list[float]]:
        power = math.floor(math.log10((self.high - self.low) / at_most))
        for step in (unit * 10.0 ** (power + more) for more in (0, 1) for unit in (1, 2, 5)):
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            # The quotients are kept small by the first step: it is no less than a tenth of the distance of two ticks.
            yield [_clean(number * step) for number in range(first, last + 1)]

    def _logarithmic_ticks(self) -> Iterable[list[float]]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for mantissas in _MANTISSAS:
            yield self._within(mantissa * 10.0**power for power in powers for mantissa in mantissas)
        for step in (2, 3, 5, 10):
            yield self._within(10.0**power for power in powers if power % step == 0)

    def _within(self, values: Iterable[float]) -> list[float]:
        return [_clean(value) for value in values if self.low <= value <= self.high]


def _clean(value: float) -> float:
    return float(f"{value:.6g}")
