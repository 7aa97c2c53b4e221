"""Frozen dataclasses and named tuples that cost next to nothing to make.

The standard library compiles functions for each such class: half a millisecond of every import for a dataclass, a tenth
for a named tuple. Here all classes share theirs, and what only tools ask for is worked out when they ask. To type
checkers they are what they seem; `dataclasses.fields`, `replace` and `asdict` take them, and frozen dataclasses may
derive from them. They are for modules whose annotations are text (``from __future__ import annotations``), and know no
``InitVar`` and no slots.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter, itemgetter
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

__all__ = ["NamedTuple", "dataclass", "replace"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import dataclass, replace
    from typing import NamedTuple

try:
    # What collections makes of its own: read in a third of the time of a property.
    from collections import _tuplegetter as _item  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - another Python

    def _item(index: int, doc: str) -> Any:
        return property(itemgetter(index), doc=doc)


# Frozen dataclasses

if not TYPE_CHECKING:

    def dataclass(*, frozen: bool, eq: bool = True, repr: bool = True, kw_only: bool = False) -> Callable[[type], type]:
        """Make a frozen dataclass.

        Args:
            frozen: True, as type checkers need to see it.
            eq: instances are equal, and hashed, by their fields.
            repr: they are shown by their fields.
            kw_only: all fields are given by keyword alone.
        """

        def made(cls: type) -> type:
            own, constants = _own_fields(cls, keyword=kw_only)
            inherited = {name: each for name, each in _inherited(cls).items() if name not in constants}
            cls._fields_of = {**inherited, **own}
            cls._constants_of = constants
            cls._compared = _getter(name for name, each in cls._fields_of.items() if each.compare)
            cls._hashed = _getter(
                name for name, each in cls._fields_of.items() if (each.compare if each.hash is None else each.hash)
            )
            # Not __match_args__, which a class may say itself.
            cls._positional = tuple(name for name, each in cls._fields_of.items() if each.init and not each.kw_only)
            shared = {
                **_ALWAYS,
                **(_COMPARED if eq else {}),
                **(_SHOWN if repr else {}),
                "__match_args__": cls._positional,
                "__dataclass_fields__": _Told("__dataclass_fields__", cls, own, constants),
                "__dataclass_params__": _Told("__dataclass_params__", cls, own, constants),
            }
            for name, value in shared.items():
                # A class that says what equals it has a __hash__ that is None, unless it says more.
                if cls.__dict__.get(name) is None:
                    setattr(cls, name, value)
            return cls

        return made

    def replace(instance: Any, /, **changes: Any) -> Any:
        """Give an instance of the same class with other values, as `dataclasses.replace` does."""
        return instance.__replace__(**changes)


def _own_fields(cls: type, *, keyword: bool) -> tuple[dict[str, Field[Any]], set[str]]:
    """Give the fields that a class says itself, and its class variables; leave the defaults in their place."""
    own: dict[str, Field[Any]] = {}
    constants: set[str] = set()
    for name, note in cls.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 - its own
        kind = (note if isinstance(note, str) else str(note)).partition("[")[0]
        if kind.endswith("KW_ONLY"):
            keyword = True
        elif kind.endswith("ClassVar"):
            constants.add(name)
        else:
            given: Any = getattr(cls, name, MISSING)
            if isinstance(given, MemberDescriptorType):  # A slot of a class that it derives from.
                given = MISSING
            if not isinstance(given, Field):
                own[name] = field(default=given, kw_only=keyword)
                continue
            own[name] = given
            if given.kw_only is MISSING:
                given.kw_only = keyword
            if given.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, given.default)
    return own, constants


def _inherited(cls: type) -> dict[str, Field[Any]]:
    found: dict[str, Field[Any]] = {}
    bases: tuple[Any, ...] = cls.__mro__[:0:-1]
    for base in bases:
        if "_fields_of" in base.__dict__:
            told, constants = base._fields_of, base._constants_of
        elif "__dataclass_fields__" in base.__dict__:
            if not base.__dataclass_params__.frozen:
                raise TypeError("cannot inherit frozen dataclass from a non-frozen one")
            told = {each.name: each for each in dataclasses.fields(base)}
            constants = base.__dataclass_fields__.keys() - told
        else:
            continue
        found = {name: each for name, each in found.items() if name not in constants} | told
    return found


class _Told:
    """What `dataclasses` tells of a class, worked out by it when that is asked for: most programs never do.

    It is asked as an attribute of the class; to tools that look into the class's dict, it passes for what it tells.
    """

    def __init__(self, name: str, cls: Any, own: dict[str, Field[Any]], constants: set[str]) -> None:
        self._name = name
        self._cls = cls
        self._own = own
        self._constants = constants

    def __get__(self, instance: object, owner: type) -> Any:
        cls = self._cls
        told: dict[str, Field[Any]] = {}
        for base in cls.__mro__[:0:-1]:
            if "__dataclass_fields__" in base.__dict__:
                told |= base.__dataclass_fields__
        notes = cls.__dict__.get("__annotations__", {})  # noqa: RUF063 - its own
        own = [(name, notes[name], each) for name, each in self._own.items()]
        constants = [(name, ClassVar) for name in self._constants]
        made: Any = dataclasses.make_dataclass(
            cls.__name__, [*own, *constants], init=False, repr=False, eq=False, frozen=True
        )
        cls.__dataclass_params__ = made.__dataclass_params__
        cls.__dataclass_fields__ = told | made.__dataclass_fields__
        return getattr(cls, self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Of a copy that is not filled yet, for one.
            raise AttributeError(name)
        return getattr(getattr(self._cls, self._name), name)

    def __iter__(self) -> Any:
        return iter(getattr(self._cls, self._name))

    def __len__(self) -> int:
        return len(getattr(self._cls, self._name))

    def __getitem__(self, name: str) -> Any:
        return getattr(self._cls, self._name)[name]


def _getter(names: Iterable[str]) -> Any:
    """Give what gets these attributes of an instance. In a class it is no method: instances are given to it."""
    listed = [*names]
    return attrgetter(*listed) if listed else staticmethod(lambda instance: ())


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    all_fields: dict[str, Field[Any]] = self._fields_of
    given = dict(zip(self._positional, values, strict=False))
    fit = len(given) == len(values) and given.keys().isdisjoint(named)
    given |= named
    put = object.__setattr__
    for name, each in all_fields.items():
        if each.init and name in given:
            put(self, name, given.pop(name))
        elif each.default_factory is not MISSING:
            put(self, name, each.default_factory())
        elif each.default is not MISSING:
            put(self, name, each.default)
        elif each.init:
            fit = False
    if given or not fit:
        cls = next(each for each in type(self).__mro__ if "_fields_of" in each.__dict__)
        from satchel.introspection import misfit, signature_of_fields

        raise misfit(cls, signature_of_fields(cls), values, named)
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
    if "__dataclass_fields__" in type(self).__dict__ or name in self._fields_of:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


def _equal(self: Any, other: Any) -> Any:
    return self._compared(self) == self._compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._hashed(self))


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, each in self._fields_of.items() if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _replaced(self: Any, /, **changes: Any) -> Any:
    # A subclass may be a dataclass of the standard library, with fields of its own.
    own = type(self).__dict__.get("_fields_of", {})
    kept = {name: getattr(self, name) for name, each in own.items() if each.init and name not in changes}
    if not own or any(name in own and not own[name].init for name in changes):
        return dataclasses.replace(self, **changes)
    return type(self)(**kept, **changes)


# Named tuples

_N = TypeVar("_N", bound="_Named")


class _Named(tuple[Any, ...]):
    """The methods of all named tuples; their names are those of `collections.namedtuple`."""

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()
    _field_defaults: ClassVar[dict[str, Any]] = {}
    _defaults: ClassVar[tuple[Any, ...]] = ()

    def __new__(cls: type[_N], /, *values: Any, **named: Any) -> _N:
        missing = len(cls._fields) - len(values)
        if named or not 0 <= missing <= len(cls._defaults):
            values = _completed(cls, values, named)
        elif missing:
            values += cls._defaults[-missing:]
        return tuple.__new__(cls, values)

    @classmethod
    def _make(cls: type[_N], values: Any) -> _N:
        given = tuple(values)
        if len(given) != len(cls._fields):
            raise TypeError(f"{cls.__qualname__} has {len(cls._fields)} fields, got {len(given)} values")
        return tuple.__new__(cls, given)

    def _replace(self: _N, /, **changes: Any) -> _N:
        return tuple.__new__(type(self), _completed(type(self), (), {**self._asdict(), **changes}))

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    __replace__ = _replace  # For copy.replace().


def _completed(cls: type[_Named], values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    given = dict(zip(cls._fields, values, strict=False))
    complete = {**cls._field_defaults, **given, **named}
    # Two names for one value, or too many values, leave fewer than were given.
    if complete.keys() != {*cls._fields} or len({**given, **named}) < len(values) + len(named):
        from satchel.introspection import misfit, signature_of_items

        raise misfit(cls, signature_of_items(cls), values, named)
    return tuple([complete[name] for name in cls._fields])


if not TYPE_CHECKING:

    class _Maker(type):
        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = tuple(space["__annotations__"])
            shared = {"__slots__": (), "_fields": fields, "__match_args__": fields, "__signature__": _TUPLE_SIGNATURE}
            defaults = {each: space.pop(each) for each in fields if each in space}
            getters = {each: _item(index, f"Alias for field number {index}") for index, each in enumerate(fields)}
            own = {"_field_defaults": defaults, "_defaults": tuple(defaults.values())}
            return type(name, (_Named,), {**space, **shared, **own, **getters})

    class NamedTuple(metaclass=_Maker):
        """Makes a named tuple of each class that derives from it; see `typing.NamedTuple`."""


class _Signature:
    """What ``help`` and ``inspect.signature`` tell of a class, unless it has a constructor of its own."""

    def __init__(self, constructor: str, of: Any, teller: str) -> None:
        self._constructor = constructor
        self._of = of
        self._teller = teller

    def __get__(self, instance: object, owner: Any) -> Any:
        if instance is not None or getattr(owner, self._constructor) is not self._of:
            raise AttributeError("__signature__")
        from satchel import introspection

        return getattr(introspection, self._teller)(owner)


_ALWAYS: Final[dict[str, Any]] = {
    "__init__": _init,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__replace__": _replaced,
    "__signature__": _Signature("__init__", _init, "signature_of_fields"),
}
_COMPARED: Final[dict[str, Any]] = {"__eq__": _equal, "__hash__": _hash}
_SHOWN: Final[dict[str, Any]] = {"__repr__": _repr}
_TUPLE_SIGNATURE: Final = _Signature("__new__", _Named.__new__, "signature_of_items")
