"""What `satchel bench` and `satchel recommend` share: options, the plan of a run, and what is done with the run."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.cli.arguments import add_accept, add_dialect, limits_of, registry_of
from satchel.cli.outcome import BAD_DATA, FAILED, INTERRUPTED, OK, UNSTABLE, Failure, one_line, usage
from satchel.cli.report import add_export, write, write_exports
from satchel.cli.samples import add_samples, describe, read_samples, warning
from satchel.cli.showing import add_plain, progress

if TYPE_CHECKING:
    from argparse import _ArgumentGroup

    from satchel.bench.candidates import Candidate
    from satchel.bench.results import Run
    from satchel.bench.samples import Samples
    from satchel.bench.screening import Screened
    from satchel.registry import Registry


def add_arguments(parser: ArgumentParser) -> tuple[_ArgumentGroup, _ArgumentGroup]:
    """Declare the options that both have. Gives the groups of those of the run and of the output, for more."""
    add_samples(parser)
    choice = parser.add_argument_group("candidates")
    add_accept(choice, "--serializers", "serializers to compare; default all")
    add_accept(choice, "--compressors", "compressors to compare, none for no compression; default all and none")
    choice.add_argument("--levels", action="extend", type=_levels, metavar="N[,N…]", help="levels; default a few each")
    choice.add_argument(
        "--dictionary",
        metavar="FILE",
        help="a zstd dictionary, trained on other messages than these: it does better on those that it knows",
    )
    choice.add_argument(
        "--baseline",
        default="json",
        metavar="NAME",
        help="what the others are beside: SERIALIZER[+COMPRESSOR[:LEVEL]]; default json",
    )
    add_dialect(choice)
    run = parser.add_argument_group("the run")
    run.add_argument("--rounds", type=_positive, metavar="N", help="how often each finalist is timed")
    run.add_argument("--seconds", type=_positive, metavar="N", help="no further round begins after so long")
    run.add_argument("--strict", action="store_true", help="exit with 5 when the machine was not steady")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json", metavar="FILE", help="write the run as JSON; - is standard output, in place of a table"
    )
    add_export(output)
    add_plain(output)
    return run, output


def measured(
    options: Namespace,
    samples: Samples,
    *,
    choose: Callable[[Sequence[Screened]], Iterable[Screened]],
    plan: Mapping[str, Any],
    safe: bool = False,
) -> tuple[Run, Registry]:
    """Measure as the options say.

    Args:
        choose: gives the finalists.
        plan: further attributes of the `Plan`; the options win.
        safe: leave out serializers that are not fit for untrusted input, unless they are named.

    Raises:
        Failure: the baseline is not to be had, or a message does not come back.
        SatchelError: a codec that is named is unknown or not installed, or the baseline does not carry a message.
    """
    from satchel.bench.candidates import Choice
    from satchel.bench.children import ChildFailed
    from satchel.bench.measuring import Plan, measure
    from satchel.bench.screening import Mismatch

    _check_outputs(options)
    registry = _registry(options)
    if options.dictionary and _trained_on(samples, options.dictionary):
        known = "was made of these very samples: it does better on them than on others"
        print(f"satchel: warning: {one_line(options.dictionary)} {known}", file=sys.stderr)
    every, left_out = _candidates(options, registry, safe)
    try:
        baseline = Choice.parse(options.baseline).candidate(registry)
    except ValueError as error:
        raise usage(f"--baseline: {error}") from error
    with progress() as tell:
        wanted = {"rounds": options.rounds, "seconds": options.seconds}
        planned = Plan(
            registry=registry,
            candidates=every,
            baseline=baseline,
            finalists=choose,
            limits=limits_of(options),
            left_out=left_out,
            tell=tell,
            **{**plan, **{name: value for name, value in wanted.items() if value is not None}},
        )
        try:
            return measure(samples, planned), registry
        except Mismatch as error:
            raise Failure(BAD_DATA, str(error)) from error
        except ChildFailed as error:
            raise Failure(FAILED, str(error)) from error


def _candidates(options: Namespace, registry: Registry, safe: bool) -> tuple[list[Candidate], dict[str, str]]:
    """What is compared, and what is left out, with the reason."""
    from satchel.bench.candidates import candidates

    compressors = options.compressors
    if compressors is not None and options.dictionary:
        compressors = [*compressors, "zstd-dictionary"]
    try:
        every, left_out = candidates(
            registry, serializers=options.serializers, compressors=compressors, levels=options.levels
        )
    except ValueError as error:
        raise usage(f"--levels: {error}") from error
    if safe and options.serializers is None:
        every = _safe(every, registry, left_out)
    return every, left_out


def read(options: Namespace) -> Samples:
    """Read the samples, and say on standard error how many there are.

    Raises:
        Failure: they cannot be read, or are not what they should be.
    """
    samples = read_samples(options)
    print(describe(samples), file=sys.stderr)
    if said := warning(samples):
        print(f"satchel: warning: {said}", file=sys.stderr)
    return samples


def finish(run: Run, options: Namespace, show: Callable[[], object]) -> int:
    """Write and show a run, and give the exit code.

    Args:
        show: writes the tables to standard output.
    """
    from satchel.bench.exporting import export

    # The table first: a full disk must not cost what was measured.
    if options.json != "-":
        show()
    if options.json:
        write(export(run, "json"), options.json)
    write_exports(run, options.export)
    if not run.complete:
        print("satchel: interrupted; this is what was measured until then", file=sys.stderr)
        return INTERRUPTED
    if options.strict and not run.noise.stable:
        print(f"satchel: error: the machine was not steady: {_unsteady(run)}", file=sys.stderr)
        return UNSTABLE
    return OK


def _unsteady(run: Run) -> str:
    """How unsteady the machine was, in words."""
    noise = run.noise
    return (
        f"a fixed piece of work varied by {noise.spread:.0%} and drifted by {noise.drift:+.0%}; "
        "close other programs, or give more --rounds"
    )


def _registry(options: Namespace) -> Registry:
    registry = registry_of(options)
    if options.dictionary is None:
        return registry
    try:
        return registry.with_dictionary(Path(options.dictionary))
    except OSError as error:
        raise usage(f"{options.dictionary}: {error.strerror}") from error


def _trained_on(samples: Samples, dictionary: str) -> bool:
    """Say whether the manifest of a dictionary, or of one in a folder, names these samples."""
    import json

    path = Path(dictionary)
    for name in path.glob("*.zdict.json") if path.is_dir() else [Path(f"{dictionary}.json")]:
        try:
            manifest = json.loads(name.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(manifest, dict) and manifest.get("samples") == samples.facts.digest:
            return True
    return False


def _check_outputs(options: Namespace) -> None:
    """Find out whether files can be written before there is something that would be lost."""
    for name in (options.json, *options.export):
        if name not in (None, "-"):
            path = Path(name)
            new = not path.exists()
            try:
                with path.open("ab"):
                    pass
                if new:
                    path.unlink()
            except OSError as error:
                raise usage(f"{name}: {error.strerror}") from error


def _safe(every: list[Candidate], registry: Registry, left_out: dict[str, str]) -> list[Candidate]:
    unsafe = {
        one.serializer for one in every if getattr(type(registry.serializer(one.serializer)), "safe", None) is False
    }
    left_out.update(dict.fromkeys(unsafe, "not fit for untrusted input; name it in --serializers to compare it"))
    return [one for one in every if one.serializer not in unsafe]


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**6:
        raise ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _levels(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of levels such as 1,3,9") from None
