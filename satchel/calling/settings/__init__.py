"""Settings with Celery's names: what they are, how they are checked, and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.calling.settings.fields import Settings
    from satchel.calling.settings.sources import UnknownVariable
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(__name__, {"fields": "Settings", "sources": "UnknownVariable"})

__all__ = ["Settings", "UnknownVariable"]
