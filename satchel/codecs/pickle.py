"""Pickle (protocols 4 and 5), restricted: plain values and allow-listed globals, by the standard library."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from gc import get_referents
from io import BytesIO
from typing import Any, ClassVar, Literal
from uuid import UUID

from satchel.codecs.base import SCALAR_TAGS, Types, ValueSerializer, derived
from satchel.codecs.lowering import Lowering
from satchel.codecs.pickle_bounds import OWN_ROOM, ROOM, most_texts, surely_within
from satchel.codecs.pickle_calls import (
    BUILDING,
    ModelUnpickler,
    PlainUnpickler,
    Seal,
    SealingUnpickler,
    UnknownGlobal,
    load,
    seal,
    signature,
)
from satchel.codecs.pickle_patterns import fetches_nothing, frame_length
from satchel.codecs.pickle_plain import levels_opened, longest_text, longest_text_of_model
from satchel.codecs.pickle_reading import CONTAINERS, Tagged, check_values, hold_containers, restored, scan
from satchel.codecs.pickle_writing import (
    EXTENSIONS,
    MODEL,
    SHORT_TEXT,
    Pickler,
    QuickPickler,
    QuickPicklers,
    as_it_is,
    global_name,
    has_long_ints,
    has_objects,
    integer,
    longest_of_long_texts,
    offset_only,
    own_name,
    wrapped,
)
from satchel.codecs.values import Restoring, measure
from satchel.errors import CorruptBody, EncodeError
from satchel.records import dataclass
from satchel.types import Buffer, Limits

#: A float that is not finite, perhaps.
_NOT_FINITE = re.compile(rb"G[\x7f\xff][\xf0-\xff]")

#: Bytes of a pickle that is looked at as briefly as can be, and of two texts of its length; and how many values it may
#: have for each level that it may. An int of more than 4,300 digits takes more: 1,786 bytes.
_SMALL = 1536
_TWICE_SMALL = 2 * _SMALL
_PER_LEVEL = 32

#: Tags of the value model. A pickle has its own forms for what they stand for.
_OWN_TAGS = SCALAR_TAGS | {"set", "frozenset", "tuple", "dict"}


def tagged(tag: Any, plain: Any) -> Any:
    """Stand for an application's value in a pickle. `Pickle.loads` puts the value in its place."""
    return Tagged((tag, plain))


@dataclass(frozen=True)
class Pickle(ValueSerializer):
    """Pickle that runs nothing: plain data, the value model's classes, registered types and allow-listed globals.

    Dict keys may be any scalar, and lone surrogates pass: pickle carries them exactly.

    Args:
        allow: globals that a pickle may call, as "module:name" or as the class itself. They are trusted with any
            arguments, and with any attributes. Allow no containers, such as deque: the limits do not look inside.
        types: the application's types; they need no entry in `allow`.
        protocol: 4 or 5, for writing; both are read.
        dialect: "celery" writes no registered types, reads and writes NaN and infinities, and reads the signatures of
            stock Celery as dicts.
    """

    allow: Collection[str | type] = frozenset()
    types: Types = Types()
    protocol: Literal[4, 5] = 4
    dialect: Literal["satchel", "celery"] = "satchel"

    name = "pickle"
    content_type = "application/x-python-serialize"
    content_encoding = "binary"
    library: ClassVar[str] = "pickle"
    safe: ClassVar[bool] = False

    _celery: bool = derived()
    _globals: dict[str, Seal] = derived()
    _restore: Restoring = derived()
    _lower: Lowering = derived()
    _quick: QuickPicklers = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check("protocol", 4, 5)
        if isinstance(self.allow, str):
            raise TypeError(f"allow must be a set of names or classes, got the str {self.allow!r}")
        self._derive(allow=frozenset(map(global_name, self.allow)))
        celery = self.dialect == "celery"
        calls: dict[str, Callable[..., Any]] = {
            global_name(cls): BUILDING.get(cls, cls) for cls in MODEL if cls is not Decimal
        }
        calls["satchel.codecs.pickle:tagged"] = tagged
        # Stock Celery pickles the signatures of linked tasks as calls of this function.
        calls["celery.canvas:signature"] = signature
        self._derive(
            _celery=celery,
            _quick=QuickPicklers(partial(QuickPickler, protocol=self.protocol)),
            _globals={name: seal(call) for name, call in calls.items()},
            _restore=Restoring(self.name, self.types, dict.fromkeys(_OWN_TAGS, _unwritten)),
            _lower=Lowering(
                self.name,
                self.types,
                wrap=wrapped,
                atoms=frozenset({str, bool, bytes, type(None)}),
                celery=celery,
                tuples=True,
                any_set=True,
                scalars={
                    int: integer,
                    datetime: offset_only,
                    **dict.fromkeys((date, time, timedelta, timezone, Decimal, UUID), as_it_is),
                },
                keys=(object,),
                other=self._allowed_instance,
            ),
        )

    @classmethod
    def unrestricted(cls) -> Pickle:
        """Give a pickle codec that runs whatever a message says: only for messages from a trusted, sealed source."""
        warnings.warn("Pickle.unrestricted() runs code from messages", stacklevel=2)
        return _Unrestricted()

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model, or of allow-listed classes.

        Raises:
            EncodeError: the value, or a part of it, cannot be written so that it is read again; with the path.
            LimitExceeded: a reader with the same limits would refuse the body.
        """
        body = self._quick.write(value)
        if body is None or EXTENSIONS:
            return self._dumps(value, limits)
        size = len(body)
        if (
            # No object and no long int, and so few and short texts that nothing but levels is to be looked at.
            size <= _SMALL
            and (0x93 not in body or not has_objects(body))
            and 2 * (left := _PER_LEVEL * limits.max_depth) <= limits.max_nodes
            and _TWICE_SMALL * left <= limits.max_decompressed
            and (self._celery or not _NOT_FINITE.search(body))
        ):
            # The collector's own walk, a level at a time, which counts what is referred to twice as two; but twice as
            # many there may be: it does not show keys that are texts. One count for the levels and for what is in them.
            level = value if type(value) is list else get_referents(value)
            while level:
                left -= len(level) + _PER_LEVEL
                if left < 0:
                    break
                level = get_referents(*level)
            else:
                return body
        objects = has_objects(body)
        texts = most_texts(value, size, limits, room=OWN_ROOM, objects=objects)
        most = limits.max_decompressed // (texts or 1)
        longest = self._longest(body, limits, most, objects=objects)
        if texts is None or longest is None or longest > most:
            if longest is None or objects:
                return self._dumps(value, limits)
            measure(value, limits, CONTAINERS, texts=True)
        hold_containers(body, limits)
        return body

    def _dumps(self, value: Any, limits: Limits) -> bytes:
        """Encode a value the exact way."""
        body, checked = self._pickled(value)
        if body is None or not (checked or self._is_sound(body)):
            value = self._lower(value, limits)
            body, _ = self._pickled(value)
            if body is None:
                raise EncodeError(
                    "an allow-listed object refers to what is not allow-listed",
                    cure="add it to Pickle(allow={'module:name'})",
                )
        if self.allow or EXTENSIONS:
            # Nobody has looked at what an allow-listed object is made of, or at another program's numbers for classes.
            try:
                scan(body, limits)
            except CorruptBody as error:
                raise EncodeError(f"its pickle would be refused: {error}") from error
        hold_containers(body, limits)
        if not surely_within(value, len(body), len(body), limits, room=OWN_ROOM, objects=True):
            measure(value, limits, CONTAINERS, texts=True)
        return body

    def _pickled(self, value: Any) -> tuple[bytes | None, bool]:
        pickler = Pickler(self.protocol, self.allow, tagged)
        return pickler.write(value, not_finite=self._celery)

    def _longest(self, body: bytes, limits: Limits, most: int, *, objects: bool) -> int | None:
        """Give a length that no text in a pickle exceeds, as cheaply as it can be told that none exceeds `most`.

        Returns:
            None where it may have unsound numbers.
        """
        sound = self._is_sound(body)
        if sound and len(body) <= most:
            return len(body)
        if sound and most >= SHORT_TEXT and (longest := longest_of_long_texts(body)) <= most:
            return longest
        told = longest_text_of_model(body, limits) if objects else longest_text(body, limits)
        return len(body) if told is None and sound else told

    def _is_sound(self, body: bytes) -> bool:
        return not has_long_ints(body) and (self._celery or not _NOT_FINITE.search(body)) and len(body) < 1 << 24

    def _allowed_instance(self, value: Any) -> bool:
        return own_name(type(value)) in self.allow

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body. Its opcodes are scanned before any is carried out.

        Raises:
            ContentDisallowed: it refers to a global that is not allow-listed.
            CorruptBody: it is truncated, has something after its end, or an opcode that no plain pickle needs.
            LimitExceeded: it is nested too deep or holds too many values.
            pickle.UnpicklingError, ValueError, …: it is not a pickle.
        """
        data = body if type(body) is bytes else bytes(body)
        size = len(data)
        if (
            size <= limits.max_nodes
            and size <= limits.max_decompressed
            and fetches_nothing(data)
            and frame_length(data, 3)[0] == size - 11
            # A level takes two bytes: what opens it, and what puts it into another. Only a tuple takes one.
            and (size < 2 * limits.max_depth or levels_opened(data) <= limits.max_depth)
        ):
            longest = 0
        elif (found := longest_text(data, limits)) is not None:
            longest = found
        else:
            return self._with_objects(data, limits)
        try:
            value = PlainUnpickler(BytesIO(data)).load()
        except UnknownGlobal:
            return self._restricted(data, limits)
        except Exception:
            scan(data, limits)  # It has the last word on what is wrong.
            raise
        if longest and not surely_within(value, size, longest, limits, room=ROOM, objects=False):
            measure(value, limits, CONTAINERS, texts=True)
        return value

    def _with_objects(self, data: bytes, limits: Limits) -> Any:
        longest = longest_text_of_model(data, limits)
        if longest is not None:
            try:
                value = ModelUnpickler(BytesIO(data)).load()
                if not surely_within(value, len(data), longest, limits, room=ROOM, objects=True):
                    measure(value, limits, CONTAINERS, texts=True)
                    check_values(value, measured=True, not_finite=False)
            except UnknownGlobal:
                pass
            except Exception:
                self._restricted(data, limits)  # It has the last word on what is wrong.
                raise
            else:
                return value
        return self._restricted(data, limits)

    def _restricted(self, data: bytes, limits: Limits) -> Any:
        scan(data, limits)
        unpickler = SealingUnpickler(data, self._globals, self.allow)
        value = load(unpickler)
        # What an allow-listed function gives may be longer than its pickle.
        if self.allow or not surely_within(value, len(data), len(data), limits, room=ROOM, objects=True):
            measure(value, limits, CONTAINERS, texts=True)
        if unpickler.called or not self._is_sound(data):
            check_values(value, measured=True, not_finite=self._celery)
        return restored(value, self._restore) if unpickler.tagged else value


@dataclass(frozen=True)
class _Unrestricted(Pickle):
    """See `Pickle.unrestricted`."""

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        return pickle.dumps(value, self.protocol)

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return pickle.loads(body)


def _unwritten(_: Any) -> Any:
    raise ValueError("a pickle needs no tag for it")
