"""Yaml codecs that write as JSON where they may, with orjson or without it, and some that never do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from satchel import Yaml
from satchel.codecs.yaml_flow import Flow

WRITERS = pytest.mark.parametrize("orjson", [True, False], ids=["orjson", "stdlib"])


def made(orjson: bool = True, **options: Any) -> Yaml:
    """Give a codec that writes as JSON where it may."""
    codec = Yaml(**options)
    if not orjson:
        object.__setattr__(codec, "_flow", Flow(None, tuples=codec.tuples))
    return codec


def by_events(**options: Any) -> Yaml:
    """Give a codec that writes nothing as JSON."""
    codec = Yaml(**options)
    object.__setattr__(codec, "_flow", SimpleNamespace(dumps=lambda value, **limits: None))
    return codec


def flow(codec: Yaml, value: Any, max_depth: int = 100, max_nodes: int = 8_000) -> bytes | None:
    """Give what a codec writes as JSON, or None."""
    return codec._flow.dumps(value, max_depth=max_depth, max_nodes=max_nodes)
