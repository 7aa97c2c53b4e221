"""The message reader: a message of any Celery protocol in, a task call out, or a DecodeError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from datetime import datetime, tzinfo
from typing import Any, Final, Literal

from satchel.errors import CorruptBody
from satchel.message.checks import pipeline_or_default, zone
from satchel.message.task_call import TaskCall
from satchel.message.times import UTC, in_zone, parse_iso, shown
from satchel.pipeline import Pipeline
from satchel.records import dataclass
from satchel.types import Buffer

# What protocol 1 keeps in its body and protocol 2 in its headers.
_MOVED: Final = (
    *("lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit"),
    *("root_id", "parent_id", "argsrepr", "kwargsrepr", "origin"),
)

# In half the time of a NamedTuple's own constructor, which is Python.
_new: Final = tuple.__new__


@dataclass(frozen=True)
class MessageReader:
    """Reads task messages: protocol 2, protocol 1, and the hybrid of both. Immutable, and safe to share.

    Args:
        pipeline: what decodes bodies, and the accept list; default JSON only, in Celery's dialect.
        timezone: where times on the wire are taken to be that do not say it; default UTC. It is the ``timezone``
            setting of a producer that has turned ``enable_utc`` off.

    Raises:
        TypeError: a setting is not one of these; the message names it.
    """

    pipeline: Pipeline | None = None
    _: KW_ONLY
    timezone: tzinfo = UTC
    _pipeline: Pipeline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        zone(self.timezone)
        object.__setattr__(self, "_pipeline", pipeline_or_default(self.pipeline))

    def read(
        self,
        *,
        body: Buffer | str,
        content_type: str | None,
        content_encoding: str | None,
        headers: Mapping[str, Any] | None,
        properties: Mapping[str, Any] | None = None,
    ) -> TaskCall:
        """Read one message. What is wrong with it is a DecodeError, whatever it is.

        Args:
            body: bytes, or the str that some transports make of them, which is taken as UTF-8.
            content_type, content_encoding, headers, properties: as the message has them. The compression is among the
                headers: leave it out for a body that was decompressed already, as the one of a ``kombu.Message`` was.

        Raises:
            ContentDisallowed: the accept list refuses it; nothing of it was decoded.
            LimitExceeded: it is larger, deeper or fuller than the pipeline's limits.
            CorruptBody: it cannot be decoded, or is not a task message; the text says what is missing.
        """
        known = headers.copy() if type(headers) is dict else _mapping("headers", headers)
        # The pipeline refuses headers that are not a str. It takes an Encoded apart at once: a plain tuple does.
        stated: Any = (
            body if type(body) is bytes else _buffer(body),
            content_type,
            content_encoding,
            known.get("compression"),
        )
        value = self._pipeline.decode(stated)
        extra = properties.copy() if type(properties) is dict else _mapping("properties", properties)
        protocol: Literal[1, 2] = 2
        local = self.timezone
        if type(value) is list and len(value) == 3:
            args, kwargs, embed = value
        elif type(value) is dict:
            args, kwargs, embed, known, protocol, local = self._protocol_1(value, known)
        else:
            args, kwargs, embed = _three(value, known)
        task, task_id = known.get("task"), known.get("id")
        if not (
            type(args) is list and type(kwargs) is type(embed) is dict and type(task) is type(task_id) is str
        ) or not (task and task_id):
            if embed is None and protocol == 2:
                embed = {}
            _check_call(args, kwargs, embed, task, task_id, named="task" in known)
        for name in kwargs:
            if type(name) is not str and not isinstance(name, str):
                raise CorruptBody(f"a task's kwargs must have str names, got {shown(name)}")
        eta, expires = known.get("eta"), known.get("expires")
        if eta is not None:
            eta = _moment("eta", eta, local)
        if expires is not None:
            expires = _moment("expires", expires, local)
        return _new(TaskCall, (task, task_id, args, kwargs, embed, eta, expires, known, extra, protocol))

    def _protocol_1(
        self, body: dict[Any, Any], headers: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any], dict[str, Any], Literal[1, 2], tzinfo]:
        hybrid = "task" in headers
        if hybrid and "args" not in body:
            raise CorruptBody(
                "the body is not a task's: a mapping without 'args'",
                expected="expected [args, kwargs, embed], or the mapping of protocol 1",
            )
        moved: dict[str, Any] = {name: body.get(name) for name in _MOVED}
        moved["retries"] = body.get("retries", 0)
        moved["timelimit"] = body.get("timelimit", [None, None])
        if body.get("taskset") is not None:
            moved["group"] = body["taskset"]
        # In the hybrid form the headers win. In protocol 1 they are the sender's own, and change nothing.
        merged = {**moved, **headers} if hybrid else {**headers, **moved}
        embed = {
            "callbacks": body.get("callbacks"),
            "errbacks": body.get("errbacks"),
            "chain": None,
            "chord": body.get("chord"),
        }
        local = self.timezone if body.get("utc", True) is False else UTC
        return body.get("args", ()), body.get("kwargs", {}), embed, merged, 2 if hybrid else 1, local


def _three(value: Any, headers: dict[str, Any]) -> Any:
    if "task" not in headers:
        raise _no_task()
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise CorruptBody(f"the body is not a task's: [args, kwargs, embed] expected, got {shown(value)}")
    return value


def _no_task() -> CorruptBody:
    return CorruptBody(
        "not a task message: it has no header 'task', and its body is not a mapping",
        expected="protocol 2 has the header, protocol 1 has 'task' in its body",
    )


def _check_call(args: Any, kwargs: Any, embed: Any, task: Any, task_id: Any, *, named: bool) -> None:
    if not named:
        raise _no_task()
    if not isinstance(args, (list, tuple)):
        raise CorruptBody(f"a task's args must be a list, got {shown(args)}")
    if not isinstance(kwargs, dict):
        raise CorruptBody(f"a task's kwargs must be a mapping, got {shown(kwargs)}")
    if not isinstance(embed, dict):
        raise CorruptBody(f"the third item of a task's body must be a mapping, got {shown(embed)}")
    for what, name in (("task", task), ("id", task_id)):
        if not isinstance(name, str) or not name:
            raise _nameless(what, name)


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CorruptBody(f"a message's {what} must be a mapping, got {shown(value)}")
    return dict(value)


def _buffer(body: Any) -> Buffer:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return body
    if isinstance(body, str):
        try:
            return body.encode("utf-8")
        except UnicodeEncodeError as error:
            raise CorruptBody("the body is a str that is not UTF-8", expected="expected bytes") from error
    raise CorruptBody(f"a message's body must be bytes, got {shown(body)}")


def _nameless(field: str, value: Any) -> CorruptBody:
    found = "it has none" if value is None else f"got {shown(value)}"
    return CorruptBody(f"not a task message: {field!r} must be a str that is not empty; {found}")


def _moment(field: str, value: Any, local: tzinfo) -> datetime:
    # The AMQP library and some serializers make datetimes of their own.
    if not isinstance(value, (str, datetime)):
        raise _timeless(field, value)
    try:
        return in_zone(parse_iso(value) if isinstance(value, str) else value, local)
    except (TypeError, ValueError, OverflowError) as error:
        raise _timeless(field, value) from error


def _timeless(field: str, value: Any) -> CorruptBody:
    expected = "expected ISO 8601, such as 2031-01-02T03:04:05+00:00"
    return CorruptBody(f"{field!r} is not a date and time: {shown(value)}", expected=expected)
