"""The type gate of the fast engines: what ormsgpack takes, it and orjson write without loss."""

from __future__ import annotations

from typing import Any

#: A double that is not finite, as MessagePack writes it.
NOT_FINITE = rb"\xcb[\x7f\xff][\xf0-\xff]"


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
