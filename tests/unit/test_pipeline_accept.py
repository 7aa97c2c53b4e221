"""What an application names in `accept` and `accept_compression`, and libraries that are not installed."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from satchel import (
    ContentDisallowed,
    DecodeError,
    Encoded,
    Gzip,
    MissingDependency,
    Pipeline,
    Registry,
    UnknownCodec,
)
from satchel.registry.builtin import COMPRESSORS, SERIALIZERS

OPTIONAL = {"msgpack": ("msgpack",), "yaml": ("yaml",), "brotli": ("brotli",), "zstd": ("zstandard",)}
COMMAND = {name: f"pip install 'satchel[{name}]'" for name in (*OPTIONAL, "lzma")}
EVERY_COMPRESSOR = [line.name for line in COMPRESSORS]

Without = Callable[[str], Registry]

BACKPORT = pytest.mark.skipif(sys.version_info >= (3, 13), reason="backports.lzma does not load here")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Without:
    """Hide the library of a codec; gives a registry that has not loaded it yet."""

    def hide(codec: str) -> Registry:
        for module in ("lzma", "backports.lzma") if codec == "lzma" else OPTIONAL[codec]:
            monkeypatch.setitem(sys.modules, module, None)
        return Registry.of_dialect("satchel")

    return hide


def message(serializer: str, compression: str | None = None) -> Encoded:
    content_type = Registry.of_dialect("satchel").serializers[serializer].content_types[0]
    return Encoded(b"\x00", content_type, "binary", compression)


@pytest.mark.parametrize(
    ("accept", "content_types"),
    [
        (["json"], ("application/json",)),
        (["JSON"], ("application/json",)),
        (["application/json"], ("application/json",)),
        (["Application/JSON"], ("application/json",)),
        (["raw"], ("application/data", "application/octet-stream")),
        (["binary"], ("application/data", "application/octet-stream")),
        (["application/octet-stream"], ("application/octet-stream",)),
        (["application/octet-stream", "json"], ("application/octet-stream", "application/json")),
        (("json", "text"), ("application/json", "text/plain", "application/text")),
        ({"json": 1}, ("application/json",)),
        ((name for name in ["json", "json"]), ("application/json",)),
        ([], ()),
    ],
)
def test_a_name_or_alias_accepts_all_that_its_codec_reads_and_a_content_type_itself(
    accept: Any, content_types: tuple[str, ...]
) -> None:
    assert Pipeline(accept).accepted_content_types == content_types


@pytest.mark.parametrize(
    ("accept_compression", "accepted", "refused"),
    [
        (["gzip"], {"application/gzip", "application/x-gzip", "gzip"}, {"zlib", "zstd", "application/zlib"}),
        (["application/gzip"], {"application/gzip"}, {"gzip", "application/x-gzip"}),
        (["xz"], {"lzma", "xz", "application/x-lzma", "application/x-xz"}, {"gzip"}),
        (["XZ"], {"lzma", "xz"}, {"gzip"}),
        (["application/gzip", "xz"], {"application/gzip", "lzma", "xz", "application/x-xz"}, {"gzip", "zlib"}),
        ([], set(), {"gzip", "zlib", "application/gzip"}),
    ],
)
def test_accept_compression_likewise(accept_compression: list[str], accepted: set[str], refused: set[str]) -> None:
    pipeline = Pipeline(["raw"], accept_compression=accept_compression)
    outcomes = {}
    for compression in accepted | refused:
        try:
            pipeline.decode(message("raw", compression))
        except DecodeError as error:
            outcomes[compression] = type(error)

    # What is accepted is read, and found to be no such thing.
    assert {name for name, outcome in outcomes.items() if outcome is ContentDisallowed} == refused


@pytest.mark.parametrize("argument", ["accept", "accept_compression"])
@pytest.mark.parametrize("given", ["json", "gzip", "", b"json"])
def test_a_str_is_no_list_of_names(argument: str, given: Any) -> None:
    arguments: dict[str, Any] = {"accept": ["json"], argument: given}

    with pytest.raises(TypeError, match=f"{argument} must be a list of"):
        Pipeline(**arguments)


def test_a_str_is_refused_with_the_list_that_was_meant() -> None:
    with pytest.raises(TypeError, match=r"accept must be a list of names, got 'json'; write accept=\['json'\]"):
        Pipeline("json")


@pytest.mark.parametrize("argument", ["accept", "accept_compression"])
@pytest.mark.parametrize("item", [None, b"json", 7, ["json"]])
def test_a_name_is_a_str(argument: str, item: Any) -> None:
    arguments: dict[str, Any] = {"accept": ["json"], argument: [item]}

    with pytest.raises(TypeError, match=f"{argument} must be a list of str, got"):
        Pipeline(**arguments)


def test_there_is_no_default_for_accept() -> None:
    with pytest.raises(TypeError, match="accept"):
        Pipeline()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("accept", "accept_compression", "suggestion"),
    [
        (["jsno"], None, "json"),
        (["json", "msgpak"], None, "msgpack"),
        (["application/jsn"], None, "application/json"),
        (["binry"], None, "binary"),
        (["gzip"], None, None),
        (["json"], ["gzp"], "gzip"),
        (["json"], ["application/x-bz"], "application/x-bz2"),
        (["json"], ["bzp"], "bzip"),
        (["json"], ["qqqq"], None),
        (["json"], [""], None),
    ],
)
def test_an_unknown_name_is_an_error_with_a_suggestion(
    accept: list[str], accept_compression: list[str] | None, suggestion: str | None
) -> None:
    with pytest.raises(UnknownCodec) as caught:
        Pipeline(accept, accept_compression=accept_compression)
    assert caught.value.suggestion == suggestion
    assert (f"did you mean {suggestion!r}?" in str(caught.value)) is (suggestion is not None)


def test_accept_compression_is_by_default_what_is_built_in() -> None:
    pipeline = Pipeline(["raw"])
    for line in COMPRESSORS:
        packed = pipeline.encode(bytes(1000), serializer="raw", compression=line.name)
        assert pipeline.decode(packed) == bytes(1000)
        assert pipeline.decode(packed._replace(compression=line.name)) == bytes(1000)

    assert set(EVERY_COMPRESSOR) == {"brotli", "bzip2", "gzip", "lzma", "zlib", "zstd"}


def test_a_built_in_compressor_of_other_settings_stays_accepted_by_default() -> None:
    registry = Registry.of_dialect("satchel").with_compressor(Gzip(level=9), replace=True)
    pipeline = Pipeline(["raw"], registry=registry)

    assert pipeline.decode(pipeline.encode(bytes(1000), serializer="raw", compression="gzip")) == bytes(1000)


def test_an_applications_compressor_is_not_accepted_until_it_is_named() -> None:
    class Own:
        name = "own"
        content_type = "application/x-own"

        def compress(self, body: Any, /) -> bytes:
            return zlib.compress(body)

        def decompress(self, body: Any, /, *, max_size: int) -> bytes:
            return zlib.decompress(body)

    class Gzipping(Own):
        name = "gzip"
        content_type = "application/gzip"

    registry = Registry.of_dialect("satchel").with_compressor(Own()).with_compressor(Gzipping(), replace=True)
    unnamed = Pipeline(["raw"], registry=registry)
    named = Pipeline(["raw"], registry=registry, accept_compression=["own", "gzip"])
    for name in ("own", "gzip"):
        packed = unnamed.encode(bytes(1000), serializer="raw", compression=name)

        with pytest.raises(ContentDisallowed, match="name it in accept_compression"):
            unnamed.decode(packed)
        assert named.decode(packed) == bytes(1000)


@pytest.mark.parametrize("codec", ["brotli", "zstd", pytest.param("lzma", marks=BACKPORT)])
def test_a_compressor_that_nobody_named_and_is_not_installed_is_not_accepted_and_the_command_is_named(
    without: Without, codec: str
) -> None:
    pipeline = Pipeline(["raw"], registry=without(codec))
    content_type = pipeline.registry.compressors[codec].content_types[0]

    for _ in range(2):
        with pytest.raises(ContentDisallowed) as caught:
            pipeline.decode(message("raw", content_type))
        assert COMMAND[codec] in str(caught.value)
        assert content_type in caught.value.accept
        assert isinstance(caught.value.__cause__, MissingDependency)
    assert pipeline.decode(message("raw")) == b"\0"


@pytest.mark.parametrize("codec", ["brotli", "zstd", pytest.param("lzma", marks=BACKPORT)])
def test_a_compressor_that_was_named_and_is_not_installed_is_missing_at_use_and_not_before(
    without: Without, codec: str
) -> None:
    pipeline = Pipeline(["raw"], registry=without(codec), accept_compression=[codec])

    with pytest.raises(MissingDependency) as decoding:
        pipeline.decode(message("raw", codec))
    with pytest.raises(MissingDependency) as encoding:
        pipeline.encode(bytes(1000), serializer="raw", compression=codec)
    assert decoding.value.install == encoding.value.install == COMMAND[codec]


@pytest.mark.parametrize("codec", ["msgpack", "yaml"])
def test_a_serializer_that_was_named_and_is_not_installed_is_missing_at_use_and_not_before(
    without: Without, codec: str
) -> None:
    pipeline = Pipeline([codec, "raw"], registry=without(codec))

    with pytest.raises(MissingDependency) as decoding:
        pipeline.decode(message(codec))
    with pytest.raises(MissingDependency) as encoding:
        pipeline.encode(1, serializer=codec)
    assert decoding.value.install == encoding.value.install == COMMAND[codec]
    assert pipeline.decode(message("raw")) == b"\0"


@pytest.mark.parametrize("codec", ["msgpack", "yaml", "brotli", "zstd", "lzma"])
def test_a_missing_library_is_no_obstacle_to_what_is_refused(without: Without, codec: str) -> None:
    pipeline = Pipeline([codec] if codec in ("msgpack", "yaml") else ["raw"], registry=without(codec))

    with pytest.raises(ContentDisallowed, match="the content type 'application/json' is not accepted"):
        pipeline.decode(message("json", codec))


def test_a_library_that_is_installed_later_is_found(without: Without, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(["msgpack"], registry=without("msgpack"))
    with pytest.raises(MissingDependency):
        pipeline.encode(1, serializer="msgpack")

    monkeypatch.undo()

    assert pipeline.decode(pipeline.encode(1, serializer="msgpack")) == 1


def test_every_codec_that_needs_a_library_is_tried_here() -> None:
    registry = Registry.of_dialect("satchel")
    entries = [*registry.serializers.values(), *registry.compressors.values()]
    extras = {entry.name for entry in entries if getattr(entry.codec_class(), "extra", None)}

    assert extras == {*OPTIONAL, "lzma"}
    assert len(entries) == len(SERIALIZERS) + len(COMPRESSORS)
