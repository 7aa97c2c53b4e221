"""Satchel beside kombu: sizes and speeds of serializers and compressors.

python -m benchmarks [--rounds N] [--only serializers|compressors]
"""

import argparse
import platform
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks import payloads
from benchmarks.interleaved import Comparison, compare, table
from satchel import Compressor, Encoded, Pipeline, Yaml, celery_registry

SERIALIZERS = ("json", "msgpack", "yaml", "pickle")
COMPRESSORS = ("brotli", "bzip2", "gzip", "lzma", "zlib", "zstd")

#: The dialect that kombu speaks, so that both sides do the same job. YAML's default is too few values for a megabyte.
YAML = Yaml(dialect="celery", aliases=True, max_nodes=1_000_000)
PIPELINE = Pipeline(SERIALIZERS, registry=celery_registry().with_serializer(YAML, replace=True))

#: Kombu ships no types.
kombu: Any = import_module("kombu.compression")
kombu_serialization: Any = import_module("kombu.serialization")

MAX_SIZE = 16 * 1024 * 1024

HEADER = ("what", "bytes ours", "bytes kombu", "µs ours", "µs kombu", "times faster", "95 %")


def kombu_decode(content_type: str, content_encoding: str, body: Any) -> Any:
    """Decode as a worker does that accepts the content type."""
    return kombu_serialization.loads(body, content_type, content_encoding, accept={content_type})


def row(what: str, ours: int, theirs: int, result: Comparison) -> tuple[str, ...]:
    """A row of the table."""
    return (
        what,
        f"{ours:,}",
        f"{theirs:,}",
        f"{result.ours:,.2f}",
        f"{result.theirs:,.2f}",
        f"{result.faster:.2f}",
        f"{result.low:.2f}-{result.high:.2f}",
    )


def check(left: object, right: object) -> None:
    """Stop unless both sides give back the same value."""
    if left != right:
        raise SystemExit(f"the two sides differ: {str(left)[:200]} and {str(right)[:200]}")


def serializers(rounds: int) -> list[tuple[str, ...]]:
    """Encode and decode, serializer by serializer, limits and accept list included on our side."""
    rows: list[tuple[str, ...]] = []
    values = {
        "small": payloads.small(),
        "10 KB": payloads.task_body(45),
        "1 MB": payloads.task_body(4_500),
        "extended 10 KB": payloads.extended(25),
    }
    for serializer in SERIALIZERS:
        for label, value in values.items():
            if label.startswith("extended") and serializer in ("msgpack", "yaml"):
                continue  # Kombu's cannot carry these types.
            ours = PIPELINE.encode(value, serializer=serializer)
            content_type, content_encoding, theirs = kombu_serialization.dumps(value, serializer=serializer)
            check(PIPELINE.decode(ours), kombu_decode(content_type, content_encoding, theirs))
            check(kombu_decode(*ours[1:3], ours.body), value)
            few = 5 if label == "1 MB" and serializer == "yaml" else rounds
            sizes = len(ours.body), len(theirs)
            encode = compare(
                partial(PIPELINE.encode, value, serializer=serializer),
                partial(kombu_serialization.dumps, value, serializer=serializer),
                rounds=few,
            )
            rows.append(row(f"{serializer} encode {label}", *sizes, encode))
            foreign = Encoded(theirs.encode() if isinstance(theirs, str) else theirs, content_type, content_encoding)
            decode = compare(
                partial(PIPELINE.decode, foreign),
                partial(kombu_decode, content_type, content_encoding, foreign.body),
                rounds=few,
            )
            rows.append(row(f"{serializer} decode {label}", *sizes, decode))
    return rows


def there_and_back(codec: Compressor, body: bytes) -> bytes:
    """Compress and decompress."""
    return codec.decompress(codec.compress(body), max_size=MAX_SIZE)


def kombu_there_and_back(name: str, body: bytes) -> Any:
    """Compress and decompress."""
    return kombu.decompress(*kombu.compress(body, name))


def compressors(rounds: int) -> list[tuple[str, ...]]:
    """Compress and decompress a body, compressor by compressor, the bound included on our side."""
    rows: list[tuple[str, ...]] = []
    for label, value in {"541 B": payloads.task_body(2), "10 KB": payloads.task_body(45)}.items():
        body = bytes(PIPELINE.encode(value).body)
        for name in COMPRESSORS:
            codec = celery_registry().compressor(name)
            ours = codec.compress(body)
            theirs, content_type = kombu.compress(body, name)
            check(codec.decompress(theirs, max_size=MAX_SIZE), body)
            check(kombu.decompress(ours, content_type), body)
            jobs = partial(there_and_back, codec, body), partial(kombu_there_and_back, name, body)
            result = compare(*jobs, rounds=rounds)
            rows.append(row(f"{name} there and back {label}", len(ours), len(theirs), result))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds of each pair (default 30)")
    parser.add_argument("--only", choices=("serializers", "compressors"), help="one table only")
    arguments = parser.parse_args()
    libraries = ", ".join(
        f"{name} {version(name)}"
        for name in ("kombu", "msgpack", "PyYAML", "brotli", "zstandard", "orjson", "msgspec", "ormsgpack")
    )
    print(f"Python {platform.python_version()}, {libraries}\n")
    for name, measure in (("serializers", serializers), ("compressors", compressors)):
        if arguments.only in (None, name):
            print(table(measure(arguments.rounds), HEADER), "\n")


if __name__ == "__main__":
    main()
