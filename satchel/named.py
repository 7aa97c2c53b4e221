"""Named tuples that cost next to nothing to make.

For each class, the standard library compiles a function and the annotations: a tenth of a millisecond of every import.
Here all classes share theirs. To type checkers, and to whoever asks for `_fields`, they are what they seem.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from satchel.frozen import hints, misfit

if TYPE_CHECKING:
    from inspect import Signature

__all__ = ["NamedTuple"]

try:
    # What collections makes of its own: read in a third of the time of a property.
    from collections import _tuplegetter as _getter  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - another Python

    def _getter(index: int, doc: str) -> Any:
        return property(itemgetter(index), doc=doc)


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


class _Signature:
    """What ``help`` and ``inspect.signature`` tell of a class, worked out when they ask."""

    def __get__(self, instance: object, owner: Any) -> Any:
        if instance is not None or owner.__new__ is not _Named.__new__:
            raise AttributeError("__signature__")
        return _signature(owner)


def _signature(cls: Any) -> Signature:
    from inspect import Parameter, Signature

    kind, notes = Parameter.POSITIONAL_OR_KEYWORD, hints(cls)
    defaults = {**dict.fromkeys(cls._fields, Parameter.empty), **cls._field_defaults}
    return Signature([Parameter(name, kind, default=defaults[name], annotation=notes[name]) for name in cls._fields])


def _completed(cls: type[_Named], values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    given = dict(zip(cls._fields, values, strict=False))
    complete = {**cls._field_defaults, **given, **named}
    # Two names for one value, or too many values, leave fewer than were given.
    if complete.keys() != {*cls._fields} or len({**given, **named}) < len(values) + len(named):
        raise misfit(cls, _signature(cls), values, named)
    return tuple([complete[name] for name in cls._fields])


if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Maker(type):
        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = tuple(space["__annotations__"])
            shared = {"__slots__": (), "_fields": fields, "__match_args__": fields, "__signature__": _Signature()}
            defaults = {each: space.pop(each) for each in fields if each in space}
            getters = {each: _getter(index, f"Alias for field number {index}") for index, each in enumerate(fields)}
            own = {"_field_defaults": defaults, "_defaults": tuple(defaults.values())}
            return type(name, (_Named,), {**space, **shared, **own, **getters})

    class NamedTuple(metaclass=_Maker):
        """Makes a named tuple of each class that derives from it; see `typing.NamedTuple`."""
