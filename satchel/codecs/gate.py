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
