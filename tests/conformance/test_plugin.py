"""The codecs of the plugin under tests/plugin run the suites, as their author would have them run."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from satchel.testing import CompressorSuite, SerializerSuite

pytestmark = pytest.mark.once

SOURCE = Path(__file__).parents[1] / "plugin" / "satchel_test_plugin"


def load(name: str) -> Any:
    # Under a name of its own: other tests install the plugin, and import and forget it.
    spec = spec_from_file_location(f"source_of_satchel_test_plugin_{name}", SOURCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestReverse(SerializerSuite):
    codec = load("reverse").Reverse()


class TestRle(CompressorSuite):
    codec = load("rle").Rle()
