"""``satchel results``: what became of tasks, as their workers stored it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from satchel.cli.application import add_application, looking, refusing, settings_of, unreadable
from satchel.cli.outcome import BAD_DATA, INTERRUPTED, OK, TASK_FAILED, UNFINISHED, usage
from satchel.cli.showing import add_plain, print_table, progress
from satchel.cli.waiting import add_wait, ends

if TYPE_CHECKING:
    from satchel.calling import App
    from satchel.cli.states import Seen

_EPILOG = """\
One task is shown with all that is stored of it, several as a table. Name, arguments, worker, queue and retries are
stored where the workers have result_extended. A result is read only within limits, and an exception is never built by
the name alone.

PENDING means that no state is stored: the task waits, or is unknown, or its result has expired or was never kept.

examples:
  satchel results 5660d3a3-92b8-40df-8ccc-33a5d1d680d7 --backend redis://localhost
  satchel results $(cat ids) --wait 60 --json | jq -r 'select(.state == "FAILURE") | .id'
  satchel results 5660d3a3-92b8-40df-8ccc-33a5d1d680d7 --wait --forget

exit codes with --wait: 6: a task failed, or was revoked; 7: one did not end in time.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Show what became of tasks: state, result, traceback, times, children."
    parser.epilog = _EPILOG
    parser.add_argument("ids", nargs="+", metavar="ID", help="a task's id, as satchel send prints it")
    add_wait(parser, "wait until all have ended; SECONDS at most, default for ever")
    parser.add_argument("--forget", action="store_true", help="delete the results once they are shown")
    parser.add_argument("--json", action="store_true", help="a JSON object for each, on a line of its own")
    parser.add_argument("--full", action="store_true", help="show values whole, up to 20,000 characters")
    add_plain(parser)
    add_application(parser, sends=False)


def run(options: Namespace) -> int:
    """Look, wait, show, forget."""
    settings = settings_of(options)
    if settings.result_backend is None:
        raise usage("there is no result backend; give --backend URL, or set CELERY_RESULT_BACKEND")
    if settings.result_backend.startswith("rpc:"):
        raise usage("by rpc:// a result comes only to the process that sent the task: wait there, satchel send --wait")
    if not all(options.ids):
        raise usage("an ID is empty")
    from satchel.calling import App

    with refusing():
        app = App("satchel", config=settings)
    with app, looking(settings):
        return _run(app, options)


def _run(app: App, options: Namespace) -> int:
    ids = list(dict.fromkeys(options.ids))
    seen: list[Seen] = []
    try:
        with progress() as tell:
            found = _states(app, ids) if options.wait is None else ends(app.backend, ids, options.wait, tell)
            for each in found:
                seen.append(each)  # noqa: PERF402  # those before an interruption are kept
    except KeyboardInterrupt:
        _show(seen, options)
        left = len(ids) - len(seen)
        print(f"satchel: interrupted: {left} of {len(ids)} were not seen; the tasks go on", file=sys.stderr)
        return INTERRUPTED
    _show(seen, options)
    if options.forget:
        for each in seen:
            app.backend.forget(each.id)
    return _code(seen, waited=options.wait is not None)


def _states(app: App, ids: list[str]) -> Iterator[Seen]:
    from satchel.cli.states import Seen
    from satchel.errors import DecodeError

    for task_id in ids:
        try:
            yield Seen(task_id, app.backend.fetch(task_id))
        except DecodeError as error:
            yield Seen(task_id, None, unreadable(error))


def _show(seen: list[Seen], options: Namespace) -> None:
    from satchel.cli import states

    if options.json:
        for each in seen:
            states.print_json(each)
    elif len(set(options.ids)) > 1:
        _print_table(seen, options)
    else:
        for each in seen:
            print("\n".join(states.lines(each, 20_000 if options.full else 400)))
    sys.stdout.flush()


def _print_table(seen: list[Seen], options: Namespace) -> None:
    from satchel.cli import states

    longest = 300 if options.full else 60
    rows = [(each.id, each.state, states.ended(each), states.summary(each, longest)) for each in seen]
    print_table(("ID", "STATE", "DONE", "RESULT"), rows, plain=options.plain, spare=("DONE",))


def _code(seen: list[Seen], *, waited: bool) -> int:
    if any(each.record is None for each in seen):
        return BAD_DATA
    if waited and any(each.failed for each in seen):
        return TASK_FAILED
    if waited and any(each.record is not None and not each.record.ready for each in seen):
        return UNFINISHED
    return OK
