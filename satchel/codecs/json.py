"""JSON (RFC 8259) with kombu's type tags, by the standard library, or by orjson and msgspec where installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from satchel.codecs.base import Types, ValueSerializer, derived, optional
from satchel.codecs.gate import TAG_KEY, not_finite, passthrough, runs_nothing, unsure
from satchel.codecs.json_bounds import bound
from satchel.errors import let_signals_through
from satchel.records import dataclass
from satchel.types import Buffer, Limits

if TYPE_CHECKING:
    from satchel.codecs.json_exact import Writer

    _F = TypeVar("_F", bound=Callable[..., Any])

#: Bytes of MessagePack up to which it is quicker to count the brackets of what is written.
_PACKED_SMALL = 2_000
_UNDERSCORE = ord("_")


if TYPE_CHECKING:

    def _ready(method: _F) -> _F: ...

else:

    class _ready:  # noqa: N801 - a decorator
        """`Json.loads`, which is made ready when it is looked up: before there is a message to blame."""

        def __init__(self, method: Callable[..., Any]) -> None:
            self._method = method

        def __get__(self, codec: Json | None, owner: type) -> Callable[..., Any]:
            return self._method if codec is None else codec._reading()


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

    _libraries: tuple[Any, Any] = derived()
    _pack: Any = derived()
    _gate: int = derived()
    _text: Callable[[Any, None, int], bytes] = derived()
    _stops: int = derived()
    _writer: Writer | None = derived()
    _loads: Callable[..., Any] | None = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        self._check_flag("tuples")
        self._check_flag("unique_keys")
        self._check("engine", "auto", "stdlib", "fast")
        orjson, ormsgpack = libraries = tuple(map(self._accelerator, self.accelerators[:2]))
        fast = orjson and ormsgpack
        self._derive(
            _libraries=libraries,
            _pack=fast and ormsgpack.packb,
            # orjson does not count the levels of tuples.
            _gate=fast and passthrough(ormsgpack, tuples=True),
            _text=fast and orjson.dumps,
            _stops=fast and runs_nothing(orjson),
            _writer=None,
            _loads=None,
        )
        if self.engine == "fast":
            self._reading()  # What is missing is told here.

    def _accelerator(self, module: str) -> Any:
        if self.engine == "stdlib":
            return None
        return optional(module, codec=self.name, extra="fast", required=self.engine == "fast")

    def dumps(self, value: Any, /, *, limits: Limits = Limits(), plain: list[bool] | None = None) -> bytes:
        """Encode a value of the value model as UTF-8.

        Args:
            value: what to encode.
            limits: those of its readers.
            plain: takes True where the body is small and there is nothing in the value but None, bools, ints, finite
                floats, strs, lists and dicts with strs for keys, none of them of a subclass.

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
            body = self._more().other(same, limits, error)
        else:
            if len(packed) > _PACKED_SMALL:
                is_unsure = unsure(packed)
                del packed  # What is written next may have its memory, which is at hand.
                body = None if is_unsure else self._more().large(same, limits)
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
                    body = self._more().mixed(same, limits)
                else:
                    # A level takes two bytes, and so does a value with what separates it from the next, but for one.
                    half = len(body) >> 1
                    if half > limits.max_depth or half >= limits.max_nodes:
                        bound(body, limits)
                    if plain is not None:
                        plain.append(True)
        return self._exactly(value, limits) if body is None else body

    def _exactly(self, value: Any, limits: Limits) -> bytes:
        return self._more().exactly(value, limits)

    def _more(self) -> Writer:
        """Give what writes the rest. Who sends small values of plain types is spared it."""
        writer = self._writer
        if writer is None:
            from satchel.codecs.json_exact import Writer

            celery = self.dialect == "celery"
            writer = Writer(self.name, self.types, *self._libraries, celery=celery, tuples=self.tuples)
            self._derive(_writer=writer)
        return writer

    @_ready
    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body; what is not strict JSON in UTF-8, without a byte order mark, is refused.

        Raises:
            LimitExceeded: it is nested too deep or holds too many values.
            CorruptBody: a type tag is unknown or does not hold what it says, or a surrogate stands alone.
            ValueError: it is not JSON.
        """
        return self._reading()(body, limits=limits)

    def _reading(self) -> Callable[..., Any]:
        """Give what decodes. Who only encodes is spared it."""
        loads = self._loads
        if loads is None:
            from satchel.codecs.json_reading import Reader

            msgspec, celery = self._accelerator(self.accelerators[2]), self.dialect == "celery"
            loads = Reader(self.name, self.types, msgspec, unique_keys=self.unique_keys, celery=celery).loads
            self._derive(_loads=loads)
        return loads
