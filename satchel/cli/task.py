"""What a message says as a task call of Celery's, as a result, or as a pickle: rows of a name and a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from satchel.cli import pickles
from satchel.cli.dumps import Found
from satchel.codecs.pickle import Pickle
from satchel.codecs.pickle_calls import COPYING
from satchel.errors import DecodeError
from satchel.message import MessageReader, TaskCall, bounded_repr
from satchel.pipeline import Pipeline
from satchel.types import Encoded

Row = tuple[str, str]

#: Stands for a body that is not decoded: the headers are read all the same.
_NO_CALL: Any = [[], {}, {}]
_ELSEWHERE = "(in the headers, which are not here)"

_HEADERS = (
    *("shadow", "retries", "root_id", "parent_id", "group", "group_index", "timelimit", "origin", "lang"),
    *("ignore_result", "replaced_task_nesting", "stamped_headers", "stamps"),
)
#: Headers that are shown elsewhere.
_ELSEWHERE_SHOWN = frozenset({"task", "id", "eta", "expires", "argsrepr", "kwargsrepr", "compression"})
_DELIVERY = {1: "transient", 2: "persistent"}
_RESULT = ("task_id", "status", "name", "result", "traceback", "date_done", "children", "worker", "queue", "retries")


class _Given(Pipeline):
    """Gives a value that was decoded before."""

    def __init__(self, value: Any) -> None:
        super().__init__([])
        self._value = value

    def decode(self, encoded: Encoded) -> Any:
        return self._value


def sections(
    found: Found, value: Any, *, decoded: bool, now: datetime, longest: int
) -> Iterator[tuple[str, list[Row]]]:
    """Explain a task message or a result; of anything else, only its headers and properties.

    Args:
        found: the message.
        value: what its body holds.
        decoded: False when the body was not decoded; `value` is nothing then.
        now: the time that eta and expires are held against.
        longest: characters of an argument that are shown.
    """
    headers, properties = found.envelope.headers, found.envelope.properties
    call = _call(found, value if decoded else _NO_CALL)
    if isinstance(call, TaskCall):
        yield "task", list(_task(call, now))
        yield "arguments", list(_arguments(call, decoded, longest))
    elif decoded and _is_result(value):
        yield "result", list(_result(value, longest))
    elif "task" in headers:
        yield "task", [("not a task call", str(call)), *((name, _short(headers.get(name))) for name in ("task", "id"))]
    own = headers.keys() - _ELSEWHERE_SHOWN - {*_HEADERS}
    yield "other headers", [(str(name), _short(headers[name])) for name in headers if name in own]
    yield "properties", list(_properties(properties))


def _call(found: Found, value: Any) -> TaskCall | DecodeError:
    headers = found.envelope.headers
    if found.bare and isinstance(value, list | tuple) and _is_protocol_2(value):
        headers = {"task": _ELSEWHERE, "id": _ELSEWHERE}
    try:
        return MessageReader(_Given(value)).read(
            body=b"",
            content_type=None,
            content_encoding=None,
            headers=headers,
            properties=found.envelope.properties,
        )
    except DecodeError as error:
        return error


def _is_protocol_2(value: Any) -> bool:
    return len(value) == 3 and isinstance(value[2], dict) and "callbacks" in value[2]


def _is_result(value: Any) -> bool:
    return isinstance(value, dict) and {"status", "result", "task_id"} <= value.keys()


def _task(call: TaskCall, now: datetime) -> Iterator[Row]:
    status = {"due": "due: a worker runs it at once", "not yet": "not yet: a worker keeps it until its eta"}
    yield "task", call.task
    yield "id", call.id
    yield "protocol", f"{call.protocol}"
    if call.task != _ELSEWHERE:
        yield "status", status.get(call.status(now), "expired: a worker revokes it without running it")
    yield "eta", _when(call.eta, now)
    yield "expires", _when(call.expires, now)
    for name in _HEADERS:
        yield name, _short(call.headers.get(name))


def _when(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = timedelta(seconds=round(abs((moment - now).total_seconds())))
    return f"{moment.isoformat()} ({f'in {seconds}' if moment > now else f'{seconds} ago'})"


def _arguments(call: TaskCall, decoded: bool, longest: int) -> Iterator[Row]:
    if decoded:
        yield "args", bounded_repr(call.args, max_length=longest, max_levels=12)
        yield "kwargs", bounded_repr(call.kwargs, max_length=longest, max_levels=12)
        for name, following in call.embed.items():
            yield name, _short(following, longest)
    for name in ("argsrepr", "kwargsrepr"):
        yield name, _short(call.headers.get(name), longest)


def _result(value: Mapping[str, Any], longest: int) -> Iterator[Row]:
    for name in _RESULT:
        yield name, _short(value.get(name), longest)
    failure = value["result"]
    if isinstance(failure, dict) and {"exc_type", "exc_message"} <= failure.keys():
        kind = failure["exc_type"]
        name = kind if isinstance(kind, str) else _short(kind, longest)
        yield "raised", f"{name}: {_short(failure['exc_message'], longest)}"


def _properties(properties: Mapping[str, Any]) -> Iterator[Row]:
    for name, value in properties.items():
        meaning = _DELIVERY.get(value) if name == "delivery_mode" and isinstance(value, int) else None
        yield str(name), f"{value} ({meaning})" if meaning else _short(value)


def _short(value: Any, longest: int = 500) -> str:
    """Give the text of a header; nothing for one that says nothing."""
    if value is None or value in ({}, [None, None]):
        return ""
    return value if isinstance(value, str) else bounded_repr(value, max_length=longest, max_levels=12)


def pickle_rows(said: pickles.Contents) -> list[Row]:
    """Explain a pickle by its opcodes."""
    harmless = (Pickle.celery()._globals.keys() | COPYING.keys()) & set(said.names)
    others = [name for name in said.names if name not in harmless]
    rows = [
        ("protocol", f"{said.protocol}, {said.opcodes:,} opcodes; they were looked at, and none was carried out"),
        ("form", said.fault or ""),
        ("value model", ", ".join(sorted(harmless))),
        ("refers to", ", ".join(others)),
        ("calls", f"{said.calls:,}" if said.calls else ""),
    ]
    if others:
        warning = "unpickling it would import these, and may run any code; Satchel's restricted pickle refuses them"
        return [*rows, ("WARNING", warning)]
    if said.fault is not None:
        return [*rows, ("WARNING", "it was not read to its end, so what else it would import and call is unknown")]
    return [*rows, ("verdict", "plain data: it would import and call nothing else")]
