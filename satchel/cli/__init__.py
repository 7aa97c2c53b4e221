"""The command line, by argparse: one module per command, imported when its command is run."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from satchel.cli.outcome import INTERRUPTED, PIPE_CLOSED, Failure, usage

#: Each is the module of its name, with add_arguments(parser) and run(options) -> exit code.
COMMANDS = {
    "encode": "turn a value into an encoded body",
    "decode": "turn an encoded body into its value, within limits",
    "inspect": "explain a message, a body or a broker's dump; nothing is ever unpickled",
    "send": "send a call of a task to stock Celery workers, and wait for its result",
    "results": "what became of tasks: state, result, traceback, children",
    "list": "show every codec: name, content type, library, and how to install it",
    "bench": "compare serializers, compressors and levels on your own messages",
    "recommend": "one answer for your own messages and network, with its reason",
    "train": "train a zstd dictionary on your own messages",
    "compare": "compare two runs of bench, and fail where one is worse",
    "report": "a run of bench as a page, a table or a sheet",
    "doctor": "how steady this machine is, what is installed, which engines are in use",
    "demo": "the main job: every codec, through a real broker, to a real Celery worker",
}
#: Those whose arguments may stand before, between and behind options; argparse itself wants them together.
_MIXED = ("send", "results")

_EPILOG = """\
examples:
  echo '{"a": 1}' | satchel encode -s msgpack -c zstd | satchel decode -s msgpack -c zstd
  redis-cli lrange celery 0 -1 | satchel inspect
  satchel send shop.tasks.add 2 2 --broker redis:// --backend redis:// --wait
  satchel recommend messages.jsonl --link 100M --hops 2

exit codes:
  0 fine, 1 failed, 2 usage, 3 the data is bad or refused, 4 a library is missing, 5 not steady (--strict),
  6 the task failed, 7 it did not end in time, 130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise usage(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Prints the version, which costs importlib.metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = version("satchel")
        except PackageNotFoundError:
            text = "(not installed)"
        print(f"satchel {text}, Python {sys.version.split()[0]}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those after the program's name; default ``sys.argv[1:]``.

    Returns:
        The exit code; see `satchel.cli.outcome`.
    """
    if sys.stderr is None:  # It is closed, and print would write to standard output instead.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # for as long as the program runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # A name in a message must not end in a traceback.
    try:
        # Not list(arguments): once that command has been run, `list` is its module here.
        code = _run(sys.argv[1:] if arguments is None else [*arguments])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on. The interpreter would complain when it flushes what is left.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        failure = error if isinstance(error, Failure) else Failure.of(error)
        if failure is None:
            raise
        print(f"satchel: error: {failure}", file=sys.stderr)
        return failure.code
    return code


def _run(arguments: list[str]) -> int:
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = _Parser(
        prog="satchel",
        description="The encoding layer for Python messages.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND")
    module: Any = None
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )
        if name == chosen:
            module = import_module(f"satchel.cli.{name}")
            module.add_arguments(command)
            if name in _MIXED:
                from satchel.cli.arguments import arranged

                after = arguments.index(name) + 1
                arguments = [*arguments[:after], *arranged(command, arguments[after:])]
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        before = arguments[: arguments.index(chosen)] if chosen else arguments
        program = "satchel" if unknown[0] in before else f"satchel {chosen}"
        raise usage(f"unrecognized arguments: {' '.join(unknown)} (see {program} --help)")
    if module is None:
        parser.error("the following arguments are required: COMMAND")
    if sys.stdout is None and getattr(options, "output", None) in (None, "-"):
        raise usage("standard output is closed")
    code: int = module.run(options)
    return code
