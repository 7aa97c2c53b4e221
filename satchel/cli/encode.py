"""``satchel encode``: a value in JSON, or another format, to an encoded body."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from typing import Any

from satchel.cli import envelope, streams
from satchel.cli.arguments import add_dialect, add_limits, after_decompression, lifted, limits_of, registry_of
from satchel.cli.outcome import OK
from satchel.pipeline import Pipeline
from satchel.registry import Registry, default_registry
from satchel.types import Encoded, Limits

_EPILOG = """\
The input is JSON unless --from says otherwise. Values that JSON lacks are written with type tags, as `satchel decode`
prints them: {"__type__": "datetime", "__value__": "2031-01-02T03:04:05+00:00"}.

A bare body cannot say whether it is compressed, so -c always compresses it. With --envelope, as in a message, a body
that would not shrink goes out as it is.

examples:
  echo '{"a": 1}' | satchel encode -s msgpack -c zstd -o body.bin
  satchel encode order.json -s yaml --headers > order.yaml
  satchel encode order.json -s msgpack -c brotli --envelope | satchel inspect
  satchel encode photo.jpg --from raw -s raw -c zlib --envelope
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Turn a value into an encoded body."
    parser.epilog = _EPILOG
    streams.add_input(parser, "the value")
    parser.add_argument("-s", "--serializer", default="json", metavar="NAME", help="see satchel list; default json")
    parser.add_argument("-c", "--compression", metavar="NAME", help="see satchel list; default none")
    parser.add_argument(
        "--from", dest="source", default="json", metavar="NAME", help="the input's format: a serializer; default json"
    )
    parser.add_argument("--envelope", action="store_true", help="write the JSON in which kombu's queues keep messages")
    parser.add_argument("--headers", action="store_true", help="tell content type, encoding and sizes on stderr")
    add_dialect(parser)
    streams.add_output(parser)
    add_limits(parser)


def run(options: Namespace) -> int:
    """Encode."""
    limits = limits_of(options)
    registry = lifted(registry_of(options), limits)
    # Before the input is read, which may take long.
    registry.serializer(options.serializer)
    if options.compression is not None:
        registry.compressor(options.compression)
    value, size = _value(options, limits)
    encoded = _encoded(value, registry, limits, options)
    if options.headers:
        _tell(encoded, size)
    if options.envelope:
        streams.write(envelope.write(encoded), options, binary=False)
    else:
        binary = encoded.content_encoding == "binary" or encoded.compression is not None
        streams.write(bytes(encoded.body), options, binary=binary)
    return OK


def _value(options: Namespace, limits: Limits) -> tuple[Any, int]:
    codec = default_registry().serializer(options.source)
    bounds = after_decompression(limits)
    data = streams.read(options.file, bounds.max_body)
    pipeline = Pipeline([codec.name], registry=lifted(default_registry(), limits), limits=bounds)
    return pipeline.decode(Encoded(data, codec.content_type, codec.content_encoding)), len(data)


def _encoded(value: Any, registry: Registry, limits: Limits, options: Namespace) -> Encoded:
    bare = not options.envelope
    # A bare body is compressed however short it is.
    make = partial(Pipeline, compression_threshold=0) if bare else Pipeline
    pipeline = make([], registry=registry, limits=limits)
    encoded = pipeline.encode(value, serializer=options.serializer, compression=options.compression)
    if bare and options.compression is not None and encoded.compression is None:
        compressor = registry.compressor(options.compression)
        encoded = encoded._replace(body=compressor.compress(encoded.body), compression=compressor.content_type)
    return encoded


def _tell(encoded: Encoded, size: int) -> None:
    body, content_type, content_encoding, compression = encoded
    print(f"content-type: {content_type}", file=sys.stderr)
    print(f"content-encoding: {content_encoding}", file=sys.stderr)
    print(f"compression: {compression or 'none'}", file=sys.stderr)
    print(f"size: {len(body):,} bytes, from {size:,} bytes of input", file=sys.stderr)
