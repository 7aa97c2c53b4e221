"""Calls that expire before they can run, and arguments that are no data: both are told to the caller."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from satchel.calling import App, NeverRuns, Task, group
from satchel.errors import EncodeError
from tests.unit.calling import Shop

UTC = timezone.utc
NOW = datetime.now(UTC)  # When the tests were collected, which may be some time before they run.
DAY = timedelta(days=1)
BERLIN = timezone(timedelta(hours=1))

LATE: dict[str, tuple[dict[str, Any], str]] = {
    "a datetime that is past": ({"expires": NOW - DAY}, r"expired 8\d,\d\d\d\.\d s ago: a worker will revoke it"),
    "a wait below 0": ({"expires": -2}, r"expired 2\.0 s ago: a worker will revoke it"),
    "a timedelta below 0": ({"expires": timedelta(seconds=-2)}, r"expired 2\.0 s ago"),
    "before its countdown": ({"expires": 60, "countdown": 90}, r"expires 30\.0 s before it is to run: a worker will"),
    "before its countdown, both timedeltas": ({"expires": DAY, "countdown": 2 * DAY}, r"expires 86,400\.0 s before"),
    "before its eta": ({"expires": NOW + DAY, "eta": NOW + 2 * DAY}, r"expires 86,400\.0 s before it is to run"),
    "a wait, before its eta": ({"expires": 60, "eta": NOW + DAY}, r"expires 8\d,\d\d\d\.\d s before it is to run"),
}


@pytest.mark.parametrize(("options", "message"), LATE.values(), ids=LATE)
def test_a_call_that_cannot_run_in_time_warns_and_is_sent(
    shop: Shop, add: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.warns(NeverRuns, match=rf"^shop\.add\[.*\] {message}") as caught:
        add.apply_async((1, 2), **options)

    assert caught[0].filename == __file__
    assert shop.sent().expires is not None


@pytest.mark.parametrize(
    "options",
    [
        {"expires": 60},
        {"expires": 0.001},
        {"expires": NOW + DAY},
        {"expires": 60, "countdown": 60},
        {"expires": 60, "countdown": 0},
        {"expires": 60, "eta": NOW - DAY},
        {"expires": None, "countdown": 3},
    ],
)
def test_a_call_that_can_does_not_warn(add: Any, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        add.apply_async((1, 2), **options)


def test_of_a_naive_datetime_the_zone_is_told() -> None:
    shop = Shop(timezone=BERLIN)
    naive = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=30)  # In Berlin, half an hour ago.
    with pytest.warns(
        NeverRuns, match=r"ago: .*\(a datetime without a zone is one of the setting timezone, here UTC\+01"
    ):
        shop.app.send_task("x", expires=naive)


def test_what_a_task_says_of_itself_counts() -> None:
    task = App("shop", broker="memory://").task(name="shop.x", expires=5)(lambda: None)
    with pytest.warns(NeverRuns, match=r"expires 5\.0 s before it is to run"):
        task.apply_async(countdown=10)


CURES: dict[str, tuple[Any, str]] = {
    "a signature": (lambda add: add.s(1), r"give dict\(signature\)"),
    "a group": (lambda add: group(add.s(1, 2), add.s(3, 4)), r"give dict\(signature\)"),
    "a chain": (lambda add: add.s(1, 2) | add.s(3), r"give dict\(signature\)"),
    "a result": (lambda add: add.app.AsyncResult("a"), r"give result\.id"),
    "a generator": (lambda add: (each for each in "ab"), "give a list of what it yields"),
    "a dict's keys": (lambda add: {}.keys(), "give a list of what it yields"),
    "an instance of one's own": (lambda add: Place(), r"register it once, with satchel\.register_type\(Place\)"),
}


class Place:
    pass


@pytest.mark.parametrize("options", [{}, {"task_id": "1", "expires": 60}], ids=["settled", "with options"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml"])
@pytest.mark.parametrize(("made", "cure"), CURES.values(), ids=CURES)
def test_an_argument_that_is_no_data_is_refused_with_its_cure(
    shop: Shop, add: Task[..., int], made: Any, cure: str, serializer: Any, options: Any
) -> None:
    shop.app.conf.task_serializer = serializer
    for args, kwargs, path in (((made(add), 2), {}, "args[0]"), ((1,), {"y": [made(add)]}, "kwargs.y[0]")):
        with pytest.raises(EncodeError, match=cure) as caught:
            add.apply_async(args, kwargs, **options)

        assert path in str(caught.value)
        assert "satchel.register_type" not in str(caught.value) or "register_type" in cure
    assert shop.received() == []


def test_what_the_cure_says_is_carried(shop: Shop, add: Task[..., int]) -> None:
    result = shop.app.AsyncResult("a")
    add.delay(dict(add.s(1)), result.id)

    first, second = shop.sent().args
    assert (first["task"], first["args"], second) == ("shop.add", [1], "a")
