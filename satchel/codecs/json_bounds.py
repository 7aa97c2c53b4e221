"""Depth and number of values of a JSON body, by a few passes in C over its bytes, before anything is built of it."""

from __future__ import annotations

from array import array
from itertools import accumulate

from satchel.errors import LimitExceeded
from satchel.types import Limits

#: Brackets of one kind; and as steps up (+1) and down (-1) in signed bytes.
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")
_NOT_BRACKET_OR_QUOTE = bytes(set(range(256)) - set(b'[{]}"'))
_NOT_BEFORE_VALUE = bytes(set(range(256)) - set(b"[{,:"))

_LIST = ord("[")

_WHITE_SPACE = b" \t\r\n"

#: Bytes of which the strings are cut out at once: the pieces stay in a cache.
_PART = 1 << 16

#: The most levels of a scalar's tag: a UUID's.
TAG_LEVELS = 2

#: Bytes up to which counting what opens a container comes first: it mostly settles it.
SMALL = 4_000


def may_be_deep(body: bytes, levels: int) -> bool:
    """Say whether a body may have more levels than that, closed or not: counting settles it mostly, if it is small."""
    # A dict's level takes four bytes, but for the innermost. As a number, one byte is found quicker than it is counted.
    return (body.count(b"[") if _LIST in body else 0) + (len(body) + 3) // 4 > levels


def bound(body: bytes, limits: Limits) -> None:
    """Hold the depth of a body, and its number of values, against their limits.

    Raises:
        LimitExceeded: it is nested too deep or holds too many values.
    """
    room = limits.max_depth
    body = bound_nodes(body, limits)
    if len(body) <= SMALL and body.count(b"[") + body.count(b"{") <= room:
        return
    brackets = _outside_strings(body).translate(_ONE_KIND)
    # Every round takes the innermost level off; few levels are left when few brackets are.
    while brackets.count(b"[") > room:
        outer = brackets.replace(b"[]", b"")
        if room == 0 or len(outer) > len(brackets) // 16 * 15:  # Too little for a round: go step by step.
            if max(accumulate(array("b", brackets.translate(_STEPS))), default=0) > room:
                raise LimitExceeded("max_depth", limits.max_depth)
            return
        brackets = outer
        room -= 1


def bound_nodes(body: bytes, limits: Limits) -> bytes:
    """Hold the number of values of a body against its limit. Gives the body, or what stands for it without its strings.

    Raises:
        LimitExceeded: it holds too many.
    """
    # A value and what separates it from the next take two bytes at the least; and before each but the first stands one
    # of four characters.
    most = limits.max_nodes
    if len(body) > 2 * most and len(body.translate(None, _NOT_BEFORE_VALUE)) >= most:
        body = _without_strings(body)
        if _values(body) > most:
            raise LimitExceeded("max_nodes", most)
    return body


def _outside_strings(body: bytes) -> bytes:
    """Give the brackets of a body that stand outside of strings."""
    # Strings with no bracket inside go; of the others, every other piece between quotes stands outside.
    left = _unescaped(body).translate(None, _NOT_BRACKET_OR_QUOTE).replace(b'""', b"")
    return b"".join(left.split(b'"')[::2]) if b'"' in left else left


def _without_strings(body: bytes) -> bytes:
    """Give a body with a letter in the place of each string; a part at a time, for there may be a million strings."""
    body = _unescaped(body)
    marks = []
    inside = False
    for start in range(0, len(body), _PART):
        pieces = body[start : start + _PART].split(b'"')
        marks.append(b"x".join(pieces[inside::2]))
        inside ^= len(pieces) % 2 == 0
        if inside:  # The part ends in a string.
            marks.append(b"x")
    return b"".join(marks)


def _unescaped(body: bytes) -> bytes:
    """Give a body whose quotes begin and end strings."""
    return body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body


def _values(marks: bytes) -> int:
    """Count the values of a body that has letters for strings: scalars, keys and containers."""
    # What is empty is to look empty.
    if any(space in marks for space in _WHITE_SPACE):
        marks = marks.translate(None, _WHITE_SPACE)
    # Each separator stands before a value, and so does the opening of a container with something in it.
    return 1 + len(marks.translate(None, _NOT_BEFORE_VALUE)) - marks.count(b"[]") - marks.count(b"{}")
