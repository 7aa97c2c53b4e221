"""Idempotency keys in a real Redis: one message for a key, whoever asks, and whoever ends."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from redis import Redis

from satchel.calling import App, OperationalError
from satchel.calling.idempotency import Idempotency, IdempotencyError, KeyedResult
from satchel.calling.sending import Sender
from tests.interop.transports import REDIS_URL, missing

pytestmark = pytest.mark.xdist_group("interop-redis")


class Till:
    """An application that sends by Redis, its keys, and what is in its queue."""

    def __init__(self) -> None:
        self.queue = f"satchel-{uuid4().hex}"
        self.prefix = f"{self.queue}-"
        self.redis = Redis.from_url(REDIS_URL)
        self.app = App("shop", broker=REDIS_URL, task_default_queue=self.queue)
        self.pay = self.app.remote("shop.pay")

    def keys(self, **options: Any) -> Idempotency:
        return Idempotency(self.redis, prefix=self.prefix, **options)

    def messages(self) -> list[tuple[str, Any]]:
        """Give the id and the first argument of each message, the oldest first."""
        stored: Any = self.redis.lrange(self.queue, 0, -1)
        read = [json.loads(each) for each in reversed(stored)]
        return [(each["headers"]["id"], json.loads(b64decode(each["body"]))[0][0]) for each in read]

    def close(self) -> None:
        self.app.close()
        for name in self.redis.scan_iter(match=f"*{self.queue}*", count=1000):
            self.redis.delete(name)
        self.redis.close()


@pytest.fixture
def till(unavailable: Callable[[str], NoReturn]) -> Iterator[Till]:
    reason = missing("redis")
    if reason is not None:
        unavailable(reason)
    till = Till()
    yield till
    till.close()


def race(ask: Callable[[int], KeyedResult[Any]]) -> list[KeyedResult[Any]]:
    """Ask from twenty threads at once."""
    results: list[KeyedResult[Any]] = []
    start = threading.Barrier(20)

    def run(number: int) -> None:
        start.wait()
        results.append(ask(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_twenty_threads_with_one_key_one_sends_and_all_get_its_result(till: Till) -> None:
    keys = till.keys()
    results = race(lambda number: keys.send(till.pay.s(number), "order-42"))

    ((task_id, _),) = till.messages()
    assert [result.id for result in results] == [task_id] * 20
    assert [result.first for result in results].count(True) == 1


def test_each_key_is_sent_by_itself(till: Till) -> None:
    keys = till.keys()
    race(lambda number: keys.send(till.pay.s(number), f"order-{number % 5}"))

    assert sorted(number % 5 for _, number in till.messages()) == [0, 1, 2, 3, 4]


def test_of_twenty_threads_behind_a_caller_that_died_one_sends_with_its_id(till: Till) -> None:
    keys = till.keys(takeover=0.3)
    keys._keys.claim("order-42", token="dead", task_id="pay-1", task="shop.pay")
    results = race(lambda number: keys.send(till.pay.s(number), "order-42"))

    assert [task_id for task_id, _ in till.messages()] == ["pay-1"]
    assert {result.id for result in results} == {"pay-1"}
    assert [result.first for result in results].count(True) == 1


@pytest.mark.parametrize("since", [10**15, "inf", "nan", "-inf", "soon", None])
def test_a_caller_from_the_future_holds_a_key_no_longer_than_others(till: Till, since: Any) -> None:
    keys = till.keys(takeover=0.3)
    keys._keys.claim("order-42", token="skewed", task_id="pay-1", task="shop.pay")
    if since is None:
        till.redis.hdel(f"{till.prefix}order-42", "since")
    else:
        till.redis.hset(f"{till.prefix}order-42", "since", since)
    result = keys.send(till.pay.s(1), "order-42")

    assert (result.id, result.first) == ("pay-1", True)
    assert [task_id for task_id, _ in till.messages()] == ["pay-1"]


def test_a_caller_that_began_before_the_clock_was_set_back_keeps_its_time(till: Till) -> None:
    keys = till.keys(takeover=50)
    keys._keys.claim("order-42", token="me", task_id="pay-1", task="shop.pay")
    till.redis.hset(f"{till.prefix}order-42", "since", 10**15)
    other = [keys._keys.claim("order-42", token="other", task_id="pay-2", task="shop.pay").state for _ in range(2)]

    assert other == ["busy", "busy"]
    assert keys._keys.claim("order-42", token="me", task_id="pay-1", task="shop.pay").fresh


def test_a_caller_that_was_taken_for_dead_does_not_undo_what_another_has_done(till: Till) -> None:
    keys = till.keys(takeover=0.001)
    keys._keys.claim("order-42", token="slow", task_id="pay-1", task="shop.pay")
    threading.Event().wait(0.02)
    first = keys.send(till.pay.s(1), "order-42")
    keys._keys.release("order-42", token="slow")
    keys._keys.unsettle("order-42", token="slow")
    again = keys.send(till.pay.s(1), "order-42")

    assert (first.id, first.first, again.id, again.first) == ("pay-1", True, "pay-1", False)


def test_that_a_task_was_sent_holds_whoever_says_so_and_is_not_taken_back(till: Till) -> None:
    keys = till.keys(takeover=0.001)
    keys._keys.claim("order-42", token="slow", task_id="pay-1", task="shop.pay")
    threading.Event().wait(0.02)
    taken = keys._keys.claim("order-42", token="next", task_id="pay-2", task="shop.pay")
    keys._keys.settle("order-42", task_id="pay-1", ignored=False)
    keys._keys.unsettle("order-42", token="next")
    keys._keys.release("order-42", token="next")

    assert (taken.state, taken.task_id, taken.fresh) == ("mine", "pay-1", False)
    assert keys.send(till.pay.s(1), "order-42").first is False
    assert till.messages() == []


def test_a_claim_that_is_asked_for_twice_is_the_same_claim(till: Till) -> None:
    keys = till.keys()
    claims = [keys._keys.claim("k", token="me", task_id=task_id, task="shop.pay") for task_id in ("pay-1", "pay-2")]

    assert [(claim.state, claim.task_id, claim.fresh) for claim in claims] == [("mine", "pay-1", True)] * 2


def test_a_failure_frees_the_key_or_keeps_the_id_as_it_is_known_or_not(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = till.keys()
    errors = [OperationalError("lost", delivered=delivered) for delivered in (False, None, False)]
    publish = Sender.publish

    def fail(self: Sender, prepared: Any, call: Any) -> None:
        if errors:
            ids.append(prepared.id)
            raise errors.pop(0)
        publish(self, prepared, call)

    ids: list[str] = []
    monkeypatch.setattr(Sender, "publish", fail)
    for _ in range(3):
        with pytest.raises(OperationalError):
            keys.send(till.pay.s(1), "order-42")
    result = keys.send(till.pay.s(1), "order-42")

    assert ids[0] != ids[1] == ids[2] == result.id
    assert till.messages() == [(result.id, 1)]


def test_keys_are_kept_for_so_long_and_can_be_forgotten(till: Till) -> None:
    keys = till.keys(ttl=100)
    first = keys.send(till.pay.s(1), "order-42")
    milliseconds = till.redis.pttl(f"{till.prefix}order-42")
    forgotten = keys.forget("order-42"), keys.forget("order-42")
    second = keys.send(till.pay.s(1), "order-42")

    assert 0 < milliseconds <= 100_000
    assert forgotten == (True, False)
    assert second.first
    assert first.id != second.id


def test_a_key_that_is_being_sent_outlasts_whoever_may_take_it_over(till: Till) -> None:
    keys = till.keys(ttl=0.001, takeover=50)
    keys._keys.claim("order-42", token="me", task_id="pay-1", task="shop.pay")

    assert 50_000 < till.redis.pttl(f"{till.prefix}order-42") <= 100_001


def test_a_client_that_decodes_and_a_url_do_as_well(till: Till) -> None:
    with Redis.from_url(REDIS_URL, decode_responses=True) as client:
        decoding = Idempotency(client, prefix=till.prefix)
        first = decoding.send(till.pay.s(1), "ключ 🔑")
    by_url = Idempotency(REDIS_URL, prefix=till.prefix)
    second = by_url.send(till.pay.s(1), "ключ 🔑")
    by_url.close()
    third = by_url.send(till.pay.s(1), "ключ 🔑")
    by_url.close()

    assert [each.first for each in (first, second, third)] == [True, False, False]
    assert first.id == second.id == third.id


def test_a_result_that_is_ignored_is_so_for_all(till: Till) -> None:
    keys = till.keys()
    results = [keys.send(till.pay.s(1), "order-42", ignore_result=value) for value in (True, False)]

    assert [result.get() for result in results] == [None, None]


def test_a_key_of_another_kind_is_an_error_and_nothing_is_sent(till: Till) -> None:
    till.redis.set(f"{till.prefix}order-42", "mine")

    with pytest.raises(IdempotencyError, match="WRONGTYPE"):
        till.keys().send(till.pay.s(1), "order-42")
    assert till.messages() == []
