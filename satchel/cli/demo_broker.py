"""The demo's surroundings: an embedded broker in a folder, a stock Celery worker process, and the way to both."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any

from celery import Celery
from celery.states import READY_STATES
from kombu.exceptions import DecodeError

from satchel.cli import demo_worker
from satchel.cli.outcome import FAILED, Failure
from satchel.message import TaskMessage

TO_WORKER = "to-the-worker"
TO_SATCHEL = "to-satchel"

#: Seconds.
_START = 30.0
_STOP = 10.0
_RESULT = 20.0


def settings(broker: str, folder: Path) -> dict[str, Any]:
    """Celery's settings for a broker in a folder, the same for the worker and for the stock producer."""
    folders = {
        "data_folder_in": "in",
        "data_folder_out": "out",
        "control_folder": "control",
        "processed_folder": "processed",
    }
    options: dict[str, Any] = {}
    if broker == "filesystem":
        options = {name: str(folder / sub) for name, sub in folders.items()}
        options |= {"store_processed": True, "polling_interval": 0.01}
    return {
        "broker_url": "filesystem://" if broker == "filesystem" else f"sqla+sqlite:///{folder}/broker.sqlite",
        "broker_transport_options": options,
        "broker_connection_retry_on_startup": False,
        "result_backend": f"file://{folder}/results",
        "accept_content": ["json", "msgpack", "yaml", "pickle"],
        "result_serializer": "json",
        "task_default_queue": TO_WORKER,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": True,
    }


class Broker:
    """Sends to the worker's queue and reads from the other; used from one thread."""

    def __init__(self, broker: str, folder: Path) -> None:
        for name in ("in", "out", "control", "processed", "results"):
            (folder / name).mkdir()
        self.folder = folder
        self.settings: dict[str, Any] = settings(broker, folder)
        self.app: Any = Celery("demo", set_as_current=False)
        self.app.conf.update(self.settings)
        kombu: Any = import_module("kombu")  # Says that it is typed, and half of it is.
        self._connection = kombu.Connection(
            self.settings["broker_url"], transport_options=self.settings["broker_transport_options"]
        )
        self._channel = self._connection.channel()
        self._producer = self._connection.Producer(self._channel)
        self._queue = kombu.Queue(TO_WORKER, kombu.Exchange(TO_WORKER), routing_key=TO_WORKER)

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.release()
        self.app.close()

    def send(self, message: TaskMessage) -> None:
        """Publish a message of Satchel's to the worker."""
        arguments = message.publish_arguments()
        self._producer.publish(exchange=TO_WORKER, routing_key=TO_WORKER, declare=[self._queue], **arguments)
        self._deliver()

    def send_as_stock(self, args: list[Any], kwargs: dict[str, Any], serializer: str, compression: str | None) -> None:
        """Have Celery itself publish a task message, to the queue that `take` reads."""
        self.app.send_task(
            demo_worker.TASK, args, kwargs, queue=TO_SATCHEL, serializer=serializer, compression=compression
        )
        self._deliver()

    def take(self) -> dict[str, Any]:
        """Take the next message for Satchel, as it lies in the queue; kombu's own consumer would decompress it."""
        try:
            message: dict[str, Any] = self._channel._get(TO_SATCHEL)
        except Empty as error:
            raise Failure(FAILED, "the message of the stock producer is not in the queue") from error
        return message

    def result(self, task_id: str, worker: Worker) -> Any:
        """Wait for a task's result.

        Raises:
            TimeoutError: there is none in time.
            RuntimeError: the task failed; with its error.
            Failure: the worker is gone.
        """
        deadline = time.monotonic() + _RESULT
        while time.monotonic() < deadline:
            worker.check()
            # The worker may be writing the file that is read here.
            with suppress(DecodeError, ValueError):
                meta = self.app.backend.get_task_meta(task_id, cache=False)
                if meta["status"] == "SUCCESS":
                    return meta["result"]
                if meta["status"] in READY_STATES:
                    raise RuntimeError(f"{meta['status']}: {meta['result']!r}")
            time.sleep(0.002)
        raise TimeoutError(f"no result after {_RESULT:.0f} s")

    def _deliver(self) -> None:
        # Kombu's filesystem transport reads files while they are being written. A rename is whole, or not yet.
        for path in (self.folder / "out").glob("*.msg"):
            path.rename(self.folder / "in" / path.name)


class Worker:
    """A stock Celery worker process; it ends with the ``with`` block, however that ends."""

    def __init__(self, broker: Broker) -> None:
        self._folder = broker.folder
        self._log = broker.folder / "worker.log"
        self._settings = broker.settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        source = Path(demo_worker.__file__)
        shutil.copy(source, self._folder / source.name)
        command = [sys.executable, "-m", "celery", "-A", source.stem, "worker", "--pool=solo", "--loglevel=INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", TO_WORKER]
        environment = {
            **os.environ,
            demo_worker.SETTINGS: json.dumps(self._settings),
            demo_worker.PARENT: str(os.getpid()),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(self._folder), os.environ.get("PYTHONPATH")))),
            "C_FORCE_ROOT": "1",  # Celery warns root of pickle; nobody but the demo sends to this broker.
        }
        with open(self._log, "wb") as log:
            # In a session of its own: Ctrl-C is the demo's affair, which then ends the worker.
            self._process = subprocess.Popen(  # noqa: S603  # nothing in it comes from outside
                command,
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        process = self._process
        if process is None:
            return
        # Ctrl-C must not leave the worker behind: it counts once the worker has ended.
        interruptions: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, _: interruptions.append(number))
        try:
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
        if interruptions and before is not signal.SIG_IGN:
            raise KeyboardInterrupt

    def ready(self) -> dict[str, Any]:
        """Wait until it takes tasks; give its process id and whether Satchel is in its process.

        Raises:
            Failure: it does not start, with the end of its log.
        """
        path, deadline = self._folder / demo_worker.READY, time.monotonic() + _START
        while not path.exists():
            self.check()
            if time.monotonic() > deadline:
                raise self._failure(f"did not start within {_START:.0f} s")
            time.sleep(0.02)
        announced: dict[str, Any] = json.loads(path.read_text())
        return announced

    def check(self) -> None:
        """Raise Failure, with the end of its log, when the worker has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise self._failure(f"ended with status {self._process.returncode}")

    def _failure(self, what: str) -> Failure:
        lines = self._log.read_text(errors="replace").splitlines()[-30:]
        print("the worker's log ends:", *(f"  {line}" for line in lines), sep="\n", file=sys.stderr)
        return Failure(FAILED, f"the Celery worker {what}; its log is above")
