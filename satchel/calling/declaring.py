"""What ``@app.task`` and ``app.remote`` are given: the name of a task, and what it says of all its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from satchel.calling.calls import PUBLISHING, split
from satchel.calling.errors import nearest
from satchel.calling.routing.queues import is_entity
from satchel.message.options import OPTION_NAMES, Draft, place
from satchel.message.times import shown
from satchel.records import NamedTuple

WORKERS: Final = frozenset(
    {
        *("base", "lazy", "shared", "trail", "throws", "Strategy", "Request"),
        *("max_retries", "default_retry_delay", "autoretry_for", "dont_autoretry_for", "retry_kwargs", "retry_backoff"),
        *("retry_backoff_max", "retry_jitter", "retry_on_worker_lost"),
        *("acks_late", "acks_on_failure", "acks_on_timeout", "acks_on_failure_or_timeout", "reject_on_worker_lost"),
        *("rate_limit", "track_started", "send_events", "resultrepr_maxsize", "store_eager_result"),
        *("store_errors_even_if_ignored", "before_start", "on_success", "on_failure", "on_retry", "after_return"),
        *("pydantic", "pydantic_strict", "pydantic_context", "pydantic_dump_kwargs"),
    }
)
"""Names of the options of tasks that are the worker's; see `WorkerOptions`."""


class Defaults(NamedTuple):
    """What a task says of itself; None leaves it to the settings."""

    serializer: str | None = None
    compression: str | None = None
    ignore_result: bool | None = None
    queue: Any = None
    options: Mapping[str, Any] = {}
    elsewhere: bool = False
    """The task's code is not here, and what it says of itself is not known."""


OWN: Final = ("serializer", "compression", "ignore_result")
"""The options of messages that are fields of `Defaults`."""

NO_DEFAULTS = Defaults()
ELSEWHERE = Defaults(elsewhere=True)


def defaults_of(options: Mapping[str, Any], *, here: bool = False) -> Defaults:
    """Take what a task says of all its calls.

    Args:
        options: see `DeclaredOptions`.
        here: the task's code is here, maybe that of the worker as well: the worker's options are left out.
    """
    if here and not WORKERS.isdisjoint(options):
        options = {name: value for name, value in options.items() if name not in WORKERS}
    if not options:
        return NO_DEFAULTS if here else ELSEWHERE
    for name in options:
        if name not in OPTION_NAMES and name not in PUBLISHING:
            raise _unknown(name, here=here)
    message, publishing = map(dict[str, Any], split(options))
    queue = publishing.pop("queue", None)
    if publishing:
        raise TypeError(f"{next(iter(publishing))} is not an option of a task, but of a call")
    if message.get("task_id") is not None:
        raise TypeError("task_id is not an option of a task, but of a call: all calls would have one result")
    if queue is not None and not isinstance(queue, str) and not is_entity(queue, "Queue"):
        raise TypeError(f"queue must be the name of a queue, or a kombu.Queue, got {shown(queue)}")
    place(message, Draft({}, {}, {}, {}), 2)  # What is wrong is told here, not when it is called.
    named = {name: message.pop(name, None) for name in ("serializer", "compression", "ignore_result")}
    return Defaults(**named, queue=queue, options=message, elsewhere=not here)


def _unknown(name: str, *, here: bool) -> TypeError:
    """Make the error for what a task may not say, whose code is `here` or elsewhere."""
    if name in WORKERS:
        return TypeError(f"the option {name!r} of a task is its worker's: give it where the task's code is")
    of_code = WORKERS | {"bind", "name", "typing"} if here else frozenset[str]()
    near = nearest(name, OPTION_NAMES | of_code | {"queue"})
    hint = f"did you mean {near!r}?" if near else "see satchel.calling.CallOptions for those there are"
    return TypeError(f"unknown option {name!r} of a task; {hint}")


def name_of(what: str, value: object) -> str:
    """Take a str that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{what} must be a str that is not empty, got {shown(value)}")
    return value


#: The names of the module that a process begins with; the latter is that of multiprocessing's children.
_MAIN = ("__main__", "__mp_main__")


def full_name(name: str | None, function: Callable[..., Any], main: str) -> str:
    """Give the name of a task of a function, as Celery gives it.

    Args:
        name: the task's own, or None for the function's, with its module's in front.
        function: it.
        main: what stands for the module ``__main__``, which another process calls otherwise.
    """
    if not callable(function):
        raise TypeError(f"a task is made of a function, got {shown(function)}; for a name, give name=…")
    if name is not None:
        return name_of("name", name)
    try:
        module, own = function.__module__ or _MAIN[0], function.__name__
        return f"{main if module in _MAIN else module}.{own}"
    except AttributeError:  # functools.partial, instances with a __call__.
        raise TypeError(f"{shown(function)} has no name of its own: give name=…") from None


def same_place(task: object, function: Callable[..., Any]) -> bool:
    """Say whether a function is the one of a task, from a module that was loaded again, maybe as ``__main__``."""
    name, where = _place(function)
    return name is not None and _place(getattr(task, "__wrapped__", None)) == (name, where)


def _place(function: object) -> tuple[object, object]:
    code = getattr(function, "__code__", None)
    where = getattr(function, "__module__", None) if code is None else code.co_filename
    return getattr(function, "__qualname__", None), where
