"""TaskMessage.publish_arguments: through a kombu producer and transport, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from satchel import Pipeline, celery_registry
from satchel.message import MessageBuilder, MessageReader, TaskMessage

kombu = pytest.importorskip("kombu")

READER = MessageReader(Pipeline(["json", "pickle"], registry=celery_registry))
ARGS, KWARGS = [1, "é" * 300], {"a": [None, True]}

Send = Callable[..., Any]


@pytest.fixture
def send() -> Iterator[Send]:
    """Publishes a message on kombu's memory transport and gives what a consumer receives."""
    with kombu.Connection("memory://") as connection:
        queue = connection.SimpleQueue("tasks", accept=["json", "pickle"])

        def send(message: TaskMessage, **producer: Any) -> Any:
            sender = kombu.Producer(connection, **producer)
            sender.publish(**message.publish_arguments(), routing_key="tasks", exchange=queue.queue.exchange)
            received = queue.get(timeout=5)
            received.ack()
            return received

        yield send
        queue.close()


@pytest.mark.parametrize("protocol", [2, 1])
@pytest.mark.parametrize("serializer", ["json", "pickle"])
@pytest.mark.parametrize("compression", [None, "zlib", "bzip2"])
def test_a_consumer_of_kombu_gets_the_same_values(send: Send, protocol: Any, serializer: str, compression: Any) -> None:
    builder = MessageBuilder(protocol=protocol, serializer=serializer, compression=compression)
    message = builder.build("t", ARGS, KWARGS, priority=3, headers={"mine": 1}, message_id="m")
    received = send(message)
    body = received.payload
    args, kwargs = body[:2] if protocol == 2 else (body["args"], body["kwargs"])

    assert (args, kwargs) == (ARGS, KWARGS)
    assert received.headers == message.headers
    assert received.properties["message_id"] == "m"
    assert {name: received.properties[name] for name in message.properties} == message.properties


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_producers_own_settings_change_nothing(send: Send, compression: Any) -> None:
    message = MessageBuilder(compression=compression).build("t", ARGS, KWARGS)
    received = send(message, compression="bzip2", serializer="pickle")

    assert received.headers == message.headers
    assert received.content_type == "application/json"
    assert received.payload[:2] == [ARGS, KWARGS]


def test_a_message_can_be_published_again_and_again(send: Send) -> None:
    message = MessageBuilder(compression="zlib").build("t", ARGS, expires=60, broker_expiration=True)
    arguments = message.publish_arguments()
    first, second = send(message), send(message)

    assert first.payload == second.payload
    assert message.publish_arguments() == arguments
    assert 59_000 < int(first.properties["expiration"]) <= 60_000  # In milliseconds, as AMQP has it.


def test_changing_what_was_handed_out_does_not_change_the_message() -> None:
    message = MessageBuilder().build("t")
    message.publish_arguments()["headers"]["task"] = "changed"

    assert message.headers["task"] == "t"


def test_the_reader_takes_what_kombu_hands_to_a_consumer(send: Send) -> None:
    # Kombu has decompressed the body by then: its consumers' headers still name the compression.
    received = send(MessageBuilder().build("t", ARGS, KWARGS))
    call = READER.read(
        body=received.body,
        content_type=received.content_type,
        content_encoding=received.content_encoding,
        headers=received.headers,
        properties=received.properties,
    )

    assert (call.args, call.kwargs, call.protocol) == (ARGS, KWARGS, 2)
