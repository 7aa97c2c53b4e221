"""``satchel send``: a call of a task by its name, sent to stock Celery workers, whose result may be waited for."""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from satchel.cli import given
from satchel.cli.application import add_application, broker_of, looking, refusing, settings_of, without_password
from satchel.cli.outcome import (
    BAD_DATA,
    FAILED,
    INTERRUPTED,
    OK,
    TASK_FAILED,
    UNFINISHED,
    Failure,
    one_line,
    usage,
)
from satchel.cli.waiting import add_wait, seconds_of
from satchel.errors import MissingDependency

if TYPE_CHECKING:
    from satchel.calling import App, OperationalError, Settings
    from satchel.cli.states import Seen

_EPILOG = """\
An ARG is read as JSON where it is JSON, and otherwise as text: 1, 2.5, true, null, '{"a": 1}', text. NAME=VALUE is an
argument by its name. A text that is JSON too, or has such a name in front, is written as a JSON string: '"1"', '"a=b"'.
--args and --kwargs give all arguments as JSON. Type tags are read as `satchel encode` reads them.

The task's id is printed, and with --wait the result: JSON where it has such a form, otherwise Python's repr. A task
that fails is told by its traceback on standard error. Ctrl-C leaves it running.

A time without an offset from UTC is in the workers' timezone (CELERY_TIMEZONE), which is UTC by default.

examples:
  satchel send shop.tasks.add 2 2 --broker amqp://guest:guest@localhost// --backend redis://localhost --wait
  satchel send shop.tasks.pay 17 currency=EUR --queue money --expires 3600
  satchel send shop.tasks.report --args - --wait 60 < arguments.json
  id=$(satchel send shop.tasks.report 2031-01) && satchel results "$id"

exit code 6: the task failed, or was revoked; 7: it did not end in the time that --wait gave.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Send a call of a task to Celery workers, and wait for its result."
    parser.epilog = _EPILOG
    parser.add_argument("task", metavar="TASK", help="the task's name, such as shop.tasks.add")
    # With a default, argparse does not call it required where TASK is missing.
    parser.add_argument(
        "arguments", nargs="*", default=[], metavar="ARG", help="JSON or text; NAME=VALUE for one by its name"
    )
    add_wait(parser, "wait for the result and print it; SECONDS at most, default for ever")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object: the id, or with --wait what came of it"
    )
    add_application(parser, sends=True)
    call = parser.add_argument_group("the call")
    call.add_argument("--args", metavar="JSON", help="a list of all arguments by place; - reads standard input")
    call.add_argument("--kwargs", metavar="JSON", help="an object of all arguments by name; - reads standard input")
    call.add_argument("--countdown", type=seconds_of, metavar="SECONDS", help="run it so long from now, or later")
    call.add_argument("--eta", type=_moment, metavar="TIME", help="run it at that time (ISO 8601), or later")
    call.add_argument(
        "--expires", type=_seconds_or_moment, metavar="WHEN", help="revoke it when it has not begun: seconds, or a time"
    )
    call.add_argument("--queue", metavar="NAME", help="default what the settings say, or celery")
    call.add_argument("--priority", type=_priority, metavar="N", help="0 to 255; what it does depends on the broker")
    call.add_argument("-s", "--serializer", metavar="NAME", help="see satchel list --dialect celery; default json")
    call.add_argument("-c", "--compression", metavar="NAME", help="likewise; none is no compression; default none")
    call.add_argument("--task-id", metavar="ID", help="default a new UUID")
    call.add_argument(
        "--header",
        action="append",
        type=given.named,
        default=[],
        metavar="NAME=VALUE",
        help="a header of the message, JSON or text; may be repeated",
    )
    call.add_argument("--ignore-result", action="store_true", help="let no result be stored")
    call.add_argument("--no-retry", action="store_true", help="try once to reach the broker; default up to 4 times")


def run(options: Namespace) -> int:
    """Send, and wait."""
    args, kwargs = _arguments(options)
    extra = _options(options)
    settings = settings_of(options)
    _check(options, settings)
    if options.wait is None and _by_reply(settings):
        settings = settings.changed(result_backend=None)  # Nobody would read the queue of replies.
    from satchel.calling import App
    from satchel.message.fields import new_id

    with refusing():
        app = App("satchel", config=settings)
    task_id = options.task_id or new_id()
    with app:
        _connectable(app, settings)
        _send(app, options.task, args, kwargs, {**extra, "task_id": task_id})
        if options.wait is None:
            try:
                _print_id(options, task_id)
            except BrokenPipeError:
                raise
            except OSError:  # A full disk: whoever would send it again is to know that it was sent.
                print(f"satchel: sent {task_id}", file=sys.stderr)
                raise
            return OK
        return _wait(app, options, task_id, settings)


# What is sent


def _arguments(options: Namespace) -> tuple[list[Any], dict[str, Any]]:
    if options.args == options.kwargs == "-":
        raise usage("only one of --args and --kwargs can be standard input")
    args, kwargs = given.arguments_of(options.arguments)
    for option, there, what in (("--args", args, "ARG by place"), ("--kwargs", kwargs, "ARG by name")):
        if there and getattr(options, option[2:]) is not None:
            raise usage(f"{option} is all of them: give it, or each {what}")
    if options.args is not None:
        args = given.json_of("--args", options.args, list)
    if options.kwargs is not None:
        kwargs = given.json_of("--kwargs", options.kwargs, dict)
    return args, kwargs


def _options(options: Namespace) -> dict[str, Any]:
    """Give the options of the call, those that were given."""
    if options.countdown is not None and options.eta is not None:
        raise usage("--countdown and --eta exclude each other")
    names = ("countdown", "eta", "expires", "queue", "priority", "serializer", "compression")
    extra = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.compression == "none":
        extra["compression"] = None
    if options.header:
        extra["headers"] = given.mapping_of("--header", options.header)
    if options.ignore_result or options.wait is not None:
        extra["ignore_result"] = options.ignore_result
    if options.no_retry:
        extra["retry"] = False
    return extra


def _check(options: Namespace, settings: Settings) -> None:
    """Refuse what cannot come to anything, before anything is sent."""
    if broker_of(settings).startswith("memory:"):
        raise usage("the broker memory:// ends with this process: no worker would ever see the message")
    if options.wait is None:
        return
    if options.ignore_result:
        raise usage("--wait and --ignore-result exclude each other: there would be no result")
    if settings.result_backend is None:
        raise usage("--wait needs to know where results are; give --backend URL, or set CELERY_RESULT_BACKEND")


def _connectable(app: App, settings: Settings) -> None:
    """Refuse urls that nothing can be made of; nothing is connected."""
    from satchel.calling.broker.transports import OVER_REDIS, scheme

    with looking(settings):
        _ = app.backend
    with refusing():
        try:
            with app.pool.acquire():
                pass
        except AttributeError as error:
            if scheme(settings.publish_url) not in OVER_REDIS:
                raise
            # Kombu's own module stumbles over the library that is not there.
            raise MissingDependency("the broker redis://", "redis", "redis") from error


def _send(app: App, task: str, args: list[Any], kwargs: dict[str, Any], extra: dict[str, Any]) -> None:
    from satchel.calling import OperationalError

    task_id = extra["task_id"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            with refusing():
                app.send_task(task, args, kwargs, **extra)
        except OperationalError as error:
            raise _not_sent(error, task_id) from error
        except KeyboardInterrupt:
            print(f"satchel: interrupted: the broker may have the message; {_again(task_id)}", file=sys.stderr)
            raise
        finally:
            for warning in caught:
                print(f"satchel: warning: {one_line(str(warning.message))}", file=sys.stderr)


def _not_sent(error: OperationalError, task_id: str) -> Failure:
    from satchel.calling import Unroutable

    if isinstance(error, Unroutable):
        return Failure(FAILED, f"{error.what}; give --queue, or see task_routes and task_queues of the settings")
    tries = f" (tried {error.attempts} times)" if error.attempts > 1 else ""
    broker = f"; {error.expected}" if error.expected else ""
    if type(error.__cause__).__name__ == "PreconditionFailed":
        cure = "the queue is there with other arguments: give the workers' own settings, such as --config MODULE"
    elif error.what.startswith("the broker refused the connection"):
        cure = "nothing was sent; see user, password and virtual host (amqp), or database (redis), in the broker's URL"
    elif error.delivered is False:
        cure = "nothing was sent; see that it runs there, and that --broker (or CELERY_BROKER_URL) is right"
    else:
        cure = f"it may have the message all the same: {_again(task_id)}"
    return Failure(FAILED, f"{error.what}{tries}{broker}; {cure}")


def _again(task_id: str) -> str:
    return f"sent again with --task-id {task_id}, it is the same task"


def _print_id(options: Namespace, task_id: str) -> None:
    if options.json:
        import json

        print(json.dumps({"id": task_id, "task": options.task}))
    else:
        print(task_id)
    sys.stdout.flush()


# What comes back


def _wait(app: App, options: Namespace, task_id: str, settings: Settings) -> int:
    from satchel.cli.showing import progress
    from satchel.cli.waiting import ends

    look = partial(_look_again, task_id, options, settings)
    try:
        print(f"satchel: sent {task_id}", file=sys.stderr)
        with looking(settings), progress() as tell:
            (seen,) = ends(app.backend, [task_id], options.wait, tell, options.task)
    except KeyboardInterrupt:
        print(f"satchel: the task goes on; {look()}", file=sys.stderr)
        return INTERRUPTED
    return _show(seen, options, look)


def _show(seen: Seen, options: Namespace, look: Any) -> int:
    from satchel.cli import states, streams

    record = seen.record
    if options.json:
        states.print_json(seen)
    if record is None:
        raise Failure(BAD_DATA, seen.unreadable)
    if not record.ready:
        told = "no worker has told of it" if record.state == "PENDING" else f"it is {record.state}"
        raise Failure(UNFINISHED, f"the task has not ended within {options.wait:g} s: {told}; {look()}")
    if seen.failed:
        if record.traceback and not options.json:
            print("\n".join(states.traceback_lines(record.traceback)), file=sys.stderr)
        how = "was revoked" if record.state == "REVOKED" else "failed"
        raise Failure(TASK_FAILED, f"the task {how}: {states.raised(record) or record.state}")
    if not options.json:
        print(streams.escape(states.value_text(record.result)))
    return OK


def _look_again(task_id: str, options: Namespace, settings: Settings) -> str:
    """Say how to see what becomes of the task."""
    if _by_reply(settings):
        return "its result was for this process alone, since the backend is rpc://"
    backend = "" if options.backend is None else f" --backend {without_password(options.backend)}"
    config = "" if options.config is None else f" --config {options.config}"
    return f"look again: satchel results {task_id}{backend}{config}"


def _by_reply(settings: Settings) -> bool:
    return (settings.result_backend or "").startswith("rpc:")


def _moment(text: str) -> datetime:
    from satchel.message.times import parse_iso

    try:
        return parse_iso(text)
    except ValueError as error:
        cure = "such as 2031-01-02T03:04:05+01:00"
        raise ArgumentTypeError(f"{text!r} is not a time in ISO 8601 ({error}), {cure}") from error


def _seconds_or_moment(text: str) -> float | datetime:
    return seconds_of(text) if given.is_number(text) else _moment(text)


def _priority(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 255:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 255")
    return int(text)
