"""MessagePack (its specification of 2013: str, bin and ext types), by msgpack; faster by msgspec and ormsgpack."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, Literal
from uuid import UUID

from satchel.codecs.base import Types, ValueSerializer, derived, optional, require
from satchel.codecs.lowering import Lowering, locate
from satchel.codecs.msgpack_fast import LEVELS, UNREAD, reader, writer
from satchel.codecs.msgpack_reading import SHORT, unpacked, within
from satchel.codecs.values import INT_BOUND, SCALARS, Restoring, measure
from satchel.errors import CorruptBody, EncodeError
from satchel.records import dataclass
from satchel.types import Buffer, Limits

#: The ext codes of scalars that MessagePack lacks; each holds the value's text, but for big ints and UUIDs.
_SCALAR_CODES = {"bigint": 81, "datetime": 82, "date": 83, "time": 84, "timedelta": 85, "decimal": 86, "uuid": 87}
_SCALAR_TAGS = {code: tag for tag, code in _SCALAR_CODES.items()}
#: The ext code that marks an array as a set, a tuple or an application's type: it stands first, and holds the tag.
_MARK_CODE = 80
_OWN_CODES = frozenset({_MARK_CODE, *_SCALAR_TAGS})

#: What may need a look after decoding: a mark or a timestamp, in Celery's dialect; bin (as a key) and floats that are
#: not finite, in ours.
_CELERYS = rb"(?s:[\xd4-\xd8]|\xc7.|\xc8..|\xc9....)[\x50\xff]"
_SUSPECT = {
    "celery": re.compile(_CELERYS),
    "satchel": re.compile(_CELERYS + rb"|[\xc4-\xc6]|\xcb[\x7f\xff][\xf0-\xff]|\xca[\x7f\xff][\x80-\xff]"),
}
#: What stays as it is, but for floats that are not finite.
_PLAIN = frozenset({type(None), bool, int, str, bytes})
_CONTAINERS = frozenset({dict, list})

#: Items up to which looking at each is quicker than looking at their types as a set.
_FEW = 8

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _Mark(str):
    """The tag of an array, found as its first item."""


@dataclass(frozen=True)
class Msgpack(ValueSerializer):
    """MessagePack, lossless: a type that MessagePack lacks is an ext type, or an array that begins with one.

    An aware datetime in UTC is the standard's timestamp (ext -1). Ext types of others come back as ``msgpack.ExtType``,
    timestamps finer than a microsecond as ``msgpack.Timestamp``, and can be sent as such.

    Args:
        types: the application's types.
        tuples: keep tuples, by a tag; they come back as lists otherwise.
        unique_keys: refuse a map in which a key occurs twice; the last one counts otherwise, as everywhere.
        dialect: "celery" writes only what a stock Celery worker reads: no ext types of ours, but NaN and infinities.
        engine: "plain" (msgpack), "fast" (ormsgpack writes, msgspec reads what they can; extra ``fast``), or "auto".

    Raises:
        MissingDependency: msgpack is not installed, or a library for the engine "fast".
    """

    types: Types = Types()
    tuples: bool = False
    unique_keys: bool = False
    dialect: Literal["satchel", "celery"] = "satchel"
    engine: Literal["auto", "plain", "fast"] = "auto"

    name = "msgpack"
    content_type = "application/x-msgpack"
    content_encoding = "binary"
    library: ClassVar[str] = "msgpack"
    extra: ClassVar[str | None] = "msgpack"
    accelerators: ClassVar[tuple[str, ...]] = ("ormsgpack", "orjson", "msgspec")

    _msgpack: Any = derived()
    _write: Callable[[Any, Limits], bytes | None] | None = derived()
    _read: Callable[[bytes], Any] | None = derived()
    _lower: Lowering = derived()
    _restore: Restoring = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check_flag("tuples")
        self._check_flag("unique_keys")
        self._check("engine", "auto", "plain", "fast")
        msgpack = require("msgpack", codec=self.name, library="msgpack", extra="msgpack")
        celery = self.dialect == "celery"
        ormsgpack, orjson, msgspec = map(self._accelerator, self.accelerators)
        read = msgspec and reader(msgpack, msgspec, finite=not celery)
        scalars: dict[type, Callable[[Any], Any]] = {
            int: self._int,
            msgpack.ExtType: self._ext,
            msgpack.Timestamp: _stamp,
        }
        if not celery:
            scalars[datetime] = self._datetime
        self._derive(
            _msgpack=msgpack,
            _write=ormsgpack
            and orjson
            and writer(msgpack, ormsgpack, orjson, tuples=self.tuples, finite=None if celery else read or _unread),
            # msgspec keeps the last of equal keys and does not tell.
            _read=None if self.unique_keys else read,
            _lower=Lowering(
                self.name,
                self.types,
                wrap=self._wrap,
                atoms=frozenset({str, bool, bytes, type(None)}),
                celery=celery,
                tuples=self.tuples,
                scalars=scalars,
            ),
            _restore=Restoring(self.name, self.types, {"bigint": _big_int, "uuid": _uuid_bytes}),
        )

    def _accelerator(self, module: str) -> Any:
        if self.engine == "plain":
            return None
        return optional(module, codec=self.name, extra="fast", required=self.engine == "fast")

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model.

        Raises:
            EncodeError: the value, or a part of it, cannot be written exactly; with the path.
            LimitExceeded: a reader with the same limits would refuse the body.
        """
        body = None if self._write is None else self._write(value, limits)
        if body is None:
            value = self._lower(value, limits)
            try:
                body = self._packed(value)
            except (ValueError, OverflowError) as error:
                raise locate(value, self._packed) from error
            if not within(self._msgpack, body, limits):
                measure(value, limits)
        return body

    def _packed(self, lowered: Any) -> bytes:
        body: bytes = self._msgpack.packb(lowered, use_bin_type=True)
        return body

    def _wrap(self, tag: str, plain: Any) -> Any:
        code = _SCALAR_CODES.get(tag)
        if code is not None:
            return self._msgpack.ExtType(code, bytes.fromhex(plain) if tag == "uuid" else plain.encode())
        mark = self._msgpack.ExtType(_MARK_CODE, tag.encode())
        return [mark, *plain] if tag in ("set", "frozenset", "tuple") else [mark, plain]

    def _int(self, value: int) -> Any:
        if -(1 << 63) <= value < 1 << 64:
            return value
        if self.dialect == "celery":
            raise self._lower.refusal("bigint", "an int beyond 64 bits")
        if not -INT_BOUND < value < INT_BOUND:
            raise EncodeError("an int of more than 4,300 digits", cure="send it as bytes")
        size = value.bit_length() // 8 + 1
        return self._msgpack.ExtType(_SCALAR_CODES["bigint"], value.to_bytes(size, "big", signed=True))

    def _datetime(self, value: datetime) -> Any:
        if value.tzinfo is timezone.utc:
            since = value - _EPOCH
            return self._msgpack.Timestamp(since.days * 86400 + since.seconds, since.microseconds * 1000)
        return self._wrap("datetime", SCALARS[datetime][1](value))

    def _ext(self, value: Any) -> Any:
        if value.code in _OWN_CODES:
            raise EncodeError(f"the code {value.code} of an ExtType is Satchel's own", cure="choose another")
        return value

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body.

        Raises:
            LimitExceeded: it is nested too deep or holds too many values.
            CorruptBody: an ext type of ours does not hold what it says, a key is not a str or there twice, or a float
                not finite.
            ValueError, msgpack.UnpackException: it is not MessagePack.
        """
        data = body if isinstance(body, bytes) else bytes(body)
        if self._read is not None and len(data) <= limits.max_nodes and limits.max_depth >= LEVELS:
            value = self._read(data)
            if value is not UNREAD:
                return value
        seen = within(self._msgpack, data, limits)
        value = unpacked(self._msgpack, data, limits, seen, ext_hook=self._ext_hook, unique_keys=self.unique_keys)
        if not seen:
            measure(value, limits)
        # In a long body there is always a byte that may be suspect.
        if len(data) <= SHORT and not _SUSPECT[self.dialect].search(data):
            return value
        return value if self._plain(value) else self._restored(value)

    def _ext_hook(self, code: int, data: bytes) -> Any:
        if code == _MARK_CODE:
            return _Mark(data.decode())
        tag = _SCALAR_TAGS.get(code)
        if tag is None:
            return self._msgpack.ExtType(code, data)
        return self._restore(tag, data if tag in ("bigint", "uuid") else data.decode())

    def _plain(self, root: Any) -> bool:
        """Say whether a value is of plain types alone, so that there is nothing to restore."""
        # The innermost first: what was made last is the nearest in memory.
        containers: list[Any] = [[root]]
        while containers:
            items = containers.pop()
            if type(items) is dict:
                if self.dialect != "celery" and not {str}.issuperset(map(type, items)):
                    return False
                items = items.values()
            if len(items) > _FEW and _PLAIN.issuperset(map(type, items)):
                continue
            for item in items:
                kind = type(item)
                if kind is list or kind is dict:
                    containers.append(item)
                elif kind is float:
                    if item - item != 0.0 and self.dialect != "celery":
                        return False
                elif kind not in _PLAIN:
                    return False
        return True

    def _restored(self, root: Any) -> Any:
        """Replace marked arrays by what they mean, in place, from the inside out; check keys and floats.

        Not by recursion, which takes more of the C stack than a small thread has.
        """
        top = {"": root}
        opened: list[Any] = [top]
        containers: list[Any] = []
        while opened:
            container = opened.pop()
            containers.append(container)
            items = container.values() if type(container) is dict else container
            opened.extend([item for item in items if type(item) in _CONTAINERS])
        # Each stands after what it stands in.
        for container in reversed(containers):
            if type(container) is dict:
                for key, item in container.items():
                    self._check_key(key)
                    container[key] = self._meant(item)
            else:
                marked = len(container) > 0 and type(container[0]) is _Mark
                for index, item in enumerate(container[1:] if marked else container, marked):
                    container[index] = self._meant(item)
        return top[""]

    def _check_key(self, key: Any) -> None:
        if type(key) is not str and not (self.dialect == "celery" and type(key) is bytes):
            raise CorruptBody(f"a key of type {type(key).__name__}", expected="keys are str", codec=self.name)

    def _meant(self, item: Any) -> Any:
        kind = type(item)
        if kind is list:
            if item and type(item[0]) is _Mark:
                tag = str(item[0])
                return self._restore(tag, item[1:] if tag in ("set", "frozenset", "tuple") else _only(item[1:]))
        elif kind is float:
            if item - item != 0.0 and self.dialect != "celery":
                raise CorruptBody(f"{item} is not a finite number", codec=self.name)
        elif kind is _Mark:
            raise CorruptBody("a mark of an array that stands outside of one", codec=self.name)
        elif kind is self._msgpack.Timestamp:
            return _instant(item)
        return item


def _unread(data: bytes) -> Any:
    return UNREAD


def _stamp(value: Any) -> Any:
    if _instant(value) is not value:
        raise EncodeError("a Timestamp would come back as a datetime", cure="send the datetime")
    return value


def _instant(stamp: Any) -> Any:
    """Give a timestamp as a datetime in UTC, unless it is too fine or too far for one."""
    if stamp.nanoseconds % 1000:
        return stamp
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanoseconds // 1000)
    except OverflowError:
        return stamp


def _only(items: list[Any]) -> Any:
    if len(items) != 1:
        raise CorruptBody("an array of an application's type holds one value", codec=Msgpack.name)
    return items[0]


def _big_int(data: Any) -> int:
    value = int.from_bytes(data, "big", signed=True)
    if not -INT_BOUND < value < INT_BOUND:
        raise ValueError("an int of more than 4,300 digits")
    return value


def _uuid_bytes(data: Any) -> UUID:
    return UUID(bytes=data)
