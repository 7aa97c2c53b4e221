"""Codecs made of an application's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from satchel.errors import EncodeError
from satchel.records import dataclass
from satchel.types import Buffer, Limits


@dataclass(frozen=True)
class FunctionSerializer:
    """A serializer of two functions.

    For the content encodings ``utf-8`` and ``us-ascii`` the functions may give str, and are given str; for ``binary``
    they give and are given bytes.
    """

    name: str
    dumps_function: Callable[[Any], str | bytes]
    loads_function: Callable[[Any], Any]
    content_type: str
    content_encoding: str

    def dumps(self, value: Any, /) -> bytes:
        """Call the function; a str is encoded.

        Raises:
            EncodeError: the function gave neither str nor bytes, or str for a binary encoding.
        """
        body: object = self.dumps_function(value)
        if isinstance(body, bytes):
            if self.content_encoding != "binary":
                body.decode(self.content_encoding)  # The reader will do so.
            return body
        if isinstance(body, str) and self.content_encoding != "binary":
            return body.encode(self.content_encoding)
        raise EncodeError(
            f"its function gave {type(body).__name__}",
            expected="bytes" if self.content_encoding == "binary" else "str or bytes",
            codec=self.name,
        )

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Call the function. The pipeline has held the size against the limits; depth is the function's own affair."""
        data = bytes(body)
        return self.loads_function(data if self.content_encoding == "binary" else data.decode(self.content_encoding))


@dataclass(frozen=True)
class FunctionCompressor:
    """A compressor of two functions; `decompress_function` takes `max_size` (bytes) by keyword."""

    name: str
    compress_function: Callable[[bytes], bytes]
    decompress_function: Callable[..., bytes]
    content_type: str

    def compress(self, body: Buffer, /) -> bytes:
        """Call the function with bytes."""
        return self.compress_function(bytes(body))

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        """Call the function with bytes and its bound."""
        return self.decompress_function(bytes(body), max_size=max_size)
