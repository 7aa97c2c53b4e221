"""`satchel inspect` on what brokers' tools print, and on the captures of stock Celery."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from satchel import Limits
from satchel.cli import dumps
from tests.unit.cli_run import ROOT, satchel
from tests.unit.test_cli_inspect import envelope, explained, task

pytestmark = pytest.mark.once

CAPTURES = ROOT.parent / "shared" / "captures"


def quoted(data: bytes) -> str:
    """A reply as redis-cli shows it on a terminal (sdscatrepr)."""
    letters = {0x5C: "\\\\", 0x22: '\\"', 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
    shown = (letters.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in data)
    return f'"{"".join(shown)}"'


def entries(count: int = 3) -> list[bytes]:
    return [json.dumps(task(retries=number)).encode() for number in range(count)]


def reports(data: str | bytes, *options: str) -> list[dict[str, Any]]:
    done = satchel("inspect", "--json", *options, stdin=data)
    assert (done.code, done.err) == (0, "")
    listed: list[dict[str, Any]] = json.loads(done.out)
    return listed


@pytest.mark.parametrize(
    "dump",
    [
        pytest.param("".join(f"{n:>3}) {quoted(e)}\n" for n, e in enumerate(entries(), 1)), id="on a terminal"),
        pytest.param("".join(f"{e.decode()}\n" for e in entries()), id="--raw"),
        pytest.param(json.dumps([e.decode() for e in entries()]), id="--json"),
    ],
)
def test_a_list_of_redis_is_explained_entry_by_entry(dump: str) -> None:
    assert [report["task"].get("retries") for report in reports(dump)] == ["0", "1", "2"]


def test_a_single_reply_of_redis_is_read_in_every_form() -> None:
    entry = entries(1)[0]
    for reply in (quoted(entry), entry.decode(), f"1) {quoted(entry)}\n"):
        assert explained(reply)["task"]["id"] == "id-1"


def test_unacknowledged_messages_of_redis_are_found_between_their_keys() -> None:
    value = json.dumps([task(), "exchange", "routing-key"]).encode()
    for dump in (f'1) "785156e4-5f08"\n2) {quoted(value)}\n', f"785156e4-5f08\n{value.decode()}\n"):
        (report,) = reports(dump)
        assert report["what"] == "an unacknowledged message of a Redis transport"
        assert report["task"]["id"] == "id-1"


def test_results_of_a_redis_backend_are_explained() -> None:
    result = b'{"status": "FAILURE", "result": {"exc_type": "KeyError", "exc_message": ["k"]}, "task_id": "id-3"}'
    compressed = satchel("encode", "-c", "zlib", "--dialect", "celery", stdin=result).out
    marked = b"\x00celery-compressed\x00application/x-gzip\x00" + compressed
    for reply in (quoted(marked), marked, marked + b"\n"):
        report = explained(reply)
        assert report["what"] == "a compressed result of Celery"
        assert (report["result"]["status"], report["result"]["raised"]) == ("FAILURE", "KeyError: ['k']")


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("encoding", ["base64", "string"])
def test_messages_of_rabbitmqs_management_api_are_explained(encoding: str, many: bool) -> None:
    made = task()
    payload = made["body"] if encoding == "base64" else b64decode(made["body"]).decode()
    message = {
        "payload_bytes": len(b64decode(made["body"])),
        "redelivered": True,
        "exchange": "shop",
        "routing_key": "pay",
        "message_count": 0,
        "properties": {
            "delivery_mode": 2,
            "headers": made["headers"],
            "content_type": "application/json",
            "content_encoding": "utf-8",
        },
        "payload": payload,
        "payload_encoding": encoding,
    }
    for report in reports(json.dumps([message, message] if many else message)):
        assert report["what"] == "a message of RabbitMQ's management API"
        assert (report["task"]["task"], report["arguments"]["kwargs"]) == ("shop.pay", "{'currency': 'EUR'}")
        assert report["properties"]["delivery_info"] == "{'exchange': 'shop', 'routing_key': 'pay'}"
        assert report["properties"]["redelivered"] == "True"


def test_a_payload_that_the_api_cut_off_is_told() -> None:
    cut = {"payload": "[[1", "payload_encoding": "string", "payload_bytes": 500, "properties": []}
    done = satchel("inspect", stdin=json.dumps(cut))

    assert "the dump holds 3 of its 500 bytes" in done.text


def test_a_long_list_is_cut_and_says_so() -> None:
    done = satchel("inspect", "--json", "--count", "2", stdin=json.dumps([task()] * 5))

    assert len(json.loads(done.out)) == 2
    assert done.err == "satchel: 3 more were left out; see --count\n"


def test_of_a_long_dump_of_redis_no_more_is_kept_than_is_explained() -> None:
    values = "".join(f'{n}) "{n}"\n' for n in range(1, 501))
    hash_of = "".join(f'{n}) "key-{n}"\n{n}) {quoted(entries(1)[0])}\n' for n in range(1, 501))

    for dump in (values, hash_of):
        found, in_all = dumps.messages(dump.encode(), Limits(), 3)
        assert (len(found), in_all) == (3, 500)


def test_what_is_too_large_for_a_body_in_base64_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "_BASE64", None)

    (found,), _ = dumps.messages(b"QUJD" * 100, Limits(max_body=100), 1)
    assert found.what == "a bare body"


def test_much_white_space_is_nothing_at_no_cost() -> None:
    nothing = satchel("inspect", stdin=b" " * 2_000_000)
    text = satchel("inspect", stdin=b" " * 2_000_000 + b"x")  # The square of that many steps would take an hour.

    assert (nothing.code, text.code) == (3, 0)


@pytest.mark.parametrize("body", ["$$$", 5, None, {"a": 1}])
def test_a_broken_envelope_is_one_clear_line(body: object) -> None:
    done = satchel("inspect", stdin=json.dumps({**envelope(b"", "application/json"), "body": body}))

    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("satchel: error: the envelope's body is ")
    assert done.err.count("\n") == 1


def captured(kind: str) -> list[Any]:
    """The captures of a kind; one that skips, by name, where there are none."""
    if not CAPTURES.is_dir():
        return [pytest.param(Path(kind), marks=pytest.mark.skip(reason=f"no captures at {CAPTURES}"), id="captures")]
    return [pytest.param(path, id=path.stem) for path in sorted(CAPTURES.glob(f"{kind}_*.json"))]


@pytest.mark.parametrize("path", captured("redis"))
def test_captured_queue_entries_of_stock_celery_are_explained(path: Path) -> None:
    capture = json.loads(path.read_text())
    dump = "".join(f"{n}) {quoted(b64decode(m['envelope_b64']))}\n" for n, m in enumerate(capture["messages"], 1))
    told = reports(dump, "--full")

    for message, report in zip(capture["messages"], told, strict=True):
        assert report["bad"] is False
        assert report["body"]["content type"] == f"{message['content_type']}; {message['content_encoding']}"
        # Protocol 1 has the task's name in its body, and a pickled body is not read.
        assert report.get("task", {"task": "capapp.?"})["task"].startswith("capapp.")
        assert "task" in report or path.stem == "redis_proto1_pickle_zlib"
        if "pickle" in path.stem:
            assert "pickle" in report
        else:
            assert "args" in report["arguments"]


@pytest.mark.parametrize("path", captured("result"))
def test_captured_results_of_stock_celery_are_explained(path: Path) -> None:
    capture = json.loads(path.read_text())
    for reply in map(b64decode, capture["published_b64"]):
        report = explained(reply)

        assert report["bad"] is False
        if "pickle" in path.stem:
            assert report["body"]["format"] == "pickle, by trial"
        else:
            assert report["result"]["task_id"] == capture["task_id"]
