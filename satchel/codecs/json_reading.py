"""Reading kombu's type tags back: dicts of ``__type__`` and ``__value__`` become what they say."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, SafeUUID

from satchel.codecs.tagged import Types
from satchel.codecs.values import FROM_TEXT, Restoring


def restorer(codec: str, types: Types) -> Callable[[Any], Any]:
    """Give a function that replaces the tags in a parsed value, in place.

    The function raises CorruptBody for a tag that is unknown or does not hold what it says.
    """
    restore = Restoring(codec, types, {"bytes": _utf8, "base64": _base64, "uuid": _uuid_of})
    own = {entry.tag for entry in types}
    # What these hold is a text, or for a UUID a dict of one: no further tag.
    makers: dict[Any, Callable[[Any], Any]] = {**FROM_TEXT, "datetime": _datetime, "bytes": _utf8, "base64": _base64}
    of_text = {tag: make for tag, make in makers.items() if tag not in own}
    of_dict: dict[Any, Callable[[Any], Any]] = {} if "uuid" in own else {"uuid": _uuid_of}

    def restored(root: Any) -> Any:
        # Not by recursion, which takes more of the C stack than a small thread has. The innermost come first: what was
        # made last is the nearest in memory.
        top = [root]
        containers: list[Any] = [top]
        # Tags that may hold others; these come later in the list.
        outer: list[tuple[Any, Any]] = []
        while containers:
            container = containers.pop()
            for key, item in container.items() if type(container) is dict else enumerate(container):
                if (kind := type(item)) is dict:
                    if len(item) == 2 and "__type__" in item and "__value__" in item:
                        tag, plain = item["__type__"], item["__value__"]
                        try:
                            container[key] = (of_text if type(plain) is str else of_dict)[tag](plain)
                            continue
                        except (ArithmeticError, LookupError, TypeError, ValueError):
                            # Another tag; or below, it is said what is wrong.
                            outer.append((container, key))
                    containers.append(item)
                elif kind is list:
                    containers.append(item)
        for container, key in reversed(outer):
            item = container[key]
            container[key] = restore(item["__type__"], item["__value__"])
        return top[0]

    return restored


def _datetime(text: str) -> datetime:
    # The form that is mostly sent, which needs no look for others.
    return _fromisoformat(text) if text[-6:] == "+00:00" else _any_datetime(text)


def _utf8(text: Any) -> bytes:
    return str.encode(text)


def _base64(text: Any) -> bytes:
    return b64decode(text, validate=True)


def _uuid_of(plain: Any) -> UUID:
    if type(plain) is not dict or len(plain) != 1 or type(digits := plain.get("hex")) is not str:
        raise ValueError("the hex digits are needed")
    if len(digits) != 32 or not digits.isalnum():
        return UUID(digits)
    # Digits alone: as UUID() sets its two attributes, without what it does for the other forms.
    value = UUID.__new__(UUID)
    _set_int(value, int(digits, 16))
    _set_safe(value, _UNKNOWN)
    return value


_set_int = UUID.__dict__["int"].__set__
_set_safe = UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown
_fromisoformat = datetime.fromisoformat
_any_datetime = FROM_TEXT["datetime"]
