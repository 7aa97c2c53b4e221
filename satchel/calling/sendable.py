"""What signatures, chains, groups and chords are alike: they are sent, or carried by what is sent, as one mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

FIELDS: Final = ("task", "args", "kwargs", "options", "subtask_type", "immutable")
"""The fields of a signature in Celery's messages."""


class Sendable(Mapping[str, Any]):
    """A signature, or what signatures were composed to. Immutable; a mapping of what a message carries of it."""

    def __iter__(self) -> Iterator[str]:
        return iter(FIELDS)

    def __len__(self) -> int:
        return len(FIELDS)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__: ClassVar[None]  # type: ignore[assignment]
