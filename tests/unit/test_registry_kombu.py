"""Plugins that were written for kombu: used on request, checked, and never widening anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from satchel import ContentDisallowed, DuplicateCodec, Encoded, InvalidCodec, Pipeline, Registry, UnknownCodec
from satchel.registry import plugins

ROOT = Path(__file__).parents[2]
BUILT_IN = Registry.of_dialect("satchel")

Offer = Callable[..., None]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Offer to kombu what is given by name."""

    def offering(**offered: Any) -> None:
        module = types.ModuleType("offered")
        vars(module).update(offered)
        monkeypatch.setitem(sys.modules, "offered", module)
        points = {name: EntryPoint(name, f"offered:{name}", plugins.KOMBU_GROUP) for name in offered}
        monkeypatch.setattr(plugins, "discover", lambda group: points if group == plugins.KOMBU_GROUP else {})

    return offering


def toy(*rest: str, content_type: str = "application/x-toy") -> tuple[Any, ...]:
    return (json.dumps, json.loads, content_type, *rest)


def test_an_installed_plugin_of_kombu_is_registered_on_request_alone(plugin_site: Path) -> None:
    code = """
import sys
from satchel import *
registry = default_registry().with_kombu_plugins("kombu-upper")
assert "kombu-upper" not in default_registry().serializers and "kombu" not in sys.modules
pipeline = Pipeline(["kombu-upper"], registry=registry)
encoded = pipeline.encode("text", serializer="kombu-upper")
print(encoded, pipeline.decode(encoded), registry.serializers["kombu-upper"].origin)
print("kombu-upper" in default_registry().with_kombu_plugins().serializers)
"""
    path = os.pathsep.join((str(ROOT), str(plugin_site)))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{Encoded(b'TEXT', 'application/x-upper', 'utf-8')} text application",
        "True",
    ]


def test_all_are_registered_when_none_is_named(offer: Offer) -> None:
    offer(toy=toy("utf-8"), other=toy("binary", content_type="application/x-other"))

    registry = BUILT_IN.with_kombu_plugins()

    assert list(registry.serializers) == [*BUILT_IN.serializers, "toy", "other"]
    assert [registry.serializer(name).content_encoding for name in ("toy", "other")] == ["utf-8", "binary"]


def test_the_content_encoding_is_utf_8_unless_it_is_given(offer: Offer) -> None:
    offer(toy=toy())

    assert BUILT_IN.with_kombu_plugins("toy").serializer("toy").content_encoding == "utf-8"


def test_a_plugin_of_kombu_is_accepted_when_it_is_named(offer: Offer) -> None:
    offer(toy=toy())
    registry = BUILT_IN.with_kombu_plugins("toy")
    encoded = Pipeline(["json"], registry=registry).encode([1], serializer="toy")

    with pytest.raises(ContentDisallowed):
        Pipeline(["json"], registry=registry).decode(encoded)
    assert Pipeline(["toy"], registry=registry).decode(encoded) == [1]


def test_a_name_that_nobody_offers_is_unknown(offer: Offer) -> None:
    offer(toy=toy())

    with pytest.raises(UnknownCodec, match="no kombu plugin 'toi'; did you mean 'toy'"):
        BUILT_IN.with_kombu_plugins("toi")


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        (None, "the kombu plugin 'toy' is None; a tuple of encoder, decoder, content type and content encoding"),
        ((), "the kombu plugin 'toy' is (); a tuple of"),
        ((json.dumps, json.loads), "a tuple of encoder, decoder, content type and content encoding"),
        (toy("utf-16"), "it lacks content_encoding (one of utf-8, us-ascii, binary)"),
        (toy(content_type="toy"), "'toy' is not a content type"),
        (toy(content_type="Application/Toy"), "'Application/Toy' is not a content type"),
        ((None, json.loads, "application/x-toy"), "encoder must be a function of one argument, got None"),
        ((json.dumps, "json.loads", "application/x-toy"), "decoder must be a function of one argument, got 'json."),
        ("toys", "'y' is not a content type"),
    ],
)
def test_what_is_offered_is_checked(offer: Offer, offered: Any, told: str) -> None:
    offer(toy=offered)

    with pytest.raises(InvalidCodec) as caught:
        BUILT_IN.with_kombu_plugins("toy")
    assert told in str(caught.value)


def test_a_plugin_of_kombu_that_does_not_import_is_reported(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(toy=toy())
    monkeypatch.setitem(sys.modules, "offered", None)

    with pytest.raises(InvalidCodec, match="the plugin 'toy' of an unknown distribution does not import"):
        BUILT_IN.with_kombu_plugins("toy")


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ({"json": toy()}, "the serializer name 'json' is already"),
        ({"binary": toy()}, "the serializer name 'binary' is already"),
        ({"toy": toy(content_type="application/json")}, "the content type application/json is already"),
    ],
)
def test_a_plugin_of_kombu_takes_no_built_in_name_or_content_type(offer: Offer, offered: Any, told: str) -> None:
    offer(**offered)

    with pytest.raises(DuplicateCodec, match=told):
        BUILT_IN.with_kombu_plugins()


def test_a_name_that_is_none_is_reported(offer: Offer) -> None:
    offer(Toy=toy())

    with pytest.raises(InvalidCodec, match="'Toy' is not a valid name of a codec"):
        BUILT_IN.with_kombu_plugins()
