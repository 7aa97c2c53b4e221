"""Registry: looking up, and changing, which gives another registry."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from satchel import (
    Buffer,
    DuplicateCodec,
    EncodeError,
    Gzip,
    InvalidCodec,
    Json,
    Limits,
    Msgpack,
    Pipeline,
    Registry,
    UnknownCodec,
    Zlib,
    Zstd,
)

BUILT_IN = Registry.of_dialect("satchel")
CELERY = Registry.of_dialect("celery")

both_dialects = pytest.mark.parametrize("registry", [BUILT_IN, CELERY], ids=["satchel", "celery"])


@dataclass(frozen=True)
class Toy:
    """A serializer of any name."""

    name: str = "toy"
    content_type: str = "application/x-toy"
    content_encoding: str = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        return repr(value).encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return self.name


@dataclass(frozen=True)
class ToyPacker:
    """A compressor of any name."""

    name: str = "toy"
    content_type: str = "application/x-toy"

    def compress(self, body: Buffer, /) -> bytes:
        return b""

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        return b""


class Color(enum.Enum):
    RED = "r"


@both_dialects
def test_a_codec_is_found_by_name_alias_and_content_type(registry: Registry) -> None:
    for kind, entries in (("serializer", registry.serializers), ("compressor", registry.compressors)):
        for entry in entries.values():
            for name in (*entry.names, entry.content_types[0]):
                assert getattr(registry, kind)(name).name == entry.name


def test_a_codec_is_made_once() -> None:
    assert BUILT_IN.serializer("json") is BUILT_IN.serializer("json")


def test_celerys_dialect_makes_codecs_of_that_dialect() -> None:
    assert BUILT_IN.serializer("json") == Json()
    assert CELERY.serializer("json") == Json(dialect="celery")
    assert CELERY.compressor("gzip") == CELERY.compressor("zlib") == Zlib(content_type="application/x-gzip")


@pytest.mark.parametrize("name", ["jsno", "JSON", "json ", "", "application/jsno", "gzip", None, 7, b"json"])
@both_dialects
def test_a_name_that_no_codec_has_is_unknown(registry: Registry, name: Any) -> None:
    with pytest.raises(UnknownCodec, match=r"no serializer .*known: "):
        registry.serializer(name)


def test_an_unknown_content_type_is_answered_with_content_types() -> None:
    with pytest.raises(UnknownCodec) as caught:
        BUILT_IN.compressor("application/x-brotl")
    assert caught.value.suggestion == "application/x-brotli"
    assert "gzip" not in caught.value.known
    assert "a plugin is known by its name" in str(caught.value)


def test_a_change_gives_another_registry_and_leaves_the_first_as_it_was() -> None:
    before = repr(BUILT_IN), dict(BUILT_IN.serializers), dict(BUILT_IN.compressors), BUILT_IN.types
    changed = (
        BUILT_IN.with_serializer(Toy(), aliases=["toyish"])
        .with_compressor(ToyPacker())
        .with_serializer(Json(tuples=True), replace=True)
        .with_type(Color)
        .without("yaml", "zstd")
    )

    assert (repr(BUILT_IN), dict(BUILT_IN.serializers), dict(BUILT_IN.compressors), BUILT_IN.types) == before
    assert list(changed.serializers) == ["json", "msgpack", "pickle", "raw", "text", "toy"]
    assert list(changed.compressors) == ["brotli", "bzip2", "gzip", "lzma", "zlib", "toy"]
    assert changed.serializer("toyish") == Toy()
    assert changed.dialect == BUILT_IN.dialect


def test_nothing_of_a_registry_can_be_set() -> None:
    for name in ("serializers", "compressors", "types", "dialect"):
        with pytest.raises(AttributeError):
            setattr(BUILT_IN, name, {})
    with pytest.raises(TypeError):
        BUILT_IN.serializers["x"] = BUILT_IN.serializers["json"]  # type: ignore[index]


def test_what_a_registry_knows_of_a_codec_takes_no_loading() -> None:
    registry = Registry.of_dialect("satchel")

    assert registry.serializers["msgpack"].content_types[0] == "application/x-msgpack"
    assert registry.entry("compressor", "xz").name == "lzma"
    assert registry._loaded == {}


@pytest.mark.parametrize(
    ("codec", "aliases", "message"),
    [
        (Toy(name="json"), [], "the serializer name 'json' is already that of 'json'.*replace=True"),
        (Toy(name="binary"), [], "the serializer name 'binary' is already that of 'raw'; choose another name$"),
        (Toy(), ["yaml"], "the serializer name 'yaml' is already that of 'yaml'; choose another name$"),
        (Toy(), ["binary"], "the serializer name 'binary' is already that of 'raw'"),
        (Toy(content_type="application/json"), [], "the content type application/json is already that of 'json'"),
        (Toy(content_type="text/yaml"), [], "the content type text/yaml is already that of 'yaml'"),
    ],
)
@both_dialects
def test_a_name_alias_or_content_type_that_is_taken_is_an_error(
    registry: Registry, codec: Toy, aliases: list[str], message: str
) -> None:
    with pytest.raises(DuplicateCodec, match=message):
        registry.with_serializer(codec, aliases=aliases)


def test_replace_takes_no_name_from_another_codec() -> None:
    for codec, aliases in [(Toy(name="binary"), []), (Toy(name="json"), ["yaml"]), (Toy(), ["json"])]:
        with pytest.raises(DuplicateCodec, match=r"choose another name$"):
            BUILT_IN.with_serializer(codec, aliases=aliases, replace=True)
    with pytest.raises(DuplicateCodec, match="the content type text/yaml is already that of 'yaml'"):
        BUILT_IN.with_serializer(Toy(name="json", content_type="text/yaml"), replace=True)


def test_serializers_and_compressors_may_share_a_name_and_a_content_type() -> None:
    registry = BUILT_IN.with_serializer(Toy()).with_compressor(ToyPacker())

    assert (registry.serializer("toy"), registry.compressor("toy")) == (Toy(), ToyPacker())


def test_the_same_codec_again_changes_nothing() -> None:
    registry = BUILT_IN.with_serializer(Toy(), aliases=["a", "b"])

    assert registry.with_serializer(Toy(), aliases=["b"]).serializers == registry.serializers
    with pytest.raises(DuplicateCodec):
        registry.with_serializer(Toy(), aliases=["c"])


def test_replace_takes_the_place_the_aliases_and_the_further_content_types() -> None:
    registry = BUILT_IN.with_serializer(Toy(name="raw"), aliases=["bytes"], replace=True)

    assert list(registry.serializers) == list(BUILT_IN.serializers)
    assert registry.serializers["raw"].names == ("raw", "binary", "bytes")
    assert registry.serializers["raw"].content_types == (
        "application/x-toy",
        "application/data",
        "application/octet-stream",
    )
    assert registry.serializer("application/octet-stream") == Toy(name="raw")


def test_replace_without_a_codec_of_that_name_adds_it() -> None:
    assert BUILT_IN.with_serializer(Toy(), replace=True).serializer("toy") == Toy()


def test_an_alias_that_is_repeated_or_the_name_itself_does_no_harm() -> None:
    registry = BUILT_IN.with_serializer(Toy(), aliases=(name for name in ["toy", "t", "t"]))

    assert registry.serializer("t") == registry.serializer("toy") == Toy()


def test_aliases_are_a_list() -> None:
    with pytest.raises(TypeError, match="aliases must be a list of names, got the str 'toyish'"):
        BUILT_IN.with_serializer(Toy(), aliases="toyish")


def test_the_origin_of_a_codec_is_known() -> None:
    registry = (
        BUILT_IN.with_serializer(Toy())
        .with_compressor(Zstd(level=9), replace=True)
        .with_compressor(ToyPacker(name="gzip"), replace=True)
    )

    assert registry.serializers["toy"].origin == "application"
    assert registry.compressors["zstd"].origin == "built-in"
    assert registry.compressors["gzip"].origin == "application"
    assert registry.compressors["zstd"].codec_class() is Zstd


@pytest.mark.parametrize(
    ("codec", "cure"),
    [
        (Json(), r"construct it with Json\(…, dialect='celery'\)"),
        (Msgpack(tuples=True), r"construct it with Msgpack\(…, dialect='celery'\)"),
        (Toy(name="json"), r"content_type='application/json'"),
    ],
)
def test_celerys_dialect_keeps_out_what_a_stock_worker_does_not_read(codec: Any, cure: str) -> None:
    with pytest.raises(InvalidCodec, match=cure):
        CELERY.with_serializer(codec, replace=True)


def test_celerys_dialect_keeps_out_foreign_compression() -> None:
    with pytest.raises(InvalidCodec, match=r"a stock Celery worker does not know the content type application/zlib"):
        CELERY.with_compressor(Zlib(level=9), replace=True)
    with pytest.raises(DuplicateCodec):
        CELERY.with_compressor(Gzip(), replace=True)


def test_celerys_dialect_takes_what_a_stock_worker_reads() -> None:
    json, zlib = Json(dialect="celery", tuples=True), Zlib(level=9, content_type="application/x-gzip")
    registry = CELERY.with_serializer(json, replace=True).with_compressor(zlib, replace=True)

    assert registry.serializer("json") == json
    assert registry.compressor("gzip") == zlib


@pytest.mark.parametrize(("name", "kind"), [("raw", "serializer"), ("binary", "serializer"), ("bzip", "compressor")])
def test_without_removes_a_codec_with_all_its_names(name: str, kind: Any) -> None:
    entry = BUILT_IN.entry(kind, name)
    registry = BUILT_IN.without(name)

    for each in (*entry.names, *entry.content_types):
        with pytest.raises(UnknownCodec):
            registry.entry(kind, each)


def test_what_was_removed_can_be_registered_again() -> None:
    registry = BUILT_IN.without("json").with_serializer(Toy(name="json", content_type="application/json"))

    assert registry.serializer("json") == Toy(name="json", content_type="application/json")


def test_without_a_name_that_is_unknown_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownCodec, match="no codec 'gzp'; did you mean 'gzip'"):
        BUILT_IN.without("json", "gzp")
    with pytest.raises(UnknownCodec):
        BUILT_IN.without("json").without("json")


@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_a_type_is_carried_by_every_serializer_of_the_new_registry_alone(serializer: str) -> None:
    plain = Pipeline([serializer], registry=BUILT_IN)
    typed = Pipeline([serializer], registry=BUILT_IN.with_type(Color, "color"))
    value = {"color": Color.RED, "on": date(2024, 2, 29)}

    assert typed.decode(typed.encode(value, serializer=serializer)) == value
    with pytest.raises(EncodeError, match="Color"):
        plain.encode(value, serializer=serializer)


def test_a_type_or_tag_that_is_taken_is_an_error() -> None:
    registry = BUILT_IN.with_type(Color, "color")
    for cls, tag in [(Color, "other"), (enum.Enum("Other", "A"), "color"), (enum.Enum("Other", "A"), "datetime")]:
        with pytest.raises(DuplicateCodec, match="choose another tag"):
            registry.with_type(cls, tag)  # type: ignore[arg-type]

    assert [entry.tag for entry in registry.with_type(Color, "other", replace=True).types] == ["other"]
