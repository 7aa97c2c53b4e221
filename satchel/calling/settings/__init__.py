"""Settings with Celery's names: what they are, how they are checked, and where they come from."""

from __future__ import annotations

from satchel.calling.settings.fields import Settings
from satchel.calling.settings.sources import UnknownVariable

__all__ = ["Settings", "UnknownVariable"]
