"""Chains, groups and chords: what they are built to, what messages carry of them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from satchel.calling import App, BackendError, GroupResult, OperationalError, RetryPolicy, SendManyError, Task
from satchel.calling.canvas import Chain, Chord, ChordsUnsupported, Group, chain, chord, group
from satchel.errors import EncodeError
from tests.unit.calling import Shop

kombu: Any = import_module("kombu")


class Counting:
    """A result backend that knows by itself when a header is done, as Redis's does."""

    reply_to = None

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.down = False

    def start_chord(self, group_id: str, size: int) -> None:
        if self.down:
            raise BackendError("down")
        self.told.append(("size", group_id, size))

    def save_group(self, group_id: str, group: Any) -> None:
        self.told.append(("group", group_id, group))

    def close(self) -> None: ...


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(backend=f"file://{tmp_path}")


@pytest.fixture
def counting(shop: Shop) -> Counting:
    backend = Counting()
    shop.app._backend = backend  # type: ignore[assignment]
    return backend


@pytest.fixture
def total(shop: Shop) -> Task[[list[int]], int]:
    @shop.app.task(name="shop.total")
    def total(values: list[int]) -> int:
        return sum(values)

    return total


@pytest.fixture
def note(shop: Shop) -> Task[..., Any]:
    return shop.app.remote("shop.note")


# What they are built to


def test_a_chain_is_the_same_by_its_name_by_bars_and_by_an_iterable(add: Any) -> None:
    made = add.s(1, 2) | add.s(3) | add.s(4)

    assert isinstance(made, Chain)
    assert made == chain(add.s(1, 2), add.s(3), add.s(4))
    assert made == chain(each for each in (add.s(1, 2), add.s(3), add.s(4)))
    assert repr(made) == "shop.add(1, 2) | shop.add(3) | shop.add(4)"


def test_chains_within_a_chain_are_part_of_it(add: Any) -> None:
    made = add.s(1, 2) | chain(add.s(3), chain(add.s(4), add.s(5)))

    assert made == chain(add.s(1, 2), add.s(3), add.s(4), add.s(5))


def test_a_group_that_a_task_follows_becomes_a_chord(add: Any, total: Any) -> None:
    header = group(add.s(1, 1), add.s(2, 2))
    made = add.s(1, 2) | header | total.s() | add.s(5)

    assert header | total.s() == chord(header, total.s())
    assert isinstance(made.tasks[1], Chord)
    assert (made.tasks[1].header, made.tasks[1].body, made.tasks[2]) == (header, total.s(), add.s(5))


def test_what_follows_a_chord_whose_body_ends_in_a_group_waits_for_that_group(add: Any, total: Any) -> None:
    pair = group(total.s(), total.s())
    made = chain(chord([add.s(1, 1), add.s(2, 2)], pair), total.s())

    assert made == chain(chord([add.s(1, 1), add.s(2, 2)], pair | total.s()))


def test_a_group_of_one_counts_as_its_task_within_a_chain_and_one_of_none_as_nothing(add: Any) -> None:
    assert add.s(1, 2) | group([add.s(3)]) | group([]) | add.s(4) == chain(add.s(1, 2), add.s(3), add.s(4))
    assert group([add.s(1, 2)]) | group([]) == group([add.s(1, 2)])


def test_groups_within_a_group_are_part_of_it(add: Any) -> None:
    made = group(add.s(0, 0), group(add.s(1, 1), chain(group(add.s(2, 2), add.s(3, 3)))))

    assert made == group(add.s(number, number) for number in range(4))


def test_messages_carry_them_as_celery_does(add: Any, total: Any) -> None:
    one, two = dict(add.s(1, 1)), dict(add.s(2, 2))
    common = {"args": [], "options": {}, "immutable": False}

    assert dict(chain(add.s(1, 1), add.s(2, 2))) == {
        "task": "celery.chain", "subtask_type": "chain", "kwargs": {"tasks": [one, two]}, **common
    }  # fmt: skip
    assert dict(group(add.s(1, 1), add.s(2, 2))) == {
        "task": "celery.group", "subtask_type": "group", "kwargs": {"tasks": [one, two]}, **common
    }  # fmt: skip
    assert dict(chord([add.s(1, 1), add.s(2, 2)], total.s()).set(priority=3)) == {
        "task": "celery.chord",
        "subtask_type": "chord",
        "kwargs": {"kwargs": {}, "header": [one, two], "body": dict(total.s())},
        **common,
        "options": {"priority": 3},
    }


def test_a_change_gives_another_one(add: Any, total: Any, note: Any) -> None:
    for made in (chain(add.s(1, 2), add.s(3)), group(add.s(1, 2)), chord([add.s(1, 2)], total.s())):
        before = dict(made)

        assert made.set(priority=3) != made
        assert made.on_error(note.s()) != made
        assert dict(made) == before


def test_a_group_gives_its_options_to_its_tasks(add: Any) -> None:
    made = group(add.s(1, 1).set(priority=1), add.s(2, 2) | add.s(3)).set(priority=3)

    assert made == group(add.s(1, 1).set(priority=3), chain(add.s(2, 2), add.s(3)).set(priority=3))


def test_the_options_of_a_chain_within_another_one_stay_with_its_tasks(add: Any, note: Any) -> None:
    inner = chain(add.s(3), add.s(4)).set(countdown=5, task_id="four").link(note.s(1)).on_error(note.s(2))
    made = chain(add.s(1, 2), inner)

    first, second, third = made.tasks
    assert dict(first.options) == {}
    assert dict(second.options) == {"countdown": 5, "link_error": [note.s(2)]}
    assert dict(third.options) == {"task_id": "four", "link": [note.s(1)], "link_error": [note.s(2)]}


def test_the_same_callback_is_linked_once(add: Any, note: Any) -> None:
    signature = add.s(1, 2).on_error(note.s()).on_error(note.s())

    assert chain(signature, add.s(3)).on_error(note.s()).steps()[0] == signature
    assert signature.options["link_error"] == [note.s()]


def test_links_given_to_a_chord_are_of_its_body_even_before_it_has_one(add: Any, total: Any, note: Any) -> None:
    expected = total.s().link(note.s(1)).on_error(note.s(2))

    assert chord([add.s(1, 1)], total.s()).link(note.s(1)).on_error(note.s(2)).body == expected
    assert chord([add.s(1, 1)], total.s()).set(link=note.s(1), link_error=note.s(2)).body == expected
    assert chord([add.s(1, 1)]).link(note.s(1)).on_error(note.s(2)).with_body(total.s()).body == expected


# What is sent


def test_a_chain_sends_its_first_task_with_the_rest(shop: Shop, add: Any) -> None:
    result: Any = chain(add.s(1, 2), add.s(3), add.s(4)).delay()

    call = shop.sent()
    rest = [(each["args"], each["options"]["task_id"]) for each in call.embed["chain"]]
    assert (call.args, call.id) == ([1, 2], result.parent.parent.id)
    assert rest == [([4], result.id), ([3], result.parent.id)]


def test_a_group_has_one_id_and_its_tasks_have_their_places(shop: Shop, add: Any) -> None:
    result: Any = group(add.s(number) for number in range(3)).delay(10)

    calls = shop.received()
    assert [(call.args, call.id) for call in calls] == [([10, n], result[n].id) for n in range(3)]
    assert [(call.headers["group"], call.headers["group_index"]) for call in calls] == [
        (result.id, n) for n in range(3)
    ]


def test_a_group_of_none_is_an_empty_result(shop: Shop) -> None:
    result: Any = group([]).delay()

    assert (result.results, result.get()) == ([], [])
    assert shop.received() == []


def test_a_backend_that_counts_is_told_the_size_before_anything_is_sent(
    shop: Shop, counting: Counting, add: Any, total: Any
) -> None:
    result: Any = chord([add.s(1, 1), add.s(2, 2)], total.s()).delay()

    assert counting.told == [("size", result.parent.id, 2)]
    assert [call.task for call in shop.received()] == ["shop.add"] * 2


def test_all_tasks_count_that_end_something_in_a_header(shop: Shop, counting: Counting, add: Any, total: Any) -> None:
    ends_in_three = add.s(1, 1) | group(add.s(2), add.s(3), add.s(4))
    result: Any = chord([add.s(1, 1) | add.s(2), ends_in_three, chord([add.s(5, 5)], total.s())], total.s()).delay()

    header = result.parent
    sizes = {told[1]: told[2] for told in counting.told if told[0] == "size"}
    assert sizes == {header.id: 5, header[2].parent.id: 1}
    # As stored, the results of the group within stay together.
    assert ("group", header.id, header.as_tuple()) in counting.told


def test_other_backends_have_a_task_that_waits_for_the_header(shop: Shop, add: Any, total: Any) -> None:
    result: Any = chord([add.s(1, 1), add.s(2, 2)], total.s().set(queue=shop.queue)).delay()

    *_, unlock = shop.received()
    assert (unlock.task, unlock.args[0], unlock.args[1]["options"]["task_id"]) == (
        "celery.chord_unlock",
        result.parent.id,
        result.id,
    )
    assert unlock.kwargs["result"] == [[[each.id, None], None] for each in result.parent]


def test_the_waiting_task_goes_where_the_body_goes(shop: Shop, add: Any, total: Any) -> None:
    shop.app.conf.task_routes = {"shop.total": {"queue": f"{shop.queue}-totals"}}
    chord([add.s(1, 1)], total.s()).delay()

    assert shop.sent().task == "shop.add"
    assert shop.sent(f"{shop.queue}-totals").task == "celery.chord_unlock"


def test_a_header_of_none_sends_the_body_with_an_empty_list(shop: Shop, total: Any) -> None:
    result: Any = chord([])(total.s())

    call = shop.sent()
    assert (call.task, call.args, call.id) == ("shop.total", [[]], result.id)
    assert result.parent.results == []


def test_a_chord_gives_its_delay_to_the_header_alone(shop: Shop, add: Any, total: Any) -> None:
    chord([add.s(1, 1)], total.s()).apply_async(countdown=60, priority=3)

    header, _ = shop.received()
    assert header.eta is not None
    assert header.embed["chord"]["options"].keys() >= {"priority"}
    assert header.embed["chord"]["options"].keys().isdisjoint({"countdown", "eta"})


def test_in_protocol_1_each_task_is_linked_to_the_one_before_it(shop: Shop, add: Any, total: Any) -> None:
    shop.app.conf.task_protocol = 1
    chain(add.s(1, 2), group(add.s(3), add.s(4)), total.s(), add.s(5)).delay()

    (second,) = shop.sent().embed["callbacks"]
    (fourth,) = second["kwargs"]["body"]["options"]["link"]
    assert (second["task"], second["kwargs"]["body"]["task"]) == ("celery.chord", "shop.total")
    assert (fourth["task"], fourth["args"]) == ("shop.add", [5])


# What messages carry of the options


def test_options_are_carried_as_workers_read_them(shop: Shop, add: Any, note: Any) -> None:
    shop.app.conf.timezone = "Asia/Kolkata"
    carried = dict(
        add.s(1).set(
            countdown=timedelta(seconds=90),
            expires=datetime(2031, 1, 2, 3),
            queue=kombu.Queue("money"),
            callbacks=note.s(),
            group="g",
            stamps={"who": "us"},
            retry_policy=RetryPolicy(max_retries=1),
            broker_expiration=True,
            chain=[note.s(1), note.s(2)],
            shadow=None,
        )
    )["options"]

    assert carried == {
        "countdown": 90,
        "expires": "2031-01-02T03:00:00+05:30",
        "queue": "money",
        "link": [dict(note.s())],
        "group_id": "g",
        "stamped_headers": ["who"],
        "who": "us",
        "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        "chain": [dict(note.s(2)), dict(note.s(1))],
    }


def test_what_a_task_says_of_itself_holds_where_a_worker_sends_it(shop: Shop, add: Any) -> None:
    pay = shop.app.remote("shop.pay", queue="money", serializer="msgpack", priority=3)
    chain(add.s(1, 2), pay.s().set(priority=4)).apply_async(link=pay.s(5))

    (following,) = shop.sent().embed["chain"]
    assert following["options"].items() >= {"queue": "money", "serializer": "msgpack", "priority": 4}.items()
    assert following["options"]["link"][0]["options"] == {"queue": "money", "serializer": "msgpack", "priority": 3}


def test_a_result_that_is_ignored_by_its_task_is_ignored_at_the_worker_too(shop: Shop, add: Any) -> None:
    quiet = shop.app.remote("shop.quiet", ignore_result=True)
    result: Any = chain(add.s(1, 2), quiet.s()).delay()

    assert result.get() is None
    assert shop.sent().embed["chain"][0]["options"]["ignore_result"] is True


def test_where_results_are_ignored_by_a_setting_a_worker_is_told_so(shop: Shop, add: Any) -> None:
    shop.app.conf.task_ignore_result = True
    result: Any = chain(add.s(1, 2), add.s(3), add.s(4).set(ignore_result=False)).delay()

    last, second = shop.sent().embed["chain"]
    assert (second["options"]["ignore_result"], last["options"]["ignore_result"]) == (True, False)
    assert (result.parent.ignored, result.ignored) == (True, False)


def test_workers_are_told_where_replies_go() -> None:
    shop = Shop(backend="rpc://")
    task = shop.app.remote("t")
    chain(task.s().set(ignore_result=True), task.s()).delay()

    call = shop.sent()
    (following,) = call.embed["chain"]
    assert call.properties["reply_to"] == following["options"]["reply_to"] == shop.app.backend.reply_to


# What is refused


@pytest.mark.parametrize("make", [chain, group, chord], ids=lambda make: make.__name__)
def test_only_signatures_are_taken(add: Any, make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"a (chain|group) is made of signatures, such as .*, got {'task': 'shop.add'}"):
        make([add.s(1, 2), {"task": "shop.add"}])


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a chain needs a signature"):
        chain([])


def test_signatures_of_two_applications_are_refused(add: Any) -> None:
    with pytest.raises(ValueError, match="a group is of one application"):
        group(add.s(1, 2), App("other").remote("t").s())


def test_a_chord_without_a_body_is_refused_when_it_is_sent(shop: Shop, add: Any) -> None:
    for made in (chord([add.s(1, 2)]), chord([])):
        with pytest.raises(TypeError, match="the chord has no body"):
            made.delay()
    with pytest.raises(TypeError, match="the chord has no body"):
        chain(add.s(1, 2), chord([add.s(1)]))
    assert shop.received() == []


def test_nothing_is_linked_to_a_group(shop: Shop, add: Any, note: Any) -> None:
    pair = group(add.s(1, 1), add.s(2, 2))
    ending = chain(add.s(1, 2), group(add.s(1), add.s(2)))
    attempts: list[Callable[[], Any]] = [
        lambda: pair.link(note.s()),
        lambda: pair.apply_async(link=note.s()),
        lambda: ending.link(note.s()).delay(),
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="a group has no end of its own that something could follow"):
            attempt()
    assert shop.received() == []


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda add: add.s(3).set(countdwn=3), "unknown option 'countdwn'; did you mean 'countdown'"),
        (lambda add: add.s(3).set(priority=300), "priority is out of range"),
        (lambda add: add.s(3, 4), r"add\(\) takes 2 positional arguments but 3 were given"),
        (lambda add: add.si(3), r"add\(\) missing 1 required positional argument"),
        (lambda add: add.s(3).set(connection=object()), "a signature cannot carry them"),
        (lambda add: add.s(object()), r"chain\[0\]"),
    ],
    ids=["unknown option", "option out of range", "too many arguments", "too few", "connection", "not encodable"],
)
def test_nothing_is_sent_when_a_task_that_follows_is_wrong(shop: Shop, add: Any, spoil: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError, EncodeError), match=text):
        chain(add.s(1, 2), spoil(add)).delay()
    assert shop.received() == []


def test_nothing_is_sent_and_nothing_counted_when_one_of_a_header_is_wrong(
    shop: Shop, counting: Counting, add: Any, total: Any
) -> None:
    with pytest.raises(EncodeError):
        chord([add.s(1, 2), add.s(object(), 1)], total.s()).delay()
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        chord([add.s(1, 2)], total.s(3)).delay()
    assert (shop.received(), counting.told) == ([], [])


def test_nothing_is_sent_when_the_backend_cannot_be_told(shop: Shop, counting: Counting, add: Any, total: Any) -> None:
    counting.down = True
    with pytest.raises(BackendError):
        chord([add.s(1, 2)], total.s()).delay()
    assert shop.received() == []


@pytest.mark.parametrize(("backend", "name"), [("rpc://", "rpc://"), (None, "no result backend")])
def test_chords_are_refused_where_no_backend_sees_the_end_of_a_header(backend: Any, name: str) -> None:
    shop = Shop(**({} if backend is None else {"backend": backend}))
    task = shop.app.remote("t")
    for made in (chord([task.s()], task.s()), task.s() | group(task.s(), task.s()) | task.s()):
        with pytest.raises(ChordsUnsupported, match=f"there are no chords with {name}"):
            made.delay()
    assert shop.received() == []


def test_a_header_that_ignores_results_is_refused_where_they_are_looked_for(shop: Shop, add: Any, total: Any) -> None:
    with pytest.raises(ChordsUnsupported, match="a task in the header of a chord ignores its result"):
        chord([add.s(1, 2), add.s(3, 4).set(ignore_result=True)], total.s()).delay()
    assert shop.received() == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"args": "12"}, r"args must be a list or tuple, got '12'"),
        ({"kwargs": [("y", 1)]}, "kwargs must be a mapping"),
    ],
    ids=["args", "kwargs"],
)
def test_arguments_have_their_types(shop: Shop, add: Any, given: Any, text: str) -> None:
    for made in (chain(add.s(1, 2)), group(add.s(1, 2))):
        with pytest.raises(TypeError, match=text):
            made.apply_async(**given)
    assert shop.received() == []


def test_a_group_gives_its_tasks_their_group(add: Any) -> None:
    with pytest.raises(TypeError, match="group_id is an option of tasks, which a group gives them"):
        group(add.s(1, 2)).apply_async(group="mine")


# What goes wrong on the way


def test_a_group_tells_which_of_its_tasks_were_not_sent(shop: Shop, add: Any) -> None:
    lost = add.s(3, 4).set(exchange=kombu.Exchange(f"{shop.queue}-none"), routing_key="k", task_id="lost")
    with pytest.raises(SendManyError, match="1 of 3 messages were not sent") as caught:
        group(add.s(1, 2), lost, add.s(5, 6)).delay()

    assert [result and result.id == "lost" for result in caught.value.results] == [False, None, False]
    assert [call.args for call in shop.received()] == [[1, 2], [5, 6]]


def test_nothing_waits_for_a_header_of_which_a_part_was_not_sent(shop: Shop, add: Any, total: Any) -> None:
    lost = add.s(3, 4).set(exchange=kombu.Exchange(f"{shop.queue}-none"), routing_key="k")
    with pytest.raises(SendManyError, match="1 of 2 messages were not sent"):
        chord([add.s(1, 2), lost], total.s()).delay()

    assert [call.task for call in shop.received()] == ["shop.add"]


def test_options_of_publishing_hold_for_every_task_of_a_group(shop: Shop, add: Any) -> None:
    with kombu.Connection("memory://") as connection:
        result = group(add.s(1, 2), add.s(3, 4)).apply_async(connection=connection)

    assert [call.id for call in shop.received()] == [each.id for each in result]


def test_what_no_queue_takes_stops_no_other_member_over_a_connection_of_ones_own(shop: Shop, add: Any) -> None:
    lost = add.s(1, 2).set(exchange=kombu.Exchange(f"{shop.queue}-none"), routing_key="k")
    with kombu.Connection("memory://") as connection, pytest.raises(SendManyError) as caught:
        group(add.s(0, 0), lost, add.s(3, 4)).apply_async(connection=connection)

    assert list(caught.value.failures) == [1]
    assert [call.args for call in shop.received()] == [[0, 0], [3, 4]]


def test_hooks_see_every_message(shop: Shop, add: Any, total: Any) -> None:
    seen: list[tuple[str, OperationalError | None]] = []
    shop.app.after_publish(lambda outgoing, error: seen.append((outgoing.task, error)))
    shop.app.before_publish(lambda outgoing: outgoing.headers.update(trace="t"))
    chord([add.s(1, 1), add.s(2, 2)], total.s()).delay()

    assert seen == [("shop.add", None), ("shop.add", None), ("celery.chord_unlock", None)]
    assert [call.headers["trace"] for call in shop.received()] == ["t"] * 3


def test_a_group_of_one_chain_that_ends_in_a_group_is_that_group(add: Any) -> None:
    result: Any = group([add.s(1, 2) | group(add.s(3), add.s(4))]).delay()

    assert isinstance(result, GroupResult)
    assert [isinstance(each, GroupResult) for each in result] == [False, False]


def test_an_empty_canvas_has_no_application() -> None:
    with pytest.raises(ValueError, match="there is no signature in"):
        print(Group(()).app)


def test_what_a_route_ignores_is_not_waited_for_in_a_canvas() -> None:
    shop = Shop(task_routes={"shop.add": {"ignore_result": True}})
    add: Any = shop.app.remote("shop.add")
    result: Any = group(add.s(1, 2), add.s(3, 4)).delay()

    assert [each.ignored for each in result.results] == [True, True]
