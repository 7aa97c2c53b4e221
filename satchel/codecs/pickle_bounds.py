"""A value held against its limits at the speed of the garbage collector's own walk, or not told."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from gc import get_referents
from typing import Any
from uuid import UUID

from satchel.codecs.values import CONTAINERS
from satchel.types import Limits

#: References that a list of all children may hold for a moment: of what is read, and of what is written.
ROOM = 1 << 20
OWN_ROOM = 1 << 23

#: At the least so many at a time; or else they are picked out one by one.
_FEW = 8

_TEXTS = frozenset({str, bytes, bytearray})

#: What refers to its class, and that to anything; since Python 3.13, a Decimal does.
_TO_THEIR_CLASS = frozenset({UUID, Decimal})

#: The classes of the value model. Of those that are no containers, none refers to anything else.
_MODEL = frozenset(
    {*CONTAINERS, type(None), bool, int, float, str, bytes} | {datetime, date, time, timedelta, timezone, Decimal, UUID}
)


def surely_within(value: Any, size: int, longest: int, limits: Limits, *, room: int, objects: bool) -> bool:
    """Say whether a value is within the limits for certain; see `most_texts`.

    Args:
        longest: none of its texts is longer.
    """
    texts = most_texts(value, size, limits, room=room, objects=objects)
    return texts is not None and texts * longest <= limits.max_decompressed


def most_texts(value: Any, size: int, limits: Limits, *, room: int, objects: bool) -> int | None:
    """Give how many texts a value may have, at least 1, if its levels and values are within the limits for certain.

    What it refers to twice counts as two.

    Args:
        value: the value.
        size: bytes of its pickle: so many values at the most, if nothing is referred to twice.
        limits: its limits.
        room: how many references a list of children may hold for a moment.
        objects: not all of it may be plain data. Then it is not within them either if there is anything but objects of
            the value model, such as a class.
    """
    level, seen, texts = [value], 1, 1
    step = room // size
    for _ in range(limits.max_depth):
        if objects or step < _FEW or step < len(level):
            found = _children(level, step, size - seen, objects=objects)
            if found is None:
                return None
            level, more = found
            texts += more
        else:
            level = get_referents(*level)
            # Keys that are texts do not appear among what a dict refers to.
            texts += 2 * len(level)
        if not level:
            return texts if 2 * seen <= limits.max_nodes else None
        seen += len(level)
        if seen > size:
            return None
    return None


def _children(level: list[Any], step: int, most: int, *, objects: bool) -> tuple[list[Any], int] | None:
    """Give what values refer to, and how many texts there may be with them.

    By pieces: two levels of shared references are a billion values.

    Args:
        level: the values.
        step: so many of them may be asked at once.
        most: about so many are looked for.
        objects: see `most_texts`.

    Returns:
        None where it cannot be told, or is more.
    """
    if objects or step < _FEW:
        kinds = set(map(type, level))
        if not kinds <= _MODEL:
            return None
        if step < _FEW:
            texts = len(level) if kinds & _TEXTS else 0
            # A list of those that are empty would take as much as a tenth of themselves.
            level = [item for item in level if type(item) in CONTAINERS and item] if kinds & CONTAINERS else []
            entries = sum(map(len, level))
            texts += entries if dict in kinds else 0
            return (get_referents(*level), texts) if entries <= most else None
        if not kinds.isdisjoint(_TO_THEIR_CLASS):
            level = [item for item in level if type(item) not in _TO_THEIR_CLASS]
    children: list[Any] = []
    for start in range(0, len(level), step):
        children += get_referents(*level[start : start + step])
        if len(children) > most:
            return None
    return children, 2 * len(children)
