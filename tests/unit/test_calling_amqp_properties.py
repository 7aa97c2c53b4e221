"""Properties and headers on AMQP: the bytes that py-amqp writes, or none."""

from __future__ import annotations

import random
from collections import OrderedDict
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.calling_texts import values
from satchel.calling.broker import properties
from satchel.calling.broker.amqp import AmqpLink
from satchel.calling.broker.link import parcel
from satchel.calling.routing.router import Route
from satchel.message import MessageBuilder

amqp: Any = pytest.importorskip("amqp")

EVERY = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "application_headers": {"a": 1},
    "delivery_mode": 2,
    "priority": 255,
    "correlation_id": "b4b3 ü☃",
    "reply_to": "",
    "expiration": "60000",
    "message_id": "m" * 255,
    "timestamp": 2**64 - 1,
    "type": "t",
    "user_id": "guest",
    "app_id": "shop",
    "cluster_id": "c",
}


def theirs(given: dict[str, Any]) -> bytes:
    written: bytes = amqp.Message(b"", **given)._serialize_properties()
    return written


@pytest.mark.parametrize("given", [{}, EVERY, dict.fromkeys(EVERY), *({n: v} for n, v in EVERY.items())])
def test_properties_are_written_as_py_amqp_does(given: dict[str, Any]) -> None:
    assert properties.written(given) == theirs(given)


def test_of_every_choice_of_properties() -> None:
    chance = random.Random(0)
    for _ in range(300):
        given = {name: EVERY[name] for name in chance.sample(list(EVERY), chance.randrange(len(EVERY)))}
        assert properties.written(given) == theirs(given)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, "", "text", "ü☃😀", "x" * 70_000),
        *(0, 1, -1, 2**31 - 1, 2**31, 1 - 2**31, -(2**31), -(2**31) - 1, 2**63 - 1, -(2**63)),
        *(0.0, -0.0, 1.5, 1e300, float("inf")),
        *(float("nan"), {"n" * 255: 1, "é" * 127: 1}),
        *([], {}, [None, 1, "x", [True, 2.5, {}]], {"": None, "a": {"b": {"c": [1, "x"]}}}),
    ],
    ids=repr,
)
def test_headers_are_written_as_py_amqp_does(value: Any) -> None:
    given = {"application_headers": {"before": None, "it": value, "behind": "x"}}

    assert properties.written(given) == theirs(given)


@pytest.mark.parametrize("protocol", [1, 2])
def test_of_whole_messages(protocol: Any) -> None:
    builder = MessageBuilder(protocol=protocol)
    for number, value in enumerate(values(50)):
        args, kwargs = ([], value) if isinstance(value, dict) else (list(value), {})
        args, kwargs = [repr(args)], {name: repr(each) for name, each in kwargs.items()}
        options: dict[str, Any] = {"countdown": number, "headers": {"trace": "é" * number, "n": number}, "priority": 5}
        _, encoded, headers, others = builder.build("shop.pay", args, kwargs, **options).parts()
        given = {"content_type": encoded.content_type, "application_headers": headers, **others}
        assert properties.written(given) == theirs(given)


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "given",
    [
        *(
            {"application_headers": {"it": value}}
            for value in (Decimal(1), datetime(2026, 1, 1), b"x", (1,), Text("x"))
        ),
        *({"application_headers": value} for value in (OrderedDict(a=1), {"n" * 256: 1}, {b"n": 1})),
        *({"application_headers": {"it": value}} for value in (2**63, -(2**63) - 1, "\ud800", ["\ud800"], {1: 2}, {1})),
        *({"priority": value} for value in (256, -1, True, "5")),
        *({"timestamp": value} for value in (-1, 2**64, 1.5, True)),
        *({"correlation_id": value} for value in ("x" * 256, "é" * 128, "\ud800", b"x", 5, Text("x"))),
    ],
    ids=repr,
)
def test_what_is_not_usual_is_left_to_py_amqp(given: dict[str, Any]) -> None:
    assert properties.written({"content_type": "text/plain", **given}) is None


def test_names_that_are_made_up_are_not_kept_for_ever() -> None:
    for number in range(3_000):
        given = {"application_headers": {f"made-up-{number}": number}}
        assert properties.written(given) == theirs(given)
    assert len(properties._known) <= 1_000


class Channel:
    """Notes what would be published."""

    def __init__(self, made: Any = amqp.Message) -> None:
        self._made = made

    def prepare_message(self, body: bytes, priority: Any, **options: Any) -> Any:
        headers, others = options.pop("headers"), options.pop("properties")
        return self._made(body, priority=priority, application_headers=headers, **options, **others)

    def basic_publish(self, message: Any, **_: Any) -> None:
        self.published = message


def published(channel: Any, **headers: Any) -> Any:
    link = AmqpLink(SimpleNamespace(), confirm=False, patience=1)
    packet = parcel(MessageBuilder().build("shop.pay", [1]), Route("", "celery", None, None, {}))
    link._put(channel, packet._replace(headers={**packet.headers, **headers}))
    return channel.published


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """What was written, in turn."""
    given: list[bytes | None] = []
    own = properties.written

    def noting(each: Any) -> bytes | None:
        given.append(own(each))
        return given[-1]

    monkeypatch.setattr(properties, "written", noting)
    return given


def frames(message: Any, most: int) -> bytes:
    """What py-amqp sends of a message."""
    sent: list[bytes] = []
    transport = SimpleNamespace(write=lambda data: sent.append(bytes(data)))
    write = import_module("amqp.method_framing").frame_writer(SimpleNamespace(frame_max=most, bytes_sent=0), transport)
    write(1, 1, (60, 40), b"", message)
    return b"".join(sent)


@pytest.mark.parametrize("most", [131_072, 600, 64])
def test_py_amqp_sends_them(most: int, asked: list[bytes | None]) -> None:
    message = published(Channel(), tenant="A17")
    plain = amqp.Message(message.body, **message.properties)

    assert frames(message, most) == frames(plain, most)
    assert asked == [plain._serialize_properties()]


def test_what_is_changed_before_it_is_sent_is_sent(asked: list[bytes | None]) -> None:
    message = published(Channel())
    message.properties["application_headers"]["traceparent"] = "00-1-2-01"
    message.properties["priority"] = 7

    assert b"traceparent" in frames(message, 131_072)
    assert asked == [theirs(message.properties)]


def test_a_message_that_is_left_to_py_amqp_is_written_by_it(asked: list[bytes | None]) -> None:
    message = published(Channel(), cost=Decimal("1.5"))

    assert frames(message, 131_072) == frames(amqp.Message(message.body, **message.properties), 131_072)
    assert asked == [None]


def test_messages_of_other_classes_stay_as_they_are(asked: list[bytes | None]) -> None:
    class Own(amqp.Message):  # type: ignore[misc]
        def _serialize_properties(self) -> bytes:
            return b"own"

    assert b"own" in frames(published(Channel(Own)), 131_072)
    assert published(Channel(lambda *_, **__: ("a body", {}))) == ("a body", {})
    assert asked == []
