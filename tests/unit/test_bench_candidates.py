"""The candidates: every serializer alone and with every compressor, at the levels that are asked for."""

from __future__ import annotations

import pytest

from satchel import UnknownCodec, Zstd, default_registry
from satchel.bench.candidates import Candidate, Choice, candidates, level_of, libraries
from satchel.registry.builtin import COMPRESSORS, SERIALIZERS
from satchel.registry.functions import FunctionCompressor
from satchel.types import Limits


def names(**options):
    found, _ = candidates(default_registry(), **options)
    return [one.name for one in found]


def test_every_builtin_codec_is_a_candidate():
    found, left_out = candidates(default_registry())

    assert {one.serializer for one in found} == {line.name for line in SERIALIZERS} - {"raw", "text"}
    assert {one.compression for one in found} == {None, *(line.name for line in COMPRESSORS)}
    assert left_out == {}


def test_each_name_is_read_back_as_its_candidate():
    found, _ = candidates(default_registry())

    assert [Choice.parse(one.name).candidate(default_registry()) for one in found] == found
    assert len({one.name for one in found}) == len(found)


def test_what_is_named_is_compared_and_nothing_else():
    both = names(serializers=["json"], compressors=["none", "zstd"], levels=[1, 3])

    assert both == [
        "json",
        "json+zstd:1",
        "json+zstd:3",
    ]
    assert names(serializers=["json"], compressors=["none"]) == ["json"]
    assert names(serializers=["json"], compressors=["zlib"], levels=[4]) == ["json+zlib:4"]


def test_a_level_that_a_compressor_does_not_have_leaves_its_own():
    assert names(serializers=["json"], compressors=["bzip2", "zstd"], levels=[19]) == ["json+bzip2:9", "json+zstd:19"]


def test_a_level_that_no_compressor_has_is_an_error():
    with pytest.raises(ValueError, match="no compressor has a level 99 or 100"):
        names(levels=[99, 100])


def test_a_codec_without_levels_is_one_candidate():
    codec = FunctionCompressor("same", bytes, lambda body, *, max_size: body, "application/x-same")
    found, _ = candidates(default_registry().with_compressor(codec), serializers=["json"], compressors=["same"])

    assert found == [Candidate("json", codec)]
    assert found[0].name == "json+same"
    assert level_of(codec) is None
    with pytest.raises(ValueError, match="same has no level"):
        Choice("json", "same", 3).candidate(default_registry().with_compressor(codec))


def test_a_name_that_is_unknown_is_an_error_with_the_nearest():
    with pytest.raises(UnknownCodec, match="zstd"):
        names(compressors=["zstdd"])


@pytest.mark.parametrize("text", ["", "+zstd", "json+", "json+zstd:", "json+zstd:x", "json+zstd:1.5", "json+zstd:--3"])
def test_a_choice_of_another_form_is_an_error_that_shows_the_form(text):
    with pytest.raises(ValueError, match=r"SERIALIZER\[\+COMPRESSOR\[:LEVEL\]\]"):
        Choice.parse(text)


def test_a_pipeline_compresses_at_the_level():
    candidate = Choice("json", "zstd", 19).candidate(default_registry())
    value = [{"id": n, "name": f"order {n}"} for n in range(100)]

    encoded = candidate.pipeline(default_registry(), Limits()).encode(value, serializer="json", compression="zstd")

    plain = default_registry().serializer("json").dumps(value)
    assert encoded.body == Zstd(level=19).compress(plain) != Zstd().compress(plain)


def test_the_libraries_that_do_the_work_are_named():
    found, _ = candidates(default_registry(), serializers=["json", "yaml"], compressors=["zstd"])

    assert {"orjson", "msgspec", "zstandard"} <= set(libraries(found, default_registry()))
