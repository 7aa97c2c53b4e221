"""Options of signatures that messages carry: what a stock worker makes of them, and what it could not know."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

import pytest
from amqp.basic_message import Message
from celery import Celery

from satchel.calling import RetryPolicy, chain
from tests.unit.calling import Shop

kombu: Any = import_module("kombu")


def carried(shop: Shop, signature: Any) -> dict[str, Any]:
    """Send a chain, and give the options of its second task as the message has them."""
    chain(shop.app.remote("shop.first").s(), signature).delay()
    options: dict[str, Any] = shop.sent().embed["chain"][0]["options"]
    return options


def sent_on(options: dict[str, Any]) -> Any:
    """Let a stock worker send a task with options; give its message."""
    app: Any = Celery("worker", broker="memory://", set_as_current=False, task_default_queue="carried")

    @app.task(name="shop.add", compression="bzip2", shared=False)
    def add(x: str) -> str:
        return x

    app.signature({"task": "shop.add", "args": ["x" * 1000], "kwargs": {}, "options": options}).apply_async()
    with kombu.Connection("memory://") as connection:
        message = kombu.Queue("carried")(connection.default_channel).get(no_ack=True)
    app.close()
    return message


@pytest.mark.parametrize(
    "timestamp",
    [
        datetime(2031, 1, 2, 3, tzinfo=timezone.utc),
        datetime(2031, 1, 2, 3),
        datetime(2031, 1, 2, 8, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        1925089200,
    ],
)
def test_a_timestamp_is_carried_as_the_number_that_amqp_has(shop: Shop, add: Any, timestamp: Any) -> None:
    shop.app.conf.timezone = "Asia/Tokyo"  # Of eta and expires. What is sent at once has UTC, too.
    add.apply_async((1, 2), timestamp=timestamp)
    here = shop.sent().properties["timestamp"]
    options = carried(shop, add.s(1).set(timestamp=timestamp))
    there = sent_on(options).properties["timestamp"]
    Message("", timestamp=there)._serialize_properties()

    assert options["timestamp"] == here == there == 1925089200


def test_no_compression_goes_over_that_of_the_task(shop: Shop) -> None:
    packed = shop.app.remote("shop.add", compression="zlib")
    off, on = carried(shop, packed.s().set(compression=None)), carried(shop, packed.s())

    assert (off["compression"], on["compression"]) == (None, "zlib")
    assert "compression" not in carried(shop, shop.app.remote("shop.add").s())
    assert "compression" not in sent_on(off).headers
    assert sent_on(on).headers["compression"] == "application/x-gzip"
    assert sent_on({}).headers["compression"] == "application/x-bz2"


@pytest.mark.parametrize("policy", [RetryPolicy(retry_errors=(OSError,)), {"retry_errors": [OSError]}])
def test_classes_of_errors_are_refused_and_nothing_is_sent(shop: Shop, add: Any, policy: Any) -> None:
    with pytest.raises(TypeError, match="retry_errors are classes of this process: a signature cannot carry them"):
        chain(add.s(1, 2), add.s(3).set(retry_policy=policy)).delay()

    assert shop.received() == []
    add.s(1, 2).set(retry_policy=policy).delay()  # From here, all is well.


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"max_retries": 1}, {"max_retries": 1}),
        ({"max_retries": None, "retry_errors": None}, {"max_retries": None}),
    ],
)
def test_a_policy_is_carried_as_it_is_given(shop: Shop, add: Any, policy: Any, expected: Any) -> None:
    assert carried(shop, add.s(1).set(retry_policy=policy))["retry_policy"] == expected


def test_a_policy_that_is_wrong_is_told_here(shop: Shop, add: Any) -> None:
    with pytest.raises(TypeError, match="unknown key 'max_retry' in retry_policy; did you mean 'max_retries'"):
        carried(shop, add.s(1).set(retry_policy={"max_retry": 1}))
