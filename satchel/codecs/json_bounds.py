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

#: Bytes up to which counting what opens a container comes first: it mostly settles it.
SMALL = 4_000


def bound(body: bytes, limits: Limits) -> None:
    """Hold the depth of a body, and its number of values, against their limits.

    Raises:
        LimitExceeded: it is nested too deep or holds too many values.
    """
    room = limits.max_depth
    bound_nodes(body, limits)
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


def bound_nodes(body: bytes, limits: Limits) -> None:
    """Hold the number of values of a body against its limit.

    Raises:
        LimitExceeded: it holds too many.
    """
    # A value and what separates it from the next take two bytes at the least; and before each but the first stands one
    # of four characters.
    most = limits.max_nodes
    if len(body) > 2 * most and len(body.translate(None, _NOT_BEFORE_VALUE)) >= most and _values(body) > most:
        raise LimitExceeded("max_nodes", most)


def _outside_strings(body: bytes) -> bytes:
    """Give the brackets of a body that stand outside of strings."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Strings with no bracket inside go; of the others, every other piece between quotes stands outside.
    left = body.translate(None, _NOT_BRACKET_OR_QUOTE).replace(b'""', b"")
    return b"".join(left.split(b'"')[::2]) if b'"' in left else left


def _values(body: bytes) -> int:
    """Count the values of a body: scalars, keys and containers."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A letter for each string, and no white space: what is empty then looks empty.
    marks = b"x".join(body.split(b'"')[::2]).translate(None, b" \t\r\n")
    containers = marks.count(b"[") + marks.count(b"{") - marks.count(b"[]") - marks.count(b"{}")
    # Each separator stands before a value, and so does the opening of a container with something in it.
    return 1 + marks.count(b",") + marks.count(b":") + containers
