"""Options of MessageBuilder.build: what is refused, and in which words."""

from __future__ import annotations

import math
import uuid
from collections import OrderedDict
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from satchel import Pipeline, celery_registry
from satchel.message import MessageBuilder, TaskOptions
from satchel.message.options import _OPTIONS

BUILDER = MessageBuilder()
NOW = datetime(2031, 1, 2, tzinfo=timezone.utc)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"countdwn": 3}, "TypeError: unknown option 'countdwn'; did you mean 'countdown'?"),
    "unknown and like nothing": ({"zzzz": 3}, "TypeError: unknown option 'zzzz'; known: app_id, argsrepr"),
    "of publishing": ({"queue": "q"}, "TypeError: unknown option 'queue'; it is not of the message but of how it is"),
    "countdown and eta": ({"countdown": 1, "eta": NOW}, "TypeError: countdown and eta exclude each other"),
    "both names of one option": ({"link": [], "callbacks": []}, "TypeError: link and callbacks exclude each other"),
    "two broker expiries": (
        {"broker_expiration": True, "expiration": 3},
        "TypeError: broker_expiration and expiration exclude each other",
    ),
    "countdown as text": ({"countdown": "3"}, "TypeError: countdown must be a number of seconds or a timedelta"),
    "countdown as bool": ({"countdown": True}, "TypeError: countdown must be a number of seconds or a timedelta"),
    "countdown nan": ({"countdown": math.nan}, "ValueError: countdown must be a finite number of seconds, got nan"),
    "countdown infinite": ({"countdown": -math.inf}, "ValueError: countdown must be a finite number"),
    "countdown of ages": ({"countdown": 1e300}, "ValueError: countdown is out of range: 1e+300 seconds"),
    "countdown of millennia": ({"countdown": 1e12}, "ValueError: countdown is out of range"),
    "countdown of a huge int": ({"countdown": 10**400}, "ValueError: countdown is out of range"),
    "countdown timedelta": ({"countdown": timedelta.max}, "ValueError: countdown is out of range"),
    "eta as a number": ({"eta": 3}, "TypeError: eta must be a datetime, got 3; for a wait from now, use countdown"),
    "eta as text": ({"eta": "2031-01-02"}, "TypeError: eta must be a datetime, got '2031-01-02'"),
    "eta as a date": ({"eta": date(2031, 1, 2)}, "TypeError: eta must be a datetime"),
    "eta before UTC's first year": (
        {"eta": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))},
        "ValueError: eta is out of range",
    ),
    "expires as bool": ({"expires": True}, "TypeError: expires must be a number of seconds, a timedelta or a datetime"),
    "expires as text": ({"expires": "60"}, "TypeError: expires must be a number of seconds"),
    "expires nan": ({"expires": math.nan}, "ValueError: expires must be a finite number"),
    "expires of ages": ({"expires": 1e12}, "ValueError: expires is out of range"),
    "a broker expiry that no broker keeps": (
        {"expires": 60 * 86_400, "broker_expiration": True},
        "ValueError: broker_expiration: brokers keep a time of up to 4294967 seconds, not 5184000",
    ),
    "expiration negative": ({"expiration": -1}, "ValueError: expiration is out of range"),
    "retries negative": ({"retries": -1}, "ValueError: retries is out of range: it must be an int of 0 or more"),
    "retries as bool": ({"retries": False}, "TypeError: retries must be an int of 0 or more, got False"),
    "priority 256": ({"priority": 256}, "ValueError: priority is out of range: it must be an int from 0 to 255"),
    "priority -1": ({"priority": -1}, "ValueError: priority is out of range"),
    "priority as bool": ({"priority": True}, "TypeError: priority must be an int from 0 to 255, got True"),
    "priority as float": ({"priority": 5.0}, "TypeError: priority must be an int"),
    "group_index as text": ({"group_index": "1"}, "TypeError: group_index must be an int"),
    "time_limit 0": ({"time_limit": 0}, "ValueError: time_limit must be a number of seconds greater than 0, got 0"),
    "time_limit nan": ({"time_limit": math.nan}, "ValueError: time_limit must be a number of seconds greater than 0"),
    "time_limit as timedelta": ({"time_limit": timedelta(1)}, "TypeError: time_limit must be a number of seconds"),
    "soft after hard": (
        {"time_limit": 1, "soft_time_limit": 2},
        "ValueError: soft_time_limit must not be greater than time_limit: 2 > 1",
    ),
    "task_id as UUID": ({"task_id": uuid.UUID(int=1)}, "TypeError: task_id must be a str, got UUID("),
    "task_id empty": ({"task_id": ""}, "ValueError: task_id must not be empty"),
    "task_id too long for AMQP": ({"task_id": "x" * 256}, "ValueError: task_id must be at most 255 bytes long"),
    "task_id no UTF-8": ({"task_id": "\ud800"}, "ValueError: task_id must be text that UTF-8 can encode"),
    "argsrepr no UTF-8": ({"argsrepr": "\ud800"}, "ValueError: argsrepr must be text that UTF-8 can encode"),
    "retries of 70 bits": ({"retries": 2**70}, "ValueError: retries is out of range: it must be less than 2**63"),
    "time_limit of a huge int": ({"time_limit": 10**400}, "ValueError: time_limit is out of range: it must be less"),
    "time_limit of a huge negative": ({"time_limit": -(10**5000)}, "ValueError: time_limit must be a number of"),
    "ignore_result as int": ({"ignore_result": 1}, "TypeError: ignore_result must be True or False, got 1"),
    "headers of the protocol": (
        {"headers": {"id": "x", "task": "y", "mine": 1}},
        "ValueError: headers must not set 'id', 'task': the protocol does",
    ),
    "header compression": ({"headers": {"compression": "x"}}, "ValueError: headers must not set 'compression'"),
    "header names": ({"headers": {1: "x"}}, "TypeError: headers must have str names, got 1"),
    "headers as a list": ({"headers": [("a", 1)]}, "TypeError: headers must be a mapping, got [('a', 1)]"),
    "stamps": ({"stamps": ["a"]}, "TypeError: stamps must be a mapping"),
    "delivery_mode 3": ({"delivery_mode": 3}, "ValueError: delivery_mode must be 1 or 'transient', 2 or 'persistent'"),
    "delivery_mode as bool": ({"delivery_mode": True}, "TypeError: delivery_mode must be 1 or"),
    "timestamp": ({"timestamp": 1.5}, "TypeError: timestamp must be an int"),
    "serializer": ({"serializer": 1}, "TypeError: serializer must be a str"),
    "argsrepr": ({"argsrepr": 1}, "TypeError: argsrepr must be a str"),
    "link as text": ({"link": "shop.ship"}, "TypeError: link must be a signature, such as {'task':"),
    "link without a task": ({"link": {"args": []}}, "ValueError: link has no task name"),
    "link with wrong args": (
        {"link": {"task": "t", "args": "x"}},
        "TypeError: link: its 'args' must be a list or",
    ),
    "one of several": ({"link_error": [{"task": "t"}, 3]}, "TypeError: link_error[1] must be a signature"),
    "chain": ({"chain": [{"task": "t", "kwargs": 3}]}, "TypeError: chain[0]: its 'kwargs' must be a mapping"),
    "kwargs names in a link": (
        {"link": {"task": "t", "kwargs": {1: 2}}},
        "TypeError: link: its 'kwargs' must have str names, got 1",
    ),
    "chord as a list": ({"chord": [{"task": "t"}]}, "TypeError: chord must be a signature"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_option_is_refused_by_its_name(case: str) -> None:
    options, expected = REFUSED[case]
    with pytest.raises((TypeError, ValueError)) as caught:
        BUILDER.build("t", **options)

    assert f"{type(caught.value).__name__}: {caught.value}".startswith(expected)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("t", "abc"), "TypeError: args must be a list or tuple, got 'abc'; for one argument, give ('abc',)"),
        (("t", b"abc"), "TypeError: args must be a list or tuple, got b'abc'"),
        (("t", {"a": 1}), "TypeError: args must be a list or tuple, got {'a': 1}"),
        (("t", {1}), "TypeError: args must be a list or tuple, got {1}"),
        (("t", (), [("a", 1)]), "TypeError: kwargs must be a mapping, got [('a', 1)]"),
        (("t", (), {1: 2}), "TypeError: kwargs must have str names, got 1"),
        (("\ud800",), "ValueError: task must be text that UTF-8 can encode"),
        ((None,), "TypeError: task must be a str, got None"),
    ],
)
def test_a_bad_call_is_refused(call: tuple[Any, ...], expected: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        BUILDER.build(*call)

    assert f"{type(caught.value).__name__}: {caught.value}".startswith(expected)


@pytest.mark.parametrize(
    "options",
    [
        {"chain": [{"task": "t"}]},
        {"shadow": "s"},
        {"ignore_result": True},
        {"stamps": {"a": 1}},
        {"root_id": "r"},
        {"parent_id": "p"},
        {"argsrepr": "a"},
        {"origin": "o"},
        {"replaced_task_nesting": 1},
        {"argsrepr": ""},
        {"stamps": {}},
    ],
)
def test_what_protocol_1_cannot_carry_is_refused_and_not_lost(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} has no place in protocol 1"):
        MessageBuilder(protocol=1).build("t", **options)


@pytest.mark.parametrize("ignore_result", [None, False])
def test_protocol_1_takes_the_default_that_it_has_no_field_for(ignore_result: Any) -> None:
    builder = MessageBuilder(protocol=1)

    assert builder.build("t", task_id="1", ignore_result=ignore_result) == builder.build("t", task_id="1")


@pytest.mark.parametrize("build", [lambda: BUILDER.build(""), lambda: MessageBuilder(serializer="")])
def test_what_cannot_be_left_out_is_not_told_so(build: Any) -> None:
    with pytest.raises(ValueError, match=r"^(task|serializer) must not be empty$"):
        build()


def test_none_is_as_good_as_not_given() -> None:
    every: Any = dict.fromkeys(name for name in TaskOptions.__annotations__ if name not in ("task_id", "ignore_result"))

    assert BUILDER.build("t", None, None, task_id="1", **every) == BUILDER.build("t", task_id="1")


def test_the_typed_options_are_those_that_are_checked() -> None:
    assert set(TaskOptions.__annotations__) == set(_OPTIONS)


def test_any_mapping_will_do_for_kwargs() -> None:
    expected = BUILDER.build("t", (), {"a": 1}, task_id="1").encoded

    for kwargs in (MappingProxyType({"a": 1}), OrderedDict(a=1)):
        assert BUILDER.build("t", [], kwargs, task_id="1").encoded == expected


def test_signatures_are_completed_and_copied_to_plain_dicts() -> None:
    celery = pytest.importorskip("celery")
    signature = celery.Celery("peer", set_as_current=False).signature("shop.ship", (1,), countdown=3)
    decode = Pipeline(["json"], registry=celery_registry).decode
    link = decode(BUILDER.build("t", link=[signature, {"task": "shop.thank"}]).encoded)[2]["callbacks"]

    assert link == [
        {
            "task": "shop.ship",
            "args": [1],
            "kwargs": {},
            "options": {"countdown": 3},
            "subtask_type": None,
            "immutable": False,
        },
        {"task": "shop.thank", "args": [], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False},
    ]
