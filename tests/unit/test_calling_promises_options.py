"""The rows of the table of promises on the options of a call, each by the row's name; on kombu's memory transport."""

from __future__ import annotations

import re
import warnings
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

import pytest

from satchel.calling import App, LongWait, Unroutable
from satchel.errors import UnknownCodec
from tests.unit.calling import Shop

UTC = timezone.utc
INDIA = timezone(timedelta(hours=5, minutes=30))

kombu: Any = import_module("kombu")


class TestCountdownAndEta:
    def test_a_wait_is_a_number_or_a_timedelta(self, shop: Shop, add: Any) -> None:
        before = datetime.now(UTC)
        add.apply_async((1, 2), countdown=90)
        add.apply_async((1, 2), countdown=timedelta(seconds=90))

        for call in shop.received():
            assert call.eta is not None
            assert timedelta(seconds=89) < call.eta - before < timedelta(seconds=120)

    def test_both_together_are_refused(self, add: Any) -> None:
        with pytest.raises(TypeError, match="countdown and eta exclude each other"):
            add.apply_async((1, 2), countdown=1, eta=datetime.now(UTC))

    @pytest.mark.parametrize("eta", ["2031-01-01", 5, timedelta(1)])
    def test_an_eta_is_a_datetime_only(self, add: Any, eta: Any) -> None:
        with pytest.raises(TypeError, match="eta must be a datetime"):
            add.apply_async((1, 2), eta=eta)

    def test_a_naive_eta_is_in_the_zone_of_the_settings(self) -> None:
        shop = Shop(timezone=INDIA)
        shop.app.send_task("x", eta=datetime(2031, 1, 1))

        assert shop.sent().eta == datetime(2031, 1, 1, tzinfo=INDIA)

    @pytest.mark.parametrize(
        ("broker", "options", "longest"),
        [("redis://x", {}, 3600), ("redis://x", {"visibility_timeout": 60}, 60), ("amqp://x", {}, 1800)],
    )
    def test_a_wait_beyond_what_the_broker_allows_warns(
        self, broker: str, options: dict[str, Any], longest: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = App("shop", broker=broker, broker_transport_options=options)
        monkeypatch.setattr("satchel.calling.sending.Sender._try", lambda self, packet, timeout: None)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            app.send_task("x", countdown=longest - 1)
        with pytest.warns(LongWait, match=rf"after {longest:,} s this broker gives it to another one") as caught:
            app.send_task("x", countdown=longest + 1)
        assert caught[0].filename == __file__
        with pytest.warns(LongWait):
            app.send_task("x", eta=datetime.now(UTC) + timedelta(seconds=longest + 60))


class TestExpires:
    @pytest.mark.parametrize("expires", [60, 60.0, timedelta(minutes=1), datetime(2031, 1, 1, tzinfo=UTC)])
    def test_the_header_is_set_and_the_brokers_expiry_is_not(self, shop: Shop, add: Any, expires: Any) -> None:
        add.apply_async((1, 2), expires=expires)

        call = shop.sent()
        assert call.expires is not None
        assert "expiration" not in call.properties

    def test_the_brokers_expiry_is_set_when_asked_for(self, shop: Shop, add: Any) -> None:
        add.apply_async((1, 2), expires=60, broker_expiration=True)

        assert 59_000 < int(shop.sent().properties["expiration"]) <= 60_000

    def test_true_is_no_number_of_seconds(self, add: Any) -> None:
        with pytest.raises(TypeError, match="expires must be a number of seconds"):
            add.apply_async((1, 2), expires=True)


class TestSerializerAndCompression:
    @staticmethod
    def seen(shop: Shop) -> list[tuple[str, str | None]]:
        with kombu.Connection("memory://") as connection:
            queue = kombu.Queue(shop.queue)(connection.default_channel)
            found = []
            while (message := queue.get(no_ack=True)) is not None:
                found.append((message.content_type.rpartition("-")[2], message.headers.get("compression")))
            return found

    def test_the_call_wins_over_the_task_and_the_task_over_the_setting(self, shop: Shop) -> None:
        @shop.app.task(name="shop.packed", serializer="yaml", compression="gzip")
        def packed(text: str) -> None: ...

        shop.app.conf.task_serializer = "msgpack"
        shop.app.conf.task_compression = "bzip2"
        packed.apply_async(("x" * 999,), serializer="pickle", compression="lzma")
        packed.delay("x" * 999)
        shop.app.send_task("other", ("x" * 999,))

        assert self.seen(shop) == [
            ("serialize", "application/x-lzma"),
            ("yaml", "application/x-gzip"),
            ("msgpack", "application/x-bz2"),
        ]

    def test_a_setting_holds_from_the_next_call_on(self, shop: Shop, add: Any) -> None:
        add.delay(1, 2)
        shop.app.conf.task_serializer = "msgpack"
        add.delay(1, 2)

        assert [kind for kind, _ in self.seen(shop)] == ["application/json", "msgpack"]

    def test_an_explicit_none_is_off(self, shop: Shop) -> None:
        @shop.app.task(name="shop.packed", compression="gzip")
        def packed(text: str) -> None: ...

        packed.apply_async(("x" * 999,), compression=None)

        assert self.seen(shop) == [("application/json", None)]

    def test_an_unknown_compression_is_no_failure_of_the_transport(self, add: Any) -> None:
        with pytest.raises(UnknownCodec, match="no compressor 'gzipp'"):
            add.apply_async((1, 2), compression="gzipp")


class TestQueueAndRoutes:
    def test_a_queue_that_is_missing_is_created(self, shop: Shop, add: Any) -> None:
        name = f"{shop.queue}-other"
        add.apply_async((1, 2), queue=name)

        assert shop.sent(name).args == [1, 2]

    def test_a_queue_of_kombu_is_declared_and_used(self, shop: Shop, add: Any) -> None:
        name = f"{shop.queue}-own"
        add.apply_async((1, 2), queue=kombu.Queue(name, kombu.Exchange(name, "topic"), routing_key="a.#"))

        assert shop.sent(name).args == [1, 2]

    def test_a_task_has_a_queue_of_its_own_and_a_call_may_say_another(self, shop: Shop) -> None:
        mine, other = f"{shop.queue}-mine", f"{shop.queue}-other"

        @shop.app.task(name="shop.mine", queue=mine)
        def task() -> None: ...

        task.delay()
        task.apply_async(queue=other)

        assert len(shop.received(mine)) == len(shop.received(other)) == 1

    @pytest.mark.parametrize("kind", ["dict", "list", "glob", "regex", "callable"])
    def test_task_routes(self, kind: str) -> None:
        shop = Shop()
        routed = f"{shop.queue}-routed"
        route = {"queue": routed, "priority": 4}

        def router(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **more: Any) -> Any:
            return route if name == "shop.routed" else None

        routes: Any = {
            "dict": {"shop.routed": route},
            "list": [("shop.other", {"queue": "no"}), ("shop.routed", route)],
            "glob": {"shop.r*": route},
            "regex": [(re.compile(r"shop\.rout.d"), route)],
            "callable": (router,),
        }[kind]
        shop.app.conf.task_routes = routes
        shop.app.send_task("shop.routed")
        shop.app.send_task("shop.routed", priority=1)
        shop.app.send_task("shop.plain")

        assert [call.properties["priority"] for call in shop.received(routed)] == [4, 1]
        assert [call.task for call in shop.received()] == ["shop.plain"]


class TestExchangeAndRoutingKey:
    def test_an_exchange_that_is_given_is_declared_and_used(self, shop: Shop, add: Any) -> None:
        name = f"{shop.queue}-x"
        exchange = kombu.Exchange(name, "topic")
        with kombu.Connection("memory://") as connection:
            kombu.Queue(name, exchange, routing_key="a.*")(connection.default_channel).declare()
        add.apply_async((1, 2), exchange=exchange, routing_key="a.b")

        assert shop.sent(name).args == [1, 2]

    def test_what_no_queue_takes_is_never_lost_without_a_word(self, shop: Shop, add: Any) -> None:
        exchange = kombu.Exchange(f"{shop.queue}-none", "direct")
        with pytest.raises(Unroutable, match="was not delivered") as caught:
            add.apply_async((1, 2), exchange=exchange, routing_key="k", task_id="mine")
        assert (caught.value.task_id, caught.value.delivered) == ("mine", False)

        add.apply_async((1, 2), exchange=exchange, routing_key="k", mandatory=False)


class TestPriority:
    @pytest.mark.parametrize("priority", [-1, 256])
    def test_out_of_range_is_refused(self, add: Any, priority: int) -> None:
        with pytest.raises(ValueError, match="priority is out of range"):
            add.apply_async((1, 2), priority=priority)

    @pytest.mark.parametrize("priority", [0, 9, 255])
    def test_it_is_sent_as_given(self, shop: Shop, add: Any, priority: int) -> None:
        add.apply_async((1, 2), priority=priority)

        assert shop.sent().properties["priority"] == priority


class TestIgnoreResult:
    def test_get_gives_none_at_once(self, shop: Shop, add: Any) -> None:
        result = add.apply_async((1, 2), ignore_result=True)

        assert result.get() is None
        assert shop.sent().headers["ignore_result"] is True

    def test_the_setting_holds_and_a_call_wins_over_it(self, add: Any, shop: Shop) -> None:
        shop.app.conf.task_ignore_result = True
        add.delay(1, 2)
        add.apply_async((1, 2), ignore_result=False)

        assert [call.headers["ignore_result"] for call in shop.received()] == [True, False]


class TestTimeout:
    @pytest.mark.parametrize("timeout", [0, 0.0, -1, float("inf"), float("nan")])
    def test_no_time_is_refused_on_every_broker_and_nothing_is_sent(self, shop: Shop, add: Any, timeout: Any) -> None:
        for send in (
            lambda: add.apply_async((1, 2), timeout=timeout),
            lambda: shop.app.send_many([add.s(1, 2).set(timeout=5), add.s(3, 4).set(timeout=timeout)]),
        ):
            with pytest.raises(ValueError, match="timeout must be greater than 0 seconds, got"):
                send()

        assert shop.received() == []

    def test_what_no_time_may_have_meant_is_told(self, add: Any) -> None:
        with pytest.raises(ValueError, match=r"for a connection at once or none, .*app\.pool\.acquire\(block=False\)"):
            add.apply_async((1, 2), timeout=0)
