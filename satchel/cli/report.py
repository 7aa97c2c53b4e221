"""``satchel report``: what ``satchel bench`` wrote, as a page, a table or another form."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _ArgumentGroup
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from satchel.cli import streams
from satchel.cli.outcome import BAD_DATA, OK, Failure, usage
from satchel.cli.showing import add_plain, add_screened, print_run

if TYPE_CHECKING:
    from satchel.bench.results import Run

MOST = 64 << 20
"""Bytes of a run that are read."""

_EPILOG = """\
RUN.json is what `satchel bench --json RUN.json` wrote. The page is one file that needs no network and no server; it
works without a script, by keyboard and in the dark. Without -o and --export the run's table is shown.

examples:
  satchel report RUN.json
  satchel report RUN.json -o report.html
  satchel report RUN.json --export table.md --export table.csv
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Show a run of satchel bench: as a page, a table or another form."
    parser.epilog = _EPILOG
    parser.add_argument("file", metavar="RUN.json", help="the run; - for standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the page, HTML, to a file; - for standard output")
    add_export(parser)
    add_plain(parser)
    add_screened(parser)


def add_export(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--export``, whose values `write_exports` takes."""
    parser.add_argument(
        "--export",
        action="append",
        default=[],
        type=_exported,
        metavar="FILE",
        help="write the run to a file, in the form that its name ends in: .json, .csv, .md or .html; may be repeated",
    )


def run(options: Namespace) -> int:
    """Report."""
    if options.output not in (None, "-") and _suffix(options.output) in ("json", "csv", "md"):
        raise usage(f"-o writes a page in HTML; for another form use --export {options.output}")
    found = read_run(options.file)
    if options.output is not None:
        from satchel.bench.exporting import export

        write(export(found, "html"), options.output)
    write_exports(found, options.export)
    if options.output is None and not options.export:
        print_run(found, plain=options.plain, screened=options.screened)
    return OK


def read_run(name: str, parse: Callable[[bytes], Run] | None = None) -> Run:
    """Read a run from a file, or from standard input for ``-``.

    Args:
        name: the file's name.
        parse: what makes a run of it; by default `satchel.bench.results.from_json`.

    Raises:
        Failure: it cannot be read; or it is longer than 64 MiB, or no run.
    """
    from satchel.bench.results import InvalidRun, from_json

    data = streams.read(name, MOST)
    shown = "standard input" if name == "-" else name
    if len(data) > MOST:
        raise Failure(BAD_DATA, f"{shown}: it is longer than {MOST >> 20} MiB, which no run is")
    try:
        return (parse or from_json)(data)
    except InvalidRun as error:
        raise Failure(BAD_DATA, f"{shown}: {error}; give a file that `satchel bench --json` wrote") from error


def write_exports(found: Run, names: list[str]) -> None:
    """Write a run to files, each in the form that its name ends in.

    Raises:
        Failure: a file cannot be opened.
    """
    from satchel.bench.exporting import export, form_of

    for name in names:
        form = form_of(name)
        if form is None:
            raise usage(_unknown(name))
        write(export(found, form), name)


def write(text: str, name: str) -> None:
    """Write a form of a run to a file, or to standard output for ``-``."""
    # Half a surrogate pair, which a name from JSON may hold, has no UTF-8. In JSON what is put for it means the same.
    streams.write(text.encode("utf-8", "backslashreplace"), Namespace(output=name, force=False), binary=False)


def _exported(name: str) -> str:
    if _suffix(name) not in ("json", "csv", "md", "html"):
        raise ArgumentTypeError(_unknown(name))
    return name


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower().removeprefix(".")


def _unknown(name: str) -> str:
    return f"{name!r} does not end in .json, .csv, .md or .html, which would say what to write"
