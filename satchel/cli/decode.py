"""``satchel decode``: an encoded body to its value, within limits, and only what the accept list names."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from satchel.cli import envelope, streams
from satchel.cli.arguments import (
    add_accept,
    add_dialect,
    add_limits,
    lifted,
    limits_of,
    registry_of,
    safe_serializers,
)
from satchel.cli.outcome import BAD_DATA, OK, Failure
from satchel.cli.values import json_text
from satchel.errors import CorruptBody, EncodeError
from satchel.pipeline import Pipeline
from satchel.registry import Registry
from satchel.types import Encoded, Limits

_EPILOG = """\
The value is printed as JSON. Values that JSON lacks have type tags, which `satchel encode` reads again:
{"__type__": "datetime", "__value__": "2031-01-02T03:04:05+00:00"}; so have tuple, set, bytes, uuid, decimal, ….
What has no such form (NaN, dict keys other than text) is shown by --python.

A pickle is read only with --accept pickle, and even then it runs nothing: plain data and the value model's classes
pass, all else is refused.

examples:
  satchel decode body.bin -s msgpack -c zstd
  satchel decode message.json --envelope --accept json,yaml
  satchel decode body.bin -s pickle --accept pickle --python
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Turn an encoded body into its value."
    parser.epilog = _EPILOG
    streams.add_input(parser, "the body")
    parser.add_argument("-s", "--serializer", default="json", metavar="NAME", help="name or content type; default json")
    parser.add_argument("-c", "--compression", metavar="NAME", help="name or content type; default none")
    parser.add_argument("--envelope", action="store_true", help="read the JSON of kombu's transports; it says the rest")
    add_accept(parser, "--accept", "what may be decoded; default all that is safe, and what -s names")
    add_accept(parser, "--accept-compression", "what may be decompressed; default all that is built in")
    add_dialect(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--compact", action="store_true", help="JSON on one line")
    form.add_argument("--python", action="store_true", help="Python's repr instead of JSON")
    form.add_argument("--raw", action="store_true", help="a value of bytes or text as it is, instead of JSON")
    streams.add_output(parser)
    add_limits(parser)


def run(options: Namespace) -> int:
    """Decode."""
    registry, limits = registry_of(options), limits_of(options)
    # Before the input is read, which may take long: it refuses names that nothing has.
    pipeline = Pipeline(
        _accepted(options, registry),
        registry=lifted(registry, limits),
        accept_compression=options.accept_compression,
        limits=limits,
    )
    encoded = _from_envelope(options, limits) if options.envelope else _bare(options, registry, limits)
    value = pipeline.decode(encoded)
    if options.raw:
        binary = isinstance(value, bytes)
        streams.write(_raw(value), options, binary=binary)
    else:
        text = repr(value) if options.python else _json(value, limits, options)
        streams.write(streams.escape(text).encode() + b"\n", options, binary=False)
    return OK


def _from_envelope(options: Namespace, limits: Limits) -> Encoded:
    read = envelope.read(envelope.load(streams.read(options.file, envelope.room(limits)), limits))
    if read is None:
        raise CorruptBody(
            "the input is not an envelope",
            expected='a JSON object such as {"body": …, "content-type": …, "headers": …, "properties": …}',
            cure="satchel inspect tells what it is",
        )
    return read.encoded


def _bare(options: Namespace, registry: Registry, limits: Limits) -> Encoded:
    entry = registry.entry("serializer", options.serializer)
    codec = entry.codec_class() if entry.origin == "built-in" else entry.target
    compression = options.compression
    if compression is not None:
        compression = registry.entry("compressor", compression).content_types[0]
    body = streams.read(options.file, limits.max_body)
    return Encoded(body, entry.content_types[0], codec.content_encoding, compression)


def _accepted(options: Namespace, registry: Registry) -> list[str]:
    if options.accept is not None:
        accept: list[str] = options.accept
        return accept
    accept = safe_serializers(registry)
    if not options.envelope and getattr(registry.entry("serializer", options.serializer).codec_class(), "safe", True):
        # Naming a plugin is accepting it; naming pickle is not.
        accept.append(options.serializer)
    return accept


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise Failure(BAD_DATA, f"--raw writes bytes or text, and the value is a {type(value).__name__}")


def _json(value: Any, limits: Limits, options: Namespace) -> str:
    try:
        return json_text(value, limits, compact=options.compact)
    except EncodeError as error:
        where = f"{error.codec}: " if error.codec else ""
        message = str(error).removeprefix(where).partition(";")[0]
        raise Failure(BAD_DATA, f"the value has no JSON form ({message}); print it with --python") from error
