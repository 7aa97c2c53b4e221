"""What the fuzzer begins with: the public vectors, where they are, and bodies of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from satchel import Encoded, EncodeError, Pipeline, celery_registry
from satchel.testing import random_values
from satchel.testing.codec import mutants
from tests.property.applications import REGISTRY, Colour, Key, Level, Model, Order, Point, Struct

ROOT = Path(__file__).resolve().parents[1]
VECTORS = ROOT.parent / "shared" / "vectors"
CAPTURES = ROOT.parent / "shared" / "captures"

#: Bytes of an input; what is longer is no seed, and the fuzzer makes nothing longer.
LONGEST = 2_048

TASK = [[7, "x"], {"a": {"b": True}}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
VALUES: list[Any] = [
    *random_values(60, seed=66),
    TASK,
    [Colour.RED, Level.HIGH, Point(1, [2]), Key((1, "a")), Order([1], Decimal(2), {3})],
    {"struct": Struct("a", Point(1)), "model": Model(name="b", value=[None])},
]
#: What our own writer does not write, or would write as it reads it, wrongly perhaps.
NUMBERS = tuple(
    b"[1.0, %s]" % number
    for number in b"-0 -0.0 0.30000000000000004 1e400 -1e-400 -1E+2 5e-324 18446744073709551616 -9223372036854775809 "
    b"1.7976931348623157e308 1.7976931348623159e308 123456789012345678901234567890 1.0e+16 01 1. .5 +1".split()
)
#: Of JSON, all of scalars that are written with marks; with as many again, it is longer than a small body.
MANY_TAGS = b", ".join(
    b'{"at": {"__type__": "%b", "__value__": %b}, "share": 0.5}' % tag
    for tag in [
        (b"datetime", b'"2026-11-22T08:00:00+00:00"'),
        (b"uuid", b'{"hex": "0123456789abcdef0123456789abcdef"}'),
        (b"decimal", b'"129.90"'),
        (b"date", b'"2026-11-22"'),
    ]
    * 7
)
LITERAL: dict[str, list[bytes]] = {
    "json": [
        *NUMBERS,
        b' {"a": 1, "a": 2, "\\u0061": NaN, "\\ud83d\\ude00": "\\ud800"} ',
        b'{"__type__": "decimal", "__value__": "1.0"}',
        b'{"__type__": "set", "__value__": [0, false, 0.0]}',
        b"\xef\xbb\xbf[]",
        b"[" * 21 + b"]" * 21,
        b"[-Infinity]",
    ],
    "yaml": [
        *NUMBERS,
        b"a: &x {k: [1]}\nb: *x\nc: {<<: *x, z: !!binary AQI=}\n",
        b"? [1, 2]\n: 0x1F\n? 0o7\n: 190:20:30.15\n? 2001-12-14t21:59:43.10-05:00\n: ~\n",
        b"--- !!set {a, b}\n...\n",
        b"- !!omap [a: 1, b: 2]\n- !!pairs [a: 1, a: 2]\n- |+\n  text\n\n- >-\n  folded\n",
        b"%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n--- !e!int '3'\n",
    ],
    "msgpack": [
        b"\x97\xca\x7f\xc0\x00\x00\xcb\x80"
        + bytes(7)
        + b"\xcf"
        + b"\xff" * 8
        + b"\xd3\x80"
        + bytes(7)
        + b"\xc0\xc3\xc2",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\x92\xd4\x50s\x90",
        b"\xd6\xff" + bytes(4),
        b"\xc7\x0c\xff\x3b\x9a\xc9\xff" + b"\xff" * 8,
        b"\x91" * 21 + b"\xc0",
    ],
    "pickle": [
        b"(lp0\nI1\naL2L\na.",
        b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01h\x00s.",
        b"\x80\x04\x95\x10" + bytes(7) + b"\x8c\x02os\x94\x8c\x06system\x93.",
        b"\x80\x04r\xff\xff\xff\x7f.",
        b"\x80\x04\x95\x04" + bytes(7) + b"B\x2c\x01\x00\x00" + b"x" * 300 + b"\x94.",
        b"\x80\x05\x96\x03" + bytes(7) + b"abc.",
        b"\x80\x04\x8fG\x7f\xf8" + bytes(6) + b"\x85\x90.",
    ],
}
#: What a reader sees of a format before its end.
STUMPS = (
    b"\x80",
    b"\x80\x04",
    b"x\x9c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"1)",
    b'"',
    b"{",
    b"c",
    b".",
)


def vectors(name: str) -> list[bytes]:
    """Give the public vectors of a format; none where they are not there."""
    folder = VECTORS / {"lzma": "xz"}.get(name, name)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and ".expected" not in path.name)
    return [path.read_bytes() for path in files if path.stat().st_size <= LONGEST]


@cache
def own(serializer: str) -> tuple[bytes, ...]:
    """Give bodies of a serializer in both dialects, and some that were damaged."""
    bodies: list[bytes] = []
    for registry in (REGISTRY, celery_registry()):
        pipeline = Pipeline([serializer], registry=registry)
        for value in VALUES:
            try:
                bodies.append(bytes(pipeline.encode(value, serializer=serializer).body))
            except EncodeError:
                continue
    kept = sorted({body for body in bodies if len(body) <= LONGEST})
    return (*kept, *mutants(kept, 50, Random(serializer)))


def of_serializer(name: str) -> list[bytes]:
    """Give bodies of a serializer."""
    return (
        [*vectors(name), *own(name), *LITERAL[name]]
        if name not in ("raw", "text")
        else [b"", b"text", "é€😀".encode(), bytes(9)]
    )


def of_compressor(codec: Any) -> list[bytes]:
    """Give compressed bodies, empty ones, repetitive ones and several streams among them."""
    plain = [b"", b"a", b"ab" * 500, bytes(10_000), Random(0).randbytes(300), *own("json")[:12], *own("msgpack")[:6]]
    bodies = [codec.compress(body) for body in plain]
    return [*vectors(codec.name), *bodies, bodies[1] + bodies[2], bodies[2] + bodies[0], bodies[3] + bytes(4)]


def of_pipeline() -> Iterator[bytes]:
    """Give messages in the form of `targets.message`, of every serializer and compressor."""
    pipeline = Pipeline(["json"], compression_threshold=0)
    registry = pipeline.registry
    for serializer in registry.serializers:
        for compressor in (None, *registry.compressors):
            value: Any = {"raw": b"\0" * 200, "text": "t" * 200}.get(serializer, [TASK] * 3)
            yield _flat(pipeline.encode(value, serializer=serializer, compression=compressor))
    for content_type in ("Application/JSON; charset=UTF-8", "application/json;charset=latin-1", "text/x-python", ""):
        yield _flat(Encoded(b"[1]", content_type, "utf-8"))


def _flat(encoded: Encoded) -> bytes:
    headers = (encoded.content_type, encoded.content_encoding, encoded.compression or "")
    return b"\n".join([*(header.encode() for header in headers), bytes(encoded.body)])


def of_commands() -> list[bytes]:
    """Give what the command line reads: bodies, compressed bodies, envelopes, dumps, captures of stock Celery."""
    from satchel.cli.envelope import write

    pipeline = Pipeline(["json"], registry=celery_registry, compression_threshold=0)
    given: list[bytes] = []
    for serializer in ("json", "msgpack", "yaml", "pickle"):
        for compressor in (None, "zlib", "bzip2", "zstd", "lzma", "brotli"):
            encoded = pipeline.encode(TASK, serializer=serializer, compression=compressor)
            given += [bytes(encoded.body), write(encoded)]
    envelope = given[1].strip()
    quoted = json.dumps(envelope.decode()).encode()
    given += [b"1) " + quoted + b"\n2) " + quoted + b"\n", b"[" + quoted + b"]", envelope + b"\n" + envelope + b"\n"]
    rabbit = {"payload": "[[1], {}, {}]", "payload_encoding": "string", "payload_bytes": 99, "exchange": "e"}
    rabbit["properties"] = {"content_type": "application/json", "content_encoding": "utf-8", "headers": {"task": "t"}}
    given += [json.dumps([rabbit]).encode(), b"\x00celery-compressed\x00zlib\x00" + given[2]]
    captures = sorted(path for path in CAPTURES.rglob("*") if path.is_file())
    given += [body for bodies in LITERAL.values() for body in bodies] + list(STUMPS)
    return given + [path.read_bytes() for path in captures if path.stat().st_size <= LONGEST]
