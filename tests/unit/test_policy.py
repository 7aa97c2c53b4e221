"""AcceptPolicy: what it is made of, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest

from satchel import ContentDisallowed, Encoded, Pipeline, Registry
from satchel.registry.policy import AcceptPolicy

TYPE = "application/json"
PIPELINE = Pipeline(["json"], accept_compression=["bzip2"])

DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize("header", ["x" * 1_000_000, b"x" * 1_000_000, DEEP, {"x" * 500: "y" * 500}])
def test_a_refusal_shows_a_hostile_header_shortly(header: Any) -> None:
    shown = []
    for place in range(3):
        combination: list[Any] = [TYPE, "utf-8", None]
        combination[place] = header
        with pytest.raises(ContentDisallowed) as caught:
            PIPELINE.decode(Encoded(b"1", *combination))
        shown.append(len(str(caught.value)))

    assert max(shown) < 500


def test_a_refusal_says_what_would_be_accepted_and_how_to_accept_it() -> None:
    with pytest.raises(ContentDisallowed) as caught:
        PIPELINE.decode(Encoded(b"1", "application/yaml", "utf-8"))

    assert caught.value.accept == (TYPE,)
    assert str(caught.value) == (
        f"the content type 'application/yaml' is not accepted; accepted: {TYPE}; "
        "if you trust its producer, name it in accept=[…]"
    )


def test_a_refused_compression_likewise() -> None:
    with pytest.raises(ContentDisallowed) as caught:
        PIPELINE.decode(Encoded(b"1", TYPE, "utf-8", "application/gzip"))

    assert caught.value.accept == ("application/x-bz2", "bzip2", "bzip")
    assert str(caught.value) == (
        "the compression 'application/gzip' is not accepted; accepted: bzip2; "
        "if you trust its producer, name it in accept_compression=[…]"
    )


def test_a_policy_is_of_strings_alone() -> None:
    policy = AcceptPolicy.of(Registry.of_dialect("celery"), ["raw", "application/json"], ["gzip"])

    assert policy.serializers == {
        "application/data": "raw",
        "application/octet-stream": "raw",
        "application/json": "json",
    }
    assert policy.compressors == dict.fromkeys(
        ("application/x-gzip", "application/zlib", "application/gzip", "zlib", "gzip"), "zlib"
    )
