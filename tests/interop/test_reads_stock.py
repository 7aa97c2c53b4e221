"""Our reader reads what a stock Celery producer sends: every serializer and compressor, both protocols."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from satchel import ContentDisallowed, Pipeline, celery_registry
from satchel.message import MessageReader, TaskCall
from satchel.testing import difference
from tests.interop.grid import COMPRESSORS, CONTENT_TYPES, INDIA, PROTOCOLS, SERIALIZERS, call, received
from tests.interop.transports import TRANSPORTS, on
from tests.interop.workers import Peer

READER = MessageReader(Pipeline(SERIALIZERS, registry=celery_registry))

protocols = pytest.mark.parametrize("protocol", PROTOCOLS, ids="protocol{}".format)


def sent(client: Peer, *args: Any, **options: Any) -> TaskCall:
    """Send a task with Celery, and read its message."""
    client.app.send_task("t", args, ignore_result=True, **options)
    return READER.read(**client.receive())


@protocols
@pytest.mark.parametrize("compression", COMPRESSORS, ids=lambda name: name or "none")
@pytest.mark.parametrize("serializer", SERIALIZERS)
@on(*TRANSPORTS)
def test_our_reader_reads_a_stock_message(client: Peer, serializer: str, compression: Any, protocol: Any) -> None:
    args, kwargs = call(serializer)
    task_id = str(uuid4())
    client.app.send_task("t", args, kwargs, task_id=task_id, serializer=serializer, compression=compression)
    message = client.receive()
    read = READER.read(**message)

    assert message["headers"].get("compression") == CONTENT_TYPES[compression]
    assert (read.task, read.id, read.protocol) == ("t", task_id, protocol)
    assert difference(received(serializer), (list(read.args), read.kwargs)) is None
    assert read.properties["correlation_id"] == task_id
    assert read.status() == "due"


@protocols
@pytest.mark.parametrize("serializer", SERIALIZERS)
@on(*TRANSPORTS)
def test_our_reader_reads_what_a_consumer_of_kombu_receives(client: Peer, serializer: str, protocol: Any) -> None:
    args, kwargs = call(serializer)
    client.app.send_task("t", args, kwargs, serializer=serializer, compression="zstd")
    with client.app.connection_for_read() as connection:
        message = client.app.amqp.queues[client.place.name](connection.default_channel).get(no_ack=True)
    # Kombu has decompressed the body, and leaves the header as it was.
    headers = {name: value for name, value in message.headers.items() if name != "compression"}
    read = READER.read(
        body=message.body,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=headers,
        properties=message.properties,
    )

    assert difference(received(serializer), (list(read.args), read.kwargs)) is None


@protocols
@on(*TRANSPORTS)
def test_a_message_is_refused_that_is_not_accepted(client: Peer, protocol: Any) -> None:
    client.app.send_task("t", serializer="pickle", compression="bzip2")
    message = client.receive()

    with pytest.raises(ContentDisallowed):
        MessageReader().read(**message)


# Options


@protocols
@pytest.mark.parametrize("serializer", SERIALIZERS)
@on(*TRANSPORTS)
def test_times_are_aware(client: Peer, serializer: str, protocol: Any) -> None:
    eta, expires = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=INDIA), datetime(2032, 1, 1, tzinfo=timezone.utc)
    read = sent(client, eta=eta, expires=expires, serializer=serializer)

    assert (read.eta, read.expires) == (eta, expires)
    assert read.eta is not None
    assert read.eta.utcoffset() == timedelta(hours=5, minutes=30)
    assert read.status() == "not yet"
    assert read.status(expires + timedelta(seconds=1)) == "expired"


@protocols
@on(*TRANSPORTS)
def test_waits_are_times_too(client: Peer, protocol: Any) -> None:
    before = datetime.now(timezone.utc)
    read = sent(client, countdown=3.5, expires=100)
    after = datetime.now(timezone.utc)

    assert read.eta is not None
    assert read.expires is not None
    assert before <= read.eta - timedelta(seconds=3.5) <= after
    assert before <= read.expires - timedelta(seconds=100) <= after
    assert read.status(after) == "not yet"
    assert read.status(read.eta) == "due"


@protocols
@on(*TRANSPORTS)
def test_a_naive_time_is_utc(client: Peer, protocol: Any) -> None:
    assert sent(client, eta=datetime(2031, 5, 6, 7)).eta == datetime(2031, 5, 6, 7, tzinfo=timezone.utc)


# Celery cannot write its own signatures with yaml.
signed = pytest.mark.parametrize("serializer", [name for name in SERIALIZERS if name != "yaml"])


@protocols
@on("filesystem")
def test_a_naive_time_of_a_producer_without_utc_is_in_its_timezone(
    tmp_path: Path, transport: str, protocol: Any
) -> None:
    local = {"enable_utc": False, "timezone": "Asia/Kolkata", "task_protocol": protocol}
    with closing(Peer(transport, tmp_path, **local)) as client:
        client.app.send_task("t", eta=datetime(2031, 5, 6, 7), expires=60)
        read = MessageReader(timezone=INDIA).read(**client.receive())

    assert read.eta == datetime(2031, 5, 6, 7, tzinfo=INDIA)
    assert read.expires is not None
    assert timedelta(0) < read.expires - datetime.now(timezone.utc) <= timedelta(seconds=60)


@protocols
@signed
@on(*TRANSPORTS)
def test_signatures_are_plain(client: Peer, serializer: str, protocol: Any) -> None:
    app = client.app
    link, error, body = app.signature("then", queue="q"), app.signature("sorry"), app.signature("all", kwargs={"a": 1})
    read = sent(client, serializer=serializer, link=[link], link_error=[error], chord=body)
    signatures = [*read.embed["callbacks"], *read.embed["errbacks"], read.embed["chord"]]

    assert [type(signature) for signature in signatures] == [dict, dict, dict]
    assert [{**signature, "args": tuple(signature["args"])} for signature in signatures] == [link, error, body]


@pytest.mark.parametrize("protocol", [2], ids=["protocol2"])
@signed
@on(*TRANSPORTS)
def test_the_rest_of_a_chain_is_last_task_first(client: Peer, serializer: str, protocol: Any) -> None:
    first, second, third = (client.app.signature(name) for name in ("first", "second", "third"))
    (first | second | third).apply_async(serializer=serializer)
    read = READER.read(**client.receive())

    assert read.task == "first"
    assert [type(signature) for signature in read.embed["chain"]] == [dict, dict]
    assert [signature["task"] for signature in read.embed["chain"]] == ["third", "second"]


@protocols
@on(*TRANSPORTS)
def test_what_else_a_message_says_is_there(client: Peer, protocol: Any) -> None:
    both = {"retries": 2, "group": "g", "group_index": 4, "timelimit": [20, 10]}
    new = {"root_id": "root", "parent_id": "parent", "shadow": "shown", "replaced_task_nesting": 3}
    options = {"time_limit": 20, "soft_time_limit": 10, "group_id": "g", "retries": 2, "group_index": 4}
    read = sent(client, **options, **new, priority=3, reply_to="answers", headers={"mine": {"a": [1, None]}})
    said = both | new | {"ignore_result": True} if protocol == 2 else both

    assert {name: list(v) if name == "timelimit" else v for name, v in read.headers.items() if name in said} == said
    assert read.headers["mine"] == {"a": [1, None]}
    assert (read.properties["priority"], read.properties["reply_to"]) == (3, "answers")
    assert int(read.properties["delivery_mode"]) == 2


@pytest.mark.parametrize("protocol", [2], ids=["protocol2"])
@on(*TRANSPORTS)
def test_stamps_are_there(client: Peer, protocol: Any) -> None:
    signature = client.app.signature("t")
    signature.stamp(who="me")
    signature.apply_async()
    read = READER.read(**client.receive())

    assert (read.headers["stamped_headers"], read.headers["stamps"]) == (["who"], {"who": "me"})
