"""Mistakes that both type checkers report: each comment below is itself an error where there is nothing to ignore.

Nothing here is run. `make types` checks it: mypy by ``warn_unused_ignores``, a part of strict; pyright by its line.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportUnusedVariable=false

from __future__ import annotations

import zlib
from typing import Any

from satchel import (
    Buffer,
    Encoded,
    Limits,
    Pipeline,
    Zstd,
    default_registry,
    register_compressor,
    register_serializer,
)


class Unbounded:
    """A compressor that cannot be told when to stop."""

    name = "unbounded"
    content_type = "application/x-unbounded"

    def compress(self, body: Buffer, /) -> bytes:
        return zlib.compress(body)

    def decompress(self, body: Buffer, /) -> bytes:
        return zlib.decompress(body)


class Textual:
    """A serializer that gives str where bytes are due."""

    name = "textual"
    content_type = "text/x-textual"
    content_encoding = "utf-8"

    def dumps(self, value: Any, /) -> str:
        return str(value)

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return str(body)


def mistakes(pipeline: Pipeline) -> None:
    Pipeline()  # type: ignore[call-arg]
    Pipeline([b"json"])  # type: ignore[list-item]
    Pipeline(["json"], accept_compression=5)  # type: ignore[arg-type]
    Pipeline(["json"], limits={"max_body": 5})  # type: ignore[arg-type]
    Pipeline(["json"], registry="celery")  # type: ignore[arg-type]
    Pipeline(["json"], default_registry)  # type: ignore[call-arg]

    pipeline.encode(1, "json")  # type: ignore[call-arg]
    pipeline.encode(1, serializer=b"json")  # type: ignore[arg-type]
    pipeline.decode(b"1")  # type: ignore[arg-type]
    Encoded("1", "application/json", "utf-8")  # type: ignore[arg-type]
    Encoded(b"1", "application/json")  # type: ignore[call-arg]
    pipeline.encode(1).body = b""  # type: ignore[misc]

    Limits(max_body=None)  # type: ignore[arg-type]
    Limits().max_body = 5  # type: ignore[misc]
    Zstd(level="9")  # type: ignore[arg-type]
    Zstd().level = 9  # type: ignore[misc]

    default_registry().with_compressor(Unbounded())  # type: ignore[arg-type]
    default_registry().with_serializer(Textual())  # type: ignore[arg-type]
    default_registry().with_serializer(Zstd())  # type: ignore[arg-type]
    default_registry().serializers["x"] = 5  # type: ignore[index]
    default_registry().compressor("zstd").decompress(b"")  # type: ignore[call-arg]
    default_registry().compressor("zstd").decompress(b"", 5)  # type: ignore[call-arg]

    register_serializer("toml", str, str)  # type: ignore[call-arg]
    register_compressor("toy", zlib.compress, 5, "application/x-toy")  # type: ignore[arg-type]
