"""Chains: tasks that run one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from satchel.calling.canvas.composed import Composed, listing
from satchel.calling.carrying import linked, listed, one_name

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas.composed import Member, Step
    from satchel.calling.results import AsyncResult, GroupResult
    from satchel.calling.sendable import Sendable

_OF_THE_LAST: Final = frozenset({"task_id", "group_id", "group_index", "chord"})
_OF_ALL: Final = frozenset({"root_id", "link_error"})


class Chain(Composed):
    """Tasks that run one after another, each with the result of the one before it; made by `chain` and ``|``.

    Attributes:
        tasks: signatures, chords, and a group at the end.
    """

    kind = "chain"

    def __init__(self, tasks: tuple[Step, ...], options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self.tasks = tasks

    def members(self) -> Iterable[Member]:
        return self.tasks

    def _kwargs(self) -> dict[str, Any]:
        return {"tasks": [dict(task) for task in self.tasks]}

    def set(self, **options: Unpack[CallOptions]) -> Chain:
        """Give one with further options.

        Of the last task are `task_id` and `link`, of every task `link_error`, and of the first what else there is.
        """
        return Chain(self.tasks, {**self._options, **one_name(options)})

    def link(self, signature: Mapping[str, Any]) -> Chain:
        """Give one behind whose last task, when it succeeds, `signature` runs too."""
        return Chain(self.tasks, linked(self._options, "link", signature))

    def on_error(self, signature: Mapping[str, Any]) -> Chain:
        """Give one for which, whichever task fails, `signature` runs too."""
        return Chain(self.tasks, linked(self._options, "link_error", signature))

    def steps(self) -> list[Step]:
        """Give the tasks with the chain's own options where they belong."""
        tasks, options = list(self.tasks), self._options
        first = {name: value for name, value in options.items() if name not in _OF_THE_LAST | _OF_ALL | {"link"}}
        last = {name: value for name, value in options.items() if name in _OF_THE_LAST}
        if first:
            tasks[0] = tasks[0].set(**cast("CallOptions", first))
        if last:
            tasks[-1] = tasks[-1].set(**cast("CallOptions", last))
        for callback in listed(options.get("link")):
            tasks[-1] = tasks[-1].link(callback)
        for errback in listed(options.get("link_error")):
            tasks = [task.on_error(errback) for task in tasks]
        if options.get("root_id") is not None:
            tasks = [task.set(root_id=options["root_id"]) for task in tasks]
        return tasks

    def __or__(self, other: Sendable) -> Chain:
        from satchel.calling.canvas.building import chain

        return chain(self, other)

    def apply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[Any] | GroupResult[Any]:
        """Send the first task, and with it the others, which follow it.

        Args:
            args, kwargs: go to the first task, in front of its own.
            options: see `set`.

        Returns:
            The result of the last task; by way of its `parent` come those before it.

        Raises:
            OperationalError, TypeError, ValueError, EncodeError: see `Task.apply_async`. All the tasks are checked.
            ChordsUnsupported: there is a chord in it, and the result backend has none.
        """
        from satchel.calling.canvas.dispatching import dispatch

        return dispatch(self.set(**options), args, kwargs)

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult[Any] | GroupResult[Any]:
        """Send it, with further arguments of the first task; see `apply_async`."""
        return self.apply_async(args, kwargs)

    __call__ = delay

    def __repr__(self) -> str:
        return listing(self.tasks, " | ")
