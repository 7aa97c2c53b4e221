"""What is fuzzed: for each target its check, its seeds and how an input is changed."""

from __future__ import annotations

import io
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from random import Random
from typing import Any

from fuzz import seeds
from fuzz.checks import TIGHT, Reading, Wrong, compressor_check, serializer_check
from satchel import DecodeError, Encoded, Pipeline, celery_registry, default_registry
from satchel.cli.outcome import Failure
from satchel.errors import SatchelError
from satchel.testing.codec import mutants

#: Changes some bytes: atheris.Mutate, or anything that takes a body and the longest that may come out.
Change = Callable[[bytes, int], bytes]


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
        check: takes a body; gives whether a value came out; raises when a promise is broken.
        seeds: what to begin with.
        mutate: a change of a target's own, made every other time; takes a body, the longest, a seed and a `Change`.
    """

    check: Callable[[bytes], bool]
    seeds: Sequence[bytes]
    mutate: Callable[[bytes, int, Random, Change], bytes]


def _splice(body: bytes, longest: int, random: Random, change: Change, *, bodies: Sequence[bytes]) -> bytes:
    """Put a piece of a seed into a body, and other damage."""
    return next(mutants([body, random.choice(bodies)], 1, random))


def _serializer(name: str, variants: list[Any], same: list[tuple[int, int]]) -> Target:
    bodies = seeds.of_serializer(name)
    return Target(
        serializer_check([Reading.of(codec) for codec in variants], same), bodies, partial(_splice, bodies=bodies)
    )


def json() -> Target:
    """JSON: both engines, which must agree; as it is, with all its options, and in Celery's dialect.

    Each body is read by itself, and beside so many tags that these are read in another way.
    """
    from satchel import Json

    variants, same = _engines(Json, ("stdlib", "fast"))
    alone = _serializer("json", variants, same)
    # Where more values were allowed, they would not be counted, and so it is read.
    wider = replace(TIGHT, max_nodes=20_000)
    beside = serializer_check([Reading.of(codec, wider) for codec in variants], same)

    def check(body: bytes) -> bool:
        beside(b"[%b, %b, %b]" % (seeds.MANY_TAGS, body, seeds.MANY_TAGS))
        return alone.check(body)

    return replace(alone, check=check)


def msgpack() -> Target:
    """MessagePack: likewise."""
    from satchel import Msgpack

    return _serializer("msgpack", *_engines(Msgpack, ("plain", "fast")))


def _engines(cls: Any, engines: tuple[str, str]) -> tuple[list[Any], list[tuple[int, int]]]:
    """Give pairs of codecs that differ in the engine alone, and their indices."""
    configured: list[dict[str, Any]] = [{}, dict.fromkeys(_flags(cls), True), {"dialect": "celery"}]
    return [cls(engine=engine, **each) for each in configured for engine in engines], [(0, 1), (2, 3), (4, 5)]


def yaml() -> Target:
    """YAML: as it is, with all its options, and in Celery's dialect."""
    from satchel import Yaml

    options: dict[str, Any] = dict.fromkeys(_flags(Yaml), True)
    return _serializer("yaml", [Yaml(), Yaml(**options), Yaml.celery()], [])


def pickle() -> Target:
    """Pickle, restricted, in both dialects."""
    from satchel import Pickle

    return _serializer("pickle", [Pickle(), Pickle(protocol=5), Pickle.celery()], [])


def _flags(cls: Any) -> list[str]:
    """Give the names of a codec's switches: those it is given later are fuzzed too."""
    return [name for name, field in cls.__dataclass_fields__.items() if field.init and field.default is False]


def raw(name: str = "raw") -> Target:
    """Raw bytes, or text."""
    return _serializer(name, [default_registry().serializer(name)], [])


def compressor(name: str) -> Target:
    """A compressor: one stream, several, and Celery's form of it. Half of the changes are made before compression."""
    codec: Any = default_registry().compressor(name)
    variants = [codec]
    if "streams" in codec.__dataclass_fields__:
        variants.append(replace(codec, streams=3))
    if hasattr(codec, "celery"):
        variants.append(codec.celery())

    def repacked(body: bytes, longest: int, random: Random, change: Change) -> bytes:
        try:
            plain = codec.decompress(body, max_size=TIGHT.max_decompressed)
        except Exception:  # noqa: BLE001  # whatever the library raises: it is changed as it is
            return change(body, longest)
        return bytes(codec.compress(change(plain[:longest], longest)))

    return Target(compressor_check(variants), seeds.of_compressor(codec), repacked)


def message(data: bytes) -> Encoded:
    """Read a message: content type, content encoding, compression, each on a line, and the body.

    A header that is empty is None; one that begins with NUL stays bytes.
    """
    fields: list[Any] = data.split(b"\n", 3)
    fields += [b""] * (4 - len(fields))
    headers: list[Any] = [field[1:] if field[:1] == b"\0" else field.decode("latin-1") or None for field in fields[:3]]
    return Encoded(fields[3], *headers)


def pipeline() -> Target:
    """The whole pipeline in both dialects: all of a message comes from the fuzzer."""
    names = ["json", "msgpack", "yaml", "pickle", "raw", "text"]
    both = [Pipeline(names, registry=registry, limits=TIGHT) for registry in (default_registry(), celery_registry())]
    bodies = list(seeds.of_pipeline())

    def check(data: bytes) -> bool:
        encoded, came_out = message(data), False
        for each in both:
            try:
                each.decode(encoded)
                came_out = True
            except DecodeError:
                continue
        return came_out

    def within(data: bytes, longest: int, random: Random, change: Change) -> bytes:
        """Change the body alone, under its compression, or take the headers of another message."""
        *headers, body = data.split(b"\n", 3)
        if len(headers) < 3 or random.randrange(4) == 0:
            headers = random.choice(bodies).split(b"\n", 3)[:3]
        try:
            codec = both[0].registry.compressor(headers[2].decode())
            body = codec.compress(change(codec.decompress(body, max_size=longest), longest))
        except Exception:  # noqa: BLE001  # no such compressor, or not its bytes: it is changed as it is
            body = change(body, longest)
        return b"\n".join([*headers, body])

    return Target(check, bodies, within)


#: Controls, and what shows a text in another order than it has.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: How `satchel decode` is called, chosen by the first byte of the input.
_DECODES = (
    "-s json",
    "-s json --dialect celery --compact",
    "-s json --python",
    "-s msgpack --python",
    "-s msgpack -c zstd",
    "-s yaml --compact",
    "-s pickle --accept pickle --python",
    "-s text --raw",
    "-s raw -c zlib --raw",
    "--envelope --accept json,msgpack,yaml,pickle --dialect celery --python",
)


def command(name: str) -> Target:
    """A command of the command line: it ends with an exit code, or with an error that it tells in one line."""
    calls = [""] if name == "inspect" else list(_DECODES)
    calls = [*calls, "--json", "--full --accept pickle"] if name == "inspect" else calls
    bodies = [bytes((index % len(calls),)) + body for index, body in enumerate(seeds.of_commands())]
    module = import_module(f"satchel.cli.{name}")
    parser = ArgumentParser()
    module.add_arguments(parser)
    options = [parser.parse_args([*call.split(), "--max-decompressed", "64k", "--max-nodes", "2000"]) for call in calls]

    def check(data: bytes) -> bool:
        chosen = options[data[0] % len(options)] if data else options[0]
        with _streams(data[1:]) as output:
            try:
                module.run(chosen)
            except (Failure, SatchelError):
                return False
        _check_output(output.buffer.getvalue(), raw=getattr(chosen, "raw", False))
        return True

    return Target(check, bodies, partial(_splice, bodies=bodies))


@contextmanager
def _streams(data: bytes) -> Iterator[Any]:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data))
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    try:
        with redirect_stdout(output), redirect_stderr(io.StringIO()):
            yield output
    finally:
        sys.stdin = before


def _check_output(output: bytes, *, raw: bool) -> None:
    if not raw and (acting := _ACTING.search(output.decode())):
        raise Wrong(f"the output has {acting[0]!r} in it, on which a terminal may act")


#: By name; each is made on demand, in a process of its own.
TARGETS: dict[str, Callable[[], Target]] = {
    "json": json,
    "msgpack": msgpack,
    "yaml": yaml,
    "pickle": pickle,
    "raw": raw,
    "text": partial(raw, "text"),
    **{name: partial(compressor, name) for name in ("brotli", "bzip2", "gzip", "lzma", "zlib", "zstd")},
    "pipeline": pipeline,
    "inspect": partial(command, "inspect"),
    "decode": partial(command, "decode"),
}
