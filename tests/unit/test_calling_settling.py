"""What is remembered of calls that give the same options, and what is not."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from satchel.calling import App, RetryPolicy
from satchel.calling.canvas import group
from satchel.calling.settling import Settler
from tests.unit.calling import prepared, task_of


def client(**settings: Any) -> App:
    return App("shop", broker="memory://", **settings)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The keys of the calls that were worked out anew."""
    keys: list[Any] = []
    make = Settler._made

    def counted(self: Settler, call: Any, key: Any) -> Any:
        keys.append(key)
        return make(self, call, key)

    monkeypatch.setattr(Settler, "_made", counted)
    return keys


class Colour(str, enum.Enum):
    RED = "red"


class TestRemembered:
    def test_is_what_came_twice(self, made: list[Any]) -> None:
        task = task_of(client())
        for number in range(5):
            # Equal, and not the same: what is given is made anew for each call.
            policy = {"max_retries": int("300"), "interval_step": float("0.5")}
            options = {
                "priority": 5,
                "time_limit": int("3000"),
                "queue": f"money{number // 100}",
                "retry_policy": policy,
            }
            prepared(task, number, **options, headers={"number": number}, countdown=number)

        assert len(made) == 2

    def test_is_a_task_without_options_at_once(self, made: list[Any]) -> None:
        task = task_of(client())
        for number in range(3):
            prepared(task, number, task_id=str(number))

        assert len(made) == 1

    def test_is_asked_for_each_task_of_a_group(self, made: list[Any]) -> None:
        task = task_of(client(backend="rpc://"))
        group([task.si(number) for number in range(20)]).apply_async()

        assert len(made) == 1

    @pytest.mark.parametrize(
        "options",
        [
            {"timeout": 5},
            {"queue": Colour.RED},
            {"retry_policy": RetryPolicy()},
            {"retry_policy": {"retry_errors": OSError}},
        ],
    )
    def test_is_nothing_that_cannot_be_told_apart_or_is_others_each_time(
        self, made: list[Any], options: dict[str, Any]
    ) -> None:
        task = task_of(client())
        for _ in range(3):
            prepared(task, **options)

        assert len(made) == 3

    def test_ends_where_names_and_options_are_made_up(self) -> None:
        app = client()
        settler = app.sender.preparer._settler
        for number in range(2_100):
            for _ in range(2):
                prepared(app.remote(f"shop.{number}"), time_limit=number + 1)

        assert 0 < len(settler._settled) <= 1_000
        assert 0 < len(settler._once) <= 1_000
        assert len(settler._forms) == 1


class TestIsNotTakenForAnother:
    @pytest.mark.parametrize(
        ("good", "equal"),
        [
            ({"priority": 1}, {"priority": True}),
            ({"retry": True}, {"retry": 1}),
            ({"time_limit": 1}, {"time_limit": True}),
            ({"retry_policy": {"max_retries": 1}}, {"retry_policy": {"max_retries": True}}),
            ({"queue": "abcd"}, {"queue": b"abcd"}),
        ],
    )
    def test_value_of_another_type(self, good: dict[str, Any], equal: dict[str, Any]) -> None:
        task = task_of(client())
        for _ in range(3):
            prepared(task, **good)

        for _ in range(2):
            with pytest.raises(TypeError):
                prepared(task, **equal)

    def test_option_of_the_same_value(self) -> None:
        task = task_of(client())
        one = [prepared(task, priority=5) for _ in range(3)][-1].packet
        other = [prepared(task, time_limit=5) for _ in range(3)][-1].packet

        assert (one.priority, one.headers["timelimit"]) == (5, [None, None])
        assert (other.priority, other.headers["timelimit"]) == (None, [5, None])

    def test_unknown_name(self) -> None:
        task = task_of(client())
        for _ in range(3):
            prepared(task, priority=1, countdown=3)

        for _ in range(2):
            with pytest.raises(TypeError, match="'countdwn'; did you mean 'countdown'"):
                prepared(task, priority=1, countdwn=3)

    def test_task_of_the_same_name(self) -> None:
        app = client()
        slow, quick = task_of(app, priority=1), app.remote("shop.pay", priority=9)

        given = [prepared(task, time_limit=5).packet.priority for task in (slow, slow, quick, quick, slow)]
        assert given == [1, 1, 9, 9, 1]

    def test_call_of_its_own(self) -> None:
        task = task_of(client())
        prepared(task, priority=1)
        first = prepared(task, 1, priority=1, task_id="a", headers={"tenant": "x"}, countdown=60, shadow="s")
        second = prepared(task, 2, priority=1, task_id="b", headers={"tenant": "y"})

        assert (first.id, second.id) == ("a", "b")
        assert (first.packet.headers["tenant"], second.packet.headers["tenant"]) == ("x", "y")
        assert (bool(first.packet.headers["eta"]), second.packet.headers["eta"]) == (True, None)
        assert (first.packet.headers["shadow"], second.packet.headers["shadow"]) == ("s", None)
        assert (first.packet.body, second.packet.body) == (prepared(task, 1).packet.body, prepared(task, 2).packet.body)

    def test_answer_of_a_function(self) -> None:
        queues = iter(["a", "b", "c"])
        task = task_of(client(task_routes=lambda *args, **more: {"queue": next(queues)}))

        assert [prepared(task, priority=1).packet.route.routing_key for _ in range(3)] == ["a", "b", "c"]

    def test_policy_that_was_changed(self) -> None:
        task, policy = task_of(client()), {"max_retries": 1}
        first = [prepared(task, retry_policy=policy) for _ in range(3)][-1].policy
        policy["max_retries"] = 2
        second = prepared(task, retry_policy=policy).policy

        assert first is not None
        assert second is not None
        assert (first.max_retries, second.max_retries) == (1, 2)

    def test_setting_as_it_was(self) -> None:
        app = client()
        task = task_of(app)
        for _ in range(3):
            prepared(task, priority=1)
        app.conf.task_serializer = "yaml"

        assert prepared(task, priority=1).packet.content_type == "application/x-yaml"


def test_first_message_is_that_of_all_that_follow() -> None:
    task = task_of(client(), time_limit=7)
    options = {"priority": 3, "expiration": 60, "serializer": "yaml", "compression": None, "ignore_result": True}
    packets = [prepared(task, 1, task_id="1", origin="me", **options).packet for _ in range(4)]

    assert {str(each._replace(route=packets[0].route)) for each in packets} == {str(packets[0])}


def test_replies_of_an_ignored_task_come_where_its_own_link_is_waited_for() -> None:
    app = client(backend="rpc://")
    link = app.signature("shop.ship", (1,))

    assert prepared(task_of(app, ignore_result=True, link=link)).packet.properties["reply_to"]
    assert not prepared(app.remote("shop.quiet", ignore_result=True)).packet.properties["reply_to"]
