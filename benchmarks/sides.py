"""The serializers that are compared: Satchel's with all extras and with none, kombu's, raw libraries, and peers'."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.payloads import Kind
from benchmarks.results import CORE, OURS, RAW
from satchel import Encoded, Json, Limits, Msgpack, Pipeline, Yaml, celery_registry

FORMATS = ("json", "msgpack", "yaml", "pickle")

_REGISTRY = celery_registry()
#: The dialect that kombu speaks, so that both sides do the same job. YAML's default is too few values for a megabyte.
PIPELINE = Pipeline(
    (*FORMATS, "raw", "text"),
    registry=_REGISTRY.with_serializer(
        Yaml(dialect="celery", aliases=True, max_nodes=Limits().max_nodes), replace=True
    ),
)

EVERYTHING: frozenset[Kind] = frozenset({"plain", "extended", "binary", "corpus"})
PLAIN: frozenset[Kind] = frozenset({"plain", "corpus"})
#: What a format carries without tags of its own.
BYTES: frozenset[Kind] = frozenset({"plain", "corpus", "binary"})

#: The codecs of an installation without extras, and, for msgpack, with its library alone.
_CORE: dict[str, Callable[[], Any]] = {
    "json": partial(Json, dialect="celery", engine="stdlib"),
    "msgpack": partial(Msgpack, dialect="celery", engine="plain"),
}


class Side(NamedTuple):
    """One way to do the job.

    All that is timed is called as its users call it, from one function in Python: no side has a call less than another.

    Attributes:
        encode: a value in, what is sent out.
        body: the bytes in what is sent.
        received: what arrives when a body is sent: made before the clock runs.
        decode: what arrives in, the value out.
        carries: the kinds of payload that it can do.
    """

    name: str
    encode: Callable[[Any], Any]
    body: Callable[[Any], bytes]
    received: Callable[[bytes], Any]
    decode: Callable[[Any], Any]
    carries: frozenset[Kind] = PLAIN


def sides(format_: str) -> tuple[list[Side], dict[str, str]]:
    """The sides of a format, Satchel and kombu first; and those that cannot be had here, with the reason."""
    found: list[Side] = []
    missing: dict[str, str] = {}
    for name, make in _makers(format_):
        try:
            found.append(make(name))
        except ImportError as error:
            missing[f"{name}, {format_}"] = f"{error.name or error} is not installed"
    return found, missing


def _makers(format_: str) -> Iterator[tuple[str, Callable[[str], Side]]]:
    carries = EVERYTHING if format_ in ("json", "pickle") else BYTES
    yield OURS, partial(_satchel, PIPELINE, format_, carries)
    yield "kombu", partial(_kombu, format_, carries)
    if format_ in _CORE:
        pipeline = Pipeline([format_], registry=_REGISTRY.with_serializer(_CORE[format_](), replace=True))
        yield CORE, partial(_satchel, pipeline, format_, carries)
    yield RAW, _RAW[format_]
    yield from PEERS.get(format_, ())


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


def _satchel(pipeline: Pipeline, format_: str, carries: frozenset[Kind], name: str) -> Side:
    codec = pipeline.registry.serializer(format_)

    def encode(value: Any) -> Encoded:
        return pipeline.encode(value, serializer=format_)

    def body(encoded: Encoded) -> bytes:
        return bytes(encoded.body)

    def received(body: bytes) -> Encoded:
        return Encoded(body, codec.content_type, codec.content_encoding)

    def decode(encoded: Encoded) -> Any:
        return pipeline.decode(encoded)

    return Side(name, encode, body, received, decode, carries)


def _kombu(format_: str, carries: frozenset[Kind], name: str) -> Side:
    serialization: Any = import_module("kombu.serialization")
    content_type, content_encoding, _ = serialization.dumps([], serializer=format_)
    accept = {content_type}

    def encode(value: Any) -> Any:
        return serialization.dumps(value, serializer=format_)

    def decode(body: Any) -> Any:
        """Decode as a worker does that accepts the content type."""
        return serialization.loads(body, content_type, content_encoding, accept=accept)

    def body(encoded: Any) -> bytes:
        return _bytes(encoded[2])

    return Side(name, encode, body, _bytes, decode, carries)


def _functions(name: str, dumps: Callable[[Any], Any], loads: Callable[[Any], Any], carries: frozenset[Kind]) -> Side:
    def encode(value: Any) -> Any:
        return dumps(value)

    def decode(body: Any) -> Any:
        return loads(body)

    return Side(name, encode, _bytes, _bytes, decode, carries)


def _raw_json(name: str) -> Side:
    # The fastest that lose nothing: orjson reads large ints as floats.
    orjson, msgspec = import_module("orjson"), import_module("msgspec")
    return _functions(name, orjson.dumps, msgspec.json.decode, PLAIN)


def _raw_msgpack(name: str) -> Side:
    ormsgpack, msgspec = import_module("ormsgpack"), import_module("msgspec")
    return _functions(name, ormsgpack.packb, msgspec.msgpack.decode, BYTES)


def _raw_pickle(name: str) -> Side:
    def encode(value: Any) -> bytes:
        return pickle.dumps(value, 4)

    def decode(body: bytes) -> Any:
        return pickle.loads(body)

    return Side(name, encode, _bytes, _bytes, decode, EVERYTHING)


def _raw_yaml(name: str) -> Side:
    yaml: Any = import_module("yaml")
    return _functions(
        name, partial(yaml.dump, Dumper=yaml.CSafeDumper), partial(yaml.load, Loader=yaml.CSafeLoader), BYTES
    )


def _dramatiq(encoder: str, carries: frozenset[Kind], name: str) -> Side:
    codec = getattr(import_module("dramatiq.encoder"), encoder)()
    return _functions(name, codec.encode, codec.decode, carries)


def _taskiq(serializer: str, carries: frozenset[Kind], name: str) -> Side:
    codec = getattr(import_module("taskiq.serializers"), serializer)()
    return _functions(name, codec.dumpb, codec.loadb, carries)


def _temporal(name: str) -> Side:
    converting: Any = import_module("temporalio.converter")
    payload: Any = import_module("temporalio.api.common.v1").Payload
    converter = converting.DataConverter.default.payload_converter

    def body(payloads: Any) -> bytes:
        return bytes(payloads[0].data)

    def received(body: bytes) -> Any:
        return [payload(metadata={"encoding": b"json/plain"}, data=body)]

    def encode(value: Any) -> Any:
        return converter.to_payloads([value])

    def decode(payloads: Any) -> Any:
        return converter.from_payloads(payloads)[0]

    return Side(name, encode, body, received, decode, PLAIN)


#: The fastest libraries that lose nothing, called as directly as can be; without limits, accept list or value model.
_RAW: dict[str, Callable[[str], Side]] = {
    "json": _raw_json,
    "msgpack": _raw_msgpack,
    "yaml": _raw_yaml,
    "pickle": _raw_pickle,
}
#: What they are, to encode and to decode.
RAW_LIBRARIES = {
    "json": ("orjson", "msgspec"),
    "msgpack": ("ormsgpack", "msgspec"),
    "yaml": ("PyYAML (libyaml)", "PyYAML (libyaml)"),
    "pickle": ("pickle (C)", "pickle (C)"),
}
#: The encoders of other task queues, where they do the same job.
PEERS: dict[str, list[tuple[str, Callable[[str], Side]]]] = {
    "json": [
        ("dramatiq", partial(_dramatiq, "JSONEncoder", PLAIN)),
        ("taskiq", partial(_taskiq, "JSONSerializer", PLAIN)),
        ("taskiq (orjson)", partial(_taskiq, "ORJSONSerializer", PLAIN)),
        ("temporal", _temporal),
    ],
    "msgpack": [("taskiq", partial(_taskiq, "MSGPackSerializer", BYTES))],
    "pickle": [
        ("dramatiq", partial(_dramatiq, "PickleEncoder", EVERYTHING)),
        ("taskiq", partial(_taskiq, "PickleSerializer", EVERYTHING)),
    ],
}
