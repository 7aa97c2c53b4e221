"""MessagePack by ormsgpack, orjson and msgspec, in C, of what they write and read without loss; None for all else."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from sys import float_info
from typing import Annotated, Any

from satchel.codecs.gate import not_finite, passthrough, runs_nothing
from satchel.codecs.msgpack_reading import whole, within
from satchel.codecs.values import measure
from satchel.errors import let_signals_through
from satchel.types import Limits

#: Levels of containers that the typed decoder reads: its types double with each, and take 3 ms to build.
LEVELS = 8

#: What the decoder gives for a body that it does not read; None is a value.
UNREAD = object()

#: Bytes from which a value is measured by orjson, in lists that leave it no more levels than are allowed.
_LONG = 1_024

#: Bytes of JSON up to which brackets are counted.
_COUNTED = 4_096

#: So many such lists are kept.
_MOST_KEPT = 8

#: One level more than orjson takes; whether an empty list is one is its own affair, so this is a level to spare.
_DEEPEST = 255


#: Tells orjson that bytes are as good as a bool, and stops it at what ormsgpack alone takes. It must be written in C:
#: orjson walks a list by the length that it had, so nothing of Python may run meanwhile, neither another thread nor a
#: signal's handler, which could make it shorter.
_buffer = bytes.isdigit


def writer(
    msgpack: Any, ormsgpack: Any, orjson: Any, *, tuples: bool, finite: Callable[[bytes], Any] | None
) -> Callable[[Any, Limits], bytes | None]:
    """Make a function that encodes a value of plain types within limits, or gives None.

    ormsgpack takes three types more than the plain ones: memoryviews, also those that do not equal their bytes, its own
    ext type, and its fragments of MessagePack, which no byte betrays. orjson takes none of them, and goes through the
    value at less cost than looking at the types of its parts.

    Args:
        msgpack, ormsgpack, orjson: the libraries.
        tuples: stop at tuples, which are to be kept.
        finite: refuse floats that are not finite; decodes a body that has none, and gives `UNREAD` for others.
    """
    packb, dumps, options = ormsgpack.packb, orjson.dumps, passthrough(ormsgpack, tuples=tuples)
    listed, deepest, stops = passthrough(ormsgpack, tuples=True), _deepest(orjson), runs_nothing(orjson)
    fits = _Nests(dumps, stops).fits

    def write(value: Any, limits: Limits) -> bytes | None:
        flat = True
        try:
            try:
                body: bytes = packb(value, None, listed)
            except TypeError as error:
                let_signals_through(error)
                flat, body = False, packb(value, None, options)
            # After the gate, which is bounded in depth: orjson is not, in tuples.
            if len(body) > _LONG and flat and deepest >= limits.max_depth:
                known = fits(value, deepest - limits.max_depth)
            else:
                text = dumps(value, _buffer, stops)
                # A level takes two brackets.
                known = len(text) <= 2 * limits.max_depth or _shallow(text, limits)
        except (TypeError, ValueError) as error:
            let_signals_through(error)
            return None
        if finite is not None and not_finite(body) and finite(body) is UNREAD:
            return None
        if not (known and len(body) <= limits.max_nodes) and not within(msgpack, body, limits):
            measure(value, limits)
        return body

    return write


class _Nests:
    """Lists in lists that leave a value no more levels of orjson's than it may have, kept for the next value."""

    def __init__(self, dumps: Callable[..., bytes], stops: int) -> None:
        self._dumps = dumps
        self._stops = stops
        # Of the number that was wanted last.
        self._kept: tuple[int, list[tuple[list[Any], list[Any]]]] = (0, [])

    def fits(self, value: Any, spare: int) -> bool:
        """Say whether orjson takes a value that stands in so many lists more; TypeError if it never takes it."""
        if not spare:
            self._dumps(value, _buffer, self._stops)
            return True
        kept, idle = self._kept
        if kept != spare:
            idle = []
            self._kept = (spare, idle)
        try:
            # One that is in use is not in the list: another thread may be here, or a signal's handler.
            outer, inner = idle.pop()
        except IndexError:
            outer = inner = [None]
            for _ in range(spare - 1):
                outer = [outer]
        inner[0] = value
        try:
            self._dumps(outer, _buffer, self._stops)
        except TypeError:
            self._dumps(value, _buffer, self._stops)
            return False
        finally:
            inner[0] = None
            if len(idle) < _MOST_KEPT:
                idle.append((outer, inner))
        return True


def _shallow(text: bytes, limits: Limits) -> bool:
    """Say whether a value is seen at a glance, by its JSON, to be within the limit of depth."""
    return len(text) <= _COUNTED and text.count(b"[") + text.count(b"{") <= limits.max_depth


@lru_cache
def _deepest(orjson: Any) -> int:
    """The levels of lists that orjson stops at, or -1 if it does not."""
    value: Any = []
    for _ in range(_DEEPEST - 1):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return _DEEPEST
    return -1


def reader(msgpack: Any, msgspec: Any, *, finite: bool) -> Callable[[bytes], Any]:
    """Make a function that decodes a body of plain values, of at most `LEVELS` levels, or gives `UNREAD`.

    Plain are None, bool, int, float, str, lists, and dicts whose keys are str. The types hold what is read against all
    that, the depth too, which msgspec else takes from the C stack.

    Args:
        msgpack, msgspec: the libraries.
        finite: leave floats that are not finite unread.
    """
    decode, failures = _decoder(msgspec, finite=finite), (ValueError, msgspec.MsgspecError)

    def read(data: bytes) -> Any:
        # A list gets its room when its header is read, however few items there are.
        if (data.find(b"\xdc") >= 0 or data.find(b"\xdd") >= 0) and not whole(msgpack, data):
            return UNREAD
        try:
            return decode(data)
        except failures as error:
            let_signals_through(error)
            return UNREAD

    return read


@lru_cache
def _decoder(msgspec: Any, *, finite: bool) -> Callable[[bytes], Any]:
    number: Any = float
    if finite:
        number = Annotated[float, msgspec.Meta(ge=-float_info.max, le=float_info.max)]
    # No bytes: msgspec tells only one kind of text.
    scalar: Any = bool | int | number | str | None
    kind = scalar
    for _ in range(LEVELS):
        kind = scalar | list[kind] | dict[str, kind]  # type: ignore[valid-type]
    decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(kind).decode
    return decode
