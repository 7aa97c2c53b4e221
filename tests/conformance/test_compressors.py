"""The project's own compressors, in both dialects, are held to the suite that their users' codecs are held to."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from satchel import MissingDependency, Registry, Zstd, celery_registry, default_registry
from satchel.testing import CompressorSuite

#: Formats without a checksum.
UNCHECKED = ("brotli",)


def suite(name: str, registry: Registry) -> type[CompressorSuite]:
    title = f"Test{name.title()}In{registry.dialect.title()}Dialect"
    try:
        codec = registry.compressor(name)
    except MissingDependency as error:
        return pytest.mark.skip(reason=str(error))(type(title, (CompressorSuite,), {}))
    return type(title, (CompressorSuite,), {"codec": codec, "registry": registry, "checksum": name not in UNCHECKED})


for registry in (default_registry(), celery_registry()):
    for name in registry.compressors:
        made = suite(name, registry)
        globals()[made.__name__] = made


if find_spec("zstandard"):
    from tests.unit.dictionaries import messages, trained

    class TestZstdWithDictionaries(CompressorSuite):
        codec = Zstd(dictionary=trained(70_001), dictionaries=(trained(70_002, seed=2),))
        bodies = messages(20, 9)
