"""The results of a group of tasks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from satchel.calling.results.errors import TaskError
from satchel.calling.results.parents import raise_of_parents, wait_for_parents
from satchel.calling.results.result import AsyncResult, check_interval, deadline_of, task_id_of
from satchel.calling.results.waiting import remaining
from satchel.errors import CorruptBody, SatchelError
from satchel.message.times import shown

if TYPE_CHECKING:
    from satchel.calling.results.backends.base import Backend

R = TypeVar("R")

_DEEPEST = 50  # Groups and parents within each other.


class GroupResult(Generic[R]):
    """The results of a group of tasks, in the order in which they were sent.

    Args:
        id: the group's.
        results: those of its tasks; a group within it has a group's.
        backend: where the group itself is stored by `save`; by default where its first task's result is.
        parent: the result of what runs before it, in a chain or as the header of a chord.
    """

    def __init__(
        self,
        id: str,
        results: Sequence[AsyncResult[R] | GroupResult[R]],
        *,
        backend: Backend | None = None,
        parent: AsyncResult[Any] | GroupResult[Any] | None = None,
    ) -> None:
        self.id: str = task_id_of(id)
        self.results: list[AsyncResult[R] | GroupResult[R]] = list(results)
        self.parent = parent
        self._backend = backend

    @property
    def backend(self) -> Backend:
        """Where the group is stored."""
        if self._backend is not None:
            return self._backend
        if not self.results:
            raise ValueError("a group without tasks has no backend; give it one: GroupResult(…, backend=…)")
        return self.results[0].backend

    def __repr__(self) -> str:
        return f"<GroupResult: {self.id} [{', '.join(result.id for result in self.results[:10])}]>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GroupResult):
            return NotImplemented
        return self.id == other.id and self.results == other.results

    def __hash__(self) -> int:
        return hash(self.id)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AsyncResult[R] | GroupResult[R]]:
        return iter(self.results)

    def __getitem__(self, index: int) -> AsyncResult[R] | GroupResult[R]:
        return self.results[index]

    def __bool__(self) -> bool:
        return True

    @property
    def children(self) -> list[AsyncResult[R] | GroupResult[R]]:
        """The results of its tasks."""
        return self.results

    def as_tuple(self) -> tuple[tuple[str, Any], list[Any]]:
        """Give it as Celery stores it: ``((id, parent), [its results likewise])``."""
        return (self.id, self.parent and self.parent.as_tuple()), [result.as_tuple() for result in self.results]

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        *,
        on_message: Callable[[dict[str, Any]], object] | None = None,
        callback: Callable[[str, Any], object] | None = None,
    ) -> list[Any]:
        """Wait for all, and give their values in their order; see `AsyncResult.get`.

        Args:
            timeout: seconds for all together.
            propagate: raise what the first of the failed, in their order, raised or, if a task before the group has
                failed, what that did; False gives exceptions as values.
            interval: see there.
            on_message: called with the states of all tasks, one task after another.
            callback: called with each task's id and value.
        """
        deadline = deadline_of(timeout)
        check_interval(interval)
        if propagate:
            raise_of_parents(self.parent, deadline)
        values: list[Any] = []
        for result in self.results:
            left = None if deadline is None else remaining(deadline, float("inf"))
            try:
                values.append(result.get(left, propagate, interval, on_message=on_message, callback=callback))
            except Exception as error:
                if propagate and _is_of_a_task(error):
                    raise_of_parents(self.parent, deadline, headers=True)
                raise
        return values

    join = get

    def __await__(self) -> Generator[Any, None, list[Any]]:
        """Wait for all without blocking the event loop; raise what the first of the failed, in their order, raised."""
        return self._wait().__await__()

    async def _wait(self) -> list[Any]:
        await wait_for_parents(self.parent)
        try:
            return [await result for result in self.results]
        except Exception as error:
            if _is_of_a_task(error):
                await wait_for_parents(self.parent, headers=True)
            raise

    def ready(self) -> bool:
        """Tell whether all have ended."""
        return all(result.ready() for result in self.results)

    def successful(self) -> bool:
        """Tell whether all have returned."""
        return all(result.successful() for result in self.results)

    def failed(self) -> bool:
        """Tell whether any has failed."""
        return any(result.failed() for result in self.results)

    def waiting(self) -> bool:
        """Tell whether any has not ended."""
        return not self.ready()

    def completed_count(self) -> int:
        """Count those that have returned; those of a group within it count each."""
        return sum(
            result.completed_count() if isinstance(result, GroupResult) else result.successful()
            for result in self.results
        )

    def forget(self) -> None:
        """Delete the results of all its tasks."""
        for result in self.results:
            result.forget()

    # Stored as a group

    def save(self, backend: Backend | None = None) -> GroupResult[R]:
        """Store which tasks it has, for `restore`; give itself."""
        (backend or self.backend).save_group(self.id, self.as_tuple())
        return self

    def delete(self, backend: Backend | None = None) -> None:
        """Delete what `save` stored, but no result."""
        (backend or self.backend).delete_group(self.id)

    @classmethod
    def restore(cls, id: str, backend: Backend) -> GroupResult[Any] | None:
        """Give a group that was saved, by this library or by Celery, or None.

        Raises:
            TypeError: it is no backend, but the application, say.
            DecodeError: what is stored there is refused, or no group.
        """
        if not hasattr(backend, "fetch_group"):
            raise TypeError(
                f"a group is restored from a backend: GroupResult.restore(id, app.backend), got {shown(backend)}"
            )
        stored = backend.fetch_group(id)
        if stored is None:
            return None
        group = result_from_tuple(stored, backend)
        if not isinstance(group, GroupResult):
            raise CorruptBody(f"what is stored as the group {id[:200]!r} is a single result")
        return group


def result_from_tuple(stored: Any, backend: Backend, _depth: int = 0) -> AsyncResult[Any] | GroupResult[Any]:
    """Make a result of the form in which Celery stores one: ``((id, parent), nodes)``.

    Raises:
        CorruptBody: it is not that.
    """
    if _depth > _DEEPEST:
        raise CorruptBody(f"a stored result is nested deeper than {_DEEPEST} levels")
    if not isinstance(stored, (list, tuple)) or len(stored) != 2:
        raise _no_result(stored)
    named, nodes = stored
    task_id, parent = named if isinstance(named, (list, tuple)) and len(named) == 2 else (named, None)
    if not isinstance(task_id, str) or not task_id or not (nodes is None or isinstance(nodes, (list, tuple))):
        raise _no_result(stored)
    above = None if parent is None else result_from_tuple(parent, backend, _depth + 1)
    if nodes is None:
        return AsyncResult(task_id, backend, parent=above)
    results = [result_from_tuple(node, backend, _depth + 1) for node in nodes]
    return GroupResult(task_id, results, backend=backend, parent=above)


def _is_of_a_task(error: Exception) -> bool:
    return not isinstance(error, SatchelError) or isinstance(error, TaskError)


def _no_result(stored: object) -> CorruptBody:
    return CorruptBody(f"not a stored result: {shown(stored)}", expected="expected ((id, parent), nodes)")
