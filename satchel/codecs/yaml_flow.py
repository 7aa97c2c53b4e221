"""Writing JSON (RFC 8259) that YAML 1.1 reads as the same value, by orjson or by the standard library's encoder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from satchel.codecs.gate import runs_nothing
from satchel.errors import let_signals_through

_STR = frozenset({str})
_SCALARS = frozenset({str, int, float, bool, type(None)})

#: Floats from here to there are written with a point and without an exponent: YAML 1.1 takes 1e16, 1.5e300 for texts.
_LEAST, _BEYOND = 1e-4, 1e16
#: To see that a library does so: the ends of that range, and the most digits.
_FLOATS = (_LEAST, 0.00012345678901234567, 0.1, 1.0, 2.0**53 - 1, 9999999999999998.0, 1e15, 123456789012345.67)

#: Orjson writes no more levels than 254, and the standard library takes C stack for each.
_DEEPEST = 200

#: What YAML 1.1 does not have as it is within quotes, and JSON has: DEL, C1 controls, its own line breaks (NEL, LS,
#: PS), the byte order mark, U+FFFE and U+FFFF.
_UNPRINTABLE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef(?:\xbb\xbf|\xbf[\xbe\xbf])")

#: A key of more than 1,024 characters, quotes and escapes included, needs a "?" before it.
_LONGEST_KEY = 1_000
_LONG_KEY = re.compile(rb'"[^"]{1000,}":')

#: An int of more digits than any serializer reads or writes.
_LONG_INT = re.compile(rb"[\[,:]-?[0-9]{4301}")


class Flow:
    """Writes values of plain types, and leaves to others what YAML and JSON might read differently.

    Args:
        orjson: the library, or None.
        tuples: leave tuples, too, to others, who keep them.
    """

    def __init__(self, orjson: Any, *, tuples: bool) -> None:
        self._containers = frozenset({list, dict} if tuples else {list, dict, tuple})
        self._plain = self._containers | _SCALARS
        self._write: Callable[[Any], bytes]
        if orjson is not None and b"e" not in orjson.dumps(_FLOATS):
            self._write = partial(orjson.dumps, option=runs_nothing(orjson))
        else:
            encode = json.JSONEncoder(
                ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
            ).encode
            self._write = lambda value: encode(value).encode()

    def dumps(self, value: Any, *, max_depth: int, max_nodes: int) -> bytes | None:
        """Give the body, or None if the value, or a part of it, is one for others, who also raise what there is to."""
        if type(value) not in self._containers or not self._is_plain(value, min(max_depth, _DEEPEST), max_nodes):
            return None
        try:
            body = self._write(value)
        except (TypeError, ValueError, RecursionError) as error:  # A lone surrogate, or an int beyond what is written.
            let_signals_through(error)
            return None
        return body if _means_the_same(body) else None

    def _is_plain(self, root: Any, levels: int, nodes: int) -> bool:
        """Say whether all is of plain types and within the limits; what is referred to twice counts as two."""
        opened = [root]
        nodes -= 1
        for _ in range(levels):
            items: list[Any] = []
            for container in opened:
                # Before the items are listed: levels of shared references are billions of values.
                nodes -= len(container) * (2 if type(container) is dict else 1)
                if nodes < 0:
                    return False
                if type(container) is not dict:
                    items += container
                elif _STR.issuperset(map(type, container)):
                    items += container.values()
                else:
                    return False
            kinds = set(map(type, items))
            if not kinds <= self._plain:
                return False
            if float in kinds and any(
                size and not _LEAST <= size < _BEYOND for size in [abs(item) for item in items if type(item) is float]
            ):
                return False
            if kinds.isdisjoint(self._containers):
                return True
            opened = [item for item in items if type(item) in self._containers]
        return False


def _means_the_same(body: bytes) -> bool:
    """Say whether YAML 1.1 surely reads the text of plain values as JSON does."""
    if body.find(b"\x7f") >= 0 if body.isascii() else _UNPRINTABLE.search(body):
        return False
    if not _has_long_piece(body):
        return True
    if body.find(b'\\"') >= 0:
        body = body.replace(b"\\\\", b"..").replace(b'\\"', b"..")
    return not (_LONG_KEY.search(body) or _LONG_INT.search(body))


def _has_long_piece(body: bytes) -> bool:
    """Say whether there may be a key or a number that is too long, at much less cost than looking for it."""
    if len(body) <= _LONGEST_KEY:
        return False
    if body.find(b'\\"') >= 0:
        return True
    at = 0
    while at + _LONGEST_KEY < len(body):
        at = body.rfind(b'"', at + 1, at + _LONGEST_KEY)
        if at < 0:
            return True
    return False
