"""The built-in codecs: every line agrees with its class, every file has its line, and Celery's names are Celery's."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import kombu.compression
import kombu.serialization
import pytest

import satchel
import satchel.codecs
from satchel import Registry
from satchel.registry.builtin import CELERY_COMPRESSORS, COMPRESSORS, SERIALIZERS, Entry
from satchel.registry.checks import Kind, check_codec, check_content_type, check_names

LINES: list[tuple[Kind, Any, Entry]] = [
    *(("serializer", "satchel", line) for line in SERIALIZERS),
    *(("serializer", "celery", line) for line in SERIALIZERS),
    *(("compressor", "satchel", line) for line in COMPRESSORS),
    *(("compressor", "celery", line) for line in CELERY_COMPRESSORS),
]

#: What codecs share, and parts of one codec.
NO_CODECS = {
    *("base", "describing", "gate", "inflating", "lowering", "plain", "protocols", "values"),
    *("json_bounds", "json_exact", "json_levels", "json_marking", "json_reading", "json_writing"),
    *(
        "msgpack_fast",
        "msgpack_reading",
        "pickle_bounds",
        "pickle_calls",
        "pickle_hashing",
        "pickle_patterns",
        "pickle_plain",
        "pickle_reading",
        "pickle_writing",
    ),
    *("yaml_flow", "yaml_reading", "yaml_scalars", "yaml_schema"),
    "zstd_dictionaries",
}

every_line = pytest.mark.parametrize(
    ("kind", "dialect", "line"), LINES, ids=[f"{dialect}-{line.name}" for _, dialect, line in LINES]
)


@every_line
def test_a_line_agrees_with_its_class(kind: Kind, dialect: Any, line: Entry) -> None:
    registry = Registry.of_dialect(dialect)
    codec = getattr(registry, kind)(line.name)
    module, _, name = line.target.partition(":")

    assert (codec.name, codec.content_type) == (line.name, line.content_types[0])
    assert type(codec) is getattr(importlib.import_module(f"satchel.codecs.{module}"), name)
    assert type(codec) is registry.entry(kind, line.name).codec_class()
    assert getattr(satchel, name) is type(codec)


@every_line
def test_a_line_would_be_accepted_from_an_application(kind: Kind, dialect: Any, line: Entry) -> None:
    check_codec(kind, getattr(Registry.of_dialect(dialect), kind)(line.name))
    check_names((line.name, *line.aliases))
    for content_type in line.content_types:
        assert check_content_type(content_type)


@pytest.mark.parametrize("lines", [SERIALIZERS, COMPRESSORS, CELERY_COMPRESSORS])
def test_no_name_and_no_content_type_that_is_written_is_given_twice(lines: tuple[Entry, ...]) -> None:
    names = [name for line in lines for name in (line.name, *line.aliases)]
    written = [line.content_types[0] for line in lines]

    assert len(set(names)) == len(names)
    assert len(set(written)) == len(written)


def test_every_codec_has_its_line() -> None:
    files = {module.name for module in pkgutil.iter_modules(satchel.codecs.__path__)}
    registered = {line.target.partition(":")[0] for _, _, line in LINES}

    assert files - NO_CODECS == registered


def test_every_class_that_looks_like_a_codec_has_its_line() -> None:
    targets = {line.target for _, _, line in LINES}
    for module in pkgutil.iter_modules(satchel.codecs.__path__):
        for name, cls in vars(importlib.import_module(f"satchel.codecs.{module.name}")).items():
            here = isinstance(cls, type) and name[0] != "_" and cls.__module__ == f"satchel.codecs.{module.name}"
            if here and hasattr(cls, "content_type") and not getattr(cls, "_is_protocol", False):
                assert f"{module.name}:{name}" in targets


def test_every_codecs_class_is_importable_from_satchel() -> None:
    assert {line.target.partition(":")[2] for _, _, line in LINES} <= set(satchel.__all__)


def test_both_dialects_have_the_same_names() -> None:
    def names(lines: tuple[Entry, ...]) -> set[str]:
        return {name for line in lines for name in (line.name, *line.aliases)}

    assert names(COMPRESSORS) == names(CELERY_COMPRESSORS)


def test_each_dialect_reads_every_content_type_that_the_other_writes() -> None:
    def content_types(lines: tuple[Entry, ...]) -> set[str]:
        return {content_type for line in lines for content_type in line.content_types}

    assert content_types(COMPRESSORS) == content_types(CELERY_COMPRESSORS)


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml", "pickle"])
def test_celerys_serializers_write_what_kombu_calls_so(name: str) -> None:
    encoder = kombu.serialization.registry._encoders[name]
    codec = Registry.of_dialect("celery").serializer(name)

    assert (codec.content_type, codec.content_encoding) == (encoder.content_type, encoder.content_encoding)


@pytest.mark.parametrize("name", kombu.compression._aliases)
def test_celerys_compressors_write_what_kombu_calls_so(name: str) -> None:
    codec = Registry.of_dialect("celery").compressor(name)

    assert codec.content_type == kombu.compression._aliases[name]


def test_codecs_tell_what_a_list_of_codecs_shows() -> None:
    for kind, dialect, line in LINES:
        cls = Registry.of_dialect(dialect).entry(kind, line.name).codec_class()
        assert isinstance(cls.library, str)
        assert isinstance(cls.safe, bool)
        assert cls.extra is None or isinstance(cls.extra, str)
