"""What a registry knows of a codec without loading it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from satchel.named import NamedTuple
from satchel.registry.builtin import Builtin


class Entry(NamedTuple):
    """What a registry knows of a codec without loading it.

    Attributes:
        name: its name.
        content_types: the first is written, all are read.
        aliases: further names.
        origin: "built-in", "plugin" or "application".
        target: the module and class of a built-in codec, or the codec itself.
    """

    name: str
    content_types: tuple[str, ...]
    aliases: tuple[str, ...]
    origin: Literal["built-in", "plugin", "application"]
    target: Any

    @classmethod
    def of_builtin(cls, line: Builtin) -> Entry:
        """Give the entry of a built-in codec."""
        return cls(line.name, line.content_types, line.aliases, "built-in", line.target)

    @property
    def names(self) -> tuple[str, ...]:
        """The name, and the aliases."""
        return (self.name, *self.aliases)

    def codec_class(self) -> Any:
        """Give the codec's class; this imports its module, but not its library."""
        if not isinstance(self.target, str):
            return type(self.target)
        module, _, name = self.target.partition(":")
        return getattr(import_module(f"satchel.codecs.{module}"), name)
