"""What codecs share: their options, the application types of serializers, loading a library."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import field, replace
from importlib import import_module
from typing import Any, ClassVar, TypeVar

from satchel.errors import DuplicateCodec, MissingDependency
from satchel.records import NamedTuple
from satchel.types import Buffer

#: The tags of the value model itself; `Types` guards them, `values.py` gives them their meaning.
SCALAR_TAGS = frozenset({"bytes", "base64", "datetime", "date", "time", "timedelta", "decimal", "uuid", "bigint"})
RESERVED_TAGS = SCALAR_TAGS | {"set", "frozenset", "tuple", "dict"}


class TaggedType(NamedTuple):
    """One registered application type.

    Attributes:
        cls: the class; instances of its subclasses are not meant.
        tag: its name on the wire, the same for all serializers.
        to_plain: gives a value of the value model for an instance.
        from_plain: gives the instance back; it is called with data from outside, so it must check it.
    """

    cls: type
    tag: str
    to_plain: Callable[[Any], Any]
    from_plain: Callable[[Any], Any]


class Types(tuple[TaggedType, ...]):
    """The application types that a serializer knows, in the order of their registration."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Types({', '.join(f'{entry.tag}={entry.cls.__qualname__}' for entry in self)})"

    def add(self, entry: TaggedType, *, replace: bool = False) -> Types:
        """Give these types and one more.

        Raises:
            DuplicateCodec: its class or its tag is taken, and `replace` is not set.
        """
        taken = [other for other in self if other.cls is entry.cls or other.tag == entry.tag]
        if entry in taken:
            return self
        if taken and not replace:
            raise DuplicateCodec(
                f"the type {taken[0].cls.__qualname__} is already registered as {taken[0].tag!r}",
                cure=f"choose another tag for {entry.cls.__qualname__}, or pass replace=True",
            )
        return Types((*(other for other in self if other not in taken), entry))

    def merge(self, others: Types) -> Types:
        """Give these types and the others; where both name a class or a tag, these win."""
        classes = {entry.cls for entry in self}
        tags = {entry.tag for entry in self}
        return Types((*self, *(other for other in others if other.cls not in classes and other.tag not in tags)))


def derived() -> Any:
    """A field of a codec that `__post_init__` works out from the others; no part of its configuration."""
    return field(init=False, repr=False, compare=False)


class Configured:
    """A codec that is a frozen dataclass: holds what is derived from its fields, and pickles without it."""

    # Codecs leave `name` and its like without an annotation: pyright takes no ClassVar for a protocol's property.

    def _derive(self, **derived: Any) -> None:
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def _check(self, field: str, *allowed: Any) -> None:
        value = getattr(self, field)
        if isinstance(value, bool) or value not in allowed:
            raise ValueError(f"{field} must be one of {', '.join(map(repr, allowed))}, got {value!r}")

    def _check_flag(self, field: str) -> None:
        value = getattr(self, field)
        if not isinstance(value, bool):
            raise TypeError(f"{field} must be True or False, got {value!r}")

    def _check_range(self, field: str, low: int, high: int) -> None:
        value = getattr(self, field)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{field} must be an int from {low:,} to {high:,}, got {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{field} must be from {low:,} to {high:,}, got {value!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        from dataclasses import fields  # An application's codec may be a dataclass that derives from one of these.

        codec: Any = self
        return _configure, (type(self), {f.name: getattr(self, f.name) for f in fields(codec) if f.init})


_T = TypeVar("_T")


def _configure(cls: type[_T], values: dict[str, Any]) -> _T:
    return cls(**values)


class ValueSerializer(Configured):
    """A serializer of the value model, which can be given an application's types and speak Celery's dialect."""

    library: ClassVar[str]
    extra: ClassVar[str | None] = None
    accelerators: ClassVar[tuple[str, ...]] = ()
    safe: ClassVar[bool] = True

    def _check_types(self) -> None:
        types: object = getattr(self, "types", None)
        if not isinstance(types, Types):
            raise TypeError(f"types must be a Types, got {types!r}; register a type with registry.with_type(…)")

    @classmethod
    def celery(cls: type[_T]) -> _T:
        """Give this serializer as Celery's dialect needs it."""
        return cls(dialect="celery")  # type: ignore[call-arg]

    def with_types(self: _T, types: Types) -> _T:
        """Give this serializer with more application types; its own win."""
        codec: Any = self
        merged: _T = replace(codec, types=codec.types.merge(types))
        return merged


def require(module: str, *, codec: str, library: str, extra: str | None, cure: str | None = None) -> Any:
    """Import a codec's optional library.

    Args:
        module: the module's name, such as ``zstandard``.
        codec: the codec that needs it.
        library: the distribution's name, for the message.
        extra: the extra of Satchel that installs it, or None for a part of the standard library.
        cure: what helps instead of installing the extra.

    Raises:
        MissingDependency: it is not installed, or does not import, for whatever reason.
    """
    try:
        return import_module(module)
    except MemoryError:
        raise
    except Exception as error:
        raise MissingDependency(codec, library, extra, cure=cure, fault=error) from error


def optional(module: str, *, codec: str, extra: str, required: bool = False) -> Any:
    """Import a library that only makes a codec faster, or give None where it is not installed.

    One that is installed and does not import is worth a warning, and no failure.

    Raises:
        MissingDependency: it is `required`, and not installed or broken.
    """
    try:
        return require(module, codec=codec, library=module.partition(".")[0], extra=extra)
    except MissingDependency as error:
        if required:
            raise
        if not isinstance(error.__cause__, ModuleNotFoundError):
            warnings.warn(f"{error}; {codec} goes on without it", RuntimeWarning, stacklevel=2)
        return None


def flat(body: Buffer) -> Buffer:
    """The body as C libraries read it: a memoryview of anything but plain contiguous bytes is copied into bytes."""
    if isinstance(body, memoryview) and not (body.c_contiguous and body.ndim == 1 and body.format == "B"):
        return body.tobytes()
    return body
