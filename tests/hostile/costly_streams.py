"""Compressed bodies of a given size that cost as much as their format lets them, and hold next to nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma

from tests.hostile.costly import Family, filled

#: An empty block of DEFLATE, and an empty stream of bzip2.
_STORED = b"\x00\x00\x00\xff\xff"
_SKIPPABLE = b"\x50\x2a\x4d\x18" + bytes(4)

COMPRESSED: dict[str, dict[str, Family]] = {
    "zlib": {
        "empty blocks": filled(_STORED, b"\x78\x9c", b"\x01\x00\x00\xff\xff\x00\x00\x00\x01"),
        "without an end": filled(_STORED, b"\x78\x9c"),
        "tiny blocks": filled(b"\x00\x01\x00\xfe\xffa", b"\x78\x9c"),
        "what follows": lambda size: b"\x78\x9c\x03\x00\x00\x00\x00\x01" + bytes(size),
    },
    "gzip": {
        "empty members": filled(gzip.compress(b"", mtime=0)),
        "tiny members": filled(gzip.compress(b"a", mtime=0)),
        "empty blocks": filled(_STORED, b"\x1f\x8b\x08" + bytes(7)),
        "a long name": filled(b"a", b"\x1f\x8b\x08\x08" + bytes(6)),
    },
    "bzip2": {"empty streams": filled(bz2.compress(b"")), "tiny streams": filled(bz2.compress(b"a", 1))},
    "lzma": {
        "empty streams": filled(lzma.compress(b"", check=lzma.CHECK_CRC32)),
        "padding": filled(bytes(4), lzma.compress(b"a")),
        "streams and padding": filled(lzma.compress(b"") + bytes(64)),
    },
    "zstd": {
        "skippable frames": filled(_SKIPPABLE),
        "empty frames": filled(b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"),
        "empty frames of no known size": filled(b"\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00"),
        "empty blocks": filled(bytes(3), b"\x28\xb5\x2f\xfd\x00\x58", b"\x01\x00\x00"),
        "tiny blocks": filled(b"\x08\x00\x00a", b"\x28\xb5\x2f\xfd\x00\x58", b"\x01\x00\x00"),
    },
    "brotli": {
        "empty meta-blocks": filled(b"\x06", b"\x0c", b"\x03"),
        "without an end": filled(b"\x06", b"\x0c"),
        "skipped bytes": filled(b"\x0e\x00a", b"\x0c", b"\x03"),
    },
}
