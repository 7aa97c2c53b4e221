"""Values as commands show them: JSON with type tags, as `satchel encode` reads it, by Python's json."""

from __future__ import annotations

from typing import Any

from satchel.types import Limits

#: How many times as long indentation may make a text.
_MOST_INDENTED = 8


def json_text(value: Any, limits: Limits, *, compact: bool = False) -> str:
    """Give the JSON of a value.

    Args:
        value: of the value model.
        limits: bounds on levels and values.
        compact: on one line; otherwise it is laid out.

    Raises:
        EncodeError: it has no such form, or is beyond the limits.
    """
    from satchel.codecs.json import Json

    text = Json(tuples=True, engine="stdlib").dumps(value, limits=limits).decode()
    return text if compact else _indented(text)


def _indented(text: str) -> str:
    """Lay JSON out; where that would make it many times as long, as 100 levels can, it stays on one line."""
    import json

    room = _MOST_INDENTED * len(text) + 65_536
    parts: list[str] = []
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
        room -= len(part)
        if room < 0:
            return text
        parts.append(part)
    return "".join(parts)
