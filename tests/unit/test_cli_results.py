"""`satchel results`: what became of one task or of several, waiting for them, and deleting what is stored."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.unit.cli_calling import Inside, Place, closed_port, place, run
from tests.unit.cli_run import COMMAND, Ended, environment

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

__all__ = ["closed_port", "place", "run"]  # fixtures

DONE = "2026-07-28T10:11:12.345678+00:00"
FAILURE = {"exc_type": "OutOfStock", "exc_message": ["lamp", {"left": 0}], "exc_module": "shop"}
TRACE = "Traceback (most recent call last):\n  \x1b[2Jshop.OutOfStock: lamp\n"
MAIN = "from satchel.cli import main; import sys; sys.exit(main())"


def results(place: Place, *arguments: str, **variables: str) -> Ended:
    return place.run("results", *place.backend, *arguments, **variables)


def stored(place: Place) -> set[str]:
    return {path.name.removeprefix("celery-task-meta-") for path in place.results.iterdir()}


# --- one task ---


def test_all_that_is_stored_of_a_task_is_shown(place: Place) -> None:
    extended = {"name": "shop.add", "args": [1, 2], "kwargs": {}, "worker": "celery@host", "retries": 0, "queue": "q"}
    group = [["group", None], [[["first", None], None], [["second", None], None]]]
    more = {"date_done": DONE, "children": [[["child", None], None], group], "parent_id": "parent", "group_id": "of"}
    place.store("one", "SUCCESS", {"total": 3}, **extended, **more)
    ended = results(place, "one")

    name, *rows = ended.text.splitlines()
    shown = dict(row.split(maxsplit=1) for row in rows)
    assert (ended.code, ended.err, name) == (0, "", "one")
    done = shown.pop("done")
    assert done.startswith("2026-07-28T10:11:12+00:00 (")
    assert shown == {
        "state": "SUCCESS",
        "result": '{"total":3}',
        "name": "shop.add",
        "args": "[1,2]",
        "kwargs": "{}",
        "worker": "celery@host",
        "retries": "0",
        "queue": "q",
        "parent": "parent",
        "group": "of",
        "children": "child, first, second",
    }


def test_failed_task_is_shown_with_what_it_raised_and_its_traceback(place: Place) -> None:
    place.store("one", "FAILURE", FAILURE, traceback=TRACE)
    ended = results(place, "one")

    assert (ended.code, ended.err) == (0, "")
    assert ended.text.splitlines() == [
        "one",
        "  state      FAILURE",
        "  raised     shop.OutOfStock('lamp', {'left': 0})",
        "  traceback",
        "    Traceback (most recent call last):",
        r"      \x1b[2Jshop.OutOfStock: lamp",
    ]


def test_exception_of_pythons_own_is_shown_as_it_would_be_raised(place: Place) -> None:
    place.store("one", "RETRY", {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"})

    assert "  raised  ValueError('boom', 42)\n" in results(place, "one").text


def test_what_a_task_says_of_itself_is_shown(place: Place) -> None:
    place.store("one", "PROGRESS", {"progress": 50})

    assert results(place, "one").text == 'one\n  state   PROGRESS\n  result  {"progress":50}\n'


def test_unknown_task_is_pending_and_says_what_that_means(place: Place) -> None:
    ended = results(place, "one")

    assert ended.code == 0
    assert "  state    PENDING\n  meaning  no state is stored: the task waits, or is unknown" in ended.text


def test_long_value_is_cut_unless_it_is_to_be_shown_in_full(place: Place) -> None:
    place.store("one", "SUCCESS", "x" * 5_000)
    short, full = results(place, "one"), results(place, "one", "--full")

    assert "x" * 401 not in short.text
    assert "… (5,002 characters)" in short.text
    assert "x" * 5_000 in full.text


@pytest.mark.parametrize("broken", [b'{"status": "SUC', b"[1]", b'{"status": 1}', b"\x80\x05]\x94."])
def test_result_that_cannot_be_read_says_why_and_is_exit_code_3(place: Place, broken: bytes) -> None:
    (place.results / "celery-task-meta-one").write_bytes(broken)
    ended = results(place, "one")

    assert (ended.code, ended.err) == (3, "")
    assert "  state       ?\n  unreadable  " in ended.text


def test_children_that_cannot_be_read_do_not_hide_the_result(place: Place) -> None:
    place.store("one", "SUCCESS", 3, children=["child"])
    ended = results(place, "one")

    assert ended.code == 0
    assert "  result    3\n  children  (they cannot be read)\n" in ended.text


# --- several, and for programs ---


def test_several_tasks_are_a_table(place: Place) -> None:
    place.store("one", "SUCCESS", "x" * 100, date_done=DONE)
    place.store("two", "FAILURE", FAILURE, traceback=TRACE)
    (place.results / "celery-task-meta-three").write_bytes(b"[1]")
    ended = results(place, "one", "two", "three", "four", "one")

    header, *rows = ended.text.splitlines()
    assert (ended.code, ended.err) == (3, "")
    assert header.split() == ["ID", "STATE", "DONE", "RESULT"]
    assert rows[0].split()[:4] == ["one", "SUCCESS", "2026-07-28", "10:11:12+00:00"]
    assert rows[0].endswith("xxx…")
    assert [row.split()[:2] for row in rows[1:]] == [["two", "FAILURE"], ["three", "?"], ["four", "PENDING"]]
    assert rows[1].endswith("shop.OutOfStock('lamp', {'left': 0})")
    assert rows[3].endswith("(no state is stored)")


def test_json_is_an_object_on_a_line_for_each(place: Place) -> None:
    place.store("one", "SUCCESS", {"total": 3}, date_done=DONE, name="shop.add", args=[1])
    place.store("two", "FAILURE", FAILURE, traceback=TRACE)
    (place.results / "celery-task-meta-three").write_bytes(b"[1]")
    ended = results(place, "one", "two", "three", "four", "--json")

    nothing: dict[str, Any] = {"traceback": None, "done": None, "parent": None, "group": None, "children": []}
    one, two, three, four = map(json.loads, ended.text.splitlines())
    assert ended.code == 3
    success = {"id": "one", "state": "SUCCESS", "result": {"total": 3}, "done": DONE}
    assert one == {**nothing, **success, "name": "shop.add", "args": [1]}
    raised = "shop.OutOfStock('lamp', {'left': 0})"
    assert two == {**nothing, "id": "two", "state": "FAILURE", "raised": raised, "traceback": TRACE}
    assert (three["id"], three["state"]) == ("three", None)
    assert three["unreadable"].startswith("a stored result must be a mapping")
    assert four == {**nothing, "id": "four", "state": "PENDING", "result": None}


def test_result_without_a_json_form_is_its_repr(place: Place) -> None:
    place.store("one", "SUCCESS", {"a": float("nan")})
    shown = json.loads(results(place, "one", "--json").out)

    assert "result" not in shown
    assert shown["repr"] == "{'a': nan}"
    assert "  result  {'a': nan}\n" in results(place, "one").text


# --- waiting and deleting ---


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ({"one": "SUCCESS"}, 0),
        ({"one": "FAILURE"}, 6),
        ({"one": "REVOKED"}, 6),
        ({"one": "PROGRESS"}, 7),
        ({"one": None}, 7),
        ({"one": "SUCCESS", "two": "FAILURE", "three": None}, 6),
        ({"one": "SUCCESS", "two": "STARTED"}, 7),
    ],
)
def test_exit_code_of_waiting_says_how_the_tasks_ended(place: Place, states: dict[str, str | None], code: int) -> None:
    for task_id, state in states.items():
        if state is not None:
            place.store(task_id, state, FAILURE if state in ("FAILURE", "REVOKED") else None)
    looked, waited = results(place, *states), results(place, *states, "--wait", "0.05")

    assert (looked.code, waited.code) == (0, code)
    assert (looked.out, waited.err) == (waited.out, "")


@pytest.mark.parametrize(
    "arguments", [["--wait", "one"], ["one", "--wait"], ["one", "--wait", "5"], ["--wait=5", "one"]]
)
def test_wait_takes_seconds_and_no_id(place: Place, arguments: list[str]) -> None:
    place.store("one", "SUCCESS", 3)
    ended = results(place, *arguments)

    assert (ended.code, ended.err) == (0, "")
    assert "SUCCESS" in ended.text


def test_results_are_deleted_once_they_are_shown(place: Place) -> None:
    place.store("one", "SUCCESS", 3)
    place.store("two", "FAILURE", FAILURE)
    place.store("three", "SUCCESS", 4)
    ended = results(place, "one", "two", "four", "--forget")

    assert [row.split()[:2] for row in ended.text.splitlines()[1:]] == [
        *(["one", "SUCCESS"], ["two", "FAILURE"], ["four", "PENDING"]),
    ]
    assert stored(place) == {"three"}


def test_result_that_cannot_be_read_can_be_deleted(place: Place) -> None:
    (place.results / "celery-task-meta-one").write_bytes(b"[1]")
    ended = results(place, "one", "--forget")

    assert ended.code == 3
    assert stored(place) == set()


def test_ctrl_c_shows_what_was_seen_and_leaves_the_tasks(place: Place) -> None:
    place.store("one", "SUCCESS", 3)
    program = f"import satchel.cli.showing as showing, sys\nfrom contextlib import contextmanager\n{TOLD}\n{MAIN}"
    command = [sys.executable, "-c", program, "results", *place.backend, "one", "two", "--wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True)
    assert process.stderr is not None
    while "2 of 2" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert [row.split()[:2] for row in out.splitlines()] == [["ID", "STATE"], ["one", "SUCCESS"]]
    assert err == "satchel: interrupted: 1 of 2 were not seen; the tasks go on\n"


#: Progress as lines, wherever they go.
TOLD = """
@contextmanager
def progress():
    yield lambda what, done: print(what, file=sys.stderr, flush=True)
showing.progress = progress
"""


# --- what is refused ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: ID"),
        (["one"], "there is no result backend; give --backend URL, or set CELERY_RESULT_BACKEND"),
        (["one", "--backend", "rpc://"], "by rpc:// a result comes only to the process that sent the task: wait there"),
        (["one", "--backend", "foo://x"], "no result backend for 'foo'; known: redis://, "),
        (["one", "--backend", "redis://:sec/ret@h"], "the backend 'redis://:***@h' cannot be read as a url; a port is"),
        (["", "--backend", "file:///nowhere"], "an ID is empty"),
        (["a/b", "--backend", "file:///nowhere"], "the id 'a/b' cannot be a part of a file's name"),
        (["one", "--broker", "redis://"], "unrecognized arguments: --broker"),
        (["one", "--wait=soon"], "argument --wait: 'soon' is not a number of seconds, 0 or more"),
    ],
)
def test_wrong_usage_is_one_line(run: Inside, arguments: list[str], message: str) -> None:
    refused = run("results", *arguments)

    assert (refused.code, refused.out) == (2, b"")
    assert refused.err.startswith("satchel: error: ")
    assert message in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("form", ["redis://u:secret@127.0.0.1:{}", "db+sqlite:////nowhere/{}"])
def test_backend_that_is_not_reached_is_named_without_its_password(run: Inside, closed_port: int, form: str) -> None:
    url = form.format(closed_port)
    refused = run("results", "one", "--backend", url)

    assert (refused.code, refused.out) == (1, b"")
    assert f"; backend: {url.replace('secret', '***')}; see that it runs there" in refused.err
    assert "secret" not in refused.err
    assert refused.err.count("\n") == 1


def test_setting_that_cannot_be_read_is_exit_code_2(place: Place) -> None:
    refused = results(place, "one", CELERY_RESULT_EXPIRES="soon")

    assert (refused.code, refused.err) == (
        2,
        "satchel: error: CELERY_RESULT_EXPIRES cannot be read: expected a number\n",
    )


def test_settings_of_results_come_from_the_environment(place: Place) -> None:
    place.store("one", "SUCCESS", 3)
    (place.results / "celery-task-meta-one").rename(place.results / "shop_celery-task-meta-one")
    backend = {"CELERY_RESULT_BACKEND": place.backend[1]}
    options = {"CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": '{"global_keyprefix": "shop"}'}
    ended = place.run("results", "one", **backend, **options)

    assert "  result  3\n" in ended.text


def test_looking_at_results_imports_no_kombu(place: Place) -> None:
    place.store("one", "SUCCESS", 3)
    arguments = ["results", *place.backend, "one"]
    program = f"import sys; sys.argv = ['satchel', *{arguments}]\ntry: {MAIN}\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment(), text=True)
    imported = set(done.stdout.splitlines()[-1].split())

    assert "satchel.calling" in imported
    assert not imported & {"kombu", "celery", "redis", "sqlalchemy", "rich"}


def test_missing_library_is_exit_code_4(place: Place) -> None:
    (place.folder / "redis.py").write_text("raise ModuleNotFoundError('hidden by a test')")
    command = [*COMMAND, "results", "one", "--backend", "redis://127.0.0.1"]
    variables = environment(PYTHONPATH=str(place.folder))
    refused = subprocess.run(command, capture_output=True, env=variables, text=True)

    assert (refused.returncode, refused.stdout) == (4, "")
    assert "pip install" in refused.stderr
