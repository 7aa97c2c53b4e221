"""Pickle (protocols 4 and 5), restricted: plain values and allow-listed globals, by the standard library."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any, ClassVar, Literal
from uuid import UUID

from satchel.codecs.base import ValueSerializer, derived
from satchel.codecs.lowering import Lowering
from satchel.codecs.pickle_calls import BUILDING, COPYING, Copier, Seal, load, seal
from satchel.codecs.pickle_reading import (
    CONTAINERS,
    OPENS_CONTAINER,
    SHARES,
    Tagged,
    check_values,
    hold_containers,
    restored,
    scan,
)
from satchel.codecs.tagged import SCALAR_TAGS, Types
from satchel.codecs.values import INT_BOUND, Restoring, measure
from satchel.errors import ContentDisallowed, CorruptBody, EncodeError
from satchel.types import Buffer, Limits

#: The classes of the value model that pickles refer to by name; what a pickle calls is one of these or allow-listed.
_MODEL: tuple[type, ...] = (datetime, date, time, timedelta, timezone, Decimal, UUID)

#: A float that is not finite, or an int of more than 255 bytes, perhaps.
_SUSPECT = re.compile(rb"G[\x7f\xff][\xf0-\xff]|\x8b")

#: Tags of the value model. A pickle has its own forms for what they stand for.
_OWN_TAGS = SCALAR_TAGS | {"set", "frozenset", "tuple", "dict"}


class _Inexact(Exception):
    """The pickler met what is not of the value model, or not exactly."""


def tagged(tag: Any, plain: Any) -> Any:
    """Stand for an application's value in a pickle. `Pickle.loads` puts the value in its place."""
    return Tagged((tag, plain))


@dataclass(frozen=True)
class Pickle(ValueSerializer):
    """Pickle that runs nothing: plain data, the value model's classes, registered types and allow-listed globals.

    Dict keys may be any scalar, and lone surrogates pass: pickle carries them exactly.

    Args:
        allow: globals that a pickle may call, as "module:name" or as the class itself. They are trusted with any
            arguments, and with any attributes. Allow no containers, such as deque: the limits do not look inside.
        types: the application's types; they need no entry in `allow`.
        protocol: 4 or 5, for writing; both are read.
        dialect: "celery" writes no registered types, reads and writes NaN and infinities, and reads the signatures of
            stock Celery as dicts.
    """

    allow: Collection[str | type] = frozenset()
    types: Types = Types()
    protocol: Literal[4, 5] = 4
    dialect: Literal["satchel", "celery"] = "satchel"

    name = "pickle"
    content_type = "application/x-python-serialize"
    content_encoding = "binary"
    library: ClassVar[str] = "pickle"
    safe: ClassVar[bool] = False

    _globals: dict[str, Seal] = derived()
    _restore: Restoring = derived()
    _lower: Lowering = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check("protocol", 4, 5)
        if isinstance(self.allow, str):
            raise TypeError(f"allow must be a set of names or classes, got the str {self.allow!r}")
        self._derive(allow=frozenset(map(_global_name, self.allow)))
        celery = self.dialect == "celery"
        calls: dict[str, Callable[..., Any]] = {
            _global_name(cls): BUILDING.get(cls, cls) for cls in _MODEL if cls is not Decimal
        }
        calls["satchel.codecs.pickle:tagged"] = tagged
        # Stock Celery pickles the signatures of linked tasks as calls of this function.
        calls["celery.canvas:signature"] = _signature
        self._derive(
            _globals={name: seal(call) for name, call in calls.items()},
            _restore=Restoring(self.name, self.types, dict.fromkeys(_OWN_TAGS, _unwritten)),
            _lower=Lowering(
                self.name,
                self.types,
                wrap=_wrap,
                atoms=frozenset({str, bool, bytes, type(None)}),
                celery=celery,
                tuples=True,
                any_set=True,
                scalars={
                    int: _integer,
                    datetime: _offset_only,
                    **dict.fromkeys((date, time, timedelta, timezone, Decimal, UUID), _as_it_is),
                },
                keys=(object,),
                other=self._allowed_instance,
            ),
        )

    @classmethod
    def unrestricted(cls) -> Pickle:
        """Give a pickle codec that runs whatever a message says: only for messages from a trusted, sealed source."""
        warnings.warn("Pickle.unrestricted() runs code from messages", stacklevel=2)
        return _Unrestricted()

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model, or of allow-listed classes.

        Raises:
            EncodeError: the value, or a part of it, cannot be written so that it is read again; with the path.
            LimitExceeded: a reader with the same limits would refuse the body.
        """
        body = self._pickled(value)
        if body is None or _SUSPECT.search(body):
            value = self._lower(value, limits)
            body = self._pickled(value)
            if body is None:
                raise EncodeError(
                    "an allow-listed object refers to what is not allow-listed",
                    cure="add it to Pickle(allow={'module:name'})",
                )
        hold_containers(body, limits)
        self._bound(value, body, limits)
        return body

    def _pickled(self, value: Any) -> bytes | None:
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, self.protocol)
        pickler.allow = self.allow
        try:
            pickler.dump(value)
            if pickler.instances:
                # A class behind an instance of it is only a reference to the pickler, which does not ask again.
                check_values(value, not_finite=True)
        except (_Inexact, CorruptBody, RecursionError):
            return None
        return buffer.getvalue()

    def _allowed_instance(self, value: Any) -> bool:
        return _global_name(type(value)) in self.allow

    @staticmethod
    def _bound(value: Any, body: bytes, limits: Limits) -> None:
        if (
            len(body) > limits.max_nodes
            or len(body) - len(body.translate(None, OPENS_CONTAINER)) > limits.max_depth
            # References to one object from many places: few bytes, many values.
            or len(body) - len(body.translate(None, SHARES)) > 0
        ):
            measure(value, limits, CONTAINERS, texts=True)

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body. Its opcodes are scanned before any is carried out.

        Raises:
            ContentDisallowed: it refers to a global that is not allow-listed.
            CorruptBody: it is truncated, has something after its end, or an opcode that no plain pickle needs.
            LimitExceeded: it is nested too deep or holds too many values.
            pickle.UnpicklingError, ValueError, …: it is not a pickle.
        """
        data = body if isinstance(body, bytes) else bytes(body)
        scan(data, limits)
        unpickler = _Unpickler(io.BytesIO(data))
        unpickler.seals = self._globals
        unpickler.found = {}
        unpickler.size = len(data)
        unpickler.allow = self.allow
        value = load(unpickler)
        self._bound(value, data, limits)
        if unpickler.called or _SUSPECT.search(data):
            check_values(value, not_finite=self.dialect == "celery")
        return restored(value, self._restore) if unpickler.tagged else value


class _Pickler(pickle.Pickler):
    """Writes what `Pickle.loads` reads, and stops at anything else."""

    allow: Collection[str | type] = frozenset()
    instances = False
    _behind: Any = None

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind in _MODEL or kind is Tagged:
            self.instances = True
            self._behind = kind if kind is not Tagged else tagged
            if kind is Tagged:
                return tagged, tuple(obj)
        elif obj is not self._behind:
            # A class stands for itself only behind an instance of its own.
            name = _global_name(obj) if isinstance(obj, type) or callable(obj) else None
            if name not in self.allow and _global_name(kind) not in self.allow:
                raise _Inexact
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Finds only what is allow-listed, and gives it sealed."""

    seals: dict[str, Seal]
    allow: Collection[str | type]
    found: dict[str, Seal | Copier]
    size: int
    called = False
    tagged = False

    def find_class(self, module: str, name: str, /) -> Any:
        self.called = True
        key = f"{module}:{name}"
        self.tagged = self.tagged or key == "satchel.codecs.pickle:tagged"
        found = self.seals.get(key) or self.found.get(key)
        if found is None:
            # Once for all that refer to it: a seal is a thousand bytes, referring to one takes five.
            found = self.found[key] = self._find(key, module, name)
        return found

    def _find(self, key: str, module: str, name: str) -> Seal | Copier:
        if key in COPYING:
            return Copier(*COPYING[key], self.size)
        if "." in name or key not in self.allow:
            raise ContentDisallowed(
                f"the pickle refers to {key[:100]!r}, which is not allow-listed",
                cure=f"if you trust it with any arguments, Pickle(allow={{{key[:100]!r}}})",
            )
        return seal(getattr(import_module(module), name))


@dataclass(frozen=True)
class _Unrestricted(Pickle):
    """See `Pickle.unrestricted`."""

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        return pickle.dumps(value, self.protocol)

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return pickle.loads(body)


def _global_name(source: Any) -> str:
    if isinstance(source, str):
        module, _, name = source.partition(":")
        if not module or not name.isidentifier():
            raise ValueError(f"allow takes 'module:name' of a module's own globals, got {source!r}")
        return source
    return f"{getattr(source, '__module__', '')}:{getattr(source, '__qualname__', '')}"


def _as_it_is(value: Any) -> Any:
    return value


def _integer(value: int) -> int:
    if not -INT_BOUND < value < INT_BOUND:
        raise EncodeError("an int of more than 4,300 digits", cure="send it as bytes")
    return value


def _offset_only(value: datetime) -> datetime:
    """Give the instant and the offset: a zone's name needs the zone's code to be read."""
    offset = value.utcoffset()
    return value if offset is None else value.replace(tzinfo=timezone(offset))


def _wrap(tag: str, plain: Any) -> Any:
    if tag in ("set", "frozenset", "tuple"):
        return {"set": set, "frozenset": frozenset, "tuple": tuple}[tag](plain)
    return Tagged((tag, plain))


def _unwritten(_: Any) -> Any:
    raise ValueError("a pickle needs no tag for it")


def _signature(plain: Any) -> Any:
    if type(plain) is not dict:
        raise ValueError("a signature is a dict")
    return plain
