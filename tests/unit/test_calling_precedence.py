"""Which of several that say something of a call wins: the call, its task, its route or the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from satchel.calling import App
from satchel.calling.canvas import chord
from tests.unit.calling import Shop, prepared, task_of

QUEUE = {"queue": "elsewhere"}


def client(route: Any = None, **settings: Any) -> App:
    return App("shop", broker="memory://", task_routes=route and {"shop.pay": route}, **settings)


class TestTheTaskGoesOverItsRoute:
    @pytest.mark.parametrize("options", [{}, QUEUE, {"priority": 1}])
    def test_with_its_serializer(self, options: dict[str, Any]) -> None:
        task = task_of(client({**QUEUE, "serializer": "yaml"}), serializer="json")

        assert prepared(task, **options).packet.content_type == "application/json"

    @pytest.mark.parametrize("options", [{}, QUEUE, {"priority": 1}])
    def test_with_its_compression(self, options: dict[str, Any]) -> None:
        task = task_of(client({**QUEUE, "compression": "zlib"}), compression="bzip2")

        assert "bz" in prepared(task, "x" * 5_000, **options).packet.headers["compression"]

    @pytest.mark.parametrize("options", [{}, QUEUE, {"priority": 1}])
    @pytest.mark.parametrize("ignored", [True, False])
    def test_with_ignore_result(self, options: dict[str, Any], ignored: bool) -> None:
        task = task_of(client({**QUEUE, "ignore_result": not ignored}), ignore_result=ignored)
        made = prepared(task, **options)

        assert (made.ignored, made.packet.headers["ignore_result"]) == (ignored, ignored)


class TestTheRouteGoesOverTheSettings:
    @pytest.mark.parametrize("options", [{}, QUEUE, {"priority": 1}])
    @pytest.mark.parametrize("ignored", [True, False])
    def test_and_the_result_knows_that_it_is_ignored(self, options: dict[str, Any], ignored: bool) -> None:
        task = task_of(client({**QUEUE, "ignore_result": ignored}, task_ignore_result=not ignored))
        made = prepared(task, **options)

        assert (made.ignored, made.packet.headers["ignore_result"]) == (ignored, ignored)

    def test_with_its_serializer(self) -> None:
        task = task_of(client({**QUEUE, "serializer": "yaml"}))

        assert prepared(task).packet.content_type == "application/x-yaml"

    def test_and_none_in_a_route_says_nothing(self) -> None:
        task = task_of(client({**QUEUE, "priority": None}, task_default_priority=4))

        assert prepared(task).packet.priority == 4


class TestTheCallGoesOverAll:
    def test_and_none_says_nothing(self) -> None:
        task = task_of(client({"priority": 3}), soft_time_limit=5)
        made = prepared(task, priority=None, soft_time_limit=None)

        assert (made.packet.priority, made.packet.headers["timelimit"]) == (3, [None, 5])

    def test_and_compression_none_is_off(self) -> None:
        task = task_of(client(), compression="zlib")

        assert "compression" in prepared(task, "x" * 5_000).packet.headers
        assert "compression" not in prepared(task, "x" * 5_000, compression=None).packet.headers

    def test_and_its_eta_goes_over_the_countdown_of_the_task(self) -> None:
        task, eta = task_of(client(), countdown=3), datetime(2031, 1, 1, tzinfo=timezone.utc)

        assert prepared(task, eta=eta).packet.headers["eta"] == eta.isoformat()

    def test_and_a_signature_in_a_message_is_no_other(self) -> None:
        task, eta = task_of(client(), countdown=timedelta(3), priority=3), datetime(2031, 1, 1, tzinfo=timezone.utc)

        assert task.s().set(priority=None, eta=eta)["options"] == {"priority": 3, "eta": eta.isoformat()}


class TestHowARouteIsPublished:
    def test_is_heeded(self) -> None:
        made = prepared(task_of(client({**QUEUE, "retry": False, "mandatory": False, "timeout": 3})))

        assert (made.policy, made.packet.mandatory, made.packet.timeout) == (None, False, 3)

    def test_is_for_the_call_to_say(self) -> None:
        made = prepared(task_of(client({**QUEUE, "retry": False, "timeout": 3})), retry=True, timeout=None)

        assert (made.policy is None, made.packet.timeout) == (False, 3)

    def test_a_policy_that_is_wrong_is_refused_though_there_is_no_retry(self) -> None:
        with pytest.raises(TypeError, match="unknown key 'max_retrie' in retry_policy"):
            prepared(task_of(client()), retry=False, retry_policy={"max_retrie": 1})


def by_first(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **more: Any) -> dict[str, Any]:
    return {"priority": args[0]}


class TestAFunctionThatRoutes:
    @pytest.mark.parametrize("queue", [None, "own"])
    def test_is_asked_for_each_call(self, queue: str | None) -> None:
        task = task_of(App("shop", broker="memory://", task_routes=by_first), queue=queue)

        assert [prepared(task, number).packet.priority for number in (1, 2)] == [1, 2]

    @pytest.mark.parametrize("body", [lambda task: task.si(5), lambda task: task.s(5)])
    def test_sees_the_body_of_a_chord(self, body: Callable[[Any], Any], tmp_path: Any) -> None:
        seen = []

        def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **more: Any) -> None:
            seen.append(args[-1])

        shop = Shop(task_routes=route, backend=f"file://{tmp_path}")
        task = task_of(shop.app)
        chord([task.s(1), task.s(2)], body(task)).apply_async()

        assert 5 in seen


def test_a_task_cannot_have_one_id_for_all_its_calls() -> None:
    with pytest.raises(TypeError, match="task_id is not an option of a task, but of a call"):
        task_of(client(), task_id="x")


def test_a_hook_may_replace_the_headers() -> None:
    shop = Shop()

    @shop.app.before_publish
    def add(outgoing: Any) -> None:
        outgoing.headers = {**outgoing.headers, "tenant": "a"}

    shop.app.send_task("x", headers={"user": "b"})

    assert {"user": "b", "tenant": "a"}.items() <= dict(shop.sent().headers).items()
