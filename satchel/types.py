"""The values that every layer passes on: Buffer, Encoded and Limits."""

from __future__ import annotations

from typing import TypeAlias

from satchel.records import NamedTuple, dataclass

Buffer: TypeAlias = bytes | bytearray | memoryview
"""What is decoded: any of the three buffer types. What Satchel writes is always bytes."""


class Encoded(NamedTuple):
    """An encoded value: a body and the three facts that a reader needs.

    Attributes:
        body: bytes when Satchel made it; any buffer is read.
        content_type: a MIME type, such as ``application/json``.
        content_encoding: ``utf-8``, ``us-ascii`` or ``binary``.
        compression: the compressor's content type, or None when the body is sent as it is.
    """

    body: Buffer
    content_type: str
    content_encoding: str
    compression: str | None = None


@dataclass(frozen=True)
class Limits:
    """Bounds on what is encoded and decoded.

    Attributes:
        max_body: bytes of a body as it was received.
        max_decompressed: bytes of a body after decompression.
        max_depth: levels of containers within containers; a list in a list is two.
        max_nodes: values in one body: scalars, dict keys and containers.

    Raises:
        ValueError: a limit is not a positive int. There is no "unlimited".
    """

    max_body: int = 4 * 1024 * 1024
    max_decompressed: int = 16 * 1024 * 1024
    max_depth: int = 100
    max_nodes: int = 1_000_000

    def __post_init__(self) -> None:
        for name in Limits.__match_args__:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive int, got {value!r}; there is no 'unlimited'")
