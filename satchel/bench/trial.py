"""Whether a zstd dictionary is worth training: one is trained on a part of the messages, and tried on the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from satchel.bench.training import TooFewSamples, train
from satchel.errors import MissingDependency

#: What is tried in a few seconds; `satchel train` tries more.
_SIZES = (16 * 1024, 64 * 1024)
_SECONDS = 1.5
_MOST = 600


class Trial(NamedTuple):
    """Mean bytes of messages that a dictionary was not trained on.

    Attributes:
        messages: how many.
        none: by zstd without a dictionary.
        trained: with it.
    """

    messages: int
    none: float
    trained: float


def try_dictionary(bodies: Sequence[bytes], level: int) -> Trial | None:
    """Train on three fifths of the distinct messages, at most 600 of them, and try the result on two fifths.

    Returns:
        None when zstandard is not installed, or there are too few messages.
    """
    try:
        score = train(
            bodies[:_MOST], level=level, seed=0, holdout=0.4, sizes=_SIZES, seconds=_SECONDS
        ).manifest.held_out
    except (MissingDependency, TooFewSamples):
        return None
    return Trial(score.messages, score.none / score.messages, score.chosen / score.messages)
