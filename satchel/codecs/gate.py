"""The type gate of the fast engines: what ormsgpack takes, it and orjson write without loss."""

from __future__ import annotations

import re
from typing import Any

#: A double that is not finite, as MessagePack writes it.
_NOT_FINITE = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")


class Gate:
    """Packs a value of plain types, in C, and stops at any other.

    Args:
        ormsgpack: the library.
        tuples: stop at tuples, which are to be kept.
    """

    def __init__(self, ormsgpack: Any, *, tuples: bool) -> None:
        self._packb = ormsgpack.packb
        self._options = (
            ormsgpack.OPT_PASSTHROUGH_BIG_INT
            | ormsgpack.OPT_PASSTHROUGH_DATACLASS
            | ormsgpack.OPT_PASSTHROUGH_DATETIME
            | ormsgpack.OPT_PASSTHROUGH_ENUM
            | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
            | ormsgpack.OPT_PASSTHROUGH_UUID
            | (ormsgpack.OPT_PASSTHROUGH_TUPLE if tuples else 0)
        )

    def packed(self, value: Any) -> bytes | None:
        """Give the value as MessagePack, or None if a part of it is of another type, or perhaps not finite."""
        try:
            body: bytes = self._packb(value, None, self._options)
        except (TypeError, ValueError):
            return None
        return None if _NOT_FINITE.search(body) else body
