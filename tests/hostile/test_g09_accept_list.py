"""G9: what the accept list refuses is refused by its headers alone: nothing is called, found, imported or inflated."""

from __future__ import annotations

import builtins
import importlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import satchel.codecs.base
import satchel.registry.builtin
from satchel import Buffer, ContentDisallowed, Encoded, LimitExceeded, Limits, Pipeline, Registry
from tests.hostile.figures import Figures

TYPE, PACKED = "application/x-spy", "application/x-spy-packed"

DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

#: What a header may be that is no str at all.
NO_TEXT = (None, b"application/x-spy", bytearray(b"utf-8"), 0, 5, 1.5, True, float("nan"), [TYPE], {TYPE: 1}, (TYPE,))
WRONG = (*NO_TEXT, object, DEEP, lambda: TYPE)

ACCEPTED_TYPES = (
    TYPE,
    "Application/X-SPY",
    f"{TYPE};charset=utf-8",
    f'{TYPE} ; CharSet="UTF-8"',
    f"{TYPE}; charset=us-ascii",
    f'{TYPE}; boundary="a;b\\"c"; x=y',
    f"{TYPE};",
    f"{TYPE};; \t",
    f"{TYPE} \t",
)
REFUSED_TYPES = (
    "application/json",  # the registry knows it, but nobody named it
    "application/yaml",
    "application/data",
    "application/x-python-serialize",
    "spy",  # a name is not a content type
    "",
    "/",
    "application/",
    "/x-spy",
    "*/*",
    "application/*",
    f" {TYPE}",
    f"\n{TYPE}",
    f"{TYPE}\n",
    f"{TYPE}\r\nX-Injected: 1",
    f"{TYPE}\0",
    f"{TYPE}, application/json",
    f"{TYPE}2",
    f"{TYPE}/2",
    f"x/{TYPE}",
    "application/x-\u017fpy",  # a long s, which is an s in capitals
    "\uff41pplication/x-spy",  # a wide a
    f"{TYPE}; charset=",
    f"{TYPE}; =utf-8",
    f"{TYPE}; charset = utf-8",
    f'{TYPE}; charset="utf-8',
    f"{TYPE}; charset=utf-16",
    f"{TYPE}; charset=bz2_codec",
    f'{TYPE}; charset="latin-1"',
    f'{TYPE}; charset=""',
    f"{TYPE}; charset=utf-8; charset=utf-7",
    f"{TYPE}; charset=utf-8 utf-7",
    f"{TYPE}; x=\ud800",
    f"{TYPE}{';' * 300}",
    "x" * 1_000_000,
    *WRONG,
)
ACCEPTED_ENCODINGS = ("utf-8", "UTF-8", "us-ascii", "binary", "Binary")
REFUSED_ENCODINGS = (
    *("", "utf8", "utf-16", "utf-7", "latin-1", "ascii", " utf-8", "utf-8 ", "utf-8\n", "utf-8\0", "x" * 1_000_000),
    *("bz2_codec", "zlib_codec", "base64", "hex", "rot13", "idna", "punycode", "unicode_escape", "gzip", "identity"),
    *WRONG,
)
ACCEPTED_COMPRESSIONS = (None, PACKED, "Application/X-Spy-Packed", "spy-packer", "SPY-PACKER", "spy2")
REFUSED_COMPRESSIONS = (
    *("", "gzip", "application/gzip", "application/x-gzip", "zstd", "none", "identity", "spy", TYPE, f"{PACKED}; q=1"),
    *(f" {PACKED}", f"{PACKED}\n", f"{PACKED}, gzip", "x" * 1_000_000, *WRONG[1:]),
)


@dataclass
class Spy:
    """A serializer and a compressor that note every call."""

    calls: list[str] = field(default_factory=list)
    name = "spy"
    content_type = TYPE
    content_encoding = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        raise AssertionError("nothing is encoded here")

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        self.calls.append("loads")
        return bytes(body)


@dataclass
class SpyPacker:
    calls: list[str]
    name = "spy-packer"
    content_type = PACKED

    def compress(self, body: Buffer, /) -> bytes:
        raise AssertionError("nothing is compressed here")

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        self.calls.append("decompress")
        return bytes(body)


class Watched:
    """A pipeline that accepts the spies, and what happened since it was last asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        spy = Spy()
        self.calls = spy.calls
        registry = Registry.of_dialect("satchel").with_serializer(spy)
        registry = registry.with_compressor(SpyPacker(self.calls), aliases=["spy2"])
        self.pipeline = Pipeline(["spy"], registry=registry, accept_compression=["spy-packer"])
        for owner, method in [
            *((Registry, name) for name in ("entry", "serializer", "compressor", "plugin_names", "_load")),
            *((module, "import_module") for module in (importlib, satchel.codecs.base, satchel.registry.builtin)),
            (builtins, "__import__"),
        ]:
            monkeypatch.setattr(owner, method, self._noting(method, getattr(owner, method)))

    def _noting(self, name: str, function: Any) -> Any:
        def noting(*args: Any, **kwargs: Any) -> Any:
            # What a statement imports on the way is a call too, unless it is long there.
            if name != "__import__" or args[0] not in sys.modules:
                self.calls.append(name)
            return function(*args, **kwargs)

        return noting

    def decode(self, *headers: Any, body: Any = b"1") -> Any:
        self.calls.clear()
        return self.pipeline.decode(Encoded(body, *headers))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    with monkeypatch.context() as patch:
        yield Watched(patch)


class Untouchable:
    """A body that nobody may look at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the body was asked for {name}")


def headers(*, accepted: bool) -> Iterator[tuple[Any, Any, Any]]:
    sides = [
        (ACCEPTED_TYPES, REFUSED_TYPES),
        (ACCEPTED_ENCODINGS, REFUSED_ENCODINGS),
        (ACCEPTED_COMPRESSIONS, REFUSED_COMPRESSIONS),
    ]
    for chosen in itertools.product((0, 1), repeat=3):
        if any(chosen) is not accepted:
            yield from itertools.product(*(side[which] for side, which in zip(sides, chosen, strict=True)))


def test_whatever_is_refused_in_any_header_is_refused_before_anything_is_called_found_or_imported(
    watched: Watched, figures: Figures
) -> None:
    modules = set(sys.modules)
    body = Untouchable()
    refused = 0
    for combination in headers(accepted=False):
        with pytest.raises(ContentDisallowed) as caught:
            watched.decode(*combination, body=body)
        refused += 1
        assert watched.calls == []
        assert caught.value.content_type is combination[0]

    figures("G9", refused)
    assert refused > 50_000
    assert set(sys.modules) == modules


def test_whatever_is_accepted_in_every_header_reaches_the_codecs_that_it_names(
    watched: Watched, figures: Figures
) -> None:
    combinations = list(headers(accepted=True))
    figures("G9", len(combinations))

    for combination in combinations:
        assert watched.decode(*combination) == b"1"
        called = [call for call in watched.calls if call in ("loads", "decompress")]
        assert called == (["loads"] if combination[2] is None else ["decompress", "loads"])


def test_a_sender_cannot_fill_a_table_with_spellings(watched: Watched) -> None:
    for number in range(1000):
        watched.decode(f"{TYPE}; x={number}", "utf-8", None)
        watched.decode(TYPE, "utf-8".title(), PACKED.upper())

    assert watched.pipeline._bound.decodings == {}


def test_an_exact_message_is_looked_up_once(watched: Watched) -> None:
    for _ in range(2):
        watched.decode(TYPE, "utf-8", PACKED)

    assert watched.calls == ["decompress", "loads"]


def test_size_is_checked_before_a_codec_is_looked_up(watched: Watched) -> None:
    body = b"x" * (Limits().max_body + 1)

    with pytest.raises(LimitExceeded, match="max_body"):
        watched.decode(TYPE, "utf-8", PACKED, body=body)
    assert watched.calls == []


def test_refused_and_oversized_messages_import_no_codec_in_a_fresh_process() -> None:
    code = """
import sys
from satchel import ContentDisallowed, Encoded, LimitExceeded, Pipeline
from satchel.registry.builtin import COMPRESSORS, SERIALIZERS
pipeline = Pipeline(["json"], accept_compression=["gzip"])
pipeline.decode(Encoded(b"1", "application/json", "utf-8", None))
before = set(sys.modules)
types = [b"application/json", *(content_type for line in SERIALIZERS for content_type in line.content_types)]
packed = [None, b"application/gzip"]
packed += [name for line in COMPRESSORS for name in (*line.content_types, line.name, *line.aliases)]
for content_type in types:
    for compression in packed:
        for encoding in ("utf-8", "bz2_codec", None):
            large = b"x" * 5_000_000 if encoding == "utf-8" else b"x"
            try:
                pipeline.decode(Encoded(large, content_type, encoding, compression))
            except (ContentDisallowed, LimitExceeded):
                continue
            raise AssertionError("decoded")
print(sorted(set(sys.modules) - before))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-bb", "-c", code], capture_output=True, text=True, env=environment)

    assert (done.stdout, done.stderr) == ("[]\n", "")
