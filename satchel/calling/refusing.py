"""What to do about arguments that are no data: signatures and results, which messages carry in forms of their own."""

from __future__ import annotations

from typing import Any

from satchel.calling.results import AsyncResult, GroupResult
from satchel.calling.sendable import Sendable
from satchel.errors import EncodeError


def advise(error: EncodeError, args: Any, kwargs: Any) -> None:
    """Put the cure into an error about a signature or a result among the arguments; leave any other as it is."""
    value: Any = {"args": args, "kwargs": kwargs}
    try:
        for part in error.path:
            value = value[part]
    except (LookupError, TypeError):  # It is not about the arguments, or within what was converted.
        return
    if isinstance(value, Sendable):
        error.cure = "give dict(signature), of which the task makes one again: celery.signature(given)"
    elif isinstance(value, AsyncResult):
        error.cure = "give result.id, with which the task finds it again: AsyncResult(id)"
    elif isinstance(value, GroupResult):
        error.cure = "give result.id, and save() it for the task to restore; or the ids of its results"
