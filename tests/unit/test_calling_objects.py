"""Applications, tasks, signatures, publishers and connections: what they keep for themselves, and what they refuse."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

from satchel.calling import App, PoolTimeout, Unroutable
from tests.unit.calling import Shop

kombu: Any = import_module("kombu")


class TestSignaturesOfFunctions:
    def test_positional_only_and_keyword_only_parameters_are_checked(self, shop: Shop) -> None:
        @shop.app.task
        def pay(order: int, /, *, price: int) -> None: ...

        pay.delay(1, price=2)

        assert shop.sent()[2:4] == ([1], {"price": 2})
        with pytest.raises(TypeError, match="positional-only"):
            pay.apply_async(kwargs={"order": 1, "price": 2})

    def test_a_bound_task_may_be_the_first_of_any_arguments(self, shop: Shop) -> None:
        @shop.app.task(bind=True)
        def pay(*args: Any, **kwargs: Any) -> Any:
            return args[1:], kwargs

        pay.delay(1, 2, to="x")

        assert shop.sent()[2:4] == ([1, 2], {"to": "x"})
        assert pay(1, 2, to="x") == ((1, 2), {"to": "x"})


class TestNamesOfTasks:
    @pytest.mark.parametrize("given", ["shop.pay", 5])
    def test_what_is_no_function_is_refused(self, shop: Shop, given: Any) -> None:
        task: Callable[..., Any] = shop.app.task

        with pytest.raises(TypeError, match="a task is made of a function, got"):
            task(given)

    def test_what_has_no_name_is_given_one(self, shop: Shop) -> None:
        function = functools.partial(int, "5")

        assert shop.app.task(name="five")(function)() == 5
        with pytest.raises(TypeError, match="has no name of its own: give name="):
            shop.app.task(function)

    def test_functions_of_the_same_name_in_two_modules_are_two(self, shop: Shop) -> None:
        places: list[dict[str, Any]] = [{"__name__": name} for name in ("one", "other")]
        for place in places:
            exec(compile("def pay(): pass", f"{place['__name__']}.py", "exec"), place)
        shop.app.task(name="shop.pay")(places[0]["pay"])

        with pytest.raises(ValueError, match=r"there is a task 'shop.pay' already"):
            shop.app.task(name="shop.pay")(places[1]["pay"])

    def test_a_module_that_is_loaded_again_replaces_its_own(self, shop: Shop) -> None:
        for module in ("shop", "__main__"):
            place: dict[str, Any] = {"__name__": module}
            exec(compile("def pay(): pass", "shop.py", "exec"), place)
            shop.app.task(name="shop.pay")(place["pay"])

        assert shop.app.tasks["shop.pay"].__module__ == "__main__"


class TestSettings:
    def test_one_that_is_unknown_is_not_read_either(self, shop: Shop) -> None:
        with pytest.raises(AttributeError, match="unknown setting 'task_serialiser'; did you mean 'task_serializer'"):
            _ = shop.app.conf.task_serialiser

    def test_results_that_come_by_the_broker_move_with_it(self) -> None:
        app = App("shop", broker="memory://", backend="rpc://")
        before = app.backend
        app.conf.broker_url = "memory://elsewhere"

        assert app.backend is not before

    def test_a_confirm_timeout_that_is_no_number_is_refused_before_anything_is_sent(self) -> None:
        app = App("shop", broker="memory://", broker_transport_options={"confirm_timeout": "30"})

        with pytest.raises(TypeError, match="confirm_timeout must be a number of seconds"):
            app.send_task("x")


class TestPublishers:
    def test_one_without_a_connection_gives_its_own_back(self, add: Any) -> None:
        add.app.configure(broker_pool_limit=1)
        for _ in range(3):
            with add.get_publisher() as publisher:
                add.apply_async((1, 2), publisher=publisher)

                with pytest.raises(PoolTimeout):
                    add.app.pool.acquire(block=False)
        with add.app.pool.acquire(block=False) as lease:
            assert lease.link

    def test_one_does_not_outlive_its_lease(self, shop: Shop, add: Any) -> None:
        lease = add.app.pool.acquire()
        publisher = add.get_publisher(lease)
        lease.release()

        with pytest.raises(ValueError, match="this connection was released"):
            add.apply_async((1, 2), publisher=publisher)
        assert shop.received() == []


class TestConnections:
    def test_one_that_its_owner_has_closed_is_connected_anew(self, shop: Shop, add: Any) -> None:
        with kombu.Connection("memory://") as connection:
            for _ in range(2):
                add.apply_async((1, 2), connection=connection)
                connection.close()

            assert len(shop.received()) == 2

    def test_a_consumer_in_this_process_cannot_change_what_others_get(self, shop: Shop, add: Any) -> None:
        add.apply_async((1, 2))
        with kombu.Connection("memory://") as connection:
            headers = kombu.Queue(shop.queue)(connection.default_channel).get(no_ack=True).headers
        headers["stamps"]["a"] = headers["timelimit"][0] = 1
        add.apply_async((1, 2))
        headers = shop.sent().headers

        assert (headers["stamps"], headers["timelimit"]) == ({}, [None, None])

    def test_a_binding_that_was_deleted_is_made_anew(self, shop: Shop, add: Any) -> None:
        name = f"satchel-{uuid4().hex}"
        queue = kombu.Queue(name, kombu.Exchange(name, type="topic"), "a.#")
        add.apply_async((1, 2), queue=queue, routing_key="a.b")
        with kombu.Connection("memory://") as connection:
            connection.default_channel.exchange_delete(name)
        add.apply_async((1, 2), queue=queue, routing_key="a.b")

        assert len(shop.received(name)) == 2
        with pytest.raises(Unroutable):
            add.apply_async((1, 2), queue=queue, routing_key="b")


class TestSendMany:
    def test_a_message_that_was_not_tried_says_why(self, add: Any) -> None:
        add.app.configure(broker_pool_limit=1)
        told: list[Any] = []
        add.app.after_publish(lambda outgoing, error: told.append(error))
        calls = [add.s(1, 2).set(timeout=0.01), add.s(3, 4)]

        with add.app.pool.acquire(), pytest.raises(PoolTimeout) as one:
            add.apply_async((1, 2), timeout=0.01)
        with add.app.pool.acquire(), pytest.raises(Exception, match="2 of 2 messages were not sent") as many:
            add.app.send_many(calls)
        failures = many.value.failures  # type: ignore[attr-defined]

        assert one.value.what in failures[1].what
        assert told[1:] == [failures[0], failures[1]]


def test_what_a_signature_shows_does_not_change_it(add: Any) -> None:
    signature = add.s(1, y=2).set(queue="a")
    signature["kwargs"]["y"] = 3

    assert signature.kwargs == {"y": 2}
    with pytest.raises(TypeError):
        signature.options["queue"] = "b"
