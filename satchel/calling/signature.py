"""Signatures: calls that are described and not made yet, to be sent later, by others, or behind other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from satchel.calling.calls import Call, split
from satchel.calling.carrying import carried, linked, with_defaults
from satchel.calling.sendable import FIELDS, Sendable
from satchel.message.times import shown

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.app import App
    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas import Chain
    from satchel.calling.results import AsyncResult
    from satchel.calling.task import Task

R_co = TypeVar("R_co", covariant=True)


class Signature(Sendable, Generic[R_co]):
    """A task with arguments and options. Immutable; a mapping of what a message carries of it.

    Made by `Task.s`, `Task.si`, `Task.signature` and `App.signature`.

    Args:
        task: what is called.
        args, kwargs: with what.
        options: and how; see `CallOptions`.
        immutable: nothing is added to the arguments: not the result of the task before it in a chain, either.
    """

    def __init__(
        self,
        task: Task[..., R_co],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
    ) -> None:
        self._task = task
        self._args = args
        self._kwargs = dict(kwargs or {})
        self._options = dict(options or {})
        self._immutable = immutable

    @property
    def type(self) -> Task[..., R_co]:
        """The task."""
        return self._task

    @property
    def name(self) -> str:
        """The task's name."""
        return self._task.name

    @property
    def task(self) -> str:
        """The task's name, as Celery's signatures call it."""
        return self._task.name

    @property
    def app(self) -> App:
        """The application that sends it."""
        return self._task.app

    @property
    def args(self) -> tuple[Any, ...]:
        return self._args

    @property
    def kwargs(self) -> Mapping[str, Any]:
        return MappingProxyType(self._kwargs)

    @property
    def options(self) -> Mapping[str, Any]:
        return MappingProxyType(self._options)

    @property
    def immutable(self) -> bool:
        return self._immutable

    # What a message carries

    def __getitem__(self, field: str) -> Any:
        if field not in FIELDS:
            raise KeyError(field)
        if field == "task":
            return self.name
        if field == "args":
            return list(self._args)
        if field == "options":
            return carried(with_defaults(self._options, self._task.defaults), self.app.settings.zone)
        return {"kwargs": dict(self._kwargs), "subtask_type": None, "immutable": self._immutable}[field]

    # Another one

    def clone(self, args: tuple[Any, ...] | list[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Signature[R_co]:
        """Give one with `args` in front of its own, and `kwargs` over its own; the same where it is immutable."""
        if self._immutable or not (args or kwargs):
            return self
        merged = {**self._kwargs, **(kwargs or {})}
        return Signature(self._task, (*args, *self._args), merged, self._options)

    def set(self, **options: Unpack[CallOptions]) -> Signature[R_co]:
        """Give one with further options, which win over its own."""
        split(options)  # An unknown one is told here, not when it is sent.
        merged = {**self._options, **options}
        return Signature(self._task, self._args, self._kwargs, merged, immutable=self._immutable)

    def link(self, signature: Mapping[str, Any]) -> Signature[R_co]:
        """Give one behind which, when it succeeds, `signature` runs too."""
        return self._linked("link", signature)

    def on_error(self, signature: Mapping[str, Any]) -> Signature[R_co]:
        """Give one behind which, when it fails, `signature` runs too."""
        return self._linked("link_error", signature)

    def _linked(self, option: str, signature: Mapping[str, Any]) -> Signature[R_co]:
        options = linked(self._options, option, signature)
        return Signature(self._task, self._args, self._kwargs, options, immutable=self._immutable)

    def __or__(self, other: Any) -> Chain:
        from satchel.calling.canvas import chain

        return chain(self, other)

    # Calling it

    def call(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Call:
        """Give what is sent, with further arguments and options."""
        complete = self.clone(args, kwargs)
        self._task.check(complete._args, complete._kwargs)
        return Call(self.name, self._task.defaults, complete._args, complete._kwargs, {**self._options, **options})

    def apply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R_co]:
        """Send it, with further arguments in front of its own; see `Task.apply_async`."""
        return self.app.send(self.call(args or (), kwargs, **options))

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult[R_co]:
        """Send it, with further arguments in front of its own."""
        return self.app.send(self.call(args, kwargs))

    def __call__(self, *args: Any, **kwargs: Any) -> R_co:
        """Run the function here; nothing is sent."""
        complete = self.clone(args, kwargs)
        return self._task(*complete._args, **complete._kwargs)

    def __repr__(self) -> str:
        given = [*map(shown, self._args), *(f"{name}={shown(value)}" for name, value in self._kwargs.items())]
        return f"{self.name}({', '.join(given)})"
