"""The result backends: Redis, rpc, files and SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.calling.results.backends.base import Backend
    from satchel.calling.results.backends.choosing import backend_for
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(__name__, {"base": "Backend", "choosing": "backend_for"})

__all__ = ["Backend", "backend_for"]
