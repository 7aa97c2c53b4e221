"""What a codec is: two protocols, for type checkers and for readers."""

from __future__ import annotations

from typing import Any, Protocol

from satchel.types import Buffer, Limits


class Serializer(Protocol):
    """Turns values into bytes and back. Instances are shared by threads."""

    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def content_encoding(self) -> str: ...
    def dumps(self, value: Any, /) -> bytes: ...
    def loads(self, body: Buffer, /, *, limits: Limits) -> Any: ...


class Compressor(Protocol):
    """Turns bytes into fewer bytes and back. Instances are shared by threads.

    `decompress` returns at most `max_size` bytes, from one whole stream with nothing after it, or raises
    `LimitExceeded` or `CorruptBody`.
    """

    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    def compress(self, body: Buffer, /) -> bytes: ...
    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes: ...
