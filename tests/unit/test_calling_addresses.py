"""Addresses of brokers that cannot be, what a broker that refuses a connection is told as, and foreign variables."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import pytest

from satchel.calling import App, OperationalError, Refused, Settings, UnknownVariable
from satchel.calling.broker.link import VirtualLink
from satchel.calling.broker.transports import new_connection

amqp: Any = import_module("amqp")
kombu: Any = import_module("kombu")

SECRET = "s3cret"


class TestAScheme:
    @pytest.mark.parametrize(
        "url",
        [
            *("127.0.0.1:5672", "localhost:6379/0", f"amqp//me:{SECRET}@host", f"amqp:/me:{SECRET}@host", "://host"),
            *(f"amqp://one;me:{SECRET}@two", ["amqp://one", f"me:{SECRET}@two"]),
        ],
    )
    @pytest.mark.parametrize("setting", ["broker_url", "broker_write_url"])
    def test_that_is_missing_is_told_before_anything_is_sent(self, setting: str, url: Any) -> None:
        app = App("shop", broker="memory://")
        for take in (lambda: App("shop", **{setting: url}), lambda: app.configure(**{setting: url})):
            with pytest.raises(
                ValueError, match=rf"^{setting}(\[1\])? must begin with a scheme, such as amqp://"
            ) as caught:
                take()

            assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "url", ["localhost", "rabbit", "amqp://", "amqp://one;amqp://two", "sqla+sqlite:///x", "x-y://"]
    )
    def test_is_not_asked_for_beyond_that(self, url: str) -> None:
        assert App("shop", broker=url).settings.broker_url == url

    @pytest.mark.parametrize(
        ("url", "hint"),
        [("ampq://h", "did you mean 'amqp'?"), ("reddis://h", "did you mean 'redis'?"), ("foo://h", "known: ")],
    )
    def test_that_is_unknown_is_told_with_the_nearest(self, url: str, hint: str) -> None:
        with pytest.raises(ValueError, match=r"kombu has no transport '.*', see broker_url; ") as caught:
            App("shop", broker=url).send_task("x")

        assert hint in str(caught.value)


@pytest.mark.parametrize(
    "url", [f"redis://:{SECRET}@h/abc", "rediss://h/-1", "redis://h/0/1", "redis://h/0;redis://i/x"]
)
def test_a_database_of_redis_that_is_no_number_is_told_with_the_setting(url: str) -> None:
    with pytest.raises(ValueError, match=r"^broker_url: behind the / is the number of Redis's database") as caught:
        new_connection(url, {})

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h", "redis://h/", "redis://h/0", "redis://h//3", "redis://h/1;redis://i/2"])
def test_a_database_of_redis_is_a_number(url: str) -> None:
    assert new_connection(url, {}).transport.driver_type == "redis"


class TestABrokerThatSaysNo:
    @staticmethod
    def failure(error: Exception, monkeypatch: pytest.MonkeyPatch, *, opened: bool) -> OperationalError:
        app = App("shop", broker="memory://")
        parcel = app.sender.prepare(app.signature("x").call()).packet
        connection = kombu.Connection("amqp://me:s3cret@h//")
        link = VirtualLink(connection)

        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(connection.transport, "establish_connection", object)
        monkeypatch.setattr(link, "_create_channel", (lambda _: object()) if opened else fail)
        monkeypatch.setattr(link, "_declare", fail)
        with pytest.raises(OperationalError) as caught:
            link.publish(parcel)
        return caught.value

    @pytest.mark.parametrize("kind", ["AccessRefused", "NotAllowed"])
    def test_to_the_connection_has_refused_no_message(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        error = self.failure(getattr(amqp, kind)("Login was refused"), monkeypatch, opened=False)

        assert str(error).startswith(f"the broker refused the connection: {kind}: ")
        assert type(error) is OperationalError  # No message of the application would get through.
        assert error.delivered is False

    def test_to_the_message_has_refused_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        error = self.failure(amqp.PreconditionFailed("inequivalent arg"), monkeypatch, opened=True)

        assert str(error).startswith("the broker refused the message: PreconditionFailed: ")
        assert type(error) is Refused

    def test_by_a_socket_cannot_be_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        error = self.failure(ConnectionRefusedError("no"), monkeypatch, opened=False)

        assert str(error).startswith("the broker cannot be reached: ConnectionRefusedError: ")


class TestVariables:
    @pytest.mark.parametrize(
        ("variable", "hint"),
        [
            ("CELERY_CONCURRENCY", "unknown setting 'CELERY_CONCURRENCY'; no setting has a name like it"),
            ("CELERY_FLOWER_PORT", "unknown setting 'CELERY_FLOWER_PORT'; no setting has a name like it"),
            ("CELERY_BROKER", "unknown setting 'CELERY_BROKER'; did you mean 'CELERY_BROKER_URL'?"),
            ("CELERY_TASK_RESULT_EXPIRES", "a name of Celery 3; the setting is 'CELERY_RESULT_EXPIRES' now"),
        ],
    )
    def test_of_others_are_told_and_left_out(self, variable: str, hint: str) -> None:
        with pytest.warns(UnknownVariable) as caught:
            settings = Settings.from_environment({variable: "3", "CELERY_BROKER_URL": "memory://"})

        assert settings == Settings(broker_url="memory://")
        assert [str(each.message).endswith(hint) for each in caught] == [True]
        assert caught[0].filename == __file__

    def test_of_the_workers_are_left_out_without_a_word(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert Settings.from_environment({"CELERY_WORKER_CONCURRENCY": "3", "CELERY_BIN": "x"}) == Settings()
