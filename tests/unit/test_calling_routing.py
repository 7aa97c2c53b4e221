"""Routing: where messages go by task_routes, by task_queues, and by the options of a call."""

from __future__ import annotations

import re
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from satchel.calling.routing.queues import UnknownQueue, is_broadcast, is_entity
from satchel.calling.routing.router import Route, Router
from satchel.calling.settings import Settings

kombu: Any = pytest.importorskip("kombu")
Exchange, Queue, binding = kombu.Exchange, kombu.Queue, kombu.binding


def router(**settings: Any) -> Router:
    return Router(Settings(**settings))


def place(route: Route | None) -> tuple[str, str, str | None]:
    assert route is not None
    return route.exchange, route.routing_key, None if route.queue is None else route.queue.name


# The table


def test_a_task_that_is_not_routed_goes_to_the_default_queue():
    route = router().route("a")

    assert place(route) == ("", "celery", "celery")
    assert (route.exchange_to_declare, dict(route.options)) == (None, {})


TABLES: dict[str, Any] = {
    "mapping": {"a.b": "q"},
    "mapping of options": {"a.b": {"queue": "q"}},
    "glob": {"x": "no", "a.*": "q"},
    "glob in the middle": {"*b": "q"},
    "name before globs": {"a.*": "no", "a.b": "q"},
    "first glob": {"a.*": "q", "a.b*": "no"},
    "regex": {re.compile(r"a\.(b|c)$"): "q"},
    "list of mappings": [{"x": "no"}, {"a.b": "q"}, {"a.*": "no"}],
    "list of pairs": [("x", "no"), ("a.*", {"queue": "q"}), ("a.b", "no")],
    "list of lists of pairs": ([("a.*", "no"), ("a.b", "q")],),
    "function": lambda name, args, kwargs, options, task=None, **kw: {"queue": "q"} if name == "a.b" else None,
    "functions": [lambda *args, **kw: None, lambda *args, **kw: "q"],
    "function behind a mapping": [{"x": "no"}, lambda *args, **kw: "q"],
    "function before a mapping": [lambda *args, **kw: None, {"a.b": "q"}],
    "queue": {"a.b": Queue("q", Exchange("q"), "q")},
    "router of before Celery 4": types.SimpleNamespace(
        route_for_task=lambda task, args=None, kwargs=None: {"queue": "q"}
    ),
}


@pytest.mark.parametrize("routes", TABLES.values(), ids=TABLES)
def test_every_form_of_a_table_routes(routes: Any):
    assert place(router(task_routes=routes).route("a.b")) == ("", "q", "q")


# Celery takes neither pairs outside of a list of them, nor queues where names do.
@pytest.mark.parametrize("form", sorted({*TABLES} - {"list of pairs", "queue"}))
def test_celery_routes_by_these_tables_alike(form: str):
    celery = pytest.importorskip("celery")
    app = celery.Celery(set_as_current=False)
    app.conf.task_routes = TABLES[form]

    options = app.amqp.router.route({}, "a.b", (), {})

    assert options["queue"].name == "q"


@pytest.mark.parametrize("name", ["some_router.route", "some_router:route"])
def test_a_function_is_imported_by_its_name_when_it_is_first_asked(monkeypatch, name: str):
    made = router(task_routes=name)
    module = types.ModuleType("some_router")
    module.route = lambda name, *args, **kw: name  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_router", module)

    assert place(made.route("q")) == ("", "q", "q")


def test_a_function_that_cannot_be_imported_is_named():
    made = router(task_routes=["no_such_module.route"])

    with pytest.raises(ImportError, match=re.escape("task_routes[0]: 'no_such_module.route' cannot be imported: ")):
        made.route("a")


def test_a_function_is_given_the_call():
    asked: list[Any] = []

    def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **kw: Any) -> None:
        asked.append((name, args, kwargs, options, task, kw))

    router(task_routes=route).route("a", (1,), {"x": 2}, queue="q", options={"priority": 3})

    assert asked == [("a", (1,), {"x": 2}, {"priority": 3, "queue": "q"}, None, {})]


def test_further_options_of_a_route_come_with_it():
    made = router(task_routes={"a": {"queue": "q", "priority": 3, "serializer": "yaml", "retry": False}})

    assert made.route("a").options == {"priority": 3, "serializer": "yaml", "retry": False}
    assert made.route("a", queue="other").options == {"priority": 3, "serializer": "yaml", "retry": False}


def test_a_route_of_options_alone_goes_to_the_default_queue():
    route = router(task_routes={"a": {"priority": 3}}).route("a")

    assert (place(route), dict(route.options)) == (("", "celery", "celery"), {"priority": 3})


def test_a_route_is_worked_out_once():
    made = router(task_routes={"a.*": "q"})

    assert made.static("a.b") is made.static("a.b") is made.route("a.b")


def test_only_a_function_that_would_be_asked_makes_a_route_dynamic():
    made = router(task_routes=[{"a": "q"}, lambda *args, **kw: None, {"b": "q"}])

    assert place(made.static("a")) == ("", "q", "q")
    assert made.static("b") is None
    assert place(made.route("b")) == ("", "q", "q")


REFUSED: dict[str, tuple[Any, str]] = {
    "number in a list": ([3], "TypeError: task_routes[0] must be a mapping, a list of pairs, a function or its dotted"),
    "half a pair": (
        [[("a", "q"), ("b",)]],
        "TypeError: task_routes[0][1] must be a pair of a task's name and its route",
    ),
    "route of a number": ({"a": 3}, "TypeError: task_routes['a'] must be a queue's name, a kombu.Queue or a mapping"),
    "route of a number in a list": (
        [{}, ("a", 3)],
        "TypeError: task_routes[1]['a'] must be a queue's name, a kombu.Queue",
    ),
    "typing error": (
        {"a": {"qeue": "q"}},
        "TypeError: unknown option 'qeue' in task_routes['a']; did you mean 'queue'?",
    ),
    "typing error in a list": (
        [{"a": "q"}, {"b": {"routing_kye": "q"}}],
        "TypeError: unknown option 'routing_kye' in task_routes[1]['b']; did you mean 'routing_key'?",
    ),
    "empty name": ({"": "q"}, "TypeError: task_routes[''] must be for a task's name, a glob or a compiled pattern"),
    "pattern of bytes": ({re.compile(b"a"): "q"}, "TypeError: task_routes[b'a'] must be for a task's name"),
    "empty queue": ({"a": ""}, "ValueError: task_routes['a']: queue must not be empty"),
    "queue of another type": (
        {"a": {"queue": 3}},
        "TypeError: task_routes['a']: queue must be a name or a kombu.Queue",
    ),
    "exchange of another type": (
        {"a": {"exchange": 3}},
        "TypeError: task_routes['a']: exchange must be a name or a kom",
    ),
    "key of another type": ({"a": {"routing_key": 3}}, "TypeError: task_routes['a']: routing_key must be a str, got 3"),
    "type alone": ({"a": {"exchange_type": "topic"}}, "TypeError: task_routes['a']: exchange_type needs exchange"),
    "no dotted name": ("route", "TypeError: task_routes must be the dotted name of a function, such as"),
    "a pair alone": (("a.*", {"queue": "q"}), "TypeError: task_routes[0] must be the dotted name of a function"),
}


@pytest.mark.parametrize(("routes", "message"), REFUSED.values(), ids=REFUSED)
def test_tables_that_are_refused_when_the_router_is_made(routes: Any, message: str):
    settings = Settings(task_routes=routes)

    with pytest.raises((TypeError, ValueError)) as caught:
        Router(settings)

    assert f"{caught.type.__name__}: {caught.value}".startswith(message)


def test_what_a_function_gives_is_checked():
    made = router(task_routes=lambda *args, **kw: {"qeue": "q"})

    with pytest.raises(
        TypeError, match=r"unknown option 'qeue' in what task_routes gave for 'a'; did you mean 'queue'\?"
    ):
        made.route("a")


# The options of a call


def test_a_queue_of_the_call_goes_over_the_tables():
    made = router(task_routes={"a": {"exchange": "x", "routing_key": "k", "exchange_type": "topic"}})

    assert place(made.route("a", queue="q")) == ("", "q", "q")


def test_the_tables_queue_keeps_the_tables_routing_key():
    queues = [Queue("q", Exchange("x", "topic"), "a.#")]
    made = router(task_queues=queues, task_routes={"a": {"queue": "q", "routing_key": "a.b"}})

    assert place(made.route("a", queue="q")) == place(made.route("a", queue=queues[0])) == ("x", "a.b", "q")


def test_a_queue_may_be_kombus():
    queue = Queue("q", Exchange("x", "topic"), "k")

    route = router().route("a", queue=queue)

    assert place(route) == ("x", "k", "q")
    assert route.queue is queue


def test_a_routing_key_of_the_call_goes_over_the_tables():
    queues = [Queue("q", Exchange("x", "topic"), "a.#")]
    made = router(task_queues=queues, task_routes={"a": {"queue": "q", "routing_key": "a.b"}})

    assert place(made.route("a")) == ("x", "a.b", "q")
    assert place(made.route("a", routing_key="a.c")) == ("x", "a.c", "q")


def test_a_routing_key_alone_goes_to_the_default_exchange():
    route = router(task_default_exchange="tasks", task_default_exchange_type="topic").route("a", routing_key="k")

    assert place(route) == ("tasks", "k", "celery")
    assert route.queue is not None
    assert (route.queue.exchange.name, route.queue.exchange.type) == ("tasks", "topic")


def test_an_exchange_by_name_is_gone_to_and_not_declared():
    route = router().route("a", exchange="x", routing_key="k")

    assert place(route) == ("x", "k", None)
    assert route.exchange_to_declare is None
    assert place(router().route("a", exchange="x")) == ("x", "", None)


def test_an_exchange_of_kombus_is_declared():
    exchange = Exchange("x", "topic")

    route = router().route("a", exchange=exchange, routing_key="k")

    assert place(route) == ("x", "k", None)
    assert route.exchange_to_declare is exchange


def test_an_exchange_with_its_type_is_declared():
    route = router(task_routes={"a": {"exchange": "x", "exchange_type": "topic", "routing_key": "k"}}).route("a")

    assert place(route) == ("x", "k", None)
    assert route.exchange_to_declare == Exchange("x", "topic")


def test_an_exchange_of_the_settings_is_declared():
    exchange = Exchange("x", "topic", durable=False)

    route = router(task_queues=[Queue("q", exchange, "k")]).route("a", exchange="x", routing_key="k")

    assert route.exchange_to_declare is exchange


def test_an_exchange_and_a_queue_go_to_the_exchange_with_the_queues_key():
    route = router(task_queues=[Queue("q", Exchange("x"), "k")]).route("a", exchange="y", queue="q")

    assert place(route) == ("y", "k", "q")


def test_the_default_exchange_is_gone_to_by_a_queues_name():
    assert place(router().route("a", exchange="", routing_key="q")) == ("", "q", None)
    assert place(router().route("a", exchange="", queue="q")) == ("", "q", "q")


CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "queue of another type": ({"queue": 3}, "TypeError: queue must be a name or a kombu.Queue, got 3"),
    "queue, empty": ({"queue": ""}, "ValueError: queue must not be empty"),
    "exchange of another type": ({"exchange": 3}, "TypeError: exchange must be a name or a kombu.Exchange, got 3"),
    "key of another type": ({"routing_key": b"k"}, "TypeError: routing_key must be a str"),
    "type alone": ({"exchange_type": "topic"}, "TypeError: exchange_type needs exchange"),
    "nothing": ({"exchange": ""}, "TypeError: exchange '' needs routing_key: the name of the queue"),
    "another type": (
        {"exchange": Exchange("x", "direct"), "exchange_type": "topic"},
        "ValueError: exchange 'x' is of type 'direct', not 'topic': leave out exchange_type",
    ),
    "a key that leads elsewhere": (
        {"queue": "q", "routing_key": "k"},
        "ValueError: routing_key 'k' does not lead to the queue 'q': leave it out, or give the exchange too",
    ),
}


@pytest.mark.parametrize(("options", "message"), CALLS.values(), ids=CALLS)
def test_calls_that_are_refused(options: dict[str, Any], message: str):
    made = router()

    with pytest.raises((TypeError, ValueError)) as caught:
        made.route("a", **options)

    assert f"{caught.type.__name__}: {caught.value}".startswith(message)


# Queues


def test_a_direct_queue_is_gone_to_by_the_default_exchange():
    made = router(task_queues=[Queue("q", Exchange("x"), "k")])

    assert place(made.route("a", queue="q")) == ("", "q", "q")
    assert place(made.route("a", queue="q", routing_key="k")) == ("", "q", "q")


def test_a_queue_of_another_exchange_is_gone_to_by_that():
    made = router(task_queues={"q": {"exchange": "x", "exchange_type": "topic", "routing_key": "k"}})

    assert place(made.route("a", queue="q")) == ("x", "k", "q")


def test_a_queue_of_many_bindings_is_gone_to_by_any_of_their_keys():
    queue = Queue("q", [binding(Exchange("x"), "k"), binding(Exchange("x"), "l")])
    made = router()

    assert place(made.route("a", queue=queue)) == ("", "q", "q")
    assert place(made.route("a", queue=queue, routing_key="k")) == ("x", "k", "q")
    assert place(made.route("a", queue=queue, routing_key="l")) == ("x", "l", "q")
    with pytest.raises(ValueError, match="routing_key 'm' does not lead to the queue 'q'"):
        made.route("a", queue=queue, routing_key="m")


def test_a_broadcast_is_gone_to_by_its_exchange_and_no_queue_is_declared():
    made = router(task_queues=[kombu.common.Broadcast("everyone")], task_routes={"a": "everyone"})

    route = made.route("a")

    assert (route.exchange, route.queue) == ("everyone", None)
    assert route.exchange_to_declare == Exchange("everyone", "fanout")


def test_an_exchange_says_how_its_messages_are_kept():
    made = router(task_queues=[Queue("q", Exchange("x", delivery_mode="transient"), "q")])

    assert made.route("a", queue="q").options == {"delivery_mode": 1}


def test_a_route_goes_over_what_an_exchange_says():
    made = router(
        task_queues=[Queue("q", Exchange("x", delivery_mode=1), "q")],
        task_routes={"a": {"queue": "q", "delivery_mode": 2}},
    )

    assert made.route("a").options == {"delivery_mode": 2}


def test_a_queue_that_is_missing_may_be_refused():
    made = router(task_create_missing_queues=False, task_queues=[Queue("celery"), Queue("mails")])

    with pytest.raises(UnknownQueue, match="no queue 'mail' in task_queues; did you mean 'mails'"):
        made.route("a", queue="mail")
    with pytest.raises(UnknownQueue, match="no queue 'zzz' in task_queues; known: celery, mails; add it there, or set"):
        made.route("a", queue="zzz")
    assert place(made.route("a", queue="mails")) == ("", "mails", "mails")


def test_queues_that_were_given_stay_as_they_are():
    queue = Queue("q", queue_arguments={"x": 1})

    route = router(task_queues=[queue], task_queue_max_priority=9).route("a", queue="q")

    assert route.queue is not None
    assert route.queue.queue_arguments == {"x": 1, "x-max-priority": 9}
    assert (queue.queue_arguments, queue.exchange.name) == ({"x": 1}, "")


QUEUES: dict[str, tuple[Any, str]] = {
    "name": (["q"], "TypeError: task_queues[0] must be a kombu.Queue, got 'q'; in a mapping of names, options do"),
    "number": ({"q": 3}, "TypeError: task_queues['q'] must be a kombu.Queue or a mapping of its options, got 3"),
    "typing error": (
        {"q": {"exchnge": "x"}},
        "TypeError: unknown option 'exchnge' in task_queues['q']; did you mean 'exchange'?",
    ),
}


@pytest.mark.parametrize(("queues", "message"), QUEUES.values(), ids=QUEUES)
def test_queues_that_are_refused_when_the_router_is_made(queues: Any, message: str):
    settings = Settings(task_queues=queues)

    with pytest.raises(TypeError) as caught:
        Router(settings)

    assert f"TypeError: {caught.value}".startswith(message)


def settings_of_queues() -> dict[str, dict[str, Any]]:
    """Make them anew: Celery completes the queues that it is given."""
    return {
        "defaults": {},
        "other default queue": {"task_default_queue": "q"},
        "other exchange": {
            "task_default_exchange": "x",
            "task_default_exchange_type": "topic",
            "task_default_routing_key": "k",
        },
        "quorum": {"task_default_queue_type": "quorum", "task_create_missing_queue_type": "quorum"},
        "priorities": {"task_queue_max_priority": 9},
        "topics": {"task_create_missing_queue_exchange_type": "topic"},
        "queues": {
            "task_queues": [
                *(Queue("q"), Queue("celery", Exchange("x"), "k"), Queue("named", alias="other", routing_key="n")),
                Queue("full", queue_arguments={"x-max-priority": 3}),
            ],
            "task_queue_max_priority": 9,
        },
        "queues by name": {
            "task_queues": {
                "q": {},
                "named": {"exchange": "x", "binding_key": "k", "exchange_type": "topic", "durable": False},
            }
        },
        "many bindings": {"task_queues": [Queue("q", [binding(Exchange("x"), "k"), binding(Exchange("x"), "l")])]},
        "routed topics": {
            "task_queues": [Queue("q", Exchange("x", "topic"), "a.#"), Queue("celery")],
            "task_routes": {"a.b": {"queue": "q", "routing_key": "a.b"}, "a.*": "q"},
        },
        "routed exchange": {
            "task_routes": {"a.*": {"exchange": "x", "exchange_type": "topic", "routing_key": "k", "queue": "q"}}
        },
    }


@pytest.mark.parametrize("name", ["celery", "q", "named", "other", "full", "missing"])
@pytest.mark.parametrize("case", settings_of_queues())
def test_queues_are_declared_as_celery_declares_them(case: str, name: str):
    celery = pytest.importorskip("celery")
    app = celery.Celery(set_as_current=False)
    app.conf.update(settings_of_queues()[case])

    ours = router(**settings_of_queues()[case]).route("other.task", queue=name)

    assert ours.queue is not None
    assert declared(ours.queue) == declared(app.amqp.queues[name])


def declared(queue: Any) -> dict[str, Any]:
    # Its bindings are a set: they have no order.
    fields = queue.as_dict(recurse=True)
    return {**fields, "bindings": sorted(fields["bindings"] or (), key=str)}


@pytest.mark.parametrize("options", [{}, {"queue": "q"}, {"queue": "missing"}], ids=str)
@pytest.mark.parametrize("task", ["a.b", "a.c", "other"])
# With a routed exchange and another queue, Celery mixes the two.
@pytest.mark.parametrize("case", [case for case in settings_of_queues() if case != "routed exchange"])
def test_messages_go_where_celery_sends_them(case: str, task: str, options: dict[str, Any]):
    celery, signals = pytest.importorskip("celery"), pytest.importorskip("celery.signals")
    app = celery.Celery(set_as_current=False, broker="memory://")
    app.conf.update(settings_of_queues()[case])
    sent: list[tuple[str, str, str | None]] = []

    def seen(exchange: str, routing_key: str, declare: Any, **kw: Any) -> None:
        sent.append((exchange, routing_key, declare[0].name if declare else None))

    signals.before_task_publish.connect(seen, weak=False, sender=task)
    try:
        app.send_task(task, **options)
    finally:
        signals.before_task_publish.disconnect(seen, sender=task)
        app.close()

    assert [place(router(**settings_of_queues()[case]).route(task, **options))] == sent


def test_threads_share_the_queues():
    made = router()

    with ThreadPoolExecutor(8) as pool:
        routes = list(pool.map(lambda number: made.route("a", queue=f"q{number % 3}"), range(300)))

    assert len({id(route.queue) for route in routes}) == 3


def test_names_without_end_do_not_fill_the_memory():
    made = router(task_routes={"a.*": "q"})

    for number in range(10_050):
        made.static(f"a.{number}")
    for number in range(1_050):
        made.route("a", queue=f"q{number}")

    assert len(made._static) <= 10_000
    assert len(made._queues._made) <= 1_010


def test_what_kombu_has_no_class_for_yet_is_no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another thread is in the midst of importing it.
    for name in ("kombu.entity", "kombu.common"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))

    assert not is_entity("shop", "Queue")
    assert not is_broadcast("shop")
    assert Router(Settings(task_routes={"shop.pay": "money"})).asks("shop.pay") is False
