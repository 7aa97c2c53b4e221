"""An outbox in the application's own database (SQLAlchemy), and the relay that empties it."""

from __future__ import annotations

from satchel.calling.outbox.outbox import FailedMessage, Outbox, Relay

__all__ = ["FailedMessage", "Outbox", "Relay"]
