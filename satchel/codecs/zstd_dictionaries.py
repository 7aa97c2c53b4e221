"""Trained dictionaries of Zstandard (RFC 8878, section 5), by the library zstandard."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from satchel.errors import UnknownDictionary
from satchel.forking import ProcessLock
from satchel.records import dataclass
from satchel.types import Buffer

#: What `Zstd` is called when it has a dictionary: a peer that knows zstd alone is to refuse it by its header.
NAME = "zstd-dictionary"
CONTENT_TYPE = "application/vnd.satchel.zstd-dictionary"

#: What a file with a dictionary is called.
SUFFIX = ".zdict"

#: Bytes that a dictionary may have: ten times what zstd trains by default, and more than messages gain by.
MOST_BYTES = 1024 * 1024

_HEAD = struct.Struct("<II")
_MAGIC = 0xEC30A437

#: Bits of a frame's descriptor, its fifth byte: no window follows, but at once the dictionary's id in four bytes (RFC
#: 8878, section 3.1.1.1.1). So it is in frames of one window that say their size, but for dictionaries of small ids.
_ID_FOLLOWS = 0b0010_0011
#: Where a frame has both.
ID = slice(4, 9)

Source: TypeAlias = "Dictionary | Buffer | str | os.PathLike[str]"
"""A dictionary, its bytes, or the path of the file that holds them."""

_Decompress: TypeAlias = Callable[[Buffer, int, bool, bool], bytes]


@dataclass(frozen=True, repr=False)
class Dictionary:
    """A trained dictionary: what messages have in common, so that frames need not carry it.

    Attributes:
        data: its bytes, as `zstd --train` and `zstandard.train_dictionary` make them, at most 1 MiB.
        id: its number, 1 to 2**32 - 1, which each frame carries.

    Raises:
        TypeError, ValueError: it is not a dictionary, is too large, or has no id.
    """

    data: bytes
    id: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes):
            raise TypeError(f"a dictionary's data must be bytes, got {type(self.data).__name__}")
        if len(self.data) > MOST_BYTES:
            raise ValueError(f"a dictionary has at most {MOST_BYTES:,} bytes; train a smaller one")
        magic, number = _HEAD.unpack_from(self.data) if len(self.data) >= _HEAD.size else (0, 0)
        if magic != _MAGIC:
            raise ValueError(
                "not a trained dictionary: it does not begin with 37 a4 30 ec; train one from samples with "
                "`zstd --train` or zstandard.train_dictionary(…)"
            )
        if number == 0:
            raise ValueError("the dictionary has the id 0, which frames cannot name; train it with another id")
        object.__setattr__(self, "id", number)

    def __repr__(self) -> str:
        return f"<Dictionary {self.id}: {len(self.data):,} bytes>"

    @classmethod
    def of(cls, source: Source, /) -> Dictionary:
        """Give the dictionary of a source: itself, bytes, or the path of a file.

        Raises:
            TypeError, ValueError: it is not a dictionary.
            OSError: the file cannot be read.
        """
        if isinstance(source, Dictionary):
            return source
        if isinstance(source, bytes | bytearray | memoryview):
            return cls(bytes(source))
        if not isinstance(source, str | os.PathLike):
            raise TypeError(f"a dictionary is a Dictionary, bytes or a path, got {type(source).__name__}")
        with open(source, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        try:
            return cls(data)
        except ValueError as error:
            raise ValueError(f"{os.fspath(source)}: {error}") from error


def distinct(dictionaries: Iterable[Dictionary]) -> tuple[Dictionary, ...]:
    """Give dictionaries in their order, each once.

    Raises:
        ValueError: two that are not equal have one id, so a frame does not tell them apart.
    """
    found: dict[int, Dictionary] = {}
    for dictionary in dictionaries:
        if found.setdefault(dictionary.id, dictionary) != dictionary:
            raise ValueError(f"two different dictionaries have the id {dictionary.id}; train one with another id")
    return tuple(found.values())


class Digest:
    """A dictionary as the library reads it; nothing changes it any more, so threads and codecs share it."""

    def __init__(self, zstandard: Any, dictionary: Dictionary, level: int) -> None:
        self.dictionary = dictionary
        self.data: Any = zstandard.ZstdCompressionDict(dictionary.data, dict_type=zstandard.DICT_TYPE_FULLDICT)
        try:
            # With the parameters of a level for bodies of any length: those for short ones make long ones larger than
            # without a dictionary, and level 9 takes twice as long.
            parameters = zstandard.ZstdCompressionParameters.from_level(level)
            self.data.precompute_compress(compression_params=parameters)
            # The other half is made on first use, by whichever threads come first, each anew.
            frame = zstandard.ZstdCompressor(level=level, dict_data=self.data).compress(b"satchel")
            zstandard.ZstdDecompressor(dict_data=self.data).decompress(frame)
        except zstandard.ZstdError as error:
            raise ValueError(f"the dictionary {dictionary.id} is damaged ({error}); train it again") from error


_lock = ProcessLock()
_digests: WeakValueDictionary[tuple[Dictionary, int], Digest] = WeakValueDictionary()


def digest(zstandard: Any, dictionary: Dictionary, level: int) -> Digest:
    """Digest a dictionary for a level, once in a process as long as any codec has it.

    Raises:
        ValueError: its tables are damaged.
    """
    with _lock.here():
        made = _digests.get((dictionary, level))
        if made is None:
            made = _digests[dictionary, level] = Digest(zstandard, dictionary, level)
        return made


class DictionaryContexts(threading.local):
    """One thread's contexts for several dictionaries, those for reading made when a frame needs them."""

    def __init__(
        self, zstandard: Any, level: int, checksum: bool, dictionary: int | None, digests: Mapping[int, Digest]
    ) -> None:
        data = None if dictionary is None else digests[dictionary].data
        compressor: Any = zstandard.ZstdCompressor(level=level, write_checksum=checksum, dict_data=data)
        self.compress: Callable[[Buffer], bytes] = compressor.compress
        self.find: Callable[[bytes], _Decompress | None]
        self.named: Callable[[Buffer], _Decompress]
        self.find, self.named = _by_dictionary(zstandard, digests)

    def decompress(self, frame: Buffer, size: int, across: bool, rest: bool, /) -> bytes:
        """Decompress a frame with the dictionary that it names; one that names none is plain zstd."""
        return (self.find(bytes(frame[ID])) or self.named(frame))(frame, size, across, rest)


def _by_dictionary(
    zstandard: Any, digests: Mapping[int, Digest]
) -> tuple[Callable[[bytes], _Decompress | None], Callable[[Buffer], _Decompress]]:
    """Give two functions that find what decompresses a frame: by its bytes at `ID`, or else by the frame itself."""
    by_id: dict[int, _Decompress] = {0: zstandard.ZstdDecompressor().decompress}
    by_head: dict[bytes, _Decompress] = {}
    parameters = zstandard.get_frame_parameters

    def named(frame: Buffer) -> _Decompress:
        # Reading the whole header takes longer than all else when a short frame is decompressed.
        number: int = parameters(frame).dict_id
        function = by_id.get(number)
        if function is None:
            if number not in digests:
                raise UnknownDictionary(number, tuple(digests), codec=NAME)
            function = by_id[number] = zstandard.ZstdDecompressor(dict_data=digests[number].data).decompress
        head = bytes(frame[ID])
        if head[0] & _ID_FOLLOWS == _ID_FOLLOWS:
            by_head[head] = function  # Sixteen at the most for each dictionary.
        return function

    return by_head.get, named
