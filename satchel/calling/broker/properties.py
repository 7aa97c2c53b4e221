"""The properties of a message as AMQP 0-9-1 carries them (section 4.2, with RabbitMQ's types of fields).

The bytes are those that py-amqp writes, in less than half of the time: a task's message has some twenty headers, and to
write them took it as long as all else that publishing takes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

_pack_text, _pack_length = struct.Struct(">cI").pack, struct.Struct(">I").pack
_pack_int, _pack_long, _pack_float = struct.Struct(">ci").pack, struct.Struct(">cq").pack, struct.Struct(">cd").pack
_pack_flags, _pack_timestamp = struct.Struct(">H").pack, struct.Struct(">Q").pack

#: Ints within these go by 32 bits, as with py-amqp; others by 64.
_MAX_INT: Final = (1 << 31) - 1

#: In a third of the time of a call that makes one.
_BYTES: Final = tuple(bytes((number,)) for number in range(256))

#: Short strings that come with every message: names of fields, types of content, where results go. Applications may
#: make some up.
_known: dict[str, bytes] = {}
_KEPT: Final = 1_000


def hasten(message: Any) -> None:
    """Have the properties of one of py-amqp's messages written by `written`, when it is sent; of others, nothing."""
    plain, quick = _classes()
    if type(message) is plain:
        message.__class__ = quick


@cache
def _classes() -> tuple[type, type]:
    plain: Any = import_module("amqp").Message  # Whoever has such a message has imported it.

    class Message(plain):  # type: ignore[misc]
        __slots__ = ()

        def _serialize_properties(self) -> bytes:
            ready = written(self.properties)
            if ready is None:
                ready = plain._serialize_properties(self)
            return ready

    return plain, Message


def written(properties: Mapping[str, Any]) -> bytes | None:
    """Write properties, their flags first.

    Args:
        properties: those of an ``amqp.Message``, by its names.

    Returns:
        The bytes, or None where something is left to py-amqp: it may know how to write it, or refuses it in its own
        words.
    """
    flags = 0
    parts = [b""]
    try:
        for name, flag, write in _IN_ORDER:
            value = properties.get(name)
            if value is not None:
                flags |= flag
                parts.append(write(value))
    except (_LeftToAmqp, IndexError, UnicodeEncodeError, struct.error):
        return None
    parts[0] = _pack_flags(flags)
    return b"".join(parts)


class _LeftToAmqp(Exception):
    """A value of another type."""


def _short(value: object) -> bytes:
    if type(value) is not str:
        raise _LeftToAmqp
    data = value.encode()
    return _BYTES[len(data)] + data


def _usual(value: object) -> bytes:
    if type(value) is not str:
        raise _LeftToAmqp
    return _known.get(value) or _remembered(value)


def _remembered(value: Any) -> bytes:
    short = _short(value)
    if len(_known) >= _KEPT:
        _known.clear()
    _known[value] = short
    return short


def _octet(value: object) -> bytes:
    if type(value) is not int or value < 0:
        raise _LeftToAmqp
    return _BYTES[value]


def _timestamp(value: object) -> bytes:
    if type(value) is not int:
        raise _LeftToAmqp
    return _pack_timestamp(value)


def _table(fields: object) -> bytes:
    if type(fields) is not dict:
        raise _LeftToAmqp
    parts: list[bytes] = []
    add = parts.append
    for name, value in fields.items():
        add(_known.get(name) or _remembered(name))
        if value is None:
            add(b"V")
        elif type(value) is str:
            data = value.encode()
            add(_pack_text(b"S", len(data)))
            add(data)
        else:
            add(_field(value))
    written = b"".join(parts)
    return _pack_length(len(written)) + written


def _field(value: Any) -> bytes:
    cls = type(value)
    if value is None:
        return b"V"
    if cls is str:
        data: bytes = value.encode()
        return _pack_text(b"S", len(data)) + data
    if cls is bool:
        return b"t\1" if value else b"t\0"
    if cls is int:
        return _pack_int(b"I", value) if -_MAX_INT <= value <= _MAX_INT else _pack_long(b"L", value)
    if cls is float:
        return _pack_float(b"d", value)
    if cls is list:
        items = b"".join(map(_field, value))
        return b"A" + _pack_length(len(items)) + items
    if cls is dict:
        return b"F" + _table(value)
    raise _LeftToAmqp


def _flagged(*order: tuple[str, Callable[[Any], bytes]]) -> tuple[tuple[str, int, Callable[[Any], bytes]], ...]:
    return tuple((name, 1 << (15 - index), write) for index, (name, write) in enumerate(order))


_IN_ORDER: Final = _flagged(
    ("content_type", _usual),
    ("content_encoding", _usual),
    ("application_headers", _table),
    ("delivery_mode", _octet),
    ("priority", _octet),
    ("correlation_id", _short),
    ("reply_to", _usual),
    ("expiration", _short),
    ("message_id", _short),
    ("timestamp", _timestamp),
    ("type", _short),
    ("user_id", _short),
    ("app_id", _short),
    ("cluster_id", _short),
)
