"""JSON of many values that need a tag: orjson writes a mark in the place of each, and the tags are put there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from functools import partial
from gc import get_referents
from itertools import chain, compress, repeat
from operator import is_
from typing import Any
from uuid import UUID

from satchel.codecs.gate import passthrough, runs_nothing, unsure
from satchel.codecs.json_bounds import TAG_LEVELS, bound_nodes
from satchel.codecs.json_levels import lists_around, nest
from satchel.codecs.lowering import Lowering
from satchel.errors import SatchelError, let_signals_through
from satchel.types import Limits

#: What stands in no JSON: a control character is escaped there.
_MARK = "\0"

#: What a UUID is as orjson writes it, from its first hyphen on: hyphens are fewer than quotes.
_uuids = re.compile(r'-....-....-....-............"').split
#: Characters of it before that.
_BEFORE_HYPHEN = 9

#: What a value that cannot be written so may raise. SystemError is orjson's, of a UUID of more than 128 bits.
_FAULTS = (SatchelError, ArithmeticError, AttributeError, LookupError, SystemError, TypeError, ValueError)

#: The most values that are not tried after some that could not be written so. They are an even number: two kinds of
#: values may take turns.
_MOST_SKIPPED = 62

#: Raises KeyError for False.
_go_on = {True: None}.__getitem__

_CONTAINERS = frozenset({dict, list, tuple})

#: None where Python always has its lock.
_is_locked: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)


def marker(orjson: Any, ormsgpack: Any, lower: Lowering) -> Callable[[Any, Limits], bytes | None]:
    """Give a function that writes a value of plain types, and of scalars with a tag, within limits; or gives None.

    ormsgpack lists what is not plain, the list is looked at, and orjson writes the value with marks. All that is one
    run through iterators of C, in which nothing of Python runs: no thread, no signal's handler and no type's own
    function can change the value meanwhile, so that what was listed is what is marked.

    Args:
        orjson, ormsgpack: the libraries.
        lower: knows the texts of scalars.
    """
    # orjson does not count the levels of tuples.
    packb, gate = ormsgpack.packb, passthrough(ormsgpack, tuples=True)
    dumps, stops, marks = orjson.dumps, runs_nothing(orjson), repeat(orjson.Fragment(_MARK.encode()))
    texts = lower.texts()
    # By identity: a metaclass may have a hash of its own.
    tags, are_known = _tags(orjson, texts), frozenset(map(id, texts)).issuperset
    # A program's values are mostly alike: after each in a row that could not be written so, twice as many are skipped.
    to_skip = skipped = 0

    def write(value: Any, limits: Limits) -> bytes | None:
        nonlocal to_skip, skipped
        if skipped < to_skip:
            skipped += 1
            return None
        around = lists_around(orjson, limits.max_depth - TAG_LEVELS)
        if not around or not (_is_locked is None or _is_locked()) or not _is_within(value, limits):
            return None
        listed, kinds = list[Any](), list[type]()
        # In orjson the code of enums would run, and it crashes where a UUID has no number.
        known, uuids = map(are_known, (map(id, kinds),)), compress(listed, map(is_, kinds, repeat(UUID)))
        sound = map(is_, map(type, map(getattr, uuids, repeat("int"))), repeat(int))
        # For the hole in the nest, the value; and then marks, whatever it is that orjson asks for.
        given = partial(next, chain((value,), marks))
        try:
            run: Iterator[Any] = chain(
                map(packb, (value,), (listed.append,), (gate,)),
                map(kinds.extend, (map(type, listed),)),
                map(_go_on, map(all, (known, sound))),
                map(dumps, (nest(around),), (given,), (stops,)),
            )
            packed, _, _, _, body = run  # Here it runs.
            if unsure(packed):
                raise ValueError("a tag of its own, or no finite number")
            pieces = [""] * (2 * len(listed) + 1)
            # ValueError, unless orjson stopped as often: it does so at bytes, too.
            pieces[::2] = _marked(body[around:-around].decode(), kinds.count(UUID)).split(_MARK)
            pieces[1::2] = tags(kinds, listed)
            written = "".join(pieces).encode()
            bound_nodes(written, limits)
        except _FAULTS as error:
            let_signals_through(error)
            to_skip, skipped = min(2 * to_skip + 2, _MOST_SKIPPED), 0
            return None
        to_skip = 0
        return written

    return write


def _tags(
    orjson: Any, texts: dict[type, tuple[str, Callable[[Any], str]]]
) -> Callable[[list[type], list[Any]], list[str]]:
    """Give a function that makes the whole tags of scalars: many, so by type, with few calls for each."""
    dumps = orjson.dumps

    def made(kind: type, values: list[Any]) -> Iterator[str]:
        tag, to_text = texts[kind]
        if kind is UUID:
            # In half the time of formatting a number.
            digits = [value.int.to_bytes(16, "big").hex() for value in values]
            return iter([f'{{"__type__":"{tag}","__value__":{{"hex":"{each}"}}}}' for each in digits])
        plain: list[Any]
        if kind is Decimal:
            plain = values  # Its text is its str().
        elif kind is datetime and {stamp.tzinfo is None or stamp.tzinfo is timezone.utc for stamp in values} == {True}:
            # The texts of isoformat(), at a tenth of their cost.
            plain = dumps(values)[2:-2].decode().split('","')
        else:
            plain = [to_text(value) for value in values]
        # No text of a scalar has a character that JSON escapes.
        return iter([f'{{"__type__":"{tag}","__value__":"{text!s}"}}' for text in plain])

    def tags(kinds: list[type], values: list[Any]) -> list[str]:
        by_kind: dict[type, list[Any]] = {kind: [] for kind in {*kinds}}
        for kind, value in zip(kinds, values, strict=True):
            by_kind[kind].append(value)
        found = {kind: made(kind, those) for kind, those in by_kind.items()}
        return [*map(next, map(found.__getitem__, kinds))]

    return tags


def _is_within(value: Any, limits: Limits) -> bool:
    """Say whether a value has no more levels, with those of tags, nor values, without tags and keys, than its limits.

    What it refers to twice counts as two. The libraries write that twice, too: forty lists, each of the one before
    twice, are a million million values. Another thread may still put some in; levels are held once more by orjson.
    """
    level, left, containers = [value], limits.max_nodes, _CONTAINERS
    for _ in range(limits.max_depth - TAG_LEVELS):
        left -= sum(map(len, level))
        if left < 0:
            return False
        level = [part for part in get_referents(*level) if type(part) in containers]
        if not level:
            return True
    return False


def _marked(text: str, uuids: int) -> str:
    """Put marks in the place of UUIDs, which orjson writes unasked.

    Raises:
        ValueError: there are others that look like one, if only in part: what is before them may be a mark.
    """
    if not uuids:
        return text
    *pieces, last = _uuids(text)
    if len(pieces) != uuids:
        raise ValueError("a text looks like a UUID")
    return _MARK.join([*[piece[:-_BEFORE_HYPHEN] for piece in pieces], last])
