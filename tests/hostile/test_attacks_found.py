"""Attacks that a review found, each of which once took a worker's memory, time or stack: refused, at little cost."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Callable
from enum import Enum, Flag
from typing import Any
from unittest.mock import Mock

import pydantic
import pytest

from satchel import (
    ContentDisallowed,
    CorruptBody,
    DecodeError,
    Encoded,
    LimitExceeded,
    Pipeline,
    Yaml,
    default_registry,
)
from satchel.codecs import yaml_reading
from satchel.message.times import parse_iso
from satchel.testing.codec import in_small_stack
from tests.hostile.bodies import decode, message, pipeline
from tests.hostile.child import MIB, linux_only, measured

UUID = b"cuuid\nUUID\n"


def uuid_of_a_doubled_list() -> bytes:
    """A UUID whose `is_safe` is a list with 2^30 leaves, which the enum's error would show."""
    doubled = b"".join(b"0](h%ch%ce\x94" % (n, n) for n in range(30))
    return b"\x80\x04" + UUID + b"}(\x8c\x03intK\x01\x8c\x07is_safe]\x8c\x01xa\x94" + doubled + b"ub."


def uuids_of_tuples_of_uuids(number: int, tuples: int) -> bytes:
    """A set of a UUID whose number is a tuple of … a UUID whose number is a tuple: hashing it recurses."""
    wrapped = (
        b"h\x00)\x81}\x8c\x03intj" + struct.pack("<I", n) + b"\x85" * tuples + b"sb\x940" for n in range(1, number + 1)
    )
    last = b"j" + struct.pack("<I", number + 1)
    return b"\x80\x04" + UUID + b"\x940K\x01\x940" + b"".join(wrapped) + b"\x8f(" + last + b"\x90."


def called_from_the_memo(name: bytes, argument: bytes, calls: int) -> bytes:
    return b"\x80\x04](" + name + b"\x94" + argument + b"\x940" + b"h\x00h\x01R" * calls + b"e."


def shared(number: int) -> bytes:
    """A list of many references to one text of 64 KiB."""
    return b"X\0\0\1\0" + b"s" * 65_536 + b"\x940](" + b"h\0" * number + b"e"


def built(*states: bytes) -> bytes:
    return b"\x80\x04" + UUID + b")\x81" + b"".join(b"}" + state + b"b" for state in states) + b"."


DIRECTIVES = b"a\n...\n" + b"".join(b"%%TAG !%x! x\n" % n for n in range(64_000)) + b"--- b\n"
PREFIX = b"%TAG !a! " + b"x" * 3_900_000 + b"\n--- " + b"!a!x [" * 99 + b"]" * 99
ARRAYS = b"".join(b"\xdd" + struct.pack(">I", 900_001) + b"\x80" * 900_000 for _ in range(16)) + b"\xc0"
TOWERS = b"[" + (b"[" * 98 + b"]" * 98 + b",") * 80_000 + b"[]]"

ATTACKS: dict[str, tuple[str, bytes, type[DecodeError]]] = {
    "a UUID that shows a doubled list": ("pickle", uuid_of_a_doubled_list(), CorruptBody),
    "UUIDs called with a long text": (
        "pickle",
        called_from_the_memo(UUID, b"(X" + struct.pack("<I", 40_032) + b"-" * 40_000 + b"0" * 32 + b"t", 8_000),
        CorruptBody,
    ),
    "signatures called with many arguments": (
        "pickle",
        called_from_the_memo(b"ccelery.canvas\nsignature\n", b"(}" + b"N" * 100_000 + b"t", 8_000),
        LimitExceeded,
    ),
    "empty frozensets": ("pickle", b"\x80\x04(" + b"(\x91" * 2_000_000 + b"t.", LimitExceeded),
    "empty frozensets, inflated": ("pickle", b"\x80\x04(" + b"(\x91" * 8_000_000 + b"t.", LimitExceeded),
    "a tag of shared texts": (
        "pickle",
        b"\x80\x04" + shared(30_000) + b"\x94csatchel.codecs.pickle\ntagged\nh\1K\1\x86R.",
        LimitExceeded,
    ),
    "aliases of one long text": ("yaml", b"- &a " + b"x" * 200_000 + b"\n- [" + b"*a," * 9_000 + b"]\n", LimitExceeded),
    "directives of a second document": ("yaml", DIRECTIVES, CorruptBody),
    "one prefix at every node": ("yaml", PREFIX, CorruptBody),
    "arrays that stay open": ("msgpack", ARRAYS, LimitExceeded),
    "towers of lists": ("json", TOWERS, LimitExceeded),
}


def decoding(serializer: str, body: bytes) -> Callable[[], Any]:
    every = default_registry().with_serializer(Yaml(foreign_tags=True, aliases=True), replace=True)
    whole = pipeline(registry=every)
    whole.decode(whole.encode([1, "a", {"b": 1.5}], serializer=serializer))
    packed = message(serializer, zlib.compress(body, 1), default_registry().compressor("zlib").content_type)
    encoded = message(serializer, body) if len(body) <= 4 * MIB else packed
    return lambda: whole.decode(encoded)


@linux_only
def test_what_was_an_attack_costs_little() -> None:
    costs = measured(decoding, [(serializer, body) for serializer, body, _ in ATTACKS.values()])

    for (name, (_, body, error)), cost in zip(ATTACKS.items(), costs, strict=True):
        assert (cost.outcome, cost.stderr) == (error.__name__, ""), (name, cost)
        assert cost.peak <= 16 * MIB + 8 * len(body), (name, cost)


def test_uuids_within_uuids_are_refused_in_a_small_stack() -> None:
    decode(message("pickle", b"\x80\x04N."))

    with pytest.raises(CorruptBody, match="a UUID that is none"):
        in_small_stack(lambda: decode(message("pickle", uuids_of_tuples_of_uuids(800, 0))))


@pytest.mark.parametrize(
    "body",
    [
        built(b"\x8c\x03intK\x01s", b"\x8c\x03int\x8c\x01xs"),
        built(b"\x8c\x03intK\x01s", b"\x8c\x03intK\x02s"),
        built(b"\x8c\x03int\x8c\x01xs"),
        built(),
    ],
    ids=["twice, then foreign", "twice", "foreign", "never"],
)
def test_a_uuid_is_built_once_and_of_a_number(body: bytes) -> None:
    with pytest.raises(CorruptBody, match="a UUID that"):
        decode(message("pickle", body))


class Permission(Flag):
    READ = 1
    WRITE = 4


class Colour(Enum):
    RED = "red"


class Counted(pydantic.BaseModel):
    number: int


@pytest.mark.parametrize(
    ("tag", "plain", "said"),
    [
        ("Permission", "2", "not a combination"),
        ("Permission", "-1", "not a combination"),
        ("Permission", str(1 << 4_000), "not a combination"),
        ("Permission", "[1]", "not a combination"),
        ("Colour", '["RED"]', "named by a text"),
        ("Counted", '{"number": "%s"}' % ("x" * 100_000), "1 validation errors for Counted: number"),
    ],
    ids=["undeclared", "negative", "long", "list", "enum", "model"],
)
def test_a_registered_type_is_not_shown_what_would_be_kept_or_repeated(tag: str, plain: str, said: str) -> None:
    registry = default_registry().with_type(Permission).with_type(Colour).with_type(Counted)
    whole = Pipeline(["json"], registry=registry)
    known = len(Permission._value2member_map_)
    with pytest.raises(CorruptBody, match=said) as caught:
        whole.decode(message("json", b'{"__type__":"%s","__value__":%s}' % (tag.encode(), plain.encode())))

    assert len(str(caught.value)) < 400
    assert len(Permission._value2member_map_) == known
    both = [Permission.READ | Permission.WRITE, Colour.RED, Counted(number=3)]
    assert whole.decode(whole.encode(both)) == both


@pytest.mark.parametrize("text", ["2031-01-02T03:04:05.120456\x0005:30", "2031-01-02T03:04,05+00:00"])
def test_a_time_is_read_alike_by_every_python(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_iso(text)


@linux_only
def test_what_a_pickle_remembers_takes_little_memory() -> None:
    # The scan follows the memo where there are tuples enough to be nested too deep.
    body = b"\x80\x04" + b")0" * 101 + b"N" + b"\x94" * 500_000 + b"."
    (cost,) = measured(decoding, [("pickle", body)])

    assert (cost.outcome, cost.detail) == ("", "NoneType")
    assert cost.peak <= 30 * len(body)


def test_one_key_that_is_merged_often_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    key = b64encode(bytes(1_000))
    body = b'- &a {? !!binary "' + key + b'" : 1}\n- {<<: [' + b"*a," * 1_500 + b"]}\n"
    yaml = Yaml(aliases=True, merge_keys=True)
    whole = Pipeline(["yaml"], registry=default_registry().with_serializer(yaml, replace=True))
    spelled = Mock(side_effect=repr)
    monkeypatch.setattr(yaml_reading, "_spelled", spelled)
    value = whole.decode(message("yaml", body))

    assert value == [{bytes(1_000): 1}] * 2
    spelled.assert_called_once_with(bytes(1_000))


@pytest.mark.parametrize("header", [10**5_000, [10**5_000], {"a": 10**5_000}], ids=lambda header: type(header).__name__)
@pytest.mark.parametrize("place", range(1, 4))
def test_a_header_that_cannot_be_shown_is_refused(place: int, header: Any) -> None:
    headers: list[Any] = [b"1", "application/json", "utf-8", None]
    headers[place] = header

    with pytest.raises(ContentDisallowed, match=f"of type {type(header).__name__}"):
        Pipeline(["json"]).decode(Encoded(*headers))


@pytest.mark.parametrize(
    ("serializer", "body"),
    [
        ("json", b'{"__type__":"datetime","__value__":"' + b"x" * 1_000_000 + b'"}'),
        ("yaml", b"!!timestamp " + b"x" * 100_000),
        ("yaml", b"!" + b"t" * 100_000 + b" 1"),
        ("pickle", b"\x80\x04c" + b"m" * 100_000 + b"\nname\n."),
    ],
    ids=["json tag", "yaml timestamp", "yaml tag", "pickle global"],
)
def test_an_error_does_not_repeat_a_long_text(serializer: str, body: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(message(serializer, body))

    assert len(str(caught.value)) < 700


def test_a_name_in_a_pickle_is_escaped_in_the_error() -> None:
    with pytest.raises(ContentDisallowed) as caught:
        decode(message("pickle", b"\x80\x04\x8c\x01a\x8c\x0fx\nFAKE \x1b[2J log\x93."))

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("scalar", ["!!timestamp foo", '!!int ""', "!!bool maybe", "!!float x", "!!binary ~"])
def test_a_scalar_that_is_not_what_its_tag_says_is_named(scalar: str) -> None:
    kind, _, text = scalar.removeprefix("!!").partition(" ")
    shown = text.strip('"')

    with pytest.raises(CorruptBody, match=f"yaml: '{shown}' is no {kind}"):
        decode(message("yaml", scalar.encode()))
