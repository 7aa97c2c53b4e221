"""Training of a zstandard dictionary: what is chosen on one part of the messages is scored on another."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypeAlias

from satchel.bench.assembling import identified
from satchel.bench.manifest import Counts, Manifest, Score, Tried
from satchel.bench.recipes import Maker, Recipe, compressed, recipes
from satchel.codecs.base import require

SIZES = tuple(size * 1024 for size in (4, 16, 32, 64, 110, 256, 512))
"""Bytes of the dictionaries that are tried."""

SECONDS = 20.0
"""No candidate is tried after so long."""

FEWEST = 20
"""Distinct messages without which nothing is trained: four to choose by, and four to score."""

#: By how much a dictionary must beat the library's default, and what is as good as the best: shares of the bytes.
_LEAST_GAIN = 0.03
_AS_GOOD = 0.01
#: Bytes of the messages in all: more take longer, and change little.
_MOST = 8 * 1024 * 1024
#: Bytes of the messages by which is chosen, at quick levels and at slow ones.
_MOST_TRIED, _MOST_TRIED_SLOWLY, _SLOW_LEVEL = 1024 * 1024, 192 * 1024, 10
#: The choice is confirmed with one of so many parts left out at a time, until so many messages have been left out, or
#: so many bytes been trained on.
_FOLDS, _CONFIRMING, _MOST_CONFIRMING = 8, 100, 16 * 1024 * 1024


_Tell: TypeAlias = Callable[[str, float], object]


class TooFewSamples(ValueError):
    """There are not enough distinct messages to train a dictionary on, or they are too short."""


class Trained(NamedTuple):
    """A dictionary, the id in it, and its manifest."""

    dictionary: bytes
    id: int
    manifest: Manifest


class _Parts(NamedTuple):
    training: list[bytes]
    validation: list[bytes]
    held_out: list[bytes]


class _Choice(NamedTuple):
    recipe: Recipe
    validation: Score
    confirmation: Score | None
    tried: tuple[Tried, ...]
    complete: bool


def train(
    bodies: Sequence[bytes],
    *,
    level: int,
    seed: int,
    holdout: float = 0.2,
    sizes: Sequence[int] = SIZES,
    seconds: float = SECONDS,
    tell: _Tell | None = None,
) -> Trained:
    """Train a dictionary. Equal messages, in any order, give equal bytes where the time suffices.

    Args:
        bodies: messages as they are before compression.
        level: of compression, as `Zstd` takes it.
        seed: of the split into training, validation and held-out messages.
        holdout: the share of the messages on which the result is scored; as many are for choosing. At most 0.4.
        sizes: bytes that a dictionary may have, each at least 1,024.
        seconds: after these, no further candidate is tried.
        tell: is called with what is being done, and how much of it is done (0 to 1).

    Raises:
        TooFewSamples: there are fewer than `FEWEST` distinct messages, or they are too short.
        MissingDependency: zstandard is not installed.
        ValueError: there is no such level.
    """
    deadline = time.monotonic() + seconds
    parts, counts = _split(bodies, seed, holdout)
    choice = _choice(parts, level, sizes, deadline, tell or (lambda *_: None))
    maker = Maker(parts.validation + parts.training, level=level, most=max(sizes))
    made = maker.make(choice.recipe)
    if made is None:
        raise _too_short()
    dictionary, number = identified(made)
    manifest = Manifest(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        id=number,
        sha256=hashlib.sha256(dictionary).hexdigest(),
        size=len(dictionary),
        recipe=choice.recipe,
        level=level,
        seed=seed,
        counts=counts,
        validation=choice.validation,
        confirmation=choice.confirmation,
        held_out=_score(parts.held_out, dictionary, maker.make(next(recipes(sizes))), level),
        tried=choice.tried,
        complete=choice.complete,
        libraries=_libraries(),
    )
    return Trained(dictionary, number, manifest)


def _split(bodies: Sequence[bytes], seed: int, holdout: float) -> tuple[_Parts, Counts]:
    distinct = sorted(set(bodies))
    duplicates = len(bodies) - len(distinct)
    if len(distinct) < FEWEST:
        equal = f" and {duplicates} equal to one of them" if duplicates else ""
        raise TooFewSamples(
            f"a dictionary takes {FEWEST} distinct messages, better some hundreds; there are {len(distinct)}{equal}"
        )
    random.Random(seed).shuffle(distinct)  # noqa: S311  # no secret
    used = _up_to(distinct, _MOST)
    share = max(FEWEST // 5, round(len(used) * holdout))
    parts = _Parts(used[2 * share :], used[share : 2 * share], used[:share])
    if len(used) < FEWEST:
        raise TooFewSamples(f"the messages are too large: {FEWEST} of them have more than {_MOST:,} bytes in all")
    return parts, Counts(len(bodies), duplicates, len(distinct) - len(used), *map(len, parts))


def _up_to(bodies: Iterable[bytes], most: int) -> list[bytes]:
    chosen: list[bytes] = []
    for body in bodies:
        if len(body) <= most:
            chosen.append(body)
            most -= len(body)
    return chosen


def _choice(parts: _Parts, level: int, sizes: Sequence[int], deadline: float, tell: _Tell) -> _Choice:
    """Choose a recipe by the validation messages, and confirm it on more."""
    most = _MOST_TRIED if level < _SLOW_LEVEL else _MOST_TRIED_SLOWLY
    few = _up_to(parts.validation, most) or parts.validation[:1]
    tried, complete = _try(parts.training, few, level, sizes, deadline, tell)
    first = next(recipes(sizes))
    default = next((each for each in tried if each.recipe == first), None)
    chosen, confirmation = _best(tried, default), None
    if default is not None and chosen is not default:
        tell("confirming the choice", 1)
        confirmation = _confirm(parts.validation + parts.training, chosen.recipe, first, level)
        if confirmation.default is not None and confirmation.chosen > confirmation.default:
            chosen = default
    none, others = compressed(few, None, level), default and default.bytes
    validation = Score(len(few), sum(map(len, few)), none, others, chosen.bytes)
    return _Choice(chosen.recipe, validation, confirmation, tried, complete)


def _try(
    training: list[bytes], few: list[bytes], level: int, sizes: Sequence[int], deadline: float, tell: _Tell
) -> tuple[tuple[Tried, ...], bool]:
    """Try the recipes on a few messages; tell also whether the time sufficed."""
    maker = Maker(training, level=level, most=max(sizes))
    candidates = list(recipes(sizes))
    tried: dict[bytes, Tried] = {}
    complete = True
    for number, recipe in enumerate(candidates):
        tell("trying dictionaries", number / len(candidates))
        if tried and time.monotonic() > deadline:
            complete = False
            break
        made = maker.make(recipe)
        # Several recipes give one dictionary, but for its random id, where the messages have no more to say.
        if made is not None and (digest := hashlib.sha256(made[8:]).digest()) not in tried:
            tried[digest] = Tried(recipe, len(made), compressed(few, made, level))
    if not tried:
        raise _too_short()
    return tuple(tried.values()), complete


def _best(tried: Collection[Tried], default: Tried | None) -> Tried:
    """Give the smallest dictionary of those that are nearly the best, or the library's default if that is close."""
    best = min(each.bytes for each in tried)
    good = [each for each in tried if each.bytes <= best * (1 + _AS_GOOD)]
    chosen = min(good, key=lambda each: (each.size, each.bytes))
    return default if default is not None and chosen.bytes > default.bytes * (1 - _LEAST_GAIN) else chosen


def _confirm(bodies: list[bytes], chosen: Recipe, default: Recipe, level: int) -> Score:
    """Score two recipes on eighths of messages, each with the other seven.

    The library's default may do badly with the training messages, and well with the few more of the final training.
    """
    scores: list[Score] = []
    enough = min(_FOLDS, round(_FOLDS * _CONFIRMING / len(bodies)), _MOST_CONFIRMING // sum(map(len, bodies)))
    for fold in range(max(1, enough)):
        others = [body for index, body in enumerate(bodies) if index % _FOLDS != fold]
        maker = Maker(others, level=level, most=chosen.size)
        scores.append(_score(bodies[fold::_FOLDS], maker.make(chosen), maker.make(default), level))
    defaults = [score.default for score in scores if score.default is not None]
    return Score(
        messages=sum(score.messages for score in scores),
        plain=sum(score.plain for score in scores),
        none=sum(score.none for score in scores),
        default=sum(defaults) if len(defaults) == len(scores) else None,
        chosen=sum(score.chosen for score in scores),
    )


def _score(bodies: list[bytes], chosen: bytes | None, default: bytes | None, level: int) -> Score:
    return Score(
        messages=len(bodies),
        plain=sum(map(len, bodies)),
        none=compressed(bodies, None, level),
        default=None if default is None else compressed(bodies, default, level),
        chosen=compressed(bodies, chosen, level),
    )


def _too_short() -> TooFewSamples:
    return TooFewSamples("the messages are too short, or too few, for the library's trainer; a few hundred suffice")


def _libraries() -> dict[str, str]:
    zstandard: Any = require("zstandard", codec="zstd", library="zstandard", extra="zstd")
    return {"zstandard": zstandard.__version__, "libzstd": ".".join(map(str, zstandard.ZSTD_VERSION))}
