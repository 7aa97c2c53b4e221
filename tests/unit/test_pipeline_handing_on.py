"""What a pipeline hands to its codecs, and what it keeps from one message for the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from satchel import Buffer, ContentDisallowed, Encoded, Limits, Pipeline, Registry
from tests.unit.buffers import COPIED, KEPT, PLAIN

TYPE, PACKED = "application/x-noting", "application/x-noting-packed"


@dataclass(eq=False)
class Noting:
    """A serializer, and a compressor, that note the bodies they are given."""

    content_type: str
    name: str = "noting"
    content_encoding: str = "binary"
    given: list[Any] = field(default_factory=list)

    def dumps(self, value: Any, /) -> bytes:
        return b"{}"

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        self.given.append(body)
        return len(body)

    def compress(self, body: Buffer, /) -> bytes:
        return bytes(body)

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        self.given.append(body)
        return bytes(body)


def noting() -> tuple[Pipeline, Noting, Noting]:
    serializer, compressor = Noting(TYPE), Noting(PACKED)
    registry = Registry.of_dialect("satchel").with_serializer(serializer).with_compressor(compressor, aliases=["nt"])
    return Pipeline(["noting"], registry=registry, accept_compression=["noting"]), serializer, compressor


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of serializers that a registry was asked for."""
    names: list[str] = []
    serializer = Registry.serializer

    def noted(registry: Registry, name: str) -> Any:
        names.append(name)
        return serializer(registry, name)

    monkeypatch.setattr(Registry, "serializer", noted)
    return names


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_a_plain_buffer_reaches_the_codec_without_a_copy(body: Any) -> None:
    pipeline, serializer, compressor = noting()

    for _ in range(2):
        pipeline.decode(Encoded(body, TYPE, "binary"))
        pipeline.decode(Encoded(body, TYPE, "binary", PACKED))
    assert [serializer.given[0] is body, serializer.given[2] is body] == [True, True]
    assert [given is body for given in compressor.given] == [True, True]


@pytest.mark.parametrize("body", COPIED.values(), ids=COPIED)
def test_any_other_view_reaches_the_codec_as_its_bytes(body: memoryview) -> None:
    pipeline, serializer, compressor = noting()

    for _ in range(2):
        pipeline.decode(Encoded(body, TYPE, "binary"))
        pipeline.decode(Encoded(body, TYPE, "binary", PACKED))
    for given in (*serializer.given, *compressor.given):
        assert type(given) is bytes
        assert given == body.tobytes()


class Text(str):
    """A text that may have a hash of its own."""


@pytest.mark.parametrize("compression", [None, PACKED, "noting", "nt"])
@pytest.mark.parametrize("content_encoding", ["binary", "utf-8", "us-ascii"])
def test_the_codecs_of_an_exact_message_are_looked_up_once(
    looked_up: list[str], content_encoding: str, compression: str | None
) -> None:
    pipeline, *_ = noting()

    for _ in range(3):
        pipeline.decode(Encoded(PLAIN, TYPE, content_encoding, compression))
    assert looked_up == ["noting"]


@pytest.mark.parametrize(
    "headers",
    [
        (TYPE.upper(), "binary", None),
        (f"{TYPE};x=y", "binary", None),
        (TYPE, "BINARY", None),
        (TYPE, "binary", PACKED.upper()),
        (TYPE, "binary", "Noting"),
        (Text(TYPE), "binary", None),
        (TYPE, Text("binary"), None),
        (TYPE, "binary", Text(PACKED)),
    ],
)
def test_nothing_is_kept_of_a_message_when_one_header_is_spelled_otherwise(
    looked_up: list[str], headers: tuple[str, str, str | None]
) -> None:
    pipeline, *_ = noting()

    for _ in range(3):
        pipeline.decode(Encoded(PLAIN, *headers))
    assert looked_up == ["noting"] * 3
    assert pipeline._bound.decodings == {}


def test_one_entry_is_kept_for_a_content_type_whatever_the_content_encoding() -> None:
    pipeline, *_ = noting()

    for content_encoding in ("binary", "utf-8", "us-ascii"):
        for compression in (None, PACKED):
            pipeline.decode(Encoded(PLAIN, TYPE, content_encoding, compression))
    assert {*pipeline._bound.decodings} == {TYPE, (TYPE, PACKED)}


def nested() -> Any:
    """A header nested far deeper than the stack."""
    header: Any = ()
    for _ in range(500_000):
        header = (header,)
    return header


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("header", [nested(), [], 7, b"binary"], ids=["nested", "list", "int", "bytes"])
def test_a_header_that_is_no_str_is_refused_and_not_hashed(header: Any, place: int, warm: bool) -> None:
    pipeline, *_ = noting()
    stated: list[Any] = [PLAIN, TYPE, "binary", PACKED]
    if warm:
        pipeline.decode(Encoded(*stated))
    stated[place] = header

    with pytest.raises(ContentDisallowed):
        pipeline.decode(Encoded(*stated))


@pytest.mark.parametrize("place", [1, 2])
def test_a_header_of_a_class_of_its_own_takes_the_long_way(looked_up: list[str], place: int) -> None:
    pipeline, *_ = noting()
    pipeline.decode(Encoded(PLAIN, TYPE, "binary"))
    stated: list[Any] = [PLAIN, TYPE, "binary"]
    stated[place] = type("Own", (str,), {})(stated[place])

    for _ in range(2):
        pipeline.decode(Encoded(*stated))
    assert looked_up == ["noting"] * 3


def test_what_is_encoded_is_an_encoded() -> None:
    encoded = noting()[0].encode(1, serializer="noting")

    assert type(encoded) is Encoded
    assert encoded == Encoded(body=b"{}", content_type=TYPE, content_encoding="binary", compression=None)
    assert encoded._replace(compression="x").compression == "x"


def test_a_body_that_is_of_a_subclass_of_bytes_is_taken() -> None:
    class Body(bytes):
        pass

    class Subclassing(Noting):
        def dumps(self, value: Any, /) -> bytes:
            return Body(b"body")

    pipeline = Pipeline([], registry=Registry.of_dialect("satchel").with_serializer(Subclassing(TYPE)))

    assert pipeline.encode(1, serializer="noting").body == b"body"


def test_options_are_given_by_name() -> None:
    pipeline: Any = Pipeline

    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        pipeline(["json"], noting()[0].registry)
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        pipeline(["json"]).encode(1, "json")


@pytest.mark.parametrize("compression", [None, PACKED])
def test_a_content_encoding_is_looked_at_in_every_message(compression: str | None) -> None:
    pipeline, _, _ = noting()
    pipeline.decode(Encoded(PLAIN, TYPE, "binary", compression))

    with pytest.raises(ContentDisallowed):
        pipeline.decode(Encoded(PLAIN, TYPE, "latin-1", compression))
