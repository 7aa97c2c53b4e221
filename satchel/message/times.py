"""Points in time as task messages carry them: ISO 8601 text, read alike on every Python version."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Any, Final

from satchel.message.reprs import bounded_repr

UTC: Final = timezone.utc

_EPOCH: Final = datetime(1970, 1, 1)
_SECOND: Final = 1_000_000  # Microseconds.
_MICROSECOND: Final = timedelta(microseconds=1)
_floordiv: Final[Callable[[timedelta, timedelta], int]] = timedelta.__floordiv__

_FORM: Final = (
    r"(?P<year>\d{4})"
    r"(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?|(?P<month2>\d\d)(?P<day2>\d\d)"
    r"|-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?|-?(?P<ordinal>\d{3}))?"
    r"(?:[^0-9](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<zone_hours>\d\d)(?::?(?P<zone_minutes>[0-5]\d))?)?)?"
)

#: What every version of Python reads alike. Not each looks at the minutes of the offset.
_CANONICAL: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:[0-5]\d"


@cache
def _matcher(form: str) -> Callable[[str], re.Match[str] | None]:
    """Compile a form when a time is first read: who only sends is spared a millisecond."""
    return re.compile(form, re.ASCII).fullmatch


def parse_iso(text: str) -> datetime:
    """Read a date and time in any form of ISO 8601 that a Celery worker reads, naive or aware.

    ``datetime.fromisoformat`` reads other forms on Python 3.10 than it does later: only what it reads everywhere is
    left to it. Fractions beyond a microsecond are cut off. A date alone is its midnight.

    Raises:
        ValueError: the text is not such a form, or not a date of the years 1 to 9999.
    """
    if _matcher(_CANONICAL)(text):
        return datetime.fromisoformat(text)
    match = _matcher(_FORM)(text)
    if match is None:
        raise ValueError("not a form of ISO 8601")
    part = match.groupdict()
    if part["hour"] and not (part["day"] or part["day2"] or part["week"] or part["ordinal"]):
        raise ValueError("a time of day needs a complete date")
    day = _day(part)
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    midnight = hour == 24 and not (minute or second or microsecond)  # 24:00 is the midnight that ends the day.
    moment = datetime(
        day.year, day.month, day.day, 0 if midnight else hour, minute, second, microsecond, tzinfo=_zone(part)
    )
    try:
        return moment + timedelta(days=midnight)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _day(part: dict[str, Any]) -> date:
    year = int(part["year"])
    if part["week"]:
        return date.fromisocalendar(year, int(part["week"]), int(part["weekday"] or 1))
    if part["ordinal"]:
        number = int(part["ordinal"])
        day = date(year, 1, 1) + timedelta(days=number - 1)
        if not number or day.year != year:
            raise ValueError("day of the year out of range")
        return day
    return date(year, int(part["month"] or part["month2"] or 1), int(part["day"] or part["day2"] or 1))


def _zone(part: dict[str, Any]) -> timezone | None:
    if part["zone"] is None:
        return None
    offset = timedelta(hours=int(part["zone_hours"] or 0), minutes=int(part["zone_minutes"] or 0))
    return timezone(-offset if part["sign"] == "-" else offset) if offset else UTC


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Give `moment` as it is when it is aware, and in `zone` when it is naive."""
    if moment.utcoffset() is not None:
        return moment
    # pytz zones attached in the ordinary way give the local mean time of 1900.
    localize = getattr(zone, "localize", None)
    return moment.replace(tzinfo=zone) if localize is None else localize(moment.replace(tzinfo=None))


def duration(name: str, value: object) -> timedelta:
    """Check a number of seconds or a timedelta, given as the option `name`.

    Raises:
        TypeError: it is neither (a bool is not a number of seconds).
        ValueError: it is NaN, infinite, or beyond what a timedelta holds (about 2.7 million years).
    """
    if type(value) is int:  # The usual case, asked once.
        seconds: int | float = value
    elif isinstance(value, timedelta):
        return value
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or a timedelta, got {shown(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number of seconds, got {value!r}")
    else:
        seconds = value
    try:
        return timedelta(0, seconds)  # By place: by name takes half as long again.
    except OverflowError:
        raise ValueError(f"{name} is out of range: {shown(value)} seconds") from None


def after(name: str, now: int, wait: timedelta) -> str:
    """Write the moment that a wait from now ends, as `iso` does; in half of the time.

    Args:
        name: of the option, for the error.
        now: microseconds since 1970, UTC.
        wait: of a subclass, its own properties are not asked.

    Raises:
        ValueError: that is not within the years 1 to 9999.
    """
    second, microsecond = divmod(now + _floordiv(wait, _MICROSECOND), _SECOND)
    try:
        text = _to_the_second(second)
    except OverflowError:
        raise ValueError(f"{name} is out of range: {shown(wait)} from now is not in the years 1 to 9999") from None
    return f"{text}.{str(_SECOND + microsecond)[1:]}+00:00" if microsecond else f"{text}+00:00"


@lru_cache(maxsize=256)  # Calls that wait as long as one before them within the same second are most.
def _to_the_second(second: int) -> str:
    return datetime.isoformat(_EPOCH + timedelta(0, second))


def moment_in(name: str, value: datetime, zone: tzinfo) -> datetime:
    """Check a datetime given as the option `name`, naive ones taken in `zone`; ValueError if UTC cannot express it."""
    try:
        aware = in_zone(value, zone)  # The zones of pytz look at the days around it.
        utc = aware.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} is out of range: {shown(value)} is not in the years 1 to 9999 in UTC") from None
    offset = aware.utcoffset()
    # A worker reads offsets of whole minutes only; local mean times have seconds.
    return utc if offset is None or offset % timedelta(minutes=1) else aware


def microseconds(moment: datetime) -> int:
    """Give the microseconds from 1970, UTC, to an aware datetime."""
    return _floordiv(datetime.__sub__(moment, _EPOCH.replace(tzinfo=UTC)), _MICROSECOND)


def iso(moment: datetime) -> str:
    """Write an aware datetime as a worker reads it: ``2031-01-02T03:04:05+05:30``."""
    return datetime.isoformat(moment)


def shown(value: object) -> str:
    """Write a value for an error message: short, whatever it is."""
    return bounded_repr(value, max_length=80)
