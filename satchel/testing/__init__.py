"""Conformance suites that the author of a codec runs on it, by pytest.

Subclass a suite, name the codec, and pytest collects what it is held to::

    from satchel.testing import CompressorSuite, SerializerSuite

    class TestToml(SerializerSuite):
        codec = Toml()
        values = [{}, {"a": [1, 2.5, "x"]}]
        wrap = lambda value: {"k": value}
        many = lambda count: {"k": [0] * count}
        delimited = False

The promises are those of a `satchel.Pipeline`, so the codec is registered and called through one: it may raise its own
library's errors. Nothing but the standard library is needed; pytest is not imported. Cases that are made up come from
`random.Random(seed)`, the same each time. Where hypothesis is installed, `values()` is a strategy for the value model.
"""

from satchel.testing.awkward import AWKWARD, PLAIN
from satchel.testing.comparing import difference, identical
from satchel.testing.compressors import CompressorSuite
from satchel.testing.making import random_values, values
from satchel.testing.serializers import SerializerSuite

__all__ = [
    "AWKWARD",
    "PLAIN",
    "CompressorSuite",
    "SerializerSuite",
    "difference",
    "identical",
    "random_values",
    "values",
]
