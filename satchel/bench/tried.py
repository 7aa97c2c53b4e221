"""Every message as each serializer writes it, which must carry all; or, of one that is slow, the first few."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from satchel.bench.screening import check
from satchel.bench.timing import CLOCK
from satchel.errors import EncodeError
from satchel.pipeline import Pipeline
from satchel.registry import Registry
from satchel.types import Encoded, Limits


class Tried:
    """Messages that serializers have encoded, and that came back.

    Args:
        values: the messages.
        registry, limits: of the pipelines.
        seconds: after which no further message is tried, until `complete` is called.

    Attributes:
        values: the messages, in random order: what is slow is tried on the first few.
        bodies: by serializer, the first of these as it writes them, or all.
        left_out: the serializers that do not carry a message, and why.
    """

    def __init__(self, values: Sequence[Any], registry: Registry, limits: Limits, seconds: float) -> None:
        self._numbers = random.Random(0).sample(range(len(values)), len(values))  # noqa: S311 - no secret
        self._registry = registry
        self._limits = limits
        self._seconds = seconds
        self.values: list[Any] = [values[number] for number in self._numbers]
        self.bodies: dict[str, list[Encoded]] = {}
        self.left_out: dict[str, str] = {}

    def all_of(self, names: Sequence[str], tell: Callable[[str, float], object]) -> None:
        """Try serializers, of which the first must carry every message.

        Raises:
            EncodeError: it does not; the message's number, from 0, is the first part of the path.
            Mismatch: a message comes back as something else.
        """
        for number, name in enumerate(names):
            tell("encoding every message", number / len(names))
            if not self._go_on(name, self._seconds if number else math.inf, required=not number):
                self.bodies.pop(name)

    def complete(self, name: str) -> bool:
        """Go on to the last message, and say whether the serializer carries all."""
        return self._go_on(name, math.inf, required=False)

    def in_order(self) -> dict[str, list[Encoded]]:
        """Give the bodies in the order of the messages, of those serializers that were tried on all."""
        places = sorted(range(len(self._numbers)), key=self._numbers.__getitem__)
        return {
            name: [those[place] for place in places] for name, those in self.bodies.items() if len(those) == len(places)
        }

    def _go_on(self, name: str, seconds: float, *, required: bool) -> bool:
        pipeline = Pipeline([name], registry=self._registry, accept_compression=[], limits=self._limits)
        bodies = self.bodies.setdefault(name, [])
        start = CLOCK()
        places: Sequence[int] = range(len(bodies), len(self.values))
        if seconds == math.inf and not bodies:
            # The first that is wrong is told.
            places = sorted(places, key=self._numbers.__getitem__)
        found: dict[int, Encoded] = {}
        for place in places:
            if found and CLOCK() - start > seconds:
                break
            try:
                found[place] = pipeline.encode(self.values[place], serializer=name)
            except EncodeError as error:
                error.path = (self._numbers[place], *error.path)
                if required:
                    raise
                self.left_out[name] = str(error)
                return False
            check(self.values[place], pipeline.decode(found[place]), name, self._numbers[place])
        bodies += [found[place] for place in sorted(found)]
        return True
