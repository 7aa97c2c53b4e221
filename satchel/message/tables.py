"""Checks of header tables: values that AMQP 0-9-1 (py-amqp) and kombu's virtual transports (JSON) carry alike.

Those are None, bool, int of 64 bits, finite float, str, list and dict. Others are refused: AMQP turns bytes into str,
cuts fractions and offsets off datetimes, and has no sets; JSON has no NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from satchel.message.times import shown

MAX_INT: Final = (1 << 63) - 1
"""The greatest int that AMQP carries."""

_MAX_NAME: Final = 255  # Bytes of an AMQP short string.
_MAX_LEVELS: Final = 32  # Containers within containers; what holds itself ends here too.


def table(name: str, value: object) -> dict[str, Any]:
    """Take a mapping of names to values that every transport carries, and give a copy that shares nothing with it.

    Args:
        name: the option; paths in errors start with it, as in ``headers['trace'][0]``.

    Returns:
        A new dict; mappings and sequences within are copied to dicts and lists.

    Raises:
        TypeError: it is not a mapping, a name is not a str, or a value is of a type that transports do not carry.
        ValueError: a name is longer than 255 bytes, a text is not UTF-8, an int exceeds 64 bits, a float is NaN or
            infinite, or containers are more than 32 levels deep.
    """
    if type(value) is not dict and not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {shown(value)}")
    return _table(name, value, 1)


def encodable(name: str, value: str) -> int:
    """Give the length of a text in bytes of UTF-8; ValueError when it has none."""
    if value.isascii():
        return len(value)
    try:
        return len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be text that UTF-8 can encode, got {shown(value)}") from None


def _table(path: str, value: Mapping[Any, Any], level: int) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{path} must have str names, got {shown(key)}")
        if (len(key) if key.isascii() else encodable(f"a name in {path}", key)) > _MAX_NAME:
            raise ValueError(f"{path} must have names of at most {_MAX_NAME} bytes, got {shown(key)}")
        plain = item is None or (type(item) is str and item.isascii())
        copied[key] = item if plain else _item(f"{path}[{key!r}]", item, level + 1)
    return copied


def _item(path: str, value: object, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        encodable(path, value)
        return value
    if isinstance(value, int):
        if not -MAX_INT - 1 <= value <= MAX_INT:
            raise ValueError(f"{path} must be an int of at most 64 bits, got {shown(value)}")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{path} must be a finite number, got {value!r}")
        return value
    if level > _MAX_LEVELS:
        raise ValueError(f"{path[:80]}... is too deep: at most {_MAX_LEVELS} levels of containers")
    if isinstance(value, (list, tuple)):
        return [_item(f"{path}[{index}]", item, level + 1) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return _table(path, value, level)
    raise TypeError(
        f"{path} must be None, a bool, int, float or str, or a list or mapping of those, got {shown(value)}; "
        "transports carry no others unchanged"
    )
