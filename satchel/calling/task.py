"""Tasks: functions that run on Celery's workers, and what calls them from here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from satchel.calling.calls import PUBLISHING, Call, split
from satchel.calling.declaring import Defaults
from satchel.calling.errors import OperationalError
from satchel.message.options import OPTION_NAMES
from satchel.message.times import shown

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Unpack

    from satchel.calling.app import App
    from satchel.calling.broker.publisher import Publisher
    from satchel.calling.call_options import CallOptions
    from satchel.calling.results import AsyncResult
    from satchel.calling.signature import Signature

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

R = TypeVar("R")

# In half the time of a NamedTuple's own constructor, which is Python.
_new = tuple.__new__


class Task(Generic[P, R]):
    """A task: called, it runs here; by `delay` and `apply_async`, a worker runs it. Made by ``@app.task``.

    Attributes:
        app: the application that it is of.
        name: the name under which workers know it.
        defaults: what holds for its calls, where a call does not say; of it `serializer`, `compression`,
            `ignore_result` and `queue`, where None leaves it to the settings.
        OperationalError: what sending raises when the broker cannot be reached, for ``except task.OperationalError``.
    """

    OperationalError = OperationalError

    def __init__(
        self, app: App, name: str, run: Callable[P, R] | None, defaults: Defaults, *, bind: bool, typing: bool
    ) -> None:
        self.app = app
        self.name = name
        self._run = run
        self._bind = bind
        self.defaults = defaults
        self._check = _signature_check(run, bind=bind) if typing and run is not None else None
        if run is not None:
            self.__doc__ = run.__doc__
            self.__module__ = run.__module__
            self.__wrapped__ = run
            self.__name__: Any | str = getattr(run, "__name__", name)

    @property
    def serializer(self) -> str | None:
        return self.defaults.serializer

    @property
    def compression(self) -> str | None:
        return self.defaults.compression

    @property
    def ignore_result(self) -> bool | None:
        return self.defaults.ignore_result

    @property
    def queue(self) -> Any:
        return self.defaults.queue

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here; nothing is sent.

        Raises:
            TypeError: it is a task by name alone, and its code is elsewhere.
        """
        if self._run is None:
            raise TypeError(f"the code of {self.name!r} is not here: call it with delay() or apply_async()")
        if self._bind:
            return self._run(self, *args, **kwargs)  # type: ignore[arg-type]
        return self._run(*args, **kwargs)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call with these arguments; see `apply_async`."""
        self._fit(args, kwargs)
        return self.app.send(_new(Call, (self.name, self.defaults, args, kwargs, _NOTHING)))

    def apply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Send a call.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.
            options: see `CallOptions`.

        Returns:
            The result, to be waited for. The broker has the message by then, where it can tell.

        Raises:
            OperationalError: the broker cannot be reached, or has not taken the message, after all retries.
            TypeError, ValueError: the arguments are not the function's, or an option is wrong. Nothing was sent.
            EncodeError: an argument cannot be encoded; with its path. Nothing was sent.
        """
        self.check(args, kwargs)
        return self.app.send(_new(Call, (self.name, self.defaults, args, kwargs, options)))

    def using(self, **options: Unpack[CallOptions]) -> Calling[P, R]:
        """Give what sends calls with these options.

        `apply_async` takes arguments as a tuple, which no type checker can hold against a function's parameters:
        ``add.using(countdown=3).delay(2, 2)`` is ``add.apply_async((2, 2), countdown=3)``.
        """
        split(options)  # An unknown one is told here, not when it is sent.
        return Calling(self, options)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call as `delay` does, without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.delay, *args, **kwargs)

    async def aapply_async(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Send a call as `apply_async` does, without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.apply_async, args, kwargs, **options)

    # In a chain, what comes before adds its result in front: arguments may be missing, and no type checker knows which.
    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Give a signature: a call that is described, and not made yet. What it follows adds its result in front."""
        return self.signature(args, dict(kwargs))

    def si(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R]:
        """Give a signature that takes nothing from what it follows: its arguments are complete."""
        return self.signature(args, dict(kwargs), immutable=True)

    def signature(
        self,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
        **options: Unpack[CallOptions],
    ) -> Signature[R]:
        """Give a signature with arguments and options, checked when it is sent."""
        from satchel.calling.signature import Signature

        return Signature(self, tuple(args or ()), dict(kwargs or {}), dict(options), immutable=immutable)

    def get_publisher(self, connection: Any = None) -> Publisher:
        """Give a publisher, for ``apply_async(publisher=…)``.

        Args:
            connection: one that the caller holds, and releases afterwards; default one of the pool, which the
                publisher gives back when it is closed.
        """
        from satchel.calling.broker.publisher import Publisher

        if connection is None:
            return Publisher(self.app.pool.acquire(), owned=True)
        return Publisher(connection)

    def check(self, args: Any, kwargs: Any) -> None:
        """Check arguments against the function's own.

        Raises:
            TypeError: they do not fit, in Python's own words.
        """
        if args is not None and not isinstance(args, (list, tuple)):
            raise TypeError(f"args must be a list or tuple, got {shown(args)}; for one argument, give ({shown(args)},)")
        if kwargs is not None and type(kwargs) is not dict and not isinstance(kwargs, Mapping):
            raise TypeError(f"kwargs must be a mapping, got {shown(kwargs)}")
        self._fit(args or (), kwargs or {})

    def _fit(self, args: Any, kwargs: Any) -> None:
        if self._check is not None:
            try:
                self._check(*args, **kwargs)
            except TypeError as error:
                told = _meant_as_option(error)
                if told:
                    raise TypeError(told) from None
                raise

    def __repr__(self) -> str:
        return f"<Task {self.name} of {self.app.name}>"


class Calling(Generic[P, R]):
    """Calls of a task with options; see `Task.using`."""

    def __init__(self, task: Task[P, R], options: Mapping[str, Any]) -> None:
        self._task = task
        self._options = options

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call; see `Task.apply_async`."""
        self._task.check(args, kwargs)
        return self._task.app.send(Call(self._task.name, self._task.defaults, args, kwargs, self._options))

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Send a call without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.delay, *args, **kwargs)


_NOTHING: Mapping[str, Any] = {}


def _meant_as_option(error: TypeError) -> str:
    """Say where an option goes that was given among the arguments, or "" where none was."""
    _, unexpected, behind = str(error).partition("unexpected keyword argument '")
    name = behind.partition("'")[0]
    if not unexpected or (name not in OPTION_NAMES and name not in PUBLISHING):
        return ""
    return (
        f"{error}; options of a call go to apply_async(…, {name}=…), to using({name}=…).delay(…), "
        f"or to a signature's set({name}=…)"
    )


def _signature_check(run: Callable[..., Any], *, bind: bool) -> Callable[..., None] | None:
    """Make a function that does nothing, and takes what `run` takes: to call it is the fastest check there is.

    Python's own error then names the function and the argument.
    """
    try:
        parameters = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):  # Not every builtin tells.
        return None
    # The task may as well be the first of ``*args``.
    if bind and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        del parameters[0]
    written: list[str] = []
    kinds = inspect.Parameter
    for index, each in enumerate(parameters):
        before = parameters[index - 1].kind if index else None
        if before is kinds.POSITIONAL_ONLY and each.kind is not kinds.POSITIONAL_ONLY:
            written.append("/")
        if each.kind is kinds.KEYWORD_ONLY and before not in (kinds.KEYWORD_ONLY, kinds.VAR_POSITIONAL):
            written.append("*")
        star = "*" if each.kind is kinds.VAR_POSITIONAL else "**" if each.kind is kinds.VAR_KEYWORD else ""
        default = "" if each.default is kinds.empty else "=None"
        written.append(f"{star}{each.name}{default}")
    if parameters and parameters[-1].kind is kinds.POSITIONAL_ONLY:
        written.append("/")
    name = run.__name__ if getattr(run, "__name__", "").isidentifier() else "task"
    namespace: dict[str, Any] = {}
    # Names of parameters are identifiers, whatever the function is.
    exec(f"def {name}({', '.join(written)}): pass", namespace)  # noqa: S102
    check: Callable[..., None] = namespace[name]
    return check
