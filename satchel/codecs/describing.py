"""Describing a class: the two functions between it and the value model, found for the usual kinds."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, cast
from uuid import UUID

from satchel.codecs.base import RESERVED_TAGS, TaggedType
from satchel.errors import DuplicateCodec, InvalidCodec
from satchel.records import dataclass

#: What a tag is made of: it must stand in a YAML tag and in a JSON string without escapes.
_TAG = r"[A-Za-z][A-Za-z0-9_.-]{0,63}\Z"

#: Of so many validation errors the first is told; of more, only their number.
_TOLD = 100

_MODEL = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset),
        *(datetime, date, time, timedelta, Decimal, UUID),
    }
)


def describe(
    cls: type,
    tag: str | None = None,
    to_plain: Callable[[Any], Any] | None = None,
    from_plain: Callable[[Any], Any] | None = None,
) -> TaggedType:
    """Describe an application type; for most kinds of class the two functions are found.

    Args:
        cls: a dataclass, an enum, a pydantic or msgspec model, a NamedTuple; any class if both functions are given.
        tag: its name on the wire; the class's own name by default. Keep it when you rename the class.
        to_plain: instance to a value of the value model (which may hold other registered types).
        from_plain: the way back.

    Raises:
        InvalidCodec: not a class, a tag of a wrong form, one function without the other, or a kind of class for
            which the functions must be given.
        DuplicateCodec: the tag is one of the value model's own.
    """
    if not isinstance(cast(object, cls), type):
        raise InvalidCodec(f"a type is registered by its class, got {cls!r}")
    if cls in _MODEL:
        raise InvalidCodec(f"{cls.__qualname__} is of the value model already")
    tag = cls.__name__ if tag is None else tag
    if not isinstance(cast(object, tag), str) or not re.match(_TAG, tag):
        raise InvalidCodec(
            f"{tag!r} is not a tag",
            expected="a tag is a letter and up to 63 letters, digits, '_', '.' or '-'",
        )
    if tag in RESERVED_TAGS:
        raise DuplicateCodec(f"the tag {tag!r} is the value model's own", cure="choose another tag")
    if (to_plain is None) != (from_plain is None):
        raise InvalidCodec(f"{cls.__qualname__}: to_plain and from_plain come together")
    if to_plain is None or from_plain is None:
        to_plain, from_plain = _functions(cls)
    return TaggedType(cls, tag, to_plain, from_plain)


# The functions are values: two descriptions of a class are equal, and a codec that has one can be pickled.


@dataclass(frozen=True)
class _Attribute:
    name: str

    def __call__(self, value: Any) -> Any:
        return getattr(value, self.name)


@dataclass(frozen=True)
class _Member:
    cls: Any

    def __call__(self, name: Any) -> Any:
        if type(name) is not str:
            raise ValueError(f"a member of {self.cls.__name__} is named by a text")
        return self.cls[name]


@dataclass(frozen=True)
class _Bits:
    """Members of a Flag, together an int. Python keeps each int that it has met: only declared bits may be set."""

    cls: Any
    bits: int

    def __call__(self, flags: Any) -> int:
        return self.checked(flags.value)

    def checked(self, value: Any) -> int:
        if type(value) is not int or value < 0 or value & ~self.bits:
            raise ValueError(f"not a combination of the members of {self.cls.__name__}")
        return value


@dataclass(frozen=True)
class _Flags:
    bits: _Bits

    def __call__(self, value: Any) -> Any:
        return self.bits.cls(self.bits.checked(value))


@dataclass(frozen=True)
class _ModelFields:
    """The fields of a pydantic model, by name.

    Not by model_dump(), which would turn the models and dataclasses within into dicts: they have tags of their own.
    """

    names: tuple[str, ...]

    def __call__(self, value: Any) -> dict[str, Any]:
        return {**{name: getattr(value, name) for name in self.names}, **(value.model_extra or {})}


@dataclass(frozen=True)
class _Validated:
    cls: Any
    inputs: tuple[tuple[str, str], ...]

    def __call__(self, plain: Any) -> Any:
        inputs = dict(self.inputs)
        if type(plain) is not dict:
            raise ValueError(f"not the fields of {self.cls.__name__}: {', '.join(inputs)}")
        return _validate(self.cls, {inputs.get(name, name): item for name, item in plain.items()})


@dataclass(frozen=True)
class _Root:
    cls: Any

    def __call__(self, plain: Any) -> Any:
        return _validate(self.cls, plain)


def _validate(cls: Any, plain: Any) -> Any:
    try:
        return cls.model_validate(plain)
    except ValueError as error:
        # Pydantic's own text would show all that was given.
        count = getattr(error, "error_count", lambda: 0)()
        if not count:
            raise
        told = ""
        if count <= _TOLD:
            first = cast(Any, error).errors(include_url=False, include_context=False, include_input=False)[0]
            told = f": {'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise ValueError(f"{count} validation errors for {cls.__name__}{told}")


@dataclass(frozen=True)
class _Attributes:
    names: tuple[str, ...]

    def __call__(self, value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in self.names}


@dataclass(frozen=True)
class _Instance:
    cls: Callable[..., Any]
    names: frozenset[str]
    later: frozenset[str]

    def __call__(self, plain: Any) -> Any:
        if type(plain) is not dict or not plain.keys() <= self.names:
            raise ValueError(f"not the attributes of {self.cls.__name__}: {', '.join(sorted(self.names))}")
        value = self.cls(**{name: item for name, item in plain.items() if name not in self.later})
        for name in self.later & plain.keys():
            object.__setattr__(value, name, plain[name])
        return value


def _functions(cls: type) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    model = cast(Any, cls)
    if issubclass(cls, enum.Flag):
        bits = _Bits(model, reduce(or_, (member.value for member in model.__members__.values()), 0))
        return bits, _Flags(bits)
    if issubclass(cls, enum.Enum):
        # By name: a value may be anything, a name is always a str.
        return _Attribute("name"), _Member(model)
    if hasattr(cls, "model_validate") and hasattr(cls, "model_dump"):  # pydantic 2
        return _validated(cls, model)
    if is_dataclass(cls):
        return _of_attributes(cls, {f.name: f.init for f in fields(cls)})
    if hasattr(cls, "__struct_fields__"):  # msgspec
        return _of_attributes(cls, dict.fromkeys(model.__struct_fields__, True))
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):  # typing.NamedTuple
        return _of_attributes(cls, dict.fromkeys(model._fields, True))
    raise InvalidCodec(
        f"{cls.__qualname__} is neither a dataclass, an enum, a NamedTuple, a pydantic nor a msgspec model",
        cure="give to_plain and from_plain",
    )


def _validated(cls: type, model: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The functions for a pydantic model: its fields by name, and a validation."""
    if getattr(cls, "__pydantic_root_model__", False):
        return _Attribute("root"), _Root(model)
    inputs: dict[str, str] = {}
    for name, info in model.model_fields.items():
        alias = info.validation_alias
        texts = [choice for choice in getattr(alias, "choices", [alias]) if isinstance(choice, str)]
        if alias is not None and not texts:
            raise InvalidCodec(f"{cls.__qualname__}.{name} is read from a path", cure="give to_plain and from_plain")
        inputs[name] = name if alias is None else texts[0]
    return _ModelFields(tuple(inputs)), _Validated(model, tuple(inputs.items()))


def _of_attributes(cls: type, names: dict[str, bool]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The functions for a class that is made from its attributes; True in `names` is an argument of __init__."""
    for parameter in inspect.signature(cls).parameters.values():
        optional = parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if not optional and parameter.name not in names:
            raise InvalidCodec(
                f"{cls.__qualname__} is made with {parameter.name!r}, which it does not keep as an attribute",
                cure="give to_plain and from_plain",
            )
    later = frozenset(name for name, init in names.items() if not init)
    return _Attributes(tuple(names)), _Instance(cls, frozenset(names), later)
