"""Retry policies: how often, how long, after which errors, and what is refused."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel.calling.retrying import RetryPolicy

SECONDS = st.floats(0, 1e6) | st.integers(0, 10**6)


def test_default_waits_are_those_of_the_guide():
    waits = list(RetryPolicy().waits())

    assert waits == [0, 0.2, 0.2]


@given(st.integers(0, 60), SECONDS, SECONDS, SECONDS)
def test_waits_start_grow_by_the_step_and_end_at_the_most(retries, start, step, most):
    waits = list(RetryPolicy(retries, start, step, most).waits())

    assert len(waits) == retries
    assert waits == sorted(waits)
    assert all(0 <= wait <= most for wait in waits)
    for number, wait in enumerate(waits):
        assert wait == pytest.approx(min(start + step * number, most))


@given(SECONDS, SECONDS, SECONDS)
def test_waits_without_end_begin_as_those_with_one(start, step, most):
    endless = list(itertools.islice(RetryPolicy(None, start, step, most).waits(), 50))

    assert endless == list(RetryPolicy(50, start, step, most).waits())


def test_no_retries_have_no_waits():
    assert list(RetryPolicy(max_retries=0).waits()) == []


def test_a_first_wait_beyond_the_most_is_the_most():
    assert list(RetryPolicy(2, interval_start=5, interval_step=1, interval_max=3).waits()) == [3, 3]


def test_a_mapping_changes_only_what_it_names():
    base = RetryPolicy(7, 1, 2, 3, (OSError,))

    policy = RetryPolicy.of({"max_retries": None, "interval_step": 0}, base)

    assert policy == RetryPolicy(None, 1, 0, 3, (OSError,))


def test_none_is_the_base_or_the_default():
    base = RetryPolicy(7)

    assert RetryPolicy.of(None, base) is base
    assert RetryPolicy.of(None) == RetryPolicy.of({}) == RetryPolicy()


def test_a_policy_is_taken_as_it_is():
    policy = RetryPolicy(1)

    assert RetryPolicy.of(policy, RetryPolicy(2, 5, 5, 5)) is policy


@pytest.mark.parametrize(
    "errors",
    [OSError, (OSError,), [OSError], {OSError}, frozenset({OSError})],
    ids=lambda errors: type(errors).__name__,
)
def test_retry_errors_are_one_class_or_any_of_several(errors: Any):
    assert RetryPolicy.of({"retry_errors": errors}).retry_errors == (OSError,)


def test_every_error_is_allowed_where_none_is_named():
    assert RetryPolicy().allows(ValueError("x"))


def test_only_named_errors_and_their_subclasses_are_allowed():
    policy = RetryPolicy(retry_errors=(TimeoutError, ConnectionError))

    assert policy.allows(TimeoutError())
    assert policy.allows(ConnectionRefusedError())
    assert not policy.allows(OSError())


def test_an_error_that_was_raised_from_a_named_one_is_allowed():
    error = RuntimeError("not sent")
    error.__cause__ = ValueError("x")
    error.__cause__.__cause__ = ConnectionRefusedError()
    policy = RetryPolicy(retry_errors=(ConnectionRefusedError,))

    assert policy.allows(error)
    assert not RetryPolicy(retry_errors=(KeyError,)).allows(error)


def test_causes_in_a_circle_end():
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one

    assert not RetryPolicy(retry_errors=(OSError,)).allows(one)


REFUSED: dict[str, tuple[Any, str]] = {
    "unknown key": ({"max_retires": 3}, "TypeError: unknown key 'max_retires' in retry_policy; did you mean 'max_ret"),
    "unlike any key": ({"zz": 3}, "TypeError: unknown key 'zz' in retry_policy; known: interval_max, interval_start"),
    "a number": (3, "TypeError: retry_policy must be a mapping or a RetryPolicy, got 3"),
    "bool retries": ({"max_retries": True}, "TypeError: max_retries must be an int, or None to try for ever, got True"),
    "float retries": ({"max_retries": 3.0}, "TypeError: max_retries must be an int"),
    "negative retries": ({"max_retries": -1}, "ValueError: max_retries must be 0 or more, or None"),
    "bool wait": ({"interval_start": False}, "TypeError: interval_start must be a number of seconds, got False"),
    "no wait": ({"interval_start": None}, "TypeError: interval_start must be a number of seconds, got None"),
    "negative wait": (
        {"interval_step": -0.1},
        "ValueError: interval_step must be from 0 to 31622400 seconds, got -0.1",
    ),
    "endless wait": ({"interval_max": float("inf")}, "ValueError: interval_max must be from 0 to"),
    "no number": ({"interval_max": float("nan")}, "ValueError: interval_max must be from 0 to"),
    "huge": ({"interval_max": 10**400}, "ValueError: interval_max must be from 0 to"),
    "error by name": ({"retry_errors": "TimeoutError"}, "TypeError: retry_errors must be exception classes"),
    "error instance": ({"retry_errors": [OSError()]}, "TypeError: retry_errors must be exception classes"),
    "another class": ({"retry_errors": (int,)}, "TypeError: retry_errors must be exception classes"),
    "no class": ({"retry_errors": ()}, "ValueError: retry_errors must have at least one class"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why(value: Any, message: str):
    with pytest.raises((TypeError, ValueError)) as caught:
        RetryPolicy.of(value)

    assert f"{caught.type.__name__}: {caught.value}".startswith(message)


def test_a_policy_is_pickled_and_compared_as_a_value():
    policy = RetryPolicy(None, 1, 2, 3, (OSError,))

    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(RetryPolicy(None, 1, 2, 3, (OSError,)))
