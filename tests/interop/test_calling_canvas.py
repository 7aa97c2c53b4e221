"""Stock Celery workers carry on with the chains, groups and chords that we send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from celery import chord as stock_chord

from satchel.calling import App, AsyncResult, GroupResult, TaskError
from satchel.calling.canvas import ChordsUnsupported, chain, chord, group
from tests.interop.transports import REDIS_URL, missing, release_messages, sweep
from tests.interop.workers import PATIENCE, Worker

KINDS = {"redis": "redis", "amqp-redis": "amqp", "files": "filesystem", "sqlite": "sqlite", "amqp-rpc": "amqp"}
"""The transports, by the names of transports and result backends."""
WITH_CHORDS = [kind for kind in KINDS if kind != "amqp-rpc"]


def on(*kinds: str) -> Any:
    params = [pytest.param(kind, marks=pytest.mark.xdist_group(f"interop-{KINDS[kind]}")) for kind in kinds]
    return pytest.mark.parametrize("kind", params)


class Client(Worker):
    """A stock worker, and our application, which sends to it."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(KINDS[kind], folder)
        self.settings |= {name: ["json"] for name in ("accept_content", "result_accept_content")}
        self.settings |= {"result_serializer": "json", "worker_prefetch_multiplier": 1}
        if kind == "amqp-redis":
            prefix = {"global_keyprefix": f"{self.place.name}:"}
            self.settings |= {"result_backend": REDIS_URL, "result_backend_transport_options": prefix}
        self.settings["result_chord_retry_interval"] = 0.1
        self.kind = kind
        self.app.config_from_object(self.settings, force=True)
        options = dict(self.settings.get("broker_transport_options", {}))
        if self.transport == "filesystem":
            options["data_folder_out"] = str(self.place.folder / "staging")
        self.ours = self.new_app(broker_transport_options=options)
        self.add, self.total, self.echo, self.fail, self.touch = (
            self.ours.remote(f"worker_app.{name}") for name in ("add", "total", "echo", "fail", "touch")
        )

    def new_app(self, **settings: Any) -> App:
        config = {name: value for name, value in self.settings.items() if not name.startswith(("worker", "broker_c"))}
        return App("client", config={**config, **settings})

    def sent(self, result: Any) -> Any:
        """Let the worker have what was sent, where the transport needs that."""
        if self.transport == "filesystem":
            release_messages(self.place)
        return result

    def close(self) -> None:
        self.ours.close()
        super().close()
        if self.kind == "amqp-redis":
            sweep("redis", self.app, self.place)

    def eventually(self, name: str) -> bool:
        """Wait for a file in the worker's directory, which the task `touch` makes."""
        deadline = time.monotonic() + PATIENCE
        while not (self.place.folder / name).exists() and self.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        return (self.place.folder / name).exists()


@pytest.fixture(scope="session")
def canvas_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Client]]:
    with contextlib.ExitStack() as stack:

        @cache
        def client(kind: str) -> Client:
            made = Client(kind, tmp_path_factory.mktemp(f"canvas-{kind}"))
            stack.callback(made.close)
            stack.enter_context(made.running())
            return made

        yield client


@pytest.fixture
def there(kind: str, canvas_clients: Callable[[str], Client], unavailable: Callable[[str], NoReturn]) -> Client:
    for transport in {KINDS[kind], "redis"} if kind == "amqp-redis" else {KINDS[kind]}:
        reason = missing(transport)
        if reason is not None:
            unavailable(reason)
    return canvas_clients(kind)


def value(there: Client, result: Any) -> Any:
    try:
        return result.get(timeout=PATIENCE, interval=0.05)
    except TimeoutError:
        pytest.fail(there.told())


# What comes of them


@on(*KINDS)
def test_a_chain_adds_up(there: Client) -> None:
    result = there.sent(chain(there.add.s(2, 2), there.add.s(4), there.add.s(8)).delay())

    assert value(there, result) == 16
    assert [value(there, parent) for parent in result.parents()] == [8, 4]


@on(*KINDS)
def test_the_group_of_the_guide_gives_4_8_16_32(there: Client) -> None:
    numbers = [(2, 2), (4, 4), (8, 8), (16, 16)]
    result = there.sent(group(there.add.s(*pair) for pair in numbers).apply_async())

    assert value(there, result) == [4, 8, 16, 32]


@on(*WITH_CHORDS)
def test_a_chord_sums(there: Client) -> None:
    result = there.sent(chord([there.add.s(i, i) for i in range(5)])(there.total.s()))

    assert value(there, result) == 20
    assert value(there, result.parent) == [0, 2, 4, 6, 8]


@on(*WITH_CHORDS)
def test_a_group_within_a_chain_is_the_header_of_a_chord(there: Client) -> None:
    add = there.add
    work = add.s(1, 2) | group(add.s(3), add.s(4)) | there.total.s() | add.s(100)
    result = there.sent(work.delay())

    assert value(there, result) == 113
    parents = list(result.parents())
    assert [type(parent) for parent in parents] == [AsyncResult, GroupResult, AsyncResult]
    assert [value(there, parent) for parent in parents] == [13, [6, 7], 3]


@on(*WITH_CHORDS)
def test_a_chain_that_starts_with_a_group_goes_on_behind_the_body(there: Client) -> None:
    add = there.add
    result = there.sent(chain(group(add.s(1, 1), add.s(2, 2)), there.total.s(), add.s(10), add.s(100)).delay())

    assert value(there, result) == 116
    assert [value(there, parent) for parent in result.parents()] == [16, 6, [2, 4]]


@on(*KINDS)
def test_a_chain_may_end_in_a_group(there: Client) -> None:
    result = there.sent((there.add.s(1, 2) | group(there.add.s(3), there.add.s(4) | there.add.s(5))).delay())

    assert value(there, result) == [6, 12]
    assert value(there, result.parent) == 3


@on(*WITH_CHORDS)
def test_a_group_may_follow_a_group(there: Client) -> None:
    add = there.add
    result = there.sent((group(add.s(1, 1), add.s(2, 2)) | group(there.total.s(), there.echo.s())).delay())

    assert value(there, result) == [6, [[[2, 4]], {}]]


@on(*WITH_CHORDS)
def test_the_header_may_hold_chains_groups_and_chords(there: Client) -> None:
    add, total = there.add, there.total
    header = [
        add.s(1, 1) | add.s(2),
        add.s(1, 1) | group(add.s(2), add.s(3)),
        chord([add.s(1, 1), add.s(2, 2)], total.s()),
        add.s(9, 9),
    ]
    result = there.sent(chord(header, there.echo.s()).delay())

    assert value(there, result) == [[[4, [4, 5], 6, 18]], {}]
    assert value(there, result.parent) == [4, [4, 5], 6, 18]


@on(*WITH_CHORDS)
def test_the_body_may_be_a_chord(there: Client) -> None:
    add, total = there.add, there.total
    result = there.sent(chord([add.s(1, 1), add.s(2, 2)], chord([total.s(), total.s()], total.s()) | add.s(1)).delay())

    assert value(there, result) == 13
    assert [value(there, parent) for parent in result.parents()] == [12, [6, 6], [2, 4]]


@on(*WITH_CHORDS)
def test_a_header_of_none_calls_the_body_with_an_empty_list(there: Client) -> None:
    result = there.sent((group([]) | there.total.s() | there.add.s(1)).delay())

    assert value(there, result) == 1
    assert [value(there, parent) for parent in result.parents()] == [0, []]


@on(*WITH_CHORDS)
def test_arguments_go_to_the_header(there: Client) -> None:
    result = there.sent(chord([there.add.s(1), there.add.s(2)], there.total.s()).delay(10))

    assert value(there, result) == 23


@on("redis")
def test_protocol_1_has_chains_and_chords_too(there: Client) -> None:
    with there.new_app(task_protocol=1) as old:
        add, total = old.remote("worker_app.add"), old.remote("worker_app.total")
        work = add.s(1, 2) | group(add.s(3), add.s(4)) | total.s() | add.s(100) | add.s(1000)

        assert value(there, work.delay()) == 1113


@on("amqp-rpc")
def test_what_follows_a_task_whose_result_is_ignored_is_waited_for(there: Client) -> None:
    with there.new_app() as fresh:
        add = fresh.remote("worker_app.add")
        result = chain(add.s(1, 2).set(ignore_result=True), add.s(3)).delay()

        assert value(there, result) == 6
        assert value(there, result.parent) is None


# What follows


@on(*KINDS)
def test_a_link_of_a_chain_runs_behind_its_last_task(there: Client) -> None:
    name = f"linked-{uuid4()}"
    result = there.sent(chain(there.add.s(1, 2), there.add.s(3)).apply_async(link=there.touch.si(name)))

    assert there.eventually(name), there.told()
    assert value(there, result) == 6


@on(*WITH_CHORDS)
def test_a_link_of_a_chord_runs_behind_its_body(there: Client) -> None:
    name = f"linked-{uuid4()}"
    work = chord([there.add.s(1, 2), there.add.s(3, 4)], there.total.s()).link(there.touch.si(name))
    result = there.sent(work.delay())

    assert there.eventually(name), there.told()
    assert value(there, result) == 10


@on(*WITH_CHORDS)
def test_a_chord_may_be_a_link(there: Client) -> None:
    name = f"linked-{uuid4()}"
    following = chain(group(there.add.s(1), there.add.s(2)), there.total.s(), there.touch.si(name))
    there.sent(there.add.apply_async((1, 2), link=following))

    assert there.eventually(name), there.told()


# What fails


def failure(there: Client, result: Any) -> Exception:
    try:
        result.get(timeout=PATIENCE)
    except TimeoutError:
        pytest.fail(there.told())
    except Exception as error:  # noqa: BLE001 - whichever it is
        return error
    return pytest.fail("it has not failed")


@on(*KINDS)
def test_a_failure_ends_a_chain_and_is_the_result_of_what_follows(there: Client) -> None:
    add = there.add
    work = add.s(1, 2) | there.fail.si() | add.s(3) | add.s(4)
    result = there.sent(work.apply_async(link_error=there.touch.s()))
    error = failure(there, result)

    assert (type(error), error.args) == (KeyError, ("no",))
    assert [parent.get(PATIENCE, propagate=False).args for parent in list(result.parents())[:2]] == [("no",)] * 2
    assert value(there, list(result.parents())[2]) == 3
    assert there.eventually(result.parent.parent.id), there.told()


@on(*WITH_CHORDS)
def test_a_failure_in_the_header_is_raised_for_the_body_whose_own_result_is_celerys_chord_error(there: Client) -> None:
    work = chord([there.add.s(1, 2), there.fail.si()], there.total.s())
    result = there.sent(work.apply_async(link_error=there.touch.s()))
    error = failure(there, result)
    stored = there.ours.AsyncResult(result.id).get(PATIENCE, propagate=False)

    assert (type(error), error.args) == (KeyError, ("no",))
    assert isinstance(stored, TaskError)
    assert (stored.exc_module, stored.exc_type) == ("celery.exceptions", "ChordError")
    assert "KeyError('no')" in str(stored.exc_message)
    assert result.get(PATIENCE, propagate=False).exc_type == "ChordError"
    assert there.eventually(result.id), there.told()
    assert value(there, result.parent[0]) == 3


@on(*WITH_CHORDS)
def test_a_failure_in_a_header_fails_all_that_follows_in_the_chain(there: Client) -> None:
    add = there.add
    work = add.s(1, 2) | group(add.s(3), there.fail.si()) | there.total.s() | add.s(1)
    result = there.sent(work.on_error(there.touch.s()).delay())
    error = failure(there, result)

    assert (type(error), error.args) == (KeyError, ("no",))
    assert isinstance(failure(there, there.ours.AsyncResult(result.id)), TaskError)
    assert isinstance(failure(there, result.parent), KeyError)
    assert there.eventually(result.parent.id), there.told()


@on("redis")
def test_celery_raises_the_same_for_a_chord_whose_header_fails(there: Client) -> None:
    add, fail, total = (there.app.signature(f"worker_app.{name}") for name in ("add", "fail", "total"))
    theirs = stock_chord([add.clone((1, 1)), fail], total, app=there.app)()
    ours = chord([there.add.s(1, 1), there.fail.si()], there.total.s()).delay()
    awaited = chord([there.add.s(1, 1), there.fail.si()], there.total.s()).delay()

    async def wait() -> Any:
        return await asyncio.wait_for(awaited._wait(), PATIENCE)

    errors = [failure(there, theirs), failure(there, ours)]
    with pytest.raises(KeyError) as caught:
        asyncio.run(wait())
    assert [(type(error), error.args) for error in (*errors, caught.value)] == [(KeyError, ("no",))] * 3


@on("redis")
def test_the_body_that_is_a_group_raises_what_the_header_raised(there: Client) -> None:
    result = (group(there.add.s(1, 1), there.fail.si()) | group(there.total.s(), there.echo.s())).delay()
    error = failure(there, result)

    assert (type(error), error.args) == (KeyError, ("no",))


@on(*WITH_CHORDS)
def test_a_failure_before_a_chord_is_the_result_of_its_body(there: Client) -> None:
    work = there.fail.si() | group(there.add.s(1), there.add.s(2)) | there.total.s()
    error = failure(there, there.sent(work.delay()))

    assert (type(error), error.args) == (KeyError, ("no",))


@on(*KINDS)
def test_one_failure_in_a_group_is_its_own(there: Client) -> None:
    result = there.sent(group(there.add.s(1, 2), there.fail.si().on_error(there.touch.s())).delay())

    assert isinstance(failure(there, result[1]), KeyError)
    assert value(there, result[0]) == 3
    assert there.eventually(result[1].id), there.told()


@on("amqp-rpc")
def test_chords_are_refused_where_the_backend_has_none(there: Client) -> None:
    add, total = there.add, there.total
    for work in (chord([add.s(1, 2)], total.s()), add.s(1, 2) | group(add.s(3), add.s(4)) | total.s()):
        with pytest.raises(ChordsUnsupported, match="there are no chords with rpc://"):
            work.delay()
