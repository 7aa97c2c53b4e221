"""Writing pickles that hold nothing but the value model, registered types and allow-listed globals."""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections.abc import Callable, Collection
from copyreg import __newobj__, _extension_registry  # type: ignore[attr-defined]  # typeshed has none
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from operator import methodcaller
from typing import Any, NoReturn, TypeAlias
from uuid import UUID, SafeUUID

from satchel.codecs.pickle_reading import Tagged, check_values
from satchel.codecs.values import INT_BOUND
from satchel.errors import CorruptBody, EncodeError

#: The classes of the value model that pickles refer to by name; what a pickle calls is one of these or allow-listed.
MODEL: tuple[type, ...] = (datetime, date, time, timedelta, timezone, Decimal, UUID)

#: Bytes of the tables of a pickler that is kept for the next value, and how many are. They never shrink, and are
#: cleared whole: few with larger tables are kept for values that are larger.
_TABLES, _MOST_KEPT = 20 * 1024, 8
_LARGE_TABLES, _MOST_LARGE = 40 * 1024, 2
#: Bytes of a pickle that lets no table grow so far: an entry takes two of them. From when on larger tables are looked
#: for, and none is kept.
_FEW_ENTRIES, _LARGE, _TOO_LARGE = 512, 2 * 1024, 64 * 1024


#: The numbers that a program has for classes (copyreg.add_extension), which are written in their place: most have none.
EXTENSIONS: dict[tuple[str, str], int] = _extension_registry


class Inexact(Exception):
    """The pickler met what is not of the value model, or not exactly."""


def global_name(source: Any) -> str:
    """Give the name of a class or function as "module:name", or check one that is given as a name.

    Raises:
        ValueError: it is not the name of a module's own global.
    """
    full = source if isinstance(source, str) else own_name(source)
    module, _, name = full.partition(":")
    if not module or not name.isidentifier():
        raise ValueError(f"allow takes 'module:name' of a module's own globals, got {source!r}")
    return full


def own_name(source: Any) -> str:
    """Give the name of a class or function as "module:name"; where it has none, one that nothing has."""
    return f"{getattr(source, '__module__', '')}:{getattr(source, '__qualname__', '')}"


def _dated(value: Any) -> Any:
    # ValueError: another pickle may have made the 99th of January of it.
    value.replace()
    return value.__reduce_ex__(4)


def _numbered(value: UUID) -> Any:
    number = value.int
    if type(number) is not int or not 0 <= number < _ABOVE_UUIDS:
        raise Inexact
    state: dict[str, Any] = {"int": number}
    if value.is_safe is not SafeUUID.unknown:
        state["is_safe"] = value.is_safe.value
    return __newobj__, (UUID,), state


_ABOVE_UUIDS = 1 << 128
_as_usual = methodcaller("__reduce_ex__", 4)


class _Reducers(dict[type, Callable[[Any], Any]]):
    """What an object of the value model is called and made of; a pickler asks for all that is not plain data."""

    def __missing__(self, kind: type) -> NoReturn:
        raise Inexact


_REDUCERS = _Reducers(
    {
        **dict.fromkeys((datetime, date, time), _dated),
        **dict.fromkeys((timedelta, timezone, Decimal), _as_usual),
        UUID: _numbered,
    }
)


class QuickPickler(pickle.Pickler):
    """Writes plain data and the value model, and stops at anything else but classes and functions."""


_Kept: TypeAlias = tuple[QuickPickler, list[bytes]]


class QuickPicklers:
    """Picklers of plain data and the value model, kept for use by whichever thread comes next.

    Args:
        new: makes another one, which writes to a file.
    """

    def __init__(self, new: Callable[[Any], QuickPickler]) -> None:
        self._make = new
        self._small: list[_Kept] = []
        self._large: list[_Kept] = []
        # Where the next one is looked for: values are mostly like the last.
        self._idle = self._small

    def write(self, value: Any) -> bytes | None:
        """Give the pickle, or None where anything else was met; but classes and functions pass."""
        idle = self._idle
        try:
            # One that is in use is not in the list: a value's own code may pickle another value.
            kept = idle.pop()
        except IndexError:
            kept = self._new()
        pickler, pieces = kept
        try:
            pickler.dump(value)
        except (Inexact, RecursionError):
            return None
        body = pieces.pop()
        if pieces:
            body = b"".join((*pieces, body))
            pieces.clear()
        if len(body) >= _FEW_ENTRIES or idle is not self._small:
            self._keep(kept, len(body))
        elif len(idle) < _MOST_KEPT:  # In a tenth of the time.
            pickler.clear_memo()
            idle.append(kept)
        return body

    def _keep(self, kept: _Kept, size: int) -> None:
        """Keep a pickler that has written so many bytes, if its tables are not too large."""
        pickler, _ = kept
        tables = sys.getsizeof(pickler)
        home, most = (self._small, _MOST_KEPT) if tables <= _TABLES else (self._large, _MOST_LARGE)
        self._idle = home if size >= _LARGE else self._small
        if size <= _TOO_LARGE and tables <= _LARGE_TABLES and len(home) < most:
            pickler.clear_memo()
            home.append(kept)

    def _new(self) -> _Kept:
        pieces: list[bytes] = []
        pickler = self._make(_File(pieces.append))
        pickler.dispatch_table = _REDUCERS
        return pickler, pieces


def has_objects(body: bytes) -> bool:
    """Say whether a pickle that Python has written may be of more than plain data."""
    # STACK_GLOBAL and MEMOIZE: it takes a third of the time to look for one byte.
    found = body.find(b"\x93")
    while found >= 0:
        if body[found + 1] == 0x94:
            return True
        found = body.find(b"\x93", found + 1)
    return False


#: An int of more than 1,535 bytes, perhaps, in a pickle of less than 16 MiB.
_long_int = re.compile(rb"\x8b.(?:[\x06-\xff].|.[^\x00])\x00", re.DOTALL).match


def has_long_ints(body: bytes) -> bool:
    """Say whether a pickle of less than 16 MiB may have ints that are longer than `Pickle.loads` takes."""
    found = body.find(b"\x8b")
    while found >= 0:
        if _long_int(body, found):
            return True
        found = body.find(b"\x8b", found + 1)
    return False


#: Bytes of the longest text, or bytes, whose length a pickle says in one byte.
SHORT_TEXT = 255
#: Opcodes of longer ones, and of bytearrays, and how many bytes say their length.
_LONG_TEXTS = {b"X": 4, b"B": 4, b"\x8d": 8, b"\x8e": 8, b"\x96": 8}
#: What is tried of them: so many, and one more per so many bytes.
_TRIES, _BYTES_A_TRY = 64, 256


def longest_of_long_texts(body: bytes) -> int:
    """Give a length that no text in a pickle of Python's own exceeds, by a look for what announces long ones."""
    longest, size, tries = SHORT_TEXT, len(body), _TRIES + len(body) // _BYTES_A_TRY
    for code, width in _LONG_TEXTS.items():
        found = body.find(code)
        while found >= 0:
            length = int.from_bytes(body[found + 1 : found + 1 + width], "little")
            if longest < length < size - found:
                longest = length
            tries -= 1
            if not tries:
                return size
            found = body.find(code, found + 1)
    return longest


class _File:
    """A file that a pickler writes to."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


class Pickler(QuickPickler):
    """Writes what `Pickle.loads` reads, and stops at anything else.

    Args:
        protocol: the pickle protocol.
        allow: names of globals that may be referred to.
        tagged: the function that a pickle calls for an application's value.
    """

    def __init__(self, protocol: int, allow: Collection[str | type], tagged: Callable[..., Any]) -> None:
        self._buffer = io.BytesIO()
        super().__init__(self._buffer, protocol)
        self._allow = allow
        self._tagged = tagged
        self._instances = False
        self._behind: Any = None

    def write(self, value: Any, *, not_finite: bool) -> tuple[bytes | None, bool]:
        """Pickle one value.

        Returns:
            The pickle, or None where it needs lowering first; and whether all of the value was looked at.
        """
        try:
            self.dump(value)
            if self._instances:
                # A class behind an instance of it is only a reference to the pickler, which does not ask again.
                check_values(value, measured=False, not_finite=not_finite)
        except (Inexact, CorruptBody, RecursionError):
            return None, False
        return self._buffer.getvalue(), self._instances

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind in MODEL or kind is Tagged:
            self._instances = True
            self._behind = kind if kind is not Tagged else self._tagged
            if kind is Tagged:
                return self._tagged, tuple(obj)
        elif obj is not self._behind:
            self._instances = True
            # A class stands for itself only behind an instance of its own.
            name = own_name(obj) if issubclass(kind, type) or callable(obj) else None
            if name not in self._allow and own_name(kind) not in self._allow:
                raise Inexact
        return NotImplemented


def as_it_is(value: Any) -> Any:
    """Give a value that a pickle carries."""
    return value


def integer(value: int) -> int:
    """Give an int, unless it is too long for `Pickle.loads`."""
    if not -INT_BOUND < value < INT_BOUND:
        raise EncodeError("an int of more than 4,300 digits", cure="send it as bytes")
    return value


def offset_only(value: datetime) -> datetime:
    """Give the instant and the offset: a zone's name needs the zone's code to be read."""
    offset = value.utcoffset()
    return value if offset is None else value.replace(tzinfo=timezone(offset))


def wrapped(tag: str, plain: Any) -> Any:
    """Give what is pickled for a tag and what it holds."""
    if tag in ("set", "frozenset", "tuple"):
        return {"set": set, "frozenset": frozenset, "tuple": tuple}[tag](plain)
    return Tagged((tag, plain))
