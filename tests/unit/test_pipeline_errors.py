"""What a pipeline makes of a codec's exceptions: wrapped once, chained, named; and what it lets through."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from satchel import (
    Buffer,
    ContentDisallowed,
    CorruptBody,
    DuplicateCodec,
    Encoded,
    EncodeError,
    LimitExceeded,
    Limits,
    MissingDependency,
    Pipeline,
    Registry,
    SatchelError,
    SealBroken,
)

BUILT_IN = Registry.of_dialect("satchel")
MESSAGE = Encoded(b"body", "application/x-doing", "binary", "application/x-doing-packed")


def plain(body: Any, **_: Any) -> Any:
    return body


@dataclass(frozen=True)
class Doing:
    """A serializer that does what it is told."""

    do_dumps: Callable[..., Any] = plain
    do_loads: Callable[..., Any] = plain
    name: str = "doing"
    content_type: str = "application/x-doing"
    content_encoding: str = "binary"

    def dumps(self, value: Any, /) -> bytes:
        body: bytes = self.do_dumps(value)
        return body

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return self.do_loads(body)


@dataclass(frozen=True)
class DoingPacked:
    """A compressor that does what it is told."""

    do_compress: Callable[..., Any] = plain
    do_decompress: Callable[..., Any] = plain
    name: str = "doing-packed"
    content_type: str = "application/x-doing-packed"

    def compress(self, body: Buffer, /) -> bytes:
        compressed: bytes = self.do_compress(body)
        return compressed

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        inflated: bytes = self.do_decompress(body, max_size=max_size)
        return inflated


#: Each of the four methods: how it is told what to do, whether it is for decoding, and the name of its codec.
METHODS = {
    "dumps": (lambda do: (Doing(do_dumps=do), DoingPacked()), False, "doing"),
    "compress": (lambda do: (Doing(), DoingPacked(do_compress=do)), False, "doing-packed"),
    "loads": (lambda do: (Doing(do_loads=do), DoingPacked()), True, "doing"),
    "decompress": (lambda do: (Doing(), DoingPacked(do_decompress=do)), True, "doing-packed"),
}
ENCODING, DECODING = ("dumps", "compress"), ("loads", "decompress")


def run(method: str, do: Callable[..., Any]) -> Any:
    make, decoding, _ = METHODS[method]
    serializer, compressor = make(do)
    registry = BUILT_IN.with_serializer(serializer).with_compressor(compressor)
    pipeline = Pipeline(["doing"], registry=registry, accept_compression=["doing-packed"], compression_threshold=0)
    if decoding:
        return pipeline.decode(MESSAGE)
    return pipeline.encode(b"value", serializer="doing", compression="doing-packed")


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def do(*_: Any, **__: Any) -> NoReturn:
        raise error

    return do


FOREIGN = [
    ValueError("bad"),
    TypeError("bad"),
    KeyError("bad"),
    RecursionError("bad"),
    OSError(5, "bad"),
    StopIteration("bad"),
    zlib.error("bad"),
    AssertionError("bad"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    SatchelError("bad"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda error: type(error).__name__)
def test_a_foreign_error_is_wrapped_once_chained_and_names_the_codec(method: str, foreign: Exception) -> None:
    _, decoding, codec = METHODS[method]

    with pytest.raises(CorruptBody if decoding else EncodeError) as caught:
        run(method, raising(foreign))
    assert vars(caught.value)["codec"] == codec
    assert caught.value.__cause__ is foreign
    assert str(caught.value).startswith(f"{codec}: ")
    assert type(foreign).__name__ in str(caught.value)
    assert "bad" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_message_is_shown_shortly(method: str) -> None:
    with pytest.raises(SatchelError) as caught:
        run(method, raising(ValueError("x" * 1_000_000)))
    assert str(caught.value).count("x") == 200
    assert len(str(caught.value)) < 300


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_error_that_cannot_say_what_it_is_is_named(method: str) -> None:
    with pytest.raises(SatchelError, match="Mute, whose text raises ZeroDivisionError") as caught:
        run(method, raising(Mute()))
    assert isinstance(caught.value.__cause__, Mute)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "through",
    [
        MemoryError(),
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        asyncio.CancelledError(),
        MissingDependency("doing", "doer", "doing"),
        DuplicateCodec("taken"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_fault_of_the_message_passes_as_it_is(method: str, through: BaseException) -> None:
    with pytest.raises(type(through)) as caught:
        run(method, raising(through))
    assert caught.value is through
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("method", DECODING)
@pytest.mark.parametrize(
    "error",
    [
        LimitExceeded("max_depth", 100),
        ContentDisallowed("refused"),
        SealBroken("broken"),
        CorruptBody("bad", codec="inner"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_codecs_own_decode_error_passes_as_it_is(method: str, error: Exception) -> None:
    told = str(error)

    with pytest.raises(type(error)) as caught:
        run(method, raising(error))
    assert caught.value is error
    assert str(caught.value) == told


@pytest.mark.parametrize("method", ENCODING)
def test_a_codecs_own_encode_error_keeps_its_path_and_codec(method: str) -> None:
    error = EncodeError("bad", codec="inner", path=("a", 3))

    with pytest.raises(EncodeError) as caught:
        run(method, raising(error))
    assert caught.value is error
    assert str(caught.value) == "inner: bad at a[3]"


@pytest.mark.parametrize("method", METHODS)
def test_a_codecs_own_error_without_a_name_gets_the_codecs(method: str) -> None:
    _, decoding, codec = METHODS[method]
    error = CorruptBody("bad") if decoding else EncodeError("bad")

    with pytest.raises(type(error)) as caught:
        run(method, raising(error))
    assert caught.value is error
    assert str(caught.value) == f"{codec}: bad"


@pytest.mark.parametrize("method", ENCODING)
def test_a_limit_on_encode_is_an_encode_error_that_says_how_to_raise_it(method: str) -> None:
    _, _, codec = METHODS[method]

    with pytest.raises(EncodeError) as caught:
        run(method, raising(LimitExceeded("max_depth", 100)))
    assert isinstance(caught.value.__cause__, LimitExceeded)
    assert str(caught.value) == (
        f"{codec}: the value exceeds max_depth=100; "
        "split it, or raise Limits(max_depth=…) here and where Satchel decodes it"
    )


@pytest.mark.parametrize("method", ["dumps", "compress", "decompress"])
@pytest.mark.parametrize("given", [None, "text", 7, bytearray(b"x"), memoryview(b"x"), [b"x"], b"".join])
def test_a_codec_that_gives_no_bytes_is_named(method: str, given: Any) -> None:
    _, decoding, codec = METHODS[method]

    with pytest.raises(CorruptBody if decoding else EncodeError) as caught:
        run(method, lambda body, **_: given)
    assert str(caught.value).startswith(f"{codec}: {method} gave {type(given).__name__}; ")


def test_nothing_is_kept_of_an_encoding_that_failed() -> None:
    answers = iter([ValueError("bad"), None])

    def sometimes(value: Any) -> Any:
        if error := next(answers):
            raise error
        return value

    pipeline = Pipeline(["doing"], registry=BUILT_IN.with_serializer(Doing(do_dumps=sometimes)))

    with pytest.raises(EncodeError):
        pipeline.encode(b"value", serializer="doing")
    assert pipeline.encode(b"value", serializer="doing").body == b"value"


def test_dumps_is_given_the_limits_only_where_it_names_them() -> None:
    given: list[dict[str, Any]] = []

    class Naming(Doing):
        def dumps(self, value: Any, /, *, limits: Limits | None = None) -> bytes:
            given.append({"limits": limits})
            return b""

    class TakingAll(Doing):
        def dumps(self, value: Any, /, **options: Any) -> bytes:
            given.append(options)
            return json.dumps(value, **options).encode()

    limits = Limits(max_depth=7)
    for codec in (Naming(), TakingAll()):
        registry = BUILT_IN.with_serializer(codec)
        Pipeline([], registry=registry, limits=limits).encode({}, serializer="doing")

    assert given == [{"limits": limits}, {}]


def test_loads_and_decompress_are_given_the_pipelines_limits() -> None:
    given: list[Any] = []

    class Noting(Doing):
        def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
            given.append(limits)

    def decompress(body: bytes, *, max_size: int) -> bytes:
        given.append(max_size)
        return body

    registry = BUILT_IN.with_serializer(Noting()).with_compressor(DoingPacked(do_decompress=decompress))
    limits = Limits(max_decompressed=7, max_depth=9)
    Pipeline(["doing"], registry=registry, accept_compression=["doing-packed"], limits=limits).decode(MESSAGE)

    assert given == [7, limits]
