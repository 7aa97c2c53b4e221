"""MessageReader: every protocol read alike, and every broken message a DecodeError that says why."""

from __future__ import annotations

from collections import UserDict
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel import ContentDisallowed, CorruptBody, DecodeError, LimitExceeded, Limits, Pipeline, celery_registry
from satchel.message import MessageBuilder, MessageReader

PIPELINE = Pipeline(["json", "pickle"], registry=celery_registry)
READER = MessageReader(PIPELINE)
LINK: dict[str, Any] = {"task": "n", "args": [], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}
HEADERS = {"task": "t", "id": "1"}
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message(value: Any, headers: Any, *, serializer: str = "json", **changed: Any) -> dict[str, Any]:
    encoded = PIPELINE.encode(value, serializer=serializer)
    stated = {"content_type": encoded.content_type, "content_encoding": encoded.content_encoding}
    return {"body": encoded.body, **stated, "headers": headers, **changed}


@pytest.mark.parametrize("protocol", [2, 1])
@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_what_was_built_is_read_whatever_the_protocol(protocol: Any, serializer: str) -> None:
    builder = MessageBuilder(protocol=protocol, serializer=serializer, compression="zlib")
    eta = datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    sent = builder.build(
        "shop.pay",
        [1, "x" * 200],
        {"a": [None]},
        eta=eta,
        link=LINK,
        group_id="g",
        retries=2,
        time_limit=9,
        headers={"h": 1},
    )
    body, content_type, content_encoding, _ = sent.encoded
    call = READER.read(
        body=body,
        content_type=content_type,
        content_encoding=content_encoding,
        headers=sent.headers,
        properties=sent.properties,
    )

    assert (call.task, call.id, call.args, call.kwargs) == ("shop.pay", sent.id, [1, "x" * 200], {"a": [None]})
    assert call.embed == {**EMBED, "callbacks": [LINK]}
    assert (call.eta, call.expires, call.protocol, call.properties) == (eta, None, protocol, sent.properties)
    assert (call.headers["group"], call.headers["retries"], list(call.headers["timelimit"])) == ("g", 2, [9, None])
    assert call.headers["h"] == 1


def test_the_hybrid_form_is_read_as_a_worker_reads_it() -> None:
    body = {
        "task": "old",
        "id": "old",
        "args": [1],
        "kwargs": {"a": 2},
        "errbacks": [LINK],
        "eta": "2031-01-02T03:04:05",
    }
    call = READER.read(**message({**body, "taskset": "g"}, {"task": "new", "id": "new", "retries": 3}))

    assert (call.task, call.id, call.args, call.kwargs, call.protocol) == ("new", "new", [1], {"a": 2}, 2)
    assert call.embed == {**EMBED, "errbacks": [LINK]}
    assert call.eta == datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert (call.headers["group"], call.headers["retries"]) == ("g", 3)


def test_protocol_1_may_leave_out_what_has_a_default() -> None:
    call = READER.read(**message({"task": "t", "id": "1"}, {"id": "a header of the sender's own"}))

    assert (call.id, call.args, call.kwargs, call.embed, call.protocol) == ("1", (), {}, EMBED, 1)


def test_times_of_protocol_1_are_in_utc_unless_it_says_not() -> None:
    zone = timezone(datetime(2031, 1, 2, 2) - datetime(2031, 1, 2))
    reader = MessageReader(PIPELINE, timezone=zone)
    body = {"task": "t", "id": "1", "eta": "2031-01-02T03:04:05"}

    assert reader.read(**message(body, {})).eta == datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert reader.read(**message({**body, "utc": False}, {})).eta == datetime(2031, 1, 2, 3, 4, 5, tzinfo=zone)


def test_bodies_come_as_any_buffer_or_as_text() -> None:
    whole = message([["é"], {}, None], HEADERS)
    for body in (bytes, bytearray, memoryview, lambda body: body.decode()):
        call = READER.read(**{**whole, "body": body(whole["body"])})

        assert (call.args, call.embed) == (["é"], {})


def test_headers_may_be_any_mapping_and_are_copied() -> None:
    headers = {**HEADERS, "mine": 1}
    call = READER.read(**message([[], {}, {}], UserDict(headers), properties=UserDict({"p": 1})))

    assert (call.headers, call.properties) == (headers, {"p": 1})


def test_json_alone_is_read_by_default() -> None:
    pickled = MessageBuilder(serializer="pickle").build("t")
    with pytest.raises(ContentDisallowed):
        MessageReader().read(
            body=pickled.encoded.body,
            content_type=pickled.encoded.content_type,
            content_encoding=pickled.encoded.content_encoding,
            headers=pickled.headers,
        )


def test_a_call_prints_shortly() -> None:
    call = READER.read(**message([["x" * 999], {}, {}], HEADERS))

    assert repr(call) == f"<TaskCall t[1]: args=['{'x' * 79}...'] kwargs={{}}>"


def test_the_limits_are_those_of_the_pipeline() -> None:
    reader = MessageReader(Pipeline(["json"], registry=celery_registry, limits=Limits(max_body=99)))
    with pytest.raises(LimitExceeded):
        reader.read(**message([["x" * 99], {}, {}], HEADERS))


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no task, no mapping": (message([[], {}, {}], {}), "not a task message: it has no header 'task'"),
    "no headers": (message([[], {}, {}], None), "not a task message: it has no header 'task'"),
    "an empty mapping": (message({}, {}), "not a task message: 'task' must be a str that is not empty; it has none"),
    "no id": (message([[], {}, {}], {"task": "t"}), "not a task message: 'id' must be a str"),
    "id a number": (message([[], {}, {}], {"task": "t", "id": 1}), "not a task message: 'id' must be a str"),
    "task empty": (message([[], {}, {}], {"task": "", "id": "1"}), "not a task message: 'task' must be a str"),
    "task a list": (message([[], {}, {}], {"task": ["t"], "id": "1"}), "not a task message: 'task' must be a str"),
    "two items": (message([[], {}], HEADERS), "the body is not a task's: [args, kwargs, embed] expected"),
    "four items": (message([[], {}, {}, 1], HEADERS), "the body is not a task's"),
    "a scalar": (message("abc", HEADERS), "the body is not a task's"),
    "null": (message(None, HEADERS), "the body is not a task's"),
    "a mapping without args": (message({"x": 1}, HEADERS), "the body is not a task's: a mapping without 'args'"),
    "args a str": (message(["abc", {}, {}], HEADERS), "a task's args must be a list, got 'abc'"),
    "args a mapping": (message([{}, {}, {}], HEADERS), "a task's args must be a list, got {}"),
    "args null": (message({**HEADERS, "args": None}, {}), "a task's args must be a list, got None"),
    "kwargs a list": (message([[], [], {}], HEADERS), "a task's kwargs must be a mapping, got []"),
    "kwargs names": (
        message([[], {1: 2}, {}], HEADERS, serializer="pickle"),
        "a task's kwargs must have str names, got 1",
    ),
    "embed a list": (message([[], {}, []], HEADERS), "the third item of a task's body must be a mapping, got []"),
    "eta no date": (
        message([[], {}, {}], {**HEADERS, "eta": "soon"}),
        "'eta' is not a date and time: 'soon'; expected ISO 8601, such as",
    ),
    "eta empty": (message([[], {}, {}], {**HEADERS, "eta": ""}), "'eta' is not a date and time: ''"),
    "eta a number": (message([[], {}, {}], {**HEADERS, "eta": 3}), "'eta' is not a date and time: 3"),
    "expires a list": (message([[], {}, {}], {**HEADERS, "expires": []}), "'expires' is not a date and time: []"),
    "expires in a body": (message({**HEADERS, "expires": {}}, {}), "'expires' is not a date and time: {}"),
    "eta a mapping as long as a date": (
        message([[], {}, {}], {**HEADERS, "eta": {str(index): index for index in range(25)}}),
        "'eta' is not a date and time: {'0': 0",
    ),
    "expires a list as long as a date": (
        message([[], {}, {}], {**HEADERS, "expires": ["-"] * 25}),
        "'expires' is not a date and time: ['-'",
    ),
    "eta in a body": (
        message({**HEADERS, "eta": {str(index): index for index in range(25)}}, {}),
        "'eta' is not a date and time: {'0': 0",
    ),
    "headers a list": (message([[], {}, {}], [1]), "a message's headers must be a mapping, got [1]"),
    "properties a str": (message([[], {}, {}], HEADERS, properties="p"), "a message's properties must be a mapping"),
    "body absent": (message(None, HEADERS, body=None), "a message's body must be bytes, got None"),
    "body no text": (message(None, HEADERS, body="\ud800"), "the body is a str that is not UTF-8; expected bytes"),
    "body decoded already": (message(None, HEADERS, body=[[], {}, {}]), "a message's body must be bytes"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_message_is_a_corrupt_body_that_says_what_is_wrong(case: str) -> None:
    arguments, expected = BROKEN[case]
    with pytest.raises(CorruptBody) as caught:
        READER.read(**arguments)

    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("compression", ["", "nonsense", 3, b"application/x-gzip", ["application/x-gzip"]])
def test_a_strange_compression_is_disallowed(compression: Any) -> None:
    with pytest.raises(ContentDisallowed):
        READER.read(**message([[], {}, {}], {**HEADERS, "compression": compression}))


def test_what_is_not_a_pipeline_is_refused_at_once() -> None:
    pipeline: Any = ["json"]
    with pytest.raises(TypeError, match=r"pipeline must be a Pipeline, such as .*, got \['json'\]"):
        MessageReader(pipeline)


NAMES = st.sampled_from([*HEADERS, "args", "kwargs", "eta"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["t", "2031-01-02T03:04:05"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*HEADERS, "args", "kwargs", "eta"]), inner)
    ),
    max_leaves=9,
)


@given(body=JUNK, headers=JUNK, properties=JUNK)
def test_junk_is_read_or_a_decode_error(body: Any, headers: Any, properties: Any) -> None:
    try:
        call = READER.read(**message(body, headers, properties=properties))
    except DecodeError:
        return

    assert isinstance(call.task, str)
    assert isinstance(call.args, (list, tuple))
    assert call.status() in {"due", "not yet", "expired"}
