"""Reading pickles without running them: a scan of the opcodes, and a look at the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, time
from itertools import chain
from operator import is_
from types import BuiltinFunctionType, FunctionType
from typing import Any, NoReturn
from uuid import UUID

from satchel.codecs import values
from satchel.codecs.pickle_calls import Copier
from satchel.codecs.pickle_hashing import hold_hashables, may_hash_much
from satchel.errors import CorruptBody, LimitExceeded
from satchel.types import Limits

_LONGEST_INT = 1786  # Bytes of the largest int of 4,300 digits.

_PLAIN = b"(0N12]aelt)}dsu\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94Rb\x81\x92"
_FIXED = {b"J": 4, b"K": 1, b"M": 2, b"G": 8, b"h": 1, b"j": 4, b"\x80": 1}
_LENGTH = {
    b"U": 1,
    b"C": 1,
    b"\x8c": 1,
    b"\x8a": 1,
    b"T": 4,
    b"B": 4,
    b"X": 4,
    b"\x8b": 4,
    b"\x8e": 8,
    b"\x8d": 8,
    b"\x96": 8,
}
_LINES = {b"c": 2}
_PUTS = {b"q": 1, b"r": 4}
_FRAME = b"\x95"

STEP: dict[int, tuple[str, int]] = {
    **dict.fromkeys(_PLAIN, ("fixed", 0)),
    **{code[0]: ("fixed", size) for code, size in _FIXED.items()},
    **{code[0]: ("length", size) for code, size in _LENGTH.items()},
    **{code[0]: ("lines", count) for code, count in _LINES.items()},
    **{code[0]: ("put", size) for code, size in _PUTS.items()},
    _FRAME[0]: ("frame", 8),
}

#: Opcodes that make what takes memory when it is empty; those that make a set or a frozenset, and how much one takes.
_MAKES_OTHER = b"]}ld\x8f\x91"
_MAKES_SET = b"\x8f\x91"
_SET = 256


def scan(data: bytes, limits: Limits) -> None:
    """Walk the opcodes of a pickle, to its end mark at the end of the data, without carrying any out.

    Refused are opcodes that no plain pickle needs (persistent ids, extensions, old-style instances, out-of-band
    buffers, numbers and strings as lines of text), lengths beyond the data, and memo indices that would have a table
    of gigabytes made for them.

    Raises:
        CorruptBody: at the first of them.
        LimitExceeded: there are more than `max_depth` tuples and frozensets within one another, more containers than
            `max_nodes`, or so many sets that they take far more memory than `max_decompressed` and the body.
    """
    _walk(data)
    hold_containers(data, limits)
    if may_hash_much(data, limits.max_depth):
        try:
            hold_hashables(_arguments(data), limits)
        except IndexError as error:
            raise CorruptBody("an opcode takes what is not there", codec="pickle") from error


def _walk(data: bytes) -> None:
    position, size, steps = 0, len(data), STEP
    no_frame = frame_end = size + 1
    while position < size:
        start, code = position, data[position]
        if code == 0x2E:  # STOP
            if position + 1 < size:
                raise CorruptBody("there is something after the end of the pickle", codec="pickle")
            return
        position += 1
        kind, number = steps.get(code) or _refused(code)
        if kind == "fixed":
            position += number
        elif kind == "length":
            length = int.from_bytes(data[position : position + number], "little")
            if code in b"\x8a\x8b" and length > _LONGEST_INT:
                raise CorruptBody("an int of more than 4,300 digits", codec="pickle")
            position += number + length
        elif kind == "put":
            if int.from_bytes(data[position : position + number], "little") > size:
                raise CorruptBody("a memo index beyond the length of the pickle", codec="pickle")
            position += number
        elif kind == "lines":
            for _ in range(number):
                position = data.find(b"\n", position) + 1 or size + 1
        else:
            if start < frame_end < no_frame:
                raise CorruptBody("a frame within a frame", codec="pickle")
            position += number
            frame_end = position + int.from_bytes(data[start + 1 : position], "little")
            if frame_end > size:
                break
        if position > frame_end:
            # The unpickler would go on behind the frame's end, and read other opcodes than these.
            if start < frame_end:
                raise CorruptBody("an opcode across the end of a frame", codec="pickle")
            frame_end = no_frame
    raise CorruptBody("the pickle is truncated", codec="pickle")


def _arguments(data: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while (code := data[position]) != 0x2E:
        kind, number = STEP[code]
        start, position = position + 1, position + 1 + number
        argument = int.from_bytes(data[start:position], "little") if kind != "lines" else 0
        if kind == "length":
            position += argument
        elif kind == "lines":
            position = data.index(b"\n", data.index(b"\n", start) + 1) + 1
        yield code, argument


def hold_containers(data: bytes, limits: Limits) -> None:
    """Hold the number of lists, dicts and sets against its limit, before there are any, and the memory of sets."""
    most_sets = (limits.max_decompressed + 64 * len(data)) // _SET
    size = len(data)
    if size > limits.max_nodes or (size > most_sets and data.count(b"\x8f") + data.count(b"\x91") > most_sets):
        opened = sets = 0
        for code, _ in _arguments(data):
            if code in _MAKES_OTHER:
                opened += 1
                sets += code in _MAKES_SET
                if opened > limits.max_nodes or sets > most_sets:
                    raise LimitExceeded("max_nodes", limits.max_nodes)


def _refused(code: int) -> NoReturn:
    raise CorruptBody(f"the opcode {bytes([code])!r}, which no plain pickle needs", codec="pickle")


_SOUND = frozenset({str, bytes, bool, type(None)})


def check_values(value: Any, *, measured: bool, not_finite: bool) -> None:
    """Look at every value of a decoded pickle, or of one to be written, but for the insides of allow-listed objects.

    Args:
        value: the value.
        measured: its containers are within the limits, those that are referred to twice counted as two. Otherwise
            each is looked at once, and a note of it takes more memory than itself.
        not_finite: floats may be infinite, or NaN.

    Raises:
        ValueError: a date or a time that there is not.
        CorruptBody: a UUID whose number was tampered with, a global instead of a value, an int of more than 4,300
            digits, or a float not finite.
    """
    opened = [iter((value,))]
    seen: set[int] = set()
    while opened:
        for item in opened[-1]:
            if type(item) in _SOUND:
                continue
            if not isinstance(item, dict | list | tuple | set | frozenset):
                _check_scalar(item, not_finite=not_finite)
                continue
            # What is in a class of the application's own has not been measured.
            measured = measured and type(item) in CONTAINERS
            if not measured:
                if id(item) in seen:
                    continue
                seen.add(id(item))
            opened.append(chain(item, item.values()) if isinstance(item, dict) else iter(item))
            break
        else:
            opened.pop()


def _check_scalar(item: Any, *, not_finite: bool) -> None:
    if isinstance(item, type | Copier | FunctionType | BuiltinFunctionType):
        raise CorruptBody("a global where a value should be", codec="pickle")
    if isinstance(item, date | time):
        item.replace()  # ValueError: its bytes in the pickle may say the 99th of January, and nobody looked.
    elif isinstance(item, UUID):
        number = getattr(item, "int", None)
        if type(number) is not int or not 0 <= number < 1 << 128:
            raise CorruptBody("a UUID that is none", codec="pickle")
    elif isinstance(item, int):
        if not -values.INT_BOUND < item < values.INT_BOUND:
            raise CorruptBody("an int of more than 4,300 digits", codec="pickle")
    elif isinstance(item, float) and item - item != 0.0 and not not_finite:
        raise CorruptBody(f"{item} is not a finite number", codec="pickle")


class Tagged(tuple[Any, ...]):
    """A tag and what it holds: an application's value on its way out, and on its way in until all is checked."""

    __slots__ = ()

    # By identity: it may stand in a set.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


CONTAINERS = values.CONTAINERS | {Tagged}


def restored(root: Any, restore: Callable[[Any, Any], Any]) -> Any:
    """Put an application's values in their places. Not while the pickle is read, which could change them again.

    From the inside out, and not by recursion, which takes more of the C stack than a small thread has.
    """
    made: dict[int, Any] = {}  # What stays as it is has no entry: that would take more memory than itself.
    parts: list[Any] = [[root]]
    for part in parts:
        inside = chain(part, part.values()) if type(part) is dict else part
        parts.extend(item for item in inside if type(item) in CONTAINERS and item)
    for part in reversed(parts):
        if id(part) not in made:
            again = _renewed(part, restore, lambda item: made.get(id(item), item))
            if again is not part:
                made[id(part)] = again
    return parts[0][0]


def _renewed(part: Any, restore: Callable[[Any, Any], Any], new: Callable[[Any], Any]) -> Any:
    kind = type(part)
    if kind is Tagged:
        tag, plain = part
        return restore(new(tag), new(plain))
    if kind is dict:
        if any(new(item) is not item for item in chain(part, part.values())):
            pairs = [(new(key), new(item)) for key, item in part.items()]
            part.clear()
            part.update(pairs)
        return part
    members = list(map(new, part))
    if all(map(is_, members, part)):
        return part
    if kind is list:
        part[:] = members
        return part
    return kind(members)
