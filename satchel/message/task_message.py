"""A task message that is ready to be published."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from satchel.message.reprs import bounded_repr
from satchel.types import Encoded

Pending = tuple[Sequence[Any], Mapping[str, Any], Collection[str]]
"""Arguments and keyword arguments whose texts nobody has asked for yet, and the names whose values are not shown."""


class TaskMessage:
    """A task message: immutable, comparable, and publishable any number of times.

    Made by `MessageBuilder.build`. The texts ``argsrepr`` and ``kwargsrepr`` are written with it where that is quick:
    of few arguments, all of them of JSON's own types. Others are written when the headers are first looked at or
    published, from the arguments as they are then.

    Attributes:
        id: the task's id.
        task: the task's name.
        encoded: the body and its content type, content encoding and compression.
        headers: the message headers, read-only, copied for each look. Protocol 1 has only yours, and ``compression``.
        properties: AMQP properties as ``kombu.Producer.publish`` takes them, read-only; ``expiration`` is in seconds.
    """

    __slots__ = ("_encoded", "_flat", "_headers", "_id", "_pending", "_properties", "_task")

    def __init__(
        self,
        encoded: Encoded,
        headers: dict[str, Any],
        properties: dict[str, Any],
        id: str,
        task: str,
        pending: Pending | None = None,
        flat: bool = False,
    ) -> None:
        self._encoded = encoded
        self._headers = headers
        self._properties = properties
        self._id = id
        self._task = task
        self._pending = pending
        self._flat = flat  # Only the protocol's own lists and dicts are in the headers, and they hold scalars.

    @property
    def id(self) -> str:
        return self._id

    @property
    def task(self) -> str:
        return self._task

    @property
    def encoded(self) -> Encoded:
        return self._encoded

    @property
    def headers(self) -> Mapping[str, Any]:
        return MappingProxyType(self._copied())

    @property
    def properties(self) -> Mapping[str, Any]:
        return MappingProxyType(self._properties)

    def publish_arguments(self) -> dict[str, Any]:
        """Give the keyword arguments for a kombu producer: ``producer.publish(**message.publish_arguments())``.

        Returns:
            A new dict with body (bytes), content_type, content_encoding, headers (a deep copy), compression and
            the properties. Routing (``exchange``, ``routing_key``, …) and ``retry`` are yours to add.
        """
        body, content_type, content_encoding, _ = self._encoded
        return {
            "body": body,
            "content_type": content_type,
            "content_encoding": content_encoding,
            "headers": self._copied(),
            # The body is compressed already. None would let a producer with a compression of its own do it again.
            "compression": "",
            **self._properties,
        }

    def parts(self) -> tuple[str, Encoded, dict[str, Any], dict[str, Any]]:
        """Give what it is made of, with no copy made: for who publishes it, and changes nothing.

        Returns:
            the task's id, the body with its three headers, the message headers, and the properties.
        """
        headers = self._headers if self._pending is None else self._finished()
        return self._id, self._encoded, headers, self._properties

    def _copied(self) -> dict[str, Any]:
        headers = (self._headers if self._pending is None else self._finished()).copy()
        if not self._flat:
            return {name: _copy(value) for name, value in headers.items()}
        if headers.get("timelimit") is not None:
            headers["timelimit"] = headers["timelimit"].copy()
        if headers.get("stamps") is not None:
            headers["stamps"] = headers["stamps"].copy()
        return headers

    def _finished(self) -> dict[str, Any]:
        pending = self._pending
        if pending is not None:
            headers = self._headers
            args, kwargs, redact = pending
            if headers["argsrepr"] is None:
                headers["argsrepr"] = bounded_repr(args, redact=redact) if args else "()"
            if headers["kwargsrepr"] is None:
                headers["kwargsrepr"] = bounded_repr(kwargs, redact=redact) if kwargs else "{}"
            self._pending = None
        return self._headers

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskMessage):
            return NotImplemented
        return (
            self._id == other._id
            and self._task == other._task
            and self._encoded == other._encoded
            and self._finished() == other._finished()
            and self._properties == other._properties
        )

    # It holds mappings; a class with an __eq__ and no __hash__ of its own cannot be hashed.
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __repr__(self) -> str:
        body, content_type, _, compression = self._encoded
        packed = f", {compression}" if compression else ""
        return f"<TaskMessage {self._task}[{self._id}]: {len(body):,} bytes of {content_type}{packed}>"


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
