"""What a command reads and writes: files and the standard streams, bounded, and no binary on a terminal."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace

from satchel.cli.outcome import usage

#: What a terminal might obey, or use to show text in another order than it has.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: The same in text that is written as it is: all controls but tabs and the ends of lines.
_CONTROLS = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)|{_UNSEEN.pattern}")


def add_input(parser: ArgumentParser, what: str) -> None:
    """Add the argument FILE."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help=f"{what}; default - (standard input)")


def add_output(parser: ArgumentParser) -> None:
    """Add the options of what may be binary."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")
    parser.add_argument(
        "-f", "--force", action="store_true", help="write binary and control characters even to a terminal"
    )


def read(name: str, at_most: int) -> bytes:
    """Read a file, or standard input for ``-``.

    Args:
        name: the file's name.
        at_most: bytes; one more is read of what is longer, so that whoever bounds it sees that.

    Raises:
        Failure: it is closed, or cannot be opened or read.
    """
    try:
        if name == "-":
            name = "standard input"
            if sys.stdin is None:
                raise usage("standard input is closed; give a FILE")
            if sys.stdin.isatty():
                print("satchel: reading from the terminal; Ctrl-D ends it", file=sys.stderr)
            return sys.stdin.buffer.read(at_most + 1)
        with open(name, "rb") as file:
            return file.read(at_most + 1)
    except OSError as error:
        raise usage(f"{name}: {error.strerror}") from error


def write(body: bytes, options: Namespace, *, binary: bool) -> None:
    """Write a body to where ``-o`` says.

    Raises:
        Failure: the file cannot be opened; or standard output is a terminal, the body is binary or text that would act
            on it, and nobody forced it.
        OSError: the body cannot be written, as on a full disk.
    """
    if options.output not in (None, "-"):
        try:
            file = open(options.output, "wb")  # noqa: SIM115  # opening alone is the user's mistake
        except OSError as error:
            raise usage(f"{options.output}: {error.strerror}") from error
        with file:
            file.write(body)
        return
    terminal = sys.stdout.isatty()
    if terminal and not options.force and (binary or _acts(body)):
        what = "binary" if binary else "text with control characters"
        raise usage(f"{what} is not written to a terminal; redirect it, give -o FILE, or force it with --force")
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
    if terminal and not binary:
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def escape(text: str) -> str:
    """Escape, as JSON and Python do in strings, the characters that would act on a terminal."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _acts(body: bytes) -> bool:
    """Whether a terminal would obey something in a body, or could not show it."""
    try:
        return _CONTROLS.search(body.decode()) is not None
    except UnicodeDecodeError:
        return True
