"""Pickles of plain data, told from others at the speed of `re`: texts, numbers, lists, dicts and a few tuples.

What passes here is a subset of what the scan in `pickle_reading.py` passes. That has the last word on the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from satchel.codecs.pickle_hashing import MOST_LEVELS, hashes_little
from satchel.codecs.pickle_patterns import SHORT, Matcher, of_the_model, without_tuples
from satchel.codecs.pickle_reading import STEP
from satchel.types import Limits

#: Opcodes of what has a length: the bytes that say it. None is an int that can be too long.
_LENGTH = {0x8C: 1, 0x43: 1, 0x8A: 1, 0x58: 4, 0x42: 4}
_TUPLES = b"t\x85\x86\x87"
_FRAME = 0x95
#: Python's picklers end a frame behind 64 KiB, and before what is longer than that; what is in no frame then is three
#: bytes at the most.
_FRAMED = 1 << 14
_UNFRAMED = 3

_OPENS = b"]})\x85\x86\x87"


def levels_opened(data: bytes) -> int:
    """Give a number that the levels of a pickle that fetches nothing do not exceed."""
    return len(data) - len(data.translate(None, _OPENS))


def longest_text(data: bytes, limits: Limits) -> int | None:
    """Say whether a pickle is plain data for certain, so that the standard library may read it as it is.

    Returns:
        None: it is not known to be. Otherwise it is, and none of its texts is longer than this many bytes; what is
        fetched from its memo may multiply.
    """
    walk = _Walk(data, min(limits.max_depth, MOST_LEVELS), without_tuples)
    plain = _may_be_read(data, limits) and walk.to_the_end(len(data) - 1) and walk.hashes_little
    return walk.longest if plain else None


def longest_text_of_model(data: bytes, limits: Limits) -> int | None:
    """Say the same of a pickle of plain data and objects of the value model.

    Reading it makes sound values or fails, as long as it finds nothing but the model's own classes.
    """
    joined = _joined(data) if b"\x93" in data and _may_be_read(data, limits) else None
    if joined is None:
        return None
    flat, seams = joined
    walk = _Walk(flat, min(limits.max_depth, MOST_LEVELS), of_the_model(), seams)
    return walk.longest if walk.across(len(flat) - 1) and walk.hashes_little else None


def _may_be_read(data: bytes, limits: Limits) -> bool:
    return (
        data[:2] in (b"\x80\x04", b"\x80\x05")
        and data[-1] == 0x2E
        and (
            len(data) <= limits.max_nodes
            or sum(map(data.count, (b"]", b"}", b")", b"t", b"\x85", b"\x86", b"\x87"))) <= limits.max_nodes
        )
    )


def _joined(data: bytes) -> tuple[bytes, list[int]] | None:
    """Give a pickle's opcodes without its frames, and where frames ended or began. Frames come between any opcodes.

    Returns:
        None where there are far more frames than Python's picklers make, or something is in none.
    """
    position, size, place = 2, len(data), 0
    pieces, seams = list[bytes](), list[int]()
    most = 8 + size // _FRAMED
    while position < size and len(pieces) < most:
        start = position
        if data[position] == _FRAME:
            start = position + 9
            position = start + int.from_bytes(data[position + 1 : start], "little")
        elif data[position] in _LENGTH:
            # What is longer than a frame comes without one.
            position = _behind(data, position)
        else:
            position = next((at for at in range(start + 1, start + 1 + _UNFRAMED) if _is_seam(data, at)), size)
            if position == size and pieces and size - start > _UNFRAMED:
                return None
        if position > size:
            return None
        pieces.append(data[start:position])
        place += position - start
        seams.append(place)
    return (b"".join(pieces), seams[:-1]) if position == size else None


def _is_seam(data: bytes, position: int) -> bool:
    """Say whether a frame may begin here, or something that is too long for one."""
    head = data[position : position + 5]
    return head[:1] == b"\x95" or (head[:1] in (b"X", b"B") and int.from_bytes(head[1:], "little") >= _FRAMED)


class _Walk:
    """Goes from opcode to opcode: by runs, and by single ones where a run ends."""

    def __init__(self, data: bytes, max_tuples: int, match: Matcher, seams: Sequence[int] = ()) -> None:
        self._data = data
        self._match = match
        self._tuples = max_tuples - 1
        self._long_tuples = self._short_tuples = self._first_tuple = 0
        self._seams = deque(seams)
        self.longest = SHORT

    @property
    def hashes_little(self) -> bool:
        """Whether its tuples, but for those that the pattern knows, cannot take long to hash."""
        if not self._first_tuple:
            return True
        fetches = self._data.count(b"h", self._first_tuple) + self._data.count(b"j", self._first_tuple)
        return hashes_little(len(self._data), fetches, self._long_tuples, self._short_tuples)

    def to_the_end(self, end: int) -> bool:
        """Frame by frame: each must hold whole opcodes, or the standard library would read others than these."""
        data, position = self._data, 2
        while position < end:
            if data[position] != _FRAME:
                position = self._from(position, end)
                if position < end and data[position] != _FRAME:
                    return False
                continue
            start = position + 9
            position = start + int.from_bytes(data[position + 1 : start], "little")
            if position > end + 1 or self._from(start, min(position, end)) != min(position, end):
                return False
        return True

    def across(self, end: int) -> bool:
        """Across the seams of frames, which must be between opcodes: that holds elsewhere, see above."""
        position, seams = 0, self._seams
        while position < end:
            behind = self._next(position, end)
            while seams and seams[0] <= behind:
                if not self._is_between(position, seams.popleft()):
                    return False
            if behind == position:
                return False
            position = behind
        return position == end

    def _is_between(self, position: int, seam: int) -> bool:
        position = self._match(self._data, position, seam).end()  # type: ignore[union-attr]  # see above
        while position < seam:
            kind, number = STEP.get(self._data[position], ("", 0))
            if kind == "length":
                position = _behind(self._data, position)
            elif kind == "fixed":
                position += 1 + number
            else:
                return False
        return position == seam

    def _from(self, position: int, end: int) -> int:
        """Give the place of the first opcode that is not known, or `end`."""
        while position < end:
            behind = self._next(position, end)
            if behind == position:
                return position
            position = behind
        return position

    def _next(self, position: int, end: int) -> int:
        """Give the place behind a run of opcodes, or behind one; or the same place."""
        run = self._match(self._data, position, end).end()  # type: ignore[union-attr]  # see above
        if run == position:
            run = self._hop(position)
        return run if run <= end else position

    def _hop(self, position: int) -> int:
        code = self._data[position]
        if code in _TUPLES:
            self._first_tuple = self._first_tuple or position
            self._long_tuples += code == 0x74
            self._short_tuples += code != 0x74
            return position + (self._long_tuples + self._short_tuples <= self._tuples)
        if code == 0x29:  # EMPTY_TUPLE
            return position + 1
        if code not in _LENGTH:
            return position
        behind = _behind(self._data, position)
        self.longest = max(self.longest, behind - position)
        return behind


def _behind(data: bytes, position: int) -> int:
    start = position + 1 + _LENGTH[data[position]]
    return start + int.from_bytes(data[position + 1 : start], "little")
