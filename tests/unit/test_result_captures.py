"""The results that stock Celery 5.7 stored and sent, in ../shared/captures, are read by a pipeline."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from satchel import ContentDisallowed, Encoded, Pickle, Pipeline, celery_registry

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"
SERIALIZERS = ("json", "msgpack", "yaml", "pickle")
MARK = b"\0celery-compressed\0"

PIPELINE = Pipeline(SERIALIZERS, registry=celery_registry)


def captures(pattern: str) -> list[Any]:
    found = [pytest.param(path, id=path.stem) for path in sorted(CAPTURES.glob(pattern))]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=f"no {pattern} in ../shared/captures"))]


def stored(capture: dict[str, Any]) -> Encoded:
    """Take a result apart as the backend stored it: perhaps marked as compressed, and without its content type."""
    body, compression = base64.b64decode(capture["value_b64"]), None
    if body.startswith(MARK):
        content_type, body = body[len(MARK) :].split(b"\0", 1)
        compression = content_type.decode()
    serializer = capture["config"].get("CELERYCFG_RESULT_SERIALIZER", "'json'").strip("'")
    codec = celery_registry().serializer(serializer)
    return Encoded(body, codec.content_type, codec.content_encoding, compression)


@pytest.mark.parametrize("path", captures("result_*.json"))
def test_a_stored_result_is_read(path: Path) -> None:
    capture = json.loads(path.read_text())
    pipeline = PIPELINE
    if path.stem == "result_kinds_pickle_fail_typeerror":
        with pytest.raises(ContentDisallowed, match="'builtins:TypeError', which is not allow-listed"):
            pipeline.decode(stored(capture))
        trusting = celery_registry().with_serializer(Pickle(allow={TypeError}, dialect="celery"), replace=True)
        pipeline = Pipeline(["pickle"], registry=trusting)

    result = pipeline.decode(stored(capture))

    assert (result["status"], result["task_id"]) == (capture["state"], capture["task_id"])
    if capture["state"] == "SUCCESS":
        # A tuple came to the client as the list that it was on the wire.
        lists = str.maketrans("()", "[]")
        assert repr(result["result"]).translate(lists) == capture["python_value"].translate(lists)
    elif isinstance(result["result"], dict):
        assert capture["python_value"].startswith(result["result"]["exc_type"].rpartition(".")[2])
    else:
        assert repr(result["result"]) == capture["python_value"]


@pytest.mark.parametrize("path", captures("rpc_*.json"))
def test_the_replies_of_the_rpc_backend_are_read(path: Path) -> None:
    capture = json.loads(path.read_text())
    for message in capture["messages"]:
        if "envelope_b64" in message:
            envelope = json.loads(base64.b64decode(message["envelope_b64"]))
            facts = envelope["content-type"], envelope["content-encoding"]
            body = base64.b64decode(envelope["body"])
        else:
            properties = message["properties"]
            facts = properties["content_type"], properties["content_encoding"]
            body = base64.b64decode(message["body_b64"])

        assert PIPELINE.decode(Encoded(body, *facts))["task_id"] == capture["task_id"]


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut what was written to a socket into AMQP frames: type, channel, size, payload, end mark (AMQP 0-9-1, 2.3.5)."""
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position + 3 : position + 7], "big")
        yield data[position], data[position + 7 : position + 7 + size]
        position += size + 8


@pytest.mark.parametrize("path", captures("amqpwire_*.json"))
def test_the_body_on_the_wire_is_read(path: Path) -> None:
    capture = json.loads(path.read_text())
    written = b"".join(base64.b64decode(write) for write in capture["writes_b64"])
    header = next(payload for kind, payload in frames(written) if kind == 2)
    body = b"".join(payload for kind, payload in frames(written) if kind == 3)
    compression = "application/x-gzip" if b"application/x-gzip" in header else None

    assert b"application/json" in header
    args, kwargs, embed = PIPELINE.decode(Encoded(body, "application/json", "utf-8", compression))
    assert len(args) > 0
    assert (kwargs, embed["chord"]) == ({}, None)
