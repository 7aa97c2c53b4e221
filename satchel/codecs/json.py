"""JSON (RFC 8259) with kombu's type tags, by the standard library, or by orjson and msgspec where installed."""

from __future__ import annotations

import json
import re
from array import array
from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite
from typing import Any, ClassVar, Literal, NoReturn
from uuid import UUID

from satchel.codecs.base import ValueSerializer, derived, optional
from satchel.codecs.gate import Gate
from satchel.codecs.lowering import Lowering, locate
from satchel.codecs.tagged import Types
from satchel.codecs.values import Restoring, unique
from satchel.errors import CorruptBody, LimitExceeded
from satchel.types import Buffer, Limits

#: Brackets of one kind; and as steps up (+1) and down (-1) in signed bytes.
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")
_NOT_OPENING = bytes(set(range(256)) - set(b"[{"))
_NOT_BRACKET_OR_QUOTE = bytes(set(range(256)) - set(b'[{]}"'))


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
    _restore: Restoring = derived()
    _encoder: json.JSONEncoder = derived()
    _decoder: json.JSONDecoder = derived()
    _gate: Gate | None = derived()
    _orjson: Any = derived()
    _msgspec: Any = derived()
    _msgspec_error: Any = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check_flag("tuples")
        self._check_flag("unique_keys")
        self._check("engine", "auto", "stdlib", "fast")
        celery = self.dialect == "celery"
        # msgspec keeps the last of equal keys and does not tell.
        msgspec = None if self.unique_keys else self._accelerator("msgspec")
        gate = self._accelerator("ormsgpack")
        pairs = unique if self.unique_keys else None
        self._derive(
            _lower=Lowering(
                self.name,
                self.types,
                wrap=_wrap,
                atoms=frozenset({str, int, bool, type(None)}),
                celery=celery,
                tuples=self.tuples,
                scalars={bytes: _bytes_tag},
                escape_dicts=True,
                coerce_keys=celery,
            ),
            _restore=Restoring(self.name, self.types, {"bytes": _utf8, "base64": _base64, "uuid": _uuid_text}),
            # Lowering saw to cycles and keys; without check_circular the C encoder keeps no table of ids.
            _encoder=json.JSONEncoder(
                ensure_ascii=False, check_circular=False, allow_nan=celery, separators=(",", ":")
            ),
            _decoder=json.JSONDecoder(object_pairs_hook=pairs)
            if celery
            else json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_refuse_constant, parse_float=_finite),
            _gate=gate and Gate(gate, tuples=self.tuples),
            _orjson=self._accelerator("orjson"),
            _msgspec=msgspec and msgspec.json.decode,
            _msgspec_error=msgspec and msgspec.MsgspecError,  # Not always a ValueError.
        )

    def _accelerator(self, module: str) -> Any:
        if self.engine == "stdlib":
            return None
        return optional(module, codec=self.name, extra="fast", required=self.engine == "fast")

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model as UTF-8.

        Raises:
            EncodeError: the value, or a part of it, cannot be written exactly; with the path.
            LimitExceeded: a reader with the same limits would refuse the body.
        """
        body = self._fast_dumps(value)
        if body is None:
            value = self._lower(value, limits)
            try:
                body = self._encoder.encode(value).encode()
            except ValueError as error:  # A lone surrogate, or an int of more digits than Python reads.
                raise locate(value, lambda leaf: self._encoder.encode(leaf).encode()) from error
        self._bound(body, limits)
        return body

    def _fast_dumps(self, value: Any) -> bytes | None:
        """Encode a value that the fast libraries write without loss, or give None."""
        if self._gate is None or self._orjson is None:
            return None
        packed = self._gate.packed(value)
        if packed is None or packed.find(b"__type__") >= 0:
            return None
        try:
            body: bytes = self._orjson.dumps(value)
        except (TypeError, ValueError):
            return None
        return body

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body; what is not strict JSON in UTF-8, without a byte order mark, is refused.

        Raises:
            LimitExceeded: it is nested too deep or holds too many values.
            CorruptBody: a type tag is unknown or does not hold what it says, or a surrogate stands alone.
            ValueError: it is not JSON.
        """
        data = body if isinstance(body, bytes) else bytes(body)
        self._bound(data, limits)
        value = self._parse(data)
        # An escape could spell a tag's name.
        if data.find(b"__type__") >= 0 or data.find(b"\\u00") >= 0:
            value = self._restored(value)
        return value

    def _parse(self, data: bytes) -> Any:
        if self._msgspec is not None:
            try:
                return self._msgspec(data)
            except (ValueError, self._msgspec_error):
                pass  # The standard library has the last word: it knows Celery's NaN, and says where the fault is.
        text = data.decode()
        value = self._decoder.decode(text)
        if self.dialect != "celery" and re.search(r"\\u[dD]", text):
            try:
                self._encoder.encode(value).encode()
            except UnicodeEncodeError as error:
                raise CorruptBody("a surrogate stands alone", codec=self.name) from error
        return value

    def _restored(self, root: Any) -> Any:
        """Replace tags by their values, in place, from the inside out.

        Not by recursion, which takes more of the C stack than a small thread has.
        """
        containers: list[Any] = [[root]]
        for container in containers:
            items = container.values() if type(container) is dict else container
            containers.extend(item for item in items if type(item) in (dict, list))
        for container in reversed(containers):
            for key, item in container.items() if type(container) is dict else enumerate(container):
                if type(item) is dict and len(item) == 2 and "__type__" in item and "__value__" in item:
                    container[key] = self._restore(item["__type__"], item["__value__"])
        return containers[0][0]

    @staticmethod
    def _bound(body: bytes, limits: Limits) -> None:
        """Hold the depth of a body, and its number of values, against their limits, before anything is built of it."""
        # A value and what separates it from the next take two bytes at the least.
        if len(body) > 2 * limits.max_nodes and _values(body) > limits.max_nodes:
            raise LimitExceeded("max_nodes", limits.max_nodes)
        if len(body.translate(None, _NOT_OPENING)) <= limits.max_depth:
            return
        brackets = _outside_strings(body, _NOT_BRACKET_OR_QUOTE).translate(_ONE_KIND)
        # Every round takes the innermost level off; few levels are left when few brackets are.
        room = limits.max_depth
        while brackets.count(b"[") > room:
            outer = brackets.replace(b"[]", b"")
            if room == 0 or len(outer) > len(brackets) // 16 * 15:  # Too little for a round: go step by step.
                if max(accumulate(array("b", brackets.translate(_STEPS))), default=0) > room:
                    raise LimitExceeded("max_depth", limits.max_depth)
                return
            brackets = outer
            room -= 1


def _outside_strings(body: bytes, left_out: bytes) -> bytes:
    """Give the bytes of a body that stand outside of strings, without those in `left_out`, which has no quote."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Strings with none of them inside go; of the others, every other piece between quotes stands outside.
    left = body.translate(None, left_out).replace(b'""', b"")
    return b"".join(left.split(b'"')[::2]) if b'"' in left else left


def _values(body: bytes) -> int:
    """Count the values of a body: scalars, keys and containers."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A letter for each string, and no white space: what is empty then looks empty.
    marks = b"x".join(body.split(b'"')[::2]).translate(None, b" \t\r\n")
    containers = marks.count(b"[") + marks.count(b"{") - marks.count(b"[]") - marks.count(b"{}")
    # Each separator stands before a value, and so does the opening of a container with something in it.
    return 1 + marks.count(b",") + marks.count(b":") + containers


def _wrap(tag: str, plain: Any) -> Any:
    # Kombu makes a UUID from keyword arguments.
    return {"__type__": tag, "__value__": {"hex": plain} if tag == "uuid" else plain}


def _bytes_tag(value: bytes) -> Any:
    try:
        return _wrap("bytes", value.decode())
    except UnicodeDecodeError:
        return _wrap("base64", b64encode(value).decode())


def _utf8(text: Any) -> bytes:
    return str.encode(text)


def _base64(text: Any) -> bytes:
    return b64decode(text, validate=True)


def _uuid_text(plain: Any) -> Any:
    if type(plain) is not dict or plain.keys() != {"hex"} or type(plain["hex"]) is not str:
        raise ValueError("the hex digits are needed")
    return UUID(plain["hex"])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; Celery's dialect reads it")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is beyond what a float holds")
    return value
