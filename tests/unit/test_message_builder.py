"""MessageBuilder: what it writes, beside what Celery itself writes for the same call."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import uuid
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from satchel import EncodeError, Pipeline, celery_registry, default_registry
from satchel.message import MessageBuilder, TaskMessage

BUILDER = MessageBuilder()
NEXT: dict[str, Any] = {
    "task": "shop.ship",
    "args": [1],
    "kwargs": {},
    "options": {},
    "subtask_type": None,
    "immutable": False,
}
LAST = {**NEXT, "task": "shop.thank"}

CALLS: dict[str, tuple[Any, Any]] = {
    # What we are asked, and how Celery is asked the same.
    "plain": ({}, {}),
    "retries": ({"retries": 2}, {"retries": 2}),
    "group": ({"group_id": "g", "group_index": 0}, {"group_id": "g", "group_index": 0}),
    "group by its header's name": ({"group": "g"}, {"group_id": "g"}),
    "ancestors": ({"root_id": "r", "parent_id": "p"}, {"root_id": "r", "parent_id": "p"}),
    "limits": ({"time_limit": 30, "soft_time_limit": 2.5}, {"time_limit": 30, "soft_time_limit": 2.5}),
    "shadow": ({"shadow": "s"}, {"shadow": "s"}),
    "ignore_result": ({"ignore_result": True}, {"ignore_result": True}),
    "ignore_result left to the worker": ({"ignore_result": None}, {"ignore_result": None}),
    "link": ({"link": NEXT, "link_error": [LAST]}, {"callbacks": [NEXT], "errbacks": [LAST]}),
    "link by their fields' names": ({"callbacks": NEXT, "errbacks": LAST}, {"callbacks": [NEXT], "errbacks": [LAST]}),
    "chain in the order of running": ({"chain": [NEXT, LAST]}, {"chain": [LAST, NEXT]}),
    "chord": ({"chord": NEXT}, {"chord": NEXT}),
    "reply_to": ({"reply_to": "q"}, {"reply_to": "q"}),
    "stamps": ({"stamps": {"m": "1"}}, {"stamped_headers": ["m"], "m": "1"}),
    "texts": ({"argsrepr": "a", "kwargsrepr": ""}, {"argsrepr": "a", "kwargsrepr": ""}),
    "nesting": ({"replaced_task_nesting": 1}, {"replaced_task_nesting": 1}),
    "origin": ({"origin": "me"}, {"origin": "me"}),
    "no countdown": ({"countdown": 0}, {"countdown": 0}),
}

IN_PROTOCOL_1 = ("plain", "retries", "group", "limits", "link", "chord", "reply_to", "no countdown")


@pytest.fixture(scope="module")
def amqp() -> Any:
    """Celery's own message builder."""
    celery = pytest.importorskip("celery")
    return celery.Celery("peer", set_as_current=False).amqp


@pytest.mark.parametrize("call", CALLS)
def test_protocol_2_has_the_headers_properties_and_body_of_celery_in_its_order(amqp: Any, call: str) -> None:
    ours, theirs = CALLS[call]
    message = BUILDER.build("shop.pay", (1, [2]), {"a": "b"}, task_id="t", **ours)
    peer = amqp.as_task_v2("t", "shop.pay", (1, [2]), {"a": "b"}, **theirs)

    assert list(message.headers.items()) == list(peer.headers.items())
    assert message.properties == {**peer.properties, "delivery_mode": 2}
    assert _body(message) == _as_json(peer.body)


@pytest.mark.parametrize("call", IN_PROTOCOL_1)
def test_protocol_1_has_the_body_of_celery_and_no_headers(amqp: Any, call: str) -> None:
    ours, theirs = CALLS[call]
    message = MessageBuilder(protocol=1).build("shop.pay", (1,), {"a": "b"}, task_id="t", **ours)
    peer = amqp.as_task_v1("t", "shop.pay", (1,), {"a": "b"}, **theirs)

    assert message.headers == {}
    assert message.properties == {**peer.properties, "delivery_mode": 2}
    assert list(_body(message).items()) == list(_as_json(peer.body).items())


def test_a_message_without_options_names_this_process_and_has_an_id_of_its_own() -> None:
    first, second = BUILDER.build("t"), BUILDER.build("t")

    assert first.id != second.id
    assert uuid.UUID(first.id).version == 4
    assert uuid.UUID(first.id).variant == uuid.RFC_4122
    assert first.headers["id"] == first.headers["root_id"] == first.properties["correlation_id"] == first.id
    assert first.headers["origin"].startswith(f"gen{os.getpid()}@")


def test_amqp_properties_are_passed_on() -> None:
    given: Any = {
        "message_id": "m",
        "type": "t",
        "user_id": "u",
        "app_id": "a",
        "cluster_id": "c",
        "correlation_id": "x",
    }
    message = BUILDER.build(
        "t", priority=0, delivery_mode="transient", timestamp=7, expiration=timedelta(seconds=2), **given
    )

    assert message.properties == {
        **given,
        "reply_to": "",
        "delivery_mode": 1,
        "priority": 0,
        "timestamp": 7,
        "expiration": 2.0,
    }


def test_your_headers_follow_the_protocols_and_compression_follows_yours() -> None:
    message = BUILDER.build("t", ("x" * 999,), headers={"traceparent": "00"}, compression="zlib")

    assert list(message.headers)[-3:] == ["stamps", "traceparent", "compression"]
    assert message.headers["compression"] == message.encoded.compression == "application/x-gzip"


def test_a_body_that_compression_does_not_shrink_says_that_it_is_not_compressed() -> None:
    message = BUILDER.build("t", compression="zlib")

    assert "compression" not in message.headers


def test_an_explicit_none_turns_the_builders_compression_off() -> None:
    builder = MessageBuilder(compression="zlib")

    assert "compression" in builder.build("t", ("x" * 999,)).headers
    assert "compression" not in builder.build("t", ("x" * 999,), compression=None).headers


def test_a_message_may_have_a_serializer_of_its_own() -> None:
    assert MessageBuilder(serializer="pickle").build("t").encoded.content_type == "application/x-python-serialize"
    assert BUILDER.build("t", serializer="pickle").encoded.content_type == "application/x-python-serialize"
    assert BUILDER.build("t", serializer=None).encoded.content_type == "application/json"


def test_a_compressed_message_of_protocol_1_has_that_header_only() -> None:
    message = MessageBuilder(protocol=1).build("t", ("x" * 999,), compression="zlib")

    assert message.headers == {"compression": "application/x-gzip"}


def test_a_value_that_cannot_be_encoded_is_named_by_its_path_from_the_argument() -> None:
    wrong = object()
    paths = []
    calls: list[tuple[Any, Any, Any]] = [
        ((1, [wrong]), {}, {}),
        ((), {"items": [0, 1, 2, {"price": wrong}]}, {}),
        ((), {}, {"link": {"task": "t", "args": [wrong]}}),
        ((), {}, {"callbacks": [NEXT, {"task": "t", "args": [wrong]}]}),
        ((), {}, {"link_error": [NEXT, {"task": "t", "args": [wrong]}]}),
        ((), {}, {"chain": {"task": "t", "args": [wrong]}}),
        ((), {}, {"chain": [NEXT, {"task": "t", "kwargs": {"k": wrong}}]}),
    ]
    protocols: list[Any] = [2, 1]
    for args, kwargs, options in calls:
        for protocol in protocols:
            if protocol == 2 or "chain" not in options:
                with pytest.raises(EncodeError) as caught:
                    MessageBuilder(protocol=protocol).build("t", args, kwargs, **options)
                paths.append(caught.value.path)
                assert caught.value.codec == "json"

    assert paths == [
        *[("args", 1, 0)] * 2,
        *[("kwargs", "items", 3, "price")] * 2,
        *[("link", "args", 0)] * 2,
        *[("callbacks", 1, "args", 0)] * 2,
        *[("link_error", 1, "args", 0)] * 2,
        ("chain", "args", 0),
        ("chain", 1, "kwargs", "k"),
    ]


def test_the_message_of_an_encode_error_reads_as_the_call_was_written() -> None:
    with pytest.raises(EncodeError, match=r"kwargs\.items\[3\]\.price"):
        BUILDER.build("t", (), {"items": [0, 1, 2, {"price": object()}]})


def test_a_builder_takes_the_dialect_of_its_pipeline() -> None:
    builder = MessageBuilder(Pipeline(["json"], registry=default_registry))

    assert builder.build("t", ({1, 2},)).encoded.content_type == "application/json"
    with pytest.raises(EncodeError):
        BUILDER.build("t", ({1, 2},), serializer="msgpack")


def test_builders_and_messages_are_values() -> None:
    builder = MessageBuilder(redact=["b", "a"], origin="me")

    assert builder == MessageBuilder(redact={"a", "b"}, origin="me") != MessageBuilder()
    assert dataclasses.replace(builder, serializer="yaml").origin == "me"
    assert builder.build("t", task_id="1") == builder.build("t", task_id="1") != builder.build("t", task_id="2")
    with pytest.raises(AttributeError):
        builder.serializer = "yaml"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        builder.build("t").id = "2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        builder.build("t").headers["id"] = "2"  # type: ignore[index]


def test_a_message_prints_what_it_is_and_not_what_it_holds() -> None:
    message = BUILDER.build("shop.pay", ("secret",), task_id="t")

    assert repr(message) == f"<TaskMessage shop.pay[t]: {len(message.encoded.body)} bytes of application/json>"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"protocol": 3}, "ValueError: protocol must be 1 or 2, got 3"),
        ({"serializer": ""}, "ValueError: serializer must not be empty"),
        ({"compression": 1}, "TypeError: compression must be a str, got 1"),
        ({"timezone": "UTC"}, "TypeError: timezone must be a tzinfo"),
        (
            {"pipeline": "json"},
            "TypeError: pipeline must be a Pipeline, such as Pipeline(['json']), or None, got 'json'",
        ),
        ({"protocol": True}, "TypeError: protocol must be 1 or 2, got True"),
        ({"protocol": 1.0}, "TypeError: protocol must be 1 or 2, got 1.0"),
        ({"reprs": "no"}, "TypeError: reprs must be True or False, got 'no'"),
        ({"redact": None}, "TypeError: redact must be a collection of names, got None"),
        ({"redact": 5}, "TypeError: redact must be a collection of names, got 5"),
        ({"redact": ["a", 1]}, "TypeError: redact must be a collection of names, got ['a', 1]"),
        ({"redact": "password"}, "TypeError: redact must be a collection of names, got 'password'"),
        ({"origin": 1}, "TypeError: origin must be a str"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        MessageBuilder(timezone=settings.pop("timezone", timezone.utc), **settings)

    assert f"{type(caught.value).__name__}: {caught.value}".startswith(error)


def _body(message: TaskMessage) -> Any:
    return Pipeline(["json"], registry=celery_registry).decode(message.encoded)


def _as_json(body: Any) -> Any:
    pipeline = Pipeline(["json"], registry=celery_registry)
    return pipeline.decode(pipeline.encode(body))


class TestOptionsOfAllMessages:
    def test_are_what_build_does_not_say_otherwise(self) -> None:
        builder = MessageBuilder(options={"priority": 5, "time_limit": 300, "soft_time_limit": 240})
        plain, other = builder.build("a"), builder.build("a", priority=1, soft_time_limit=7)

        assert (plain.properties["priority"], plain.headers["timelimit"]) == (5, [300, 240])
        assert (other.properties["priority"], other.headers["timelimit"]) == (1, [300, 7])
        assert builder.build("a").headers["timelimit"] == [300, 240]

    def test_are_the_messages_that_build_would_make(self) -> None:
        options: dict[str, Any] = {"priority": 5, "time_limit": 3, "ignore_result": True, "delivery_mode": 1}
        own: dict[str, Any] = {"task_id": "1", "headers": {"a": "b"}}

        given_once = MessageBuilder(options=options).build("a", (1,), {"b": 2}, **own)
        assert given_once == MessageBuilder().build("a", (1,), {"b": 2}, **own, **options)

    def test_let_the_broker_drop_what_expires(self) -> None:
        builder = MessageBuilder(options={"broker_expiration": True})

        assert builder.build("a", expires=60).properties["expiration"] == pytest.approx(60)
        assert "expiration" not in builder.build("a").properties

    @pytest.mark.parametrize("standing", [{"expiration": 5}, {"broker_expiration": True}])
    def test_exclude_what_build_says(self, standing: dict[str, Any]) -> None:
        builder = MessageBuilder(options=standing)
        both: dict[str, Any] = {"expiration": 5, "broker_expiration": True}

        with pytest.raises(TypeError, match="broker_expiration and expiration exclude each other"):
            builder.build("a", expires=60, **{name: both[name] for name in both.keys() - standing.keys()})

    def test_are_checked_at_once(self) -> None:
        with pytest.raises(ValueError, match="priority is out of range"):
            MessageBuilder(options={"priority": 256})
        with pytest.raises(ValueError, match="soft_time_limit must not be greater"):
            MessageBuilder(options={"time_limit": 1, "soft_time_limit": 2})
        with pytest.raises(ValueError, match="no place in protocol 1"):
            MessageBuilder(protocol=1, options={"ignore_result": True})
        with pytest.raises(ValueError, match="soft_time_limit must not be greater"):
            MessageBuilder(options={"time_limit": 1}).build("a", soft_time_limit=2)

    @pytest.mark.parametrize(("name", "value"), [("task_id", "1"), ("countdown", 3), ("headers", {}), ("chain", [])])
    def test_say_nothing_of_one_message(self, name: str, value: Any) -> None:
        with pytest.raises(TypeError, match=f"{name} is not an option of all messages, but of one"):
            MessageBuilder(options={name: value})

    @pytest.mark.parametrize("name", ["serializer", "compression", "origin"])
    def test_are_not_what_the_builder_has_by_another_name(self, name: str) -> None:
        with pytest.raises(TypeError, match=rf"{name} is the builder's own: give it as MessageBuilder\({name}=…\)"):
            MessageBuilder(options={"priority": 1, name: "yaml"})

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda builder: pickle.loads(pickle.dumps(builder))])
    def test_are_copied_with_the_builder(self, copied: Callable[[MessageBuilder], MessageBuilder]) -> None:
        builder = MessageBuilder(options={"time_limit": 3}, redact=["card"])

        assert copied(builder) == builder
        assert copied(builder).build("a", kwargs={"card": 1}, task_id="1") == builder.build(
            "a", kwargs={"card": 1}, task_id="1"
        )
        assert dataclasses.asdict(builder)["options"] == {"time_limit": 3}

    def test_have_names_that_are_known(self) -> None:
        with pytest.raises(TypeError, match="unknown option 'prioritty'; did you mean 'priority'"):
            MessageBuilder(options={"prioritty": 1})

    def test_are_the_builders_own(self) -> None:
        options = {"priority": 5}
        builder = MessageBuilder(options=options)
        options["priority"] = 6

        assert builder == MessageBuilder(options={"priority": 5}) != MessageBuilder(options=options)
        assert builder.build("a").properties["priority"] == 5
        assert dataclasses.replace(builder, serializer="yaml").build("a").properties["priority"] == 5
        assert hash(builder) == hash(MessageBuilder(options={"priority": 5}))

    def test_are_in_protocol_1_too(self) -> None:
        message = MessageBuilder(protocol=1, options={"time_limit": 3, "priority": 2}).build("a")

        assert json.loads(bytes(message.encoded.body))["timelimit"] == [3, None]
        assert message.properties["priority"] == 2
