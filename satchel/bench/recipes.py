"""The ways to make a zstandard dictionary (RFC 8878, section 5) of messages, by the library zstandard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from satchel.bench.assembling import NoTables, tables, unrepeated
from satchel.codecs.base import require
from satchel.codecs.zstd import Zstd

DEFAULT_SIZE = 110 * 1024
"""Bytes of a dictionary for which the command `zstd --train` asks."""

#: Bytes of the stretches that the trainer picks, where it does not search for their length itself.
_SEGMENTS = (1024, 4096)
_REPEATS = (48, 96, 192)
#: Bytes: the size of the trained dictionary whose entropy tables go before whole messages, at least and at most; its
#: segments; and the messages that it is trained on.
_TABLES_LEAST, _TABLES_MOST, _TABLES_SEGMENT, _TABLES_OF = 1024, 32 * 1024, 1024, 128 * 1024
#: Bytes: the offsets in every dictionary's tables reach that far back.
_LEAST_CONTENT = 8


class Recipe(NamedTuple):
    """How a dictionary is made.

    Attributes:
        method: "default": by the library's trainer with its default parameters, at zstd's default size or the largest
            allowed one; "searched": by it at another size; "segments": by it without its search for parameters, which
            counts the dictionary as a cost, and so makes small ones of few messages; "messages": of whole messages,
            less what they repeat.
        size: the most bytes that the dictionary may have.
        length: bytes of a segment, or of the shortest repetition that is left out; None where neither is chosen.
    """

    method: Literal["default", "searched", "segments", "messages"]
    size: int
    length: int | None = None


def recipes(sizes: Sequence[int]) -> Iterator[Recipe]:
    """Give the recipes for dictionaries of these sizes, the library's default first."""
    yield Recipe("default", min(DEFAULT_SIZE, max(sizes)))
    for size in sorted(set(sizes)):
        yield from (Recipe("messages", size, length) for length in _REPEATS)
        yield from (Recipe("segments", size, length) for length in _SEGMENTS)
        yield Recipe("searched", size)


class Maker:
    """Makes dictionaries of some messages.

    Args:
        bodies: the messages.
        level: of the compression that the entropy tables are for.
        most: bytes of the largest dictionary that will be asked for.
    """

    def __init__(self, bodies: Sequence[bytes], *, level: int, most: int) -> None:
        self._zstandard = require("zstandard", codec="zstd", library="zstandard", extra="zstd")
        self._bodies = list(bodies)
        self._level = level
        self._most = most
        self._tables: bytes | None = None
        self._contents: dict[int, bytes] = {}

    def make(self, recipe: Recipe) -> bytes | None:
        """Make a dictionary; None where the messages do not suffice for it."""
        try:
            if recipe.method != "messages" or recipe.length is None:
                return self._trained(recipe)
            return self._assembled(recipe.size, recipe.length)
        except (self._zstandard.ZstdError, NoTables):
            return None

    def _trained(self, recipe: Recipe) -> bytes:
        return self._train(self._bodies, recipe.size, recipe.length)

    def _train(self, bodies: list[bytes], size: int, length: int | None) -> bytes:
        options = {} if length is None else {"k": length, "d": 8, "level": self._level}
        made: bytes = self._zstandard.train_dictionary(size, bodies, **options).as_bytes()
        return made

    def _made_tables(self) -> bytes:
        total = sum(map(len, self._bodies))
        # The trainer counts what is left of its messages with the dictionary before them. One that held them all would
        # leave nothing, and of a few KiB it counts too little to tell one literal from another: such tables are of no
        # use. So half of the messages goes in, and all are counted again and again.
        size = min(_TABLES_MOST, max(_TABLES_LEAST, total // 2))
        often = max(1, -(-_TABLES_OF // max(1, total)))
        return tables(self._train(self._bodies * often, size, min(_TABLES_SEGMENT, size // 4)))

    def _assembled(self, size: int, length: int) -> bytes | None:
        if self._tables is None:
            self._tables = self._made_tables()
        if length not in self._contents:
            self._contents[length] = unrepeated(self._bodies, shortest=length, most=self._most)
        content = self._contents[length][-max(1, size - len(self._tables)) :]
        return self._tables + content if len(content) >= _LEAST_CONTENT else None


def compressed(bodies: Iterable[bytes], dictionary: bytes | None, level: int) -> int:
    """Give how many bytes messages have in all, each compressed by itself with the codec's default options.

    Raises:
        ValueError: there is no such level.
    """
    compress = Zstd(level=level, dictionary=dictionary).compress
    return sum(len(compress(body)) for body in bodies)
