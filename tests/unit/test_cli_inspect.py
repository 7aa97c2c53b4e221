"""`satchel inspect`: every part of a message explained, hostile ones within bounds, and nothing unpickled."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from satchel.cli.demo_refusals import messages
from satchel.message import MessageBuilder
from tests.unit.cli_run import satchel

pytestmark = pytest.mark.once

BOMB = next(bytes(message.body) for what, _, message in messages() if "bzip2" in what)


def explained(data: bytes | str, *options: str, code: int = 0) -> dict[str, Any]:
    """What `inspect --json` says of a single message."""
    done = satchel("inspect", "--json", *options, stdin=data)
    assert (done.code, done.err) == (code, "")
    report: dict[str, Any]
    (report,) = json.loads(done.out)
    return report


def envelope(body: bytes, content_type: str, **headers: Any) -> dict[str, Any]:
    return {
        "body": b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": content_type,
        "headers": headers,
        "properties": {"correlation_id": "c-1", "delivery_mode": 2, "body_encoding": "base64"},
    }


def task(serializer: str = "json", compression: str | None = None, **options: Any) -> dict[str, Any]:
    message = MessageBuilder(serializer=serializer, compression=compression).build(
        "shop.pay", ["x" * 200, 7], {"currency": "EUR"}, task_id="id-1", **options
    )
    made = envelope(bytes(message.encoded.body), message.encoded.content_type, **message.headers)
    return {**made, "content-encoding": message.encoded.content_encoding}


def test_a_task_message_is_explained_part_by_part() -> None:
    report = explained(json.dumps(task("msgpack", "zstd", countdown=3600, expires=7200, retries=2)), "--full")

    assert report["body"]["compression"] == "zstd (application/zstd), by its header"
    assert report["body"]["content type"] == "application/x-msgpack; binary"
    assert report["body"]["decompressed"].startswith("2")
    assert (report["task"]["task"], report["task"]["id"], report["task"]["retries"]) == ("shop.pay", "id-1", "2")
    assert report["task"]["status"].startswith("not yet")
    assert "(in 0:59:" in report["task"]["eta"] or "(in 1:00:00)" in report["task"]["eta"]
    assert "(in 1:59:" in report["task"]["expires"] or "(in 2:00:00)" in report["task"]["expires"]
    assert report["arguments"]["args"] == f"['{'x' * 200}', 7]"
    assert report["arguments"]["kwargs"] == report["arguments"]["kwargsrepr"] == "{'currency': 'EUR'}"
    assert report["properties"]["delivery_mode"] == "2 (persistent)"


def test_the_text_form_holds_the_same() -> None:
    done = satchel("inspect", stdin=json.dumps(task()))

    assert (done.code, done.err) == (0, "")
    for line in (
        "  task\n",
        "    id                     id-1\n",
        "  accept list\n    accept=['json']        accepted\n",
    ):
        assert line in done.text


def test_an_expired_task_is_told() -> None:
    message = task()
    message["headers"]["expires"] = "2020-01-01T00:00:00+00:00"

    assert explained(json.dumps(message))["task"]["status"] == "expired: a worker revokes it without running it"


@pytest.mark.parametrize(("options", "verdict"), [([], "refused"), (["--accept", "json,yaml"], "accepted")])
def test_an_accept_lists_verdict_is_told_with_its_reason(options: list[str], verdict: str) -> None:
    report = explained(json.dumps(task("yaml")), *options)
    ((label, said),) = report["accept list"].items()

    assert label == f"accept={['json', *(['yaml'] if options else [])]}"
    assert said.startswith(verdict)
    assert ("the content type 'application/x-yaml' is not accepted" in said) is (verdict == "refused")


def test_a_pickled_task_is_never_unpickled_and_what_it_would_import_is_named(tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'touched'}",)

    for protocol in range(6):
        body = pickle.dumps([[Exploit()], {}, {}], protocol)
        wrapped = explained(json.dumps(envelope(body, "application/x-python-serialize", task="t", id="i")))
        for report in (wrapped, explained(body)):
            assert report["pickle"]["refers to"] == "posix:system"
            assert "may run any code" in report["pickle"]["WARNING"]
            assert report["pickle"]["protocol"].startswith(f"{protocol if protocol > 1 else 0}, ")
        assert wrapped["task"]["task"] == "t"
    assert list(tmp_path.iterdir()) == []


def test_a_pickle_that_hides_a_name_is_still_seen_through() -> None:
    popped = b"\x80\x04\x8c\x05posix\x8c\x04dull0\x8c\x06system\x93."
    from_memo = b"\x80\x04\x8c\x05posix\x940\x8c\x06system\x940h\x00h\x01\x93."
    computed = b"\x80\x04]\x8c\x06system\x93."

    assert explained(popped)["pickle"]["refers to"] == "posix:system"
    assert explained(from_memo)["pickle"]["refers to"] == "posix:system"
    assert explained(computed)["pickle"]["refers to"] == "?:system"


def test_a_pickle_of_plain_data_is_told_from_others() -> None:
    plain = explained(json.dumps(task("pickle")))["pickle"]

    assert "WARNING" not in plain
    assert plain["verdict"] == "plain data: it would import and call nothing else"


@pytest.mark.parametrize("index", [b"+1", b"01", b" 1", b"1 ", b"1_0", b"-1", b"1\x00", b""])
def test_a_memo_index_that_unpicklers_read_otherwise_gets_no_verdict(index: bytes) -> None:
    put = b"\x8c\x05posixp" + index + b"\n0\x8c\x06systemp2\n0g1\ng2\n\x93\x8c\x04true\x85R."
    report = explained(b"\x80\x04\x8c\x08datetimep1\n0" + put, code=3)["pickle"]

    assert "PUT with an index that is not a plain number" in report["form"]
    assert report["WARNING"].startswith("it was not read to its end")
    assert "verdict" not in report


def test_a_memo_index_that_names_nothing_gets_no_verdict() -> None:
    for get in (b"g7\n", b"h\x07", b"j\x07\0\0\0", b"g+1\n"):
        report = explained(b"\x80\x04\x8c\x08datetimep1\n0" + get + b".", code=3)["pickle"]

        assert "of what is not in the memo" in report["form"]
        assert "verdict" not in report


def test_a_pickle_that_was_not_read_to_its_end_gets_no_verdict() -> None:
    exploit = b"\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
    report = explained(b"\x80\x04" + b"N0" * 500_001 + exploit, code=3)["pickle"]

    assert report["form"].endswith("the rest was not looked at")
    assert report["WARNING"].startswith("it was not read to its end")
    assert "verdict" not in report


def test_a_pickle_of_half_a_million_names_is_read_in_one_go() -> None:
    # To copy the stack for each name would take minutes.
    report = explained(b"\x80\x04" + b"N" * 490_000 + b"\x93" * 489_999 + b".")["pickle"]

    assert report["refers to"] == "?:?"


@pytest.mark.parametrize(("name", "compress"), [("gzip", gzip.compress), ("zlib", zlib.compress)])
def test_gzip_and_zlib_which_share_a_content_type_are_told_apart(name: str, compress: Any) -> None:
    report = explained(json.dumps(envelope(compress(b"[1]"), "application/json", compression="application/x-gzip")))

    assert report["body"]["compression"] == f"{name} (application/x-gzip), by its header"
    assert report["body"]["decompressed"] == "3 bytes; compression did not shorten it"


def test_rows_of_the_same_name_are_all_in_the_json() -> None:
    made = task()
    cut = {
        "payload": "\x93[1",
        "payload_encoding": "string",
        "payload_bytes": 500,
        "properties": {"content_type": "application/json", "content_encoding": "utf-8", "headers": made["headers"]},
    }
    report = explained(json.dumps(cut), code=3)

    assert [note.split()[:2] for note in report["body"]["note"]] == [["the", "body"], ["the", "dump"]]


def test_a_body_has_one_row_about_its_compression() -> None:
    body = satchel("encode", "-s", "json", "-c", "brotli", stdin=json.dumps(["abc"] * 50)).out
    done = satchel("inspect", stdin=body)

    assert done.text.count("    compression ") == 1
    assert explained("[1]")["body"]["compression"] == "none"
    assert explained(body)["body"]["compression"].startswith("brotli")


def test_a_bomb_of_brotli_without_headers_is_told() -> None:
    body = satchel("encode", "--from", "text", "-s", "text", "-c", "brotli", stdin="[" + " " * 500_000 + "]").out
    report = explained(body, "--max-decompressed", "100k", code=3)

    assert "decompresses to more than 102,400 bytes" in report["body"]["not decompressed"]


@pytest.mark.parametrize(
    ("name", "compress"),
    [("zlib", zlib.compress), ("gzip", gzip.compress), ("bzip2", bz2.compress), ("lzma", lzma.compress)],
)
def test_the_compression_of_a_bare_body_is_guessed_by_its_first_bytes(name: str, compress: Any) -> None:
    report = explained(compress(b'{"status": "SUCCESS", "result": 4, "task_id": "id-2", "traceback": null}'))

    assert report["result"] == {"task_id": "id-2", "status": "SUCCESS", "result": "4"}
    assert report["body"]["compression"].startswith(f"{name} (")
    assert report["body"]["compression"].endswith(", by its first bytes")


@pytest.mark.parametrize("compression", ["zstd", "brotli"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml"])
def test_bare_bodies_are_guessed(serializer: str, compression: str) -> None:
    # YAML writes such a float in its own way; the rest of it would be JSON, too.
    value = {"text": "abc" * 50, "large": 1e16}
    body = satchel("encode", "-s", serializer, "-c", compression, stdin=json.dumps(value)).out
    report = explained(body)

    assert report["body"]["compression"].startswith(compression)
    assert report["body"]["format"] == f"{serializer}, by trial"
    assert report["body"]["value"] == repr(value)


def test_a_body_in_base64_a_text_and_bytes_are_recognised() -> None:
    wrapped = explained(b64encode(b'[[1, 2], {}, {"callbacks": null}]'))

    assert wrapped["what"] == "a bare body, in base64"
    assert wrapped["arguments"]["args"] == "[1, 2]"
    assert explained("just words")["body"]["format"] == "text, by trial"
    assert explained(b"\xfe\xff\x00\x01")["body"]["format"] == "raw, by trial"


def test_a_bomb_is_told_without_being_inflated() -> None:
    bare = explained(BOMB, code=3)
    wrapped = explained(json.dumps(envelope(BOMB, "application/json", compression="bzip2", task="t", id="i")), code=3)

    for report in (bare, wrapped):
        assert "decompresses to more than 16,777,216 bytes" in report["body"]["not decompressed"]
    assert wrapped["task"]["task"] == "t"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 100_000, "max_depth=100"),
        (b"- " * 60_000, "max_depth=100"),
        (b"[" + b"1," * 1_000_000 + b"1]", "max_nodes=1,000,000"),
    ],
    ids=["deep JSON", "deep YAML", "many values"],
)
def test_bodies_beyond_the_limits_are_told(body: bytes, reason: str) -> None:
    assert reason in explained(body, code=3)["body"]["not decoded"]


def test_max_nodes_lifts_the_lower_bound_of_yaml() -> None:
    body = b"[" + b"1, " * 30_000 + b"1]  # not JSON"

    assert "max_nodes" in explained(body, code=3)["body"]["not decoded"]
    assert explained(body, "--max-nodes", "1000000")["body"]["format"] == "yaml, by trial"


def test_a_body_that_is_not_what_its_header_says_is_told() -> None:
    message = explained(json.dumps(envelope(b"\x93\x01\x02\x03", "application/json")), code=3)

    assert message["body"]["note"] == "the body looks like msgpack"


def test_hostile_headers_neither_break_it_nor_reach_the_terminal() -> None:
    headers = {"task": 5, "id": [], "eta": "never", "compression": 7, "\x1b[31m": "\x1b]0;owned\x07\u202e"}
    done = satchel("inspect", stdin=json.dumps(envelope(b"{}", "text/\x1b[2J", **headers)))

    assert (done.code, done.err) == (0, "")
    assert not set(done.text) & set("\x1b\x07\u202e")


@pytest.mark.parametrize("data", ["", "\n", "(nil)", "(empty array)", "[]"])
def test_nothing_is_told_to_be_nothing(data: str) -> None:
    done = satchel("inspect", stdin=data)

    assert (done.code, done.err) == (3, "satchel: error: there is nothing in the input: no message, no body\n")
