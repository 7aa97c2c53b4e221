"""G9: what is refused is refused for every accept list, by the reader of task messages too, and costs nothing."""

from __future__ import annotations

import bz2
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from satchel import ContentDisallowed, DecodeError, Encoded, Pipeline, Registry
from satchel.message import MessageReader
from satchel.registry.builtin import COMPRESSORS, SERIALIZERS
from tests.hostile.bodies import DIALECTS
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import Figures

HEADERS = {"id": "1", "task": "t", "lang": "py"}
TYPES = [content_type for line in SERIALIZERS for content_type in line.content_types]
NAMES = [name for line in COMPRESSORS for name in (*line.content_types, line.name, *line.aliases)]
PACKED: list[Any] = [None, *dict.fromkeys(NAMES)]
#: What Python would decode with, by kombu's header.
PYTHONS: list[Any] = [
    "bz2_codec",
    "zlib_codec",
    "base64",
    "rot13",
    "utf-16",
    "idna",
    "unicode_escape",
    "raw_unicode_escape",
    "",
    None,
]
ACCEPT_LISTS: list[tuple[list[str], list[str] | None]] = [
    ([], None),
    ([], []),
    (["json"], []),
    (["json"], None),
    (["text/yaml"], ["zstd"]),
    (["msgpack", "application/octet-stream"], ["application/gzip"]),
    (["pickle"], ["zlib", "bzip"]),
    ([line.name for line in SERIALIZERS], None),
]


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the codecs that were asked for."""
    asked: list[str] = []
    load = Registry._load

    def noting(registry: Registry, kind: Any, name: str) -> Any:
        asked.append(name)
        return load(registry, kind, name)

    monkeypatch.setattr(Registry, "_load", noting)
    return asked


def _admitted(registry: Registry, accept: list[str], packers: list[str] | None) -> tuple[set[str], set[str | None]]:
    """Work out by other means than the product's what an accept list admits."""
    types = {
        content_type
        for entry in registry.serializers.values()
        for content_type in entry.content_types
        if content_type in accept or set(entry.names) & set(accept)
    }
    packed: set[str | None] = {None}
    for entry in registry.compressors.values():
        if packers is None or set(entry.names) & set(packers):
            packed |= {*entry.names, *entry.content_types}
        packed |= set(entry.content_types) & set(packers or ())
    return types, packed


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("accept", "packers"), ACCEPT_LISTS)
def test_an_accept_list_admits_what_it_names_and_nothing_else(
    dialect: str, accept: list[str], packers: list[str] | None, touched: list[str], figures: Figures
) -> None:
    registry = DIALECTS[dialect]().without()
    pipeline = Pipeline(accept, registry=registry, accept_compression=packers)
    types, packed = _admitted(registry, accept, packers)
    cases = list(itertools.product(TYPES, ["utf-8", "binary", *PYTHONS], PACKED))

    admitted = 0
    for content_type, encoding, compression in cases:
        touched.clear()
        try:
            pipeline.decode(Encoded(b"", content_type, encoding, compression))
        except ContentDisallowed:
            assert touched == []
            assert content_type not in types or encoding in PYTHONS or compression not in packed
        except DecodeError:  # An empty body is read by few; it was admitted.
            admitted += 1
        else:
            admitted += 1
    figures("G9", len(cases))
    assert admitted == len(types) * 2 * len(packed & set(PACKED))


@pytest.mark.parametrize(
    ("content_type", "encoding", "compression"),
    [
        ("application/x-python-serialize", "binary", None),
        ("application/x-yaml", "utf-8", "zstd"),
        ("application/data", "bz2_codec", None),
        ("application/json", "bz2_codec", None),
        ("application/json; charset=zlib_codec", "utf-8", None),
        ("application/json", "utf-8", "application/x-unknown"),
        (b"application/json", "utf-8", None),
        (None, None, None),
        ("application/json", "utf-8", b"application/x-gzip"),
        ("application/json", "utf-8", {"application/x-gzip": 1}),
    ],
)
def test_a_task_message_is_refused_by_its_headers(
    content_type: Any, encoding: Any, compression: Any, touched: list[str], figures: Figures
) -> None:
    headers = {**HEADERS, "compression": compression}

    with pytest.raises(ContentDisallowed):
        MessageReader().read(
            body=bz2.compress(b"[[], {}, null]"), content_type=content_type, content_encoding=encoding, headers=headers
        )
    assert touched == []
    figures("G9", 1)


def refusing(dialect: str, bomb: bytes, headers: tuple[Any, Any, Any]) -> Callable[[], Any]:
    pipeline = Pipeline(["json"], registry=DIALECTS[dialect], accept_compression=["bzip2"])
    with pytest.raises(ContentDisallowed):
        pipeline.decode(Encoded(b"warm", "application/x-yaml", "utf-8", "bzip2"))
    return lambda: pipeline.decode(Encoded(bomb, *headers))


@linux_only
def test_a_bomb_that_is_refused_costs_nothing(figures: Figures) -> None:
    bomb = bz2.compress(bytes(64 * MIB))
    refused = [
        ("application/x-yaml", "utf-8", "application/x-bz2"),
        ("application/x-python-serialize", "binary", "bzip2"),
        ("application/data", "bz2_codec", None),
        ("application/json", "bz2_codec", "bzip2"),
        ("application/json", "bz2_codec", None),
        ("application/json; charset=bz2_codec", "utf-8", None),
        ("application/json", "utf-8", "bz2"),
    ]
    cases = [(dialect, bomb, headers) for dialect in DIALECTS for headers in refused]
    costs = measured(refusing, cases, address_space=64 * MIB)
    figures("G9", len(costs))

    assert len(bomb) < 200
    assert {cost.outcome for cost in costs} == {"ContentDisallowed"}
    assert max(cost.peak for cost in costs) < MIB
