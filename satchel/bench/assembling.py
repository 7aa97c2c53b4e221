"""Zstandard dictionaries (RFC 8878, section 5) put together from whole messages, which the library has no call for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

_MAGIC = b"\x37\xa4\x30\xec"
#: The trainer ends the entropy tables of every dictionary with these three offsets: 1, 4, 8.
_OFFSETS = b"\x01\0\0\0\x04\0\0\0\x08\0\0\0"
#: RFC 8878 leaves these ids to private use: those below and above can be registered.
_FIRST_ID, _END_OF_IDS = 32_768, 2**31


class NoTables(ValueError):
    """A dictionary does not look like one of the library's trainer."""


def tables(dictionary: bytes) -> bytes:
    """Give a trained dictionary without its content: magic number, id, and entropy tables.

    Raises:
        NoTables: it is no such dictionary.
    """
    offsets = dictionary.find(_OFFSETS)
    if not dictionary.startswith(_MAGIC) or offsets < 0:
        raise NoTables("there are no entropy tables as the trainer of libzstd writes them")
    return dictionary[: offsets + len(_OFFSETS)]


def identified(dictionary: bytes) -> tuple[bytes, int]:
    """Give a dictionary the id that follows from its bytes, in the range for private use; give that id, too."""
    rest = dictionary[8:]
    number = int.from_bytes(hashlib.sha256(rest).digest()[:8], "big")
    chosen = _FIRST_ID + number % (_END_OF_IDS - _FIRST_ID)
    return _MAGIC + chosen.to_bytes(4, "little") + rest, chosen


def unrepeated(bodies: Iterable[bytes], *, shortest: int, most: int) -> bytes:
    """Join messages, leaving out what an earlier one has.

    The longest message is the last: what it has in common with others is near the end, where it is found first.

    Args:
        bodies: messages; their order makes no difference.
        shortest: bytes of the shortest repetition that is left out; some of up to a third more stay.
        most: bytes of the result; what the longest messages have to say has precedence.
    """
    stride = shortest // 3
    seen: set[bytes] = set()
    parts: list[bytes] = []
    total = 0
    for body in sorted(set(bodies), key=lambda body: (-len(body), body)):
        if total >= most:
            break
        part = b"".join(_new(body, seen, shortest))
        # Enough to find any repetition of 4/3 of that length, in a fraction of the memory.
        seen.update(body[start : start + shortest] for start in range(0, len(body) - shortest + 1, stride))
        parts.append(part)
        total += len(part)
    return b"".join(reversed(parts))[-most:]


def _new(body: bytes, seen: set[bytes], length: int) -> Iterator[bytes]:
    """Give the stretches of a message that are in nothing that was seen."""
    end = 0
    for start in range(len(body) - length + 1):
        if body[start : start + length] in seen:
            if start > end:
                yield body[end:start]
            end = start + length
    yield body[end:]
