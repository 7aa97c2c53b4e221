"""Samples for the commands that measure: their options, and reading what these name."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from satchel.cli.arguments import add_limits, lifted, limits_of, safe_serializers
from satchel.cli.outcome import BAD_DATA, Failure, advice, code_of, usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from satchel.bench.samples import Message, Reservoir, Samples
    from satchel.pipeline import Pipeline
    from satchel.registry import Registry
    from satchel.types import Limits

#: Fewer than so many messages tell little of their 99th percentile, or of rare kinds.
FEW = 100
_MOST = 100_000

EPILOG = """\
A SRC is one of these:
  a file                       one message; its format is told by its name (.json, .msgpack, .yaml, .txt, .pickle),
                               or else by its content
  a file .jsonl                one message a line; it is read line by line, and may be of any size
  a directory                  each file in it and below, in the order of their names; hidden ones are passed over
  -                            standard input: one message, or JSON lines; the default
  with --array PATH            a JSON file with an array, one message an item
  with --celery                messages as they lay in a queue: output of redis-cli, of RabbitMQ's management API, or
                               envelopes, one a line in .jsonl; the sample is the body, [args, kwargs, embed]
Files may be compressed, as .gz or .bz2.

JSON is read with type tags, as by satchel encode. Of more than 1,000 messages a random choice is measured, and of
large ones fewer, about 64 MiB. Only what is chosen is decoded: a damaged message among the others is not noticed.
"""


def add_samples(parser: ArgumentParser) -> None:
    """Add SRC… and the options of how samples are read."""
    parser.add_argument("sources", nargs="*", metavar="SRC", help="where samples are; default - (standard input)")
    group = parser.add_argument_group("samples")
    group.add_argument("--from", dest="form", metavar="FORMAT", help="a serializer's name, or jsonl")
    whole = group.add_mutually_exclusive_group()
    whole.add_argument(
        "--array", metavar="PATH", help="JSON Pointer (RFC 6901) to an array: /data/items; . if it is all"
    )
    whole.add_argument("--celery", action="store_true", help="the input is a broker's dump of Celery's messages")
    group.add_argument(
        "--sample",
        action="append",
        default=[],
        type=_generated,
        metavar="NAME[:COUNT]",
        help="synthetic messages: celery, events, records, text, numbers, rich, small; default 1000 of them",
    )
    group.add_argument(
        "--unsafe-pickle", action="store_true", help="read pickles, which runs whatever they say: only your own"
    )
    group.add_argument("--samples", type=_count, default=1_000, metavar="N", help="the most to measure; default 1000")
    group.add_argument("--seed", type=int, metavar="N", help="of what is random: the choice, and synthetic messages")
    add_limits(parser)


def read_samples(options: Namespace, registry: Registry | None = None) -> Samples:
    """Read the samples that the options name.

    Args:
        options: what `add_samples` has declared.
        registry: decodes them; by default the process's of Satchel's dialect, or of Celery's with ``--celery``.

    Raises:
        Failure: a source cannot be read, a sample cannot be decoded, or there is none.
    """
    from satchel.bench.samples import SEED, Reservoir
    from satchel.cli.sources import Sources

    limits = limits_of(options)
    seed = SEED if options.seed is None else options.seed
    # Whatever was asked for wrongly is told before anything is read, which may take long.
    generators = _generators(options)
    decoder = _Decoder(options, limits, registry)
    sources = Sources(limits, options.form, _array(options), options.celery)
    reservoir = Reservoir(options.samples, seed)
    for source in _named(options):
        before = reservoir.seen
        for own, number, form in sources.found(source):
            decoder.check(form)
            reservoir.add(own, _told(source), number, form)
        if reservoir.seen == before:
            raise Failure(BAD_DATA, f"{'standard input' if source == '-' else source}: there is no message in it")
    for (name, count), generator in zip(options.sample, generators, strict=True):
        _add_generated(reservoir, name, generator(count, seed))
    return reservoir.samples(decoder, synthetic=bool(options.sample))


def describe(samples: Samples) -> str:
    """Say on one line how many samples there are, of how many, and how large."""
    measured, seen, _, _, synthetic, size = samples.facts
    of = f" of {seen:,}" if seen > measured else ""
    plural = "" if max(measured, seen) == 1 else "s"
    parts = [f"{measured:,}{of} message{plural}", f"{size / measured:,.0f} B on average"]
    parts += ["chosen at random"] * (seen > measured) + ["synthetic"] * synthetic
    return ", ".join(parts)


def warning(samples: Samples) -> str | None:
    """Say that samples are few, or give None where they are enough."""
    from satchel.bench.samples import MOST_BYTES

    measured, seen, _, _, _, size = samples.facts
    if measured >= FEW:
        return None
    cure = "give more if you can" if seen < FEW else "raise --samples"
    if measured < seen and size > MOST_BYTES // 2:
        cure = "of messages as large as these no more are measured"
    return f"n = {measured}: fewer than {FEW} messages may not be what is sent; {cure}"


class _Decoder:
    """Decodes what was chosen; a fault is a Failure that says where."""

    def __init__(self, options: Namespace, limits: Limits, registry: Registry | None) -> None:
        from satchel.cli.sources import JSON_LINES
        from satchel.registry import celery_registry, default_registry

        if registry is None:
            registry = celery_registry() if options.celery else default_registry()
        form, self._unsafe = options.form, options.unsafe_pickle
        if form not in (None, JSON_LINES) and (options.celery or options.array is not None):
            raise usage(f"--from {form} says what messages are; with --celery they say it, with --array they are JSON")
        self._registry = _with_pickle(registry) if self._unsafe else registry
        accept = safe_serializers(registry) + ["pickle"] * self._unsafe
        if form not in (None, JSON_LINES):
            entry = registry.entry("serializer", form)
            registry.serializer(form)  # What is not installed is told before anything is read.
            if entry.name == "pickle" and not self._unsafe:
                raise usage(f"--from {form}: {_PICKLE}")
            accept.append(entry.name)
        self._pipeline = _pipeline(accept, lifted(self._registry, limits), limits)

    def check(self, form: Any) -> None:
        """Refuse a pickle as soon as it is found."""
        if self._unsafe:
            return
        name, content_type = form.serializer, form.facts[0]
        entry = self._registry.serializers.get("pickle")
        types = entry.content_types if entry else ()
        if name == "pickle" or (name is None and isinstance(content_type, str) and content_type.lower() in types):
            raise Failure(BAD_DATA, f"{form.path}: {_PICKLE}")

    def __call__(self, message: Message) -> Any:
        from satchel.errors import ContentDisallowed, DecodeError, RegistryError
        from satchel.types import Encoded

        form = message.form
        content_type, content_encoding, compression = form.facts
        try:
            if form.serializer is not None:
                codec = self._registry.serializer(form.serializer)
                content_type, content_encoding = codec.content_type, codec.content_encoding
            return self._pipeline.decode(Encoded(message.own, content_type, content_encoding, compression))
        except (DecodeError, RegistryError) as error:
            refused = isinstance(error, ContentDisallowed)  # Its cure is an option that there is not.
            text = f"{error.what}; {error.expected}" if refused else advice(error)
            raise Failure(code_of(error), f"{form.where(message.number)}: {text}") from error


_PICKLE = "it is a pickle, which is read with --unsafe-pickle alone: that runs whatever the pickle says"


def _pipeline(accept: list[str], registry: Registry, limits: Limits) -> Pipeline:
    from satchel.pipeline import Pipeline

    return Pipeline(accept, registry=registry, limits=limits)


def _with_pickle(registry: Registry) -> Registry:
    from dataclasses import replace
    from warnings import catch_warnings, simplefilter

    from satchel.codecs.pickle import Pickle

    with catch_warnings():
        simplefilter("ignore")  # Whoever gave the option has been told.
        pickle = replace(Pickle.unrestricted(), dialect=registry.dialect)
    return registry.with_serializer(pickle, replace=True)


def _named(options: Namespace) -> list[str]:
    sources: list[str] = options.sources
    if sources.count("-") > 1:
        raise usage("standard input was named twice")
    if not sources and not options.sample:
        if sys.stdin is not None and sys.stdin.isatty():
            raise usage("there are no samples: give a SRC, or --sample celery; - reads from the terminal")
        return ["-"]
    return sources


def _told(source: str) -> str:
    """What the results say of a source: no more of a path than its last part."""
    return source if source == "-" else os.path.basename(os.path.abspath(source))


def _array(options: Namespace) -> tuple[str, ...] | None:
    from satchel.cli import arrays

    try:
        return None if options.array is None else arrays.steps(options.array)
    except arrays.NoArray as error:
        raise usage(f"--array: {error}") from error


def _generators(options: Namespace) -> list[Callable[[int, int], list[Any]]]:
    if not options.sample:
        return []
    from satchel.bench.generated import GENERATED

    for name, _ in options.sample:
        if name not in GENERATED:
            raise usage(f"--sample: there is no {name!r}; there are {', '.join(GENERATED)}")
    return [GENERATED[name] for name, _ in options.sample]


def _add_generated(reservoir: Reservoir, name: str, values: list[Any]) -> None:
    from satchel.cli.sources import Form
    from satchel.registry import default_registry

    json, form = default_registry().serializer("json"), Form("json", f"sample:{name}", "message")
    for number, value in enumerate(values, 1):
        reservoir.add(json.dumps(value), form.path, number, form)


def _generated(text: str) -> tuple[str, int]:
    name, colon, count = text.partition(":")
    return name, _count(count) if colon else 1_000


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or not 0 < int(text) <= _MOST:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST:,}")
    return int(text)
