"""The suites themselves: a small honest codec passes, and each fault makes the check that is meant for it fail."""

from __future__ import annotations

import json
import pickle
import zlib
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest

from satchel import Buffer, Limits
from satchel.testing import CompressorSuite, SerializerSuite, random_values

NUMBERS = count()


@dataclass(frozen=True)
class Words:
    """Lists of words, one a line: no containers within containers, and no end mark."""

    name: ClassVar[str] = "words"
    content_type: ClassVar[str] = "text/x-words"
    content_encoding: ClassVar[str] = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        if not isinstance(value, list) or not all(
            type(word) is str and word and word.split() == [word] for word in value
        ):
            raise ValueError("not a list of words")
        return "".join(f"{word}\n" for word in value).encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return str(body, "utf-8").split()


class TestWords(SerializerSuite):
    codec = Words()
    values = ([], ["one"], ["one", "two", "three"])
    wrap = None
    many = None
    delimited = False
    empty = ([],)


@dataclass(frozen=True)
class Lossy:
    name: ClassVar[str] = "lossy"
    content_type: ClassVar[str] = "application/x-lossy"
    content_encoding: ClassVar[str] = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        return json.dumps(value, default=str).encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return json.loads(bytes(body))


class Careless:
    """What is wrong with most codecs: configuration that can change, and limits that do not hold."""

    name = "careless"
    content_type = "application/x-careless"
    content_encoding = "binary"

    def dumps(self, value: Any, /) -> bytes:
        return pickle.dumps((next(NUMBERS), value))

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        return pickle.loads(body)[1] if body else None


class Unbounded:
    name = "unbounded"
    content_type = "application/x-unbounded"

    def compress(self, body: Buffer, /) -> bytes:
        return zlib.compress(body) + bytes((next(NUMBERS) % 256,))

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        return zlib.decompressobj(-15).decompress(bytes(body)[2:])


class Unnamed(SerializerSuite):
    pass


class LossySuite(SerializerSuite):
    codec = Lossy()


class CarelessSuite(SerializerSuite):
    codec = Careless()


class UnboundedSuite(CompressorSuite):
    codec = Unbounded()


FAULTS = [
    (Unnamed, "it_has_the_form_of_a_codec", "names no codec"),
    (LossySuite, "what_it_does_not_carry_is_refused", "alters what it does not carry"),
    (LossySuite, "the_limit_of_depth_is_exact", "decodes 2 levels"),
    (LossySuite, "the_limit_of_nodes_holds", "max_nodes"),
    (CarelessSuite, "its_configuration_is_frozen", "can be set"),
    (CarelessSuite, "its_configuration_can_be_compared_and_hashed", "does not equal its copy"),
    (CarelessSuite, "its_configuration_can_be_read", "address"),
    (CarelessSuite, "equal_values_give_equal_bytes", "different bytes"),
    (CarelessSuite, "what_follows_the_end_is_refused", "raise CorruptBody"),
    (CarelessSuite, "an_empty_body_is_refused", "an empty body"),
    (UnboundedSuite, "equal_bodies_give_equal_bytes", "different bytes"),
    (UnboundedSuite, "the_limit_is_exact", "more than max_size"),
    (UnboundedSuite, "a_limit_that_is_none_is_refused", "takes max_size=0"),
    (UnboundedSuite, "a_bomb_is_refused", "more than max_size"),
    (UnboundedSuite, "truncated_bodies_are_refused", "decompresses"),
    (UnboundedSuite, "what_follows_the_end_is_refused", "after the end"),
    (UnboundedSuite, "flipped_bits_are_noticed", "a wrong body"),
]


@pytest.mark.parametrize(("suite", "name", "message"), FAULTS)
def test_a_fault_fails_the_check_that_is_meant_for_it(suite, name, message):
    with pytest.raises(AssertionError, match=message):
        getattr(suite(), f"test_{name}")()


def test_every_check_says_what_it_means():
    checks = {
        name: check
        for suite in (SerializerSuite, CompressorSuite)
        for name, check in (*vars(suite).items(), *vars(suite.__mro__[1]).items())
        if name.startswith("test_")
    }

    assert len(checks) > 20
    assert [name for name, check in checks.items() if not check.__doc__] == []


def test_made_up_values_are_the_same_for_the_same_seed():
    assert repr(random_values(50, seed=7)) == repr(random_values(50, seed=7))
    assert repr(random_values(50, seed=7)) != repr(random_values(50, seed=8))


def test_no_test_library_is_imported():
    import subprocess
    import sys

    script = "import satchel.testing, sys; assert not {'pytest', 'hypothesis'} & set(sys.modules), sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
