"""What tests of `satchel send` and `satchel results` share: a broker and a result backend in a directory."""

from __future__ import annotations

import json
import socket
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from satchel.cli import main
from satchel.message import MessageReader, TaskCall
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from tests.unit.cli_run import Ended


class Inside:
    """Runs commands in this process, which is quicker than one for each; gives what they wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, **variables: str) -> Ended:
        with self._monkeypatch.context() as patch:
            for name, text in variables.items():
                patch.setenv(name, text)
            code = main(arguments)
        out, err = self._capsys.readouterr()
        return Ended(code, out.encode(), err)


class Place(NamedTuple):
    """A broker and a result backend in a directory, with nobody behind them."""

    folder: Path
    run: Inside

    @property
    def broker(self) -> list[str]:
        options = [f"data_folder_in={self.queue}", f"data_folder_out={self.queue}", f"control_folder={self.folder}/c"]
        given = [part for option in options for part in ("--transport-option", option)]
        return ["--broker", "filesystem://", *given]

    @property
    def backend(self) -> list[str]:
        return ["--backend", f"file://{self.results}"]

    @property
    def queue(self) -> Path:
        return self.folder / "queue"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def send(self, *arguments: str, **variables: str) -> Ended:
        return self.run("send", *self.broker, *arguments, **variables)

    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in sorted(self.queue.iterdir())]

    def call(self) -> TaskCall:
        """The only message in the queue."""
        (envelope,) = self.envelopes()
        reader = MessageReader(Pipeline(["json", "msgpack", "yaml"], registry=celery_registry))
        return reader.read(
            body=b64decode(envelope["body"]),
            content_type=envelope["content-type"],
            content_encoding=envelope["content-encoding"],
            headers=envelope["headers"],
            properties=envelope["properties"],
        )

    def store(self, task_id: str, status: str, result: Any = None, **more: Any) -> None:
        """Store a state, as a worker does; at once, so that nobody reads half of it."""
        state = {"status": status, "result": result, "traceback": None, "children": [], "task_id": task_id, **more}
        (self.folder / "aside").write_text(json.dumps(state))
        (self.folder / "aside").rename(self.results / f"celery-task-meta-{task_id}")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Inside:
    return Inside(capsys, monkeypatch)


@pytest.fixture
def place(tmp_path: Path, run: Inside) -> Place:
    (tmp_path / "queue").mkdir()
    (tmp_path / "results").mkdir()
    return Place(tmp_path, run)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
