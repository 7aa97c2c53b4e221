"""The common case of a message: a call without options gives what the general way gives, and shares nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from satchel import Encoded, EncodeError, Pipeline, celery_registry
from satchel.message import MessageBuilder, MessageReader, TaskCall, TaskMessage

BUILDERS = {
    "default": MessageBuilder(),
    "no texts": MessageBuilder(reprs=False),
    "redacting": MessageBuilder(redact=["password"]),
    "of an origin": MessageBuilder(origin="gen1@here"),
    "compressing": MessageBuilder(Pipeline([], registry=celery_registry, compression_threshold=0), compression="gzip"),
    "pickle": MessageBuilder(serializer="pickle"),
    "protocol 1": MessageBuilder(protocol=1),
}
CALLS: dict[str, tuple[Any, ...]] = {
    "nothing": ((), {}),
    "a tuple": ((1, "x"), {"password": "p"}),
    "a list": ([1, [2]], {"a": {"b": None}}),
    "long": (["x" * 2000], {"k": ["y"] * 300}),
}


def named(message: TaskMessage, task_id: str) -> Any:
    """All of a message, with its id replaced by another."""
    arguments = message.publish_arguments()
    body = arguments.pop("body")
    if message.encoded.compression is None:
        body = body.replace(message.id.encode(), task_id.encode())
    headers = {name: task_id if value == message.id else value for name, value in arguments.pop("headers").items()}
    return body, list(headers.items()), {**arguments, "correlation_id": task_id}


@pytest.mark.parametrize("builder", BUILDERS.values(), ids=BUILDERS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_options_it_is_the_message_of_options_that_say_nothing(builder: MessageBuilder, call: Any) -> None:
    quick = builder.build("shop.pay", *call)
    general = builder.build("shop.pay", *call, task_id="0" * 36, countdown=None, shadow=None)

    assert named(quick, "0" * 36) == named(general, "0" * 36)


def test_what_is_done_to_one_message_is_not_seen_in_another() -> None:
    builder = MessageBuilder(origin="gen1@here")
    first = builder.build("t")
    for taken in (first.publish_arguments()["headers"], dict(first.headers)):
        taken["timelimit"].append(3)
        taken["stamps"]["a"] = 1
        taken["task"] = "other"
    second = builder.build("t", time_limit=5, stamps={"s": 1})
    third = builder.build("t")

    assert second.headers["timelimit"] == [5, None]
    for message in (first, third):
        assert message.headers["timelimit"] == [None, None]
        assert message.headers["stamps"] == {}
        assert message.headers["stamped_headers"] is None
        assert message.headers["task"] == "t"


def test_the_fault_of_an_argument_is_found_without_options_as_with_them() -> None:
    for options in ({}, {"priority": 1}):
        with pytest.raises(EncodeError) as caught:
            MessageBuilder().build("t", (1,), {"items": [{"price": object()}]}, **options)  # type: ignore[arg-type]
        assert caught.value.path == ("kwargs", "items", 0, "price")


#: What a process of its own does, which must have no further threads: a child forked in C, such as uWSGI's, has the
#: interpreter's lock as they left it.
FORKING = """
import ctypes, os, sys
from satchel.message import MessageBuilder

first = MessageBuilder().build("t")
pid = os.fork() if sys.argv[1] == "Python" else ctypes.PyDLL(None).fork()
message = MessageBuilder().build("t")
told = f"{bool(pid)} {os.getpid()} {first.headers['origin']} {message.headers['origin']} {message.id}\\n"
os.write(1, told.encode())
if pid:
    os.waitpid(pid, 0)
else:
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
@pytest.mark.parametrize("by", ["Python", "C"])
def test_a_forked_process_names_itself_and_its_tasks(by: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORKING, by], capture_output=True, text=True, check=True, timeout=60)

    (_, child, before, origin, child_id), (_, parent, _, still, parent_id) = sorted(
        map(str.split, done.stdout.splitlines())
    )
    assert before == still
    assert child != parent
    assert origin == before.replace(f"gen{parent}@", f"gen{child}@")
    assert origin != before
    assert child_id != parent_id


def test_threads_make_ids_that_differ() -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.extend(MessageBuilder().build("t").id for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({*ids}) == 800


def test_what_is_given_is_of_its_own_class_and_not_a_bare_tuple() -> None:
    message = MessageBuilder().build("t", (1,))
    arguments = message.publish_arguments()
    read = MessageReader().read(
        **{name: arguments[name] for name in ("body", "content_type", "content_encoding", "headers")}
    )

    assert type(message.encoded) is Encoded
    assert type(read) is TaskCall
    assert read._fields == TaskCall._fields
    assert (read.task, read.id, read.args, read.protocol) == ("t", message.id, [1], 2)
