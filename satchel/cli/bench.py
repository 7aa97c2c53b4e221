"""``satchel bench``: sizes and speeds of serializers, compressors and levels on the user's own messages."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from satchel.cli import measured
from satchel.cli.samples import EPILOG
from satchel.cli.showing import add_screened, print_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satchel.bench.results import Run
    from satchel.bench.screening import Screened

_EPILOG = f"""\
Serializers and compressors are screened apart; those that come into question are timed together. Every message must
come back as it went in. The run holds no message.

{EPILOG}
examples:
  satchel bench messages.jsonl
  redis-cli lrange celery 0 -1 | satchel bench --celery -
  satchel bench --sample celery --serializers json,msgpack --compressors none,zstd --levels 1,3,9
  satchel bench messages/ --export run.json --export report.html
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Compare serializers, compressors and levels on messages."
    parser.epilog = _EPILOG
    run, output = measured.add_arguments(parser)
    add_screened(output)
    run.add_argument("--all", action="store_true", help="time every candidate, however far it is behind; this is slow")


def run(options: Namespace) -> int:
    """Measure, and show."""
    samples = measured.read(options)
    from satchel.bench.recommending import finalists

    def choose(every: Sequence[Screened]) -> Sequence[Screened]:
        return every if options.all else finalists(every, [])

    found, _ = measured.measured(options, samples, choose=choose, plan={})
    return measured.finish(found, options, lambda: _show(found, options))


def _show(run: Run, options: Namespace) -> None:
    print_run(run, plain=options.plain, screened=options.screened)
