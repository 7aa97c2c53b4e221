"""Frozen dataclasses that share their methods: made in a fraction of the time that `dataclasses` takes.

That compiles six functions for each class: half a millisecond of every import. In all else these are the same:
`dataclasses.fields`, `replace` and `asdict` take them, and frozen dataclasses may derive from them.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields
from dataclasses import dataclass as _dataclass
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "hints", "misfit"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass

    from _typeshed import DataclassInstance as _Instance
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
            shared = {**_ALWAYS, **(_COMPARED if eq else {}), **(_SHOWN if repr else {})}
            missing = shared.keys() - cls.__dict__.keys()
            # What derives from a frozen one has to be made as one.
            derives = hasattr(cls, "__dataclass_params__")
            cls = _dataclass(init=False, repr=False, eq=False, kw_only=kw_only, frozen=derives)(cls)
            cls.__dataclass_params__.frozen = frozen
            for name in missing:
                setattr(cls, name, shared[name])
            return cls

        return made


def _init(self: _Instance, /, *values: Any, **named: Any) -> None:
    all_fields = fields(self)
    given = dict(zip((each.name for each in all_fields if each.init and not each.kw_only), values, strict=False))
    if len(given) < len(values) or not given.keys().isdisjoint(named):
        raise misfit(type(self), values, named)
    given |= named
    put = object.__setattr__
    for each in all_fields:
        if not each.init:
            continue
        if each.name in given:
            put(self, each.name, given.pop(each.name))
        elif each.default is not MISSING:
            put(self, each.name, each.default)
        elif each.default_factory is not MISSING:
            put(self, each.name, each.default_factory())
        else:
            raise misfit(type(self), values, named)
    if given:
        raise misfit(type(self), values, named)
    if (check := getattr(self, "__post_init__", None)) is not None:
        check()


def _setattr(self: _Instance, name: str, value: object) -> None:
    _refuse(self, name, "assign to")
    object.__setattr__(self, name, value)


def _delattr(self: _Instance, name: str) -> None:
    _refuse(self, name, "delete")
    object.__delattr__(self, name)


def _refuse(self: _Instance, name: str, what: str) -> None:
    # A subclass that is no dataclass may have attributes of its own.
    if name in self.__dataclass_fields__ or "__dataclass_fields__" in type(self).__dict__:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


def _compared(self: _Instance) -> tuple[Any, ...]:
    return tuple(getattr(self, each.name) for each in fields(self) if each.compare)


def _equal(self: _Instance, other: _Instance) -> Any:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: _Instance) -> int:
    hashed = (each.name for each in fields(self) if (each.compare if each.hash is None else each.hash))
    return hash(tuple(getattr(self, name) for name in hashed))


def _repr(self: _Instance) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


class _Signature:
    """What ``help`` and ``inspect.signature`` tell of a class, worked out when they ask."""

    def __get__(self, instance: object, owner: Any) -> Any:
        if instance is not None or owner.__init__ is not _init:
            raise AttributeError("__signature__")
        from inspect import Parameter, Signature

        notes, told = hints(owner), list[Parameter]()
        for each in fields(owner):
            default = Parameter.empty if each.default is MISSING else each.default
            if each.default_factory is not MISSING:
                default = _FACTORY
            kind = Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD
            if each.init:
                told.append(Parameter(each.name, kind, default=default, annotation=notes.get(each.name, each.type)))
        return Signature(sorted(told, key=lambda each: each.kind), return_annotation=None)


class _Factory:
    """Stands for a default that is made anew each time."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY: Final = _Factory()


def hints(cls: type) -> dict[str, Any]:
    """Give the types of a class's fields by name, as far as they can be told from their texts."""
    from typing import get_type_hints

    try:
        return get_type_hints(cls)
    except NameError:  # It is known to type checkers alone.
        return {}


def misfit(cls: Any, values: tuple[Any, ...], named: dict[str, Any]) -> TypeError:
    """Make the error for arguments of a class that are too many, missing or unknown."""
    from inspect import signature

    try:
        signature(cls).bind(*values, **named)
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
