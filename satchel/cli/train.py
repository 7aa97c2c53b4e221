"""``satchel train``: a dictionary of zstd from the user's own messages, scored on some that were held out."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from satchel.cli.arguments import add_dialect, limits_of, registry_of, size_of
from satchel.cli.outcome import BAD_DATA, OK, Failure, one_line, usage
from satchel.cli.samples import EPILOG, add_samples, describe, read_samples, warning
from satchel.cli.showing import add_plain, print_table, progress

if TYPE_CHECKING:
    from satchel.bench.manifest import Score
    from satchel.bench.training import Trained

_SUFFIX = ".zdict"
_LEAST, _MOST = 1024, 1024 * 1024

_EPILOG = f"""\
Of the distinct messages, a part is trained on, a part chooses how (the size, and what goes in), and a part that had
no say tells what to expect. What the library makes by default is kept unless another is 3 % smaller.

Beside NAME.zdict comes NAME.zdict.json, which tells all that was found. It holds no message; THE DICTIONARY HOLDS
PARTS OF MESSAGES: leave out those whose content must not be where the dictionary goes.

{EPILOG}
examples:
  satchel train messages.jsonl -o orders.zdict
  redis-cli lrange celery 0 -1 | satchel train --celery -s msgpack -o tasks.zdict
  satchel train --sample celery -o tasks.zdict --max-size 64k --level 3
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Train a zstd dictionary: short messages of a kind become a fraction of what zstd makes them."
    parser.epilog = _EPILOG
    add_samples(parser)
    group = parser.add_argument_group("training")
    group.add_argument("-o", "--output", required=True, metavar="NAME.zdict", help="the dictionary's file")
    group.add_argument("-f", "--force", action="store_true", help="overwrite files that are there")
    group.add_argument("-s", "--serializer", default="json", metavar="NAME", help="encodes the samples; default json")
    group.add_argument("--level", type=int, metavar="N", help="of compression; default that of the codec zstd")
    group.add_argument(
        "--max-size", type=_max_size, default="512k", metavar="N", help="bytes of the dictionary; default 512k"
    )
    group.add_argument(
        "--holdout", type=_share, default=0.2, metavar="SHARE", help="of the messages, for scoring; default 0.2"
    )
    group.add_argument(
        "--seconds", type=_seconds, metavar="N", help="no further candidate is tried after so long; default 20"
    )
    add_dialect(group)
    group.add_argument("--json", action="store_true", help="print the manifest instead of a table")
    add_plain(group)


def run(options: Namespace) -> int:
    """Train, write, and show."""
    names = options.output, f"{options.output}.json"
    _check(names, options)
    level = _level(options)
    bodies, digest = _bodies(options)
    trained = _trained(bodies, level, options)
    manifest = _manifest(trained, digest, options)
    _replace(dict(zip(names, (trained.dictionary, manifest.encode()), strict=True)))
    if options.json:
        sys.stdout.write(manifest)
    else:
        _show(trained, options)
    _warn(trained)
    return OK


def _check(names: tuple[str, ...], options: Namespace) -> None:
    """Find what would keep the result from being written before anything is read."""
    if not options.output.endswith(_SUFFIX):
        raise usage(f"-o {options.output}: the name must end in {_SUFFIX}, by which dictionaries are found in a folder")
    folder = os.path.dirname(options.output) or "."
    if not os.path.isdir(folder):
        raise usage(f"-o {options.output}: there is no folder {folder}")
    for name in names:
        if os.path.isdir(name) or (os.path.lexists(name) and not options.force):
            raise usage(f"{name}: it is there; give another name, or overwrite it with --force")


def _level(options: Namespace) -> int:
    """The level, once it is known that zstd can be used at it."""
    from satchel.codecs.zstd import Zstd

    try:
        return Zstd().level if options.level is None else Zstd(level=options.level).level
    except ValueError as error:
        raise usage(f"--level: {error}") from error


def _bodies(options: Namespace) -> tuple[list[bytes], str]:
    """The messages as they are compressed, and the digest of the samples."""
    from satchel.cli.arguments import lifted
    from satchel.pipeline import Pipeline

    limits = limits_of(options)
    registry = lifted(registry_of(options), limits)
    registry.serializer(options.serializer)  # Before the input is read, which may take long.
    samples = read_samples(options)
    print(describe(samples), file=sys.stderr)
    if said := warning(samples):
        print(f"satchel: warning: {said}", file=sys.stderr)
    pipeline = Pipeline([], registry=registry, limits=limits)
    bodies = [bytes(pipeline.encode(value, serializer=options.serializer).body) for value in samples.values]
    return bodies, samples.facts.digest


def _trained(bodies: list[bytes], level: int, options: Namespace) -> Trained:
    from satchel.bench.samples import SEED
    from satchel.bench.training import SECONDS, SIZES, TooFewSamples, train

    with progress() as tell:
        try:
            return train(
                bodies,
                level=level,
                seed=SEED if options.seed is None else options.seed,
                holdout=options.holdout,
                sizes=[*(size for size in SIZES if size < options.max_size), options.max_size],
                seconds=SECONDS if options.seconds is None else options.seconds,
                tell=tell,
            )
        except TooFewSamples as error:
            raise Failure(BAD_DATA, str(error)) from error


def _manifest(trained: Trained, digest: str, options: Namespace) -> str:
    import json

    from satchel.registry import Registry

    registry: Registry = registry_of(options)
    encoded = {"serializer": registry.serializer(options.serializer).name, "dialect": options.dialect}
    return json.dumps({**trained.manifest.plain(), **encoded, "samples": digest}, indent=2) + "\n"


def _replace(files: dict[str, bytes]) -> None:
    """Write files so that each is whole, or as it was: a new one takes the place of an old one at once.

    Raises:
        Failure: one cannot be written.
    """
    parts: dict[str, str] = {}
    try:
        for name, data in files.items():
            part = f"{name}.{os.getpid()}.part"
            with open(part, "xb") as file:
                parts[part] = name
                file.write(data)
        for part, name in parts.items():
            os.replace(part, name)
    except OSError as error:
        raise usage(f"{error.filename or next(iter(files))}: {error.strerror}") from error
    finally:
        for part in parts:
            if os.path.lexists(part):
                os.unlink(part)


def _show(trained: Trained, options: Namespace) -> None:
    manifest = trained.manifest
    counts, recipe, score = manifest.counts, manifest.recipe, manifest.held_out
    how = {
        "default": "by the library's trainer with its defaults",
        "searched": "by the library's trainer, for another size than its default",
        "segments": f"by the library's trainer, of segments of {recipe.length} bytes",
        "messages": f"of whole messages, less what they repeat for {recipe.length} bytes or more",
    }[recipe.method]
    print(
        f"Messages: {counts.training:,} to train on, {counts.validation:,} to choose by, {counts.held_out:,} held out; "
        f"{counts.duplicates:,} duplicates removed{f', {counts.unused:,} not used' if counts.unused else ''}.\n"
    )
    header = (f"HELD OUT, zstd {manifest.level}", "BYTES EACH", "RATIO")
    print_table(header, _rows(score), right=header[1:], plain=options.plain)
    print(f"\n{one_line(options.output)}: {manifest.size:,} bytes, id {trained.id}, made {how}.\n")
    print(_configuration(manifest.level, options))


def _rows(score: Score) -> list[tuple[str, str, str]]:
    totals = [
        ("not compressed", score.plain),
        ("no dictionary", score.none),
        ("the library's default", score.default),
        ("this dictionary", score.chosen),
    ]
    return [
        (name, f"{total / score.messages:,.1f}", f"{score.plain / total:.2f}")
        for name, total in totals
        if total is not None
    ]


def _configuration(level: int, options: Namespace) -> str:
    """The lines to paste."""
    from satchel.codecs.zstd import Zstd
    from satchel.codecs.zstd_dictionaries import NAME

    name: Any = options.output
    at = "" if level == Zstd.level else f".with_compressor(Zstd(level={level}, dictionary={name!r}))"
    function = "celery_registry" if options.dialect == "celery" else "default_registry"
    lines = [f"from satchel import Pipeline, {'Zstd, ' if at else ''}{function}", ""]
    lines.append(f"registry = {function}(){at or f'.with_dictionary({name!r})'}")
    accepted = f'["{options.serializer}"], registry=registry, accept_compression=["{NAME}"]'
    lines.append(f"pipeline = Pipeline({accepted})")
    lines.append(f'encoded = pipeline.encode(value, serializer="{options.serializer}", compression="{NAME}")')
    return "\n".join(lines)


def _warn(trained: Trained) -> None:
    manifest = trained.manifest
    if not manifest.complete:
        print("satchel: warning: not all was tried in that time; give more --seconds", file=sys.stderr)
    if manifest.held_out.chosen >= manifest.held_out.none:
        print("satchel: warning: a dictionary makes these messages no smaller; do without one", file=sys.stderr)


def _max_size(text: str) -> int:
    size = size_of(text)
    if not _LEAST <= size <= _MOST:
        raise ArgumentTypeError(f"{text!r} is not from 1k to 1M")
    return size


def _share(text: str) -> float:
    return _number(text, 0.05, 0.4)


def _seconds(text: str) -> float:
    return _number(text, 0.1, 86_400)


def _number(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:,g}")
    return number
