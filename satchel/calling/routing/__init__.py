"""Where the messages of tasks go: the table of routes, queues and exchanges."""

from __future__ import annotations

from satchel.calling.routing.router import Route, Router

__all__ = ["Route", "Router"]
