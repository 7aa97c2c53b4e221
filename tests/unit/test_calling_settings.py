"""Settings of the calling client: sources, names, checks, and what is shown of them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import types
from datetime import timedelta, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from satchel.calling.retrying import RetryPolicy
from satchel.calling.settings import Settings, texts
from satchel.calling.settings.kinds import KINDS
from satchel.calling.settings.names import foreign, todays_name


def refusal(call: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return f"{caught.type.__name__}: {caught.value}"


# The fields


def test_every_field_has_a_kind():
    assert [field.name for field in dataclasses.fields(Settings)] == list(KINDS)


def test_every_setting_of_celery_is_ours_or_known_to_be_foreign():
    defaults = pytest.importorskip("celery.app.defaults").DEFAULTS

    assert [name for name in defaults if name not in KINDS and not foreign(name)] == []


def test_no_setting_of_ours_is_foreign():
    assert [name for name in KINDS if foreign(name)] == []


def test_each_setting_is_read_from_text_by_a_function_that_is_there() -> None:
    assert {kind.reader for kind in KINDS.values()} == {
        name for name, function in vars(texts).items() if inspect.isfunction(function)
    }


def test_defaults_are_celerys_but_for_the_guides_retries_a_broker_and_the_patience_with_redis():
    defaults = pytest.importorskip("celery.app.defaults").DEFAULTS
    ours = Settings()

    differing = {name for name in KINDS if name in defaults and getattr(ours, name) != defaults[name]}

    assert differing == {"broker_url", "task_publish_retry_policy", "redis_socket_timeout"}


def test_every_old_name_of_celery_leads_to_todays():
    old = pytest.importorskip("celery.app.defaults")._TO_NEW_KEY

    assert {name: todays_name(name, KINDS) for name in old} == old


# Sources


def test_later_sources_win_and_keywords_over_all():
    settings = Settings.of(
        {"task_serializer": "yaml", "task_default_queue": "one", "task_protocol": 1},
        None,
        SimpleNamespace(task_default_queue="two", task_protocol=1),
        task_protocol=2,
    )

    assert settings == Settings(task_serializer="yaml", task_default_queue="two", task_protocol=2)


def test_settings_are_a_source():
    first = Settings(task_serializer="yaml", result_extended=True)

    assert Settings.of(first, {"result_extended": False}) == Settings(task_serializer="yaml")


def test_workers_settings_are_left_out():
    settings = Settings.of({"worker_concurrency": 4, "beat_schedule": {}, "task_acks_late": True}, imports=("a",))

    assert settings == Settings()


def test_a_namespace_takes_only_its_own_names():
    django = SimpleNamespace(
        CELERY_TASK_SERIALIZER="yaml", CELERY_WORKER_POOL="solo", TIME_ZONE="UTC", task_serializer="x"
    )

    settings = Settings.of(django, namespace="CELERY")

    assert settings == Settings(task_serializer="yaml")


def test_a_namespace_of_a_mapping_may_end_with_an_underscore():
    assert Settings.of({"APP_TASK_SERIALIZER": "yaml", 3: 4}, namespace="APP_") == Settings(task_serializer="yaml")


def test_a_module_is_read_by_its_name(monkeypatch):
    module = types.ModuleType("some_celeryconfig")
    vars(module).update(task_serializer="yaml", helper=len, timezone=timezone, sys=sys, broker_heartbeat=3)
    monkeypatch.setitem(sys.modules, "some_celeryconfig", module)

    settings = Settings.from_object("some_celeryconfig")

    assert settings == Settings(task_serializer="yaml")


def test_a_module_that_is_not_there_is_an_import_error():
    with pytest.raises(ImportError, match="no_such_config"):
        Settings.from_object("no_such_config")


def test_the_environment_is_read_by_each_settings_type():
    settings = Settings.from_environment(
        {
            "CELERY_BROKER_URL": '["memory://a", "memory://b"]',
            "CELERY_BROKER_POOL_LIMIT": "none",
            "CELERY_BROKER_USE_SSL": "yes",
            "CELERY_BROKER_CONNECTION_TIMEOUT": "1.5",
            "CELERY_ACCEPT_CONTENT": "json, yaml",
            "CELERY_RESULT_EXPIRES": "60",
            "CELERY_RESULT_EXTENDED": "On",
            "CELERY_TASK_IGNORE_RESULT": "0",
            "CELERY_TASK_DEFAULT_DELIVERY_MODE": "1",
            "CELERY_TASK_DEFAULT_PRIORITY": "5",
            "CELERY_TASK_ROUTES": '{"a.*": {"queue": "q"}}',
            "CELERY_TASK_PUBLISH_RETRY_POLICY": '{"max_retries": 1}',
            "CELERY_TASK_COMPRESSION": "",
            "CELERY_TIMEZONE": "Asia/Tokyo",
            "CELERY_WORKER_CONCURRENCY": "3",
            "CELERY_LOG_LEVEL": "3",
            "CELERY_CONFIG_MODULE": "x",
            "HOME": "/",
        }
    )

    assert settings == Settings(
        broker_url=["memory://a", "memory://b"],
        broker_pool_limit=None,
        broker_use_ssl=True,
        broker_connection_timeout=1.5,
        accept_content=["json", "yaml"],
        result_expires=60,
        result_extended=True,
        task_default_delivery_mode=1,
        task_default_priority=5,
        task_routes={"a.*": {"queue": "q"}},
        task_publish_retry_policy={"max_retries": 1},
        timezone="Asia/Tokyo",
    )


def test_the_environment_is_that_of_the_process_by_default(monkeypatch):
    monkeypatch.setenv("SOMEAPP_TASK_SERIALIZER", "yaml")

    assert Settings.from_environment(prefix="SOMEAPP_") == Settings(task_serializer="yaml")


# Names


NAMES: dict[str, tuple[Any, str]] = {
    "typing error": (
        lambda: Settings.of({"task_serialiser": "json"}),
        "TypeError: unknown setting 'task_serialiser'; did you mean 'task_serializer'?",
    ),
    "in a keyword": (
        lambda: Settings.of(brokr_url="x"),
        "TypeError: unknown setting 'brokr_url'; did you mean 'broker_u",
    ),
    "in a change": (
        lambda: Settings().changed(resultbackend="x"),
        "TypeError: unknown setting 'resultbackend'; did you mean 'result_backend'?",
    ),
    "like nothing": (lambda: Settings.of(zzz=1), "TypeError: unknown setting 'zzz'; known: accept_content, broker_"),
    "not a str": (lambda: Settings.of({3: 4}), "TypeError: unknown setting 3; known: accept_content"),
    "in an object": (
        lambda: Settings.of(SimpleNamespace(task_serialiser="json")),
        "TypeError: unknown setting 'task_serialiser'; did you mean 'task_serializer'?",
    ),
    "in a namespace": (
        lambda: Settings.of({"CELERY_BROKER_ULR": "x"}, namespace="CELERY"),
        "TypeError: unknown setting 'CELERY_BROKER_ULR'; did you mean 'CELERY_BROKER_URL'?",
    ),
    "in a namespace, like nothing": (
        lambda: Settings.of({"CELERY_FLOWER_PORT": "x"}, namespace="CELERY"),
        "TypeError: unknown setting 'CELERY_FLOWER_PORT'; no setting has a name like it",
    ),
    "Celery 3's": (
        lambda: Settings.of({"BROKER_URL": "x"}),
        "TypeError: 'BROKER_URL' is a name of Celery 3; the setting is 'broker_url' now",
    ),
    "Celery 3's or a namespace's": (
        lambda: Settings.of(SimpleNamespace(CELERY_TASK_SERIALIZER="json")),
        "TypeError: 'CELERY_TASK_SERIALIZER' is a name of Celery 3; the setting is 'task_serializer' now, or give",
    ),
    "Celery 3's, without a rule": (
        lambda: Settings.of({"CELERY_MESSAGE_COMPRESSION": "gzip"}),
        "TypeError: 'CELERY_MESSAGE_COMPRESSION' is a name of Celery 3; the setting is 'task_compression' now",
    ),
    "Celery 3's in a namespace": (
        lambda: Settings.of({"CELERY_IGNORE_RESULT": True}, namespace="CELERY"),
        "TypeError: 'CELERY_IGNORE_RESULT' is a name of Celery 3; the setting is 'CELERY_TASK_IGNORE_RESULT' now",
    ),
    "an address in parts": (
        lambda: Settings.of(broker_host="h", broker_port=1),
        "TypeError: broker_host alone is not read: give broker_url='amqp://",
    ),
    "a module's name as a source": (
        lambda: Settings.of("some.module"),
        "TypeError: a source of settings is a mapping or an object; for the module 'some.module', use from_object",
    ),
    "an empty namespace": (
        lambda: Settings.of({}, namespace=""),
        "TypeError: namespace must be a str such as 'CELERY'",
    ),
    "an empty prefix": (lambda: Settings.from_environment({}, prefix=""), "ValueError: prefix must not be empty"),
}


@pytest.mark.parametrize(("call", "message"), NAMES.values(), ids=NAMES)
def test_names_that_are_refused(call: Any, message: str):
    assert refusal(call).startswith(message)


def test_an_objects_own_names_are_not_looked_at():
    config = SimpleNamespace(task_names=["a"], DATABASE_URL="x", TIMEZONE="y", helper=1, result=2)

    assert Settings.of(config) == Settings()


def test_an_address_in_parts_says_nothing_beside_a_url():
    assert Settings.of(broker_url="memory://", broker_password="x") == Settings(broker_url="memory://")


# Values


REFUSED: dict[str, tuple[str, Any, str]] = {
    "broker_url of bytes": (
        "broker_url",
        b"amqp://u:secret@h",
        "TypeError: broker_url must be a str, got a value of type b",
    ),
    "broker_url, empty": ("broker_url", " ", "ValueError: broker_url must not be empty"),
    "broker_url, none of many": ("broker_url", [], "ValueError: broker_url must have at least one URL"),
    "broker_url, one of many": ("broker_url", ["a://", 3], "TypeError: broker_url[1] must be a str"),
    "pool of a bool": ("broker_pool_limit", True, "TypeError: broker_pool_limit must be an int of 0 or more, got True"),
    "pool, negative": ("broker_pool_limit", -1, "ValueError: broker_pool_limit is out of range"),
    "timeout, none": (
        "broker_connection_timeout",
        None,
        "TypeError: broker_connection_timeout must be a number of sec",
    ),
    "timeout, 0": (
        "broker_connection_timeout",
        0,
        "ValueError: broker_connection_timeout must be greater than 0 seconds",
    ),
    "TLS by a str": ("broker_use_ssl", "yes", "TypeError: broker_use_ssl must be True, False or a mapping"),
    "options in a list": ("broker_transport_options", [1], "TypeError: broker_transport_options must be a mapping"),
    "options not by str": (
        "broker_transport_options",
        {1: 2},
        "TypeError: broker_transport_options must have str names",
    ),
    "content as a str": (
        "accept_content",
        "json",
        "TypeError: accept_content must be a list of names, such as ['json']",
    ),
    "content, none": ("accept_content", [], "ValueError: accept_content must have at least one name"),
    "content, not a str": ("accept_content", ["json", 1], "TypeError: accept_content[1] must be a str, got 1"),
    "serializer, empty": ("task_serializer", "", "ValueError: task_serializer must not be empty"),
    "serializer, none": ("task_serializer", None, "TypeError: task_serializer must be a str, got None"),
    "compression, empty": ("task_compression", "", "ValueError: task_compression must not be empty; leave it out"),
    "protocol 3": ("task_protocol", 3, "ValueError: task_protocol must be 2 or 1, got 3"),
    "protocol True": ("task_protocol", True, "TypeError: task_protocol must be 2 or 1, got True"),
    "flag 1": ("task_ignore_result", 1, "TypeError: task_ignore_result must be True or False, got 1"),
    "eager": ("task_always_eager", True, "ValueError: task_always_eager=True is not for this client, which sends"),
    "queue type": (
        "task_default_queue_type",
        "stream",
        "ValueError: task_default_queue_type must be 'classic' or 'quoru",
    ),
    "priority": ("task_default_priority", 256, "ValueError: task_default_priority is out of range"),
    "delivery mode": (
        "task_default_delivery_mode",
        3,
        "ValueError: task_default_delivery_mode must be 1 or 'transient'",
    ),
    "expires": ("result_expires", -1, "ValueError: result_expires must be 0 seconds or more, got -1"),
    "expires by a str": (
        "result_expires",
        "1d",
        "TypeError: result_expires must be a number of seconds or a timedelta",
    ),
    "policy": ("task_publish_retry_policy", {"max": 1}, "TypeError: task_publish_retry_policy: unknown key 'max' in"),
    "policy, none": ("task_publish_retry_policy", None, "TypeError: task_publish_retry_policy: retry_policy must be a"),
    "routes": ("task_routes", 3, "TypeError: task_routes must be a mapping, a list of"),
    "queues": ("task_queues", "q", "TypeError: task_queues must be a list of kombu.Queue, or a mapping"),
    "zone": ("timezone", "Mars/Olympus", "ValueError: timezone: no time zone 'Mars/Olympus' here"),
    "zone, path": ("timezone", "../etc", "ValueError: timezone: no time zone '../etc' here"),
    "zone, number": ("timezone", 3, "TypeError: timezone must be a str, got 3"),
    "local time": ("enable_utc", False, "ValueError: enable_utc=False needs timezone"),
}


@pytest.mark.parametrize(("name", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_values_that_are_refused(name: str, value: Any, message: str):
    assert refusal(lambda: Settings.of({name: value})).startswith(message)


@pytest.mark.parametrize("value", [b"amqp://user:s3cret@host", ["amqp://user:s3cret@host", b"s3cret"]])
def test_errors_do_not_show_secrets(value: Any):
    assert "s3cret" not in refusal(lambda: Settings(broker_url=value))


TEXTS = {
    "RESULT_EXTENDED": ("maybe", "expected true or false, yes or no"),
    "BROKER_POOL_LIMIT": ("ten", "expected a number"),
    "BROKER_TRANSPORT_OPTIONS": ("{", "expected JSON: "),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_variables_that_are_refused(name: str):
    text, expected = TEXTS[name]

    message = refusal(lambda: Settings.from_environment({f"CELERY_{name}": text}))

    assert message.startswith(f"ValueError: CELERY_{name} cannot be read: {expected}")


def test_no_broker_url_is_the_default():
    assert Settings(broker_url=None) == Settings()  # type: ignore[arg-type]


def test_messages_go_to_the_broker_for_writing():
    assert Settings(broker_url="a://").publish_url == "a://"
    assert Settings(broker_url="a://", broker_write_url="b://").publish_url == "b://"


def test_results_are_accepted_as_messages_are_and_in_their_own_serializer():
    assert Settings(accept_content=["json", "yaml"], result_serializer="msgpack").accepted_results == (
        *("json", "yaml"),
        "msgpack",
    )
    assert Settings(result_serializer="yaml", result_accept_content=["json"]).accepted_results == ("json",)


@pytest.mark.parametrize(
    ("given", "lifetime"),
    [(60, timedelta(minutes=1)), (timedelta(hours=1), timedelta(hours=1)), (0, None), (None, None)],
)
def test_results_have_a_lifetime_or_none(given: Any, lifetime: Any):
    assert Settings(result_expires=given).result_lifetime == lifetime


def test_names_in_a_set_are_taken_in_order():
    assert Settings.of(accept_content={"yaml", "json"}).accept_content == ("json", "yaml")


def test_naive_times_are_utc_or_in_the_zone():
    assert Settings().zone is timezone.utc
    assert Settings(timezone="Asia/Tokyo", enable_utc=False).zone == ZoneInfo("Asia/Tokyo")
    assert Settings(timezone=timezone(timedelta(hours=2))).zone == timezone(timedelta(hours=2))


def test_the_retry_policy_is_kept_as_one():
    assert Settings(task_publish_retry_policy={"max_retries": None}).task_publish_retry_policy == RetryPolicy(None)


# Values of their own


def test_changed_gives_others_and_leaves_the_first():
    first = Settings()

    other = first.changed(task_serializer="yaml", worker_pool="solo")

    assert (first.task_serializer, other.task_serializer) == ("json", "yaml")


def test_nothing_can_be_changed_in_place():
    options = {"a": 1}
    settings = Settings(broker_transport_options=options, task_routes=options)
    options["a"] = 2

    with pytest.raises(TypeError):
        settings.broker_transport_options["a"] = 3  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.task_serializer = "yaml"  # type: ignore[misc]
    assert settings.broker_transport_options == settings.task_routes == {"a": 1}


def test_settings_are_pickled_and_copied():
    settings = Settings(broker_transport_options={"a": 1}, result_expires=3, task_queues={"q": {}})

    assert pickle.loads(pickle.dumps(settings)) == copy.deepcopy(settings) == settings


def test_what_is_shown_is_what_is_set_without_secrets():
    settings = Settings(
        broker_url="amqp://me:s3cret@one//;amqp://me:s3cret@two//",
        result_backend="redis://:s3cret@host/0",
        broker_transport_options={"sentinel_kwargs": {"password": "s3cret"}},
        task_serializer="yaml",
    )

    shown = repr(settings)

    assert shown == (
        "Settings(broker_url='amqp://me:***@one//;amqp://me:***@two//', "
        "broker_transport_options={'sentinel_kwargs': ...}, "
        "result_backend='redis://:***@host/0', task_serializer='yaml')"
    )


def test_importing_settings_and_routing_imports_no_kombu():
    code = "import sys, satchel.calling.settings, satchel.calling.routing; sys.exit('kombu' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code])

    assert done.returncode == 0


@pytest.mark.parametrize("name", ["redis_host", "redis_password", "redis_backend_use_ssl", "database_url"])
def test_what_must_not_be_left_out_is_refused_with_what_does_it_here(name: str):
    with pytest.raises(ValueError, match=rf"^{name} is not read here: give it (in the url|as result_backend)"):
        Settings.of({name: "x"})
    with pytest.raises(ValueError, match=name):
        Settings.from_environment({f"CELERY_{name.upper()}": "x"})
    with pytest.raises(ValueError, match=name):
        Settings().changed(**{name: "x"})

    assert Settings.of({name: None}) == Settings()
