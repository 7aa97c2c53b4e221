"""The configuration of compressors: a value, and checked."""

from __future__ import annotations

import copy
import pickle

import pytest

from satchel.codecs.brotli import Brotli
from satchel.codecs.bzip2 import Bzip2
from satchel.codecs.gzip import Gzip
from satchel.codecs.lzma import Lzma
from satchel.codecs.zlib import Zlib
from satchel.codecs.zstd import Zstd
from tests.unit.compressing import ALL, LIMIT, MESSAGE, MIB, every


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Brotli, {"quality": 9, "lgwin": 18}),
        (Bzip2, {"level": 1, "streams": 3}),
        (Gzip, {"level": 9, "streams": 3}),
        (Lzma, {"preset": 6, "streams": 3, "memory_limit": 5 * MIB}),
        (Zlib, {"level": 0, "content_type": "application/x-gzip"}),
        (Zstd, {"level": -3, "checksum": False, "streams": 3, "max_window": MIB}),
    ],
    ids=list(ALL),
)
def test_a_configuration_is_a_value(make, options):
    codec = make(**options)

    assert eval(repr(codec)) == codec == make(**options) != make()
    assert hash(codec) == hash(make(**options))
    for twin in (pickle.loads(pickle.dumps(codec)), copy.copy(codec), copy.deepcopy(codec)):
        assert twin == codec
        assert twin.decompress(twin.compress(MESSAGE), max_size=LIMIT) == MESSAGE


@pytest.mark.parametrize(
    ("make", "field", "values"),
    [
        (Brotli, "quality", [-1, 12]),
        (Brotli, "lgwin", [15, 25]),
        (Bzip2, "level", [0, 10]),
        (Bzip2, "streams", [0, 65_537]),
        (Gzip, "level", [-1, 10]),
        (Gzip, "streams", [0, 65_537]),
        (Lzma, "preset", [-1, 10]),
        (Lzma, "streams", [0, 65_537]),
        (Lzma, "memory_limit", [0, MIB - 1]),
        (Zlib, "level", [-1, 10]),
        (Zstd, "level", [-8, 0, 23]),
        (Zstd, "streams", [0, 65_537]),
        (Zstd, "max_window", [0, 2**40]),
    ],
)
def test_options_are_checked_and_named(make, field, values):
    for value in values:
        with pytest.raises(ValueError, match=field):
            make(**{field: value})
    for value in ("1", 1.0, True):
        with pytest.raises(TypeError, match=field):
            make(**{field: value})


@pytest.mark.parametrize(("make", "field"), [(Zlib, "content_type"), (Zstd, "checksum")])
def test_options_that_are_no_numbers_are_checked_too(make, field):
    with pytest.raises(TypeError, match=field):
        make(**{field: None})


@every
def test_a_configuration_does_not_change(codec):
    with pytest.raises(AttributeError):
        codec.name = "other"
