"""Every form of a body: buffers that C libraries read as they are, and views that have to be copied first."""

from __future__ import annotations

from array import array

PLAIN = b"0123456789abcdef"
KEPT = {
    "bytes": PLAIN,
    "bytearray": bytearray(PLAIN),
    "view": memoryview(PLAIN),
    "part of a view": memoryview(PLAIN)[3:-3],
    "empty view": memoryview(b""),
}
COPIED = {
    "other format": memoryview(PLAIN).cast("b"),
    "characters": memoryview(PLAIN).cast("c"),
    "booleans": memoryview(bytes([0, 1, 1])).cast("?"),
    "native": memoryview(PLAIN).cast("@B"),
    "wide": memoryview(array("I", [1, 2, 3])),
    "two dimensions": memoryview(PLAIN).cast("B", shape=[4, 4]),
    "no dimension": memoryview(b"x").cast("B", shape=[]),
    "every other byte": memoryview(PLAIN)[::2],
    "backwards": memoryview(PLAIN)[::-1],
}
