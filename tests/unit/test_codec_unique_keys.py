"""The option `unique_keys`: what names a key twice is refused; otherwise the last one counts, in every format."""

from __future__ import annotations

from typing import Any

import pytest

from satchel import CorruptBody, Json, LimitExceeded, Limits, Msgpack, Pipeline, Yaml, default_registry
from tests.hostile.bodies import message

TWICE = {
    "json": b'{"a":[{"b":1,"c":2,"b":3}]}',
    "msgpack": b"\x81\xa1a\x91\x83\xa1b\x01\xa1c\x02\xa1b\x03",
    "yaml": b"a: [{b: 1, c: 2, b: 3}]",
}
ONCE = {"json": b'{"a":{"a":1}}', "msgpack": b"\x81\xa1a\x81\xa1a\x01", "yaml": b"a: {a: 1}"}
CODECS = {"json": Json, "msgpack": Msgpack, "yaml": Yaml}
EVERY = pytest.mark.parametrize("name", CODECS)


def strictly(name: str, body: bytes, **limits: int) -> Any:
    registry = default_registry().with_serializer(CODECS[name](unique_keys=True), replace=True)
    return Pipeline([name], registry=registry, limits=Limits(**limits)).decode(message(name, body))


@EVERY
def test_the_last_one_counts_by_default(name):
    assert Pipeline([name]).decode(message(name, TWICE[name])) == {"a": [{"b": 3, "c": 2}]}


@EVERY
def test_a_key_that_is_there_twice_is_refused_by_option(name):
    with pytest.raises(CorruptBody, match=f"{name}: .*the key 'b' occurs twice"):
        strictly(name, TWICE[name])


@EVERY
def test_one_key_in_two_mappings_is_no_duplicate(name):
    assert strictly(name, ONCE[name]) == {"a": {"a": 1}}


@EVERY
def test_the_limit_of_nodes_holds_as_well(name):
    assert strictly(name, ONCE[name], max_nodes=5) == {"a": {"a": 1}}
    with pytest.raises(LimitExceeded):
        strictly(name, ONCE[name], max_nodes=4)


@pytest.mark.parametrize("escaped", [rb'{"\u0061":1,"a":2}', rb'{"__type__":"uuid","__type__":"uuid"}'])
def test_an_escape_does_not_hide_a_key(escaped):
    with pytest.raises(CorruptBody, match="occurs twice"):
        strictly("json", escaped)


@EVERY
def test_the_option_is_a_flag(name):
    with pytest.raises(TypeError, match="unique_keys must be True or False"):
        CODECS[name](unique_keys=1)
