"""The message builder: a task call in, a message for Celery workers out, in protocol 1 or 2."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import KW_ONLY, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final, Literal

from satchel.errors import EncodeError
from satchel.message.checks import flag, named, pipeline_or_default, required_text, text, zone
from satchel.message.fields import EMBED, HEADERS, PROPERTIES, new_id, protocol_1_body, this_origin
from satchel.message.options import STANDING, Draft, place, schedule
from satchel.message.small_reprs import plain_reprs
from satchel.message.task_message import Pending, TaskMessage
from satchel.message.times import UTC, shown
from satchel.pipeline import Pipeline
from satchel.records import dataclass

if TYPE_CHECKING:
    from typing_extensions import Unpack  # In typing from Python 3.11 on.

    from satchel.message.task_options import TaskOptions

_OWN: Final = frozenset({"serializer", "compression", "origin"})
"""The options of one message that a builder has by a name of its own."""

_FURTHER: Final = frozenset(
    {"time_limit", "soft_time_limit", "serializer", "compression", "stamps", "argsrepr", "kwargsrepr"}
)
"""The options of one message that ask for more than to be put into their places."""

NOT_SHOWN: Final = "..."
"""What stands for the texts of arguments that are turned off. A worker would write its own for an empty one."""


@dataclass(frozen=True)
class MessageBuilder:
    """Builds task messages as Celery 5 writes them. Immutable, and safe to share between threads.

    Args:
        pipeline: what encodes bodies; default Celery's dialect, with everything that is registered in it, now or later.
        serializer: the name of the serializer.
        compression: the name of the compressor; None sends bodies as they are.
        protocol: 2, or 1 for workers older than Celery 4.
        timezone: where naive datetimes are taken to be.
        origin: the sender; default ``gen<pid>@<host>``.
        reprs: False writes ``...`` instead of the arguments into the headers that workers log and monitors show.
        redact: names of keyword arguments, and of keys in dicts at any level, whose values are shown as ``'***'``
            there. Positional arguments have no names. The body, which the task needs, holds everything.
        options: what all messages have where `build` gives no other, checked here, once: of `TaskOptions`,
            ``priority``, ``time_limit``, ``soft_time_limit``, ``ignore_result``, ``delivery_mode``,
            ``broker_expiration`` and ``expiration``.

    Raises:
        TypeError, ValueError: a setting is not one of these; the message names it.
    """

    pipeline: Pipeline | None = None
    _: KW_ONLY
    serializer: str = "json"
    compression: str | None = None
    protocol: Literal[1, 2] = 2
    timezone: tzinfo = UTC
    origin: str | None = None
    reprs: bool = True
    redact: Collection[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    _pipeline: Pipeline = field(init=False, repr=False, compare=False)
    _template: Draft = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        required_text("serializer", self.serializer)
        if self.compression is not None:
            text("compression", self.compression)
        if self.origin is not None:
            text("origin", self.origin)
        _check_protocol(self.protocol)
        zone(self.timezone)
        flag("reprs", self.reprs)
        object.__setattr__(self, "redact", _names("redact", self.redact))
        object.__setattr__(self, "_pipeline", pipeline_or_default(self.pipeline))
        # Messages may share what is in there: they copy it for everyone who looks at them.
        shown = None if self.reprs else NOT_SHOWN
        settled: dict[str, Any] = {
            "timelimit": [None, None],
            "argsrepr": shown,
            "kwargsrepr": shown,
            "origin": self.origin,
            "stamps": {},
        }
        template = Draft({**HEADERS, **settled}, PROPERTIES.copy(), EMBED.copy(), {})
        options = named("options", self.options)
        place(options, template, self.protocol)
        for name in options:
            if name in _OWN:
                raise TypeError(f"{name} is the builder's own: give it as MessageBuilder({name}=…)")
            if name not in STANDING:
                raise TypeError(f"{name} is not an option of all messages, but of one: give it to build()")
        _put_limits(template.headers, template.call)
        object.__setattr__(self, "options", options)  # Nobody else's: what is built is the template.
        object.__setattr__(self, "_template", template)

    def build(
        self,
        task: str,
        args: list[Any] | tuple[Any, ...] | None = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskMessage:
        """Build the message that calls `task`.

        Args:
            task: the task's name.
            args: positional arguments; None for none.
            kwargs: keyword arguments; None for none.
            options: see `TaskOptions`. Numbers of seconds may be int, float or, for waits, timedelta.

        Raises:
            TypeError: an option is unknown, has another type, or excludes another; the message names it.
            ValueError: an option is out of range, or has no place in the protocol.
            EncodeError: a value cannot be encoded; its path starts at the argument, as in ``kwargs.items[3].price``.
            UnknownCodec, MissingDependency: the serializer or the compression is not to be had.
        """
        return self.built(task, args, kwargs, options)

    def built(self, task: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> TaskMessage:
        """Build a message as `build` does, of options that are a mapping; it is not changed."""
        if type(task) is not str or not task or not task.isascii():
            required_text("task", task)
        if args is None:
            args = ()
        elif not isinstance(args, (list, tuple)):
            raise _wrong_args(args)
        if kwargs is None:
            kwargs = {}
        elif type(kwargs) is not dict:
            kwargs = named("kwargs", kwargs)
        else:
            for name in kwargs:
                if type(name) is not str:
                    named("kwargs", kwargs)
        args = args or ()
        headers, properties, embed, call = self._template
        headers, properties, embed = headers.copy(), properties.copy(), embed.copy()
        headers["task"] = task
        body: Any = args, kwargs, embed
        pending: Pending | None = (args, kwargs, self.redact) if self.reprs else None
        serializer, compression, flat = self.serializer, self.compression, True
        if not options and self.protocol == 2:
            # The common case: no field of it has another value than the template's, or than these.
            headers["id"] = headers["root_id"] = properties["correlation_id"] = task_id = new_id()
            if headers["origin"] is None:
                headers["origin"] = this_origin()
        else:
            call = call.copy()
            place(options, (headers, properties, embed, call), self.protocol)
            if "countdown" in call or "expires" in call or "eta" in call:
                schedule(headers, properties, call, self.timezone)
            headers["id"] = task_id = call.get("task_id") or new_id()
            if properties["correlation_id"] is None:
                properties["correlation_id"] = task_id
            if headers["root_id"] is None:
                headers["root_id"] = task_id
            if not _FURTHER.isdisjoint(options):
                _put_limits(headers, call)
                serializer, compression = call.get("serializer", serializer), call.get("compression", compression)
                pending = self._pending(args, kwargs, headers)
                flat = not options.get("stamps")
            if self.protocol == 1:
                body, headers, pending = protocol_1_body(args, kwargs, headers, embed), {}, None
            elif headers["origin"] is None:
                headers["origin"] = this_origin()
            if "headers" in call:
                headers.update(call["headers"])
                flat = False
        plain: list[bool] = []
        try:
            encoded = self._pipeline.encode(body, serializer=serializer, compression=compression, plain=plain)
        except EncodeError as error:
            error.path = _argument_path(error.path, options)
            raise
        if encoded.compression is not None:
            headers["compression"] = encoded.compression
        elif plain and pending is not None and not self.redact:
            texts = plain_reprs(pending[0], pending[1], bytes(encoded.body))
            if texts is not None:
                pending = None
                if headers["argsrepr"] is None:
                    headers["argsrepr"] = texts[0]
                if headers["kwargsrepr"] is None:
                    headers["kwargsrepr"] = texts[1]
        return TaskMessage(encoded, headers, properties, task_id, task, pending, flat)

    def _pending(
        self, args: list[Any] | tuple[Any, ...], kwargs: dict[str, Any], headers: dict[str, Any]
    ) -> Pending | None:
        if headers["stamps"]:
            headers["stamped_headers"] = list(headers["stamps"])
        for_args, for_kwargs = headers["argsrepr"] is None, headers["kwargsrepr"] is None
        if not self.reprs:
            headers["argsrepr"] = headers["argsrepr"] or NOT_SHOWN
            headers["kwargsrepr"] = headers["kwargsrepr"] or NOT_SHOWN
        if not self.reprs or not (for_args or for_kwargs):
            return None
        # What was given a text is not kept alive for one.
        return args if for_args else (), kwargs if for_kwargs else {}, self.redact


def _put_limits(headers: dict[str, Any], call: Mapping[str, Any]) -> None:
    if "time_limit" in call or "soft_time_limit" in call:
        headers["timelimit"] = [call.get("time_limit"), call.get("soft_time_limit")]


_OPTIONS_OF: Final = {"callbacks": ("link", "callbacks"), "errbacks": ("link_error", "errbacks"), "chain": ("chain",)}


def _argument_path(path: tuple[object, ...], options: Mapping[str, Any]) -> tuple[object, ...]:
    """Turn a path into a body into one into what the caller gave: ``[1].items[3]`` to ``kwargs.items[3]``."""
    if path and path[0] == 2:
        path = path[1:]
    elif path and isinstance(path[0], int):
        path = ("args" if path[0] == 0 else "kwargs", *path[1:])
    names = _OPTIONS_OF.get(str(path[0]), ()) if path else ()
    for name in names:
        given = options.get(name)
        if given is not None:
            return (name, *_index(name, path[1:], given))
    return path


def _index(name: str, path: tuple[object, ...], given: object) -> tuple[object, ...]:
    if not isinstance(given, (list, tuple)):
        return path[1:]  # One signature alone has no index.
    if name == "chain" and path and isinstance(path[0], int):
        # Messages carry the last task of a chain first.
        return (len(given) - 1 - path[0], *path[1:])
    return path


def _check_protocol(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"protocol must be 1 or 2, got {shown(value)}")
    if value not in (1, 2):
        raise ValueError(f"protocol must be 1 or 2, got {shown(value)}")


def _names(name: str, value: object) -> frozenset[str]:
    # Taken out first: looking at an iterator uses it up.
    names = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else None
    if names is None or not all(isinstance(item, str) for item in names):
        raise TypeError(f"{name} must be a collection of names, got {shown(value)}")
    return frozenset(names)


def _wrong_args(args: object) -> TypeError:
    cure = f"; for one argument, give ({shown(args)},)" if isinstance(args, (str, bytes, int, float, Mapping)) else ""
    return TypeError(f"args must be a list or tuple, got {shown(args)}{cure}")
