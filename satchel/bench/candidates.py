"""What is compared: each serializer of a registry with no compressor, and with each compressor at several levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from satchel.bench.results import Row
from satchel.errors import MissingDependency, RegistryError
from satchel.pipeline import Pipeline
from satchel.registry import Registry
from satchel.registry.checks import Kind
from satchel.types import Limits

#: What the option is called that trades time for size.
_LEVELS = ("level", "quality", "preset")
#: Serializers of the package that carry bytes or text alone, and no other value.
_OF_ONE_TYPE = frozenset({"raw", "text"})


@dataclass(frozen=True)
class Candidate:
    """A serializer, and perhaps a compressor with its level.

    Attributes:
        serializer: its name.
        compressor: the codec as it is configured, or None.
        level: the value of its option `level`, `quality` or `preset`; None without one, or where it chooses itself.
    """

    serializer: str
    compressor: Any = None
    level: int | None = None

    @property
    def compression(self) -> str | None:
        """The compressor's name."""
        return None if self.compressor is None else self.compressor.name

    @property
    def name(self) -> str:
        """What it is called, as `Choice.parse` reads it: ``json``, ``json+lzma``, ``msgpack+zstd:3``."""
        if self.compressor is None:
            return self.serializer
        return f"{self.serializer}+{self.compression}" + ("" if self.level is None else f":{self.level}")

    @property
    def dictionary(self) -> int | None:
        """The id of the dictionary that it compresses with."""
        return getattr(getattr(self.compressor, "dictionary", None), "id", None)

    def pipeline(self, registry: Registry, limits: Limits) -> Pipeline:
        """Give a pipeline that encodes and decodes so."""
        if self.compressor is None:
            return Pipeline([self.serializer], registry=registry, accept_compression=[], limits=limits)
        registry = registry.with_compressor(self.compressor, replace=True)
        return Pipeline([self.serializer], registry=registry, accept_compression=[self.compressor.name], limits=limits)


@dataclass(frozen=True)
class Choice:
    """What is asked for by text: ``SERIALIZER[+COMPRESSOR[:LEVEL]]``."""

    serializer: str
    compressor: str | None = None
    level: int | None = None

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Read a choice.

        Raises:
            ValueError: it has another form.
        """
        serializer, plus, rest = text.partition("+")
        compressor, colon, level = rest.partition(":")
        if not serializer or (plus and not compressor) or (colon and not level.removeprefix("-").isdecimal()):
            raise ValueError(f"{text!r} is not of the form SERIALIZER[+COMPRESSOR[:LEVEL]], such as json+zstd:3")
        return cls(serializer, compressor or None, int(level) if colon else None)

    def candidate(self, registry: Registry) -> Candidate:
        """Give what it means, with the codecs of a registry.

        Raises:
            RegistryError: a codec is unknown, or its library is not installed.
            ValueError: the compressor has no level, or not this one.
        """
        serializer = registry.entry("serializer", self.serializer).name
        registry.serializer(serializer)
        if self.compressor is None:
            return Candidate(serializer)
        codec = registry.compressor(self.compressor)
        return _at(serializer, codec, level_of(codec) if self.level is None else self.level)


def candidates(
    registry: Registry,
    *,
    serializers: Sequence[str] | None = None,
    compressors: Sequence[str] | None = None,
    levels: Sequence[int] | None = None,
) -> tuple[list[Candidate], dict[str, str]]:
    """Give all that are compared, plugins among them, and what is left out, with the reason.

    Args:
        registry: the codecs.
        serializers: names; by default all that carry more than one type.
        compressors: names, ``none`` for none; by default all, and none.
        levels: by default those that each compressor's `levels` names, and the one that it has.

    Raises:
        RegistryError: a codec that was named is unknown or not installed.
        ValueError: no compressor has any of the levels.
    """
    left_out: dict[str, str] = {}
    named = [name for name in compressors or () if name != "none"]
    every = _codecs(registry, "serializer", serializers, left_out)
    if levels is not None and not any(
        _takes(codec, level) for codec in _codecs(registry, "compressor", None, {}) for level in levels
    ):
        raise ValueError(f"no compressor has a level {' or '.join(map(str, levels))}")
    packing = [] if compressors is not None and not named else _codecs(registry, "compressor", named or None, left_out)
    bare = compressors is None or "none" in compressors
    found: list[Candidate] = []
    for serializer in every:
        if bare:
            found.append(Candidate(serializer.name))
        for codec in packing:
            found += [_at(serializer.name, codec, level) for level in _levels(codec, levels)]
    return found, left_out


def level_of(codec: Any) -> int | None:
    """Give the level that a compressor is configured with, or None."""
    name = level_option(codec)
    return None if name is None else getattr(codec, name)


def _codecs(registry: Registry, kind: Kind, names: Iterable[str] | None, left_out: dict[str, str]) -> list[Any]:
    load = registry.serializer if kind == "serializer" else registry.compressor
    if names is not None:
        return list(dict.fromkeys(load(name) for name in names))
    return list(_available(registry, kind, left_out))


def _available(registry: Registry, kind: Kind, left_out: dict[str, str]) -> Iterator[Any]:
    load = registry.serializer if kind == "serializer" else registry.compressor
    known = registry.serializers if kind == "serializer" else registry.compressors
    for name in (*known, *registry.plugin_names(kind)):
        if name in _OF_ONE_TYPE:
            continue
        try:
            yield load(name)
        except MissingDependency as error:
            left_out[name] = error.install or str(error)
        except RegistryError as error:  # a broken plugin
            left_out[name] = str(error)


def level_option(codec: Any) -> str | None:
    """Give the name of a compressor's option for its level: ``level``, ``quality`` or ``preset``; None without one."""
    if not is_dataclass(codec):
        return None
    options = {field.name for field in fields(codec) if field.init}
    return next((name for name in _LEVELS if name in options), None)


def _levels(codec: Any, wanted: Sequence[int] | None) -> list[int | None]:
    own = level_of(codec)
    if level_option(codec) is None:
        return [None]
    if wanted is None:
        return list(dict.fromkeys((own, *getattr(codec, "levels", ()))))
    return [level for level in wanted if _takes(codec, level)] or [own]


def _takes(codec: Any, level: int) -> bool:
    try:
        _at("", codec, level)
    except ValueError:
        return False
    return True


def _at(serializer: str, codec: Any, level: int | None) -> Candidate:
    name = level_option(codec)
    if name is None:
        if level is not None:
            raise ValueError(f"{codec.name} has no level")
        return Candidate(serializer, codec)
    return Candidate(serializer, codec if level == getattr(codec, name) else replace(codec, **{name: level}), level)


def usual(rows: Iterable[Row], registry: Registry) -> set[str]:
    """The names of the rows whose compressor is as the registry has it."""
    return {row.name for row in rows if row.compressor and level_of(registry.compressor(row.compressor)) == row.level}


def libraries(candidates: Iterable[Candidate], registry: Registry) -> list[str]:
    """The distributions whose code does the work of these candidates, as far as the codecs name them."""
    codecs = [codec for one in candidates for codec in (registry.serializer(one.serializer), one.compressor) if codec]
    names = (name for codec in codecs for name in (getattr(codec, "library", ""), *getattr(codec, "accelerators", ())))
    return sorted({name for name in names if name})
