"""Names and content types to codecs."""

from satchel.registry.entry import Entry
from satchel.registry.process import (
    celery_registry,
    default_registry,
    register_compressor,
    register_dictionary,
    register_serializer,
    register_type,
)
from satchel.registry.registry import Registry

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
