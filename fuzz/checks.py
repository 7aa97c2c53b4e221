"""What is asked of a body that a fuzzer made: a DecodeError, or a value that a re-encode gives again."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from satchel import DecodeError, Encoded, EncodeError, Limits, Pipeline, celery_registry, default_registry
from satchel.codecs.protocols import Compressor
from satchel.errors import LimitExceeded
from satchel.testing import difference
from tests.property.applications import REGISTRY

#: What a codec reads and refuses to write, as its EncodeError begins; all else that comes out is written again.
KEYS = "a dict key of type "
STOCK = "a stock Celery worker "
SURROGATES = "a value of type str cannot be written .*surrogates not allowed"

#: By serializer, and whether it is in Celery's dialect.
UNWRITTEN = {
    ("json", True): f"{STOCK}|{SURROGATES}",
    ("msgpack", True): f"{STOCK}|{KEYS}bytes",
    ("yaml", True): STOCK,
    ("yaml", False): KEYS,
    ("pickle", True): STOCK,
}

#: So tight that bodies of a few bytes reach them.
TIGHT = Limits(max_body=64 * 1024, max_decompressed=64 * 1024, max_depth=20, max_nodes=2_000)


class Wrong(Exception):
    """What came out is not what was promised."""


@dataclass(frozen=True)
class Reading:
    """A serializer, as one of the variants under test.

    Attributes:
        reader: has tight limits.
        writer: has the default limits, which any value that the reader gave is within.
        headers: of its messages; the body is empty.
        unwritten: a pattern of the errors for what it reads and does not write; None: there is nothing such.
        tuples: it keeps tuples, which come back as lists otherwise.
    """

    reader: Pipeline
    writer: Pipeline
    headers: Encoded
    unwritten: str | None
    tuples: bool

    @classmethod
    def of(cls, codec: Any, limits: Limits = TIGHT) -> Reading:
        """Give the variant of a configured codec, with the tests' own types, and with limits for its reader."""
        celery = getattr(codec, "dialect", "satchel") == "celery"
        registry = (celery_registry() if celery else REGISTRY).with_serializer(codec, replace=True)
        reader, writer = (Pipeline([codec.name], registry=registry, limits=limits) for limits in (limits, Limits()))
        headers = Encoded(b"", codec.content_type, codec.content_encoding)
        unwritten = UNWRITTEN.get((codec.name, celery))
        return cls(reader, writer, headers, unwritten, codec.name == "pickle" or getattr(codec, "tuples", False))

    def read(self, body: bytes) -> Any:
        """Decode a body; a DecodeError is given, not raised."""
        try:
            return self.reader.decode(self.headers._replace(body=body))
        except DecodeError as error:
            return error

    def settle(self, value: Any) -> None:
        """Encode what was decoded, and decode that: it is the same."""
        serializer = self.reader.accepted_content_types[0]
        try:
            encoded = self.writer.encode(value, serializer=serializer)
        except EncodeError as error:
            if self.unwritten and re.search(rf"\A(\w+: )?({self.unwritten})", str(error)):
                return
            raise
        again = self.writer.decode(encoded)
        found = difference(value, again, tuples=self.tuples)
        # A difference finds no NaN among keys, and a bytearray, which pickle alone reads, is written as bytes.
        if found is not None and exact(value, tuples=self.tuples) != exact(again):
            raise Wrong(f"{serializer}: a re-encode gives another value: {found}")


def serializer_check(variants: list[Reading], same: list[tuple[int, int]]) -> Callable[[bytes], bool]:
    """Give a check of a body by variants of a serializer; those in `same`, by their index, must agree on it."""

    def check(body: bytes) -> bool:
        results = [variant.read(body) for variant in variants]
        for left, right in same:
            if answer(results[left]) != answer(results[right]):
                raise Wrong(f"the engines differ: {results[left]!r:.300} and {results[right]!r:.300}")
        for variant, result in zip(variants, results, strict=True):
            if not isinstance(result, DecodeError):
                variant.settle(result)
        return not all(isinstance(result, DecodeError) for result in results)

    return check


def compressor_check(variants: list[Compressor]) -> Callable[[bytes], bool]:
    """Give a check of a compressed body by variants of a compressor, through a pipeline of raw bytes."""
    pipelines = [
        Pipeline(
            ["raw"],
            registry=(
                celery_registry() if codec.content_type == "application/x-gzip" else default_registry()
            ).with_compressor(codec, replace=True),
            accept_compression=[codec.name],
            limits=TIGHT,
        )
        for codec in variants
    ]

    def check(body: bytes) -> bool:
        came_out = False
        for codec, pipeline in zip(variants, pipelines, strict=True):
            try:
                plain = pipeline.decode(Encoded(body, "application/data", "binary", codec.content_type))
            except DecodeError:
                continue
            came_out = True
            _check_decompressed(codec, body, plain)
        return came_out

    return check


def _check_decompressed(codec: Compressor, body: bytes, plain: bytes) -> None:
    size = len(plain)
    if size > TIGHT.max_decompressed:
        raise Wrong(f"{codec!r} gave {size} bytes")
    if codec.decompress(body, max_size=max(size, 1)) != plain:
        raise Wrong(f"{codec!r} gives something else when {size} bytes are allowed")
    if size > 1:
        try:
            codec.decompress(body, max_size=size - 1)
        except LimitExceeded:
            pass
        else:
            raise Wrong(f"{codec!r} gave {size} bytes where {size - 1} are allowed")
    if codec.decompress(codec.compress(plain), max_size=max(size, 1)) != plain:
        raise Wrong(f"{codec!r} does not give back what it compressed")


def answer(result: Any) -> Any:
    """Give what can be compared of a value or an error: an error's class, a value's types, orders and bits."""
    return type(result) if isinstance(result, Exception) else exact(result)


def exact(value: Any, *, tuples: bool = True) -> Any:
    """Give a tree that equals that of another value only if types, orders of keys, signs and bits of floats do.

    Without `tuples`, a tuple is as a list, but among keys and members.
    """
    kind = type(value)
    if kind is tuple and not tuples:
        kind = list
    if kind is float:
        return kind, struct.pack(">d", value)
    if kind in (list, tuple):
        return kind, [exact(item, tuples=tuples) for item in value]
    if kind is dict:
        return kind, [(exact(key), exact(item, tuples=tuples)) for key, item in value.items()]
    if kind in (set, frozenset):
        return kind, sorted(repr(exact(member)) for member in value)
    if kind is bytearray:
        return bytes, bytes(value)
    if isinstance(value, date | time):
        return kind, value.isoformat(), getattr(value, "fold", 0)
    return kind, value if kind in (int, str, bytes, bool, type(None)) else repr(value)
