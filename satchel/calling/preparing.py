"""From a call to its message: what is settled for it, the hooks, and warnings of calls that will not run as meant."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from satchel.calling.broker.link import parcel
from satchel.calling.broker.transports import OVER_AMQP, OVER_REDIS, scheme
from satchel.calling.calls import Call, Outgoing, Prepared, over
from satchel.calling.declaring import Defaults
from satchel.calling.routing.router import Router
from satchel.calling.settings import Settings
from satchel.calling.settling import Settled, Settler
from satchel.message import TaskMessage
from satchel.message.fields import new_id
from satchel.message.times import UTC, in_zone
from satchel.pipeline import Pipeline

if TYPE_CHECKING:
    from satchel.calling.results import Backend

#: Seconds that brokers leave a task to a worker that waits for its eta, before they give it to another: Redis's
#: visibility timeout, and RabbitMQ's consumer timeout, as they are by default.
_VISIBILITY_TIMEOUT, _CONSUMER_TIMEOUT = 3600.0, 1800.0


class LongWait(UserWarning):
    """A call is to run later than its broker lets a worker hold it."""


class NeverRuns(UserWarning):
    """A call expires before it can run: a worker will revoke it."""


_MOMENTS: Final = ("expires", "eta")

# In half the time of a NamedTuple's own constructor, which is Python.
_new = tuple.__new__


class Preparer:
    """Makes messages of calls, with one set of settings. Safe to share between threads.

    Args:
        settings: see there.
        pipeline: what encodes the bodies.
        replies: gives the result backend, where results come by the broker; otherwise None.
        before: called with each `Outgoing` before its message is built; what they raise, the caller gets.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        *,
        replies: Callable[[], Backend] | None = None,
        before: tuple[Callable[[Outgoing], None], ...] = (),
    ) -> None:
        self.settings = settings
        self._replies = replies
        self._before = before
        self.router: Router = Router(settings)
        self._settler = Settler(settings, pipeline, self.router)
        self._zone = settings.zone
        self._longest = _longest_wait(settings)
        self.ignored: Callable[[str, Defaults], bool] = self._settler.ignored

    def prepare(self, call: Call) -> Prepared:
        """Check a call and build its message; nothing is sent."""
        task, _, args, kwargs, _ = call
        settled, own = self._settler.settle(call)
        _, builder, standing, route, how, policy, ignored = settled
        if self._before or self._replies is not None or standing:
            return self._prepare(call, settled, own)
        # The common case: what is not settled is the message's own.
        message = builder.built(task, args, kwargs, own)
        if own:
            self._warn(message, own)
        packet = parcel(message, route, mandatory=how.mandatory is not False, timeout=how.timeout)
        return _new(Prepared, (packet.id, packet, ignored, policy, how))

    def _prepare(self, call: Call, settled: Settled, own: Mapping[str, Any]) -> Prepared:
        task, _, args, kwargs, _ = call
        _, builder, standing, route, how, policy, ignored = settled
        merged = over(standing, own)
        ready = None
        # What follows an ignored task may be waited for.
        awaited = not ignored or "chain" in merged or "link" in merged
        if self._replies is not None and awaited and merged.get("reply_to") is None:
            backend = self._replies()
            merged["reply_to"], ready = backend.reply_to, backend.prepare
        if self._before:
            merged["task_id"] = task_id = merged.get("task_id") or new_id()
            outgoing = Outgoing(task, task_id, args, kwargs, dict(merged.get("headers") or {}))
            for hook in self._before:
                hook(outgoing)
            merged["headers"] = outgoing.headers or None
        message = builder.built(task, args, kwargs, merged)
        self._warn(message, merged)
        packet = parcel(message, route, mandatory=how.mandatory is not False, timeout=how.timeout, ready=ready)
        return _new(Prepared, (packet.id, packet, ignored, policy, how))

    def _warn(self, message: TaskMessage, options: Mapping[str, Any]) -> None:
        if self._longest is not None and ("countdown" in options or "eta" in options):
            self._warn_of_wait(message, options)
        if "expires" in options:
            last, first = options["expires"], options.get("countdown", 0)
            # The usual case needs no closer look.
            if not (type(last) is type(first) is int and last >= first >= 0 and "eta" not in options):
                self._warn_of_expiry(message, options)

    def _seconds(self, *waits: Any) -> float | None:
        """Give the seconds from now of the first that is given: a number, a timedelta or a datetime."""
        wait = next((each for each in waits if each is not None), None)
        if isinstance(wait, datetime):
            wait = in_zone(wait, self._zone) - datetime.now(UTC)
        return wait.total_seconds() if isinstance(wait, timedelta) else wait

    def _warn_of_expiry(self, message: TaskMessage, options: Mapping[str, Any]) -> None:
        last = self._seconds(options["expires"])
        first = self._seconds(options.get("eta"), options.get("countdown")) or 0
        if last is None or last >= max(first, 0):
            return
        told = f"expired {-last:,.1f} s ago" if last < 0 else f"expires {first - last:,.1f} s before it is to run"
        naive = any(isinstance(options.get(name), datetime) and options[name].utcoffset() is None for name in _MOMENTS)
        zone = f" (a datetime without a zone is one of the setting timezone, here {self._zone})" if naive else ""
        warnings.warn(
            f"{message.task}[{message.id}] {told}: a worker will revoke it, not run it{zone}",
            NeverRuns,
            stacklevel=_outside(),
        )

    def _warn_of_wait(self, message: TaskMessage, options: Mapping[str, Any]) -> None:
        wait = self._seconds(options.get("eta"), options.get("countdown"))
        if wait is not None and self._longest is not None and wait > self._longest:
            warnings.warn(
                f"{message.task}[{message.id}] is to run in {wait:,.0f} s: a worker holds it until then, and after "
                f"{self._longest:,.0f} s this broker gives it to another one, unless it is set to wait longer",
                LongWait,
                stacklevel=_outside(),
            )


def _outside() -> int:
    """Give the stack level, for a warning, of the first caller that is not of this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("satchel.calling"):
        level, frame = level + 1, frame.f_back
    return level - 1


def _longest_wait(settings: Settings) -> float | None:
    kind = scheme(settings.publish_url)
    if kind in OVER_REDIS:
        return float(settings.broker_transport_options.get("visibility_timeout", _VISIBILITY_TIMEOUT))
    return _CONSUMER_TIMEOUT if kind in OVER_AMQP else None
