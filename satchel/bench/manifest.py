"""What is known of a zstandard dictionary: how it was made, and how it does on messages that were held out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from satchel.bench.recipes import Recipe

FORMAT = "satchel-dictionary-1"
"""The first member of a manifest; it changes when a reader of the old form would misread the new."""


class Score(NamedTuple):
    """Bytes of some messages as they are sent.

    Attributes:
        messages: how many.
        plain: uncompressed.
        none: compressed without a dictionary.
        default: with what the library's trainer makes by default; None where it refuses the messages.
        chosen: with the chosen dictionary.
    """

    messages: int
    plain: int
    none: int
    default: int | None
    chosen: int


class Counts(NamedTuple):
    """What became of the messages.

    Attributes:
        given: how many there were.
        duplicates: how many were removed for being equal to another.
        unused: how many were more than a training takes.
        training, validation, held_out: how many each part has.
    """

    given: int
    duplicates: int
    unused: int
    training: int
    validation: int
    held_out: int


class Tried(NamedTuple):
    """A candidate: how it is made, its bytes, and the bytes of the validation messages with it."""

    recipe: Recipe
    size: int
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What is to be known of a dictionary.

    Attributes:
        created: when, in UTC, ISO 8601.
        id: what frames name it by.
        sha256: of the dictionary, in hex.
        size: bytes of the dictionary.
        recipe: how it was made, of the training and the validation messages.
        level: the level of compression that it is for.
        seed: of the split.
        counts: the messages.
        validation: of the same recipe, with the training messages alone.
        confirmation: of the recipe that was best on the validation messages: made of 7/8 of these and the training
            ones, on the other 1/8, for several such eighths; None where that was the library's default. Where the
            default is smaller here, it is chosen after all.
        held_out: of the dictionary, on messages that nothing was chosen by.
        tried: all candidates.
        complete: False when time did not suffice for all of them; another training may then choose another.
        libraries: versions.
    """

    created: str
    id: int
    sha256: str
    size: int
    recipe: Recipe
    level: int
    seed: int
    counts: Counts
    validation: Score
    confirmation: Score | None
    held_out: Score
    tried: tuple[Tried, ...]
    complete: bool
    libraries: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """Give it in types of JSON."""
        return {"format": FORMAT, **_named(asdict(self))}


def _named(value: Any) -> Any:
    # asdict keeps a NamedTuple, which is written by its fields' names.
    if isinstance(value, Score | Counts | Tried | Recipe):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, tuple) else value
