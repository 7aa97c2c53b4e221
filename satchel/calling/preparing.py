"""From a call to its message: the options that hold, the route, the hooks, and what can be settled beforehand."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from satchel.calling.broker.link import parcel
from satchel.calling.broker.transports import OVER_AMQP, OVER_REDIS, scheme
from satchel.calling.calls import OWN, Call, Defaults, Outgoing, Prepared
from satchel.calling.options import Publishing, over, split
from satchel.calling.retrying import RetryPolicy
from satchel.calling.routing import Route, Router
from satchel.calling.settings import Settings
from satchel.message import MessageBuilder, TaskMessage
from satchel.message.ids import new_id
from satchel.message.times import UTC, in_zone
from satchel.pipeline import Pipeline

if TYPE_CHECKING:
    from satchel.calling.results import Backend

#: Seconds that brokers leave a task to a worker that waits for its eta, before they give it to another: Redis's
#: visibility timeout, and RabbitMQ's consumer timeout, as they are by default.
_VISIBILITY_TIMEOUT, _CONSUMER_TIMEOUT = 3600.0, 1800.0


class LongWait(UserWarning):
    """A call is to run later than its broker lets a worker hold it."""


#: How many plans, queues and policies are remembered: names of tasks may be made up at run time.
_KEPT = 1_000

_AS_SET = Publishing({})


class _Plan(NamedTuple):
    """What is the same for all calls of a task without options; no route where it is not, or says how to publish."""

    defaults: Defaults
    builder: MessageBuilder
    route: Route | None
    options: dict[str, Any]
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
        self._pipeline = pipeline
        self._replies = replies
        self._before = before
        self.router: Router = Router(settings)
        self._of_settings = _of_settings(settings)
        self._base = RetryPolicy.of(settings.task_publish_retry_policy)
        self._policy = self._base if settings.task_publish_retry else None
        self._plans: dict[str, _Plan] = {}
        # What many calls give alike.
        self._to_queues: dict[tuple[str, Any], Route] = {}
        self._policies: dict[Any, RetryPolicy] = {}
        self._zone = settings.zone
        self._longest = _longest_wait(settings)

    def prepare(self, call: Call) -> Prepared:
        """Check a call and build its message; nothing is sent."""
        task, defaults, args, kwargs, options = call
        plan = self._plan(task, defaults)
        if not options and plan.route is not None and not self._before and self._replies is None:
            # The common case: all is settled but the arguments.
            message = plan.builder.build(task, args, kwargs, **plan.options)
            return Prepared(message.id, parcel(message, plan.route), plan.ignored, self._policy, None)
        return self._prepare(call, plan)

    def _prepare(self, call: Call, plan: _Plan) -> Prepared:
        task, _, args, kwargs, given = call
        options, publishing = split(given)
        how, route, standing = _AS_SET, plan.route, plan.options
        if publishing or route is None:
            how, route, standing = self._routed(call, options, publishing)
        merged = over(standing, options)
        ignored = merged.get("ignore_result")
        if ignored is None:
            merged["ignore_result"] = ignored = plan.ignored
        ready = None
        # What follows an ignored task may be waited for.
        awaited = not ignored or "chain" in options or "link" in options
        if self._replies is not None and awaited and merged.get("reply_to") is None:
            backend = self._replies()
            merged["reply_to"], ready = backend.reply_to, backend.prepare
        if self._before:
            merged["task_id"] = task_id = merged.get("task_id") or new_id()
            outgoing = Outgoing(task, task_id, args, kwargs, dict(merged.get("headers") or {}))
            for hook in self._before:
                hook(outgoing)
            merged["headers"] = outgoing.headers or None
        message = plan.builder.build(task, args, kwargs, **merged)
        if self._longest is not None and ("countdown" in merged or "eta" in merged):
            self._warn_of_wait(message, merged)
        policy = self._policy
        if how.retry is not None or how.retry_policy is not None:
            policy = self._policy_of(how)
        packet = parcel(message, route, mandatory=how.mandatory is not False, timeout=how.timeout, ready=ready)
        return Prepared(message.id, packet, ignored, policy, how)

    def _plan(self, task: str, defaults: Defaults) -> _Plan:
        plan = self._plans.get(task)
        if plan is None or plan.defaults is not defaults:
            plan = self._make_plan(task, defaults)
            _keep(self._plans, task, plan)
        return plan

    def _make_plan(self, task: str, defaults: Defaults) -> _Plan:
        settings = self.settings
        # What a function says may hold for one call alone.
        route = None if self.router.asks(task) else self.router.route(task, (), {}, queue=defaults.queue)
        of_route, publishing = split({} if route is None else route.options)
        options = self._standing(defaults, of_route)
        builder = MessageBuilder(
            self._pipeline,
            serializer=options.pop("serializer", settings.task_serializer),
            compression=options.pop("compression", settings.task_compression),
            protocol=settings.task_protocol,
            timezone=self._zone,
        )
        ignored = options["ignore_result"]
        if not ignored:
            del options["ignore_result"]
        return _Plan(defaults, builder, None if publishing else route, options, ignored)

    def _standing(self, defaults: Defaults, of_route: Mapping[str, Any]) -> dict[str, Any]:
        """Give what holds where a call does not say: the task's own options over its route's, over the settings'."""
        own = {name: getattr(defaults, name) for name in OWN if getattr(defaults, name) is not None}
        options = {**self._of_settings, **over(of_route, {**own, **defaults.options})}
        options.setdefault("ignore_result", self.settings.task_ignore_result)
        return options

    def ignored(self, task: str, defaults: Defaults) -> bool:
        """Say whether results of a task are ignored, where a call does not say."""
        return self._plan(task, defaults).ignored

    def _routed(
        self, call: Call, options: Mapping[str, Any], publishing: Mapping[str, Any]
    ) -> tuple[Publishing, Route, dict[str, Any]]:
        how = Publishing(publishing)
        route = self._route(call, how, options)
        of_route, further = split(route.options)
        if further:
            how = Publishing(over(further, publishing))
        return how, route, self._standing(call.defaults, of_route)

    def _route(self, call: Call, how: Publishing, options: Mapping[str, Any]) -> Route:
        anywhere = how.queue is None and how.exchange is None and how.routing_key is None
        queue = call.defaults.queue if anywhere else how.queue
        named = isinstance(queue, str) and how.exchange is None and how.routing_key is None
        if named:
            route = self._to_queues.get((call.task, queue))
            if route is not None:
                return route
        route = self.router.route(
            call.task,
            call.args,
            call.kwargs,
            queue=queue,
            exchange=how.exchange,
            routing_key=how.routing_key,
            options=options,
        )
        if named and not self.router.asks(call.task):
            _keep(self._to_queues, (call.task, queue), route)
        return route

    def _policy_of(self, how: Publishing) -> RetryPolicy | None:
        policy = self._policy_given(how.retry_policy)  # Also where none is needed: it may be wrong.
        return policy if (self.settings.task_publish_retry if how.retry is None else how.retry) else None

    def _policy_given(self, given: Any) -> RetryPolicy:
        if not isinstance(given, Mapping):
            return RetryPolicy.of(given, self._base)
        key = (*given.items(),)
        try:
            policy = self._policies.get(key)
        except TypeError:  # A list of classes.
            return RetryPolicy.of(given, self._base)
        if policy is None:
            policy = RetryPolicy.of(given, self._base)
            _keep(self._policies, key, policy)
        return policy

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


def _keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    if len(table) >= _KEPT:
        table.clear()
    table[key] = value


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
