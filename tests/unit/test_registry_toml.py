"""A serializer of one's own in ten lines or less, as README.md and docs/adding-a-codec.md have it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import satchel
from satchel import CorruptBody, Encoded, EncodeError, Pipeline
from satchel.registry import process

PAGE = Path(__file__).parents[2] / "docs/adding-a-codec.md"


@pytest.fixture(autouse=True)
def toml() -> Iterator[str]:
    """Run the page's snippet, and take back what it registered."""
    kept = process._default, process._celery
    snippet: str = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)[0]
    exec(snippet, {})
    yield snippet
    process._default, process._celery = kept


def test_it_takes_ten_lines_or_less(toml: str) -> None:
    assert "satchel.register_serializer(" in toml
    assert len(toml.splitlines()) <= 10


@pytest.mark.parametrize("registry", [satchel.default_registry, satchel.celery_registry])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_values_of_toml_come_back_with_their_types(registry: Any, compression: str | None) -> None:
    pipeline = Pipeline(["toml"], registry=registry)
    value = {
        "text": "größe\n\"'\\\x7f\0😀" * 20,
        "number": 7,
        "big": 2**70,
        "price": 1.5,
        "paid": True,
        "day": datetime.date(2024, 2, 29),
        "at": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),
        "lines": [{"sku": "A-7", "parts": [[1], ["a"]]}, {}],
        "": {"a b": {"c.d": []}},
    }

    encoded = pipeline.encode(value, serializer="toml", compression=compression)
    decoded = pipeline.decode(encoded)

    assert encoded[1:3] == ("application/toml", "utf-8")
    assert decoded == value
    assert {key: type(item) for key, item in decoded.items()} == {key: type(item) for key, item in value.items()}


@pytest.mark.parametrize(
    "value",
    [{"a": None}, {"a": b"x"}, {"a": {1}}, {"a": object()}, {1: 2}, {None: 1}, {"a": datetime.timedelta(1)}, [1], 7],
)
def test_what_toml_does_not_carry_is_an_encode_error(value: Any) -> None:
    with pytest.raises(EncodeError, match=r"^toml: "):
        Pipeline([]).encode(value, serializer="toml")


@pytest.mark.parametrize("body", [b"a", b"a = ", b"a = 1\na = 2", b"\xff", b"a = " + b"[" * 100_000])
def test_what_is_not_toml_is_corrupt(body: bytes) -> None:
    with pytest.raises(CorruptBody, match=r"^toml: "):
        Pipeline(["toml"]).decode(Encoded(body, "application/toml", "utf-8"))
