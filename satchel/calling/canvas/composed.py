"""What chains, groups and chords have in common: they are signatures that are made of signatures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from satchel.calling.carrying import carried, one_name
from satchel.calling.sendable import Sendable
from satchel.message.times import UTC

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from satchel.calling.app import App
    from satchel.calling.call_options import CallOptions
    from satchel.calling.canvas.chains import Chain
    from satchel.calling.canvas.chords import Chord
    from satchel.calling.canvas.groups import Group
    from satchel.calling.signature import Signature

Member: TypeAlias = "Signature[Any] | Chain | Group | Chord"
"""What chains, groups and chords are made of."""
Step: TypeAlias = "Signature[Any] | Group | Chord"
"""What runs one after another."""

_SHOWN: Final = 10


class Composed(Sendable):
    """What several signatures are together. Immutable; a mapping of what a message carries of it."""

    kind: ClassVar[str]

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = one_name(options or {})

    @property
    def options(self) -> Mapping[str, Any]:
        return MappingProxyType(self._options)

    @property
    def app(self) -> App:
        """The application that sends it.

        Raises:
            ValueError: nothing is in it.
        """
        app = app_of(self)
        if app is None:
            raise ValueError(f"there is no signature in {self!r}, and so no application that could send it")
        return app

    @abstractmethod
    def members(self) -> Iterable[Member]:
        """Give what it is made of."""

    @abstractmethod
    def _kwargs(self) -> dict[str, Any]: ...

    # What a message carries

    def __getitem__(self, field: str) -> Any:
        if field == "kwargs":
            return self._kwargs()
        if field == "options":
            app = app_of(self)
            return carried(self._options, UTC if app is None else app.settings.zone)
        plain = {"task": f"celery.{self.kind}", "args": [], "subtask_type": self.kind, "immutable": False}
        return plain[field]

    # Another one

    @abstractmethod
    def set(self, **options: Unpack[CallOptions]) -> Self:
        """Give one with further options, which win over those that are there."""

    @abstractmethod
    def link(self, signature: Mapping[str, Any]) -> Self:
        """Give one behind which, when it succeeds, `signature` runs too, with its result."""

    @abstractmethod
    def on_error(self, signature: Mapping[str, Any]) -> Self:
        """Give one for which, when a task fails, `signature` runs too."""


def app_of(composed: Member | Composed) -> App | None:
    """Give the application of what is composed; None where nothing is."""
    if isinstance(composed, Composed):
        return next((app for app in map(app_of, composed.members()) if app is not None), None)
    return composed.app


def listing(tasks: tuple[Member, ...], between: str = ", ") -> str:
    """Write tasks for a ``repr``, the first ten of them."""
    more = len(tasks) - _SHOWN
    return between.join([*map(repr, tasks[:_SHOWN]), *([f"… {more} more"] if more > 0 else [])])
