"""What `satchel recommend` says: the answer, its reason, the runners-up, the crossovers, and lines to paste."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Sequence
from typing import NamedTuple

from satchel.bench.candidates import Candidate, Choice, level_of, level_option
from satchel.bench.recommending import Link, Prices, Recommendation, Span, worth_compressing
from satchel.bench.results import Row, Run
from satchel.bench.samples import Samples
from satchel.bench.tabling import warnings
from satchel.bench.trial import try_dictionary
from satchel.cli.arguments import limits_of
from satchel.cli.showing import print_table
from satchel.registry import Registry

_RUNNERS_UP = 4
#: A dictionary must be looked after: it is proposed where a message takes less than this share of the time.
_WORTH_TRAINING = 0.9


class Answered(NamedTuple):
    """A run, the answer, and the question."""

    run: Run
    answer: Recommendation
    link: Link
    prices: Prices | None


def show(answered: Answered, samples: Samples, registry: Registry, options: Namespace) -> None:
    """Print the answer with its reason, the runners-up, the crossovers, and the lines of configuration to paste."""
    run, answer, link, prices = answered
    best = answer.best
    print(f"Take {best.name}: {_reason(answered)}.\n")
    unit = "µs" if prices is None else "per million"
    header = ("", "bytes", "encode, µs", "link, µs", "decode, µs", f"in all, {unit}", "")
    print_table(header, list(_rows(answer, run, link)), right=header[1:6], plain=options.plain)
    print(f"\n{_crossovers(answer.spans, link)}")
    threshold = None
    if best.compressor is not None:
        threshold = _threshold(best, samples, registry, link, options)
        print(_smallest(threshold))
    if best.dictionary is None and (hint := _dictionary(answered, samples, registry, options)):
        print(hint)
    for text in warnings(run):
        print(text)
    print(f"\n{_configuration(best, registry, options, threshold)}")


def _reason(answered: Answered) -> str:
    run, answer, link, prices = answered
    best = answer.best
    baseline = next(row for row in run.rows if row.name == run.baseline)
    totals = {row.name: total for row, total in answer.ranked}
    own, other = totals[best.name], totals[baseline.name]
    hops = f"{link.hops} hop{'s' * (link.hops > 1)}"
    if prices is None:
        way, what = f"over {_link(link.speed)}, {hops}, ", f"a message takes {_digits(own)} µs"
    else:
        way, what = f"with {hops}, ", f"a million messages cost {_digits(own)}"
    if best is baseline or best.name == baseline.name:
        return f"{way}{what}, and nothing else is better"
    return f"{way}{what}, {other / own:.2f} times as good as {baseline.name} with {_digits(other)}"


def _rows(answer: Recommendation, run: Run, link: Link) -> Sequence[tuple[str, ...]]:
    shown = dict.fromkeys(row.name for row, _ in answer.ranked[: _RUNNERS_UP + 1])
    shown.update(dict.fromkeys((answer.best.name, run.baseline)))
    rows = []
    for row, total in answer.ranked:
        if row.name in shown:
            parts = row.sizes.mean, row.encode.median, link.time(row.sizes.mean), row.decode.median, total
            mark = "recommended" if row.name == answer.best.name else "baseline" if row.name == run.baseline else ""
            rows.append((row.name, *map(_digits, parts), mark))
    return rows


def _crossovers(spans: Sequence[Span], link: Link) -> str:
    lines = [f"Links for which each is the best, at {link.hops} hop{'s' * (link.hops > 1)}:"]
    for span in spans:
        if span.fastest == math.inf:
            when = "any" if span.slowest == 0 else f"above {_link(span.slowest)}"
        elif span.slowest == 0:
            when = f"up to {_link(span.fastest)}"
        else:
            when = f"{_link(span.slowest)} to {_link(span.fastest)}"
        lines.append(f"  {when}: {span.row.name}")
    return "\n".join(lines)


def _bodies(best: Row, samples: Samples, registry: Registry, options: Namespace) -> list[bytes]:
    """The messages as the recommended serializer writes them."""
    pipeline = Candidate(best.serializer).pipeline(registry, limits_of(options))
    return [bytes(pipeline.encode(value, serializer=best.serializer).body) for value in samples.values]


def _threshold(best: Row, samples: Samples, registry: Registry, link: Link, options: Namespace) -> int | None:
    candidate = Choice(best.serializer, best.compressor, best.level).candidate(registry)
    return worth_compressing(candidate.compressor, _bodies(best, samples, registry, options)[:200], link)


def _dictionary(answered: Answered, samples: Samples, registry: Registry, options: Namespace) -> str | None:
    """Say what a dictionary would save, where it is worth training one."""
    best, link = answered.answer.best, answered.link
    found = try_dictionary(_bodies(best, samples, registry, options), 1)
    if found is None or answered.prices is not None:
        return None
    zstd = next((row for row in answered.run.rows if row.name == f"{best.serializer}+zstd:1"), None)
    total = next(total for row, total in answered.answer.ranked if row is best)
    # With a dictionary, zstd takes no longer than without one.
    if zstd is None or zstd.there_and_back + link.time(found.trained) > total * _WORTH_TRAINING:
        return None
    return (
        f"A zstd dictionary is worth training: tried on {found.messages:,} others of these messages, one makes them "
        f"{found.trained:,.0f} bytes, where zstd alone makes {found.none:,.0f}. See satchel train."
    )


def _smallest(size: int | None) -> str:
    if size is None:
        return "On this link hardly any of them takes less time for being compressed."
    return f"The smallest size worth compressing is about {size:,} bytes."


def _configuration(best: Row, registry: Registry, options: Namespace, threshold: int | None) -> str:
    """The lines to paste."""
    function = "celery_registry" if registry.dialect == "celery" else "default_registry"
    codec = None if best.compressor is None else registry.compressor(best.compressor)
    made, names = function, ["Pipeline"]
    usual = codec is None or best.level is None or level_of(codec) == best.level
    # Of an installed distribution, the registry has it already.
    offered = best.dictionary is not None and options.dictionary is None
    if codec is not None and best.dictionary is not None and usual:
        made = function if offered else f"{function}().with_dictionary({options.dictionary!r})"
    elif codec is not None and not usual and offered:
        leveled = f'replace({function}().compressor("{best.compressor}"), level={best.level})'
        made = f"{function}().with_compressor({leveled}, replace=True)"
    elif codec is not None and not usual:
        given = f"{level_option(codec)}={best.level}"
        given += f", dictionary={options.dictionary!r}" if best.dictionary is not None else ""
        made = f"{function}().with_compressor({type(codec).__name__}({given}), replace=True)"
        names.append(type(codec).__name__)
    arguments = [f'["{best.serializer}"]']
    if made != "default_registry":
        names.append(function)
        arguments.append(f"registry={function if made == function else 'registry'}")
    if codec is not None:
        arguments.append(f'accept_compression=["{best.compressor}"]')
        arguments += [] if threshold is None else [f"compression_threshold={threshold}"]
    compression = "" if codec is None else f', compression="{best.compressor}"'
    lines = ["# Satchel", *(["from dataclasses import replace", ""] if "(replace(" in made else [])]
    lines += [f"from satchel import {', '.join(names)}", ""]
    lines += [] if made == function else [f"registry = {made}"]
    lines.append(f"pipeline = Pipeline({', '.join(arguments)})")
    lines.append(f'encoded = pipeline.encode(value, serializer="{best.serializer}"{compression})')
    return "\n".join([*lines, *_celerys_settings(best, registry)])


def _celerys_settings(best: Row, registry: Registry) -> list[str]:
    """Celery's settings, where it has what is recommended."""
    if registry.dialect != "celery" or best.dictionary is not None:
        return []
    level = "" if best.level is None else ": kombu has its own level, so sizes and times are others"
    return [
        "",
        f"# Celery{level}",
        f'task_serializer = result_serializer = "{best.serializer}"',
        f'accept_content = ["{best.serializer}"]',
        *([] if best.compressor is None else [f'task_compression = "{best.compressor}"']),
    ]


def _link(speed: float) -> str:
    """A speed with its unit, to two digits that count."""
    for unit, name in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if speed >= unit:
            number = speed / unit
            return f"{number:.0f} {name}" if number >= 10 else f"{number:.2g} {name}"
    return f"{speed:.0f} bit/s"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
