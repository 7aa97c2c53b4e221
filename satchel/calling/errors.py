"""What can go wrong between a caller and the broker; and the nearest name to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from satchel.errors import EncodeError, LimitExceeded, SatchelError


class OperationalError(SatchelError):
    """The broker was not reached, or did not take the message: a fault of the transport, never of the call.

    Attributes:
        task_id: of the message; sent again with it, the worker sees the same task. None where there is no one message.
        delivered: False where the broker surely has not got the message, None where nobody knows.
        attempts: how often it was tried.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        cure: str | None = None,
        task_id: str | None = None,
        delivered: bool | None = None,
    ) -> None:
        super().__init__(what, expected=expected, cure=cure)
        self.task_id = task_id
        self.delivered = delivered
        self.attempts = 1


class Refused(OperationalError):
    """The broker has refused the message: its queue is there with other arguments, or its exchange is not there.

    One that refuses the connection, as with a wrong password, is an `OperationalError` that says so: no message of that
    application would get through.
    """


class Unroutable(OperationalError):
    """The broker gave the message back: no queue is bound to the exchange with that routing key."""


class NotConfirmed(OperationalError):
    """The broker refused the message, or did not say in time that it has it."""


class PoolTimeout(OperationalError, TimeoutError):
    """All connections of the pool were in use for as long as was to be waited."""


class SendManyError(OperationalError):
    """Some of many messages were not sent.

    Attributes:
        results: a result for each call, in order; None for those that were not sent.
        failures: the error of each that was not sent, by its index.
    """

    def __init__(self, results: Sequence[Any], failures: Mapping[int, OperationalError]) -> None:
        first = next(iter(failures.values()))
        super().__init__(
            f"{len(failures)} of {len(results)} messages were not sent; the first: {first}",
            cure="send the calls at the indices in `failures` again, each with the task_id of its error",
        )
        self.results = results
        self.failures = failures


_INSTEAD: Final = {"max_depth": "flatten it, or", "max_nodes": "split it, or"}


def tell_clients(error: EncodeError | LimitExceeded) -> None:
    """Put a client's cure into the error of what is too large, unless a codec's own option is what would be raised."""
    if error.limit is None or f" Limits({error.limit}=" not in (error.cure or ""):
        return
    first = "if it is genuine,"
    if isinstance(error, EncodeError):
        first = _INSTEAD.get(error.limit, "compress it, send a reference instead, or")
    error.cure = f"{first} raise the limit: App(limits=Limits({error.limit}=…)), or that of App's pipeline"


def nearest(name: object, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Give the known name that is most like `name`, or None when none is."""
    import difflib  # 6 ms to import, and only errors need it.

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff) if isinstance(name, str) else []
    return near[0] if near else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Write the end of an error message about a name that is not known."""
    names = sorted(known)
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(names) or 'none'}"
