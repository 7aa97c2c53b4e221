"""Plugins: codecs of installed distributions, found by entry points and loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from satchel.errors import InvalidCodec, RegistryError
from satchel.registry.checks import Kind, check_codec, check_content_type, check_functions, check_names

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from satchel.registry.functions import FunctionSerializer

KOMBU_GROUP = "kombu.serializers"

#: The entry points that lead to dictionaries of zstd: bytes, a path, or a function without arguments that gives one.
DICTIONARY_GROUP = "satchel.dictionaries"


@cache
def discover(group: str) -> dict[str, EntryPoint]:
    """Find a group's entry points, by name, without importing any; where two have one name, the first on the path."""
    from importlib.metadata import entry_points  # 33 ms to import, and most programs have no plugins.

    try:
        offered: Iterable[EntryPoint] = entry_points(group=group)
    except (OSError, TypeError, ValueError):
        offered = _readable(group)
    found: dict[str, EntryPoint] = {}
    for entry_point in offered:
        found.setdefault(entry_point.name, entry_point)
    return found


def _readable(group: str) -> Iterator[EntryPoint]:
    """Read one distribution after the other, since a broken ``entry_points.txt`` spoils `entry_points` for all."""
    from importlib.metadata import distributions

    for distribution in distributions():
        try:
            offered = tuple(distribution.entry_points)
        except (OSError, TypeError, ValueError):
            continue
        yield from (entry_point for entry_point in offered if entry_point.group == group)


def load(kind: Kind, name: str) -> Any:
    """Load and check the plugin of that name.

    An entry point leads to a codec, or to a class or function without arguments that gives one.

    Raises:
        InvalidCodec: it does not import, or is not a codec of that name and kind.
    """
    loaded = import_target(discover(f"satchel.{kind}s")[name])
    try:
        # What has a content type already is a codec; anything else that can be called is to give one.
        given = isinstance(loaded, type) or not (hasattr(loaded, "content_type") or not callable(loaded))
        codec: Any = loaded() if given else loaded
        check_codec(kind, codec)
        own_name = codec.name
    except InvalidCodec as error:
        raise InvalidCodec(f"the plugin {name!r}: {error.what}", expected=error.expected, cure=error.cure) from error
    except (RegistryError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise InvalidCodec(f"the plugin {name!r} cannot be made: {error!r}") from error
    if own_name != name:
        raise InvalidCodec(f"the plugin {name!r} calls itself {own_name!r}", expected="one name for both")
    return codec


def load_kombu(name: str) -> FunctionSerializer:
    """Load a plugin that was written for kombu: a tuple of encoder, decoder, content type and content encoding.

    Raises:
        InvalidCodec: it does not import, or is no such tuple.
    """
    arguments = import_target(discover(KOMBU_GROUP)[name])
    try:
        dumps, loads, content_type, *rest = arguments
        content_encoding = rest[0] if rest else "utf-8"
    except (TypeError, ValueError) as error:
        raise InvalidCodec(
            f"the kombu plugin {name!r} is {arguments!r}",
            expected="a tuple of encoder, decoder, content type and content encoding",
        ) from error
    check_names([name])
    check_content_type(content_type)
    check_functions(encoder=dumps, decoder=loads)
    from satchel.registry.functions import FunctionSerializer

    codec = FunctionSerializer(name, dumps, loads, content_type, content_encoding)
    check_codec("serializer", codec)
    return codec


def import_target(entry_point: EntryPoint) -> Any:
    """Import what an entry point leads to.

    Raises:
        InvalidCodec: it does not import; with the name of its distribution.
    """
    try:
        return entry_point.load()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        distribution = distribution_of(entry_point)
        raise InvalidCodec(
            f"the plugin {entry_point.name!r} of {distribution} does not import: {error!r}",
            cure=f"repair or uninstall {distribution}",
        ) from error


def distribution_of(entry_point: EntryPoint) -> str:
    """Give the name of the distribution that an entry point belongs to."""
    return getattr(entry_point.dist, "name", None) or "an unknown distribution"
