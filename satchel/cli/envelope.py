"""The JSON in which kombu's virtual transports (Redis, filesystem, SQLAlchemy, …) keep a message in a queue."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

from satchel.errors import CorruptBody
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Encoded, Limits


class Envelope(NamedTuple):
    """A message as it lay in a queue; only `body`, `headers` and `properties` were checked.

    Attributes:
        body: what the encoding layer made: base64 is undone, compression is not.
        content_type, content_encoding: as the envelope has them.
        headers: the message headers; ``compression`` is one of them.
        properties: ``correlation_id``, ``delivery_info``, ….
    """

    body: bytes
    content_type: Any
    content_encoding: Any
    headers: dict[str, Any]
    properties: dict[str, Any]

    @property
    def encoded(self) -> Encoded:
        """The four facts."""
        return Encoded(self.body, self.content_type, self.content_encoding, self.headers.get("compression"))


def room(limits: Limits) -> int:
    """Bytes of an envelope whose body is as large as the limits allow: base64, and a megabyte of headers."""
    return limits.max_body * 3 // 2 + (1 << 20)


def load(data: bytes, limits: Limits) -> Any:
    """Read an envelope's JSON, bounded.

    Raises:
        DecodeError: it is too large or too deep, or not JSON.
    """
    bounds = Limits(max(len(data), 1), max(len(data), 1), limits.max_depth, limits.max_nodes)
    pipeline = Pipeline(["json"], registry=celery_registry, limits=bounds)
    return pipeline.decode(Encoded(data, "application/json", "utf-8"))


def read(value: Any) -> Envelope | None:
    """Give the envelope that a JSON value is, or None when it is something else.

    Raises:
        CorruptBody: it is one, and its body or headers are not what they must be.
    """
    if not isinstance(value, dict) or "body" not in value:
        return None
    if not value.keys() & {"content-type", "content_type"} and not {"headers", "properties"} <= value.keys():
        return None
    headers, properties = value.get("headers") or {}, value.get("properties") or {}
    if not isinstance(headers, dict) or not isinstance(properties, dict):
        raise CorruptBody("the envelope's headers and properties are not objects")
    return Envelope(
        unwrapped(value["body"], properties.get("body_encoding")),
        value.get("content-type", value.get("content_type", properties.get("content_type"))),
        value.get("content-encoding", value.get("content_encoding", properties.get("content_encoding"))),
        headers,
        properties,
    )


def unwrapped(body: Any, encoding: Any) -> bytes:
    """Undo the encoding that carries a body in JSON: base64, or the text as it is.

    Raises:
        CorruptBody: it is no str, or not base64.
    """
    if isinstance(body, bytes):
        return body
    if not isinstance(body, str):
        raise CorruptBody(f"the envelope's body is of type {type(body).__name__}", expected="it is a text")
    try:
        return b64decode(body, validate=True) if encoding == "base64" else body.encode()
    except ValueError as error:
        raise CorruptBody(f"the envelope's body is not {encoding or 'utf-8'}: {error}") from error


def write(encoded: Encoded) -> bytes:
    """Give the envelope of an encoded value, with an empty task."""
    import json

    body, content_type, content_encoding, compression = encoded
    envelope = {
        "body": b64encode(body).decode(),
        "content-encoding": content_encoding,
        "content-type": content_type,
        "headers": {} if compression is None else {"compression": compression},
        "properties": {"body_encoding": "base64"},
    }
    return json.dumps(envelope).encode() + b"\n"
