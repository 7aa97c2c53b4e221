"""Values on a command line: JSON (RFC 8259) where they are JSON, otherwise text; alone, or behind a name."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from typing import Any

from satchel.cli import streams
from satchel.cli.outcome import BAD_DATA, Failure, one_line, usage
from satchel.errors import CorruptBody, LimitExceeded

#: What JSON begins with, and other text seldom.
_OPENING = ("{", "[", '"')


def is_number(text: str) -> bool:
    """Say whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def value_of(text: str) -> Any:
    """Read a value: JSON, with type tags as `satchel encode` reads them; anything else is the text itself.

    Raises:
        Failure: it is beyond the limits.
        DecodeError: it is JSON, and refused, as with an unknown type tag.
    """
    try:
        return _decoded(text.encode("utf-8", "surrogateescape"))
    except CorruptBody:
        if _is_json(text):
            raise
        if text.startswith(_OPENING):
            sent = f"{one_line(text, 60)!r} begins like JSON and is none: it is taken as text"
            print(f"satchel: warning: {sent}", file=sys.stderr)
        return text


def named(text: str) -> tuple[str, str]:
    """Part NAME=VALUE.

    Raises:
        ArgumentTypeError: it has no name, or no value.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def mapping_of(option: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read the values of an option that takes NAME=VALUE and may be repeated.

    Raises:
        Failure: a name comes twice.
    """
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in values:
            raise usage(f"{option}: {name!r} is given twice")
        values[name] = value_of(text)
    return values


def arguments_of(texts: Iterable[str]) -> tuple[list[Any], dict[str, Any]]:
    """Read a call's arguments: ``name=value`` is one by its name, and everything else by its place.

    Raises:
        Failure: a name comes twice.
        DecodeError: see `value_of`.
    """
    by_place: list[Any] = []
    by_name: list[tuple[str, str]] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            by_name.append((name, value))
        else:
            by_place.append(value_of(text))
    return by_place, mapping_of("ARG", by_name)


def json_of(option: str, text: str, kind: type) -> Any:
    """Read an option that takes a JSON list or a JSON object; ``-`` reads it from standard input.

    Raises:
        Failure: it is something else, or beyond the limits, or standard input is closed.
        DecodeError: it is no JSON.
    """
    from satchel.types import Limits

    data = streams.read("-", Limits().max_body) if text == "-" else text.encode("utf-8", "surrogateescape")
    try:
        value = _decoded(data)
    except CorruptBody as error:
        if _is_json(data.decode("utf-8", "replace")):
            raise
        example = '[1, "two"]' if kind is list else '{"count": 1}'
        cure = f"it takes JSON, in quotes for the shell: {option} '{example}'"
        raise Failure(BAD_DATA, f"{option}: {error.what}; {cure}") from error
    if type(value) is not kind:
        raise usage(f"{option} takes a JSON {'list' if kind is list else 'object'}, got {one_line(value, 60)}")
    return value


def _decoded(data: bytes) -> Any:
    from satchel.pipeline import Pipeline
    from satchel.registry import default_registry
    from satchel.types import Encoded

    try:
        return Pipeline(["json"], registry=default_registry()).decode(Encoded(data, "application/json", "utf-8"))
    except LimitExceeded as error:
        raise Failure(BAD_DATA, f"an argument is too large: {error.what}") from error


def _is_json(text: str) -> bool:
    import json

    def refuse(name: str) -> Any:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True
