"""Short texts of task arguments for logs and monitors, equal to Celery's on the value model.

Celery writes at most 1,024 characters and three levels of containers. This writer gives the same text for values of
the value model, in time that depends on those bounds and not on the value: it stops where the text ends, and never
calls a ``__repr__`` that an application wrote, for that may be slow, fail, or show a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from satchel.errors import let_signals_through
from satchel.message.small_reprs import CONTAINERS, class_name, datetime_repr, small_repr, time_repr, uuid_repr

HIDDEN: Final = "***"
"""What stands for the value of a redacted name."""

_NOTHING: Final[frozenset[str]] = frozenset()
_REST: Final = ", ..."  # What Celery writes for everything that had no room.
_STOPPED: Final = -(1 << 60)  # Characters left once the text has ended: only closing brackets follow.
_MAX_INT_BITS: Final = 14_285  # The most that an int of 4,300 digits has; Python refuses to write more digits.
_SHORT_INT: Final = 1 << 63
_STEP: Final = 128  # Digits, by which numbers are shortened.


def bounded_repr(
    value: object, *, max_length: int = 1024, max_levels: int = 3, redact: Collection[str] = _NOTHING
) -> str:
    """Write `value` as Celery's ``saferepr`` does, within bounds of time and size.

    Args:
        value: anything. An object of a class that is not in the value model is written as ``<module.Class>``.
        max_length: characters; brackets that must be closed, and marks of what was left out, come on top.
        max_levels: levels of containers; deeper ones are written ``[...]``.
        redact: dict keys, at any level, whose values are written ``'***'``.

    Returns:
        Text that can be encoded as UTF-8. Never raises, but for what a signal's handler raises meanwhile.
    """
    try:
        small = type(value) in CONTAINERS and not redact
        text = (small and small_repr(value, max_length, max_levels)) or _text(value, max_length, max_levels, redact)
    except Exception as error:  # noqa: BLE001  # A changing container, or worse. A log line is not worth a message.
        let_signals_through(error)
        text = class_name(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # A surrogate that stands alone.
            return text.encode("utf-8", "backslashreplace").decode()
    return text


def _text(value: object, left: int, levels: int, redact: Collection[str]) -> str:
    parts: list[str] = []
    brackets = _BRACKETS.get(type(value))
    if brackets is not None and left > 0 and levels > 0:
        _fill(brackets(value), parts, left, 1, levels, (id(value),), redact)
    else:
        _fill(("", "", (value,), False), parts, left, 0, levels, (), redact)
    return "".join(parts)


def _fill(
    container: _Opened,
    parts: list[str],
    left: int,
    level: int,
    levels: int,
    above: tuple[int, ...],
    redact: Collection[str],
) -> int:
    """Write a container and return the characters left: `_STOPPED` when the text ended within it.

    One loop for everything, and tests for the common types in place: calls would cost more than the work.

    Args:
        container: its brackets and members.
        parts: where the text goes.
        left: characters left; 0 and less when the text ends before the next item.
        level: how many containers are open, at most `levels`; `above` holds their identities, to stop at cycles.
        redact: dict keys whose values are hidden.
    """
    opening, closing, items, keyed = container
    append = parts.append
    append(opening)
    left -= len(opening)
    first = True
    for item in items:
        if not first:
            if left <= 2:
                return _stop(parts, ", ", left, closing)
            append(", ")
            left -= 2
        elif left <= 0:
            return _stop(parts, "", left, closing)
        first = False
        if keyed:
            key, item = item
            if type(key) is str and "'" not in key and len(key) + 4 < left:
                append(f"'{key}': ")
                left -= len(key) + 4
            else:
                # A key is a text of its own: its levels count from one, and it marks its own end.
                text = _quoted(key, left) if type(key) is str else _text(key, left, levels, redact)
                append(text)
                left -= len(text)
                if left <= 2:
                    return _stop(parts, ": ", left, closing)
                append(": ")
                left -= 2
            if redact and issubclass(type(key), str) and str.__str__(key) in redact:
                item = HIDDEN
        cls = type(item)
        if cls is str:
            text = f"'{item}'" if len(item) < left and "'" not in item else _quoted(item, left)
        elif cls is int:
            text = _integer(item, left)
            if len(text) >= left:
                text = _cut(text, left)
        elif (own := _OWN_REPRS.get(cls)) is not None:
            text = own(item)
            if len(text) >= left:
                text = _cut(text, left)
        elif cls is bytes:
            text = _binary(item, left)  # pyright: ignore[reportArgumentType]
        elif (brackets := _BRACKETS.get(cls) or _brackets(item)) is None:
            text = _scalar(item, left)
        elif (
            cls in CONTAINERS
            and not redact
            and id(item) not in above
            and (text := small_repr(item, left, levels - level, above))
        ):
            pass  # It had room, and is written below.
        else:
            inner = brackets(item)
            if level < levels and id(item) not in above:
                left = _fill(inner, parts, left, level + 1, levels, (*above, id(item)), redact)
                if left == _STOPPED:
                    append(closing)
                    return left
                continue
            if level >= levels:
                text = f"{inner[0]}...{inner[1]}"
            else:
                text = _cut(f"<Recursion on {cls.__name__} with id={id(item)}>", left)
        append(text)
        left -= len(text)
    append(closing)
    # A bracket that closes when nothing is left is not counted.
    return left - len(closing) if left > 0 else left


def _stop(parts: list[str], mark: str, left: int, closing: str) -> int:
    # The mark is written when there is room for its first character, and then nothing fits after it.
    parts.append(f"{mark if left > 0 else ''}{_REST}{closing}")
    return _STOPPED


# A container's opening and closing bracket, its members, and whether these are pairs. Found by the base class's
# own methods, since a subclass may have slow or failing ones.
_Opened = tuple[str, str, Iterable[Any], bool]
_Brackets = Callable[[Any], _Opened]


def _tuple(value: Any) -> _Opened:
    return "(", ",)" if tuple.__len__(value) == 1 else ")", tuple.__iter__(value), False


def _list(value: Any) -> _Opened:
    return "[", "]", list.__iter__(value), False


def _dict(value: Any) -> _Opened:
    return "{", "}", dict.items(value), True


def _set(value: Any) -> _Opened:
    members = set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value)
    if type(value) is set:
        return "{", "}", members, False
    return f"{type(value).__name__}({{", "})", members, False


_BRACKETS: Final[dict[type, _Brackets]] = {tuple: _tuple, list: _list, dict: _dict}


def _brackets(value: object) -> _Brackets | None:
    # Not isinstance(), which asks the value: a mock says that it is what it stands for.
    cls = type(value)
    if cls is set or issubclass(cls, set):
        return _set if set.__len__(value) else None  # type: ignore[arg-type]
    if issubclass(cls, frozenset):
        return _set if frozenset.__len__(value) else None  # type: ignore[arg-type]
    for base, brackets in _BRACKETS.items():
        if issubclass(cls, base):
            return brackets
    return None


def _cut(text: str, left: int) -> str:
    return text if len(text) < left else text[:left].rsplit(" ", 1)[0] + "..."


def _quoted(text: str, left: int) -> str:
    if len(text) >= left:
        text = text[:left].rsplit(" ", 1)[0] + "..."
    return f"'{text}'" if "'" not in text else "'" + text.replace("'", "\\'") + "'"


def _binary(value: bytes, left: int) -> str:
    chunk = bytes.__getitem__(value, slice(left))
    try:
        text = chunk.decode("utf-8")
    except UnicodeDecodeError:
        text = chunk.hex()
    return f"b'{text}...'" if bytes.__len__(value) > left else f"b'{text}'"


def _integer(value: Any, left: int) -> str:
    """Write an int; of one that has more digits than room, so many that the text is cut in the same place."""
    if -_SHORT_INT < value < _SHORT_INT:
        return str(value)
    bits = value.bit_length()
    if bits <= _MAX_INT_BITS:
        # Writing digits takes time with the square of their number, so the last ones are left away.
        needless = (bits - 1) * 3 // 10 - left
        try:
            if needless < _STEP:
                return str(value)
            digits = str(abs(value) // _power(needless // _STEP * _STEP))
            return digits if value > 0 else f"-{digits}"
        except ValueError as error:  # It has a digit more, or Python has been told to refuse earlier.
            let_signals_through(error)
    return f"<int of {bits:,} bits>"


@lru_cache(_MAX_INT_BITS * 3 // 10 // _STEP)
def _power(exponent: int) -> int:
    return 10**exponent  # type: ignore[no-any-return]


def _scalar(value: Any, left: int) -> str:
    cls: type[Any] = type(value)
    # Subclasses are sent as the base value that they equal, and shown as it.
    if issubclass(cls, str):
        return _quoted(str.__str__(value), left)
    if issubclass(cls, bytes):
        return _binary(value, left)
    if issubclass(cls, (set, frozenset)):
        return _cut(f"{cls.__name__}()", left)
    if issubclass(cls, int):
        return _cut(_integer(int.__pos__(value), left), left)
    for base in (float, datetime, date, time, timedelta, Decimal, UUID):
        if issubclass(cls, base):
            return _cut(_OWN_REPRS[base](value), left)
    if issubclass(cls, Enum) and getattr(cls, "__repr__", None) is Enum.__repr__:
        return _cut(repr(value) if type(value._value_) in _MEMBERS_VALUES else class_name(value), left)
    return _cut(class_name(value), left)


#: The values of Enums that are shown with their members.
_MEMBERS_VALUES: Final = frozenset({type(None), bool, int, float, str, bytes})

# The text of types whose repr is Python's own: short and quick.
_OWN_REPRS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): repr,
    bool: bool.__repr__,
    float: float.__repr__,
    complex: complex.__repr__,
    range: range.__repr__,
    datetime: datetime_repr,
    date: date.__repr__,
    time: time_repr,
    timedelta: timedelta.__repr__,
    Decimal: Decimal.__repr__,
    UUID: uuid_repr,
}
