"""The type gate of the fast engines: what ormsgpack takes, it and orjson write without loss."""

from __future__ import annotations

import re
from typing import Any

#: A dict key that may make a tag of JSON, as ormsgpack writes a text of eight bytes.
TAG_KEY = b"\xa8__type__"

#: A double that is not finite, as MessagePack writes it.
_NOT_FINITE = rb"\xcb[\x7f\xff][\xf0-\xff]"

#: Such a double's second byte, and what is tried of them: so many, and one more per so many bytes.
_SECOND = b"\x7f", b"\xff"
_TRIES, _BYTES_A_TRY = 8, 512
#: The same of underscores.
_BYTES_AN_UNDERSCORE = 4_096


def not_finite(packed: bytes) -> bool:
    """Say whether MessagePack may hold a double that is not finite."""
    # One byte is found at many times the speed of a pattern, and is rare mostly.
    tries = _TRIES + len(packed) // _BYTES_A_TRY
    for byte in _SECOND:
        at = packed.find(byte, 1)
        while at >= 0:
            if packed[at - 1] == 0xCB and packed[at + 1 : at + 2] >= b"\xf0":
                return True
            tries -= 1
            if not tries:
                return re.search(_NOT_FINITE, packed) is not None
            at = packed.find(byte, at + 1)
    return False


def unsure(packed: bytes) -> bool:
    """Say whether MessagePack may hold what looks like a tag of JSON, or a double that is not finite."""
    return _may_have_tag(packed) or not_finite(packed)


def _may_have_tag(packed: bytes) -> bool:
    # One byte is found at many times the speed of nine. Where it is not rare, that would be no gain.
    at = packed.find(b"_")
    for _ in range(_TRIES + len(packed) // _BYTES_AN_UNDERSCORE):
        if at < 0:
            return False
        if packed.startswith(b"__", at):
            break
        at = packed.find(b"_", at + 1)
    return packed.find(TAG_KEY, max(at - 1, 0)) >= 0


def passthrough(ormsgpack: Any, *, tuples: bool) -> int:
    """Give the options under which ormsgpack stops at all types but the plain ones; at tuples, if they are kept."""
    options: int = (
        ormsgpack.OPT_PASSTHROUGH_BIG_INT
        | ormsgpack.OPT_PASSTHROUGH_DATACLASS
        | ormsgpack.OPT_PASSTHROUGH_DATETIME
        | ormsgpack.OPT_PASSTHROUGH_ENUM
        | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
        | ormsgpack.OPT_PASSTHROUGH_UUID
        | (ormsgpack.OPT_PASSTHROUGH_TUPLE if tuples else 0)
    )
    return options


def runs_nothing(orjson: Any) -> int:
    """Give orjson's options to write what was found plain, and to stop at types for which it would run Python code.

    Another thread may have put them there since. While they ran, it could change the list that orjson is in: that goes
    on by the length that the list had.
    """
    options: int = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    return options
