"""Checks of single options: each takes the option's name and value, and gives what the message carries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from satchel.message.fields import RESERVED
from satchel.message.times import UTC, duration, in_zone, shown
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry

_DELIVERY_MODES: Final[dict[object, int]] = {1: 1, 2: 2, "transient": 1, "persistent": 2}
_MAX_SHORT: Final = 255  # Bytes of an AMQP short string.
_MAX_LEVELS: Final = 32  # Containers within containers; what holds itself ends here too.
MAX_INT: Final = (1 << 63) - 1
"""The greatest int that AMQP carries."""
MAX_TTL: Final = ((1 << 32) - 1) / 1000
"""The longest expiry that RabbitMQ takes, in seconds: 49.7 days."""


def any_text(name: str, value: object) -> str:
    """Take a str that UTF-8 can encode."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {shown(value)}")
    encodable(name, value)
    return value


def required_text(name: str, value: object) -> str:
    """Take a str that is not empty, where there is no doing without."""
    checked = any_text(name, value)
    if not checked:
        raise ValueError(f"{name} must not be empty")
    return checked


def text(name: str, value: object) -> str:
    """Take a str that is not empty, where None or nothing may be given instead."""
    if type(value) is str and value and value.isascii():  # The usual case, asked in place.
        return value
    checked = any_text(name, value)
    if not checked:
        raise ValueError(f"{name} must not be empty; leave it out, or give None, for none")
    return checked


def short_text(name: str, value: object) -> str:
    """Take a str of 1 to 255 bytes in UTF-8, as AMQP bounds it."""
    checked = text(name, value)
    if encodable(name, checked) > _MAX_SHORT:
        raise ValueError(f"{name} must be at most {_MAX_SHORT} bytes long, got {shown(value)}")
    return checked


def flag(name: str, value: object) -> bool:
    """Take a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def integer(name: str, value: object, least: int, most: int | None = None) -> int:
    """Take an int, but no bool, within bounds that are included; AMQP's 64 bits are the utmost."""
    expected = f"an int of {least} or more" if most is None else f"an int from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be {expected}, got {shown(value)}")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name} is out of range: it must be {expected}, got {shown(value)}")
    if value > MAX_INT:
        raise ValueError(f"{name} is out of range: it must be less than 2**63, got {shown(value)}")
    return int(value)


def count(name: str, value: object) -> int:
    """Take an int of 0 or more."""
    return integer(name, value, 0)


def priority(name: str, value: object) -> int:
    """Take an int from 0 to 255, AMQP's range."""
    return integer(name, value, 0, 255)


def limit(name: str, value: object) -> float:
    """Take a number of seconds greater than 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, got {shown(value)}")
    if not value > 0 or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{name} must be a number of seconds greater than 0, got {shown(value)}")
    if isinstance(value, int) and value > MAX_INT:
        raise ValueError(f"{name} is out of range: it must be less than 2**63 seconds, got {shown(value)}")
    return value


def moment(name: str, value: object) -> datetime:
    """Take a datetime."""
    if not isinstance(value, datetime):
        cure = "; for a wait from now, use countdown" if isinstance(value, (int, float, timedelta)) else ""
        raise TypeError(f"{name} must be a datetime, got {shown(value)}{cure}")
    return value


def wait_or_moment(name: str, value: object) -> timedelta | datetime:
    """Take a number of seconds, a timedelta or a datetime."""
    if type(value) is int:  # The usual case, asked once.
        return duration(name, value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise TypeError(f"{name} must be a number of seconds, a timedelta or a datetime, got {shown(value)}")
    return duration(name, value)


def time_to_live(name: str, value: object) -> float:
    """Take a wait of 0 seconds or more, as long as brokers keep one, and give seconds."""
    seconds = duration(name, value).total_seconds()
    if not 0 <= seconds <= MAX_TTL:
        raise ValueError(f"{name} is out of range: it must be from 0 to {MAX_TTL:.0f} seconds, got {shown(value)}")
    return seconds


def epoch(name: str, value: object) -> int:
    """Take a datetime (UTC when naive) or whole seconds since 1970, and give the latter."""
    if isinstance(value, datetime):
        return integer(name, int(in_zone(value, UTC).timestamp()), 0)
    return integer(name, value, 0)


def delivery_mode(name: str, value: object) -> int:
    """Take 1, 2 or their names, and give the number."""
    if isinstance(value, (int, str)) and not isinstance(value, bool) and value in _DELIVERY_MODES:
        return _DELIVERY_MODES[value]
    error = ValueError if isinstance(value, (int, str)) and not isinstance(value, bool) else TypeError
    raise error(f"{name} must be 1 or 'transient', 2 or 'persistent', got {shown(value)}")


def named(name: str, value: object) -> dict[str, Any]:
    """Take a mapping with str keys, and give a new dict."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {shown(value)}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name} must have str names, got {shown(key)}")
    return dict(value)


def user_headers(name: str, value: object) -> dict[str, Any]:
    """Take a mapping that transports carry, with no name in it that belongs to the protocol; see `table`."""
    checked = _table(name, value, 1) if type(value) is dict else table(name, value)
    if not RESERVED.isdisjoint(checked):
        listed = ", ".join(map(repr, sorted(RESERVED.intersection(checked))))
        raise ValueError(f"{name} must not set {listed}: the protocol does; use the option of that meaning")
    return checked


def table(name: str, value: object) -> dict[str, Any]:
    """Take a mapping of names to values that every transport carries, and give a copy that shares nothing with it.

    Those that AMQP 0-9-1 (py-amqp) and kombu's virtual transports (JSON) carry alike are None, bool, int of 64 bits,
    finite float, str, list and dict. Others are refused: AMQP turns bytes into str, cuts fractions and offsets off
    datetimes, and has no sets; JSON has no NaN.

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
        if type(key) is not str or not key.isascii() or len(key) > _MAX_SHORT:
            _check_name(path, key)
        if item is not None and (type(item) is not str or not item.isascii()):
            item = _item(f"{path}[{key!r}]", item, level + 1)
        copied[key] = item
    return copied


def _check_name(path: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{path} must have str names, got {shown(name)}")
    if encodable(f"a name in {path}", name) > _MAX_SHORT:
        raise ValueError(f"{path} must have names of at most {_MAX_SHORT} bytes, got {shown(name)}")


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


def pipeline_or_default(value: object) -> Pipeline:
    """Take a Pipeline, or None for the default: JSON only, in Celery's dialect."""
    if value is None:
        return Pipeline(["json"], registry=celery_registry)
    if not isinstance(value, Pipeline):
        raise TypeError(f"pipeline must be a Pipeline, such as Pipeline(['json']), or None, got {shown(value)}")
    return value


def zone(value: object) -> tzinfo:
    """Take a tzinfo."""
    if not isinstance(value, tzinfo):
        raise TypeError(f"timezone must be a tzinfo, such as ZoneInfo('Asia/Tokyo'), got {shown(value)}")
    return value
