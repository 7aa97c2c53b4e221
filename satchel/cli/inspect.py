"""``satchel inspect``: what a message, a body or a broker's dump holds, part by part, without ever unpickling."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime, timezone

from satchel.cli import dumps, streams
from satchel.cli.arguments import add_accept, add_limits, limits_of
from satchel.cli.explain import Report, Request, explain
from satchel.cli.outcome import BAD_DATA, MISSING, OK, Failure
from satchel.cli.task import Row

#: Bytes of a dump: hundreds of messages, and still some seconds.
MOST_INPUT = 64 * 1024 * 1024

_EPILOG = """\
It takes:
  a body, bare or in base64        compression and format are found by their first bytes and by trial
  an envelope                      the JSON in which Redis, SQLAlchemy and filesystem transports keep a message
  output of redis-cli              LRANGE, LINDEX, GET, HGETALL; quoted as on a terminal, --raw, or --json
  output of RabbitMQ's HTTP API    POST /api/queues/VHOST/QUEUE/get, one message or a list
  a result of Celery               bare, or as a Redis result backend keeps it

Everything is bounded by the limits. A pickle is never unpickled: its opcodes are looked at, and what it would import
is named.

examples:
  redis-cli lrange celery 0 -1 | satchel inspect
  curl -su guest:guest -XPOST -d '{"count":5,"ackmode":"ack_requeue_true","encoding":"base64"}' \\
      http://localhost:15672/api/queues/%2F/celery/get | satchel inspect
  satchel inspect body.bin --accept json,msgpack

exit code 3: a body is damaged, or beyond the limits; 4: a library that a body needs is not installed.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Explain a message, a body, or a broker's dump."
    parser.epilog = _EPILOG
    streams.add_input(parser, "what to explain")
    parser.add_argument("--json", action="store_true", help="a JSON list of objects instead of text")
    parser.add_argument("--count", type=_count, default=100, metavar="N", help="explain the first N; default 100")
    parser.add_argument("--full", action="store_true", help="show values whole, up to 20,000 characters")
    add_accept(parser, "--accept", "the accept list to judge by; default json, which is a reader's default")
    add_limits(parser)


def run(options: Namespace) -> int:
    """Inspect."""
    request = Request(
        accept=tuple(options.accept or ["json"]),
        limits=limits_of(options),
        now=datetime.now(timezone.utc),
        longest=20_000 if options.full else 400,
    )
    data = streams.read(options.file, MOST_INPUT)
    if len(data) > MOST_INPUT:
        raise Failure(BAD_DATA, f"the input is larger than {MOST_INPUT >> 20} MiB; inspect a part of it")
    found, in_all = dumps.messages(data, request.limits, options.count)
    reports = [explain(each, request) for each in found]
    if options.json:
        import json

        print(json.dumps([_plain(report) for report in reports], indent=2))
    else:
        _print(reports, in_all)
    left = in_all - len(reports)
    if left:
        print(f"satchel: {left:,} more were left out; see --count", file=sys.stderr)
    if any(report.missing for report in reports):
        return MISSING
    return BAD_DATA if any(report.bad for report in reports) else OK


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _print(reports: list[Report], in_all: int) -> None:
    for number, report in enumerate(reports, 1):
        if in_all > 1:
            print(f"{number} of {in_all:,}: ", end="")
        print("\n".join(report.lines()), end="\n\n" if number < len(reports) else "\n")


def _plain(report: Report) -> dict[str, object]:
    return {"what": report.what, "bad": report.bad, **{name: _by_name(rows) for name, rows in report.sections.items()}}


def _by_name(rows: list[Row]) -> dict[str, str | list[str]]:
    """Give the text of each name; a list of them for a name that comes again, such as "note"."""
    texts: dict[str, list[str]] = {}
    for name, text in rows:
        texts.setdefault(name, []).append(text)
    return {name: of_name if len(of_name) > 1 else of_name[0] for name, of_name in texts.items()}
