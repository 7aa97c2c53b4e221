"""What is no codec is refused when it is registered, with all that is missing; functions likewise."""

from __future__ import annotations

import functools
import json
import types
import zlib
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

import satchel
from satchel import InvalidCodec, Json, Registry

REGISTRY = Registry.of_dialect("satchel")


def make(**attributes: Any) -> Any:
    """An object of attributes alone: functions in it are methods without self."""
    return types.SimpleNamespace(**{name: value for name, value in attributes.items() if value is not ...})


def serializer(**changes: Any) -> Any:
    whole = {
        "name": "toy",
        "content_type": "application/x-toy",
        "content_encoding": "utf-8",
        "dumps": lambda value, /: b"",
        "loads": lambda body, /, *, limits: None,
    }
    return make(**{**whole, **changes})


def compressor(**changes: Any) -> Any:
    whole = {
        "name": "toy",
        "content_type": "application/x-toy",
        "compress": lambda body, /: b"",
        "decompress": lambda body, /, *, max_size: b"",
    }
    return make(**{**whole, **changes})


def test_any_object_with_the_attributes_and_methods_is_a_codec() -> None:
    registry = REGISTRY.with_serializer(serializer()).with_compressor(compressor())

    assert registry.serializer("toy").name == registry.compressor("toy").name == "toy"


@pytest.mark.parametrize(
    "loads",
    [
        lambda body, *, limits: None,
        lambda body, limits: None,
        lambda body, limits=None: None,
        lambda *_, **__: None,
        functools.partial(lambda body, limits, extra: None, extra=1),
        Mock(),
    ],
)
def test_whatever_can_be_called_so_is_a_method(loads: Callable[..., Any]) -> None:
    registry = REGISTRY.with_serializer(serializer(loads=loads))

    assert registry.serializer("toy").loads is loads


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ...}, "it lacks name;"),
        ({"name": None}, "it lacks name;"),
        ({"content_type": ...}, "it lacks content_type;"),
        ({"content_type": b"application/x-toy"}, "it lacks content_type;"),
        ({"content_encoding": ...}, "it lacks content_encoding (one of utf-8, us-ascii, binary);"),
        ({"content_encoding": "utf-16"}, "it lacks content_encoding (one of"),
        ({"content_encoding": "UTF-8"}, "it lacks content_encoding (one of"),
        ({"content_encoding": ["utf-8"]}, "it lacks content_encoding (one of"),
        ({"dumps": ...}, "it lacks dumps(value, /);"),
        ({"dumps": "no"}, "it lacks dumps(value, /);"),
        ({"dumps": lambda: b""}, "it lacks dumps(value, /) that can be called so;"),
        ({"dumps": lambda a, b: b""}, "it lacks dumps(value, /) that can be called so;"),
        ({"dumps": lambda *, value: b""}, "it lacks dumps(value, /) that can be called so;"),
        ({"dumps": lambda value, *, limits: b""}, "it lacks dumps(value, /) that can be called so;"),
        ({"loads": ...}, "it lacks loads(body, /, *, limits);"),
        ({"loads": lambda body: None}, "it lacks loads(body, /, *, limits) that takes limits by keyword;"),
        ({"loads": lambda body, limits, /: None}, "it lacks loads(body, /, *, limits) that takes limits by keyword;"),
        ({"loads": lambda limits: None}, "it lacks loads(body, /, *, limits) that can be called so;"),
        ({"name": ..., "dumps": ..., "loads": ...}, "it lacks name; dumps(value, /); loads(body, /, *, limits);"),
    ],
)
def test_what_a_serializer_lacks_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCodec) as caught:
        REGISTRY.with_serializer(serializer(**changes))
    assert str(caught.value).startswith("SimpleNamespace is not a serializer; it lacks ")
    assert message in str(caught.value)
    assert str(caught.value).endswith("see satchel.Serializer")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compress": ...}, "it lacks compress(body, /);"),
        ({"decompress": ...}, "it lacks decompress(body, /, *, max_size);"),
        ({"decompress": lambda body: b""}, "it lacks decompress(body, /, *, max_size) that takes max_size by keyword;"),
        ({"decompress": zlib.decompress}, "it lacks decompress(body, /, *, max_size) that takes max_size by keyword;"),
        ({"content_type": None, "compress": 1}, "it lacks content_type; compress(body, /);"),
    ],
)
def test_what_a_compressor_lacks_is_named_above_all_a_bound(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCodec) as caught:
        REGISTRY.with_compressor(compressor(**changes))
    assert message in str(caught.value)
    assert str(caught.value).endswith("see satchel.Compressor")


@pytest.mark.parametrize(
    "name", ["", "Toy", "1toy", "-toy", "my toy", "toy\n", "toy/er", "töy", "x" * 65, "application/x-toy", "toy;q=1"]
)
def test_a_name_is_of_plain_letters(name: str) -> None:
    for register in (
        lambda: REGISTRY.with_serializer(serializer(name=name)),
        lambda: REGISTRY.with_compressor(compressor(name=name)),
        lambda: satchel.register_serializer(name, str, str, "application/x-toy"),
        lambda: satchel.register_compressor(name, bytes, unbounded, "application/x-toy"),
    ):
        with pytest.raises(InvalidCodec, match=r"is not a valid name of a codec; a lower-case letter and"):
            register()
    with pytest.raises(InvalidCodec, match="is not a valid alias of a codec"):
        REGISTRY.with_serializer(serializer(), aliases=[name])


@pytest.mark.parametrize("name", ["t", "toy-2.0_x+y", "x" * 64])
def test_a_name_may_have_digits_and_some_signs(name: str) -> None:
    assert REGISTRY.with_serializer(serializer(name=name)).serializer(name).name == name


@pytest.mark.parametrize(
    "content_type",
    ["", "toy", "Application/x-toy", "application/x-toy; charset=utf-8", "a/", "/x", "a/b/c", "a /b", "a/b\n"],
)
def test_a_content_type_is_in_lower_case_without_parameters(content_type: str) -> None:
    for register in (
        lambda: REGISTRY.with_serializer(serializer(content_type=content_type)),
        lambda: REGISTRY.with_compressor(compressor(content_type=content_type)),
        lambda: satchel.register_serializer("toy", str, str, content_type),
        lambda: satchel.register_compressor("toy", bytes, unbounded, content_type),
    ):
        with pytest.raises(InvalidCodec, match="is not a content type; type/subtype in lower case, without parameters"):
            register()


def unbounded(body: bytes, *, max_size: int) -> bytes:
    return body


def test_a_class_in_place_of_an_instance_is_named_with_the_cure() -> None:
    with pytest.raises(InvalidCodec, match=r"Json is a class; an instance of a serializer; pass Json\(\)"):
        REGISTRY.with_serializer(Json)  # type: ignore[arg-type]
    with pytest.raises(InvalidCodec, match=r"Zlib is a class; an instance of a compressor; pass Zlib\(\)"):
        REGISTRY.with_compressor(satchel.Zlib)  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", [None, 7, "json", {}, json, object(), lambda: None])
def test_what_is_no_codec_at_all_is_told_everything(codec: Any) -> None:
    with pytest.raises(InvalidCodec, match=r"is not a serializer; it lacks .*content_type; content_encoding"):
        REGISTRY.with_serializer(codec)
    with pytest.raises(InvalidCodec, match=r"is not a compressor; it lacks .*content_type; compress"):
        REGISTRY.with_compressor(codec)


def test_a_serializer_is_no_compressor() -> None:
    with pytest.raises(InvalidCodec, match=r"is not a compressor; it lacks compress\(body, /\); decompress"):
        REGISTRY.with_compressor(serializer())


@pytest.mark.parametrize("function", [None, 7, "json.dumps", lambda: b"", lambda a, b: b"", lambda *, value: b""])
def test_a_function_that_is_registered_takes_one_argument(function: Any) -> None:
    for label, register in {
        "dumps": lambda: satchel.register_serializer("toy", function, str, "application/x-toy"),
        "loads": lambda: satchel.register_serializer("toy", str, function, "application/x-toy"),
        "compress": lambda: satchel.register_compressor("toy", function, unbounded, "application/x-toy"),
    }.items():
        with pytest.raises(InvalidCodec, match=f"{label} must be a function of one argument, got "):
            register()


@pytest.mark.parametrize(
    "decompress",
    [None, 7, zlib.decompress, bytes, lambda body: body, lambda max_size: b"", lambda body, max_size, /: body],
)
def test_a_decompress_function_without_max_size_is_refused(decompress: Any) -> None:
    with pytest.raises(InvalidCodec) as caught:
        satchel.register_compressor("toy", zlib.compress, decompress, "application/x-toy")
    assert str(caught.value) == (
        "the decompress function of 'toy' does not take a body, and max_size by keyword; "
        "def decompress(body, *, max_size): … that never makes more than max_size bytes; "
        "without a bound, 785 bytes can make a process allocate gigabytes"
    )
