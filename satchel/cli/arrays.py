"""The items of an array within a JSON text, found by a JSON Pointer (RFC 6901) and cut out as they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
_CLOSING = {"[": "]", "{": "}"}
_value = json.JSONDecoder().raw_decode


class NoArray(ValueError):
    """There is no array to take items from; the text says why."""


def steps(pointer: str) -> tuple[str, ...]:
    """Take a JSON Pointer apart; ``.`` is, like the empty one, the whole text.

    Raises:
        NoArray: it is no pointer.
    """
    if pointer in ("", "."):
        return ()
    if not pointer.startswith("/") or re.search("~(?![01])", pointer):
        raise NoArray(f"{pointer!r} is no JSON Pointer (RFC 6901); write /data/items, or . for the whole")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def items(text: str, path: tuple[str, ...]) -> Iterator[str]:
    """Give the items of an array, each as it stands in the text.

    Of equal keys on the way the first counts. What comes after the array is not looked at.

    Args:
        text: JSON.
        path: what `steps` gave.

    Raises:
        NoArray: the path leads nowhere, or to something else.
        ValueError, RecursionError: the text is not JSON, or is nested too deep.
    """
    start, walked = _skip(text, 0), ""
    for step in path:
        walked = f"{walked}/{step[:100]}"
        start = next((at for key, at, _ in _children(text, start, step) if key == step), -1)
        if start < 0:
            raise NoArray(f"it has nothing at {walked}")
    if text[start : start + 1] != "[":
        _value(text, start)  # What is no JSON at all is told as that.
        raise NoArray(f"what it has at {walked or 'its root'} is no array")
    for _, at, end in _children(text, start):
        yield text[at:end]


def _children(text: str, start: int, sought: str | None = None) -> Iterator[tuple[str, int, int]]:
    """Give key, or index, and extent of what a container holds; `sought` is not read, and ends where it starts."""
    closing = _CLOSING.get(text[start : start + 1])
    position = _skip(text, start + 1)
    if closing is None or text[position : position + 1] == closing:
        return
    number = 0
    while True:
        key = str(number)
        if closing == "}":
            if text[position : position + 1] != '"':
                raise json.JSONDecodeError("expecting a key", text, position)
            key, position = _value(text, position)
            position = _after(text, position, ":")
        end = position if key == sought else _value(text, position)[1]
        yield key, position, end
        position = _skip(text, end)
        if text[position : position + 1] == closing:
            return
        position = _after(text, position, ",")
        number += 1


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _after(text: str, position: int, expected: str) -> int:
    position = _skip(text, position)
    if text[position : position + 1] != expected:
        raise json.JSONDecodeError(f"expecting {expected!r}", text, position)
    return _skip(text, position + 1)
