"""What a registry knows of a codec without loading it; and the built-in codecs, one line each."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from satchel.records import NamedTuple


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


def built_in(name: str, target: str, content_types: tuple[str, ...], aliases: tuple[str, ...] = ()) -> Entry:
    """Give the line of a codec: its name, class, content types (the first is written, all are read) and aliases."""
    return Entry(name, content_types, aliases, "built-in", target)


SERIALIZERS = (
    built_in("json", "json:Json", ("application/json",)),
    built_in("msgpack", "msgpack:Msgpack", ("application/x-msgpack", "application/msgpack", "application/vnd.msgpack")),
    built_in("yaml", "yaml:Yaml", ("application/x-yaml", "application/yaml", "text/yaml")),
    built_in("pickle", "pickle:Pickle", ("application/x-python-serialize",)),
    built_in("raw", "raw:Raw", ("application/data", "application/octet-stream"), ("binary",)),
    built_in("text", "raw:Text", ("text/plain", "application/text")),
)

COMPRESSORS = (
    built_in("brotli", "brotli:Brotli", ("application/x-brotli",)),
    built_in("bzip2", "bzip2:Bzip2", ("application/x-bz2",), ("bzip",)),
    built_in("gzip", "gzip:Gzip", ("application/gzip", "application/x-gzip")),
    built_in("lzma", "lzma:Lzma", ("application/x-lzma", "application/x-xz"), ("xz",)),
    built_in("zlib", "zlib:Zlib", ("application/zlib", "application/x-gzip")),
    built_in("zstd", "zstd:Zstd", ("application/zstd",), ("zstandard",)),
)

#: Celery's gzip and zlib are one thing: zlib's bytes under gzip's content type.
CELERY_COMPRESSORS = (
    *(line for line in COMPRESSORS if line.name not in ("gzip", "zlib")),
    built_in("zlib", "zlib:Zlib", ("application/x-gzip", "application/zlib", "application/gzip"), ("gzip",)),
)
