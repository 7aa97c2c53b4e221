"""What is sent with the first task, for workers to carry on with: plain signatures with their ids, and the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from satchel.calling.canvas.building import steps_of
from satchel.calling.canvas.groups import Group
from satchel.calling.carrying import carried, listed, one_name, with_defaults
from satchel.calling.results import AsyncResult, GroupResult
from satchel.calling.results.nowhere import NoBackend
from satchel.calling.signature import Signature
from satchel.errors import SatchelError
from satchel.message.fields import new_id
from satchel.records import NamedTuple

if TYPE_CHECKING:
    from satchel.calling.app import App
    from satchel.calling.canvas.chords import Chord
    from satchel.calling.canvas.composed import Member, Step
    from satchel.calling.results import Backend
    from satchel.calling.sending import Sender

Result: TypeAlias = "AsyncResult[Any] | GroupResult[Any]"


class ChordsUnsupported(SatchelError, NotImplementedError):
    """The result backend cannot hold what a chord needs. Nothing was sent."""


class Spot(NamedTuple):
    """Where a task stands in what is around it."""

    task_id: str | None = None
    group_id: str | None = None
    group_index: int | None = None
    chord: Mapping[str, Any] | None = None


class Placed(NamedTuple):
    """The results of what was composed: the last one, and the one that has those before it as its parent."""

    result: Result
    head: Result


class Frozen(NamedTuple):
    """What a message carries, and the results."""

    signature: dict[str, Any]
    placed: Placed


class Freezer:
    """Gives tasks their ids and places, and checks them. One is for one call of ``apply_async``."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.sender: Sender = app.sender
        self.backend: Backend = app.backend
        self._zone = app.settings.zone
        # Before version 2, messages carry no rest of a chain: each task is linked to the one before it.
        self.linking: bool = app.settings.task_protocol == 1

    def freeze_all(self, steps: Sequence[Step], spot: Spot) -> list[Frozen]:
        """Freeze what runs one after another behind something; the last one has the spot."""
        frozen: list[Frozen] = []
        for number, step in enumerate(steps, 1):
            each = self.freeze_step(step, spot if number == len(steps) else Spot())
            if frozen:
                each.placed.head.parent = frozen[-1].placed.result
            frozen.append(each)
        return frozen

    def freeze(self, composed: Member, spot: Spot) -> Frozen:
        """Freeze what runs behind something."""
        steps = steps_of(composed)
        if len(steps) == 1:
            return self.freeze_step(steps[0], spot)
        frozen = self.freeze_all(steps, spot)
        last = frozen[-1].placed.result
        tasks = [each.signature for each in frozen]
        signature = _composed("chain", {"tasks": tasks}, {"task_id": last.id})
        return Frozen(signature, Placed(last, frozen[0].placed.head))

    def freeze_step(self, step: Step, spot: Spot, rest: Sequence[dict[str, Any]] = ()) -> Frozen:
        """Freeze one; `rest` is what follows it, where nothing else carries that."""
        if isinstance(step, Signature):
            return self._task(step, spot, rest)
        return self._group(step, spot) if isinstance(step, Group) else self._chord(step, spot, rest)

    def placed(self, options: Mapping[str, Any], spot: Spot, rest: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Give options with those of a spot."""
        merged = dict(options)
        merged["task_id"] = options.get("task_id") or spot.task_id or new_id()
        merged |= {name: value for name, value in spot._asdict().items() if value is not None and name != "task_id"}
        if rest and self.linking:
            merged["link"] = [*listed(options.get("link")), _linked(rest)]
        elif rest:
            merged["chain"] = [*listed(options.get("chain")), *rest]
        return merged

    def result(self, signature: Signature[Any], options: Mapping[str, Any]) -> AsyncResult[Any]:
        """Give the result of a task that has its id."""
        ignored = options.get("ignore_result")
        if ignored is None:
            ignored = self.sender.preparer.ignored(signature.name, signature._task.defaults)
        return AsyncResult(options["task_id"], self.backend, ignored=ignored)

    def check_chords(self) -> None:
        """Refuse chords that would never end.

        Raises:
            ChordsUnsupported: the result backend has none.
        """
        if self.backend.reply_to is not None or isinstance(self.backend, NoBackend):
            name = "rpc://" if self.backend.reply_to is not None else "no result backend"
            raise ChordsUnsupported(
                f"there are no chords with {name}: the workers could not see when the header is done",
                expected="a group that is followed by a task is a chord too",
                cure="set result_backend to redis://…, db+… or file://…, for the workers as well",
            )

    def _task(self, signature: Signature[Any], spot: Spot, rest: Sequence[dict[str, Any]]) -> Frozen:
        task, args = signature._task, signature.args
        # What it follows adds its result.
        task.check(args if signature.immutable else (None, *args), signature.kwargs)
        options = self.placed(one_name(with_defaults(signature.options, task.defaults)), spot, rest)
        result = self.result(signature, options)
        if result.ignored:
            options["ignore_result"] = True
        if options.get("reply_to") is None:
            options["reply_to"] = self.backend.reply_to
        plain = {**dict(signature), "options": carried(options, self._zone)}
        return Frozen(plain, Placed(result, result))

    def _group(self, group: Group, spot: Spot) -> Frozen:
        group_id = group.options.get("task_id") or spot.task_id or new_id()
        frozen = [
            self.freeze(task, spot._replace(task_id=None, group_index=index)) for index, task in enumerate(group.tasks)
        ]
        options = {name: value for name, value in spot._asdict().items() if value is not None}
        signature = _composed("group", {"tasks": [each.signature for each in frozen]}, {**options, "task_id": group_id})
        result: GroupResult[Any] = GroupResult(group_id, [each.placed.result for each in frozen], backend=self.backend)
        return Frozen(signature, Placed(result, result))

    def _chord(self, chord: Chord, spot: Spot, rest: Sequence[dict[str, Any]]) -> Frozen:
        self.check_chords()
        options = dict(chord.options)
        body = self.freeze(
            cast("Member", chord.body), spot._replace(task_id=options.pop("task_id", None) or spot.task_id)
        )
        # The worker puts the body into the tasks of the header.
        header = self._group(chord.header, Spot())
        if rest and self.linking:
            options["link"] = [*listed(options.get("link")), _linked(rest)]
        elif rest:
            options["chain"] = [*listed(options.get("chain")), *rest]
        options["task_id"] = header.placed.result.id
        signature = _composed(
            "chord",
            {"kwargs": {}, "header": header.signature, "body": body.signature},
            carried(options, self._zone),
        )
        body.placed.head.parent = header.placed.result
        return Frozen(signature, Placed(body.placed.result, header.placed.result))


def _composed(kind: str, kwargs: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    return {
        "task": f"celery.{kind}",
        "args": [],
        "kwargs": kwargs,
        "options": options,
        "subtask_type": kind,
        "immutable": False,
    }


def _linked(rest: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give the first of some signatures, with the others linked behind it."""
    first, *others = rest
    if not others:
        return first
    if first["subtask_type"] == "chord":
        kwargs = first["kwargs"]
        return {**first, "kwargs": {**kwargs, "body": _linked([kwargs["body"], *others])}}
    options = first["options"]
    return {**first, "options": {**options, "link": [*options.get("link", []), _linked(others)]}}
