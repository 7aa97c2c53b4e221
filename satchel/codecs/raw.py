"""Bytes and text as they are (RFC 2046), by no library at all."""

from __future__ import annotations

from typing import Any, ClassVar

from satchel.codecs.base import Configured
from satchel.errors import EncodeError
from satchel.records import dataclass
from satchel.types import Buffer, Limits


@dataclass(frozen=True)
class Raw(Configured):
    """Bytes as they are; a bytearray or memoryview comes back as bytes."""

    name = "raw"
    content_type = "application/data"
    content_encoding = "binary"
    library: ClassVar[str] = "bytes"
    extra: ClassVar[str | None] = None
    safe: ClassVar[bool] = True

    def dumps(self, value: Any, /) -> bytes:
        """Give the bytes.

        Raises:
            EncodeError: the value is not a buffer.
        """
        if not isinstance(value, bytes | bytearray | memoryview):
            raise EncodeError(
                f"a value of type {type(value).__name__}",
                expected="raw carries bytes",
                cure="use text for a str, json for anything else",
            )
        return bytes(value)

    def loads(self, body: Buffer, /, *, limits: Limits) -> bytes:
        """Give the body; the pipeline has held its size against the limits."""
        return bytes(body)


@dataclass(frozen=True)
class Text(Configured):
    """A str in UTF-8."""

    name = "text"
    content_type = "text/plain"
    content_encoding = "utf-8"
    library: ClassVar[str] = "str"
    extra: ClassVar[str | None] = None
    safe: ClassVar[bool] = True

    def dumps(self, value: Any, /) -> bytes:
        """Encode a str.

        Raises:
            EncodeError: the value is not a str, or holds a lone surrogate.
        """
        if not isinstance(value, str):
            raise EncodeError(
                f"a value of type {type(value).__name__}",
                expected="text carries a str",
                cure="use raw for bytes, json for anything else",
            )
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise EncodeError(f"a lone surrogate at character {error.start}", cure="replace it") from error

    def loads(self, body: Buffer, /, *, limits: Limits) -> str:
        """Decode UTF-8, strictly.

        Raises:
            UnicodeDecodeError: it is not UTF-8.
        """
        return str(body, "utf-8")
