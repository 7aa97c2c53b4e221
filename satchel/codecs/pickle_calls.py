"""What stands for the globals that a pickle may call, so that it can call them and do nothing else with them."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any, NoReturn
from uuid import UUID

from satchel.errors import ContentDisallowed


class Seal(type):
    """A stand-in for what a pickle calls.

    It must be a type, since NEWOBJ asks for one. Unlike a class or a function it has no attributes to set: BUILD would
    set them for the whole process.
    """

    call: Callable[..., Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.call(*args, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> NoReturn:
        raise TypeError("a global cannot be changed by a pickle")


def seal(call: Callable[..., Any]) -> Seal:
    """Seal a class or a function."""

    def new(_: Seal, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(call, type):
            raise TypeError("only a class has instances")
        return call.__new__(call, *args, **kwargs)

    return Seal("Seal", (), {"__slots__": (), "call": staticmethod(call), "__new__": new})


class Copier:
    """Stands for a class whose instances copy what they are made of: all copies of a pickle are no longer than itself.

    An honest pickle holds what it has copied, but a few bytes can refer to it a thousand times. Like a seal, it has no
    attributes to set.

    Args:
        kind: the class.
        source: the class of what an instance is made of, which must not be empty space: Python's own would make as
            many bytes as an int says.
        room: bytes or characters that may be copied.
    """

    __slots__ = ("_kind", "_room", "_source")

    _kind: Callable[[Any], Any]
    _source: Any
    _room: int

    def __init__(self, kind: Callable[[Any], Any], source: type, room: int) -> None:
        for name, value in (("_kind", kind), ("_source", source), ("_room", room)):
            object.__setattr__(self, name, value)

    def __call__(self, *sources: Any) -> Any:
        for source in sources[:1]:
            if type(source) is not self._source:
                raise ValueError(f"made of {self._source.__name__}, got {type(source).__name__}")
            object.__setattr__(self, "_room", self._room - len(source))
            if self._room < 0:
                raise ValueError("it copies more than it holds")
        return self._kind(*sources)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise TypeError("a global cannot be changed by a pickle")


#: What copies, by name: the class, and the class of what an instance is made of.
COPYING: dict[str, tuple[Callable[..., Any], type]] = {
    "builtins:bytearray": (bytearray, bytes),
    "decimal:Decimal": (Decimal, str),
}


def signature(plain: Any) -> Any:
    """Stand for the function of stock Celery that makes a signature of a dict: give the dict."""
    if type(plain) is not dict:
        raise ValueError("a signature is a dict")
    return plain


class _Loading(threading.local):
    """The UUIDs that this thread's unpickler has built, until it is done."""

    def __init__(self) -> None:
        self.built: list[BuiltUUID] = []


_LOADING = _Loading()


class BuiltUUID(UUID):
    """Stands for UUID, which a pickle makes empty and then builds: it would keep, hash and show whatever it is given.

    It becomes a UUID when the pickle has been read to its end: before that, it could be built again.
    """

    __slots__ = ()

    def __init__(self, *_: Any) -> None:
        raise ValueError("a UUID is built, not called")

    def __setstate__(self, state: Any) -> None:
        number = state.get("int") if type(state) is dict else None
        if type(number) is not int or not 0 <= number < 1 << 128 or type(state.get("is_safe", 0)) is not int:
            raise ValueError("a UUID that is none")
        if hasattr(self, "int"):
            raise ValueError("a UUID that is built twice")
        super().__setstate__(state)  # type: ignore[misc]  # typeshed has none
        _LOADING.built.append(self)


def load(unpickler: Any) -> Any:
    """Let an unpickler read its pickle, and make UUIDs of what stands for them."""
    before, _LOADING.built = _LOADING.built, []
    try:
        value = unpickler.load()
        for uuid in _LOADING.built:
            object.__setattr__(uuid, "__class__", UUID)
    finally:
        _LOADING.built = before
    return value


#: What stands for a class of the value model that trusts what it is given.
BUILDING: dict[type, type] = {UUID: BuiltUUID}


_MODEL: dict[tuple[str, str], type] = {
    (kind.__module__, kind.__name__): kind for kind in (datetime, date, time, timedelta, timezone, Decimal, UUID)
}


class UnknownGlobal(Exception):
    """A pickle refers to something else than the value model's classes."""


class ModelUnpickler(pickle.Unpickler):
    """Reads what `longest_text_of_model` passes. It finds the model's classes only.

    They need no seals: such pickles build nothing but new instances.
    """

    def find_class(self, module: str, name: str, /) -> Any:
        """Give a class.

        Raises:
            UnknownGlobal: it is none of the model's.
        """
        found = _MODEL.get((module, name))
        if found is None:
            raise UnknownGlobal
        return found


class PlainUnpickler(pickle.Unpickler):
    """Reads what `longest_text` passes. It finds nothing, should that ever be wrong."""

    __slots__ = ()

    def find_class(self, module: str, name: str, /) -> NoReturn:
        """Give nothing.

        Raises:
            UnknownGlobal: the pickle refers to something all the same.
        """
        raise UnknownGlobal


class SealingUnpickler(pickle.Unpickler):
    """Finds only what is allow-listed, and gives it sealed.

    Args:
        data: the pickle.
        seals: what it may call, by name.
        allow: the names of globals that it may call, besides.

    Attributes:
        called: it has asked for a global.
        tagged: it has application's values in it, which are still to be put in their places.
    """

    def __init__(self, data: bytes, seals: Mapping[str, Seal], allow: Collection[str | type]) -> None:
        super().__init__(io.BytesIO(data))
        self._size = len(data)
        self._seals = seals
        self._allow = allow
        self._found: dict[str, Seal | Copier] = {}
        self.called: bool = False
        self.tagged: bool = False

    def find_class(self, module: str, name: str, /) -> Any:
        """Give a global's stand-in.

        Raises:
            ContentDisallowed: it is not allow-listed.
        """
        self.called = True
        key = f"{module}:{name}"
        self.tagged = self.tagged or key == "satchel.codecs.pickle:tagged"
        found = self._seals.get(key) or self._found.get(key)
        if found is None:
            # Once for all that refer to it: a seal is a thousand bytes, referring to one takes five.
            found = self._found[key] = self._find(key, module, name)
        return found

    def _find(self, key: str, module: str, name: str) -> Seal | Copier:
        if key in COPYING:
            return Copier(*COPYING[key], self._size)
        if "." in name or key not in self._allow:
            raise ContentDisallowed(
                f"the pickle refers to {key[:100]!r}, which is not allow-listed",
                cure=f"if you trust it with any arguments, Pickle(allow={{{key[:100]!r}}})",
            )
        return seal(getattr(import_module(module), name))
