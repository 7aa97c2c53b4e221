"""A stock Celery worker in a process of its own, and the stock client that sends to it and gets its results."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import pytest
from celery import Celery, exceptions
from kombu.exceptions import DecodeError

from satchel.message import MessageBuilder, TaskMessage
from tests.interop.transports import (
    SERVERS,
    Place,
    close_backend,
    release_messages,
    settings,
    stage_messages,
    sweep,
    take,
)

PATIENCE: Final = 40.0  # Seconds. Only a failure takes as long.
BUILDER: Final = MessageBuilder()
HERE: Final = Path(__file__).parent


class Outcome(NamedTuple):
    """How a task ended: the state, and the value that it returned or the exception that it raised."""

    state: str
    value: Any


class Peer:
    """The client's side of a stock Celery application on one transport, with a queue of its own."""

    def __init__(self, transport: str, folder: Path, **more_settings: Any) -> None:
        self.transport = transport
        self.place = Place(f"satchel-interop-{uuid4().hex}", folder)
        self.settings = {**settings(transport, self.place), **more_settings}
        self.app = Celery("client", set_as_current=False)
        self.app.config_from_object(self.settings)

    def send(self, *messages: TaskMessage) -> None:
        """Publish our messages with a kombu producer, as the documentation says."""
        queue = self.app.amqp.queues[self.place.name]
        with self.app.producer_pool.acquire() as producer:
            for message in messages:
                self.app.backend.on_task_call(producer, message.id)  # For rpc: declares the queue for replies.
                producer.publish(
                    **message.publish_arguments(),
                    exchange=queue.exchange,
                    routing_key=queue.routing_key,
                    declare=[queue],
                )

    def call(self, task: str, *args: Any, builder: MessageBuilder = BUILDER, **options: Any) -> TaskMessage:
        """Build and send one message to a task of `worker_app`."""
        message = builder.build(f"worker_app.{task}", args, **{"reply_to": self.reply_to, **options})
        self.send(message)
        return message

    def signature(self, task: str, *args: Any, **fields: Any) -> dict[str, Any]:
        """Give a signature, as a plain dict, whose result comes back as well."""
        options = {"task_id": str(uuid4()), "reply_to": self.reply_to}
        return {"task": f"worker_app.{task}", "args": list(args), "options": options, **fields}

    @property
    def reply_to(self) -> str:
        return str(self.app.thread_oid)

    def outcome(self, message: TaskMessage | dict[str, Any]) -> Outcome:
        """Wait for the end of a task, given as a message or a signature."""
        task_id = message.id if isinstance(message, TaskMessage) else message["options"]["task_id"]
        return self.outcomes([task_id]).get(task_id) or pytest.fail(f"no result in {PATIENCE} s; {self.told()}")

    def outcomes(self, ids: Iterable[str]) -> dict[str, Outcome]:
        """Wait for many, all within one deadline; those that did not come in time are left out."""
        deadline = time.monotonic() + (PATIENCE if self.alive else 0)
        arrived = {}
        for task_id in ids:
            with contextlib.suppress(exceptions.TimeoutError):
                arrived[task_id] = self._outcome(task_id, deadline)
        return arrived

    def _outcome(self, task_id: str, deadline: float) -> Outcome:
        result = self.app.AsyncResult(task_id)
        while True:
            try:
                result.get(timeout=max(deadline - time.monotonic(), 0.1), propagate=False, interval=0.05)
                return Outcome(result.state, result.result)
            except DecodeError:
                # The backend of files reads a result while it is being written.
                if self.transport != "filesystem" or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    @property
    def alive(self) -> bool:
        """Whether it is worth waiting."""
        return True

    def told(self) -> str:
        """Give what may explain a failure."""
        return f"on {self.transport}"

    def receive(self) -> dict[str, Any]:
        """Take a message from the queue as it is there, undecoded; give the arguments of `MessageReader.read`."""
        with self.app.connection_for_read() as connection:
            return take(connection.default_channel, self.place.name)

    def close(self) -> None:
        if self.transport in SERVERS:
            close_backend(self.app.backend)
        sweep(self.transport, self.app, self.place)
        self.app.close()


class Worker(Peer):
    """A worker process. Messages may be sent before it is started."""

    process: subprocess.Popen[bytes]
    #: The module with the application, and the worker's pool; None for what suits the transport.
    application = "worker_app"
    pool: str | None = None

    def __init__(self, transport: str, folder: Path) -> None:
        super().__init__(transport, folder)
        if transport == "filesystem":
            stage_messages(self.app, self.place)

    def send(self, *messages: TaskMessage) -> None:
        super().send(*messages)
        if self.transport == "filesystem":
            release_messages(self.place)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def told(self) -> str:
        log = (self.place.folder / "worker.log").read_text(errors="replace")
        return f"the worker on {self.transport} (exit status {self.process.poll()}) said:\n{log[-4000:]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        # On the filesystem in one process, or the worker would read what its pool's process has not yet written.
        pool = self.pool or ("solo" if self.transport == "filesystem" else "prefork")
        celery = [sys.executable, "-m", "celery", "-A", self.application]
        command = [*celery, "worker", f"--pool={pool}", "--concurrency=1"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(HERE),
            "INTEROP_SETTINGS": json.dumps(self.settings | self._aside()),
            "TMPDIR": str(self.place.folder),
            "C_FORCE_ROOT": "1",  # Celery refuses pickle to root; in CI, tests run as root.
        }
        with open(self.place.folder / "worker.log", "wb") as log:
            self.process = subprocess.Popen(
                [*command, *quiet],
                cwd=self.place.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ended = threading.Event()
        mover = threading.Thread(target=self._release_its_messages, args=(ended,))
        if self.transport == "filesystem":
            mover.start()
        try:
            yield
        finally:
            self._end()
            ended.set()
            if mover.ident is not None:
                mover.join()

    def _aside(self) -> dict[str, Any]:
        """Give the settings by which a worker that uses the filesystem puts its messages aside.

        Of chords it sends them from a thread of its own, and would end with an error when it reads what it has not yet
        written.
        """
        if self.transport != "filesystem":
            return {}
        aside = self.place.folder / "aside"
        aside.mkdir(exist_ok=True)
        return {
            "broker_transport_options": {**self.settings["broker_transport_options"], "data_folder_out": str(aside)}
        }

    def _release_its_messages(self, ended: threading.Event) -> None:
        while not ended.wait(0.01):
            for message in sorted((self.place.folder / "aside").iterdir()):
                if message.stat().st_size:  # Kombu writes all of it at once.
                    message.rename(self.place.folder / "queue" / message.name)

    def _end(self) -> None:
        # At once, and the pool's process with it: a worker that is asked to end takes up to ten seconds.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdin is not None
        self.process.stdin.close()
