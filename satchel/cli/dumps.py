"""The messages in what a user has at hand: envelopes, output of redis-cli and of RabbitMQ's management API, bodies."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple

from satchel.cli import envelope, guess
from satchel.cli.envelope import Envelope
from satchel.cli.outcome import BAD_DATA, Failure
from satchel.errors import CorruptBody, DecodeError
from satchel.types import Limits

#: How a line of redis-cli on a terminal begins: a number, unless there is one reply, and a quote.
_OPENING = re.compile(rb'\s*(?:\d+\)\s*)*"')
_KEY = re.compile(rb"[\w:.-]{0,64}")
_NOTHING = re.compile(rb"(\(nil\)|\(empty (array|list or set|list|set)\)|\[\s*\])?")
_BASE64 = re.compile(rb"\s*(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*")
#: How Celery's result backends mark a compressed result.
_RESULT = re.compile(rb"\x00celery-compressed\x00([\x20-\x7e]{1,100})\x00")


class Found(NamedTuple):
    """One message, or one body.

    Attributes:
        what: where it was found.
        envelope: it and its headers. A bare body has no content type, and no headers but perhaps its compression.
        bare: there was no envelope.
        notes: what else is to be said.
    """

    what: str
    envelope: Envelope
    bare: bool = False
    notes: tuple[str, ...] = ()


def messages(data: bytes, limits: Limits, most: int) -> tuple[list[Found], int]:
    """Find the messages in an input: give the first `most`, and how many there are.

    Raises:
        Failure: there is nothing in it.
        DecodeError: it is an envelope, and broken; or beyond the limits.
    """
    if _NOTHING.fullmatch(data.strip()):
        raise Failure(BAD_DATA, "there is nothing in the input: no message, no body")
    if _is_of_redis(data):
        return _from_redis(data, limits, most)
    found = _from_text(data, limits) or _from_lines(data, limits) or [_bare(data, limits)]
    return found[:most], len(found)


def _from_redis(data: bytes, limits: Limits, most: int) -> tuple[list[Found], int]:
    """Keep no more than `most` of its items: they take many times the memory of a short text."""
    kept: dict[bool, list[Found]] = {False: [], True: []}
    numbers = {False: 0, True: 0}
    for item in map(_unescaped, _redis_items(data)):
        for found in _from_text(item, limits, "an item of a redis-cli dump") or [_bare(item, limits)]:
            numbers[found.bare] += 1
            if numbers[found.bare] <= most:
                kept[found.bare].append(found)
    # HGETALL gives the keys of a hash between its values.
    bare = not kept[False]
    return kept[bare], numbers[bare]


def _is_of_redis(data: bytes) -> bool:
    """Whether an input is nothing but replies of redis-cli as it shows them on a terminal."""
    begins = b""
    try:
        for number, item in enumerate(map(_unescaped, _redis_items(data))):
            if number == 0:
                begins = item[:1]
    except ValueError:
        return False
    # A single reply has no number.
    return re.match(rb"\s*\d+\)", data) is not None or begins in (b"{", b"[", b"\x80", b"\x00")


def _unescaped(item: bytes) -> bytes:
    # Redis writes \\ \" \n \r \t \a \b and \xHH, which are escapes of Python's.
    return item.decode("unicode_escape").encode("latin-1")


def _redis_items(data: bytes) -> Iterator[bytes]:
    """Give what stands between quotes in each line of redis-cli.

    Raises:
        ValueError: there is something else.
    """
    position, length = 0, len(data.rstrip())
    while position < length:
        head = _OPENING.match(data, position)
        end = _closing(data, head.end()) if head else -1
        if head is None or end < 0:
            raise ValueError("no reply of redis-cli")
        yield data[head.end() : end]
        position = end + 1


def _closing(data: bytes, start: int) -> int:
    """Find the quote that ends a text: the first behind an even number of backslashes."""
    position = data.find(b'"', start)
    while position >= 0:
        run = position
        while run > start and data[run - 1] == 0x5C:
            run -= 1
        if (position - run) % 2 == 0:
            break
        position = data.find(b'"', position + 1)
    return position


def _from_text(data: bytes, limits: Limits, where: str = "") -> list[Found]:
    if data.lstrip()[:1] not in (b"{", b"["):
        return []
    try:
        value = envelope.load(data, limits)
    except DecodeError:
        return []
    return _from_value(value, limits, where)


def _from_lines(data: bytes, limits: Limits) -> list[Found]:
    """One envelope a line, as ``redis-cli --raw`` writes lists; between them may stand the keys of a hash."""
    found: list[Found] = []
    for line in data.splitlines():
        on_line = _from_text(line, limits, "a line of redis-cli --raw")
        if not on_line and not _KEY.fullmatch(line):
            return []
        found += on_line
    return found


def _from_value(value: Any, limits: Limits, where: str) -> list[Found]:
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], dict) and isinstance(value[1], str):
            # The hash of unacknowledged messages: envelope, exchange, routing key.
            return _from_value(value[0], limits, "an unacknowledged message of a Redis transport")
        found = [_from_item(item, limits, where) for item in value]
        return [each for group in found for each in group] if all(found) else []
    if not isinstance(value, dict):
        return []
    if "payload" in value and "payload_encoding" in value:
        return [_from_rabbitmq(value)]
    read = envelope.read(value)
    return [Found(where or "an envelope of kombu's virtual transports", read)] if read else []


def _from_item(item: Any, limits: Limits, where: str) -> list[Found]:
    if isinstance(item, str):
        return _from_text(item.encode("utf-8", "surrogatepass"), limits, "an item of redis-cli --json")
    return _from_value(item, limits, where) if isinstance(item, dict) else []


def _from_rabbitmq(value: dict[str, Any]) -> Found:
    """A message as ``POST /api/queues/…/get`` of RabbitMQ's management API gives it."""
    properties = value.get("properties") or {}
    if not isinstance(properties, dict):
        raise CorruptBody("the message's properties are not an object")
    properties = dict(properties)
    headers = properties.pop("headers", None) or {}
    if not isinstance(headers, dict):
        raise CorruptBody("the message's headers are not an object")
    body = envelope.unwrapped(value["payload"], value["payload_encoding"])
    content_type, content_encoding = properties.pop("content_type", None), properties.pop("content_encoding", None)
    properties["delivery_info"] = {name: value[name] for name in ("exchange", "routing_key") if name in value}
    if value.get("redelivered"):
        properties["redelivered"] = True
    size = value.get("payload_bytes")
    cut = isinstance(size, int) and size > len(body)
    notes = (f"the dump holds {len(body):,} of its {size:,} bytes (the API's argument truncate)",) if cut else ()
    found = Envelope(body, content_type, content_encoding, headers, properties)
    return Found("a message of RabbitMQ's management API", found, notes=notes)


def _bare(data: bytes, limits: Limits) -> Found:
    marked = _RESULT.match(data)
    if marked:
        return _found("a compressed result of Celery", data[marked.end() :], marked[1].decode())
    if len(data) <= limits.max_body * 2 and _BASE64.fullmatch(data):
        body = b64decode(data)
        # Long words are base64 too: what comes out must look like something.
        if guess.compression(body) or guess.form(body, limits).serializer not in ("raw", "text"):
            return _found("a bare body, in base64", body)
    return _found("a bare body", data)


def _found(what: str, body: bytes, compression: str | None = None) -> Found:
    headers = {} if compression is None else {"compression": compression}
    return Found(what, Envelope(body, None, None, headers, {}), bare=True)
