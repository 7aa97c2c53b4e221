"""JSON by orjson: what ormsgpack takes goes out whole; what it stops at goes out as the exact encoder's text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from satchel.codecs.gate import passthrough, runs_nothing, unsure
from satchel.codecs.json_bounds import TAG_LEVELS, bound, bound_nodes, may_be_deep
from satchel.codecs.json_levels import HOLE, lists_around, nest
from satchel.codecs.json_marking import marker
from satchel.codecs.lowering import Lowering, Room
from satchel.errors import EncodeError, LimitExceeded, let_signals_through
from satchel.types import Limits

Write = Callable[[Any, Limits], bytes | None]
WriteOther = Callable[[Any, Limits, Exception], bytes | None]

#: Values from which on orjson holds the levels, rather than a look for brackets.
_LEVELS_FROM = 300
#: Values up to which a copy of them is quicker than marks.
_MOST_COPIED = 100
#: Levels of first items that tell how many there may be in all.
_TELLING = 5
#: Levels of containers that are copied: recursion takes C stack on Python 3.10.
_MOST_LEVELS = 24
#: What orjson writes without loss, whatever its value, or refuses.
_ATOMS = frozenset({str, int, bool, type(None)})
#: What a value that cannot be written, or not by the quick ways, may raise here.
_FAULTS = (EncodeError, LimitExceeded, ArithmeticError, AttributeError, RuntimeError, TypeError, ValueError)


def writers(
    orjson: Any, ormsgpack: Any, lower: Lowering, encode: Callable[[Any], str]
) -> tuple[Write, Write, WriteOther]:
    """Give the functions that encode a value as the exact encoder would, within limits.

    Args:
        orjson, ormsgpack: the libraries.
        lower, encode: the exact encoder, which is asked for the parts that the libraries do not know.

    Each of the functions gives None where the exact encoder has to decide, and raises LimitExceeded for a plain value
    that a reader with the same limits would refuse:

    - one writes what ormsgpack packed, without a look for brackets where that can be;
    - one writes plain values, and others that have a tag;
    - one writes what ormsgpack did not pack; it takes the error as well.
    """
    stops = runs_nothing(orjson)
    within, dumps = _within_levels(orjson, stops), orjson.dumps
    mixed, mark = _mixed(orjson, lower, encode), marker(orjson, ormsgpack, lower)
    packb, with_tuples = ormsgpack.packb, passthrough(ormsgpack, tuples=lower.tuples)

    def plain(value: Any, limits: Limits) -> bytes | None:
        try:
            body: bytes = dumps(value, None, stops)
        except (TypeError, ValueError) as error:
            let_signals_through(error)
            return mixed(value, limits)
        bound(body, limits)
        return body

    def large(value: Any, limits: Limits) -> bytes | None:
        body = within(value, limits.max_depth)
        if body is None:
            return plain(value, limits)
        bound_nodes(body, limits)
        return body

    def other(value: Any, limits: Limits, stop: Exception) -> bytes | None:
        # A hint: where it misleads, a value is packed once too often.
        if not lower.tuples and str(stop)[-7:] == ": tuple":
            try:
                packed = packb(value, None, with_tuples)
            except (TypeError, ValueError) as error:
                let_signals_through(error)
            else:
                return None if unsure(packed) else plain(value, limits)
        if type(value) is not list or not _seems_large(value, _MOST_COPIED):
            try:
                return mixed(value, limits, _MOST_COPIED)
            except _TooMany:
                pass
        body = mark(value, limits)
        return mixed(value, limits) if body is None else body

    return large, mixed, other


def _within_levels(orjson: Any, options: int) -> Callable[[Any, int], bytes | None]:
    """Give a function that writes a value without tuples that has at most so many levels, or gives None.

    orjson stops at a depth of its own. In as many lists as leave those levels, it stops there, and nobody has to look
    for brackets in a large body.
    """
    dumps = orjson.dumps

    def write(value: Any, levels: int) -> bytes | None:
        around = lists_around(orjson, levels)
        if not around:
            return None
        try:
            # Written in C: what a signal's handler raises in Python code that orjson calls is lost.
            body: bytes = dumps(nest(around), {HOLE: value}.__getitem__, options)[around:-around]
        except TypeError as error:
            let_signals_through(error)
            return None
        return body

    return write


def _mixed(orjson: Any, lower: Lowering, encode: Callable[[Any], str]) -> Callable[..., bytes | None]:
    """Give a function that writes a value with parts that are not plain, by a copy in which they are tags.

    It takes the value, its limits and, if any, how many values to copy before it raises `_TooMany`. The copy is made in
    Python, and then nobody else has it: orjson must not meet containers that a handler of ours, another thread or a
    signal could change under its hands. Nothing is returned that does not hold the limits: the exact encoder says how
    it exceeds them.
    """
    fragment, dumps = orjson.Fragment, orjson.dumps
    known = _makers(orjson, lower).get
    # The copy has datetimes, of no zone's own code, that orjson writes.
    write_large = _within_levels(orjson, orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS)

    def write(value: Any, limits: Limits, most: int | None = None) -> bytes | None:
        left, may_stop = most or limits.max_nodes, most is not None
        room: Room | None = None

        def copied(part: Any, levels: int) -> Any:
            nonlocal left, may_stop, room
            kind = type(part)
            if kind is dict or kind is list or (kind is tuple and not lower.tuples):
                left -= len(part)
                if may_stop and (left < 0 or (kind is not dict and _seems_large(part, left))):
                    raise _TooMany
                if left < 0 or not levels:
                    raise _Declined
                levels -= 1
                if kind is not dict:
                    # What is in place here is what most parts are: a call for each would be half of the cost.
                    return [
                        item
                        if (cls := type(item)) in _ATOMS or (cls is float and item - item == 0.0)
                        else copied(item, levels)
                        if (make := known(cls)) is None
                        else make(item)
                        for item in part
                    ]
                copy = {
                    key: item
                    if (cls := type(item)) in _ATOMS or (cls is float and item - item == 0.0)
                    else copied(item, levels)
                    if (make := known(cls)) is None
                    else make(item)
                    for key, item in part.items()
                }
                if "__type__" in copy:
                    raise _Declined
                return copy
            if (make := known(kind)) is not None:
                return make(part)
            if may_stop:
                # Marks are not for such a type, and its own code is not to be asked twice.
                may_stop, left = False, left + limits.max_nodes - _MOST_COPIED
            room = room or Room(limits)
            return fragment(encode(lower.part(part, room)))

        try:
            copy = copied(value, _MOST_LEVELS)
            # The tag of a scalar is two levels at the most. What was lowered may have more.
            many = not may_stop and limits.max_nodes - left > _LEVELS_FROM
            body = write_large(copy, limits.max_depth - TAG_LEVELS) if room is None and many else None
            if body is None:
                body = dumps(copy)
                if len(body) >= limits.max_nodes or may_be_deep(body, limits.max_depth):
                    bound(body, limits)
            else:
                bound_nodes(body, limits)
        except _Declined:
            return None
        except _FAULTS as error:
            let_signals_through(error)
            return None  # The exact encoder says it better, or does not mind.
        return body

    return write


def _seems_large(items: Any, most: int) -> bool:
    """Say whether a list holds more values than that, if all that it holds is like what it begins with."""
    count = 1
    for _ in range(_TELLING):
        kind = type(items)
        if kind is not list and kind is not tuple and kind is not dict:
            break
        count *= len(items)
        if count > most or not count or kind is dict:
            break
        items = next(iter(items), None)
    return count > most


class _Declined(Exception):
    """The exact encoder has to decide."""


class _TooMany(Exception):
    """There is more than was to be copied."""


def _makers(orjson: Any, lower: Lowering) -> dict[type, Callable[[Any], Any]]:
    """Give what makes the whole tag of each scalar that is sent as a text: text, or what orjson writes as that."""
    fragment = orjson.Fragment
    makers = {kind: _maker(fragment, tag, to_text) for kind, (tag, to_text) in lower.texts().items()}
    dumps = orjson.dumps

    def tagged(value: bytes) -> Any:
        try:
            return fragment(b'{"__type__":"bytes","__value__":%b}' % dumps(value.decode()))
        except UnicodeDecodeError:
            return fragment(b'{"__type__":"base64","__value__":"%b"}' % b64encode(value))

    makers[bytes] = tagged
    if UUID in makers:
        makers[UUID] = lambda value: fragment(
            f'{{"__type__":"uuid","__value__":{{"hex":"{value.int.to_bytes(16, "big").hex()}"}}}}'
        )
    if datetime in makers:
        makers[datetime] = _stamps(makers[datetime])
    return makers


def _maker(fragment: Any, tag: str, to_text: Callable[[Any], str]) -> Callable[[Any], Any]:
    # No text of a scalar has a character that JSON escapes.
    return lambda value: fragment(f'{{"__type__":"{tag}","__value__":"{to_text(value)}"}}')


def _stamps(with_zone: Callable[[Any], Any]) -> Callable[[Any], Any]:
    utc = timezone.utc

    def stamp(value: Any) -> Any:
        zone = value.tzinfo
        if zone is None or zone is utc:
            # The text of isoformat(), at a tenth of its cost.
            return {"__type__": "datetime", "__value__": value}
        return with_zone(value)

    return stamp
