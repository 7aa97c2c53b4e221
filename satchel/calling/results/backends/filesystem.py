"""Results in files (pathlib): one a task, in a directory that all workers share."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

from satchel.calling.results.backends.redis import GROUPS, TASKS
from satchel.calling.results.errors import BackendError
from satchel.calling.results.reading import ResultReader
from satchel.calling.results.record import PENDING, Record
from satchel.calling.results.waiting import poll
from satchel.errors import CorruptBody
from satchel.message.times import shown

_WRITTEN: Final = 1.0
"""Seconds that a file may be half there: Celery writes results in place."""
_PAUSE: Final = 0.02


class FilesystemBackend:
    """See `Backend`. Files are looked at again and again while waiting.

    Args:
        url: ``file:///path/of/the/directory``.
        reader: decodes what is stored.
        prefix: stands before all names.
    """

    reply_to: str | None = None

    def __init__(self, url: str, reader: ResultReader, *, prefix: str = "") -> None:
        path = url.removeprefix("file://").removeprefix("localhost")
        if path == url or not path.startswith("/"):
            raise ValueError(f"a result backend of files is file:///path/of/a/directory, got {shown(url)}")
        # Celery takes the path as it is written; a directory that only exists under its decoded name is meant too.
        self._folder = Path(path) if os.path.isdir(path) else Path(unquote(path))
        self._reader = reader
        self._prefix = prefix

    def __repr__(self) -> str:
        return f"FilesystemBackend({str(self._folder)!r})"

    def prepare(self, channel: Any) -> None:
        """Do nothing: the worker knows where results go."""

    def fetch(self, task_id: str) -> Record:
        """See `Backend.fetch`."""
        path, end = self._path(TASKS, task_id), time.monotonic() + _WRITTEN
        while body := self._stored(path):
            try:
                return self._reader.record(self._reader.decode(body))
            except CorruptBody:
                if time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)
        return PENDING

    def watch(self, task_id: str, *, deadline: float | None, interval: float) -> Iterator[Record]:
        """See `Backend.watch`."""
        return poll(self.fetch, task_id, deadline=deadline, interval=interval)

    def forget(self, task_id: str) -> None:
        """See `Backend.forget`."""
        self._delete(self._path(TASKS, task_id))

    def save_group(self, group_id: str, group: Any) -> None:
        """See `Backend.save_group`."""
        path, body = self._path(GROUPS, group_id), self._reader.encode({"result": group})
        # Written aside and moved, so that nobody reads half of it.
        aside = path.with_name(f".{uuid4().hex}")
        try:
            aside.write_bytes(body)
            aside.replace(path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise self._error(error) from error

    def fetch_group(self, group_id: str) -> Any | None:
        """See `Backend.fetch_group`."""
        body = self._stored(self._path(GROUPS, group_id))
        return self._reader.group(body) if body else None

    def delete_group(self, group_id: str) -> None:
        """See `Backend.delete_group`."""
        self._delete(self._path(GROUPS, group_id))

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _path(self, kind: str, id: str) -> Path:
        name = f"{self._prefix}{kind}{id}"
        if {"/", "\\", "\0", os.sep} & set(name):
            raise ValueError(f"the id {shown(id)} cannot be a part of a file's name")
        return self._folder / name

    def _stored(self, path: Path) -> bytes:
        try:
            with open(path, "rb", opener=_not_waiting) as file:
                # One byte more than is decoded.
                return file.read(self._reader.limits.max_body + 200) or b""
        except FileNotFoundError as error:
            if self._folder.is_dir():
                return b""
            raise self._error(error) from error
        except OSError as error:
            raise self._error(error) from error

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> BackendError:
        if error.errno == errno.ENAMETOOLONG:  # Of the id, mostly, and for ever.
            return BackendError(
                f"the id is too long for the name of a file in {str(self._folder)!r}: no worker can store its result",
                cure="give shorter ids (most file systems take 200 bytes), or use another result_backend",
                lasting=True,
            )
        return BackendError(
            f"the result backend {self!r} cannot be used: {error}",
            cure="see that the directory exists, is shared with the workers, and may be read and written",
        )


def _not_waiting(path: str, flags: int) -> int:
    # What is no file but a pipe would never end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
