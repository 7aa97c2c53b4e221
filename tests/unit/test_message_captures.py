"""Real messages of stock Celery 5.7 (../shared/captures): each is read, and ours for the same call is the same."""

from __future__ import annotations

import base64
import datetime
import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from satchel import Encoded, MissingDependency, Pipeline, celery_registry
from satchel.message import MessageBuilder, MessageReader, TaskCall
from satchel.message.times import UTC, in_zone, parse_iso

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"

#: Which capture shows which call, by transport. `ser_…` are the calls of every serializer and compressor.
NAMES = """
amqp_  countdown_negative expires_float ignore_result_false limits_transient link_and_link_error priority_5 priority_9
amqp_  proto1_basic proto1_countdown_expires proto1_pickle_zlib rich_json rich_yaml stamped
amqp_  ser_json__comp_gzip ser_json__comp_lzma ser_json__comp_none ser_json__comp_zlib ser_msgpack__comp_brotli
amqp_  ser_msgpack__comp_gzip ser_msgpack__comp_lzma ser_msgpack__comp_zstd ser_pickle__comp_bzip2
amqp_  ser_pickle__comp_zlib ser_yaml__comp_brotli ser_yaml__comp_gzip ser_yaml__comp_lzma ser_yaml__comp_zlib
redis_ countdown_0 countdown_3 countdown_float countdown_negative eta_aware_0530 eta_naive expires_datetime
redis_ expires_float expires_past_revoked ignore_result_false ignore_result_true link_and_link_error priority_0
redis_ priority_10 priority_255 priority_5 proto1_pickle_zlib rich_json stamped
redis_ ser_json__comp_bzip2 ser_json__comp_gzip ser_json__comp_lzma ser_json__comp_zlib ser_msgpack__comp_brotli
redis_ ser_msgpack__comp_gzip ser_msgpack__comp_zlib ser_msgpack__comp_zstd ser_pickle__comp_bzip2
redis_ ser_pickle__comp_none ser_pickle__comp_zstd ser_yaml__comp_brotli ser_yaml__comp_bzip2 ser_yaml__comp_gzip
redis_ ser_yaml__comp_none ser_yaml__comp_zstd
fs_    basic
sqla_  basic
"""
CAPTURED = [line.split()[0] + name for line in NAMES.strip().splitlines() for name in line.split()[1:]]

INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
MOMENT = datetime.datetime(2031, 5, 6, 7, 8, 9, 123456)
AWARE = MOMENT.replace(tzinfo=UTC)
RICH_JSON = [
    *(b"utf8ok", b"\xff\xfe\x00", AWARE, MOMENT, MOMENT.date(), MOMENT.time(), Decimal("1.10"), UUID(int=5), math.inf),
    {1: "intkey"},
]
RICH_YAML = [b"\xff\xfe\x00", AWARE, MOMENT.date(), {1, 2}, {1: "intkey"}, math.inf, "yes", "null", "0123"]
GRID = [1, -2, 2.5, "héllo ☃ 😀", None, True, [1, [2, [3]]], {"a": {"b": [1, 2]}}, "x" * 300]

#: The call of each capture: the task, its arguments, and our options.
CALLS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "basic": ("add", (2, 3), {"priority": 5}),
    "countdown_0": ("add", (2, 2), {"countdown": 0}),
    "countdown_3": ("add", (2, 2), {"countdown": 3}),
    "countdown_float": ("add", (2, 2), {"countdown": 0.5}),
    "countdown_negative": ("add", (2, 2), {"countdown": -5}),
    "eta_aware_0530": ("add", (2, 2), {"eta": datetime.datetime(2031, 1, 2, 3, 4, 5, tzinfo=INDIA)}),
    "eta_naive": ("add", (2, 2), {"eta": datetime.datetime(2031, 1, 2, 3, 4, 5)}),
    "expires_datetime": ("add", (10, 10), {"expires": datetime.datetime(2031, 1, 1, tzinfo=UTC)}),
    "expires_float": ("add", (10, 10), {"expires": 0.25}),
    "expires_past_revoked": ("add", (10, 10), {"expires": datetime.datetime(2020, 1, 1, tzinfo=UTC)}),
    "ignore_result_false": ("add", (1, 2), {"ignore_result": False}),
    "ignore_result_true": ("add", (1, 2), {"ignore_result": True}),
    "limits_transient": ("add", (1, 2), {"time_limit": 30, "soft_time_limit": 20, "delivery_mode": 1}),
    "link_and_link_error": ("add", (1, 2), {}),  # The signatures have ids of their own: see `_options`.
    **{f"priority_{value}": ("add", (1, 2), {"priority": value}) for value in (0, 5, 9, 10, 255)},
    "proto1_basic": ("add", (3, 4), {}),
    "proto1_countdown_expires": ("add", (3, 4), {"countdown": 1, "expires": 60}),
    "proto1_pickle_zlib": ("add", (3, 4), {"serializer": "pickle", "compression": "zlib"}),
    "rich_json": ("reprargs", RICH_JSON, {}),
    "rich_yaml": ("reprargs", RICH_YAML, {"serializer": "yaml"}),
    "stamped": ("add", (1, 2), {"stamps": {"monitoring_id": "m-1"}}),
}

PIPELINE = Pipeline(["json", "msgpack", "yaml", "pickle"], registry=celery_registry)
READER = MessageReader(PIPELINE)
# Put in by the transport, or for its own use.
TRANSPORTS = {"delivery_info", "delivery_tag", "body_encoding", "origin"}

needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no captures in {CAPTURES}")


def load(name: str) -> dict[str, Any]:
    capture = json.loads((CAPTURES / f"{name}.json").read_text("utf-8"))
    (message,) = capture.get("messages", [capture])
    return message  # type: ignore[no-any-return]


def read(message: dict[str, Any]) -> TaskCall:
    try:
        return READER.read(
            body=base64.b64decode(message["body_b64"]),
            content_type=message["content_type"],
            content_encoding=message["content_encoding"],
            headers=message["headers"],
            properties=message["properties"],
        )
    except MissingDependency as error:
        pytest.skip(str(error))


@needs_captures
def test_every_captured_task_message_is_here() -> None:
    found = {path.stem for path in CAPTURES.glob("*.json")}

    assert {name for name in found if name.startswith(("redis_", "amqp_", "fs_", "sqla_"))} == set(CAPTURED)


@needs_captures
@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_message_is_read(name: str) -> None:
    message = load(name)
    call = read(message)
    # The two without it are of the same call.
    expected = _evaluated(message.get("body_decoded_repr", "[[2, 3], {}, None]"))
    args, kwargs = (expected["args"], expected["kwargs"]) if isinstance(expected, dict) else expected[:2]

    assert (call.args, call.kwargs) == (args, kwargs)
    assert repr((call.args, call.kwargs)) == repr((args, kwargs))  # Types, too.
    assert call.protocol == (1 if "proto1" in name else 2)
    assert call.properties["correlation_id"] == call.id
    assert set(call.embed) == {"callbacks", "errbacks", "chain", "chord"}


@needs_captures
@pytest.mark.parametrize("name", CAPTURED)
def test_ours_for_the_same_call_is_the_same_but_for_times_and_the_brokers_expiry(name: str) -> None:
    captured = load(name)
    theirs = read(captured)
    task, args, kwargs, options = _call(name, theirs)
    # Ids and origin are given, so that these are equal too.
    options |= {"task_id": theirs.id, "reply_to": captured["properties"]["reply_to"]}
    protocol: Any = theirs.protocol
    if protocol == 2:
        options["origin"] = captured["headers"]["origin"]
    sent = MessageBuilder(protocol=protocol).build(f"capapp.{task}", args, kwargs, **options)
    ours = READER.read(**_received(sent.encoded), headers=sent.headers, properties=sent.properties)

    assert (sent.encoded.content_type, sent.encoded.content_encoding) == (
        captured["content_type"],
        captured["content_encoding"],
    )
    assert list(sent.headers) == list(captured["headers"])
    assert _timeless(sent.headers) == _timeless(captured["headers"])
    assert _timeless(_decoded(sent.encoded)) == _timeless(_decoded(_encoded(captured)))
    assert _properties(sent.properties, captured) == _properties(captured["properties"], captured)
    for ours_at, theirs_at in ((ours.eta, theirs.eta), (ours.expires, theirs.expires)):
        given = options.get("eta", options.get("expires"))
        if isinstance(given, datetime.datetime):
            assert ours_at == theirs_at in {None, in_zone(given, UTC)}
        else:
            assert (ours_at is None) == (theirs_at is None)


def _call(name: str, theirs: TaskCall) -> tuple[str, Any, Any, dict[str, Any]]:
    name = name.partition("_")[2]
    grid = re.fullmatch(r"ser_(\w+)__comp_(\w+)", name)
    if grid:
        compression = None if grid[2] == "none" else grid[2]
        return "echo", GRID, {"kw": "v", "n": 12345678901234}, {"serializer": grid[1], "compression": compression}
    task, args, options = CALLS[name]
    if name == "link_and_link_error":
        (link,), (link_error,) = theirs.embed["callbacks"], theirs.embed["errbacks"]
        # As a user writes them; the rest is filled in.
        options = {
            "link": {"task": "capapp.xsum", "options": link["options"]},
            "link_error": [{"task": "capapp.ign", "args": [1], "options": link_error["options"], "immutable": True}],
        }
    return task, args, {}, dict(options)


def _encoded(message: dict[str, Any]) -> Encoded:
    body = base64.b64decode(message["body_b64"])
    compression = message["headers"].get("compression")
    return Encoded(body, message["content_type"], message["content_encoding"], compression)


def _decoded(encoded: Encoded) -> Any:
    return PIPELINE.decode(encoded)


def _received(encoded: Encoded) -> dict[str, Any]:
    return {
        "body": encoded.body,
        "content_type": encoded.content_type,
        "content_encoding": encoded.content_encoding,
    }


def _timeless(value: Any) -> Any:
    """Take the texts of eta and expires out of headers, or out of a body of protocol 1."""
    if not hasattr(value, "keys"):
        return value
    return {
        key: type(parse_iso(item)) if key in ("eta", "expires") and item else item for key, item in dict(value).items()
    }


def _properties(properties: Any, captured: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in properties.items() if name not in TRANSPORTS | {"expiration"}}
    # Kombu's virtual transports write a priority always.
    return {"priority": 0, **kept} if "priority" in captured["properties"] else kept


def _evaluated(text: str) -> Any:
    return eval(text, {"datetime": datetime, "Decimal": Decimal, "UUID": UUID, "inf": math.inf})
