"""Reading JSON, and kombu's type tags in it: dicts of ``__type__`` and ``__value__`` become what they say."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn
from uuid import UUID, SafeUUID

from satchel.codecs.base import RESERVED_TAGS, Types
from satchel.codecs.json_bounds import SMALL, TAG_LEVELS, bound, may_be_deep
from satchel.codecs.values import FROM_TEXT, Restoring, unique
from satchel.errors import CorruptBody, LimitExceeded, let_signals_through
from satchel.types import Buffer, Limits

_UNDERSCORE = ord("_")
_ESCAPE = ord("\\")

#: What `cutter` gives for a body that it does not read; None is a value.
UNREAD = object()

#: What stands in the place of a tag that is cut out: a number that nobody writes so; a long text is found quickly.
_PLACE = "-0.00000000000000000E-9"

#: Tags are cut out where the first so many characters have so many of them, and so many points per tag at the most:
#: every float costs a call then.
_LOOKED_AT, _TAGS, _POINTS = 4_000, 8, 6


class Reader:
    """Reads bodies; the rules, and the errors of `loads`, are those of `satchel.codecs.json.Json`.

    Args:
        codec: the serializer's name.
        types: the application's types.
        msgspec: the library, or None for the standard library alone.
        unique_keys: refuse an object in which a key occurs twice.
        celery: read NaN, infinities and lone surrogates.
    """

    def __init__(self, codec: str, types: Types, msgspec: Any, *, unique_keys: bool, celery: bool) -> None:
        pairs = unique if unique_keys else None
        # msgspec keeps the last of equal keys and does not tell.
        fast = msgspec and not unique_keys
        restored = restorer(codec, types)
        self._codec = codec
        self._restored = restored
        self._surrogates = celery
        self._decoder = (
            json.JSONDecoder(object_pairs_hook=pairs)
            if celery
            else json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_refuse_constant, parse_float=_finite)
        )
        self._read: Callable[[bytes], Any] | None = msgspec.json.decode if fast else None
        self._cut = cutter(msgspec, types, restored) if fast else None
        self._read_error: Any = msgspec and msgspec.MsgspecError  # Not always a ValueError.

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body."""
        data = body if type(body) is bytes else bytes(body)
        size = len(data)
        if size > SMALL:
            tagged = may_have_tags(data)
            if tagged and self._cut is not None:
                value = self._cut(data, limits)
                if value is not UNREAD:
                    return value
            bound(data, limits)
        else:
            # As may_have_tags() does.
            tagged = (_UNDERSCORE in data and data.find(b"__type__", data.find(b"_")) >= 0) or (
                _ESCAPE in data and data.find(b"\\u00") >= 0
            )
            # Up to the last list, a level takes a byte; behind it four, but for the innermost. None need be closed.
            if size > limits.max_nodes or (
                size + 3 * data.rfind(b"[") + 3 > 4 * limits.max_depth and may_be_deep(data, limits.max_depth)
            ):
                bound(data, limits)
        read = self._read
        if read is None:
            value = self._parse(data, limits)
        else:
            try:
                value = read(data)
            except (ValueError, self._read_error) as error:
                let_signals_through(error)
                # The standard library has the last word: it knows Celery's NaN, and says where the fault is.
                value = self._parse(data, limits)
        return self._restored(value) if tagged else value

    def _parse(self, data: bytes, limits: Limits) -> Any:
        try:
            text = data.decode()
            value = self._decoder.decode(text)
        except (ValueError, CorruptBody):
            # It may have been refused for its levels first: not all that open one were counted.
            bound(data, limits)
            raise
        if not self._surrogates and re.search(r"\\u[dD]", text):
            try:
                json.dumps(value, ensure_ascii=False, check_circular=False).encode()
            except UnicodeEncodeError as error:
                raise CorruptBody("a surrogate stands alone", codec=self._codec) from error
        return value


def restorer(codec: str, types: Types) -> Callable[[Any], Any]:
    """Give a function that replaces the tags in a parsed value, in place.

    The function raises CorruptBody for a tag that is unknown or does not hold what it says.
    """
    restore = Restoring(codec, types, {"bytes": _utf8, "base64": _base64, "uuid": _uuid_of})
    of_text = _of_text(types)
    of_dict: dict[Any, Callable[[Any], Any]] = {"uuid": _uuid_of}
    for entry in types:
        of_dict.pop(entry.tag, None)

    def restored(root: Any) -> Any:
        # Not by recursion, which takes more of the C stack than a small thread has. The innermost come first: what was
        # made last is the nearest in memory.
        top = [root]
        # Mostly it is no tag itself.
        untagged = type(root) is list or (type(root) is dict and "__type__" not in root)
        containers: list[Any] = [root] if untagged else [top]
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


def cutter(msgspec: Any, types: Types, restored: Callable[[Any], Any]) -> Callable[[bytes, Limits], Any] | None:
    """Give a function that reads a body with many tags, or gives `UNREAD`; None if a tag of the model is a type's own.

    The tags of scalars are cut out of the text, their values made, and these put in their places by msgspec, which
    asks for the value of each float. So nothing is made of a tag, and nobody has to look for it.

    Args:
        msgspec: the library.
        types: the application's types.
        restored: replaces what tags are left.
    """
    if not RESERVED_TAGS.isdisjoint(entry.tag for entry in types):
        return None
    of_text = _of_text(types)
    # In these forms Satchel and kombu write them. A text with an escape is left to the walk.
    text_form = rf'"({"|".join(of_text)})", ?"__value__": ?"([^"\\\x00-\x1f]*)"'
    uuid_form = r'"uuid", ?"__value__": ?\{"hex": ?"([0-9a-f]{32})"\}'
    # This begins in no string of a body that is JSON: its first quote would end that.
    split = re.compile(rf'\{{"__type__": ?(?:{text_form}|{uuid_form})\}}').split
    new_decoder, number, failure = msgspec.json.Decoder, msgspec.json.Decoder().decode, msgspec.MsgspecError

    def cut(body: bytes, limits: Limits) -> Any:
        # In a body this short there are not too many values; a longer one is left.
        if len(body) > 2 * limits.max_nodes or limits.max_depth <= TAG_LEVELS:
            return UNREAD
        try:
            text = body.decode()
            tags = text.count('{"__type__"', 0, _LOOKED_AT)
            if tags < _TAGS or text.count(".", 0, _LOOKED_AT) > _POINTS * tags or _PLACE in text:
                return UNREAD
            parts = split(text)
            # What is not needed any more goes at once: what comes next may have its memory, which is at hand.
            del text
            made = [
                of_text[tag](plain) if tag else _uuid(digits)
                for tag, plain, digits in zip(parts[1::4], parts[2::4], parts[3::4], strict=True)
            ]
            values, rest = iter(made), _PLACE.join(parts[::4]).encode()
            del parts
            bound(rest, _within_tags(limits))

            def placed(text: str) -> Any:
                return next(values) if text == _PLACE else number(text)

            value = new_decoder(float_hook=placed).decode(rest)
        except (ArithmeticError, LimitExceeded, TypeError, ValueError, failure) as error:
            # Of an error in what it calls, msgspec makes its own.
            let_signals_through(error)
            if error.__cause__ is not None:
                let_signals_through(error.__cause__)
            return UNREAD
        if next(values, UNREAD) is not UNREAD:
            return UNREAD  # One was cut out of a string, or from beside a digit.
        return restored(value) if may_have_tags(rest) else value

    return cut


@lru_cache(maxsize=16)
def _within_tags(limits: Limits) -> Limits:
    """Give the limits for a body in which numbers stand for tags."""
    return replace(limits, max_depth=limits.max_depth - TAG_LEVELS)


def may_have_tags(body: bytes) -> bool:
    """Say whether a body may have a tag; one with escapes may, which could spell its name."""
    # One byte is found far quicker than eight are.
    return (_UNDERSCORE in body and body.find(b"__type__", body.find(b"_")) >= 0) or (
        _ESCAPE in body and body.find(b"\\u00") >= 0
    )


def _of_text(types: Types) -> dict[Any, Callable[[Any], Any]]:
    """Give what makes a value of a text, by tag. No such text holds a further tag."""
    makers: dict[Any, Callable[[Any], Any]] = {**FROM_TEXT, "datetime": _datetime, "bytes": _utf8, "base64": _base64}
    for entry in types:
        makers.pop(entry.tag, None)
    return makers


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
    return _uuid(digits) if len(digits) == 32 and digits.isalnum() else UUID(digits)


def _uuid(digits: str) -> UUID:
    """Set the two attributes as UUID() does, without what it does for other forms than 32 digits."""
    value = UUID.__new__(UUID)
    _set_int(value, int(digits, 16))
    _set_safe(value, _UNKNOWN)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; Celery's dialect reads it")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is beyond what a float holds")
    return value


_set_int = UUID.__dict__["int"].__set__
_set_safe = UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown
_fromisoformat = datetime.fromisoformat
_any_datetime = FROM_TEXT["datetime"]
