"""Retry policies: how often to publish again after a failure of the transport, and how long to wait before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields
from typing import Any, Final

from satchel.calling.errors import did_you_mean
from satchel.message.times import shown
from satchel.records import dataclass, replace

_LONGEST: Final = 31_622_400
"""The longest wait that has any meaning, in seconds: a year. An infinite one would never end."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try again, and when. Immutable. The defaults are those of Celery's guide: 0, 0.2 and 0.2 seconds.

    Args:
        max_retries: how often to try again: there are ``max_retries + 1`` attempts. None tries for ever.
        interval_start: seconds to wait before the first retry.
        interval_step: seconds that are added for each further retry.
        interval_max: the longest wait, in seconds; it bounds the first one too.
        retry_errors: the classes of errors to try again after, one or a sequence of them; an error that was raised
            from one of these counts as well. None: every failure of the transport.

    Raises:
        TypeError: a value is of another type; a bool is not a number.
        ValueError: a number is negative or more than a year, or no class is given.
    """

    max_retries: int | None = 3
    interval_start: float = 0
    interval_step: float = 0.2
    interval_max: float = 0.2
    retry_errors: tuple[type[BaseException], ...] | None = None

    def __post_init__(self) -> None:
        if self.max_retries is not None:
            _check_count(self.max_retries)
        for name in ("interval_start", "interval_step", "interval_max"):
            _check_seconds(name, getattr(self, name))
        if self.retry_errors is not None:
            object.__setattr__(self, "retry_errors", _classes(self.retry_errors))

    @classmethod
    def of(cls, value: RetryPolicy | Mapping[str, Any] | None, base: RetryPolicy | None = None) -> RetryPolicy:
        """Make a policy from what a setting or a call gives.

        Args:
            value: a policy, which is taken as it is; a mapping of some of its fields; or None for `base`.
            base: where the fields come from that a mapping leaves out; default the default policy.

        Raises:
            TypeError: another type, or a key that is no field, with the nearest that is.
            ValueError: as the constructor does.
        """
        if isinstance(value, RetryPolicy):
            return value
        base = cls() if base is None else base
        if value is None:
            return base
        if not isinstance(value, Mapping):
            raise TypeError(f"retry_policy must be a mapping or a RetryPolicy, got {shown(value)}")
        known = [field.name for field in fields(cls)]
        for key in value:
            if key not in known:
                raise TypeError(f"unknown key {key!r} in retry_policy; {did_you_mean(key, known)}")
        return replace(base, **value) if value else base

    def waits(self) -> Iterator[float]:
        """Give the seconds to wait before the first retry, the second, …: `max_retries` of them, or without end."""
        numbers = itertools.count() if self.max_retries is None else range(self.max_retries)
        for number in numbers:
            # No sum is kept: its errors would add up.
            yield float(min(self.interval_start + number * self.interval_step, self.interval_max))

    def allows(self, error: BaseException) -> bool:
        """Say whether to try again after `error`, as far as `retry_errors` goes: it, or a cause of it, is one of them.

        Which errors are failures of the transport is for the caller to know: others are never tried again.
        """
        if self.retry_errors is None:
            return True
        seen: set[int] = set()
        cause: BaseException | None = error
        while cause is not None and id(cause) not in seen:
            if isinstance(cause, self.retry_errors):
                return True
            seen.add(id(cause))
            # Redis's library has its own TimeoutError, raised where it handles Python's.
            cause = cause.__cause__ or cause.__context__
        return False


def _check_count(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_retries must be an int, or None to try for ever, got {shown(value)}")
    if value < 0:
        raise ValueError(f"max_retries must be 0 or more, or None to try for ever, got {shown(value)}")


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, got {shown(value)}")
    if not 0 <= value <= _LONGEST:
        raise ValueError(f"{name} must be from 0 to {_LONGEST} seconds, got {shown(value)}")


def _classes(value: object) -> tuple[type[BaseException], ...]:
    given = value if isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes)) else (value,)
    classes: list[type[BaseException]] = []
    for item in given:
        if not isinstance(item, type) or not issubclass(item, BaseException):
            raise TypeError(f"retry_errors must be exception classes, such as (TimeoutError,), got {shown(item)}")
        classes.append(item)
    if not classes:
        raise ValueError("retry_errors must have at least one class; None retries after every failure")
    return tuple(classes)
