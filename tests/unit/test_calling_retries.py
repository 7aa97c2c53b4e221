"""What a sender does after failures, and what its hooks see: with connections that fail as they are told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from satchel.calling import (
    App,
    NotConfirmed,
    OperationalError,
    Outgoing,
    PoolTimeout,
    SendManyError,
    Unroutable,
    sending,
)
from satchel.calling.broker.link import Parcel


class ScriptedLink:
    """Takes messages, or raises what comes next in its script."""

    def __init__(self, *script: BaseException | None) -> None:
        self.script = list(script)
        self.tried: list[Parcel] = []
        self.turned = 0

    def publish(self, parcel: Parcel, /) -> None:
        self.tried.append(parcel)
        if self.script and (error := self.script.pop(0)) is not None:
            if isinstance(error, OperationalError):
                error.task_id = parcel.id
            raise error

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        refused: dict[int, OperationalError] = {}
        for number, parcel in parcels.items():
            try:
                self.publish(parcel)
            except (Unroutable, NotConfirmed) as error:
                refused[number] = error
            else:
                sent.add(number)
        return refused

    def stale(self) -> bool:
        return False

    def next_broker(self) -> None:
        self.turned += 1

    def close(self) -> None:
        pass


def app_over(link: ScriptedLink, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> App:
    monkeypatch.setattr("satchel.calling.app.link_to", lambda _: link)
    return App("a", broker="memory://", **settings)


def lost(delivered: bool | None = None) -> OperationalError:
    return OperationalError("lost", delivered=delivered)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(sending, "time", SimpleNamespace(**{**vars(time), "sleep": made.append}))
    return made


def test_the_default_policy_is_the_guides(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    link = ScriptedLink(*(lost() for _ in range(9)))

    with pytest.raises(OperationalError) as caught:
        app_over(link, monkeypatch).remote("t").delay(1)

    assert (len(link.tried), caught.value.attempts, link.turned) == (4, 4, 4)
    assert waits == [0, 0.2, 0.2]


def test_each_attempt_sends_the_same_message(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    link = ScriptedLink(lost(), lost(), None)

    result = app_over(link, monkeypatch).remote("t").delay(1)

    assert [parcel.id for parcel in link.tried] == [result.id] * 3
    assert len({parcel.body for parcel in link.tried}) == 1


def test_a_policy_of_one_call_holds_for_no_other(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    link = ScriptedLink(*(lost() for _ in range(9)))
    task = app_over(link, monkeypatch, task_publish_retry_policy={"max_retries": 1}).remote("t")
    attempts: list[int] = []

    for options in ({"retry_policy": {"max_retries": 3}}, {}, {"retry": False}, {}):
        with pytest.raises(OperationalError) as caught:
            task.apply_async((1,), **options)
        attempts.append(caught.value.attempts)

    assert attempts == [4, 2, 1, 2]


def test_what_is_no_failure_of_the_transport_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    for error in (TypeError("x"), KeyboardInterrupt(), LookupError(), OSError()):
        link = ScriptedLink(error)
        app = app_over(link, monkeypatch, broker_pool_limit=1)

        with pytest.raises(type(error)) as caught:
            app.remote("t").delay(1)

        assert caught.value is error
        assert len(link.tried) == 1
        app.pool.acquire(block=False)


def test_a_message_that_no_queue_takes_is_tried_again_only_with_a_queue_to_declare(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    link = ScriptedLink(Unroutable("gone"), None, Unroutable("gone"))
    task = app_over(link, monkeypatch).remote("t")

    task.delay(1)
    with pytest.raises(Unroutable):
        task.apply_async((1,), exchange="elsewhere", routing_key="x")

    assert len(link.tried) == 3


def test_a_pool_that_is_full_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    app = app_over(ScriptedLink(), monkeypatch, broker_pool_limit=1)

    with app.pool.acquire(), pytest.raises(PoolTimeout) as caught:
        app.remote("t").apply_async((1,), timeout=0.01, task_id="one")

    assert (waits, caught.value.task_id, caught.value.delivered) == ([], "one", False)


def test_a_pool_that_is_full_at_a_retry_does_not_hide_that_the_message_may_have_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = app_over(ScriptedLink(lost()), monkeypatch, broker_pool_limit=1)
    taken: list[object] = []
    take = SimpleNamespace(**{**vars(time), "sleep": lambda _: taken.append(app.pool.acquire())})
    monkeypatch.setattr(sending, "time", take)

    with pytest.raises(PoolTimeout) as caught:
        app.remote("t").apply_async((1,), timeout=0.01, task_id="one")

    assert (caught.value.task_id, caught.value.delivered, caught.value.attempts) == ("one", None, 2)


@pytest.mark.parametrize(
    ("said", "expected"), [([None, False], None), ([False, None, False], None), ([False, False], False)]
)
def test_a_message_that_any_attempt_may_have_delivered_is_not_said_to_be_undelivered(
    said: list[bool | None], expected: bool | None, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    policy = {"max_retries": len(said) - 1}
    one = app_over(ScriptedLink(*map(lost, said)), monkeypatch, task_publish_retry_policy=policy)
    with pytest.raises(OperationalError) as caught:
        one.remote("t").delay(1)
    many = app_over(ScriptedLink(*map(lost, said)), monkeypatch, task_publish_retry_policy=policy)
    with pytest.raises(SendManyError) as failed:
        many.send_many([many.remote("t").s(1)])

    assert caught.value.delivered is expected
    assert failed.value.failures[0].delivered is expected


def test_of_many_only_what_was_not_sent_is_sent_again(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    link = ScriptedLink(None, NotConfirmed("full"), None, lost(), None, NotConfirmed("full"))
    app = app_over(link, monkeypatch)

    results = app.send_many([app.remote("t").s(number) for number in range(5)])

    first = [result.id for result in results]
    assert [parcel.id for parcel in link.tried[:4]] == first[:4]
    assert [parcel.id for parcel in link.tried[4:7]] == [first[1], first[3], first[4]]
    assert [parcel.id for parcel in link.tried[7:]] == [first[3]]
    assert waits == [0, 0.2]


def test_a_pool_that_is_full_at_a_retry_does_not_hide_what_of_many_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    link = ScriptedLink(None, lost())
    app = app_over(link, monkeypatch, broker_pool_limit=1, broker_pool_acquire_timeout=0.01)
    taken: list[object] = []
    take = SimpleNamespace(**{**vars(time), "sleep": lambda _: taken.append(app.pool.acquire())})
    monkeypatch.setattr(sending, "time", take)

    with pytest.raises(SendManyError) as caught:
        app.send_many([app.remote("t").s(1), app.remote("t").s(2)])

    assert [result and result.id for result in caught.value.results] == [link.tried[0].id, None]
    assert {number: error.delivered for number, error in caught.value.failures.items()} == {1: None}


def test_the_errors_of_many_name_each_message_and_are_of_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_over(ScriptedLink(lost(delivered=False)), monkeypatch, task_publish_retry=False)
    task = app.remote("t")

    with pytest.raises(SendManyError) as caught:
        app.send_many([task.signature((1,), task_id=f"id-{number}") for number in range(3)])

    assert [error.task_id for error in caught.value.failures.values()] == ["id-0", "id-1", "id-2"]
    assert {(type(error), error.delivered) for error in caught.value.failures.values()} == {(OperationalError, False)}


def test_nothing_is_sent_when_there_is_nothing_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    link = ScriptedLink()

    assert app_over(link, monkeypatch).send_many([]) == []
    assert link.tried == []


# Hooks


def test_what_a_hook_raises_before_publishing_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = ScriptedLink()
    app = app_over(link, monkeypatch)
    told: list[object] = []
    app.after_publish(lambda outgoing, error: told.append(error))

    @app.before_publish
    def refuse(outgoing: Outgoing) -> None:
        raise PermissionError(outgoing.task)

    with pytest.raises(PermissionError, match=r"shop\.pay"):
        app.remote("shop.pay").delay(1)
    with pytest.raises(PermissionError):
        app.send_many([app.remote("shop.pay").s(1)])

    assert (link.tried, told) == ([], [])


def test_a_hook_adds_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    link = ScriptedLink()
    app = app_over(link, monkeypatch)
    seen: list[Outgoing] = []

    @app.before_publish
    def trace(outgoing: Outgoing) -> None:
        outgoing.headers["trace"] = outgoing.id
        seen.append(outgoing)

    given = {"mine": "1"}
    result = app.remote("t").apply_async((1,), {"b": 2}, headers=given)
    many = app.send_many([app.remote("t").s(1)])

    assert [(each.headers["trace"], each.id) for each in link.tried] == [(result.id,) * 2, (many[0].id,) * 2]
    assert link.tried[0].headers["mine"] == "1"
    assert given == {"mine": "1"}
    assert (seen[0].task, seen[0].args, seen[0].kwargs) == ("t", (1,), {"b": 2})


@pytest.mark.parametrize("header", [{"id": "forged"}, {"task": "other"}, {"x": object()}])
def test_a_hook_cannot_add_what_a_call_could_not(header: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    link = ScriptedLink()
    app = app_over(link, monkeypatch)
    app.before_publish(lambda outgoing: outgoing.headers.update(header))

    with pytest.raises((TypeError, ValueError)):
        app.remote("t").delay(1)

    assert link.tried == []


def test_hooks_are_told_how_each_call_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_over(ScriptedLink(None, lost(), None, Unroutable("gone")), monkeypatch, task_publish_retry=False)
    told: list[tuple[str, type[Exception] | None]] = []
    app.after_publish(lambda outgoing, error: told.append((outgoing.id, error and type(error))))
    task = app.remote("t")

    task.apply_async((1,), task_id="one")
    with pytest.raises(OperationalError):
        task.apply_async((1,), task_id="two")
    with pytest.raises(SendManyError):
        app.send_many([task.signature((1,), task_id="three"), task.signature((1,), task_id="four")])

    assert told == [("one", None), ("two", OperationalError), ("three", None), ("four", Unroutable)]


def test_hooks_are_told_once_after_all_attempts(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    app = app_over(ScriptedLink(lost(), lost(), None), monkeypatch)
    told: list[object] = []
    app.after_publish(lambda outgoing, error: told.append(error))

    app.remote("t").delay(1)

    assert told == [None]


def test_a_hook_that_raises_does_not_hide_that_a_message_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_over(ScriptedLink(lost()), monkeypatch, task_publish_retry=False)

    @app.after_publish
    def fail(outgoing: Outgoing, error: OperationalError | None) -> None:
        raise ZeroDivisionError

    with pytest.raises(OperationalError):
        app.remote("t").delay(1)


def test_a_hook_that_raises_behind_a_message_that_was_sent_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    link = ScriptedLink()
    app = app_over(link, monkeypatch)
    told: list[str] = []

    @app.after_publish
    def fail(outgoing: Outgoing, error: OperationalError | None) -> None:
        raise ZeroDivisionError

    app.after_publish(lambda outgoing, error: told.append(outgoing.id))
    result = app.remote("shop.pay").delay(1)
    many = app.send_many([app.remote("t").s(1)])

    assert [parcel.id for parcel in link.tried] == told == [result.id, many[0].id]
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2
    assert f"shop.pay[{result.id}]" in caplog.text
