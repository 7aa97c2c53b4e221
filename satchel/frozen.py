"""Frozen dataclasses that share their methods: made in a fraction of the time that `dataclasses` takes.

That compiles six functions for each class: half a millisecond of every import. In all else these are the same:
`dataclasses.fields`, `replace` and `asdict` take them, and frozen dataclasses may derive from them.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import MISSING, FrozenInstanceError, fields
from dataclasses import dataclass as _dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "hints", "misfit"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import dataclass
    from inspect import Signature
else:

    def dataclass(*, frozen: bool, eq: bool = True, repr: bool = True, kw_only: bool = False) -> Callable[[type], type]:
        """Make a frozen dataclass.

        Args:
            frozen: True, as type checkers need to see it.
            eq: instances are equal, and hashed, by their fields.
            repr: they are shown by their fields.
            kw_only: all fields are given by keyword alone.
        """

        def made(cls: type) -> type:
            own = cls.__dict__
            shared = {**_ALWAYS, **(_COMPARED if eq else {}), **(_SHOWN if repr else {})}
            # A class that says what equals it has a __hash__ that is None, unless it says more.
            missing = [name for name in shared if own.get(name) is None]
            undocumented = cls.__doc__ is None
            if undocumented:
                cls.__doc__ = ""  # What dataclasses would work out needs a signature that there is not yet.
            # What derives from a frozen one has to be made as one.
            derives = hasattr(cls, "__dataclass_params__")
            cls = _dataclass(init=False, repr=False, eq=False, kw_only=kw_only, frozen=derives)(cls)
            cls.__dataclass_params__.frozen = frozen
            if undocumented:
                cls.__doc__ = None
            cls._compared = _getter(each.name for each in fields(cls) if each.compare)
            cls._hashed = _getter(
                each.name for each in fields(cls) if (each.compare if each.hash is None else each.hash)
            )
            for name in missing:
                setattr(cls, name, shared[name])
            return cls

        return made


def _getter(names: Iterable[str]) -> Any:
    """Give what gets these attributes of an instance. In a class it is no method: instances are given to it."""
    listed = [*names]
    return attrgetter(*listed) if listed else staticmethod(lambda instance: ())


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    all_fields = fields(self)
    given = dict(zip((each.name for each in all_fields if each.init and not each.kw_only), values, strict=False))
    fit = len(given) == len(values) and given.keys().isdisjoint(named)
    given |= named
    put = object.__setattr__
    for each in all_fields:
        if each.init and each.name in given:
            put(self, each.name, given.pop(each.name))
        elif each.default_factory is not MISSING:
            put(self, each.name, each.default_factory())
        elif each.default is not MISSING:
            put(self, each.name, each.default)
        elif each.init:
            fit = False
    if given or not fit:
        cls = next(each for each in type(self).__mro__ if "__dataclass_fields__" in each.__dict__)
        raise misfit(cls, _signature(cls), values, named)
    if (check := getattr(self, "__post_init__", None)) is not None:
        check()


def _setattr(self: Any, name: str, value: object) -> None:
    _refuse(self, name, "assign to")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    _refuse(self, name, "delete")
    object.__delattr__(self, name)


def _refuse(self: Any, name: str, what: str) -> None:
    # A subclass that is no dataclass may have attributes of its own.
    if "__dataclass_fields__" in type(self).__dict__ or any(each.name == name for each in fields(self)):
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


def _equal(self: Any, other: Any) -> Any:
    return self._compared(self) == self._compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._hashed(self))


def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


class _Signature:
    """What ``help`` and ``inspect.signature`` tell of a class, worked out when they ask."""

    def __get__(self, instance: object, owner: Any) -> Any:
        if instance is not None or owner.__init__ is not _init:
            raise AttributeError("__signature__")
        return _signature(owner)


def _signature(cls: Any) -> Signature:
    from inspect import Parameter, Signature

    notes, told = hints(cls), list[Parameter]()
    for each in fields(cls):
        default = Parameter.empty if each.default is MISSING else each.default
        if each.default_factory is not MISSING:
            default = _FACTORY
        kind = Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD
        if each.init:
            told.append(Parameter(each.name, kind, default=default, annotation=notes[each.name]))
    return Signature(sorted(told, key=lambda each: each.kind), return_annotation=None)


class _Factory:
    """Stands for a default that is made anew each time."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY: Final = _Factory()


def hints(cls: type) -> dict[str, Any]:
    """Give the annotations of a class, by name: as types, but for those that only type checkers can tell."""
    told: dict[str, Any] = {}
    for each in reversed(cls.__mro__):
        space = getattr(sys.modules.get(each.__module__), "__dict__", {})
        for name, note in each.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 - its own
            told[name] = note
            if isinstance(note, str):
                with suppress(Exception):  # Whatever it is that a text of ours comes to.
                    told[name] = eval(note, space)  # noqa: S307
    return told


def misfit(cls: type, signature: Signature, values: tuple[Any, ...], named: dict[str, Any]) -> TypeError:
    """Make the error for arguments of a class that are too many, missing or unknown."""
    try:
        signature.bind(*values, **named)
    except TypeError as error:
        return TypeError(f"{cls.__qualname__}() {error}")
    raise AssertionError(f"{cls.__qualname__}() takes these arguments")  # pragma: no cover


_ALWAYS: Final[dict[str, Any]] = {
    "__init__": _init,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__signature__": _Signature(),
}
_COMPARED: Final[dict[str, Any]] = {"__eq__": _equal, "__hash__": _hash}
_SHOWN: Final[dict[str, Any]] = {"__repr__": _repr}
