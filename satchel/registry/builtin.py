"""The built-in codecs, one line each: name, class, content types (the first is written, all are read), aliases."""

from __future__ import annotations

from satchel.named import NamedTuple


class Builtin(NamedTuple):
    """Where a built-in codec is, and what it is known by; its module is imported on first use."""

    name: str
    target: str
    content_types: tuple[str, ...]
    aliases: tuple[str, ...] = ()


SERIALIZERS = (
    Builtin("json", "json:Json", ("application/json",)),
    Builtin("msgpack", "msgpack:Msgpack", ("application/x-msgpack", "application/msgpack", "application/vnd.msgpack")),
    Builtin("yaml", "yaml:Yaml", ("application/x-yaml", "application/yaml", "text/yaml")),
    Builtin("pickle", "pickle:Pickle", ("application/x-python-serialize",)),
    Builtin("raw", "raw:Raw", ("application/data", "application/octet-stream"), ("binary",)),
    Builtin("text", "raw:Text", ("text/plain", "application/text")),
)

COMPRESSORS = (
    Builtin("brotli", "brotli:Brotli", ("application/x-brotli",)),
    Builtin("bzip2", "bzip2:Bzip2", ("application/x-bz2",), ("bzip",)),
    Builtin("gzip", "gzip:Gzip", ("application/gzip", "application/x-gzip")),
    Builtin("lzma", "lzma:Lzma", ("application/x-lzma", "application/x-xz"), ("xz",)),
    Builtin("zlib", "zlib:Zlib", ("application/zlib", "application/x-gzip")),
    Builtin("zstd", "zstd:Zstd", ("application/zstd",), ("zstandard",)),
)

#: Celery's gzip and zlib are one thing: zlib's bytes under gzip's content type.
CELERY_COMPRESSORS = (
    *(line for line in COMPRESSORS if line.name not in ("gzip", "zlib")),
    Builtin("zlib", "zlib:Zlib", ("application/x-gzip", "application/zlib", "application/gzip"), ("gzip",)),
)
