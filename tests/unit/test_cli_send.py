"""`satchel send`: arguments and options, the id and the result, progress, and what is said when it fails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from satchel.cli.application import without_password
from tests.unit.cli_calling import Inside, Place, closed_port, place, run
from tests.unit.cli_run import COMMAND, Ended, environment, satchel

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

__all__ = ["closed_port", "place", "run"]  # fixtures

MAIN = "from satchel.cli import main; import sys; sys.exit(main())"


# --- what is sent ---


def test_id_is_printed_alone_on_a_line(place: Place) -> None:
    ended = place.send("shop.add", "2", "2")

    call = place.call()
    assert ended == (0, f"{call.id}\n".encode(), "")
    assert call.task == "shop.add"


def test_json_prints_an_object(place: Place) -> None:
    ended = place.send("shop.add", "--json")

    assert json.loads(ended.out) == {"id": place.call().id, "task": "shop.add"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("2.5", 2.5),
        ("true", True),
        ("null", None),
        ('{"a": [1]}', {"a": [1]}),
        ('"1"', "1"),
        ('"a=b"', "a=b"),
        ("text", "text"),
        ("True", "True"),
        ("NaN", "NaN"),
        ("007", "007"),
        ("", ""),
        ("https://example.org/?a=b", "https://example.org/?a=b"),
        ("- a", "- a"),
        ("Zoë", "Zoë"),
    ],
)
def test_argument_is_json_where_it_is_json_and_otherwise_text(place: Place, text: str, value: Any) -> None:
    place.send("shop.echo", "--", text)

    assert place.call().args == [value]


def test_type_tags_are_read_as_encode_reads_them(place: Place) -> None:
    place.send("shop.echo", '{"__type__": "datetime", "__value__": "2031-01-02T03:04:05+00:00"}')

    assert place.call().args == [datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc)]


def test_name_and_value_are_an_argument_by_its_name(place: Place) -> None:
    place.send("shop.pay", "17", "currency=EUR", "cents=5", "note=a=b")

    call = place.call()
    assert (call.args, call.kwargs) == ([17], {"currency": "EUR", "cents": 5, "note": "a=b"})


@pytest.mark.parametrize("text", ['{"a": 1', "[draft] hello", '"open'])
def test_text_that_begins_like_json_is_sent_with_a_warning(place: Place, text: str) -> None:
    ended = place.send("shop.echo", text)

    assert place.call().args == [text]
    assert ended.code == 0
    assert ended.err == f"satchel: warning: {text!r} begins like JSON and is none: it is taken as text\n"


def test_all_arguments_may_be_given_as_json(place: Place) -> None:
    place.send("shop.pay", "--args", '["1", {"a=b": null}]', "--kwargs", '{"not an identifier": 2}')

    call = place.call()
    assert (call.args, call.kwargs) == (["1", {"a=b": None}], {"not an identifier": 2})


def test_all_arguments_may_come_from_standard_input(place: Place) -> None:
    satchel("send", *place.broker, "shop.pay", "--args", "-", "x=1", stdin="[1, 2]")

    call = place.call()
    assert (call.args, call.kwargs) == ([1, 2], {"x": 1})


@pytest.mark.parametrize(
    "arguments",
    [
        ["shop.add", "1", "-2", "x=3", "--queue", "q"],
        ["--queue", "q", "shop.add", "1", "-2", "x=3"],
        ["shop.add", "--queue", "q", "1", "-2", "x=3"],
        ["shop.add", "1", "--queue=q", "-2", "--no-retry", "x=3"],
        ["shop.add", "--queue", "q", "--", "1", "-2", "x=3"],
    ],
)
def test_options_may_stand_anywhere(place: Place, arguments: list[str]) -> None:
    ended = place.send(*arguments)

    call = place.call()
    assert (ended.code, call.args, call.kwargs) == (0, [1, -2], {"x": 3})
    assert place.envelopes()[0]["properties"]["delivery_info"]["routing_key"] == "q"


def test_what_follows_two_dashes_is_no_option(place: Place) -> None:
    place.send("shop.echo", "--", "--queue", "-x")

    assert place.call().args == ["--queue", "-x"]


def test_options_of_the_call_are_in_the_message(place: Place) -> None:
    ended = place.send(
        "shop.echo",
        *("--eta", "2031-01-02T03:04:05+01:00", "--expires", "2031-01-02T04:00:00Z", "--priority", "6"),
        *("--serializer", "msgpack", "--task-id", "one", "--header", "tenant=acme", "--header", 'tags=["a"]'),
        *("--queue", "money", "--ignore-result"),
    )

    call = place.call()
    assert ended == (0, b"one\n", "")
    assert call.eta == datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert call.expires == datetime(2031, 1, 2, 4, tzinfo=timezone.utc)
    assert (call.headers["tenant"], call.headers["tags"], call.headers["ignore_result"]) == ("acme", ["a"], True)
    assert call.properties["priority"] == 6
    assert place.envelopes()[0]["content-type"] == "application/x-msgpack"


def test_waits_are_given_in_seconds(place: Place) -> None:
    before = datetime.now(timezone.utc)
    place.send("shop.echo", "--countdown", "100", "--expires", "1000.5")
    after = datetime.now(timezone.utc)

    call = place.call()
    assert call.eta is not None
    assert call.expires is not None
    assert before <= call.eta - timedelta(seconds=100) <= after
    assert before <= call.expires - timedelta(seconds=1000.5) <= after


def test_time_without_offset_is_in_the_workers_timezone(place: Place) -> None:
    place.send("shop.echo", "--eta", "2031-01-02T03:04", CELERY_TIMEZONE="Asia/Tokyo")

    eta = place.call().eta
    assert eta is not None
    assert eta.astimezone(timezone.utc) == datetime(2031, 1, 1, 18, 4, tzinfo=timezone.utc)


def test_compression_none_switches_off_what_the_settings_say(place: Place) -> None:
    text = "x" * 10_000
    place.send("shop.echo", text, "--task-id", "a", CELERY_TASK_COMPRESSION="zlib")
    place.send("shop.echo", text, "--task-id", "b", "-c", "none", CELERY_TASK_COMPRESSION="zlib")
    place.send("shop.echo", text, "--task-id", "c", "-c", "bzip2", CELERY_TASK_COMPRESSION="zlib")

    used = {each["headers"]["id"]: each["headers"].get("compression") for each in place.envelopes()}
    assert used == {"a": "application/x-gzip", "b": None, "c": "application/x-bz2"}


# --- where to ---


def test_broker_and_settings_come_from_the_environment(place: Place, run: Inside) -> None:
    folders = {"data_folder_in": str(place.queue), "data_folder_out": str(place.queue)}
    options = json.dumps({**folders, "control_folder": str(place.folder / "c")})
    ended = run(
        *("send", "shop.add"),
        CELERY_BROKER_URL="filesystem://",
        CELERY_BROKER_TRANSPORT_OPTIONS=options,
        CELERY_TASK_DEFAULT_QUEUE="q",
        CELERY_WORKER_CONCURRENCY="4",
    )

    assert (ended.code, ended.err) == (0, "")
    assert place.envelopes()[0]["properties"]["delivery_info"]["routing_key"] == "q"


def test_options_go_over_the_module_and_the_module_over_the_environment(place: Place) -> None:
    (place.folder / "shopconfig.py").write_text('task_default_queue = "of the module"\nbroker_url = "foo://"\n')
    command = [*COMMAND, "send", *place.broker, "shop.add", "--config", "shopconfig"]
    variables = {"CELERY_TASK_DEFAULT_QUEUE": "of the environment", "CELERY_BROKER_WRITE_URL": "foo://"}
    subprocess.run(command, env=environment(**variables), cwd=place.folder, check=True)

    assert place.envelopes()[0]["properties"]["delivery_info"]["routing_key"] == "of the module"


def test_variable_that_is_no_setting_is_told_and_left(place: Place) -> None:
    ended = place.send("shop.add", CELERY_BROKER="redis://")

    assert ended.code == 0
    assert ended.err.startswith("satchel: warning: the environment: unknown setting 'CELERY_BROKER'; did you mean ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
        ("amqp://user:se:cr@et/x@host//", "amqp://user:***@host//"),
        ("amqp://a:secret@one;amqp://b:secret@two", "amqp://a:***@one;amqp://b:***@two"),
        ("redis://host:6379", "redis://host:6379"),
        ("filesystem://", "filesystem://"),
    ],
)
def test_url_is_shown_without_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


# --- what is refused ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: TASK"),
        (["--queue", "q"], "the following arguments are required: TASK"),
        (["x", "--bogus", "1"], "unrecognized arguments: --bogus (see satchel send --help)"),
        (["x", "--queue"], "argument --queue: expected one argument"),
        (["x", "--countdown", "soon"], "argument --countdown: 'soon' is not a number of seconds, 0 or more"),
        (["x", "--countdown=-1"], "argument --countdown: '-1' is not a number of seconds, 0 or more"),
        (["x", "--wait=nan"], "argument --wait: 'nan' is not a number of seconds, 0 or more"),
        (["x", "--eta", "tomorrow"], "argument --eta: 'tomorrow' is not a time in ISO 8601"),
        (["x", "--expires", "2031-13-01"], "argument --expires: '2031-13-01' is not a time in ISO 8601"),
        (["x", "--eta", "2031-01-02", "--countdown", "1"], "--countdown and --eta exclude each other"),
        (["x", "--priority", "256"], "argument --priority: '256' is not a number from 0 to 255"),
        (["x", "--header", "tenant"], "argument --header: 'tenant' is not NAME=VALUE"),
        (["x", "--header", "a=1", "--header", "a=2"], "--header: 'a' is given twice"),
        (["x", "--header", "id=1"], "'id'"),
        (["x", "a=1", "a=2"], "ARG: 'a' is given twice"),
        (["x", "1", "--args", "[]"], "--args is all of them"),
        (["x", "a=1", "--kwargs", "{}"], "--kwargs is all of them"),
        (["x", "--args", "{}"], "--args takes a JSON list, got {}"),
        (["x", "--kwargs", "[1]"], "--kwargs takes a JSON object, got [1]"),
        (["x", "--args", "-", "--kwargs", "-"], "only one of --args and --kwargs can be standard input"),
        (["x", "-s", "jsno"], "no serializer 'jsno'; did you mean 'json'?"),
        (["x", "-c", "zst"], "no compressor 'zst'; did you mean 'zstd'?"),
        (["x", "--task-id", "i" * 256], "task_id must be at most 255 bytes long"),
        (["", "1"], "a task's name "),
        (["x", "--wait"], "--wait needs to know where results are; give --backend URL, or set CELERY_RESULT_BACKEND"),
        (["x", "--wait", "--ignore-result"], "--wait and --ignore-result exclude each other"),
        (["x", "--wait", "--backend", "foo://x"], "no result backend for 'foo'; known: redis://, "),
        (["x", "--config", "no.such.module"], "--config no.such.module: it cannot be imported: ModuleNotFoundError"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_sent(place: Place, arguments: list[str], message: str) -> None:
    refused = place.send(*arguments)

    assert (refused.code, refused.out) == (2, b"")
    assert refused.err.startswith("satchel: error: ")
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert place.envelopes() == []


@pytest.mark.parametrize(
    ("broker", "message"),
    [
        ([], "there is no broker; give --broker URL, or set CELERY_BROKER_URL"),
        (["--broker", "memory://"], "the broker memory:// ends with this process"),
        (["--broker", "foo://u:secret@h"], "kombu has no transport 'foo', see broker_url; known: amqp, amqps, redis, "),
        (["--broker", "redis://:sec/ret@h"], "the broker 'redis://:***@h' cannot be read as a url; a port is a number"),
    ],
)
def test_broker_that_cannot_be_is_refused_without_its_password(run: Inside, broker: list[str], message: str) -> None:
    refused = run("send", "x", *broker)

    assert (refused.code, refused.out) == (2, b"")
    assert message in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [['{"__type__": "nope", "__value__": 1}'], ["--args", "[1"], ["[" * 200]])
def test_arguments_that_are_refused_are_exit_code_3(place: Place, arguments: list[str]) -> None:
    refused = place.send("x", *arguments)

    assert (refused.code, refused.out, place.envelopes()) == (3, b"", [])
    assert refused.err.startswith("satchel: error: ")
    assert refused.err.count("\n") == 1


def test_value_that_a_stock_worker_would_not_read_is_exit_code_3(place: Place) -> None:
    refused = place.send("x", '{"__type__": "set", "__value__": [1]}')

    assert (refused.code, place.envelopes()) == (3, [])
    assert "satchel: error: json: " in refused.err


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_broker_that_is_not_reached_is_named_without_its_password(run: Inside, scheme: str, closed_port: int) -> None:
    url = f"{scheme}://user:secret@127.0.0.1:{closed_port}"
    refused = run("send", "x", "--broker", url, "--no-retry", "--task-id", "one")

    assert (refused.code, refused.out) == (1, b"")
    assert refused.err.startswith("satchel: error: the broker cannot be reached: ")
    assert f"127.0.0.1:{closed_port}" in refused.err
    assert "nothing was sent; see that it runs there, and that --broker (or CELERY_BROKER_URL) is right" in refused.err
    assert "secret" not in refused.err
    assert "tried" not in refused.err


def test_broker_is_tried_again_unless_no_retry_is_given(run: Inside, closed_port: int) -> None:
    refused = run("send", "x", "--broker", f"redis://127.0.0.1:{closed_port}")

    assert refused.code == 1
    assert " (tried 4 times); " in refused.err


def test_wait_that_the_broker_does_not_suffer_is_a_warning_on_one_line(run: Inside, closed_port: int) -> None:
    arguments = ["--broker", f"redis://127.0.0.1:{closed_port}", "--no-retry", "--countdown", "4000"]
    refused = run("send", "x", *arguments)

    warning, error = refused.err.splitlines()
    assert warning.startswith("satchel: warning: x[")
    assert "is to run in 4,000 s" in warning
    assert error.startswith("satchel: error: the broker cannot be reached: ")


@pytest.mark.parametrize(("hidden", "broker"), [("redis", "redis://127.0.0.1"), ("kombu", "amqp://127.0.0.1")])
def test_missing_library_is_exit_code_4(tmp_path: Path, hidden: str, broker: str) -> None:
    (tmp_path / f"{hidden}.py").write_text("raise ModuleNotFoundError('hidden by a test')")
    refused = satchel("send", "x", "--broker", broker, PYTHONPATH=str(tmp_path))

    assert (refused.code, refused.out) == (4, b"")
    assert "pip install" in refused.err
    assert refused.err.count("\n") == 1


def test_help_imports_neither_the_engine_nor_a_library() -> None:
    program = f"import sys; sys.argv = ['satchel', 'send', '--help']\ntry: {MAIN}\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment(), text=True)
    imported = set(done.stdout.splitlines()[-1].split())

    assert "satchel.cli.send" in imported
    assert not imported & {"satchel.calling", "satchel.pipeline", "kombu", "celery", "redis", "rich", "json", "asyncio"}


# --- what comes back ---


def waiting(place: Place, *arguments: str, **variables: str) -> Ended:
    return place.send("shop.add", "--task-id", "one", *place.backend, "--wait", *arguments, **variables)


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (3, "3"),
        (None, "null"),
        ("text", '"text"'),
        ([1, {"a": None}], '[\n  1,\n  {\n    "a": null\n  }\n]'),
        ("\x1b[2J\u202e", '"\\u001b[2J\\u202e"'),
        (float("inf"), "inf"),
    ],
)
def test_result_is_printed_as_json_or_else_by_its_repr(place: Place, result: Any, shown: str) -> None:
    place.store("one", "SUCCESS", result)
    ended = waiting(place)

    assert ended == (0, f"{shown}\n".encode(), "satchel: sent one\n")
    assert place.call().id == "one"


def test_stored_result_is_asked_for_even_where_settings_say_to_ignore_results(place: Place) -> None:
    place.store("one", "SUCCESS", 3)
    ended = waiting(place, CELERY_TASK_IGNORE_RESULT="true")

    assert ended.out == b"3\n"
    assert place.call().headers["ignore_result"] is False


def test_failed_task_is_its_traceback_on_stderr_and_exit_code_6(place: Place) -> None:
    failure = {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"}
    place.store("one", "FAILURE", failure, traceback="Traceback (most recent call last):\n\t\x1b[2JValueError: boom\n")
    ended = waiting(place)

    assert (ended.code, ended.out) == (6, b"")
    assert ended.err.splitlines() == [
        "satchel: sent one",
        "Traceback (most recent call last):",
        r"    \x1b[2JValueError: boom",
        "satchel: error: the task failed: ValueError('boom', 42)",
    ]


def test_revoked_task_is_exit_code_6(place: Place) -> None:
    expired = {"exc_type": "TaskRevokedError", "exc_message": ["expired"], "exc_module": "celery.exceptions"}
    place.store("one", "REVOKED", expired)
    ended = waiting(place)

    assert ended.code == 6
    assert "satchel: error: the task was revoked: celery.exceptions.TaskRevokedError('expired')\n" in ended.err


def test_failed_task_is_a_json_object_with_json(place: Place) -> None:
    failure = {"exc_type": "OutOfStock", "exc_message": ["lamp"], "exc_module": "shop"}
    place.store("one", "FAILURE", failure, traceback="a trace")
    ended = waiting(place, "--json")

    shown = json.loads(ended.out)
    assert ended.code == 6
    assert (shown["state"], shown["raised"], shown["traceback"]) == ("FAILURE", "shop.OutOfStock('lamp')", "a trace")
    assert "a trace" not in ended.err


@pytest.mark.parametrize(
    ("state", "told"), [(None, "no worker has told of it"), ("PROGRESS", "it is PROGRESS")], ids=["pending", "progress"]
)
def test_task_that_does_not_end_in_time_is_exit_code_7(place: Place, state: str | None, told: str) -> None:
    if state is not None:
        place.store("one", state, {"progress": 10})
    ended = waiting(place, "0.1")

    again = f"look again: satchel results one --backend file://{place.results}"
    assert (ended.code, ended.out) == (7, b"")
    assert f"satchel: error: the task has not ended within 0.1 s: {told}; {again}\n" in ended.err


def test_result_that_is_refused_is_exit_code_3(place: Place) -> None:
    (place.results / "celery-task-meta-one").write_bytes(b"\x80\x05]\x94.")
    ended = waiting(place)

    assert (ended.code, ended.out) == (3, b"")
    assert "; set CELERY_RESULT_SERIALIZER as the workers have it\n" in ended.err


def test_ctrl_c_leaves_the_task_and_says_how_to_look_again(place: Place) -> None:
    command = [*COMMAND, "send", *place.broker, *place.backend, "shop.add", "--task-id", "one", "--wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True)
    assert process.stderr is not None
    sent = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    again = f"look again: satchel results one --backend file://{place.results}"
    assert (process.returncode, out, sent) == (130, "", "satchel: sent one\n")
    assert err == f"satchel: the task goes on; {again}\n"
    assert place.call().id == "one"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_id_that_cannot_be_printed_is_told(place: Place) -> None:
    command = [*COMMAND, "send", *place.broker, "shop.pay", "--task-id", "pay-1"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), text=True)

    assert done.returncode != 0
    assert "satchel: sent pay-1" in done.stderr
    assert place.call().id == "pay-1"
