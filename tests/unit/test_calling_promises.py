"""The rows of the table of promises that need no server, each by the row's name; on kombu's memory transport."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta, timezone
from importlib import import_module
from typing import Any

import pytest

from satchel.calling import App, OperationalError, SendManyError, Unroutable
from satchel.errors import EncodeError
from tests.unit.calling import Shop

UTC = timezone.utc
INDIA = timezone(timedelta(hours=5, minutes=30))

kombu: Any = import_module("kombu")


class TestDelayApplyAsyncAndCalling:
    def test_delay_sends_a_call(self, shop: Shop, add: Any) -> None:
        result = add.delay(2, y=3)

        call = shop.sent()
        assert (call.task, call.id, call.args, call.kwargs) == ("shop.add", result.id, [2], {"y": 3})

    def test_apply_async_sends_a_call(self, shop: Shop, add: Any) -> None:
        add.apply_async(args=[2], kwargs={"y": 3})

        assert shop.sent()[2:4] == ([2], {"y": 3})

    def test_a_call_runs_here_and_sends_nothing(self, shop: Shop, add: Any) -> None:
        value = add(2, 3)

        assert value == 5
        assert shop.received() == []

    def test_a_bound_task_gets_itself_and_callers_do_not_give_it(self, shop: Shop) -> None:
        @shop.app.task(bind=True, name="shop.who")
        def who(self: Any, x: int) -> tuple[str, int]:
            return self.name, x

        assert who(3) == ("shop.who", 3)
        who.delay(3)
        assert shop.sent().args == [3]

    @pytest.mark.parametrize(
        ("args", "kwargs", "text"),
        [
            ((1,), {}, r"add\(\) missing 1 required positional argument: 'y'"),
            ((1, 2, 3), {}, r"add\(\) takes 2 positional arguments but 3 were given"),
            ((1,), {"z": 2}, r"add\(\) got an unexpected keyword argument 'z'"),
        ],
    )
    def test_arguments_that_do_not_fit_are_refused_here(
        self, shop: Shop, add: Any, args: Any, kwargs: Any, text: str
    ) -> None:
        with pytest.raises(TypeError, match=text):
            add.delay(*args, **kwargs)
        with pytest.raises(TypeError, match=text):
            add.apply_async(args, kwargs)
        assert shop.received() == []

    def test_a_function_of_every_kind_of_parameter_is_checked_as_python_does(self, shop: Shop) -> None:
        @shop.app.task(name="shop.all")
        def every(a: int, /, b: int, c: int = 3, *rest: int, d: int, e: int = 5, **more: int) -> None: ...

        every.delay(1, 2, 3, 4, d=5, f=6)
        assert shop.sent()[2:4] == ([1, 2, 3, 4], {"d": 5, "f": 6})
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'd'"):
            every.delay(1, 2)  # type: ignore[call-arg]

    def test_a_task_may_leave_the_check_to_the_worker(self, shop: Shop) -> None:
        @shop.app.task(name="shop.loose", typing=False)
        def loose(x: int) -> None: ...

        loose.apply_async((1, 2, 3))

        assert shop.sent().args == [1, 2, 3]

    @pytest.mark.parametrize("args", ["ab", 5, {"x": 1}])
    def test_args_that_are_no_list_are_refused(self, add: Any, args: Any) -> None:
        with pytest.raises(TypeError, match="args must be a list or tuple"):
            add.apply_async(args)

    def test_a_task_whose_code_is_elsewhere_is_called_by_its_name(self, shop: Shop) -> None:
        far = shop.app.remote("elsewhere.pay", queue=shop.queue)

        result = far.delay(1, to="x")

        assert shop.sent()[:4] == ("elsewhere.pay", result.id, [1], {"to": "x"})
        with pytest.raises(TypeError, match=r"the code of 'elsewhere.pay' is not here"):
            far(1)

    def test_send_task_and_signature_know_tasks_by_name(self, shop: Shop, add: Any) -> None:
        shop.app.send_task("shop.add", (1, 2))
        shop.app.signature("shop.add", (3,)).delay(2)

        assert [call.args for call in shop.received()] == [[1, 2], [2, 3]]
        with pytest.raises(TypeError, match="missing 1 required"):
            shop.app.send_task("shop.add", (1,))

    def test_two_functions_cannot_have_one_name(self, shop: Shop, add: Any) -> None:
        with pytest.raises(ValueError, match=r"there is a task 'shop.add' already"):

            @shop.app.task(name="shop.add")
            def other() -> None: ...


class TestOptions:
    def test_an_unknown_option_is_refused_with_a_suggestion(self, shop: Shop, add: Any) -> None:
        with pytest.raises(TypeError, match="unknown option 'countdwn'; did you mean 'countdown'"):
            add.apply_async((1, 2), countdwn=3)
        assert shop.received() == []

    def test_headers_of_the_protocol_cannot_be_overwritten(self, add: Any) -> None:
        with pytest.raises(ValueError, match="headers must not set 'task'"):
            add.apply_async((1, 2), headers={"task": "other"})

    def test_headers_of_ones_own_are_sent(self, shop: Shop, add: Any) -> None:
        add.apply_async((1, 2), headers={"tenant": "a"})

        assert shop.sent().headers["tenant"] == "a"

    def test_all_options_of_a_message_are_sent(self, shop: Shop, add: Any) -> None:
        add.apply_async(
            (1, 2),
            task_id="mine",
            shadow="s",
            time_limit=30,
            soft_time_limit=20,
            priority=5,
            link=add.si(1, 1),
            link_error=[add.si(2, 2)],
            root_id="r",
            parent_id="p",
            reply_to="q",
        )

        call = shop.sent()
        headers = call.headers
        assert call.id == "mine"
        assert [headers[name] for name in ("shadow", "timelimit", "root_id", "parent_id")] == ["s", [30, 20], "r", "p"]
        assert (call.properties["priority"], call.properties["reply_to"]) == (5, "q")
        assert [each["args"] for each in call.embed["callbacks"]] == [[1, 1]]
        assert [each["args"] for each in call.embed["errbacks"]] == [[2, 2]]

    def test_what_a_task_says_holds_where_a_call_does_not(self, shop: Shop) -> None:
        @shop.app.task(name="shop.slow", priority=7, time_limit=60, ignore_result=True)
        def slow() -> None: ...

        slow.delay()
        slow.apply_async(priority=2)

        first, second = shop.received()
        assert (first.properties["priority"], first.headers["timelimit"]) == (7, [60, None])
        assert (first.headers["ignore_result"], second.properties["priority"]) == (True, 2)

    def test_a_value_that_cannot_be_encoded_is_named_and_nothing_is_sent(self, shop: Shop, add: Any) -> None:
        with pytest.raises(EncodeError, match=r"kwargs\.y"):
            add.apply_async((1,), {"y": object()})
        assert shop.received() == []


class TestSettings:
    def test_a_setting_that_is_unknown_is_refused_with_a_suggestion(self, shop: Shop) -> None:
        with pytest.raises(TypeError, match=r"'task_serialiser'.*did you mean 'task_serializer'"):
            App("shop", task_serialiser="json")
        with pytest.raises(TypeError, match="did you mean 'task_serializer'"):
            shop.app.conf.task_serialiser = "json"

    def test_settings_are_read_and_changed_by_name_too(self, shop: Shop) -> None:
        shop.app.conf["task_serializer"] = "yaml"
        shop.app.conf.update({"task_compression": "gzip"}, task_default_priority=3)

        assert shop.app.conf["task_serializer"] == shop.app.conf.task_serializer == "yaml"
        assert (shop.app.conf.task_compression, shop.app.settings.task_default_priority) == ("gzip", 3)
        with pytest.raises(KeyError, match="did you mean 'task_serializer'"):
            shop.app.conf["task_serialiser"]

    def test_one_setting_given_twice_is_refused(self) -> None:
        with pytest.raises(TypeError, match="broker and broker_url are one setting"):
            App("shop", broker="memory://", broker_url="amqp://")
        with pytest.raises(TypeError, match="backend and result_backend are one setting"):
            App("shop", backend="rpc://", result_backend="redis://")

    @pytest.mark.parametrize("options", [{"priority": 300}, {"queue": 5}, {"countdown": "3"}, {"time_limit": -1}])
    def test_what_a_task_says_wrongly_is_refused_where_it_says_so(self, shop: Shop, options: Any) -> None:
        with pytest.raises((TypeError, ValueError), match=next(iter(options))):
            shop.app.task(name="x", **options)

    def test_a_change_that_is_wrong_changes_nothing(self, shop: Shop) -> None:
        before = shop.app.settings
        with pytest.raises((TypeError, ValueError)):
            shop.app.configure(task_serializer="yaml", broker_pool_limit=-1)

        assert shop.app.settings is before

    def test_threads_that_send_while_a_setting_changes_lose_nothing(self, shop: Shop, add: Any) -> None:
        def send() -> None:
            for number in range(50):
                add.delay(number, 0)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for name in ("msgpack", "json") * 10:
            shop.app.conf.task_serializer = name
        for thread in threads:
            thread.join()

        assert sorted(call.args[0] for call in shop.received()) == sorted([*range(50)] * 4)


class TestPools:
    def test_the_guides_own_sample(self, shop: Shop, add: Any) -> None:
        numbers = [(2, 2), (4, 4), (8, 8), (16, 16)]
        results = []
        with add.app.pool.acquire(block=True) as connection, add.get_publisher(connection) as publisher:
            for i, j in numbers:
                results.append(add.apply_async((i, j), publisher=publisher))

        assert [call.args for call in shop.received()] == [[i, j] for i, j in numbers]
        assert len({result.id for result in results}) == 4

    @pytest.mark.parametrize("kind", ["connection", "producer", "publisher"])
    def test_connections_of_kombu_are_taken(self, shop: Shop, add: Any, kind: str) -> None:
        with kombu.Connection("memory://") as connection:
            carrier = connection if kind == "connection" else kombu.Producer(connection)
            add.apply_async((1, 2), **{kind: carrier})

        assert shop.sent().args == [1, 2]

    def test_something_else_is_refused(self, add: Any) -> None:
        with pytest.raises(TypeError, match=r"a connection of app.pool, a Publisher"):
            add.apply_async((1, 2), connection="amqp://")

    def test_two_carriers_exclude_each_other(self, shop: Shop, add: Any) -> None:
        with shop.app.pool.acquire() as lease, pytest.raises(TypeError, match="connection and producer exclude"):
            add.apply_async((1, 2), connection=lease, producer=lease)


class TestSendMany:
    def test_many_are_sent_in_order(self, shop: Shop, add: Any) -> None:
        results = shop.app.send_many(add.s(number, 0) for number in range(250))

        calls = shop.received()
        assert [call.args[0] for call in calls] == [*range(250)]
        assert [call.id for call in calls] == [result.id for result in results]

    def test_nothing_is_sent_when_one_is_wrong(self, shop: Shop, add: Any) -> None:
        with pytest.raises(EncodeError):
            shop.app.send_many([add.s(1, 2), add.s(object(), 2)])
        with pytest.raises(TypeError):
            shop.app.send_many([add.s(1, 2), add.s(1)])
        assert shop.received() == []

    def test_those_that_were_not_sent_are_told(self, shop: Shop, add: Any) -> None:
        lost = add.s(3, 4).set(exchange=kombu.Exchange(f"{shop.queue}-none"), routing_key="k", task_id="lost")
        with pytest.raises(SendManyError, match="1 of 3 messages were not sent") as caught:
            shop.app.send_many([add.s(1, 2), lost, add.s(5, 6)])

        error = caught.value
        assert [result and result.id for result in error.results][1] is None
        assert {number: each.task_id for number, each in error.failures.items()} == {1: "lost"}
        assert [call.args for call in shop.received()] == [[1, 2], [5, 6]]

    def test_none_is_none(self, shop: Shop) -> None:
        assert shop.app.send_many([]) == []


class TestHooks:
    def test_a_hook_adds_headers(self, shop: Shop, add: Any) -> None:
        @shop.app.before_publish
        def trace(call: Any) -> None:
            call.headers["traceparent"] = f"00-{call.id}-{call.task}-{call.args}"

        add.apply_async((1, 2), task_id="mine", headers={"own": 1})

        headers = shop.sent().headers
        assert (headers["traceparent"], headers["own"]) == ("00-mine-shop.add-(1, 2)", 1)

    def test_a_hook_behind_is_told_of_success_and_of_failure(self, shop: Shop, add: Any) -> None:
        told: list[tuple[str, OperationalError | None]] = []
        shop.app.after_publish(lambda call, error: told.append((call.id, error)))

        add.apply_async((1, 2), task_id="a")
        with pytest.raises(Unroutable) as caught:
            add.apply_async((1, 2), task_id="b", exchange=kombu.Exchange(f"{shop.queue}-no"), routing_key="k")

        assert told == [("a", None), ("b", caught.value)]


class TestAsync:
    def test_calls_are_sent_from_an_event_loop(self, shop: Shop, add: Any) -> None:
        async def send() -> list[str]:
            results = [await add.adelay(1, 2), await add.aapply_async((3, 4)), await add.using(shadow="s").adelay(5, 6)]
            return [result.id for result in results]

        ids = asyncio.run(send())

        calls = shop.received()
        assert [(call.id, call.args) for call in calls] == list(zip(ids, [[1, 2], [3, 4], [5, 6]], strict=True))
        assert calls[2].headers["shadow"] == "s"

    def test_using_sends_with_options(self, shop: Shop, add: Any) -> None:
        add.using(priority=5).delay(1, 2)

        assert (shop.received()[0].properties["priority"]) == 5
        with pytest.raises(TypeError, match="missing 1 required"):
            add.using(priority=5).delay(1)
