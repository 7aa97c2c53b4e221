"""Samples out of brokers' dumps: what redis-cli and RabbitMQ print, and what stock Celery was seen to send."""

from __future__ import annotations

import json
import pickle
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from satchel import Pipeline, celery_registry
from satchel.cli import sources
from satchel.cli.envelope import write
from satchel.cli.outcome import BAD_DATA
from tests.unit.sampling import Planted, file, read, refused, stdin, values
from tests.unit.test_cli_dumps import captured, quoted
from tests.unit.test_cli_inspect import envelope

pytestmark = pytest.mark.once

EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def body(number: int) -> bytes:
    return json.dumps([[number], {"at": {"__type__": "date", "__value__": "2031-01-02"}}, EMBED]).encode()


def entries(count: int = 3) -> list[bytes]:
    return [json.dumps(envelope(body(number), "application/json")).encode() for number in range(count)]


def rabbitmq(number: int, encoding: str) -> dict[str, Any]:
    payload = b64encode(body(number)) if encoding == "base64" else body(number)
    return {
        "payload": payload.decode(),
        "payload_encoding": encoding,
        "properties": {"content_type": "application/json", "content_encoding": "utf-8", "headers": {}},
    }


@pytest.mark.parametrize(
    "dump",
    [
        pytest.param("".join(f"{n}) {quoted(e)}\n" for n, e in enumerate(entries(), 1)), id="redis-cli"),
        pytest.param("".join(f"{e.decode()}\n" for e in entries()), id="redis-cli --raw"),
        pytest.param(json.dumps([e.decode() for e in entries()]), id="redis-cli --json"),
        pytest.param(json.dumps([rabbitmq(n, "string") for n in range(3)]), id="RabbitMQ"),
        pytest.param(json.dumps([rabbitmq(n, "base64") for n in range(3)]), id="RabbitMQ, base64"),
    ],
)
def test_the_bodies_of_a_dump_are_samples_with_their_tags_read(monkeypatch: pytest.MonkeyPatch, dump: str) -> None:
    stdin(monkeypatch, dump.encode())
    samples = read("--celery")

    assert [args for args, _, _ in samples.values] == [[0], [1], [2]]
    assert [kwargs["at"].year for _, kwargs, _ in samples.values] == [2031] * 3
    assert samples.facts.bytes == sum(len(body(number)) for number in range(3))


def test_lines_of_envelopes_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = b"".join(entry + b"\n" for entry in entries(40))
    monkeypatch.setattr(sources, "MOST_INPUT", len(dump) // 2)

    assert len(values(file(tmp_path / "queue.jsonl", dump), "--celery")) == 40
    code, text = refused(file(tmp_path / "queue.txt", dump), "--celery")
    assert (code, "JSON lines may be longer" in text) == (BAD_DATA, True)


@pytest.mark.parametrize("compression", ["zlib", "zstd", "bzip2"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml"])
def test_a_body_is_read_by_its_own_content_type_and_compression(
    monkeypatch: pytest.MonkeyPatch, serializer: str, compression: str
) -> None:
    value = [[1, "x" * 200], {}, EMBED]
    pipeline = Pipeline([], registry=celery_registry)
    encoded = pipeline.encode(value, serializer=serializer, compression=compression)
    stdin(monkeypatch, write(encoded))
    samples = read("--celery")

    assert samples.values == (value,)
    assert samples.facts.bytes == len(encoded.body)


def pickled(value: Any, content_type: str = "application/x-python-serialize") -> bytes:
    return json.dumps({**envelope(pickle.dumps(value), content_type), "content-encoding": "binary"}).encode()


# The second is another spelling of the same.
@pytest.mark.parametrize("content_type", ["application/x-python-serialize", "Application/X-Python-Serialize; a=b"])
def test_a_pickled_body_is_not_read_without_the_option(monkeypatch: pytest.MonkeyPatch, content_type: str) -> None:
    stdin(monkeypatch, pickled(Planted(), content_type))

    assert (refused("--celery")[0], Planted.read) == (BAD_DATA, False)


def test_a_pickled_body_is_read_with_the_option_that_its_refusal_names(monkeypatch: pytest.MonkeyPatch) -> None:
    value: tuple[Any, ...] = ((1,), {}, EMBED)
    stdin(monkeypatch, pickled(value))
    assert "--unsafe-pickle" in refused("--celery")[1]

    stdin(monkeypatch, pickled(value))
    assert values("--celery", "--unsafe-pickle") == [value]


@pytest.mark.parametrize(
    ("dump", "told"),
    [
        pytest.param(b"", "standard input: there is nothing in the input", id="nothing"),
        pytest.param(b"(empty array)\n", "there is nothing in the input", id="an empty list"),
        pytest.param(b'{"a": 1}', "there is no broker's message in it; satchel inspect tells", id="no envelope"),
        pytest.param(bytes(range(256)), "there is no broker's message in it", id="binary"),
        pytest.param(b"[" * 5_000, "there is no broker's message in it", id="deep"),
        pytest.param(json.dumps(envelope(b"[", "application/json")).encode(), "message 1: json: ", id="a damaged body"),
        pytest.param(
            json.dumps(envelope(b"x", "text/foo")).encode(),
            "message 1: the content type 'text/foo' is not accepted; accepted: ",
            id="an unknown type",
        ),
        pytest.param(
            json.dumps({**envelope(b"", "application/json"), "body": 5}).encode(), "the envelope's body", id="broken"
        ),
    ],
)
def test_what_is_no_dump_says_so(monkeypatch: pytest.MonkeyPatch, dump: bytes, told: str) -> None:
    stdin(monkeypatch, dump)
    code, text = refused("--celery")

    assert code == BAD_DATA
    assert text.startswith("standard input")
    assert told in text


def test_a_damaged_line_of_envelopes_is_named(tmp_path: Path) -> None:
    path = file(tmp_path / "queue.jsonl", entries(1)[0] + b"\n\n{}\n")

    assert "queue.jsonl, line 3: there is no broker's message" in refused(path, "--celery")[1]


def test_more_messages_than_one_dump_may_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_MOST_OF_DUMP", 2)
    stdin(monkeypatch, "".join(f"{n}) {quoted(e)}\n" for n, e in enumerate(entries(), 1)).encode())

    assert "the dump holds 3 messages, more than 2; split it" in refused("--celery")[1]


@pytest.mark.parametrize("path", captured("redis"))
def test_captured_queue_entries_of_stock_celery_are_samples(path: Path, tmp_path: Path) -> None:
    messages = json.loads(path.read_text())["messages"]
    dump = b"".join(b64decode(message["envelope_b64"]) + b"\n" for message in messages)
    queue = file(tmp_path / "queue.jsonl", dump)
    if "pickle" in path.stem:
        assert refused(queue, "--celery")[0] == BAD_DATA
    samples = read(queue, "--celery", "--unsafe-pickle")

    for value in samples.values:
        if "proto1" in path.stem:
            assert value.keys() >= {"task", "args", "kwargs"}
        else:
            assert [*map(len, (value, value[2]))] == [3, 4]
    assert samples.facts.measured == len(messages)
