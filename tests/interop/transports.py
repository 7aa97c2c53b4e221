"""The four transports: where they are, how a Celery application uses them, and how nothing is left behind."""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from celery import Celery
from kombu.transport import virtual

HOST: Final = "127.0.0.1"
AMQP_URL: Final = f"amqp://guest:guest@{HOST}:5672//"
REDIS_URL: Final = f"redis://{HOST}:6379/0"
SERVERS: Final = {"amqp": ("RabbitMQ", 5672), "redis": ("Redis", 6379)}


class Place(NamedTuple):
    """What one run of the tests has to itself: a name that nothing else has, and a directory."""

    name: str
    folder: Path


def on(*names: str) -> Any:
    """Parametrize a test with transports; one process of pytest-xdist runs all tests of a transport."""
    params = [pytest.param(name, marks=pytest.mark.xdist_group(f"interop-{name}")) for name in names]
    return pytest.mark.parametrize("transport", params)


@cache
def missing(transport: str) -> str | None:
    """Give the reason why a transport cannot be used here, or None."""
    if transport not in SERVERS:
        return None
    server, port = SERVERS[transport]
    try:
        socket.create_connection((HOST, port), timeout=2).close()
    except OSError:
        return f"{server} is not running on {HOST}:{port}"
    return None


def settings(transport: str, place: Place) -> dict[str, Any]:
    """Give the settings of a Celery application, as JSON can hold them. Everything it makes has the place's name."""
    return {
        "accept_content": ["json", "msgpack", "yaml", "pickle"],
        # Results come back as exactly what the task was given.
        "result_serializer": "pickle",
        "result_accept_content": ["json", "pickle"],
        "task_default_queue": place.name,
        "task_default_exchange": place.name,
        "task_default_routing_key": place.name,
        "worker_enable_remote_control": False,
        "broker_connection_retry_on_startup": True,
        **_OF[transport](place),
    }


def _amqp(place: Place) -> dict[str, Any]:
    return {"broker_url": AMQP_URL, "result_backend": "rpc://", "task_queue_max_priority": 10}


def _redis(place: Place) -> dict[str, Any]:
    prefix = {"global_keyprefix": f"{place.name}:"}
    return {
        "broker_url": REDIS_URL,
        "result_backend": REDIS_URL,
        "broker_transport_options": prefix,
        "result_backend_transport_options": prefix,
    }


def _filesystem(place: Place) -> dict[str, Any]:
    queue, control, results = (place.folder / part for part in ("queue", "control", "results"))
    for folder in (queue, control, results):
        folder.mkdir(exist_ok=True)
    options = {"data_folder_in": str(queue), "data_folder_out": str(queue), "control_folder": str(control)}
    return {
        "broker_url": "filesystem://",
        "result_backend": f"file://{results}",
        "broker_transport_options": {**options, "polling_interval": 0.05},
    }


def _sqlite(place: Place) -> dict[str, Any]:
    return {
        "broker_url": f"sqla+sqlite:///{place.folder / 'broker.sqlite'}",
        "result_backend": f"db+sqlite:///{place.folder / 'results.sqlite'}",
    }


_OF: Final[dict[str, Callable[[Place], dict[str, Any]]]] = {
    "amqp": _amqp,
    "redis": _redis,
    "filesystem": _filesystem,
    "sqlite": _sqlite,
}
TRANSPORTS: Final = tuple(_OF)


def stage_messages(app: Celery, place: Place) -> None:
    """Let an application that uses the filesystem put its messages aside, for `release_messages`.

    Kombu writes a message in place, and a worker that reads half of one ends with an error.
    """
    staging = place.folder / "staging"
    staging.mkdir()
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "data_folder_out": str(staging)}


def release_messages(place: Place) -> None:
    """Put the messages that were put aside into the queue, each at once and in its order."""
    for message in sorted((place.folder / "staging").iterdir()):
        message.rename(place.folder / "queue" / message.name)


def take(channel: Any, queue: str) -> dict[str, Any]:
    """Take a message from a queue, before kombu makes its `Message` of it and decompresses the body."""
    if not isinstance(channel, virtual.Channel):
        message = channel.basic_get(queue, no_ack=True)
        properties = dict(message.properties)
        return {
            "body": message.body,
            "content_type": properties.pop("content_type"),
            "content_encoding": properties.pop("content_encoding"),
            "headers": properties.pop("application_headers"),
            "properties": properties,
        }
    payload = channel._get(queue)
    return {
        "body": b64decode(payload["body"]),
        "content_type": payload["content-type"],
        "content_encoding": payload["content-encoding"],
        "headers": payload["headers"],
        "properties": payload["properties"],
    }


def close_backend(backend: Any) -> None:
    """Close the connections of a result backend, which Celery leaves to the end of the process."""
    consumer = backend.result_consumer
    if getattr(consumer, "_connection", None) is not None or getattr(consumer, "_pubsub", None) is not None:
        consumer.stop()
    client = getattr(backend, "client", None)
    if client is not None:
        client.close()
        client.connection_pool.disconnect()


def sweep(transport: str, app: Celery, place: Place) -> None:
    """Delete what the place's messages and results left on a server. Its directory is pytest's to remove."""
    if transport == "amqp":
        with app.connection_for_write() as connection:
            channel = connection.default_channel
            for queue in (place.name, app.thread_oid):
                channel.queue_delete(queue)
            channel.exchange_delete(place.name)
    elif transport == "redis":
        from redis import Redis

        with Redis.from_url(REDIS_URL) as client:
            keys = list(client.scan_iter(match=f"{place.name}*", count=1000))
            if keys:
                client.delete(*keys)
