"""Options that several commands have: dialect, accept list, limits."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _ArgumentGroup
from dataclasses import fields, replace

from satchel.cli.given import is_number
from satchel.errors import MissingDependency
from satchel.registry import Registry, celery_registry, default_registry
from satchel.types import Limits

_HELP = {
    "max_body": "bytes of a body as it is sent",
    "max_decompressed": "bytes of a body after decompression",
    "max_depth": "levels of containers",
    "max_nodes": "values in one body",
}
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
#: The highest bound that `Yaml` takes.
_MOST_OF_YAML = 10_000_000


class Lifted(Limits):
    """Limits whose `max_nodes` was given: YAML's own, lower bound gives way to it."""


def add_dialect(parser: ArgumentParser | _ArgumentGroup, default: str = "satchel") -> None:
    """Add ``--dialect``."""
    parser.add_argument(
        "--dialect",
        choices=("satchel", "celery"),
        default=default,
        help=f"satchel: the full value model; celery: what a stock Celery worker reads; default {default}",
    )


def registry_of(options: Namespace) -> Registry:
    """The registry that ``--dialect`` names."""
    return celery_registry() if options.dialect == "celery" else default_registry()


def lifted(registry: Registry, limits: Limits) -> Registry:
    """Give a registry whose YAML reads and writes as many values as the user allows."""
    if not isinstance(limits, Lifted):
        return registry
    from satchel.codecs.yaml import Yaml

    try:
        yaml = registry.serializer("yaml")
    except MissingDependency:
        return registry
    if not isinstance(yaml, Yaml):
        return registry
    return registry.with_serializer(replace(yaml, max_nodes=min(limits.max_nodes, _MOST_OF_YAML)), replace=True)


def add_accept(parser: ArgumentParser | _ArgumentGroup, option: str, what: str) -> None:
    """Add an option that takes names, separated by commas or given again; their list, or None."""
    parser.add_argument(option, action="extend", type=_names, metavar="NAME[,NAME…]", help=what)


def add_limits(parser: ArgumentParser) -> None:
    """Add an option for each of `Limits`."""
    group = parser.add_argument_group("limits", "numbers may end in k, M or G")
    for field in fields(Limits):
        default: int = getattr(Limits, field.name)
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=size_of,
            metavar="N",
            help=f"{_HELP[field.name]}; default {_shown(default)}",
        )


def limits_of(options: Namespace) -> Limits:
    """The limits that were given, and the defaults of the others."""
    given = {name: number for name in _HELP if (number := getattr(options, name)) is not None}
    return (Lifted if "max_nodes" in given else Limits)(**given)


def after_decompression(limits: Limits) -> Limits:
    """The limits of a body that is not compressed, or no more: it may be as large as one after decompression."""
    return replace(limits, max_body=limits.max_decompressed)


def safe_serializers(registry: Registry) -> list[str]:
    """The names of the built-in serializers that are safe on untrusted input."""
    entries = registry.serializers.values()
    return [entry.name for entry in entries if entry.origin == "built-in" and entry.codec_class().safe]


def arranged(parser: ArgumentParser, arguments: list[str]) -> list[str]:
    """Put a command's options before all else: argparse takes what is no option only where it stands together.

    What follows ``--`` is no option, and neither is a number. An option with an optional value takes but a number.
    """
    options: list[str] = []
    values: list[str] = []
    rest = list(reversed(arguments))
    while rest:
        argument = rest.pop()
        if argument == "--":
            values += reversed(rest)
            break
        if len(argument) < 2 or argument[0] != "-" or is_number(argument):
            values.append(argument)
            continue
        options.append(argument)
        action = parser._option_string_actions.get(argument)
        if action is None or action.nargs == 0 or not rest:
            continue
        if action.nargs is None or is_number(rest[-1]):
            options.append(rest.pop())
    return [*options, "--", *values]


def _names(text: str) -> list[str]:
    names = [name for name in (part.strip() for part in text.split(",")) if name]
    if not names:
        raise ArgumentTypeError(f"{text!r} names nothing")
    return names


def size_of(text: str) -> int:
    """Read a number of bytes, levels or values that may end in k, M or G.

    Raises:
        ArgumentTypeError: it is something else.
    """
    number = text.lower().removesuffix("b").removesuffix("i")
    unit = number.lstrip("0123456789")
    digits = number.removesuffix(unit)
    if unit not in _UNITS or not 0 < len(digits) < 16 or int(digits) == 0:
        raise ArgumentTypeError(f"{text!r} is not a positive number such as 500, 64k or 16M; there is no 'unlimited'")
    return int(digits) * _UNITS[unit]


def _shown(number: int) -> str:
    return f"{number >> 20}M" if number % (1 << 20) == 0 else f"{number:,}"
