"""The messages in files, directories, JSON arrays, brokers' dumps and standard input, one by one, not yet decoded."""

from __future__ import annotations

import bz2
import gzip
import os
import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from satchel.cli import arrays, dumps, guess
from satchel.cli.inspect import MOST_INPUT
from satchel.cli.outcome import BAD_DATA, Failure, advice, usage
from satchel.errors import DecodeError, LimitExceeded
from satchel.types import Limits

JSON_LINES = "jsonl"
#: Formats by the end of a file's name.
ENDINGS = {
    ".json": "json",
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".msgpack": "msgpack",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".txt": "text",
    ".pickle": "pickle",
    ".pkl": "pickle",
}
_OPENING: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
#: Their readers take memory without a bound, or do not tell an end from a cut; these programs do better.
_UNREAD = {".xz": "xz", ".zst": "zstd", ".br": "brotli"}
#: Messages of one dump that are told apart: each takes kilobytes until one is chosen.
_MOST_OF_DUMP = 100_000


class Form(NamedTuple):
    """How a message is decoded, and what it is called when it cannot be.

    Attributes:
        serializer: its name; None for a broker's message, which says its content type itself.
        facts: of a broker's message, content type, content encoding and compression.
        path: the file it is in.
        unit: what its number counts: lines, items, messages.
    """

    serializer: str | None
    path: str
    unit: str = ""
    facts: tuple[Any, Any, Any] = (None, None, None)

    def where(self, number: int) -> str:
        """Where it is found, for an error."""
        return f"{self.path}, {self.unit} {number:,}" if number else self.path


class Found(NamedTuple):
    """A message: its own form, which of its source it is (0 where it is the only one), and its form."""

    own: bytes
    number: int
    form: Form


class Sources:
    """Reads sources.

    Args:
        limits: a message in its own form is at most `max_body` bytes.
        form: a serializer's name, or `JSON_LINES`; by default it is told by a file's name, or its content.
        array: what `arrays.steps` gave: every source is a JSON text with an array.
        celery: every source is a broker's dump.
    """

    def __init__(
        self, limits: Limits, form: str | None = None, array: tuple[str, ...] | None = None, celery: bool = False
    ) -> None:
        self._limits = limits
        self._form = form
        self._array = array
        self._celery = celery

    def found(self, source: str) -> Iterator[Found]:
        """Give the messages of a file, of all files in a directory, or of standard input (``-``).

        Raises:
            Failure: it cannot be read, or is beyond the limits, or holds no messages.
        """
        if source == "-":
            if sys.stdin is None:
                raise usage("standard input is closed; give a SRC")
            yield from self._of_stream(sys.stdin.buffer, "standard input", None)
        elif os.path.isdir(source):
            for path in _files(source):
                yield from self._of_file(path)
        else:
            yield from self._of_file(source)

    def _of_file(self, path: str) -> Iterator[Found]:
        name, compression = os.path.splitext(path.lower())
        if compression in _UNREAD:
            program = _UNREAD[compression]
            raise usage(f"{path}: decompress it first: {program} -dc FILE | satchel … -")
        if compression not in _OPENING:
            name, compression = path.lower(), ""
        with _opened(path, compression) as stream:
            yield from self._of_stream(stream, path, ENDINGS.get(os.path.splitext(name)[1]))

    def _of_stream(self, stream: BinaryIO, path: str, form: str | None) -> Iterator[Found]:
        form = self._form or form
        if self._array is not None:
            yield from self._of_array(stream, path, self._array)
        elif self._celery and form == JSON_LINES:
            for line in self._lines(stream, path, longest=MOST_INPUT):
                yield from self._of_dump(line.own, line.form.where(line.number))
        elif self._celery:
            yield from self._of_dump(_whole(stream, path), path)
        elif form == JSON_LINES:
            yield from self._lines(stream, path)
        else:
            yield from self._of_one(stream, path, form)

    def _of_one(self, stream: BinaryIO, path: str, form: str | None) -> Iterator[Found]:
        most = self._limits.max_body
        data = stream.read(most + 1)
        if not data:
            raise Failure(BAD_DATA, f"{path}: it is empty")
        form = form or self._guessed(data, path)
        if form == JSON_LINES:
            yield from self._lines(stream, path, data)
        elif len(data) > most:
            raise Failure(BAD_DATA, f"{path}: {_too_large('it', most)}")
        else:
            yield Found(data, 0, Form(form, path))

    def _guessed(self, data: bytes, path: str) -> str:
        """Tell the format of what is not named; more may follow than `data`."""
        if guess.is_pickle(data):
            return "pickle"
        text = data.strip()
        first, _, rest = text.partition(b"\n")
        # What is one JSON value does not hold a line that is one by itself, and more.
        if rest and self._is_json(first):
            return JSON_LINES
        if text[:1] in (b"{", b"["):
            return "json"
        form = guess.form(data, self._limits).serializer
        if form in ("raw", "text"):
            raise Failure(
                BAD_DATA,
                f"{path}: it is no JSON, JSON lines, MessagePack or YAML; say what it is with --from, "
                "or decompress it first",
            )
        return form

    def _is_json(self, line: bytes) -> bool:
        try:
            guess.decode(line, "json", self._limits)
        except LimitExceeded:
            return True
        except DecodeError:
            return False
        return True

    def _lines(self, stream: BinaryIO, path: str, head: bytes = b"", longest: int | None = None) -> Iterator[Found]:
        """Give every line that is not blank; `head` was read of the stream before."""
        most = longest or self._limits.max_body
        form = Form("json", path, "line")
        begun, number = BytesIO(head), 0
        while True:
            line = begun.readline(most + 2)
            if not line.endswith(b"\n"):
                line += stream.readline(most + 2 - len(line))
            if not line:
                return
            number += 1
            own = line.strip(b" \t\r\n")
            if len(own) > most or (len(line) == most + 2 and not line.endswith(b"\n")):
                raise Failure(BAD_DATA, f"{form.where(number)}: {_too_large('it', most)}")
            if own:
                yield Found(own, number, form)

    def _of_array(self, stream: BinaryIO, path: str, array: tuple[str, ...]) -> Iterator[Found]:
        form = Form("json", path, "item")
        try:
            text = _whole(stream, path).decode()
            for number, item in enumerate(arrays.items(text, array), 1):
                own = item.encode("utf-8", "surrogatepass")
                if len(own) > self._limits.max_body:
                    raise Failure(BAD_DATA, f"{form.where(number)}: {_too_large('it', self._limits.max_body)}")
                yield Found(own, number, form)
        except arrays.NoArray as error:
            raise usage(f"{path}: {error}; see --array") from error
        except RecursionError as error:
            raise Failure(BAD_DATA, f"{path}: it is nested too deep") from error
        except ValueError as error:
            raise Failure(BAD_DATA, f"{path}: it is not JSON: {str(error)[:200]}") from error

    def _of_dump(self, data: bytes, path: str) -> Iterator[Found]:
        try:
            messages, in_all = dumps.messages(data, self._limits, _MOST_OF_DUMP)
        except Failure as failure:
            raise Failure(failure.code, f"{path}: {failure}") from failure
        except DecodeError as error:
            raise Failure(BAD_DATA, f"{path}: {advice(error)}") from error
        if in_all > _MOST_OF_DUMP:
            cure = "split it, such as by redis-cli lrange KEY 0 9999"
            raise Failure(BAD_DATA, f"{path}: the dump holds {in_all:,} messages, more than {_MOST_OF_DUMP:,}; {cure}")
        for number, message in enumerate(messages, 1):
            if message.bare:
                cure = "satchel inspect tells what it is; without --celery a body is read by its format"
                raise Failure(BAD_DATA, f"{path}: there is no broker's message in it; {cure}")
            body, *facts = message.envelope.encoded
            yield Found(bytes(body), number, Form(None, path, "message", (facts[0], facts[1], facts[2])))


@contextmanager
def _opened(path: str, compression: str) -> Generator[BinaryIO, None, None]:
    opening = _OPENING.get(compression, open)
    try:
        with opening(path, "rb") as stream:
            yield stream
    except OSError as error:
        if error.errno is None:  # gzip's and bz2's way to say that it is damaged.
            raise Failure(BAD_DATA, f"{path}: it cannot be decompressed: {error}") from error
        raise usage(f"{path}: {error.strerror}") from error
    except (EOFError, zlib.error) as error:
        raise Failure(BAD_DATA, f"{path}: it cannot be decompressed: {error}") from error


def _files(folder: str) -> Iterator[str]:
    """Give the files in a directory and below, sorted; hidden ones and links to directories are passed over."""

    def refuse(error: OSError) -> None:
        raise usage(f"{error.filename}: {error.strerror}") from error

    for inner, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(inner, name)
            # A pipe would be waited for; a link that leads nowhere is a file that cannot be read.
            if not name.startswith(".") and (os.path.isfile(path) or not os.path.exists(path)):
                yield path


def _whole(stream: BinaryIO, path: str) -> bytes:
    data = stream.read(MOST_INPUT + 1)
    if len(data) > MOST_INPUT:
        raise Failure(BAD_DATA, f"{path}: it is larger than {MOST_INPUT >> 20} MiB; JSON lines may be longer (.jsonl)")
    return data


def _too_large(what: str, most: int) -> str:
    return f"{what} is larger than {most:,} bytes; if it is genuine, raise --max-body"
