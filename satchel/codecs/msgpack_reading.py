"""Reading MessagePack within limits: what many bytes or many headers could become is known before it is built."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from satchel.codecs.values import unique
from satchel.errors import CorruptBody, LimitExceeded, let_signals_through
from satchel.types import Limits

#: Items for which the library may make room before it has seen them: 16 MiB of pointers.
_ROOM = 2 * 1024 * 1024

#: The library's own bound on levels.
_DEEPEST = 1024

#: Bytes up to which looking at each is cheaper than going through the body.
SHORT = 1_000

_OPENS_CONTAINER = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])


def unpacked(
    msgpack: Any, data: bytes, limits: Limits, seen: bool, *, ext_hook: Callable[[int, bytes], Any], unique_keys: bool
) -> Any:
    """Unpack a body, of at most `limits.max_nodes` values.

    The unpacker is iterative: depth is for the caller to measure.

    Args:
        msgpack: the library.
        data: the body.
        limits: its limits.
        seen: it is known to be one whole value, within its limits.
        ext_hook: makes a value of an ext type.
        unique_keys: refuse a map in which a key occurs twice.

    Raises:
        LimitExceeded: it holds too many values, or is nested deeper than the library goes.
        CorruptBody: it ends too early, or a key is there twice.
        ValueError, msgpack.UnpackException: it is not MessagePack.
    """
    hooks: dict[str, Any] = {"object_pairs_hook": unique} if unique_keys else {}
    many = len(data) > limits.max_nodes  # A value takes a byte at the least.
    if many:
        hooks = _counting(limits, unique_keys=unique_keys)
    try:
        # A list may get its room when its header is read: where there are several headers, the items must be there.
        headers = 0 if seen or len(data) <= SHORT else data.count(b"\xdc") + data.count(b"\xdd")
        if headers > 1 and headers * len(data) > _ROOM:
            _skip(msgpack, data)
        return msgpack.unpackb(data, raw=False, strict_map_key=True, ext_hook=ext_hook, **hooks)
    except msgpack.StackError as error:
        raise LimitExceeded("max_depth", min(limits.max_depth, _DEEPEST)) from error
    except ValueError as error:
        if many and re.search("exceeds max_(array|map)_len", str(error)):
            raise LimitExceeded("max_nodes", limits.max_nodes) from error
        raise


def _skip(msgpack: Any, data: bytes, prefix: bytes = b"") -> int:
    """Go through the value that a body begins with, after a prefix, without making anything of it.

    Gives the bytes that follow it. It takes a tenth of what unpacking takes.

    Raises:
        CorruptBody: it ends too early.
        ValueError, msgpack.UnpackException: it is not MessagePack, or deeper than the library goes.
    """
    size = len(prefix) + len(data)
    unpacker = msgpack.Unpacker(None, read_size=max(size, 1), max_buffer_size=size)
    if prefix:
        unpacker.feed(prefix)
    unpacker.feed(data)
    try:
        unpacker.skip()
    except msgpack.OutOfData as error:
        raise CorruptBody("the body is truncated", codec="msgpack") from error
    rest: int = size - unpacker.tell()
    return rest


def whole(msgpack: Any, data: bytes) -> bool:
    """Say whether a body is one whole value: all items that its headers promise are there, and nothing after them."""
    try:
        return _skip(msgpack, data) == 0
    except (CorruptBody, ValueError, msgpack.UnpackException) as error:
        let_signals_through(error)
        return False


def within(msgpack: Any, data: bytes, limits: Limits) -> bool:
    """Say whether a body is known to be within the limits of depth and number before it is unpacked.

    The library goes through a long one on a stack of its own, of a fixed number of levels: so many arrays of one item
    are put before the body that what is left of them is `max_depth`.
    """
    size = len(data)
    if size > limits.max_nodes:  # A value takes a byte at the least.
        return False
    if size <= SHORT and size - len(data.translate(None, _OPENS_CONTAINER)) <= limits.max_depth:
        return True
    spare = _deepest(msgpack) - limits.max_depth
    if spare < 0:
        return False
    try:
        return _skip(msgpack, data, b"\x91" * spare) == 0
    except (CorruptBody, ValueError, msgpack.UnpackException) as error:
        let_signals_through(error)
        return False


@lru_cache
def _deepest(msgpack: Any) -> int:
    """The most levels that the library goes through; -1 if there are others than expected, or it is in pure Python."""
    if msgpack.Unpacker.__module__ == "msgpack.fallback":
        return -1
    try:
        _skip(msgpack, b"\x91" * _DEEPEST + b"\x90")
    except ValueError:
        return _DEEPEST
    return -1


def _counting(limits: Limits, *, unique_keys: bool) -> dict[str, Any]:
    """Give hooks that count every array and map as soon as it is whole, and its items; and bounds on the longest."""
    items = limits.max_nodes - 1
    containers = limits.max_nodes  # Nothing else is known of what stands in an array that is still open.

    def spend(container: Any) -> Any:
        nonlocal items, containers
        containers -= 1
        items -= len(container) * (2 if type(container) is dict else 1)
        if items < 0 or containers < 0:
            raise LimitExceeded("max_nodes", limits.max_nodes)
        return container

    return {
        "list_hook": spend,
        **({"object_pairs_hook": lambda pairs: spend(unique(pairs))} if unique_keys else {"object_hook": spend}),
        "max_array_len": limits.max_nodes,
        "max_map_len": limits.max_nodes,
    }
