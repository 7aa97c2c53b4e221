"""Dictionaries in registries: registered, rotated, found in folders and distributions, and accepted when named."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel import (
    ContentDisallowed,
    Dictionary,
    DuplicateCodec,
    Encoded,
    InvalidCodec,
    Pipeline,
    Registry,
    UnknownCodec,
    UnknownDictionary,
    Zstd,
    celery_registry,
    default_registry,
    register_dictionary,
)
from satchel.registry import process
from tests.unit.dictionaries import messages, trained

FIRST, SECOND, THIRD = trained(70_001), trained(70_002, seed=2), trained(70_003, seed=3)
NAME = "zstd-dictionary"
MESSAGE = messages(1, 9)[0]
BUILT_IN = Registry.of_dialect("satchel")


def pipeline(registry: Registry) -> Pipeline:
    return Pipeline(["raw"], registry=registry, accept_compression=[NAME])


def encoded(registry: Registry) -> Encoded:
    return Pipeline([], registry=registry).encode(MESSAGE, serializer="raw", compression=NAME)


@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_a_registered_dictionary_compresses_and_is_read_where_it_is_accepted(dialect) -> None:
    registry = Registry.of_dialect(dialect).with_dictionary(FIRST)
    sent = encoded(registry)

    assert sent.compression == "application/vnd.satchel.zstd-dictionary"
    assert len(sent.body) < 0.6 * len(Zstd().compress(MESSAGE))
    for compression in (sent.compression, NAME):
        assert pipeline(registry).decode(sent._replace(compression=compression)) == MESSAGE


def test_it_is_not_accepted_until_it_is_named() -> None:
    registry = BUILT_IN.with_dictionary(FIRST)

    with pytest.raises(ContentDisallowed, match="accept_compression"):
        Pipeline(["raw"], registry=registry).decode(encoded(registry))


def test_a_peer_without_dictionaries_refuses_it_by_its_header() -> None:
    with pytest.raises(ContentDisallowed, match=r"vnd\.satchel\.zstd-dictionary' is not accepted"):
        Pipeline(["raw"], registry=BUILT_IN).decode(encoded(BUILT_IN.with_dictionary(FIRST)))


def test_dictionaries_are_rotated_without_a_message_lost() -> None:
    old = BUILT_IN.with_dictionary(FIRST)
    prepared = old.with_dictionary(SECOND, compress=False)
    new = prepared.with_dictionary(SECOND)

    for writer in (old, prepared, new):
        for reader in (prepared, new):
            assert pipeline(reader).decode(encoded(writer)) == MESSAGE
    assert encoded(prepared) == encoded(old) != encoded(new)
    assert new.compressor(NAME) == Zstd(dictionary=SECOND, dictionaries=(FIRST,))
    with pytest.raises(UnknownDictionary, match="the dictionary 70002 is not known; known: 70001"):
        pipeline(old).decode(encoded(new))


def test_a_dictionary_for_reading_alone_writes_plain_frames() -> None:
    registry = BUILT_IN.with_dictionary(FIRST, compress=False)

    assert encoded(registry).body == Zstd().compress(MESSAGE)


def test_a_registry_stays_as_it_is() -> None:
    before = repr(BUILT_IN)
    BUILT_IN.with_dictionary(FIRST)

    assert repr(BUILT_IN) == before


def test_the_options_of_a_codec_that_is_there_are_kept() -> None:
    codec = Zstd(level=9, checksum=False, dictionary=FIRST)
    registry = BUILT_IN.with_compressor(codec).with_dictionary(SECOND)

    assert registry.compressor(NAME) == Zstd(level=9, checksum=False, dictionary=SECOND, dictionaries=(FIRST,))
    assert registry.compressors[NAME].origin == "application"


def test_a_folder_gives_all_its_dictionaries_and_compresses_with_the_last_by_name(tmp_path: Path) -> None:
    for name, data in {"b.zdict": SECOND, "a.zdict": FIRST, "notes.txt": b"none", "b.zdict.json": b"{}"}.items():
        (tmp_path / name).write_bytes(data)

    for folder in (tmp_path, str(tmp_path)):
        codec = BUILT_IN.with_dictionary(folder).compressor(NAME)

        assert codec == Zstd(dictionary=SECOND, dictionaries=(FIRST,))


def test_every_source_of_a_dictionary_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    path.write_bytes(FIRST)

    for source in (FIRST, bytearray(FIRST), Dictionary(FIRST), path, str(path)):
        assert BUILT_IN.with_dictionary(source).compressor(NAME) == Zstd(dictionary=FIRST)


def test_what_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.zdict"
    damaged.write_bytes(FIRST[:100])
    (tmp_path / "empty").mkdir()

    for source, message in (
        (b"raw", "not a trained dictionary"),
        (5, "a dictionary is a Dictionary, bytes or a path"),
        (damaged, "the dictionary 70001 is damaged"),
        (tmp_path / "empty", r"no \*\.zdict in the folder"),
    ):
        with pytest.raises(InvalidCodec, match=message):
            BUILT_IN.with_dictionary(source)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        BUILT_IN.with_dictionary(tmp_path / "missing.zdict")


def test_two_dictionaries_of_one_id_are_refused() -> None:
    with pytest.raises(DuplicateCodec, match="another dictionary has the id 70001"):
        BUILT_IN.with_dictionary(FIRST).with_dictionary(trained(70_001, seed=2))


def test_another_codec_of_that_name_is_not_replaced() -> None:
    class Own:
        name = NAME
        content_type = "application/x-own"

        def compress(self, body, /):
            return body

        def decompress(self, body, /, *, max_size):
            return body

    own = Own()
    registry = BUILT_IN.with_compressor(own)

    assert registry.compressor(NAME) is own
    with pytest.raises(DuplicateCodec, match=r"is already that of .*Own"):
        registry.with_dictionary(FIRST)


@pytest.mark.parametrize("name", [NAME, "application/vnd.satchel.zstd-dictionary"])
def test_without_a_dictionary_the_error_says_how_to_register_one(name: str) -> None:
    with pytest.raises(UnknownCodec, match=r"it needs a dictionary: satchel\.register_dictionary\(…\)"):
        BUILT_IN.compressor(name)
    with pytest.raises(UnknownCodec, match="register_dictionary"):
        Pipeline(["raw"], registry=BUILT_IN, accept_compression=[name])


def test_it_can_be_removed() -> None:
    with pytest.raises(UnknownCodec):
        BUILT_IN.with_dictionary(FIRST).without(NAME).compressor(NAME)


def test_registering_for_the_process_changes_both_dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_default", process._default)
    monkeypatch.setattr(process, "_celery", process._celery)
    register_dictionary(FIRST)
    early = Pipeline(["raw"], accept_compression=[NAME])

    register_dictionary(SECOND)

    for registry in (default_registry(), celery_registry()):
        assert registry.compressor(NAME) == Zstd(dictionary=SECOND, dictionaries=(FIRST,))
    assert early.decode(encoded(celery_registry())) == MESSAGE


def test_what_cannot_be_registered_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_default", process._default)
    monkeypatch.setattr(process, "_celery", process._celery.with_dictionary(trained(70_001, seed=2)))
    before = default_registry()

    with pytest.raises(DuplicateCodec):
        register_dictionary(FIRST)

    assert default_registry() is before
