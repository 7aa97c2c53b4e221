"""From a call to its message: the options that hold, the route, the hooks, and what can be settled beforehand."""

from __future__ import annotations

import inspect
import marshal
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from satchel.calling.broker.link import parcel
from satchel.calling.broker.transports import OVER_AMQP, OVER_REDIS, scheme
from satchel.calling.calls import OWN, Call, Defaults, Outgoing, Prepared
from satchel.calling.options import ROUTING, Publishing, over, split
from satchel.calling.retrying import RetryPolicy
from satchel.calling.routing import Route, Router
from satchel.calling.settings import Settings
from satchel.message import MessageBuilder, TaskMessage
from satchel.message.ids import new_id
from satchel.message.options import OPTION_NAMES, STANDING
from satchel.message.times import UTC, in_zone
from satchel.pipeline import Pipeline

if TYPE_CHECKING:
    from satchel.calling.results import Backend

#: Seconds that brokers leave a task to a worker that waits for its eta, before they give it to another: Redis's
#: visibility timeout, and RabbitMQ's consumer timeout, as they are by default.
_VISIBILITY_TIMEOUT, _CONSUMER_TIMEOUT = 3600.0, 1800.0


class LongWait(UserWarning):
    """A call is to run later than its broker lets a worker hold it."""


#: How many settled calls are remembered: names of tasks may be made up at run time.
_KEPT: Final = 1_000

#: Options that many calls give alike, of the message and of its publishing: what they come to is remembered.
_ALIKE: Final = STANDING | {"serializer", "compression"}
_FIXED: Final = _ALIKE | {*ROUTING, "retry", "retry_policy", "mandatory", "timeout"}
#: The form of marshal that writes equal values alike, wherever else they are used.
_MARSHAL_VERSION: Final = 2

T = TypeVar("T")

# In half the time of a NamedTuple's own constructor, which is Python.
_new = tuple.__new__
_NOTHING: Final[Mapping[str, Any]] = {}


class _Settled(NamedTuple):
    """What is the same for all calls of a task that give the same of the options `_FIXED`."""

    defaults: Defaults
    builder: MessageBuilder
    standing: Mapping[str, Any]
    """Further options of messages, where a call gives no other."""
    route: Route
    how: Publishing
    policy: RetryPolicy | None
    ignored: bool


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
        self._of_settings = _of_settings(settings)
        self._base = RetryPolicy.of(settings.task_publish_retry_policy)
        self._zone = settings.zone
        self._longest = _longest_wait(settings)
        self._builder = MessageBuilder(
            pipeline,
            serializer=settings.task_serializer,
            compression=settings.task_compression,
            protocol=settings.task_protocol,
            timezone=settings.zone,
        )
        self._settled: dict[Any, _Settled] = {}
        self._forms: dict[tuple[str, ...], _Form] = {}

    def prepare(self, call: Call) -> Prepared:
        """Check a call and build its message; nothing is sent."""
        task, defaults, args, kwargs, options = call
        key, own = self._parted(task, options) if options else (task, _NOTHING)
        settled = self._settled.get(key)
        if settled is None or settled.defaults is not defaults:
            settled = self._settle(call, key)
        _, builder, standing, route, how, policy, ignored = settled
        if self._before or self._replies is not None or standing or own:
            return self._prepare(call, settled, own)
        # The common case: all is settled but the arguments.
        message = builder.build(task, args, kwargs)
        packet = parcel(message, route, mandatory=how.mandatory is not False, timeout=how.timeout)
        return _new(Prepared, (message.id, packet, ignored, policy, how))

    def _parted(self, task: str, options: Mapping[str, Any]) -> tuple[object, Mapping[str, Any]]:
        """Part a call's options into those that many give alike and the message's others.

        Returns:
            what calls of the task with the same options have in common, or None where that is not to be told; and the
            others.
        """
        names = (*options,)
        form = self._forms.get(names)
        if form is None:
            form = _remember(self._forms, names, _form(names))
        alike, own_names, told = form
        own = {name: options[name] for name in own_names}
        if not told:
            return None, own
        if alike is None:
            return task, own
        try:
            # Not the values themselves: 1 and True are equal.
            return (task, names, marshal.dumps(alike(options), _MARSHAL_VERSION)), own
        except ValueError:  # A kombu.Queue, a class, a timedelta.
            return None, own

    def _prepare(self, call: Call, settled: _Settled, own: Mapping[str, Any]) -> Prepared:
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
        message = builder.build(task, args, kwargs, **merged)
        if self._longest is not None and ("countdown" in merged or "eta" in merged):
            self._warn_of_wait(message, merged)
        packet = parcel(message, route, mandatory=how.mandatory is not False, timeout=how.timeout, ready=ready)
        return _new(Prepared, (message.id, packet, ignored, policy, how))

    def _settle(self, call: Call, key: Any) -> _Settled:
        """Work out what a call has in common with others, and remember it unless `key` is None."""
        task, defaults, _, _, options = call
        message, publishing = split(options)
        how = Publishing(publishing)
        route = self._route(call, how, message)
        of_route, further = split(route.options)
        if further:
            how = Publishing(over(further, publishing))
        alike = {name: value for name, value in message.items() if name in _ALIKE}
        standing = over(self._standing(defaults, of_route), alike)
        ignored = standing["ignore_result"]
        policy = self._policy_of(how)
        # What a function says may hold for one call alone.
        if key is None or self.router.asks(task):
            return _Settled(defaults, self._builder, standing, route, how, policy, ignored)
        builder = replace(
            self._builder,
            serializer=standing.pop("serializer", self._builder.serializer),
            compression=standing.pop("compression", self._builder.compression),
            options={name: standing.pop(name) for name in STANDING & standing.keys()},
        )
        settled = _Settled(defaults, builder, standing, route, how, policy, ignored)
        return _remember(self._settled, key, settled)

    def _standing(self, defaults: Defaults, of_route: Mapping[str, Any]) -> dict[str, Any]:
        """Give what holds where a call does not say: the task's own options over its route's, over the settings'."""
        own = {name: getattr(defaults, name) for name in OWN if getattr(defaults, name) is not None}
        options = {**self._of_settings, **over(of_route, {**own, **defaults.options})}
        options.setdefault("ignore_result", self.settings.task_ignore_result)
        return options

    def ignored(self, task: str, defaults: Defaults) -> bool:
        """Say whether results of a task are ignored, where neither a call nor a function that routes it says."""
        if self.router.asks(task):
            return bool(self._standing(defaults, _NOTHING)["ignore_result"])
        return self._settle(Call(task, defaults, (), {}, _NOTHING), task).ignored

    def _route(self, call: Call, how: Publishing, options: Mapping[str, Any]) -> Route:
        anywhere = how.queue is None and how.exchange is None and how.routing_key is None
        return self.router.route(
            call.task,
            call.args,
            call.kwargs,
            queue=call.defaults.queue if anywhere else how.queue,
            exchange=how.exchange,
            routing_key=how.routing_key,
            options=options,
        )

    def _policy_of(self, how: Publishing) -> RetryPolicy | None:
        policy = RetryPolicy.of(how.retry_policy, self._base)  # Also where none is needed: it may be wrong.
        return policy if (self.settings.task_publish_retry if how.retry is None else how.retry) else None

    def _warn_of_wait(self, message: TaskMessage, options: Mapping[str, Any]) -> None:
        wait, eta = options.get("countdown"), options.get("eta")
        if eta is not None:
            wait = in_zone(eta, self._zone) - datetime.now(UTC)
        if isinstance(wait, timedelta):
            wait = wait.total_seconds()
        if wait is not None and self._longest is not None and wait > self._longest:
            warnings.warn(
                f"{message.task}[{message.id}] is to run in {wait:,.0f} s: a worker holds it until then, and after "
                f"{self._longest:,.0f} s this broker gives it to another one, unless it is set to wait longer",
                LongWait,
                stacklevel=_outside(),
            )


class _Form(NamedTuple):
    """Options by their names alone: which of them are remembered, and which are one call's."""

    alike: Callable[[Mapping[str, Any]], Any] | None
    own: tuple[str, ...]
    told: bool
    """The others are all options of messages: none is a connection, or unknown."""


def _form(names: tuple[str, ...]) -> _Form:
    alike = [name for name in names if name in _FIXED]
    own = [name for name in names if name not in _FIXED]
    return _Form(
        itemgetter(*alike) if alike else None,
        tuple(name for name in own if name in OPTION_NAMES),
        OPTION_NAMES.issuperset(own),
    )


def _remember(table: dict[Any, T], key: Any, value: T) -> T:
    if len(table) >= _KEPT:
        table.clear()
    table[key] = value
    return value


def _outside() -> int:
    """Give the stack level, for a warning, of the first caller that is not of this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("satchel.calling"):
        level, frame = level + 1, frame.f_back
    return level - 1


def _of_settings(settings: Settings) -> Mapping[str, Any]:
    """Give the options that hold for all calls."""
    given: dict[str, Any] = {}
    if settings.task_default_priority is not None:
        given["priority"] = settings.task_default_priority
    if settings.task_default_delivery_mode not in (2, "persistent"):
        given["delivery_mode"] = settings.task_default_delivery_mode
    return given


def _longest_wait(settings: Settings) -> float | None:
    kind = scheme(settings.publish_url)
    if kind in OVER_REDIS:
        return float(settings.broker_transport_options.get("visibility_timeout", _VISIBILITY_TIMEOUT))
    return _CONSUMER_TIMEOUT if kind in OVER_AMQP else None
