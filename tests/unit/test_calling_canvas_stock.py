"""Of the same chains, groups and chords, stock Celery and we send the same messages."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import celery
import pytest

from satchel.calling import App
from satchel.calling.canvas import chain, chord, group

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

kombu: Any = import_module("kombu")

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def sent(queue: str) -> list[dict[str, Any]]:
    """Take all messages from a queue of kombu's memory transport, as they are there."""
    with kombu.Connection("memory://") as connection:
        channel = connection.default_channel
        messages = []
        while channel._size(queue):
            payload = channel._get(queue)
            body = json.loads(b64decode(payload["body"]))
            messages.append({"headers": payload["headers"], "body": body, "properties": payload["properties"]})
    # Celery sends this one first, and has it polling where the header cannot be sent.
    return sorted(messages, key=lambda message: message["headers"]["task"] == "celery.chord_unlock")


def ours(folder: Path, **settings: Any) -> SimpleNamespace:
    queue = f"canvas-{uuid4()}"
    settings = {"broker": "memory://", "backend": f"file://{folder}", "task_default_queue": queue, **settings}
    app = App("canvas", **settings)

    @app.task(name="t.add")
    def add(x: float, y: float) -> float:
        return x + y

    @app.task(name="t.total")
    def total(values: list[float]) -> float:
        return sum(values)

    @app.task(name="t.note")
    def note(*args: Any) -> None: ...

    return SimpleNamespace(add=add, total=total, note=note, chain=chain, group=group, chord=chord, queue=queue, app=app)


def stock(folder: Path) -> SimpleNamespace:
    queue = f"canvas-{uuid4()}"
    app = celery.Celery("canvas", broker="memory://", backend=f"file://{folder}", set_as_current=False)
    app.conf.task_default_queue = queue

    @app.task(name="t.add", shared=False)
    def add(x: float, y: float) -> None: ...

    @app.task(name="t.total", shared=False)
    def total(values: list[float]) -> None: ...

    @app.task(name="t.note")
    def note(*args: Any) -> None: ...

    return SimpleNamespace(
        add=add,
        total=total,
        note=note,
        chain=celery.chain,
        group=celery.group,
        chord=celery.chord,
        queue=queue,
        app=app,
    )


def comparable(value: Any, ids: dict[str, str], key: str = "") -> Any:
    """Name ids in the order in which they come, and leave out what is each process's own, or says nothing."""
    if isinstance(value, dict):
        own = {"origin", "argsrepr", "kwargsrepr", "reply_to", "delivery_tag", "delivery_info", "body_encoding", "eta"}
        own.add(
            "add_to_parent"
        )  # An argument of Celery's own functions, which comes to be among the options of a body.
        pairs = ((name, comparable(value[name], ids, name)) for name in sorted(value) if name not in own)
        return {name: each for name, each in pairs if each not in (None, [], {})}
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], (list, tuple)) and isinstance(value[1], (list, tuple)):
            # A group of results: of a chord within a header, Celery gives another id than its messages have.
            value = [value[0][1:], value[1]]
        return [comparable(each, ids) for each in value]
    if isinstance(value, str):
        return UUID.sub(lambda found: ids.setdefault(found[0], f"id-{len(ids)}"), value)
    return value


Build = Callable[[Any], Any]

CASES: dict[str, Build] = {
    "chain": lambda t: t.chain(t.add.s(1, 2), t.add.s(3), t.add.s(4)).apply_async(),
    "chain of one": lambda t: t.chain(t.add.s(1, 2)).apply_async(),
    "chain of chains": lambda t: (t.add.s(1, 2) | t.chain(t.add.s(3), t.add.s(4)) | t.add.s(5)).apply_async(),
    "chain of an iterable": lambda t: t.chain(t.add.s(1, i) if not i else t.add.s(i) for i in range(4)).apply_async(),
    "chain with arguments": lambda t: t.chain(t.add.s(1), t.add.s(2)).apply_async((3,)),
    "chain with a keyword": lambda t: t.chain(t.add.s(1), t.add.s(2)).apply_async((), {"y": 3}),
    "chain of immutable signatures": lambda t: t.chain(t.add.si(1, 2), t.add.si(3, 4)).apply_async(),
    "chain with options": lambda t: t.chain(t.add.s(1, 2), t.add.s(3)).apply_async(priority=3, serializer="json"),
    "chain with the options of a member": lambda t: t.chain(t.add.s(1, 2), t.add.s(3).set(priority=4)).apply_async(),
    "chain with a task_id": lambda t: t.chain(t.add.s(1, 2), t.add.s(3)).apply_async(task_id="mine"),
    "chain with link": lambda t: t.chain(t.add.s(1, 2), t.add.s(3)).apply_async(link=t.note.s("done")),
    "chain with link_error": lambda t: t.chain(t.add.s(1, 2), t.add.s(3)).apply_async(link_error=t.note.s()),
    "chain with links of a member": lambda t: t.chain(t.add.s(1, 2).on_error(t.note.s(1)), t.add.s(3)).apply_async(
        link_error=[t.note.s(2)]
    ),
    "group": lambda t: t.group(t.add.s(i, i) for i in range(3)).apply_async(),
    "group of signatures": lambda t: t.group(t.add.s(1, 1), t.add.s(2, 2)).delay(),
    "group with arguments": lambda t: t.group(t.add.s(1), t.add.s(2)).apply_async((10,)),
    "group with options": lambda t: t.group(t.add.s(1, 1), t.add.s(2, 2)).apply_async(priority=3),
    "group of none": lambda t: t.group([]).apply_async(),
    "group of chains": lambda t: t.group(t.add.s(1, 1) | t.add.s(2), t.add.s(3, 3)).apply_async(),
    "group of a chord": lambda t: t.group(t.chord([t.add.s(1, 1)], t.total.s()), t.add.s(3, 3)).apply_async(),
    "group with link_error of each": lambda t: t.group(
        t.add.s(1, 1).on_error(t.note.s()), t.add.s(2, 2).on_error(t.note.s())
    ).apply_async(),
    "task and group": lambda t: (t.add.s(1, 2) | t.group(t.add.s(3), t.add.s(4))).apply_async(),
    "task and group of one": lambda t: (t.add.s(1, 2) | t.group(t.add.s(3))).apply_async(),
    "task, group and task": lambda t: (t.add.s(1, 2) | t.group(t.add.s(3), t.add.s(4)) | t.total.s()).apply_async(),
    "task, group and tasks": lambda t: t.chain(
        t.add.s(1, 2), t.group(t.add.s(3), t.add.s(4)), t.total.s(), t.add.s(5)
    ).apply_async(),
    "chain with an empty group": lambda t: t.chain(t.add.s(1, 2), t.group([]), t.add.s(3)).apply_async(),
    # Of chain(group, task, task), Celery makes a chord that is no chain, and sends its body as one chain.
    "chain of a chord with a chain as body": lambda t: t.chain(
        t.chord([t.add.s(3, 3), t.add.s(4, 4)], t.total.s() | t.add.s(5))
    ).apply_async(),
    "chain of a chord and a task": lambda t: t.chain(
        t.chord([t.add.s(3, 3), t.add.s(4, 4)], t.total.s()), t.add.s(6)
    ).apply_async(),
    "group and task": lambda t: (t.group(t.add.s(1, 1), t.add.s(2, 2)) | t.total.s()).apply_async(),
    "group of one and task": lambda t: (t.group([t.add.s(1, 1)]) | t.total.s()).apply_async(),
    "group and group": lambda t: (
        t.group(t.add.s(1, 1), t.add.s(2, 2)) | t.group(t.total.s(), t.note.s())
    ).apply_async(),
    "chord": lambda t: t.chord([t.add.s(1, 1), t.add.s(2, 2)])(t.total.s()),
    "chord with arguments": lambda t: t.chord([t.add.s(1), t.add.s(2)], t.total.s()).apply_async((10,)),
    "chord with options": lambda t: t.chord([t.add.s(1, 1), t.add.s(2, 2)], t.total.s()).apply_async(
        priority=3, task_id="mine"
    ),
    "chord with link": lambda t: t.chord([t.add.s(1, 1), t.add.s(2, 2)], t.total.s()).apply_async(
        link=t.note.s(1), link_error=t.note.s(2)
    ),
    "chord of none": lambda t: t.chord([], t.total.s()).apply_async(),
    "chord of a chain": lambda t: t.chord([t.add.s(1, 1) | t.add.s(2), t.add.s(3, 3)], t.total.s()).apply_async(),
    "chord of a chain that ends in a group": lambda t: t.chord(
        [t.add.s(1, 1) | t.group(t.add.s(2), t.add.s(3)), t.add.s(3, 3)], t.note.s()
    ).apply_async(),
    "chord of a chord": lambda t: t.chord(
        [t.chord([t.add.s(1, 1), t.add.s(2, 2)], t.total.s()), t.add.s(3, 3)], t.total.s()
    ).apply_async(),
    "chord with a chord as body": lambda t: t.chord(
        [t.add.s(1, 1), t.add.s(2, 2)], t.chord([t.total.s(), t.note.s()], t.note.s(3))
    ).apply_async(),
    "chain within the group of a chain": lambda t: (
        t.add.s(1, 2) | t.group(t.add.s(3) | t.add.s(4), t.add.s(5))
    ).apply_async(),
    "chord within the group of a chain": lambda t: (
        t.add.s(1, 2) | t.group(t.chord([t.add.s(3), t.add.s(4)], t.total.s()), t.add.s(5))
    ).apply_async(),
    "chain as a link": lambda t: t.add.s(1, 2).apply_async(link=t.chain(t.add.s(3), t.add.s(4))),
    "group as a link": lambda t: t.add.s(1, 2).apply_async(link=t.group(t.add.s(3), t.add.s(4))),
    "chord as a link": lambda t: t.add.s(1, 2).apply_async(link=t.chord([t.add.s(3), t.add.s(4)], t.total.s())),
}

# Celery leaves out the header of the inner chord.
OTHER_PARENTS = [CASES["chord with a chord as body"]]


@pytest.fixture(scope="module")
def ours_and_stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimpleNamespace, SimpleNamespace]]:
    folder = tmp_path_factory.mktemp("results")
    pair = ours(folder), stock(folder)
    yield pair
    for each in pair:
        each.app.close()


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_stock_celery_sends_the_same(ours_and_stock: tuple[Any, Any], build: Build) -> None:
    seen = []
    for each in ours_and_stock:
        result = build(each)
        ids = {each.queue: "the queue"}
        seen.append((comparable(sent(each.queue), ids), comparable(result.as_tuple(), ids)))

    ours, stock = seen
    assert ours[0] == stock[0]
    if build not in OTHER_PARENTS:
        assert ours[1] == stock[1]
