"""The way of chains, groups and chords to the broker: which messages they are, and that all or none are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from satchel.calling.calls import ROUTING, Call
from satchel.calling.canvas.building import steps_of
from satchel.calling.canvas.chords import Chord
from satchel.calling.canvas.composed import app_of
from satchel.calling.canvas.freezing import ChordsUnsupported, Freezer, Placed, Spot
from satchel.calling.canvas.groups import Group
from satchel.calling.carrying import listed, one_name
from satchel.calling.declaring import NO_DEFAULTS, Defaults
from satchel.calling.errors import OperationalError, SendManyError
from satchel.calling.results import AsyncResult, GroupResult
from satchel.calling.signature import Signature
from satchel.message.fields import new_id
from satchel.message.times import shown
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from satchel.calling.app import App
    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas.composed import Member, Step
    from satchel.calling.canvas.freezing import Result

UNLOCK: Final = "celery.chord_unlock"
"""The task of Celery's that waits for the header of a chord, where the result backend does not count."""

_OF_THE_HEADER: Final = ("countdown", "eta", "parent_id")
_OF_THE_BODY: Final = ("group_id", "group_index", "chord", "chain")
_NOWHERE: Final = Spot()


class _Counting(Protocol):
    """A result backend that knows by itself when the header of a chord is done."""

    def start_chord(self, group_id: str, size: int) -> None: ...


class _Started(NamedTuple):
    """A chord whose header is among the messages."""

    header: GroupResult[Any]
    size: int
    body: Step
    signature: Mapping[str, Any]


class Dispatcher(Freezer):
    """Gathers the messages of one call of ``apply_async``, and sends them."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._calls: list[Call] = []
        self._chords: list[_Started] = []

    def add(self, composed: Member, args: Any, kwargs: Any, spot: Spot = _NOWHERE) -> Placed:
        """Add the messages of what is composed; what follows its first step goes with that."""
        first, *rest = steps_of(composed)
        frozen = self.freeze_all(rest, spot)
        placed = self._add_step(first, args, kwargs, _NOWHERE if frozen else spot, [each.signature for each in frozen])
        if not frozen:
            return placed
        frozen[0].placed.head.parent = placed.result
        return Placed(frozen[-1].placed.result, placed.head)

    def send(self) -> None:
        """Send all. Everything is checked and encoded before.

        Raises:
            SendManyError, OperationalError, BackendError: see `Chord.apply_async`.
        """
        counting = cast("_Counting", self.backend) if hasattr(self.backend, "start_chord") else None
        unlocks = [self._unlock(chord) for chord in self._chords] if counting is None else []
        # What waits for a header would wait for ever, if a part of that was not sent: it comes behind, or not at all.
        batches = [(calls, [self.sender.prepare(call) for call in calls]) for calls in (self._calls, unlocks) if calls]
        if counting is not None:
            for chord in self._chords:
                self._start(counting, chord)
        sent: list[AsyncResult[Any] | None] = []
        for calls, prepared in batches:
            failures: Mapping[int, OperationalError] = {}
            if len(calls) == 1:
                self.sender.publish(prepared[0], calls[0])  # Its error is not one of many.
            else:
                failures = self.sender.publish_all(calls, prepared)
            results = [AsyncResult[Any](each.id, self.backend, ignored=each.ignored) for each in prepared]
            if failures:
                marked = [None if number in failures else result for number, result in enumerate(results)]
                raise SendManyError([*sent, *marked], {len(sent) + number: error for number, error in failures.items()})
            sent += results

    def _add_step(self, step: Step, args: Any, kwargs: Any, spot: Spot, rest: Sequence[dict[str, Any]]) -> Placed:
        if isinstance(step, Signature):
            return self._add_task(step, args, kwargs, spot, rest)
        if isinstance(step, Group):
            return self._add_group(step, args, kwargs, spot)
        return self._add_chord(step, args, kwargs, spot, rest)

    def _add_task(
        self, signature: Signature[Any], args: Any, kwargs: Any, spot: Spot, rest: Sequence[dict[str, Any]]
    ) -> Placed:
        task, complete = signature._task, signature.clone(args or (), kwargs)
        task.check(complete.args, complete.kwargs)
        options = self.placed(one_name(signature.options), spot, rest)
        self._calls.append(Call(task.name, task.defaults, complete.args, complete.kwargs, options))
        result = self.result(signature, options)
        return Placed(result, result)

    def _add_group(self, group: Group, args: Any, kwargs: Any, spot: Spot) -> Placed:
        group_id = group.options.get("task_id") or spot.task_id or new_id()
        within = spot._replace(task_id=None, group_id=spot.group_id or group_id)
        results = [
            self.add(task, args, kwargs, within._replace(group_index=index)).result
            for index, task in enumerate(group.tasks)
        ]
        result: GroupResult[Any] = GroupResult(group_id, results, backend=self.backend)
        return Placed(result, result)

    def _add_chord(self, chord: Chord, args: Any, kwargs: Any, spot: Spot, rest: Sequence[dict[str, Any]]) -> Placed:
        self.check_chords()
        options, group_id = dict(chord.options), new_id()
        task_id = options.pop("task_id", None) or spot.task_id
        errbacks = listed(options.pop("link_error", None))
        delays = {name: options.pop(name) for name in _OF_THE_HEADER if name in options}
        body = cast("Step", chord.body)  # It is one step, since the chord is.
        of_header = {name: value for name, value in (options | delays).items() if name not in _OF_THE_BODY}
        body = body.set(**cast("CallOptions", options)) if options else body
        for errback in errbacks:
            body = body.on_error(errback)
        spot = spot._replace(task_id=task_id, group_id=spot.group_id or options.get("group_id") or group_id)
        if not chord.header.tasks:
            header: GroupResult[Any] = GroupResult(group_id, [], backend=self.backend)
            placed = self._add_step(body, ([],), None, spot, rest)
        else:
            frozen = self.freeze_step(body, spot, rest)
            placed = frozen.placed
            tasks = chord.header.set(**cast("CallOptions", of_header))
            place, above = len(self._chords), Spot(group_id, chord=frozen.signature)
            header = cast("GroupResult[Any]", self._add_group(tasks, args, kwargs, above).result)
            self._chords.insert(place, _Started(header, sum(map(_size, tasks.tasks)), body, frozen.signature))
        placed.head.parent = header
        return Placed(placed.result, header)

    def _start(self, counting: _Counting, chord: _Started) -> None:
        header = chord.header
        if any(isinstance(result, GroupResult) for result in header.results):
            # Else the body would get the results of all groups in one list.
            self.backend.save_group(header.id, header.as_tuple())
        counting.start_chord(header.id, chord.size)

    def _unlock(self, chord: _Started) -> Call:
        """Give the call of the task that waits for the header and then calls the body."""
        body, header = chord.body, chord.header
        for result in header.results:
            if isinstance(result, AsyncResult) and result.ignored:
                raise ChordsUnsupported(
                    "a task in the header of a chord ignores its result, and nothing else shows that it is done",
                    cure="set(ignore_result=False), or use redis:// as result backend",
                )
        defaults = body._task.defaults if isinstance(body, Signature) else NO_DEFAULTS
        given = {name: body.options.get(name) for name in ROUTING}
        options = {name: value for name, value in given.items() if value is not None}
        options = {"queue": defaults.queue, **options}
        route = self.sender.preparer.router.route(body["task"], *_arguments(body), **options)
        kwargs: dict[str, Any] = {"result": [result.as_tuple() for result in header.results]}
        kwargs |= {"interval": None, "max_retries": None}
        if route.queue is not None:
            options["queue"] = options["queue"] or route.queue
            # What it is sent with when it is tried again.
            kwargs["_chord_unlock_exchange_type"] = route.queue.exchange.type
        priority = body.options.get("priority", defaults.options.get("priority"))
        options |= {"countdown": 1, "priority": priority}
        return Call(UNLOCK, Defaults(ignore_result=True), (header.id, chord.signature), kwargs, options)


def _arguments(body: Step) -> tuple[Any, Any]:
    """Give what a function in the routing table sees of a body: an empty list is where the results will be."""
    if not isinstance(body, Signature):
        return (), {}
    return body.args if body.immutable else ([], *body.args), body.kwargs


def dispatch(composed: Member, args: Any, kwargs: Any) -> Result:
    """Send what is composed; see `Chain.apply_async`, `Group.apply_async` and `Chord.apply_async`."""
    if args is not None and not isinstance(args, (list, tuple)):
        raise TypeError(f"args must be a list or tuple, got {shown(args)}; for one argument, give ({shown(args)},)")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TypeError(f"kwargs must be a mapping, got {shown(kwargs)}")
    app = app_of(composed)
    if app is None:
        steps_of(composed)
        return GroupResult[Any](composed.options.get("task_id") or new_id(), [])
    dispatcher = Dispatcher(app)
    result = dispatcher.add(composed, args, kwargs).result
    dispatcher.send()
    if isinstance(composed, Group) and isinstance(result, GroupResult) and len(result) == 1:
        # As in Celery, a group of one chain that ends in a group is that group.
        return result[0] if isinstance(result[0], GroupResult) else result
    return result


def _size(composed: Member) -> int:
    """Count the tasks that end something in the header of a chord: each reports to it."""
    last = steps_of(composed)[-1]
    while isinstance(last, Chord):
        last = steps_of(cast("Member", last.body))[-1]
    return sum(map(_size, last.tasks)) if isinstance(last, Group) else 1
