"""Satchel: the encoding layer of Python messaging. See README.md."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.codecs.brotli import Brotli
    from satchel.codecs.bzip2 import Bzip2
    from satchel.codecs.gzip import Gzip
    from satchel.codecs.json import Json
    from satchel.codecs.lzma import Lzma
    from satchel.codecs.msgpack import Msgpack
    from satchel.codecs.pickle import Pickle
    from satchel.codecs.protocols import Compressor, Serializer
    from satchel.codecs.raw import Raw, Text
    from satchel.codecs.yaml import Yaml
    from satchel.codecs.zlib import Zlib
    from satchel.codecs.zstd import Zstd
    from satchel.codecs.zstd_dictionaries import Dictionary
    from satchel.errors import (
        ContentDisallowed,
        CorruptBody,
        DecodeError,
        DuplicateCodec,
        EncodeError,
        InvalidCodec,
        LimitExceeded,
        MissingDependency,
        RegistryError,
        SatchelError,
        SealBroken,
        UnknownCodec,
        UnknownDictionary,
    )
    from satchel.pipeline import Pipeline
    from satchel.registry import (
        Registry,
        celery_registry,
        default_registry,
        register_compressor,
        register_dictionary,
        register_serializer,
        register_type,
    )
    from satchel.types import Buffer, Encoded, Limits

__all__ = [
    "Brotli",
    "Buffer",
    "Bzip2",
    "Compressor",
    "ContentDisallowed",
    "CorruptBody",
    "DecodeError",
    "Dictionary",
    "DuplicateCodec",
    "EncodeError",
    "Encoded",
    "Gzip",
    "InvalidCodec",
    "Json",
    "LimitExceeded",
    "Limits",
    "Lzma",
    "MissingDependency",
    "Msgpack",
    "Pickle",
    "Pipeline",
    "Raw",
    "Registry",
    "RegistryError",
    "SatchelError",
    "SealBroken",
    "Serializer",
    "Text",
    "UnknownCodec",
    "UnknownDictionary",
    "Yaml",
    "Zlib",
    "Zstd",
    "celery_registry",
    "default_registry",
    "register_compressor",
    "register_dictionary",
    "register_serializer",
    "register_type",
]


# Importing satchel is to cost next to nothing, so each name is imported when it is used first (PEP 562).
_HOMES = {
    "satchel.codecs.protocols": "Compressor Serializer",
    "satchel.codecs.zstd_dictionaries": "Dictionary",
    "satchel.errors": "ContentDisallowed CorruptBody DecodeError DuplicateCodec EncodeError InvalidCodec LimitExceeded "
    "MissingDependency RegistryError SatchelError SealBroken UnknownCodec UnknownDictionary",
    "satchel.pipeline": "Pipeline",
    "satchel.registry": "Registry celery_registry default_registry register_compressor register_dictionary "
    "register_serializer register_type",
    "satchel.types": "Buffer Encoded Limits",
}


if not TYPE_CHECKING:  # A type checker is to report a name that is not there.

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names.split():
                value = globals()[name] = getattr(import_module(module), name)
                return value
        from satchel.registry.builtin import COMPRESSORS, SERIALIZERS

        for line in (*SERIALIZERS, *COMPRESSORS):
            module, _, cls = line.target.partition(":")
            if cls == name:
                value = globals()[name] = getattr(import_module(f"satchel.codecs.{module}"), name)
                return value
        raise AttributeError(f"module 'satchel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
