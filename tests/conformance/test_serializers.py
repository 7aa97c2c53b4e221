"""The project's own serializers, in both dialects, are held to the suite that their users' codecs are held to."""

from __future__ import annotations

from typing import Any

import pytest

from satchel import MissingDependency, Registry, celery_registry, default_registry
from satchel.codecs.base import ValueSerializer
from satchel.testing import AWKWARD, SerializerSuite

WITHOUT_FORM: dict[str, Any] = {"wrap": None, "many": None, "delimited": False}

#: What is not of the value model; a codec that is missing here and of no value model is held to the suite's defaults.
CARRIES: dict[str, dict[str, Any]] = {
    "raw": {
        "values": [b"", b"\xff\x00", b"x" * 5000],
        # Any buffer is taken for its bytes.
        "awkward": [value for value in AWKWARD if not isinstance(value, memoryview)],
        **WITHOUT_FORM,
        "empty": [b""],
    },
    "text": {"values": ["", "tëxt", "x" * 5000], **WITHOUT_FORM, "empty": [""]},
    "yaml": {"delimited": False, "empty": [None]},
    "pickle": {"deterministic": False},
    # Celery's JSON turns keys into str, and asks objects for their __json__, as stock producers do.
    "json in celery": {
        "awkward": [v for v in AWKWARD if not isinstance(v, dict | list) and not hasattr(v, "__json__")],
    },
}


def suite(name: str, registry: Registry) -> type[SerializerSuite]:
    title = f"Test{name.title()}In{registry.dialect.title()}Dialect"
    try:
        codec = registry.serializer(name)
    except MissingDependency as error:
        return pytest.mark.skip(reason=str(error))(type(title, (SerializerSuite,), {}))
    carries: dict[str, Any] = {"value_model": isinstance(codec, ValueSerializer) and registry.dialect == "satchel"}
    for key in (name, f"{name} in {registry.dialect}"):
        carries |= CARRIES.get(key, {})
    return type(title, (SerializerSuite,), {"codec": codec, "registry": registry, **carries})


for registry in (default_registry(), celery_registry()):
    for name in registry.serializers:
        made = suite(name, registry)
        globals()[made.__name__] = made
