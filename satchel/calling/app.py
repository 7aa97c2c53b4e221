"""The application: its settings, its tasks, its connections, and where its results are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from satchel.calling.broker.pool import Pool
from satchel.calling.broker.transports import link_to
from satchel.calling.calls import Call, Outgoing
from satchel.calling.declaring import defaults_of, full_name, name_of, same_place
from satchel.calling.errors import OperationalError, SendManyError
from satchel.calling.preparing import Preparer
from satchel.calling.results.nowhere import backend_of
from satchel.calling.results.result import AsyncResult
from satchel.calling.sending import Sender
from satchel.calling.settings import Settings
from satchel.calling.task import Task
from satchel.forking import ProcessLock
from satchel.message.times import shown
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Limits

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Concatenate

    from typing_extensions import ParamSpec, Unpack

    from satchel.calling.call_options import CallOptions, DeclaredOptions, TaskDefaults
    from satchel.calling.conf import Conf
    from satchel.calling.results import Backend
    from satchel.calling.results.exceptions import ExceptionTable
    from satchel.calling.signature import Signature

    P = ParamSpec("P")

R = TypeVar("R")
H = TypeVar("H", bound=Callable[..., None])

#: Settings that a connection is made of: those of them that change need other connections.
_OF_CONNECTIONS = (
    *("broker_url", "broker_pool_limit", "broker_connection_timeout", "broker_transport_options", "broker_use_ssl"),
    *("broker_login_method", "broker_failover_strategy", "broker_write_url"),
)
_OF_RESULTS = ("result_", "redis_", "database_", "accept_content")


class App:
    """A client of Celery's workers: it knows tasks by name, sends calls and reads results. Safe to share by threads.

    Args:
        name: of the application; tasks that give no name of their own are named after their module.
        broker: the URL of the broker, as kombu reads it; the setting ``broker_url``.
        backend: the URL of the result backend; the setting ``result_backend``.
        config: where further settings come from, with Celery's names: a mapping, an object, or `Settings`.
        pipeline: what encodes messages; default Celery's dialect, with everything that is registered. Its limits are
            those of results too.
        limits: bounds on what is encoded and decoded, results included; default `Limits()`. Not beside `pipeline`.
        exceptions: classes that errors of tasks may be raised as, beside Python's own: classes, or "module:Class".
            Classes that are made from them are not meant.
        settings: single settings, which win over `config`.

    Raises:
        TypeError: a setting is unknown, with the nearest one that is known, or has another type.
        ValueError: a setting is out of range, or a text in `exceptions` is not "module:Class".
    """

    def __init__(
        self,
        name: str,
        *,
        broker: Any = None,
        backend: str | None = None,
        config: Settings | Mapping[str, Any] | object | None = None,
        pipeline: Pipeline | None = None,
        limits: Limits | None = None,
        exceptions: Iterable[type[Exception] | str] = (),
        **settings: Any,
    ) -> None:
        self.name: str = name_of("name", name)
        if pipeline is not None and not isinstance(pipeline, Pipeline):
            raise TypeError(f"pipeline must be a Pipeline or None, got {shown(pipeline)}")
        if limits is not None and not isinstance(limits, Limits):
            raise TypeError(
                f"limits must be a Limits, such as Limits(max_body=30_000_000), or None, got {shown(limits)}"
            )
        if limits is not None and pipeline is not None:
            raise TypeError(
                "limits and pipeline exclude each other: give Pipeline(…, limits=…), which holds for results too"
            )
        for short, setting, value in (("broker", "broker_url", broker), ("backend", "result_backend", backend)):
            if value is not None and settings.setdefault(setting, value) is not value:
                raise TypeError(f"{short} and {setting} are one setting: give one of them")
        self.tasks: dict[str, Task[Any, Any]] = {}
        self._pipeline = pipeline
        self._limits = pipeline.limits if pipeline is not None else limits or Limits()
        self._exceptions = _table_of(exceptions)
        self._lock = ProcessLock()
        self._before: tuple[Callable[[Outgoing], None], ...] = ()
        self._after: tuple[Callable[[Outgoing, OperationalError | None], None], ...] = ()
        self._settings = Settings.of(config, **settings)
        self._pool: Pool | None = None
        self._backend: Backend | None = None
        self._sender: Sender | None = None

    # Settings

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self._settings

    @property
    def conf(self) -> Conf:
        """The settings by their names, to be read and set; see `configure`."""
        from satchel.calling.conf import Conf

        return Conf(self)

    def configure(self, **changes: Any) -> None:
        """Change settings; they hold from the next call on.

        Raises:
            TypeError, ValueError: as the constructor does; nothing is changed then.
        """
        with self._lock.here():
            settings = self._settings.changed(**changes)
            pool, backend = self._pool, self._backend
            elsewhere = not changes.keys().isdisjoint(_OF_CONNECTIONS)
            # First, here and below: a process that is forked in between makes what is missing of what there is.
            self._sender = None
            if elsewhere:
                self._pool = None
            # Results may come by the broker.
            if elsewhere or any(name.startswith(_OF_RESULTS) for name in changes):
                self._backend = None
            self._settings = settings
        if pool is not None and pool is not self._pool:
            pool.close()
        if backend is not None and backend is not self._backend:
            backend.close()

    # Tasks

    @overload
    def task(self, run: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def task(
        self,
        *,
        bind: Literal[True],
        name: str | None = None,
        typing: bool = True,
        **options: Unpack[DeclaredOptions],
    ) -> Callable[[Callable[Concatenate[Any, P], R]], Task[P, R]]: ...

    @overload
    def task(
        self,
        *,
        name: str | None = None,
        bind: Literal[False] = False,
        typing: bool = True,
        **options: Unpack[DeclaredOptions],
    ) -> Callable[[Callable[P, R]], Task[P, R]]: ...

    def task(self, *run: Any, name: str | None = None, bind: bool = False, typing: bool = True, **options: Any) -> Any:
        """Make a task of a function: ``@app.task``, or ``@app.task(name="shop.pay", queue="money")``.

        Args:
            run: the function.
            name: the name under which workers know it; default ``<module>.<function>``, with the name of the
                application for the module ``__main__``.
            bind: the function takes the task first; callers do not give it.
            typing: check the arguments of a call here; a worker does in any case.
            options: what holds for its calls, where a call does not say: `serializer`, `compression`,
                `ignore_result`, `queue`, and the options of messages. Those of `WorkerOptions` have no effect here.

        Raises:
            TypeError: an option is unknown, or `run` is not a function.
            ValueError: another function has the name already.
        """
        defaults = defaults_of(options, here=True)

        def decorate(function: Callable[..., Any]) -> Task[Any, Any]:
            full = full_name(name, function, self.name)
            task: Task[Any, Any] = Task(self, full, function, defaults, bind=bind, typing=typing)
            with self._lock.here():
                known = self.tasks.get(full)
                if known is not None and not same_place(known, function):
                    raise ValueError(f"there is a task {full!r} already: {known!r}; give name=…")
                self.tasks = {**self.tasks, full: task}
            return task

        return decorate(*run) if run else decorate

    def remote(self, name: str, **options: Unpack[TaskDefaults]) -> Task[..., Any]:
        """Give a task whose code is elsewhere, by its name; options as those of `task` that are not the worker's.

        Where neither they nor a call, a route or ``task_ignore_result=True`` say whether its result is stored, the
        worker's own option of the task does.
        """
        return Task(self, name_of("a task's name", name), None, defaults_of(options), bind=False, typing=False)

    def signature(
        self,
        name: str,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
        **options: Unpack[CallOptions],
    ) -> Signature[Any]:
        """Give a signature of a task by its name, whether its code is here or elsewhere."""
        task = self.tasks.get(name) or self.remote(name)
        return task.signature(args, kwargs, immutable=immutable, **options)

    # Sending

    def send_task(
        self,
        name: str,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[Any]:
        """Send a call of a task by its name; see `Task.apply_async`."""
        task = self.tasks.get(name) or self.remote(name)
        return task.apply_async(args, kwargs, **options)

    def send(self, call: Call) -> AsyncResult[Any]:
        """Send one call; what tasks and signatures do."""
        prepared = (self._sender or self._bind()).send(call)
        return AsyncResult(prepared.id, self._backend or self.backend, ignored=prepared.ignored)

    def send_many(self, calls: Iterable[Signature[Any]]) -> list[AsyncResult[Any]]:
        """Send many calls over one connection, confirmed together.

        Args:
            calls: signatures, such as ``add.s(1, 2)``. All are checked and encoded before the first is sent.

        Returns:
            A result for each, in order.

        Raises:
            SendManyError: some were not sent; it says which, and holds the results of the others.
            TypeError, ValueError, EncodeError: one of them is wrong; nothing was sent.
        """
        sender = self.sender
        described = _described(calls)
        prepared = [sender.prepare(call) for call in described]
        failures = sender.publish_all(described, prepared)
        made = [self._result(each.id, ignored=each.ignored) for each in prepared]
        if failures:
            raise SendManyError([None if number in failures else each for number, each in enumerate(made)], failures)
        return made

    def before_publish(self, hook: H) -> H:
        """Call `hook` with each `Outgoing` before its message is built; it may add headers."""
        with self._lock.here():
            self._sender = None
            self._before = (*self._before, hook)
        return hook

    def after_publish(self, hook: H) -> H:
        """Call `hook` with each `Outgoing` behind its publishing, and with the error or None."""
        with self._lock.here():
            self._sender = None
            self._after = (*self._after, hook)
        return hook

    def _bind(self) -> Sender:
        with self._lock.here():
            if self._sender is None:
                settings = self._settings
                pipeline = self._pipeline or Pipeline(
                    settings.accept_content, registry=celery_registry, limits=self._limits
                )
                by_broker = (settings.result_backend or "").partition(":")[0] == "rpc"
                _ = self.backend  # A wrong url is to be told before anything is sent.
                replies = (lambda: self.backend) if by_broker else None
                preparer = Preparer(settings, pipeline, replies=replies, before=self._before)
                self._sender = Sender(preparer, self.pool, after=self._after)
            return self._sender

    @property
    def sender(self) -> Sender:
        """What sends its calls, with the settings as they are now."""
        return self._sender or self._bind()

    # Connections and results

    @property
    def pool(self) -> Pool:
        """The connections to the broker: ``with app.pool.acquire() as connection``."""
        with self._lock.here():
            if self._pool is None:
                settings = self._settings
                self._pool = Pool(lambda: link_to(settings), settings.broker_pool_limit)
            return self._pool

    @property
    def backend(self) -> Backend:
        """Where results are; with the setting ``result_backend`` unset, nowhere, and to look is a BackendError."""
        with self._lock.here():
            if self._backend is None:
                self._backend = backend_of(self._settings, self._exceptions, self._limits)
            return self._backend

    def _result(self, task_id: str, *, ignored: bool) -> AsyncResult[Any]:
        return AsyncResult(task_id, self._backend or self.backend, ignored=ignored)

    def AsyncResult(self, id: str) -> AsyncResult[Any]:  # noqa: N802 - Celery's name for it
        """Give the result of a task by the task's id."""
        return self._result(id, ignored=False)

    def close(self) -> None:
        """Close all connections that nobody uses. The application goes on working; it connects anew."""
        with self._lock.here():
            self._sender = None
            pool, self._pool = self._pool, None
            backend, self._backend = self._backend, None
        if pool is not None:
            pool.close()
        if backend is not None:
            backend.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<App {self.name}: {len(self.tasks)} tasks>"


def _table_of(exceptions: Iterable[type[Exception] | str]) -> ExceptionTable | None:
    if exceptions == ():
        return None
    from satchel.calling.results.exceptions import ExceptionTable  # Most clients rebuild no others than Python's.

    return ExceptionTable(exceptions)


def _described(signatures: Iterable[object]) -> list[Call]:
    from satchel.calling.signature import Signature  # Whoever has some has it imported.

    described: list[Call] = []
    for each in signatures:
        if not isinstance(each, Signature):
            raise TypeError(
                f"send_many takes signatures of tasks, such as add.s(1, 2), got {shown(each)}; "
                "chains, groups and chords have an apply_async of their own"
            )
        described.append(each.call())
    return described
