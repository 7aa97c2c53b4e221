"""JSON of what is not written at once: by orjson where it can be, and exactly, or with the fault's path, where not."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from satchel.codecs.base import Types
from satchel.codecs.json_bounds import bound
from satchel.codecs.json_writing import Write, WriteOther, writers
from satchel.codecs.lowering import Lowering, locate
from satchel.types import Limits


class Writer:
    """Writes values; the rules are those of `satchel.codecs.json.Json`.

    Args:
        codec: the serializer's name.
        types: the application's types.
        celery: write only what a stock worker reads.
        tuples: keep tuples, by a tag.
        orjson, ormsgpack: the libraries, or None for the standard library alone.

    Attributes:
        lower: turns a value into what the standard library writes.
        large, mixed, other: see `satchel.codecs.json_writing.writers`; they are there where the libraries are.
    """

    def __init__(self, codec: str, types: Types, orjson: Any, ormsgpack: Any, *, celery: bool, tuples: bool) -> None:
        self.lower: Lowering = Lowering(
            codec,
            types,
            wrap=_wrap,
            atoms=frozenset({str, int, bool, type(None)}),
            celery=celery,
            tuples=tuples,
            scalars={bytes: _bytes_tag},
            escape_dicts=True,
            coerce_keys=celery,
        )
        # Lowering saw to cycles and keys; without check_circular the C encoder keeps no table of ids.
        self._encode = json.JSONEncoder(
            ensure_ascii=False, check_circular=False, allow_nan=celery, separators=(",", ":")
        ).encode
        if orjson and ormsgpack:
            self.large: Write
            self.mixed: Write
            self.other: WriteOther
            self.large, self.mixed, self.other = writers(orjson, ormsgpack, self.lower, self._encode)

    def exactly(self, value: Any, limits: Limits) -> bytes:
        """Write a value by the standard library. Errors are those of `Json.dumps`."""
        value = self.lower(value, limits)
        try:
            body = self._encode(value).encode()
        except ValueError as error:  # A lone surrogate, or an int of more digits than Python reads.
            raise locate(value, lambda leaf: self._encode(leaf).encode()) from error
        bound(body, limits)
        return body


def _wrap(tag: str, plain: Any) -> Any:
    # Kombu makes a UUID from keyword arguments.
    return {"__type__": tag, "__value__": {"hex": plain} if tag == "uuid" else plain}


def _bytes_tag(value: bytes) -> Any:
    try:
        return _wrap("bytes", value.decode())
    except UnicodeDecodeError:
        return _wrap("base64", b64encode(value).decode())
