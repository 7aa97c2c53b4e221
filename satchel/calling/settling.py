"""What calls of a task with the same options have in common: worked out once, and remembered."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

from satchel.calling.calls import ROUTING, Call, Publishing, over, split
from satchel.calling.declaring import OWN, Defaults
from satchel.calling.retrying import RetryPolicy
from satchel.calling.routing.router import Route, Router
from satchel.calling.settings import Settings
from satchel.message import MessageBuilder
from satchel.message.options import OPTION_NAMES, STANDING
from satchel.pipeline import Pipeline
from satchel.records import NamedTuple, replace

T = TypeVar("T")

#: How many settled calls are remembered, and how many that came once: names of tasks may be made up at run time.
_KEPT: Final = 1_000

#: The options that many calls give alike: of the message, and of its publishing.
_OF_MESSAGES: Final = STANDING | {"serializer", "compression"}
_REMEMBERED: Final = _OF_MESSAGES | {*ROUTING, "retry", "retry_policy", "mandatory"}

#: The form of marshal that writes equal values alike, wherever else they are used.
_MARSHAL_VERSION: Final = 2
#: Marshal writes what has a buffer (bytes, NumPy's numbers) as its bytes, whatever it is.
_EXACT: Final = frozenset({str, int, float, bool, type(None)})

_NOTHING: Final[Mapping[str, Any]] = {}

_Key: TypeAlias = str | tuple[Any, ...] | None
"""What calls that come to the same are known by: the task's name, or it with options; None where nothing is."""


class Settled(NamedTuple):
    """What calls have in common.

    Attributes:
        defaults: the task's, which it was worked out from.
        builder: makes the messages.
        standing: further options of messages, where a call gives no other.
        route, how, policy: where they go, and how they are published.
        ignored: their results are.
    """

    defaults: Defaults
    builder: MessageBuilder
    standing: Mapping[str, Any]
    route: Route
    how: Publishing
    policy: RetryPolicy | None
    ignored: bool


class _Form(NamedTuple):
    """Options by their names alone.

    Attributes:
        alike: takes the values out that many calls give alike; None where there are none.
        own: the names of the message's others.
        values: takes out theirs, the one of a single name twice; None where there are none.
        known: the others are all options of messages: none is a connection, or unknown.
    """

    alike: Callable[[Mapping[str, Any]], Any] | None
    own: tuple[str, ...]
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None
    known: bool


class Settler:
    """Settles calls, with one set of settings. Safe to share between threads.

    Args:
        settings: see there.
        pipeline: what encodes the bodies.
        router: says where tasks go.
    """

    def __init__(self, settings: Settings, pipeline: Pipeline, router: Router) -> None:
        self._settings = settings
        self._router = router
        self._of_settings = _of_settings(settings)
        self._base = RetryPolicy.of(settings.task_publish_retry_policy)
        self._builder = MessageBuilder(
            pipeline,
            serializer=settings.task_serializer,
            compression=settings.task_compression,
            protocol=settings.task_protocol,
            timezone=settings.zone,
        )
        self._settled: dict[_Key, Settled] = {}
        self._once: dict[_Key, None] = {}
        self._forms: dict[tuple[str, ...], _Form] = {}

    def settle(self, call: Call) -> tuple[Settled, Mapping[str, Any]]:
        """Give what holds for a call, and the options of its message that are its own."""
        task, defaults, _, _, options = call
        key, own = self._parted(task, options) if options else (task, _NOTHING)
        settled = self._settled.get(key)
        if settled is None or settled.defaults is not defaults:
            settled = self._made(call, key)
        return settled, own

    def ignored(self, task: str, defaults: Defaults) -> bool:
        """Say whether results of a task are ignored, where neither a call nor a function that routes it says."""
        if self._router.asks(task):
            return bool(self._standing(defaults, _NOTHING)["ignore_result"])
        return self.settle(Call(task, defaults, (), {}, _NOTHING))[0].ignored

    def _parted(self, task: str, options: Mapping[str, Any]) -> tuple[_Key, Mapping[str, Any]]:
        """Part a call's options into those that many give alike, for the key, and the message's others."""
        names = (*options,)
        form = self._forms.get(names)
        if form is None:
            form = _remember(self._forms, names, _form(names))
        alike, own_names, values, known = form
        own = _NOTHING if values is None else dict(zip(own_names, values(options), strict=False))
        if not known:
            return None, own
        if alike is None:
            return task, own
        try:
            # Not the values themselves: 1 and True are equal.
            return (task, names, marshal.dumps(alike(options), _MARSHAL_VERSION)), own
        except ValueError:  # A kombu.Queue, a RetryPolicy, a timedelta.
            return None, own

    def _made(self, call: Call, key: _Key) -> Settled:
        """Settle a call anew, and remember it where the next one is to find it."""
        task, defaults, _, _, options = call
        message, publishing = split(options)
        how = Publishing(publishing)
        route = self._route(call, how, message)
        of_route, further = split(route.options)
        if further:
            how = Publishing(over(further, publishing))
        alike = {name: value for name, value in message.items() if name in _OF_MESSAGES}
        standing = over(self._standing(defaults, of_route), alike)
        settled = Settled(
            defaults, self._builder, standing, route, how, self._policy_of(how), bool(standing["ignore_result"])
        )
        # What a function says may hold for one call alone.
        if key is None or self._router.asks(task) or not all(map(_exact, options.values(), options)):
            return settled
        # A builder of its own takes as long as a message: whose options are others each time would pay for nothing.
        if key != task and key not in self._once:
            _remember(self._once, key, None)
            return settled
        return _remember(self._settled, key, self._with_builder(settled))

    def _with_builder(self, settled: Settled) -> Settled:
        standing = dict(settled.standing)
        builder = replace(
            self._builder,
            serializer=standing.pop("serializer", self._builder.serializer),
            compression=standing.pop("compression", self._builder.compression),
            options={name: standing.pop(name) for name in STANDING & standing.keys()},
        )
        return settled._replace(builder=builder, standing=standing)

    def _standing(self, defaults: Defaults, of_route: Mapping[str, Any]) -> dict[str, Any]:
        """Give what holds where a call does not say: the task's own options over its route's, over the settings'."""
        own = {name: getattr(defaults, name) for name in OWN if getattr(defaults, name) is not None}
        options = {**self._of_settings, **over(of_route, {**own, **defaults.options})}
        # None: a worker has the task's code, and with it the task's own choice.
        unsaid = None if defaults.elsewhere else False
        options.setdefault("ignore_result", self._settings.task_ignore_result or unsaid)
        return options

    def _route(self, call: Call, how: Publishing, options: Mapping[str, Any]) -> Route:
        anywhere = how.queue is None and how.exchange is None and how.routing_key is None
        return self._router.route(
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
        return policy if (self._settings.task_publish_retry if how.retry is None else how.retry) else None


def _form(names: tuple[str, ...]) -> _Form:
    alike = [name for name in names if name in _REMEMBERED]
    others = [name for name in names if name not in _REMEMBERED]
    own = [name for name in others if name in OPTION_NAMES]
    return _Form(
        itemgetter(*alike) if alike else None,
        tuple(own),
        itemgetter(*own, own[0]) if own else None,
        OPTION_NAMES.issuperset(others),
    )


def _exact(value: Any, name: str) -> bool:
    if name == "retry_policy" and type(value) is dict:
        return _EXACT.issuperset(map(type, value.values()))
    return name not in _REMEMBERED or type(value) in _EXACT


def _remember(table: dict[Any, T], key: Any, value: T) -> T:
    if len(table) >= _KEPT:
        table.clear()
    table[key] = value
    return value


def _of_settings(settings: Settings) -> Mapping[str, Any]:
    """Give the options that hold for all calls."""
    given: dict[str, Any] = {}
    if settings.task_default_priority is not None:
        given["priority"] = settings.task_default_priority
    if settings.task_default_delivery_mode not in (2, "persistent"):
        given["delivery_mode"] = settings.task_default_delivery_mode
    return given
