"""Chords: a group, and what runs with all its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from satchel.calling.canvas.composed import Composed, listing
from satchel.calling.carrying import linked, listed, one_name

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas.chains import Chain
    from satchel.calling.canvas.composed import Member
    from satchel.calling.canvas.groups import Group
    from satchel.calling.results import AsyncResult, GroupResult
    from satchel.calling.sendable import Sendable


class Chord(Composed):
    """A group, the header, and the body, which runs with the list of the header's results; made by `chord` and ``|``.

    Attributes:
        header: the group.
        body: a signature, or anything else that can follow; None where it is still to come.
    """

    kind = "chord"

    def __init__(self, header: Group, body: Member | None = None, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        self.header = header
        self.body = body

    def members(self) -> Iterable[Member]:
        return self.header.tasks if self.body is None else (*self.header.tasks, self.body)

    def _kwargs(self) -> dict[str, Any]:
        body = None if self.body is None else dict(self.body)
        return {"kwargs": {}, "header": [dict(task) for task in self.header.tasks], "body": body}

    def with_body(self, body: Sendable) -> Chord:
        """Give one with another body."""
        from satchel.calling.canvas.building import member

        options = dict(self._options)
        callbacks, errbacks = listed(options.pop("link", None)), listed(options.pop("link_error", None))
        changed = Chord(self.header, member("chord", body), options)
        for callback in callbacks:
            changed = changed.link(callback)
        for errback in errbacks:
            changed = changed.on_error(errback)
        return changed

    def set(self, **options: Unpack[CallOptions]) -> Chord:
        """Give one with further options.

        Of the body are `task_id`, `link` and `link_error`, of the header `countdown`, `eta` and `parent_id`, and of
        both what else there is.
        """
        given = one_name(options)
        if self.body is None:
            return Chord(self.header, None, {**self._options, **given})
        callbacks, errbacks = listed(given.pop("link", None)), listed(given.pop("link_error", None))
        changed = Chord(self.header, self.body, {**self._options, **given})
        for callback in callbacks:
            changed = changed.link(callback)
        for errback in errbacks:
            changed = changed.on_error(errback)
        return changed

    def link(self, signature: Mapping[str, Any]) -> Chord:
        """Give one behind whose body, when it succeeds, `signature` runs too."""
        if self.body is None:
            return Chord(self.header, None, linked(self._options, "link", signature))
        return Chord(self.header, self.body.link(signature), self._options)

    def on_error(self, signature: Mapping[str, Any]) -> Chord:
        """Give one for which, when the body fails, or does not run since the header has failed, `signature` runs."""
        body = self.body
        if body is None:
            return Chord(self.header, None, linked(self._options, "link_error", signature))
        if isinstance(body, Chord):
            # Where the header fails, a worker looks at the body's own options, and no deeper.
            within = Chord(body.header, body.body, linked(body.options, "link_error", signature))
            return Chord(self.header, within, self._options)
        return Chord(self.header, body.on_error(signature), self._options)

    def __or__(self, other: Sendable) -> Chain:
        from satchel.calling.canvas.building import chain

        return chain(self, other)

    def apply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[Any] | GroupResult[Any]:
        """Send the header over one connection. All is checked and encoded before the first is sent.

        Args:
            args, kwargs: go to every task of the header, in front of its own.
            options: see `set`.

        Returns:
            The result of the body, whose parent are the results of the header. Where there is no header, the body is
            sent, with an empty list.

        Raises:
            ChordsUnsupported: the result backend has none, as ``rpc://``.
            BackendError: the result backend, which must know of it before, cannot be reached. Nothing was sent.
            SendManyError: some were not sent; it says which. The body does not run before they are.
            TypeError: it has no body.
            OperationalError, TypeError, ValueError, EncodeError: see `Task.apply_async`. Nothing was sent.
        """
        from satchel.calling.canvas.dispatching import dispatch

        return dispatch(self.set(**options), args, kwargs)

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult[Any] | GroupResult[Any]:
        """Send it, with further arguments of the header; see `apply_async`."""
        return self.apply_async(args, kwargs)

    def __call__(
        self, body: Sendable | None = None, **options: Unpack[CallOptions]
    ) -> AsyncResult[Any] | GroupResult[Any]:
        """Send it, with a body: ``chord(header)(body)``; see `apply_async`."""
        return (self if body is None else self.with_body(body)).apply_async(**options)

    def __repr__(self) -> str:
        return f"chord([{listing(self.header.tasks)}], {self.body!r})"
