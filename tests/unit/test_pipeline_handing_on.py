"""What a pipeline hands to its codecs, and what it keeps from one message for the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from satchel import Buffer, Encoded, Limits, Pipeline, Registry
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
    ],
)
def test_nothing_is_kept_of_a_message_when_one_header_is_spelled_otherwise(
    looked_up: list[str], headers: tuple[str, str, str | None]
) -> None:
    pipeline, *_ = noting()

    for _ in range(3):
        pipeline.decode(Encoded(PLAIN, *headers))
    assert looked_up == ["noting"] * 3


def test_options_are_given_by_name() -> None:
    pipeline: Any = Pipeline

    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        pipeline(["json"], noting()[0].registry)
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        pipeline(["json"]).encode(1, "json")
