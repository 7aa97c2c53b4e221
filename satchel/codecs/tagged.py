"""Application types: a class, a tag, and the two functions between the class and the value model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from satchel.errors import DuplicateCodec
from satchel.named import NamedTuple

#: The tags of the value model itself; `tagged.py` guards them, `values.py` gives them their meaning.
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
