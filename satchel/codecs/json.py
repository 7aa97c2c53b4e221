"""JSON (RFC 8259) with kombu's type tags, by the standard library, or by orjson and msgspec where installed."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, Literal, NoReturn

from satchel.codecs.base import ValueSerializer, derived, optional
from satchel.codecs.gate import TAG_KEY, not_finite, unsure
from satchel.codecs.json_bounds import SMALL, bound, may_be_deep
from satchel.codecs.json_reading import UNREAD, cutter, may_have_tags, restorer
from satchel.codecs.json_writing import PACKED_SMALL, Write, writers
from satchel.codecs.lowering import Lowering, locate
from satchel.codecs.tagged import Types
from satchel.codecs.values import unique
from satchel.errors import CorruptBody, let_signals_through
from satchel.types import Buffer, Limits

_UNDERSCORE = ord("_")
_ESCAPE = ord("\\")


@dataclass(frozen=True)
class Json(ValueSerializer):
    """JSON, lossless: a type that JSON lacks is ``{"__type__": tag, "__value__": text}``, as kombu writes it.

    Args:
        types: the application's types.
        tuples: keep tuples, by a tag; they come back as lists otherwise.
        unique_keys: refuse an object in which a key occurs twice, at the standard library's speed; the last one counts
            otherwise, as everywhere.
        dialect: "celery" writes only what a stock Celery worker reads (kombu's seven tags; NaN and infinities; int,
            float, bool and None as dict keys become str) and reads NaN, infinities and lone surrogates.
        engine: "stdlib", "fast" (the extra ``fast``: ormsgpack as type gate, orjson, msgspec), or "auto": fast where
            installed. Both give equal values; their bytes differ in the form of some floats (1e-7, 1e-07).

    Raises:
        MissingDependency: the engine is "fast" and one of its libraries is not installed.
    """

    types: Types = Types()
    tuples: bool = False
    unique_keys: bool = False
    dialect: Literal["satchel", "celery"] = "satchel"
    engine: Literal["auto", "stdlib", "fast"] = "auto"

    name = "json"
    content_type = "application/json"
    content_encoding = "utf-8"
    library: ClassVar[str] = "json"
    accelerators: ClassVar[tuple[str, ...]] = ("orjson", "ormsgpack", "msgspec")

    _lower: Lowering = derived()
    _restored: Callable[[Any], Any] = derived()
    _encoder: json.JSONEncoder = derived()
    _decoder: json.JSONDecoder = derived()
    _pack: Any = derived()
    _gate: int = derived()
    _text: Callable[[Any, None, int], bytes] = derived()
    _stops: int = derived()
    _write_large: Write = derived()
    _write_mixed: Write = derived()
    _write_other: Callable[[Any, Limits, Exception], bytes | None] = derived()
    _read: Callable[[bytes], Any] | None = derived()
    _cut: Callable[[bytes, Limits], Any] | None = derived()
    _read_error: Any = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check_flag("tuples")
        self._check_flag("unique_keys")
        self._check("engine", "auto", "stdlib", "fast")
        celery = self.dialect == "celery"
        orjson, ormsgpack, msgspec = map(self._accelerator, self.accelerators)
        pairs = unique if self.unique_keys else None
        restored = restorer(self.name, self.types)
        # msgspec keeps the last of equal keys and does not tell.
        read = msgspec and not self.unique_keys
        lower = Lowering(
            self.name,
            self.types,
            wrap=_wrap,
            atoms=frozenset({str, int, bool, type(None)}),
            celery=celery,
            tuples=self.tuples,
            scalars={bytes: _bytes_tag},
            escape_dicts=True,
            coerce_keys=celery,
        )
        # Lowering saw to cycles and keys; without check_circular the C encoder keeps no table of ids.
        encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=celery, separators=(",", ":"))
        self._derive(
            _lower=lower,
            _restored=restored,
            _encoder=encoder,
            _decoder=json.JSONDecoder(object_pairs_hook=pairs)
            if celery
            else json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_refuse_constant, parse_float=_finite),
            **self._fast(orjson, ormsgpack, lower, encoder),
            _read=msgspec.json.decode if read else None,
            _cut=cutter(msgspec, self.types, restored) if read else None,
            _read_error=msgspec and msgspec.MsgspecError,  # Not always a ValueError.
        )

    def _accelerator(self, module: str) -> Any:
        if self.engine == "stdlib":
            return None
        return optional(module, codec=self.name, extra="fast", required=self.engine == "fast")

    @staticmethod
    def _fast(orjson: Any, ormsgpack: Any, lower: Lowering, encoder: json.JSONEncoder) -> dict[str, Any]:
        if not (orjson and ormsgpack):
            return {"_pack": None}
        parts = writers(orjson, ormsgpack, lower, encoder.encode)
        return {f"_{name}": part for name, part in parts._asdict().items()}

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model as UTF-8.

        Raises:
            EncodeError: the value, or a part of it, cannot be written exactly; with the path.
            LimitExceeded: a reader with the same limits would refuse the body.
        """
        pack = self._pack
        if pack is None:
            return self._exactly(value, limits)
        same = value
        if type(value) is tuple and value and not self.tuples:
            # A task's body is a tuple, whose first item mostly is one too.
            same = [*value]
            if type(same[0]) is tuple:
                same[0] = [*same[0]]
        body: bytes | None
        try:
            packed = pack(same, None, self._gate)
        except (TypeError, ValueError) as error:
            let_signals_through(error)
            body = self._write_other(same, limits, error)
        else:
            if len(packed) > PACKED_SMALL:
                is_unsure = unsure(packed)
                del packed  # What is written next may have its memory, which is at hand.
                body = None if is_unsure else self._write_large(same, limits)
            # As unsure() does: as a number, one byte is found quicker than by a call. Infinities and NaN start with one
            # of two.
            elif (_UNDERSCORE in packed and packed.find(TAG_KEY, packed.find(b"_") - 1) >= 0) or (
                (0x7F in packed or 0xFF in packed) and not_finite(packed)
            ):
                body = None
            else:
                text = self._text
                try:
                    body = text(same, None, self._stops)
                except (TypeError, ValueError) as error:
                    let_signals_through(error)
                    body = self._write_mixed(same, limits)
                else:
                    # A level takes two bytes, and so does a value with what separates it from the next, but for one.
                    half = len(body) >> 1
                    if half > limits.max_depth or half >= limits.max_nodes:
                        bound(body, limits)
        return self._exactly(value, limits) if body is None else body

    def _exactly(self, value: Any, limits: Limits) -> bytes:
        value = self._lower(value, limits)
        try:
            body = self._encoder.encode(value).encode()
        except ValueError as error:  # A lone surrogate, or an int of more digits than Python reads.
            raise locate(value, lambda leaf: self._encoder.encode(leaf).encode()) from error
        bound(body, limits)
        return body

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body; what is not strict JSON in UTF-8, without a byte order mark, is refused.

        Raises:
            LimitExceeded: it is nested too deep or holds too many values.
            CorruptBody: a type tag is unknown or does not hold what it says, or a surrogate stands alone.
            ValueError: it is not JSON.
        """
        data = body if type(body) is bytes else bytes(body)
        size = len(data)
        if size > SMALL:
            tagged = may_have_tags(data)
            if tagged and self._cut is not None:
                value = self._cut(data, limits)
                if value is not UNREAD:
                    return value
            bound(data, limits)
        else:
            # As may_have_tags() does.
            tagged = (_UNDERSCORE in data and data.find(b"__type__", data.find(b"_")) >= 0) or (
                _ESCAPE in data and data.find(b"\\u00") >= 0
            )
            # Up to the last list, a level takes a byte; behind it four, but for the innermost. None need be closed.
            if size > limits.max_nodes or (
                size + 3 * data.rfind(b"[") + 3 > 4 * limits.max_depth and may_be_deep(data, limits.max_depth)
            ):
                bound(data, limits)
        read = self._read
        if read is None:
            value = self._parse(data, limits)
        else:
            try:
                value = read(data)
            except (ValueError, self._read_error) as error:
                let_signals_through(error)
                # The standard library has the last word: it knows Celery's NaN, and says where the fault is.
                value = self._parse(data, limits)
        return self._restored(value) if tagged else value

    def _parse(self, data: bytes, limits: Limits) -> Any:
        try:
            text = data.decode()
            value = self._decoder.decode(text)
        except (ValueError, CorruptBody):
            # It may have been refused for its levels first: not all that open one were counted.
            bound(data, limits)
            raise
        if self.dialect != "celery" and re.search(r"\\u[dD]", text):
            try:
                self._encoder.encode(value).encode()
            except UnicodeEncodeError as error:
                raise CorruptBody("a surrogate stands alone", codec=self.name) from error
        return value


def _wrap(tag: str, plain: Any) -> Any:
    # Kombu makes a UUID from keyword arguments.
    return {"__type__": tag, "__value__": {"hex": plain} if tag == "uuid" else plain}


def _bytes_tag(value: bytes) -> Any:
    try:
        return _wrap("bytes", value.decode())
    except UnicodeDecodeError:
        return _wrap("base64", b64encode(value).decode())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; Celery's dialect reads it")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is beyond what a float holds")
    return value
