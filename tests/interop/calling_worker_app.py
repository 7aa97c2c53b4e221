"""A stock Celery application for what calls it: `python -m celery -A calling_worker_app worker`.

Like worker_app, whose application it is, it knows nothing of Satchel.
"""

from __future__ import annotations

import time
from typing import Any

from worker_app import app  # type: ignore[import-not-found]  # beside it, in the worker


class OutOfStock(Exception):
    """An exception of the application's own."""

    class Nested(Exception):
        """And one within it."""


class Unpickleable(Exception):
    """One that pickle does not carry."""

    def __init__(self, what: str) -> None:
        super().__init__(what, lambda: None)


@app.task(name="calling.add")
def add(one: float, other: float) -> float:
    return one + other


@app.task(name="calling.echo")
def echo(value: Any) -> Any:
    return value


@app.task(bind=True, name="calling.hello")
def hello(self: Any, a: int, b: int, pause: float = 0.3) -> str:
    """Tell how far it is; the guide's example."""
    time.sleep(pause)
    self.update_state(state="PROGRESS", meta={"progress": 50})
    time.sleep(pause)
    self.update_state(state="PROGRESS", meta={"progress": 90})
    time.sleep(pause)
    return f"hello world: {a + b}"


@app.task(name="calling.fail")
def fail(kind: str) -> None:
    raise {
        "builtin": ValueError("boom", 42),
        "custom": OutOfStock("lamp", {"left": 0}),
        "nested": OutOfStock.Nested("lamp"),
        "unpickleable": Unpickleable("lamp"),
        "exit": SystemExit(3),
    }[kind]


@app.task(bind=True, name="calling.parent")
def parent(self: Any) -> str:
    child = app.signature("calling.add", (1, 1), {}, queue=self.request.delivery_info["routing_key"]).apply_async()
    return str(child.id)
