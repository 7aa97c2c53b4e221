"""Idempotency keys: what is sent, what is not, and what becomes of a key when sending fails."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from satchel import EncodeError
from satchel.calling import OperationalError, Task
from satchel.calling.idempotency import Idempotency, IdempotencyError
from satchel.calling.idempotency.keys import Held
from satchel.calling.sending import Sender
from tests.unit.calling import Shop

ROOT = Path(__file__).parents[2]

Add = Task[[int, int], int]


class Table:
    """Keys in a dict; `Keys` without a server, and without times.

    Attributes:
        held: state, token, task id, task, fresh and ignored, by key.
        dead: tokens of callers that are taken for dead.
        asked: what was asked, in order.
        broken: methods that fail.
    """

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.dead: set[str] = set()
        self.asked: list[str] = []
        self.broken: set[str] = set()

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if name in self.broken:
            raise IdempotencyError(f"no {name}")

    def claim(self, key: str, *, token: str, task_id: str, task: str) -> Held:
        self._ask("claim")
        held = self.held.get(key)
        if held is None:
            held = {"state": "sending", "token": token, "task_id": task_id, "task": task, "fresh": True}
            self.held[key] = held
            return Held("mine", task_id, task, fresh=True)
        known = held["task_id"], held["task"]
        if held["task"] != task:
            return Held("other", *known)
        if held["state"] == "sent":
            return Held("sent", *known, ignored=held["ignored"])
        if held["state"] == "sending" and held["token"] not in self.dead:
            return Held("busy", *known)
        held.update(state="sending", token=token, fresh=False)
        return Held("mine", *known)

    def settle(self, key: str, *, task_id: str, ignored: bool) -> None:
        self._ask("settle")
        self.held[key].update(state="sent", ignored=ignored)

    def unsettle(self, key: str, *, token: str) -> None:
        self._ask("unsettle")
        self.held[key]["state"] = "unsure"

    def release(self, key: str, *, token: str) -> None:
        self._ask("release")
        del self.held[key]

    def forget(self, key: str) -> bool:
        self._ask("forget")
        return self.held.pop(key, None) is not None

    def close(self) -> None: ...


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def keys(table: Table) -> Idempotency:
    keys = Idempotency("redis://nowhere.invalid")
    keys._keys = table
    return keys


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let sending fail with these errors, one after another; gives the ids that were tried."""
    publish = Sender.publish

    def let(*errors: BaseException) -> list[str]:
        left, tried = list(errors), list[str]()

        def fail(self: Sender, prepared: Any, call: Any) -> None:
            tried.append(prepared.id)
            if left:
                raise left.pop(0)
            publish(self, prepared, call)

        monkeypatch.setattr(Sender, "publish", fail)
        return tried

    return let


def test_the_second_call_with_a_key_sends_nothing_and_gives_the_first_ones_result(
    keys: Idempotency, shop: Shop, add: Add
) -> None:
    first = keys.send(add.s(1, 2), "order-42")
    second = keys.send(add.s(3, 4), key="order-42")

    assert (first.first, second.first) == (True, False)
    assert (first.key, second.key) == ("order-42", "order-42")
    assert first.id == second.id == shop.sent().id


def test_calls_with_other_keys_are_sent(keys: Idempotency, shop: Shop, add: Add) -> None:
    ids = [keys.send(add.s(1, 2), f"order-{number}").id for number in range(3)]

    assert [call.id for call in shop.received()] == ids


def test_options_go_into_the_message_and_a_task_id_of_the_callers_is_the_tasks(
    keys: Idempotency, shop: Shop, add: Add
) -> None:
    result = keys.send(add.s(1, 2), "order-42", task_id="pay-1", headers={"trace": "x"})
    sent = shop.sent()

    assert (result.id, sent.id, sent.headers["trace"]) == ("pay-1", "pay-1", "x")


def test_a_key_of_another_task_is_refused(keys: Idempotency, shop: Shop, add: Add) -> None:
    keys.send(add.s(1, 2), "order-42")
    shop.received()

    with pytest.raises(
        ValueError, match=r"the key 'order-42' was used for 'shop\.add': use another one for 'shop.pay'"
    ):
        keys.send(shop.app.remote("shop.pay").s(1), "order-42")
    assert shop.received() == []


def test_a_key_is_free_again_when_the_message_surely_was_not_delivered(
    keys: Idempotency, table: Table, shop: Shop, add: Add, fail: Callable[..., list[str]]
) -> None:
    tried = fail(OperationalError("no broker", delivered=False))

    with pytest.raises(OperationalError, match="no broker"):
        keys.send(add.s(1, 2), "order-42")
    assert table.held == {}
    assert keys.send(add.s(1, 2), "order-42").id == shop.sent().id == tried[1] != tried[0]


@pytest.mark.parametrize("error", [OperationalError("lost", delivered=None), KeyboardInterrupt(), ValueError("odd")])
def test_a_task_that_may_have_been_delivered_is_sent_again_at_once_and_with_its_id(
    keys: Idempotency, shop: Shop, add: Add, fail: Callable[..., list[str]], error: BaseException
) -> None:
    tried = fail(error)

    with pytest.raises(type(error)):
        keys.send(add.s(1, 2), "order-42")
    result = keys.send(add.s(1, 2), "order-42")
    assert result.first
    assert result.id == shop.sent().id == tried[0] == tried[1]


def test_an_id_that_may_be_delivered_is_kept_though_a_later_sending_surely_failed(
    keys: Idempotency, shop: Shop, add: Add, fail: Callable[..., list[str]]
) -> None:
    tried = fail(OperationalError("lost", delivered=None), OperationalError("no broker", delivered=False))
    for _ in range(2):
        with pytest.raises(OperationalError):
            keys.send(add.s(1, 2), "order-42")

    assert keys.send(add.s(1, 2), "order-42").id == shop.sent().id == tried[0]


def test_a_call_that_is_wrong_takes_no_key(keys: Idempotency, table: Table, add: Add) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        keys.send(add.signature((1,)), "order-42")
    with pytest.raises(TypeError, match="task_id must be a str"):
        keys.send(add.s(1, 2), "order-42", task_id=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a signature is needed, such as task\.s"):
        keys.send(add, "order-42")  # type: ignore[arg-type]

    assert table.asked == []


def test_a_call_that_cannot_be_encoded_frees_its_key(keys: Idempotency, table: Table, shop: Shop) -> None:
    with pytest.raises(EncodeError):
        keys.send(shop.app.remote("shop.pay").s(object()), "order-42")

    assert table.held == {}


def test_a_call_that_another_one_is_sending_waits_and_gives_its_result(
    keys: Idempotency, table: Table, shop: Shop, add: Add
) -> None:
    table.claim("order-42", token="other", task_id="pay-1", task="shop.add")
    results = []
    thread = threading.Thread(target=lambda: results.append(keys.send(add.s(1, 2), "order-42")))
    thread.start()
    while len(table.asked) < 4:
        threading.Event().wait(0.01)
    table.settle("order-42", task_id="pay-1", ignored=True)
    thread.join()

    (result,) = results
    assert (result.id, result.first, result.ignored) == ("pay-1", False, True)
    assert shop.received() == []


def test_a_call_that_waited_for_one_that_failed_is_sent_itself(
    keys: Idempotency, table: Table, shop: Shop, add: Add
) -> None:
    table.claim("order-42", token="other", task_id="pay-1", task="shop.add")
    results = []
    thread = threading.Thread(target=lambda: results.append(keys.send(add.s(1, 2), "order-42")))
    thread.start()
    while len(table.asked) < 4:
        threading.Event().wait(0.01)
    table.release("order-42", token="other")
    thread.join()

    (result,) = results
    assert result.first
    assert result.id == shop.sent().id != "pay-1"


def test_the_task_of_a_caller_that_died_is_sent_with_the_id_that_it_had(
    keys: Idempotency, table: Table, shop: Shop, add: Add
) -> None:
    table.claim("order-42", token="other", task_id="pay-1", task="shop.add")
    table.dead.add("other")
    result = keys.send(add.s(1, 2), "order-42")

    assert (result.id, result.first, shop.sent().id) == ("pay-1", True, "pay-1")


def test_nothing_is_sent_when_the_keys_cannot_be_asked(keys: Idempotency, table: Table, shop: Shop, add: Add) -> None:
    table.broken = {"claim"}

    with pytest.raises(IdempotencyError):
        keys.send(add.s(1, 2), "order-42")
    assert shop.received() == []


@pytest.mark.parametrize(
    "answer", [[b"sent", None, b"shop.add", b"0", b"0"], [b"sent", b"\xff", b"shop.add", b"0", b"0"], None, [b"sent"]]
)
def test_a_key_that_somebody_else_has_written_is_told(answer: Any, shop: Shop, add: Add) -> None:
    class Answering:
        def eval(self, *_: Any) -> Any:
            return answer

        def delete(self, *_: Any) -> int:
            return 0

    with pytest.raises(IdempotencyError, match="not written by"):
        Idempotency(Answering()).send(add.s(1, 2), "order-1")

    assert shop.received() == []


def test_what_was_sent_is_no_error_though_it_could_not_be_noted(
    keys: Idempotency, table: Table, shop: Shop, add: Add
) -> None:
    table.broken = {"settle"}

    with pytest.warns(RuntimeWarning, match="was sent, but its key 'order-42' could not be marked so"):
        result = keys.send(add.s(1, 2), "order-42")
    assert result.id == shop.sent().id


def test_the_error_of_sending_is_raised_though_the_key_could_not_be_freed(
    keys: Idempotency, table: Table, add: Add, fail: Callable[..., list[str]]
) -> None:
    fail(OperationalError("no broker", delivered=False))
    table.broken = {"release"}

    with pytest.raises(OperationalError, match="no broker"):
        keys.send(add.s(1, 2), "order-42")


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        (42, TypeError, "an idempotency key is a str, got 42"),
        (b"order", TypeError, "an idempotency key is a str"),
        ("", ValueError, "1 to 512 characters, not 0"),
        ("x" * 513, ValueError, "1 to 512 characters, not 513"),
        ("\ud800", ValueError, "text that UTF-8 can encode"),
    ],
)
def test_keys_are_text_of_1_to_512_characters(
    keys: Idempotency, add: Add, key: Any, error: type[Exception], text: str
) -> None:
    for call in (lambda: keys.send(add.s(1, 2), key), lambda: keys.forget(key)):
        with pytest.raises(error, match=text):
            call()

    assert keys.send(add.s(1, 2), "ä" * 512).first


def test_wrong_arguments_are_refused() -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: Idempotency(5), "a client of redis-py, or the url of a server, is needed, got 5"),
        (lambda: Idempotency(AsyncRedis()), "a client that blocks is needed"),
        (lambda: Idempotency(Redis(), ttl=0), "ttl must be a millisecond or more, got 0"),
        (lambda: Idempotency(Redis(), ttl=True), "ttl must be a number of seconds or a timedelta"),
        (lambda: Idempotency(Redis(), takeover=timedelta(0)), "takeover must be a millisecond or more"),
        (lambda: Idempotency(Redis(), prefix=None), "prefix must be a str"),  # type: ignore[arg-type]
    ]
    for call, text in wrong:
        with pytest.raises((TypeError, ValueError), match=text):
            call()


def test_importing_it_imports_no_redis() -> None:
    code = "import satchel.calling.idempotency, sys; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert (done.stdout, done.stderr) == ("False\n", "")
