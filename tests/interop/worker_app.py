"""A stock Celery application: `python -m celery -A worker_app worker`. It knows nothing of Satchel.

Its settings are JSON in the environment variable INTEROP_SETTINGS. It ends when its standard input does, so that no
worker outlives the tests, however they ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.transport.virtual import Transport

app = Celery("interop")
app.config_from_object(json.loads(os.environ["INTEROP_SETTINGS"]))
# Seconds between two looks for messages, where no option says; the database's transport has none, and Kombu's is 1.
Transport.polling_interval = 0.05

# What a task can see of the message that called it.
SHOWN = (
    *("id", "root_id", "parent_id", "group", "group_index", "retries", "eta", "expires", "timelimit", "reply_to"),
    *("correlation_id", "shadow", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting"),
    *("stamps", "stamped_headers", "headers", "delivery_info", "mine"),
)


def end_with_the_tests() -> None:
    # Not sys.stdin: the pool's process would inherit its lock, held, and wait for it for ever.
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_the_tests, daemon=True).start()


@app.task
def echo(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


@app.task(bind=True)
def request(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return {name: getattr(self.request, name, None) for name in SHOWN}


@app.task
def started() -> float:
    return time.time()


@app.task
def satchel_modules() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "satchel"]


@app.task
def add(one: float, other: float) -> float:
    return one + other


@app.task
def total(values: list[float]) -> float:
    return sum(values)


@app.task
def fail() -> None:
    raise KeyError("no")


@app.task
def touch(name: str) -> None:
    """Make an empty file, in the worker's directory."""
    Path(name).touch()


@app.task
def sleep(seconds: float) -> None:
    time.sleep(seconds)
