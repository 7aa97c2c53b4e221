"""Groups: tasks that run side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast, overload

from satchel.calling.canvas.composed import Composed, listing
from satchel.calling.carrying import listed, one_name

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas.chains import Chain
    from satchel.calling.canvas.chords import Chord
    from satchel.calling.canvas.composed import Member
    from satchel.calling.results import GroupResult
    from satchel.calling.signature import Signature


class Group(Composed):
    """Tasks that run side by side; made by `group`.

    Attributes:
        tasks: signatures, chains and chords; a group within a group is part of it.
    """

    kind = "group"

    def __init__(self, tasks: tuple[Member, ...], options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self.tasks = tasks

    def members(self) -> Iterable[Member]:
        return self.tasks

    def _kwargs(self) -> dict[str, Any]:
        return {"tasks": [dict(task) for task in self.tasks]}

    def set(self, **options: Unpack[CallOptions]) -> Group:
        """Give one with further options, which are every task's; `task_id` is the group's own id.

        Raises:
            TypeError: an option that a group cannot have.
        """
        given = one_name(options)
        if given.pop("link", None) is not None:
            raise _no_end()
        for name in ("group_id", "group_index"):
            if given.pop(name, None) is not None:
                raise TypeError(f"{name} is an option of tasks, which a group gives them: its own id is task_id")
        task_id = given.pop("task_id", None)
        errbacks = listed(given.pop("link_error", None))
        tasks = self.tasks
        if given:
            tasks = tuple(task.set(**cast("CallOptions", given)) for task in tasks)
        changed = Group(tasks, self._options if task_id is None else {"task_id": task_id})
        for errback in errbacks:
            changed = changed.on_error(errback)
        return changed

    def link(self, signature: Mapping[str, Any]) -> Group:
        """Refuse: a group has no end of its own.

        Raises:
            TypeError: always; a chord is what is meant.
        """
        raise _no_end()

    def on_error(self, signature: Mapping[str, Any]) -> Group:
        """Give one for which `signature` runs for each task that fails."""
        return Group(tuple(task.on_error(signature) for task in self.tasks), self._options)

    @overload
    def __or__(self, other: Group) -> Group | Chord: ...

    @overload
    def __or__(self, other: Signature[Any] | Chain | Chord) -> Chord: ...

    def __or__(self, other: Member) -> Group | Chord:
        """Give a chord, whose body gets the list of the results; or the same, where `other` is a group of nothing."""
        from satchel.calling.canvas.building import member
        from satchel.calling.canvas.chords import Chord

        return self if isinstance(other, Group) and not other.tasks else Chord(self, member("chord", other))

    def apply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> GroupResult[Any]:
        """Send all the tasks over one connection. All are checked and encoded before the first is sent.

        Args:
            args, kwargs: go to every task, in front of its own.
            options: see `set`.

        Returns:
            The results, in the order of the tasks; of a group of nothing, an empty one, and nothing is sent.

        Raises:
            SendManyError: some were not sent; it says which.
            OperationalError, TypeError, ValueError, EncodeError: see `Task.apply_async`. Nothing was sent.
        """
        from satchel.calling.canvas.dispatching import dispatch

        return cast("GroupResult[Any]", dispatch(self.set(**options), args, kwargs))

    def delay(self, *args: Any, **kwargs: Any) -> GroupResult[Any]:
        """Send all, with further arguments of every task; see `apply_async`."""
        return self.apply_async(args, kwargs)

    __call__ = delay

    def __repr__(self) -> str:
        return f"group([{listing(self.tasks)}])"


def _no_end() -> TypeError:
    cure = "make a chord, group(…) | task.s(), or link to its tasks"
    return TypeError(f"a group has no end of its own that something could follow: {cure}")
