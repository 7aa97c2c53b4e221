"""The demo's tasks, for a stock Celery worker: a copy of this file is all that the worker loads of Satchel."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_ready

SETTINGS = "SATCHEL_DEMO_SETTINGS"
"""The environment variable that holds Celery's settings, as JSON."""

PARENT = "SATCHEL_DEMO_PARENT"
"""The environment variable that holds the process id of the demo."""

TASK = "demo.total"
READY = "ready.json"


def total(order: dict[str, Any], *, currency: str) -> dict[str, Any]:
    """Add an order up, and give it back with the sum."""
    cents = sum(item["quantity"] * item["cents"] for item in order["items"])
    return {"total": f"{cents / 100:.2f} {currency}", "order": order}


def announce(**_: Any) -> None:
    """Tell the demo that the worker is ready, and whether Satchel is in its process."""
    state = {"pid": os.getpid(), "satchel": "satchel" in sys.modules}
    Path("announcement").write_text(json.dumps(state))
    os.replace("announcement", READY)


def follow(parent: int) -> None:
    """End this process when the demo is gone, however that came."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


# Celery looks for the app in the module; in the demo's own process the module only gives the names above.
if SETTINGS in os.environ:
    app: Any = Celery("demo")
    app.conf.update(json.loads(os.environ[SETTINGS]))
    app.task(name=TASK)(total)
    if app.conf.broker_url.startswith("sqla"):
        from kombu.transport.sqlalchemy import Transport

        Transport.polling_interval = 0.01  # Seconds; this transport has no option for it.
    worker_ready.connect(announce)
    threading.Thread(target=follow, args=(int(os.environ[PARENT]),), daemon=True).start()
