"""Names and content types to codecs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.registry.builtin import Entry
    from satchel.registry.process import (
        celery_registry,
        default_registry,
        register_compressor,
        register_dictionary,
        register_serializer,
        register_type,
    )
    from satchel.registry.registry import Registry
else:  # A type checker is to report a name that is not there.
    from satchel.lazily import imported_on_use

    __getattr__, __dir__ = imported_on_use(
        __name__,
        {
            "builtin": "Entry",
            "process": "celery_registry default_registry register_compressor register_dictionary "
            "register_serializer register_type",
            "registry": "Registry",
        },
    )

__all__ = [
    "Entry",
    "Registry",
    "celery_registry",
    "default_registry",
    "register_compressor",
    "register_dictionary",
    "register_serializer",
    "register_type",
]
