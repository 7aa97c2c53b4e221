"""Encoded and Limits."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from satchel import Encoded, Limits

every_limit = pytest.mark.parametrize("limit", [each.name for each in fields(Limits)])


def test_encoded_is_a_body_and_three_facts_in_their_order() -> None:
    body, content_type, content_encoding, compression = Encoded(b"1", "application/json", "utf-8")

    assert (body, content_type, content_encoding, compression) == (b"1", "application/json", "utf-8", None)


def test_limits_default_to_what_the_documents_say() -> None:
    mebibyte = 1024 * 1024

    assert Limits() == Limits(max_body=4 * mebibyte, max_decompressed=16 * mebibyte, max_depth=100, max_nodes=1_000_000)


@every_limit
@pytest.mark.parametrize("value", [0, -1, None, True, False, 1.0, float("inf"), "100", b"1"])
def test_a_limit_is_a_positive_int_and_never_unlimited(limit: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{limit} must be a positive int, got .*no 'unlimited'"):
        Limits(**{limit: value})


@every_limit
def test_a_limit_may_be_one(limit: str) -> None:
    assert getattr(Limits(**{limit: 1}), limit) == 1


@every_limit
def test_limits_are_frozen_and_changed_by_making_others(limit: str) -> None:
    limits = Limits()

    with pytest.raises(FrozenInstanceError):
        setattr(limits, limit, 5)
    assert replace(limits, **{limit: 5}) == Limits(**{limit: 5})
    assert limits == Limits()


def test_limits_are_hashable_and_pickle() -> None:
    limits = Limits(max_depth=7)

    assert hash(limits) == hash(Limits(max_depth=7))
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert copy.deepcopy(limits) == limits


def test_a_class_that_derives_from_limits_is_checked_whatever_it_matches() -> None:
    class Own(Limits):
        __match_args__ = ("max_depth",)

    @dataclass(frozen=True)
    class Keyword(Limits):
        max_body: int = field(default=1, kw_only=True)

    for cls in (Own, Keyword):
        with pytest.raises(ValueError, match="max_body must be a positive int, got 0"):
            cls(max_body=0)
