"""URLs of brokers and result backends: what is read of them, and what is said of one that cannot be."""

from __future__ import annotations

import json
import traceback
from importlib import import_module
from typing import Any

import pytest

from satchel import MissingDependency
from satchel.calling import App
from satchel.calling.broker.transports import new_connection
from satchel.calling.idempotency import Idempotency
from satchel.calling.results import BackendError, backend_for
from satchel.calling.settings.kinds import STRATEGIES
from satchel.calling.urls import redis_url

kombu: Any = import_module("kombu")
redis: Any = import_module("redis")

# Redis, as a result backend


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:p%40ss@host:6379/1", "redis://:p%40ss@host:6379/1"),
        ("redis+socket:///tmp/redis.sock?virtual_host=/2", "unix:///tmp/redis.sock?db=2"),
        ("socket:///tmp/redis.sock", "unix:///tmp/redis.sock?db=0"),
        ("unix:///tmp/redis.sock?db=3", "unix:///tmp/redis.sock?db=3"),
        ("rediss://host/0?ssl_cert_reqs=CERT_REQUIRED", "rediss://host/0?ssl_cert_reqs=required"),
    ],
)
def test_celerys_urls_are_redis_pys(url: str, expected: str) -> None:
    assert redis_url(url) == expected


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        ("db=3", {"db": 3}),
        ("protocol=3&max_connections=5", {"protocol": 3}),
        ("username=me&password=p%40ss&client_name=shop", {"username": "me", "password": "p@ss", "client_name": "shop"}),
        ("socket_timeout=2&socket_connect_timeout=0.5", {"socket_timeout": 2.0, "socket_connect_timeout": 0.5}),
        ("socket_keepalive=no&retry_on_timeout=yes", {"socket_keepalive": False, "retry_on_timeout": True}),
        ("health_check_interval=30", {"health_check_interval": 30}),
    ],
)
def test_options_of_a_url_are_redis_pys(query: str, taken: dict[str, Any]) -> None:
    pool = redis.Redis.from_url(redis_url(f"redis://host/0?{query}")).connection_pool
    pool.connection_class(**pool.connection_kwargs)  # It takes them all; nothing is connected.

    # As text: redis-py turned some into numbers later than others.
    given = {name: str(value) for name, value in pool.connection_kwargs.items()}
    assert given.items() >= {name: str(value) for name, value in taken.items()}.items()


@pytest.mark.parametrize(
    "option",
    [
        *("ssl_cert_reqs=none", "ssl_check_hostname=false", "ssl_ciphers=x", "ssl_password=x", "ssl_ca_certs=x"),
        *("ssl_ca_data=x", "ssl_ca_path=x", "ssl_certfile=x", "ssl_keyfile=x", "ssl_min_version=771"),
    ],
)
def test_options_of_tls_are_redis_pys_and_need_tls(option: str) -> None:
    pool = redis.Redis.from_url(redis_url(f"rediss://host?{option}")).connection_pool
    pool.connection_class(**pool.connection_kwargs)

    with pytest.raises(ValueError, match=r"option 'ssl_\w+' in the url of result_backend is for TLS: .*rediss://"):
        redis_url(f"redis://host?{option}")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://h/0?foo=1", "unknown option 'foo' in the url of result_backend; known: client_name, db, "),
        ("redis://h/0?foo", "unknown option 'foo' in the url of result_backend"),
        ("redis://h?socket_timout=1", "unknown option 'socket_timout' .*; did you mean 'socket_timeout'?"),
        ("redis://h?parser_class=x", "unknown option 'parser_class'"),
        ("redis://h?virtual_host=/1", "unknown option 'virtual_host'"),
        ("unix:///tmp/redis.sock?socket_keepalive=1", "unknown option 'socket_keepalive'"),
        ("redis://h?db=x", "option 'db' in the url of result_backend must be a whole number, 0 or more"),
        ("redis://h/x", "option 'db' in the url of result_backend must be a whole number"),
        ("redis+socket:///tmp/redis.sock?virtual_host=x", "option 'db' .* whole number"),
        ("redis://h?max_connections=-1", "option 'max_connections' .* whole number"),
        ("redis://h?socket_timeout=soon", "option 'socket_timeout' .* a number of seconds, greater than 0"),
        ("redis://h?socket_timeout=0", "option 'socket_timeout' .* greater than 0"),
        ("redis://h?socket_timeout=1e300", "option 'socket_timeout' .* greater than 0"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_sent(url: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        App("a", broker="memory://", backend=url).send_task("shop.pay")


@pytest.mark.parametrize("option", ["decode_responses=1", "decode_responses=true&encoding=utf-16", "encoding_errors=x"])
def test_what_is_read_stays_bytes_whatever_a_url_says(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key, body = b"celery-task-meta-ab", json.dumps({"status": "SUCCESS", "result": "\u00e9"}).encode()

    def answer(client: Any, _: str, name: str, *_ends: int, **_more: Any) -> Any:
        encoder = client.connection_pool.get_encoder()
        assert encoder.encode(name) == key
        return encoder.decode(body)

    monkeypatch.setattr(redis.Redis, "execute_command", answer)

    assert backend_for(f"redis://h/0?{option}").fetch("ab").result == "\u00e9"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "redis://me:secret@host:port",
            "redis://me:secret@host:99999",
            "redis://me:secret@[::1",
            "redis://me:se/cret",
        ),
        *("redis://me?secret@host/0", "rediss://me:secret@host:port"),
    ],
)
def test_a_result_backend_that_cannot_be_read_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"the url of result_backend cannot be read; a port is .*%2F") as caught:
        App("a", broker="memory://", backend=url).send_task("shop.pay")

    assert "cret" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("url", ["redis://host:port", "redis://host?foo=1", "http://host"])
def test_a_wrong_url_for_idempotency_keys_is_told_by_its_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"the url of Idempotency"):
        Idempotency(url)


# Databases, as result backends


def test_a_database_that_cannot_be_read_is_told_without_its_password() -> None:
    with pytest.raises(BackendError, match=r"result_backend, db\+…, cannot be read.*%2F") as caught:
        backend_for("db+sqlite+pysqlite://me:secret@host:port/x").fetch("task")

    assert caught.value.lasting
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["db+nosuch://me:secret@host/x", "db+sqlite+nosuch:///x"])
def test_a_database_that_sqlalchemy_does_not_know_is_told(url: str) -> None:
    with pytest.raises(
        BackendError, match=r"result_backend names no database that SQLAlchemy knows: db\+.*nosuch; .*db\+sqlite:///"
    ) as caught:
        backend_for(url).fetch("task")

    assert caught.value.lasting
    assert "secret" not in str(caught.value)


# Brokers


@pytest.mark.parametrize("setting", ["broker_url", "broker_write_url"])
@pytest.mark.parametrize(
    "url",
    [
        *("redis://me:secret@host:port", "amqp://me:secret@host:port", "amqp://me:secret@host:99999"),
        *(
            "memory://me:secret@host:port",
            "sqla+sqlite://me:secret@host:port/x",
            "amqp://host;amqp://me:secret@host:port",
        ),
        "amqp://me:secret@[::1",
    ],
)
def test_a_broker_that_cannot_be_read_is_told_without_its_password(url: str, setting: str) -> None:
    with pytest.raises(ValueError, match=rf"^{setting} cannot be read; a port is .*%2F") as caught:
        App("a", config={setting: url}).send_task("shop.pay")

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["sqla+nosuch://me:secret@host/x", "sqlalchemy+sqlite+nosuch:///x", "sqla://nosuch/x"])
def test_a_broker_in_a_database_that_sqlalchemy_does_not_know_is_told(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"broker_url names no database that SQLAlchemy knows: '.*'; .*sqla\+sqlite:///"
    ) as caught:
        App("a", broker=url).send_task("shop.pay")

    assert "secret" not in str(caught.value)


def test_a_brokers_driver_that_is_missing_is_told() -> None:
    with pytest.raises(MissingDependency, match=r"broker_url sqla.* needs the library .*driver") as caught:
        App("a", broker="sqla+sqlite+pysqlcipher://:secret@/x").send_task("shop.pay")

    assert "secret" not in str(caught.value)


def test_a_transport_that_kombu_does_not_know_is_told() -> None:
    with pytest.raises(ValueError, match=r"no transport 'nosuch', see broker_url; known: amqp, amqps, redis"):
        App("a", broker="nosuch://x").send_task("shop.pay")


# Several brokers


def test_orders_of_brokers_are_kombus() -> None:
    assert set(STRATEGIES) == set(kombu.Connection.failover_strategies)
    assert [App("a", broker_failover_strategy=each).conf.broker_failover_strategy for each in STRATEGIES] == [
        *STRATEGIES
    ]
    assert App("a", broker_failover_strategy=iter).conf.broker_failover_strategy is iter


@pytest.mark.parametrize(("given", "error"), [("nope", ValueError), ("", ValueError), (3, TypeError)])
def test_an_order_that_kombu_does_not_know_is_told_when_it_is_set(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="broker_failover_strategy must be 'round-robin' or 'shuffle', or a function, got"):
        App("a", broker="memory://", broker_failover_strategy=given)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:secret@h/0?foo=1", r"broker_url has an option behind its \? that kombu does not know: foo$"),
        ("redis://me?secret=x@h", r"broker_url has an option behind its \? that kombu does not know$"),
        ("rediss://:secret@h/0?ssl_cert_reqs=bogus", r"broker_url has an option .* that kombu knows no such value of$"),
        ("nosuch://h", "kombu has no transport 'nosuch', see broker_url"),
    ],
)
def test_options_of_a_brokers_url_are_kombus(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        App("a", broker=url).send_task("shop.add")

    assert "secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["redis://:12?secret=x@host/0", "redis://:12?secret&y=x@host/0"])
def test_what_may_be_a_part_of_a_password_is_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="cannot be read") as caught:
        redis_url(url)

    assert "secret" not in str(caught.value)


def fails(_: Any) -> Any:
    raise ValueError("no order today")


@pytest.mark.parametrize(
    ("strategy", "cause"), [(fails, ValueError), (lambda _: iter(()), StopIteration), (len, TypeError)]
)
def test_an_order_of_brokers_that_fails_is_not_a_wrong_url(strategy: Any, cause: type[Exception]) -> None:
    app = App("a", broker="memory://;memory://", broker_failover_strategy=strategy)
    with pytest.raises(
        ValueError, match=f"broker_failover_strategy gave no order of the brokers: {cause.__name__}"
    ) as told:
        app.send_task("shop.add")

    assert isinstance(told.value.__cause__, cause)


def test_an_order_of_brokers_is_the_applications_own() -> None:
    given: list[Any] = []

    def order(urls: list[str]) -> Any:
        given.extend(urls)
        return iter(urls * 2)

    App("a", broker="memory://one;memory://two", broker_failover_strategy=order).send_task("shop.add")
    assert [url.partition("://")[0] for url in given] == ["memory", "memory"]


def test_an_order_of_brokers_that_ends_begins_again() -> None:
    def order(urls: list[str]) -> Any:
        yield from sorted(urls)

    connection = new_connection("memory://one;memory://two", {}, failover_strategy=order)
    for _ in range(5):
        connection.maybe_switch_next()

    assert connection.hostname is not None


def test_several_brokers_are_each_read_by_their_own_scheme() -> None:
    new_connection("redis://one/0;amqp://two/vhost", {})
    with pytest.raises(ValueError, match="the number of Redis's database"):
        new_connection("amqp://two/vhost;redis://one/vhost", {})


@pytest.mark.parametrize("query", ["client_name=shop@web1", "ssl_ca_certs=/etc/corp@2x/ca.pem"])
def test_an_option_may_have_an_at_sign(query: str) -> None:
    assert redis_url(f"rediss://host:6379/13?{query}").startswith("rediss://host:6379/13?")
