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
from typing import Any, NoReturn
from uuid import UUID, SafeUUID

from satchel.codecs.pickle_reading import Tagged, check_values
from satchel.codecs.values import INT_BOUND
from satchel.errors import CorruptBody, EncodeError

#: The classes of the value model that pickles refer to by name; what a pickle calls is one of these or allow-listed.
MODEL: tuple[type, ...] = (datetime, date, time, timedelta, timezone, Decimal, UUID)

#: A pickler is kept for the next value unless its pickle was longer or its tables have grown beyond this: they never
#: shrink, and are cleared whole. No more are kept than this many.
_KEPT = 16 * 1024
_KEPT_TABLES = 20 * 1024
_MOST_KEPT = 8
#: Bytes of a pickle that lets no table grow so far: an entry takes two of them.
_FEW_ENTRIES = 512


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


class QuickPicklers:
    """Picklers of plain data and the value model, kept for use by whichever thread comes next.

    Args:
        new: makes another one, which writes to a file.
    """

    def __init__(self, new: Callable[[Any], QuickPickler]) -> None:
        self._make = new
        self._idle: list[tuple[QuickPickler, list[bytes]]] = []

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
        if len(idle) < _MOST_KEPT and (
            len(body) < _FEW_ENTRIES or (len(body) < _KEPT and sys.getsizeof(pickler) <= _KEPT_TABLES)
        ):
            pickler.clear_memo()
            idle.append(kept)
        return body

    def _new(self) -> tuple[QuickPickler, list[bytes]]:
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
