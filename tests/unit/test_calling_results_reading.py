"""Results are decoded within an accept list and limits, whatever was stored; Celery's own captures first."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from satchel import ContentDisallowed, CorruptBody, LimitExceeded, Limits, UnknownCodec
from satchel.calling.results import TaskError
from satchel.calling.results.reading import MARK, ResultReader

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"
SERIALIZERS = ("json", "msgpack", "yaml", "pickle")


def captures(pattern: str) -> list[Any]:
    found = [pytest.param(path, id=path.stem) for path in sorted(CAPTURES.glob(pattern))]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=f"no {pattern} in ../shared/captures"))]


def stored(**fields: Any) -> bytes:
    state = {"status": "SUCCESS", "result": 4, "traceback": None, "children": [], "task_id": "1", **fields}
    return json.dumps(state).encode()


@pytest.mark.parametrize("path", captures("result_*.json"))
def test_what_celery_stored_is_a_record(path: Path) -> None:
    capture = json.loads(path.read_text())
    serializer = capture["config"].get("CELERYCFG_RESULT_SERIALIZER", "'json'").strip("'")
    reader = ResultReader(serializer, [serializer])
    record = reader.record(reader.decode(base64.b64decode(capture["value_b64"])))

    assert (record.state, record.raw["task_id"]) == (capture["state"], capture["task_id"])
    assert record.ready
    assert isinstance(record.date_done, datetime)
    if record.state == "SUCCESS":
        lists = str.maketrans("()", "[]")
        assert repr(record.result).translate(lists) == capture["python_value"].translate(lists)
    elif isinstance(record.result, TaskError):
        assert capture["python_value"].startswith(record.result.exc_type.rpartition(".")[2])
    else:
        assert repr(record.result) == capture["python_value"]


@pytest.mark.parametrize("path", captures("result_*.json"))
def test_every_state_that_celery_published_is_a_record(path: Path) -> None:
    capture = json.loads(path.read_text())
    serializer = capture["config"].get("CELERYCFG_RESULT_SERIALIZER", "'json'").strip("'")
    reader = ResultReader(serializer, [serializer])
    records = [reader.record(reader.decode(base64.b64decode(body))) for body in capture["published_b64"]]

    assert [record.ready for record in records] == [False] * (len(records) - 1) + [True]


@pytest.mark.parametrize("path", captures("rpc_*.json"))
def test_the_replies_of_celery_are_records(path: Path) -> None:
    capture = json.loads(path.read_text())
    reader = ResultReader()
    records = []
    for message in capture["messages"]:
        if "envelope_b64" in message:
            envelope = json.loads(base64.b64decode(message["envelope_b64"]))
            form, body = (envelope["content-type"], envelope["content-encoding"]), base64.b64decode(envelope["body"])
        else:
            properties = message["properties"]
            form, body = (
                (properties["content_type"], properties["content_encoding"]),
                base64.b64decode(message["body_b64"]),
            )
        records.append(reader.record(reader.decode(body, form)))

    assert {record.raw["task_id"] for record in records} == {capture["task_id"]}
    assert records[-1].ready


def test_a_bomb_is_refused_at_the_limit() -> None:
    packer, piece = zlib.compressobj(9), b"x" * 1_000_000
    parts = [packer.compress(b'{"status": "SUCCESS", "result": "'), *(packer.compress(piece) for _ in range(200))]
    body = MARK + b"application/x-gzip\0" + b"".join(parts) + packer.compress(b'"}') + packer.flush()

    assert len(body) < 200_000
    with pytest.raises(LimitExceeded, match="max_decompressed"):
        ResultReader().decode(body)


@pytest.mark.parametrize(
    ("limits", "result", "limit"),
    [
        (Limits(max_body=1000), "x" * 2000, "max_body"),
        (Limits(max_depth=10), json.loads("[" * 20 + "]" * 20), "max_depth"),
        (Limits(max_nodes=100), [0] * 200, "max_nodes"),
    ],
    ids=["large", "deep", "full"],
)
def test_a_result_beyond_the_limits_is_refused(limits: Limits, result: Any, limit: str) -> None:
    with pytest.raises(LimitExceeded, match=limit):
        ResultReader(limits=limits).decode(stored(result=result))


@pytest.mark.parametrize("serializer", SERIALIZERS[1:])
def test_a_serializer_that_is_not_accepted_is_refused(serializer: str) -> None:
    with pytest.raises(ContentDisallowed, match="is not accepted"):
        ResultReader(serializer, ["json"]).decode(stored())


@pytest.mark.parametrize(
    "body",
    [MARK, MARK + b"application/x-gzip", MARK + b"x" * 200 + b"\0" + b"y", MARK + b"application/x-unknown\0y"],
    ids=["nothing", "unended", "long", "unknown"],
)
def test_a_compression_that_is_not_told_is_refused(body: bytes) -> None:
    with pytest.raises(ContentDisallowed):
        ResultReader().decode(body)


def test_a_body_of_another_serializer_is_explained() -> None:
    body = ResultReader("msgpack", ["msgpack"]).encode({"status": "SUCCESS"})
    with pytest.raises(CorruptBody, match="result_serializer"):
        ResultReader().decode(body)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"status": None}, "status"),
        ({"status": ""}, "status"),
        ({"status": ["SUCCESS"]}, "status"),
        ({"traceback": 3}, "traceback"),
        ({"children": "abc"}, "children"),
    ],
)
def test_a_state_of_a_wrong_form_is_corrupt(fields: Any, what: str) -> None:
    reader = ResultReader()
    with pytest.raises(CorruptBody, match=what):
        reader.record(reader.decode(stored(**fields)))


@pytest.mark.parametrize("value", [None, [], "SUCCESS", 3])
def test_what_is_no_mapping_is_corrupt(value: Any) -> None:
    with pytest.raises(CorruptBody, match="must be a mapping"):
        ResultReader().record(value)


def test_a_record_has_what_the_worker_told_and_no_more() -> None:
    reader = ResultReader()
    fields = {"parent_id": "p", "group_id": "g", "name": "shop.buy", "retries": 2, "date_done": "2031-01-02T03:04:05"}
    record = reader.record(reader.decode(stored(status="MINE", result={"a": 1}, **fields)))

    assert (record.state, record.result, record.ready) == ("MINE", {"a": 1}, False)
    assert (record.parent_id, record.group_id) == ("p", "g")
    assert record.extended == {"name": "shop.buy", "retries": 2}
    assert record.date_done == datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert list(record.message("1"))[:5] == ["task_id", "status", "result", "traceback", "children"]
    assert record.message("1")["name"] == "shop.buy"


@pytest.mark.parametrize("date", ["", "yesterday", 3, None, "9999-12-31T24:00:00"])
def test_a_date_that_is_none_does_not_cost_the_result(date: Any) -> None:
    reader = ResultReader()
    record = reader.record(reader.decode(stored(date_done=date)))

    assert (record.result, record.date_done) == (4, None)


def test_an_unknown_serializer_is_told_at_once() -> None:
    with pytest.raises(UnknownCodec, match="json"):
        ResultReader("jsno")
    with pytest.raises(UnknownCodec, match="json"):
        ResultReader(accept=["jsno"])
