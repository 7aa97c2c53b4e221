"""When a task runs: its waits and datetimes, turned into the headers ``eta`` and ``expires``."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from satchel.message.checks import MAX_TTL
from satchel.message.options import Draft
from satchel.message.times import UTC, after, iso, moment_in


def schedule(draft: Draft, zone: tzinfo) -> None:
    """Put the times of `draft` into its headers, ISO 8601, waits counted from one and the same now.

    Args:
        zone: where naive datetimes are taken to be.

    Raises:
        ValueError: a time is not within the years 1 to 9999, or too late for a broker to keep.
    """
    call = draft.call
    countdown: timedelta | None = call.get("countdown")
    eta: datetime | None = call.get("eta")
    expires: timedelta | datetime | None = call.get("expires")
    if eta is not None:
        draft.headers["eta"] = iso(moment_in("eta", eta, zone))
    if not countdown and expires is None:  # A wait of 0 is none, as in Celery.
        return
    now = datetime.now(UTC)
    if countdown:
        draft.headers["eta"] = iso(after("countdown", now, countdown))
    if expires is not None:
        if isinstance(expires, timedelta):
            end = after("expires", now, expires)
        else:
            end = moment_in("expires", expires, zone)
        draft.headers["expires"] = iso(end)
        if call.get("broker_expiration"):
            draft.properties["expiration"] = _time_to_live((end - now).total_seconds())


def _time_to_live(seconds: float) -> float:
    if seconds > MAX_TTL:
        raise ValueError(f"broker_expiration: brokers keep a time of up to {MAX_TTL:.0f} seconds, not {seconds:.0f}")
    return max(seconds, 0.0)
