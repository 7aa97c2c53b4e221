"""The process's registries: what `satchel.register_*` adds, who sees it, and threads."""

from __future__ import annotations

import enum
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import satchel
from satchel import (
    CorruptBody,
    DuplicateCodec,
    Encoded,
    EncodeError,
    InvalidCodec,
    Json,
    Pipeline,
    UnknownCodec,
    celery_registry,
    default_registry,
)
from satchel.registry import process

DIALECTS = (default_registry, celery_registry)


class Color(enum.Enum):
    RED = "r"


@pytest.fixture(autouse=True)
def process_registries() -> Iterator[None]:
    """Put the process's registries back."""
    kept = process._default, process._celery
    yield
    process._default, process._celery = kept


def register(name: str = "toy", **options: Any) -> None:
    satchel.register_serializer(name, json.dumps, json.loads, f"application/x-{name}", **options)


def decompress(body: bytes, *, max_size: int) -> bytes:
    return zlib.decompressobj().decompress(body, max_size)


def test_both_dialects_get_what_is_registered() -> None:
    register(aliases=["toyish"])
    satchel.register_compressor("squeeze", zlib.compress, decompress, "application/x-squeeze", ["sq"])
    satchel.register_type(Color)

    for dialect in DIALECTS:
        assert dialect().serializer("toyish").name == "toy"
        assert dialect().compressor("sq").name == "squeeze"
        assert [entry.cls for entry in dialect().types] == [Color]


def test_a_registry_at_hand_does_not_change_when_something_is_registered() -> None:
    before = [(dialect(), list(dialect().serializers)) for dialect in DIALECTS]
    register()

    assert [(registry, list(registry.serializers)) for registry, _ in before] == before
    assert all(dialect() is not registry for dialect, (registry, _) in zip(DIALECTS, before, strict=True))


def test_functions_round_trip_through_a_pipeline() -> None:
    register()
    satchel.register_compressor("squeeze", zlib.compress, decompress, "application/x-squeeze")
    pipeline = Pipeline(["toy"], accept_compression=["squeeze"])
    value = [{"price": 5}] * 50

    encoded = pipeline.encode(value, serializer="toy", compression="squeeze")

    assert encoded[1:] == ("application/x-toy", "utf-8", "application/x-squeeze")
    assert pipeline.decode(encoded) == value


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_pipeline_made_before_sees_what_is_registered_later(dialect: Callable[[], Any]) -> None:
    pipeline = Pipeline(["json"], registry=dialect)
    pipeline.decode(pipeline.encode(1))
    with pytest.raises(UnknownCodec, match="no serializer 'toy'"):
        pipeline.encode(1, serializer="toy")

    register()
    satchel.register_compressor("squeeze", zlib.compress, decompress, "application/x-squeeze")

    encoded = pipeline.encode([1] * 100, serializer="toy", compression="squeeze")
    assert encoded[1:] == ("application/x-toy", "utf-8", "application/x-squeeze")
    assert pipeline.registry is dialect()


def test_a_pipeline_that_only_reads_sees_what_is_registered_later_and_binds_once() -> None:
    satchel.register_serializer("later", lambda value: f"{value}", lambda text: ("first", text), "application/x-later")
    pipeline = Pipeline(["later"])
    message = Encoded(b"1", "application/x-later", "utf-8")
    assert pipeline.decode(message) == ("first", "1")

    satchel.register_serializer(
        "later", lambda value: f"{value}", lambda text: ("second", text), "application/x-later", replace=True
    )

    assert pipeline.decode(message) == ("second", "1")
    bound = pipeline._bound
    assert pipeline.decode(message) == ("second", "1")
    assert pipeline._bound is bound


def test_a_pipeline_of_a_registry_of_its_own_does_not() -> None:
    registry = default_registry()
    pipeline = Pipeline(["json"], registry=registry)
    register()

    with pytest.raises(UnknownCodec, match="no serializer 'toy'"):
        pipeline.encode(1, serializer="toy")
    assert pipeline.registry is registry


def test_registering_widens_nothing() -> None:
    pipeline = Pipeline(["json"])
    pipeline.decode(pipeline.encode(1))
    register()
    satchel.register_compressor("squeeze", zlib.compress, decompress, "application/x-squeeze")

    assert pipeline.accepted_content_types == ("application/json",)
    for encoded in (
        Encoded(b"1", "application/x-toy", "utf-8"),
        Encoded(b"1", "application/json", "utf-8", "application/x-squeeze"),
    ):
        with pytest.raises(satchel.ContentDisallowed):
            pipeline.decode(encoded)


def test_a_type_that_is_registered_later_is_carried_by_a_pipeline_made_before() -> None:
    pipeline = Pipeline(["json"])
    with pytest.raises(EncodeError, match="Color"):
        pipeline.encode(Color.RED)

    satchel.register_type(Color, "color")

    assert pipeline.decode(pipeline.encode([Color.RED])) == [Color.RED]


def test_a_replaced_codec_is_used_by_a_pipeline_made_before() -> None:
    pipeline = Pipeline(["json"])
    assert pipeline.encode((1,)).body == b"[1]"

    satchel.register_serializer("json", lambda _: "new", lambda _: "new", "application/json", replace=True)

    assert pipeline.encode((1,)).body == b"new"
    assert pipeline.decode(Encoded(b"[1]", "application/json", "utf-8")) == "new"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: register("json"),
        lambda: register(aliases=["yaml"]),
        lambda: satchel.register_serializer("toy", str, str, "application/json"),
        lambda: satchel.register_compressor("gzip", zlib.compress, decompress, "application/x-squeeze"),
        # Gzip is a codec of one dialect, and a name of zlib's in the other.
        lambda: satchel.register_compressor("gzip", zlib.compress, decompress, "application/gzip", replace=True),
        lambda: satchel.register_serializer("json", str, str, "application/x-toy", replace=True),
        lambda: satchel.register_type(Color, "datetime"),
        lambda: register(aliases="toyish"),
    ],
)
def test_a_registration_that_fails_in_either_dialect_changes_neither(attempt: Callable[[], None]) -> None:
    before = [dialect() for dialect in DIALECTS]

    with pytest.raises((DuplicateCodec, InvalidCodec, TypeError)):
        attempt()
    assert [dialect() for dialect in DIALECTS] == before


def test_the_same_functions_may_be_registered_again() -> None:
    for _ in range(2):
        register(aliases=["toyish"])
    with pytest.raises(DuplicateCodec, match=r"replace=True"):
        satchel.register_serializer("toy", str, str, "application/x-toy")

    assert list(default_registry().serializers).count("toy") == 1


@pytest.mark.parametrize(
    ("content_encoding", "given", "body"),
    [
        ("utf-8", "größe", "größe".encode()),
        ("utf-8", b"\xc3\xb6", b"\xc3\xb6"),
        ("us-ascii", "size", b"size"),
        ("binary", b"\0\xff", b"\0\xff"),
    ],
)
def test_text_encodings_take_str_or_bytes_and_binary_takes_bytes(
    content_encoding: str, given: Any, body: bytes
) -> None:
    received: list[Any] = []
    satchel.register_serializer("toy", lambda _: given, received.append, "application/x-toy", content_encoding)
    pipeline = Pipeline(["toy"])

    encoded = pipeline.encode(None, serializer="toy")
    for buffer in (body, bytearray(body), memoryview(body)):
        pipeline.decode(encoded._replace(body=buffer))

    assert encoded == Encoded(body, "application/x-toy", content_encoding)
    assert received == [body if content_encoding == "binary" else body.decode()] * 3


@pytest.mark.parametrize(
    ("content_encoding", "given", "message"),
    [
        ("binary", "text", "toy: its function gave str; bytes"),
        ("binary", None, "toy: its function gave NoneType; bytes"),
        ("utf-8", None, "toy: its function gave NoneType; str or bytes"),
        ("utf-8", bytearray(b"x"), "toy: its function gave bytearray; str or bytes"),
        ("utf-8", 7, "toy: its function gave int; str or bytes"),
        ("us-ascii", "ö", "toy: UnicodeEncodeError: 'ascii' codec can't encode"),
        ("utf-8", "\ud800", "toy: UnicodeEncodeError: 'utf-8' codec can't encode"),
    ],
)
def test_a_function_that_gives_something_else_is_an_encode_error(
    content_encoding: str, given: Any, message: str
) -> None:
    satchel.register_serializer("toy", lambda _: given, str, "application/x-toy", content_encoding)

    with pytest.raises(EncodeError) as caught:
        Pipeline([]).encode(None, serializer="toy")
    assert str(caught.value).startswith(message)


def test_a_body_that_is_not_in_its_encoding_is_corrupt() -> None:
    register()

    with pytest.raises(CorruptBody, match=r"toy: it cannot be read \(UnicodeDecodeError"):
        Pipeline(["toy"]).decode(Encoded(b"\xff", "application/x-toy", "utf-8"))


def test_a_replacement_that_is_only_configured_is_of_one_registry() -> None:
    registry = default_registry().with_serializer(Json(tuples=True), replace=True)
    pipeline = Pipeline(["json"], registry=registry)

    assert pipeline.decode(pipeline.encode((1, 2))) == (1, 2)
    assert Pipeline(["json"]).decode(Pipeline([]).encode((1, 2))) == [1, 2]


def test_registering_and_encoding_in_many_threads_at_once() -> None:
    pipeline = Pipeline(["json"])
    names = [f"toy-{number}" for number in range(64)]
    start = threading.Barrier(8)

    def work(part: list[str]) -> list[bool]:
        start.wait()
        right = []
        for name in part:
            register(name)
            right += [
                pipeline.encode([name], serializer=name).content_type == f"application/x-{name}",
                pipeline.decode(pipeline.encode({"name": name})) == {"name": name},
                name in default_registry().serializers and name in celery_registry().serializers,
            ]
        return right

    with ThreadPoolExecutor(8) as pool:
        results = [right for part in pool.map(work, [names[n::8] for n in range(8)]) for right in part]

    assert results == [True] * 3 * len(names)
    for dialect in DIALECTS:
        assert set(names) <= dialect().serializers.keys()
