"""Messages on kombu's virtual transports: those that kombu itself would make, and made by it where it is asked to."""

from __future__ import annotations

import functools
import json
import os
import queue
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from satchel.calling.broker import link as link_module
from satchel.calling.broker.link import VirtualLink
from tests.unit.calling import Shop

kombu: Any = import_module("kombu")
virtual: Any = import_module("kombu.transport.virtual.base")
memory: Any = import_module("kombu.transport.memory")

CALLS: tuple[dict[str, Any], ...] = (
    {},
    {"priority": 7},
    {"priority": 0},
    {"headers": {"tenant": "A17"}, "shadow": "pay", "countdown": 3, "expires": 60, "broker_expiration": True},
    {"exchange": kombu.Exchange("satchel-virtual", "topic"), "routing_key": "shop.pay"},
    {"serializer": "pickle", "compression": "zlib"},
)


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What comes to the memory transport's queues, as it is."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(memory.Channel, "_put", lambda _, queue, message, **__: seen.append({**message, "to": queue}))
    return seen


def send(shop: Shop, options: dict[str, Any]) -> str:
    if "exchange" in options:
        with kombu.Connection("memory://") as connection:
            kombu.Queue(f"{shop.queue}-topics", options["exchange"], "shop.#")(connection.default_channel).declare()
    return shop.app.signature("shop.pay", args=("A17", {"amount": 3})).apply_async(**options).id


def without_ids(message: dict[str, Any], task_id: str) -> str:
    tag = message["properties"]["delivery_tag"]
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+", "TIME", repr(message))
    return text.replace(tag, "TAG").replace(task_id, "ID")


@pytest.mark.parametrize("options", CALLS, ids=lambda options: ", ".join(options) or "none")
def test_are_those_that_kombu_makes(
    options: dict[str, Any], raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(task_compression=None, accept_content=["json", "pickle"])
    ours = send(shop, options)
    monkeypatch.setattr(link_module, "_is_plain", lambda _: False)
    shop.app.close()
    theirs = send(shop, options)
    one, other = raw

    assert without_ids(one, ours) == without_ids(other, theirs)


def test_are_made_here_where_nothing_speaks_against_it(tmp_path: Path) -> None:
    memory_channel = kombu.Connection("memory://").default_channel
    files = kombu.Connection("filesystem://", transport_options=_folders(tmp_path)).default_channel

    assert link_module._is_plain(memory_channel)
    assert link_module._is_plain(files)
    assert not link_module._is_plain(object())


@pytest.mark.parametrize("name", link_module._MAKING)
def test_are_made_by_whoever_has_put_himself_between(
    name: str, raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, called = getattr(virtual.Channel, name), []

    def watched(*args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return own(*args, **kwargs)

    monkeypatch.setattr(virtual.Channel, name, watched)
    send(Shop(), {})

    assert (called, len(raw)) == ([name], 1)


@pytest.mark.parametrize("name", link_module._MAKING)
def test_are_made_by_a_transport_with_a_way_of_its_own(
    name: str, raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def method(channel: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return getattr(memory.Channel, name)(channel, *args, **kwargs)

    own = type("Channel", (memory.Channel,), {name: method})
    monkeypatch.setattr(memory.Transport, "Channel", own)
    send(Shop(), {})

    assert (called, len(raw)) == ([name], 1)


def test_bodies_are_encoded_as_the_transport_is_told() -> None:
    shop = Shop(broker_transport_options={"body_encoding": None})
    send(shop, {})
    channel: Any = memory.Channel
    raw = channel.queues[shop.queue].get(block=False)

    assert raw["properties"]["body_encoding"] is None
    assert raw["body"].startswith(b'[["A17"')


def test_each_publishing_has_a_delivery_tag_of_its_own(raw: list[dict[str, Any]]) -> None:
    shop, other = Shop(), Shop()
    for each in (shop, other, shop):
        send(each, {})
    shop.app.close()  # The next connection.
    send(shop, {})
    tags = [message["properties"]["delivery_tag"] for message in raw]

    assert len(set(tags)) == len(tags) == 4
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tag) for tag in tags)
    assert len({tag[:-12] for tag in tags}) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_has_delivery_tags_of_its_own(tmp_path: Path) -> None:
    shop = Shop(broker="filesystem://", broker_transport_options=_folders(tmp_path))
    send(shop, {})
    child = os.fork()
    if not child:
        status = 1
        try:
            send(shop, {})
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    send(shop, {})
    written = [json.loads(path.read_text()) for path in (tmp_path / "data").iterdir()]
    tags = {message["properties"]["delivery_tag"] for message in written}

    assert status == 0
    assert len(written) == len(tags) == 3
    assert len({tag[:-12] for tag in tags}) == 2


def _folders(path: Path) -> dict[str, str]:
    names = {"data_folder_in": "data", "data_folder_out": "data", "control_folder": "control"}
    for name in set(names.values()):
        (path / name).mkdir()
    return {name: str(path / folder) for name, folder in names.items()}


def test_a_message_that_is_published_again_is_as_it_was(raw: list[dict[str, Any]]) -> None:
    shop = Shop()
    prepared = shop.app.sender.prepare(shop.app.signature("shop.pay", priority=5).call())
    link = VirtualLink(kombu.Connection("memory://"))
    before = repr(prepared.packet)
    for _ in range(2):
        link.publish(prepared.packet)
        raw[-1]["headers"]["timelimit"].append("changed by who received it")
    link.close()

    assert repr(prepared.packet) == before
    assert raw[0]["headers"] == raw[1]["headers"]
    assert raw[0]["headers"] is not raw[1]["headers"]


def test_the_memory_transport_gives_them_to_a_consumer() -> None:
    shop = Shop()
    task_id = send(shop, {"priority": 3})
    call = shop.sent()

    assert (call.id, call.args) == (task_id, ["A17", {"amount": 3}])
    with pytest.raises(queue.Empty):
        memory.Channel.queues[shop.queue].get(block=False)


def _wrapped(called: list[str], own: Any) -> Any:
    @functools.wraps(own)
    def watched(*args: Any, **kwargs: Any) -> Any:
        called.append(own.__name__)
        return own(*args, **kwargs)

    return watched


def test_are_made_by_a_wrapper_that_looks_like_the_original(
    raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(virtual.Channel, "basic_publish", _wrapped(called, virtual.Channel.basic_publish))
    send(Shop(), {})

    assert (called, len(raw)) == (["basic_publish"], 1)


def test_are_made_by_a_channel_with_a_method_of_its_own(
    raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    class Own(memory.Channel):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.prepare_message = _wrapped(called, super().prepare_message)

    monkeypatch.setattr(memory.Transport, "Channel", Own)
    send(Shop(), {})

    assert (called, len(raw)) == (["prepare_message"], 1)


def test_who_puts_himself_between_is_seen_by_the_next_connection(
    raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    called: list[str] = []
    send(shop, {})
    monkeypatch.setattr(virtual.Channel, "basic_publish", _wrapped(called, virtual.Channel.basic_publish))
    shop.app.close()
    send(shop, {})

    assert (called, len(raw)) == (["basic_publish"], 2)


@pytest.mark.parametrize(("options", "priority"), [({}, 4), ({"priority": 7}, 7)])
def test_without_a_priority_the_transports_own_holds(
    options: dict[str, Any], priority: int, raw: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.Channel, "default_priority", 4)
    send(Shop(), options)

    assert raw[0]["properties"]["priority"] == priority


def test_a_channel_without_base64_is_left_alone() -> None:
    channel = kombu.Connection("memory://").default_channel
    channel.codecs = {}

    assert not link_module._is_plain(channel)
