"""Where the messages of tasks go: the table of routes, queues and exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.calling.routing.router import Route, Router
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(__name__, {"router": "Route Router"})

__all__ = ["Route", "Router"]
