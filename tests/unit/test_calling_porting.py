"""Code that was written for Celery's client: what its tasks say, how they are named, and what is said of slips."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import Any
from uuid import uuid4

import celery
import celery.app.task
import pytest

from satchel.calling import App, Signature, Task, chain
from satchel.calling.call_options import CallOptions, WorkerOptions
from satchel.calling.calls import PUBLISHING
from satchel.calling.declaring import WORKERS
from satchel.message import TaskOptions
from tests.unit.calling import Shop

kombu: Any = import_module("kombu")


def nothing() -> None: ...


class TestIgnoreResultOfATaskByName:
    @pytest.mark.parametrize("way", ["send_task", "remote", "signature", "send_many", "with options", "in a group"])
    def test_is_left_to_the_worker(self, way: str, shop: Shop) -> None:
        app = shop.app
        ways: dict[str, Any] = {
            "send_task": lambda: app.send_task("x"),
            "remote": lambda: app.remote("x").delay(),
            "signature": lambda: app.signature("x").delay(),
            "send_many": lambda: app.send_many([app.signature("x")]),
            "with options": lambda: app.remote("x", priority=3).apply_async(queue=shop.queue, expires=60, task_id="1"),
            "in a group": lambda: (app.signature("x") | app.signature("y")).delay(),
        }
        made = ways[way]()

        assert shop.sent().headers["ignore_result"] is None
        assert not getattr(made, "ignored", False)

    @pytest.mark.parametrize("here", [True, False])
    def test_is_what_stock_celery_sends(self, here: bool) -> None:
        queue = str(uuid4())
        stock = celery.Celery("shop", broker="memory://", set_as_current=False)
        if here:
            stock.task(name="shop.x", shared=False)(nothing)
            stock.tasks["shop.x"].apply_async(queue=queue)
        else:
            stock.send_task("shop.x", queue=queue)
        with kombu.Connection("memory://") as connection:
            theirs = kombu.Queue(queue)(connection.default_channel).get(no_ack=True).headers["ignore_result"]
        shop = Shop()
        if here:
            shop.app.task(name="shop.x")(nothing)
        shop.app.send_task("shop.x")

        assert shop.sent().headers["ignore_result"] is theirs is (False if here else None)

    @pytest.mark.parametrize("value", [True, False])
    def test_is_as_the_call_the_task_or_the_route_says(self, value: bool) -> None:
        shop = Shop(task_routes={"routed": {"ignore_result": value}})
        shop.app.send_task("x", ignore_result=value)
        shop.app.remote("x", ignore_result=value).delay()
        shop.app.send_task("routed")

        assert [call.headers["ignore_result"] for call in shop.received()] == [value] * 3

    def test_is_as_the_setting_says(self, shop: Shop) -> None:
        shop.app.conf.task_ignore_result = True
        result = shop.app.send_task("x")

        assert shop.sent().headers["ignore_result"] is True
        assert result.get() is None

    def test_a_task_with_and_one_without_code_are_not_mixed_up(self, shop: Shop, add: Task[[int, int], int]) -> None:
        for task in (add, shop.app.remote("shop.add"), add, shop.app.remote("shop.add")):
            task.delay(1, 2)

        assert [call.headers["ignore_result"] for call in shop.received()] == [False, None, False, None]

    def test_protocol_1_has_no_place_for_it(self) -> None:
        shop = Shop(task_protocol=1)
        shop.app.send_task("x")

        assert shop.sent().task == "x"


class TestOptionsOfWorkers:
    def test_are_taken_and_have_no_effect(self, shop: Shop) -> None:
        options: Any = {name: object() for name in WORKERS}

        @shop.app.task(name="shop.add", **options)
        def add(x: int, y: int) -> int:
            return x + y

        plain = shop.app.task(name="shop.plain")(lambda: None)
        add.delay(1, 2)

        assert add.defaults == plain.defaults
        assert shop.sent().args == [1, 2]

    def test_stand_beside_those_of_calls(self, shop: Shop) -> None:
        @shop.app.task(name="shop.pay", max_retries=5, acks_late=True, priority=4, ignore_result=True)
        def pay() -> None: ...

        pay.delay()

        call = shop.sent()
        assert (call.properties["priority"], call.headers["ignore_result"]) == (4, True)

    def test_are_those_that_type_checkers_know(self) -> None:
        assert set(WorkerOptions.__annotations__) == WORKERS
        assert set(CallOptions.__annotations__) - set(TaskOptions.__annotations__) == PUBLISHING

    def test_are_all_that_celery_has(self) -> None:
        public = {name for name in vars(celery.app.task.Task) if not name.startswith("_")}
        attributes = {name for name in public if not callable(getattr(celery.app.task.Task, name, None))}
        of_calls = {*CallOptions.__annotations__, *("name", "typing")}
        internal = {"abstract", "app", "backend", "from_config", "request", "request_stack"}
        arguments = set(inspect.signature(celery.Celery._task_from_fun).parameters)
        internal |= {"self", "fun", "bind", "options"}

        assert attributes | arguments <= WORKERS | of_calls | internal

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"max_retires": 3}, "unknown option 'max_retires' of a task; did you mean 'max_retries'?"),
            ({"prioriti": 3}, "unknown option 'prioriti' of a task; did you mean 'priority'?"),
            ({"nam": "x"}, "unknown option 'nam' of a task; did you mean 'name'?"),
            ({"qqqq": 3}, "unknown option 'qqqq' of a task; see satchel.calling.CallOptions for those there are"),
            ({"exchange": "x"}, "exchange is not an option of a task, but of a call"),
        ],
    )
    def test_others_are_refused(self, shop: Shop, options: Any, message: str) -> None:
        with pytest.raises(TypeError) as caught:
            shop.app.task(**options)

        assert str(caught.value) == message

    def test_are_refused_where_the_code_is_not(self, shop: Shop) -> None:
        options: Any = {"acks_late": True}
        with pytest.raises(TypeError, match="'acks_late' of a task is its worker's: give it where the task's code is"):
            shop.app.remote("x", **options)


class TestNames:
    @pytest.mark.parametrize("module", ["__main__", None, "json"])
    def test_are_celerys(self, module: Any) -> None:
        def pay() -> None: ...

        pay.__module__ = module
        stock = celery.Celery("shop", set_as_current=False)

        assert App("shop", broker="memory://").task(pay).name == stock.gen_task_name("pay", module)

    def test_are_the_same_in_a_child_process_that_was_spawned(self) -> None:
        def pay() -> None: ...

        pay.__module__ = "__mp_main__"

        assert App("shop", broker="memory://").task(pay).name == "shop.pay"

    def test_of_a_module_are_its_own(self, shop: Shop) -> None:
        def pay() -> None: ...

        assert shop.app.task(pay).name == f"{sys.modules[__name__].__name__}.pay"


class TestSlips:
    @pytest.mark.parametrize("name", ["countdown", "queue", "expires", "retry_policy"])
    def test_an_option_among_the_arguments(self, name: str, shop: Shop, add: Any) -> None:
        hint = (
            f"options of a call go to apply_async(…, {name}=…), to using({name}=…).delay(…), "
            f"or to a signature's set({name}=…)"
        )
        for call in (add.delay, add.using(priority=3).delay, add.s(1, 2, **{name: 3}).delay):
            with pytest.raises(TypeError, match=r"add\(\) got an unexpected keyword argument") as caught:
                call(1, 2, **{name: 3})

            assert str(caught.value).endswith(hint)
        assert shop.received() == []

    def test_another_argument_is_told_in_pythons_words(self, add: Any) -> None:
        with pytest.raises(TypeError, match=r"^add\(\) got an unexpected keyword argument 'z'$"):
            add.delay(1, 2, z=3)
        with pytest.raises(TypeError, match=r"^add\(\) missing 1 required positional argument: 'y'$"):
            add.delay(1)

    @pytest.mark.parametrize("option", ["link", "link_error", "chain"])
    def test_a_task_instead_of_its_signature(self, option: str, add: Any) -> None:
        for value in (add, [add]):
            with pytest.raises(TypeError, match=r"a task's signature is task\.s\(…\), or task\.si\(…\)"):
                add.apply_async((1, 2), **{option: value})
        with pytest.raises(TypeError, match=r"such as task\.s\(…\) or task\.si\(…\)"):
            add.s(1).link(add)

    def test_an_option_that_is_like_no_other(self, add: Any) -> None:
        with pytest.raises(TypeError) as caught:
            add.apply_async((1, 2), zzzz=3)

        assert str(caught.value) == (
            "unknown option 'zzzz'; see satchel.calling.CallOptions for those there are; "
            "headers of your own go into headers={…}"
        )

    def test_the_name_of_a_signatures_task(self, add: Any) -> None:
        signature: Signature[int] = add.s(1)

        assert signature.task == signature.name == signature["task"] == "shop.add"
        assert isinstance(chain(signature, signature).tasks[0], Signature)
