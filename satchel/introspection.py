"""What tools and errors tell of frozen dataclasses and named tuples: imported when one of them asks."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import MISSING
from inspect import Parameter, Signature
from typing import Any


def signature_of_fields(cls: Any) -> Signature:
    """Give the signature of a frozen dataclass."""

    class Factory:
        """Stands for a default that is made anew each time."""

        def __repr__(self) -> str:
            return "<factory>"

    notes, told = _hints(cls), list[Parameter]()
    for name, each in cls._fields_of.items():
        default = Parameter.empty if each.default is MISSING else each.default
        if each.default_factory is not MISSING:
            default = Factory()
        kind = Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD
        if each.init:
            told.append(Parameter(name, kind, default=default, annotation=notes[name]))
    return Signature(sorted(told, key=lambda each: each.kind), return_annotation=None)


def signature_of_items(cls: Any) -> Signature:
    """Give the signature of a named tuple."""
    kind, notes = Parameter.POSITIONAL_OR_KEYWORD, _hints(cls)
    defaults = {**dict.fromkeys(cls._fields, Parameter.empty), **cls._field_defaults}
    return Signature([Parameter(name, kind, default=defaults[name], annotation=notes[name]) for name in cls._fields])


def misfit(cls: type, signature: Signature, values: tuple[Any, ...], named: dict[str, Any]) -> TypeError:
    """Make the error for arguments of a class that are too many, missing or unknown."""
    try:
        signature.bind(*values, **named)
    except TypeError as error:
        return TypeError(f"{cls.__qualname__}() {error}")
    raise AssertionError(f"{cls.__qualname__}() takes these arguments")  # pragma: no cover


def _hints(cls: type) -> dict[str, Any]:
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
