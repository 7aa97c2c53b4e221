"""Runs of the benchmark, made by hand: what `satchel bench` would write of a few hundred messages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from satchel.bench.results import Cost, Noise, Row, Run, Sampled, Sizes
from satchel.bench.timing import Figure

#: A name that would be markup, were it not escaped.
HOSTILE = '</script></title></style><img src="https://evil.example/x" onerror=alert(1)>"\' & <b>'

#: Serializer, compressor, level, mean size, and the times of encoding and decoding of the candidates of `a_run`.
_MEASURED: tuple[tuple[str, str | None, int | None, float, float, float], ...] = (
    ("msgpack", None, None, 331.25, 1.42, 1.71),
    ("json", None, None, 402.5, 1.93, 2.66),
    ("msgpack", "zstd", 1, 254.1, 4.05, 3.62),
    ("msgpack", "zstd", 3, 247.75, 4.61, 3.67),
    ("json", "zstd", 3, 262.0, 5.22, 4.71),
    ("json", "zlib", 6, 268.5, 17.3, 8.04),
    ("msgpack", "brotli", 5, 239.0, 28.9, 7.11),
    ("json", "brotli", 11, 221.0, 1240.0, 8.85),
    ("pickle", None, None, 388.0, 2.75, 3.31),
    ("yaml", None, None, 447.0, 92.6, 188.0),
    ("json", "lzma", 6, 344.0, 2110.0, 61.5),
    ("msgpack", "bzip2", 9, 318.0, 41.7, 24.4),
)


def a_row(
    name: str = "json",
    *,
    size: float = 402.5,
    encode: float = 1.93,
    decode: float = 2.66,
    stage: Literal["timed", "screened"] = "timed",
    **changes: Any,
) -> Row:
    """A candidate. Sizes in bytes, times in microseconds; `changes` are the fields of `Row`."""
    timed = stage == "timed"
    row = Row(
        name=name,
        serializer=name.partition(" ")[0],
        compressor=None,
        level=None,
        dictionary=None,
        stage=stage,
        sizes=Sizes(size, int(size * 0.97), int(size * 1.4), int(size * 4), (int(size),) * 4)
        if timed
        else Sizes(size, int(size), int(size), int(size * 4)),
        ratio=402.5 / size,
        encode=_cost(encode, 1.93, timed),
        decode=_cost(decode, 2.66, timed),
        peak_memory=int(size * 70) if timed else None,
    )
    return replace(row, **changes)


def a_run(rows: int | tuple[Row, ...] | None = None, **changes: Any) -> Run:
    """A run.

    Args:
        rows: the candidates, or how many there are; default one for each of `_MEASURED`.
        changes: the fields of `Run`.
    """
    candidates = rows if isinstance(rows, tuple) else _candidates(len(_MEASURED) if rows is None else rows)
    run = Run(
        created="2031-01-02T03:04:05+00:00",
        satchel="0.1.0",
        machine={"python": "CPython 3.11.7", "system": "Linux", "processor": "x86_64", "cores": 2},
        libraries={"msgpack": "1.2.4", "orjson": "3.13.0", "zstandard": "0.24.0"},
        samples=Sampled(1000, 12034, "9f" * 32, ("orders.jsonl", "more orders.jsonl"), False, 4_321_987),
        baseline="json",
        dialect="satchel",
        rounds=40,
        noise=Noise(0.0123456789, -0.004, True),
        complete=True,
        rows=candidates,
        left_out={"json + snappy": "python-snappy is not installed: pip install python-snappy"},
    )
    return replace(run, **changes)


def hostile_run() -> Run:
    """A run with `HOSTILE` wherever a text may be."""
    return a_run(
        (a_row(HOSTILE, pareto=True), a_row("json")),
        baseline=HOSTILE,
        machine={HOSTILE: HOSTILE},
        libraries={HOSTILE: HOSTILE},
        samples=Sampled(10, 10, HOSTILE, (HOSTILE,), True, 1),
        left_out={HOSTILE: HOSTILE},
        created=HOSTILE,
        satchel=HOSTILE,
        dialect=HOSTILE,
    )


def colours_of(page: str, dark: bool) -> dict[str, str]:
    """The named colours of a run's page, by day or by night."""
    light, _, rest = page.partition("@media screen and (prefers-color-scheme: dark)")
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", rest if dark else light))


def _candidates(wanted: int) -> tuple[Row, ...]:
    rows = [_candidate(index) for index in range(wanted)]
    return tuple(replace(row, pareto=not any(_beats(other, row) for other in rows)) for row in rows)


def _candidate(index: int) -> Row:
    serializer, compressor, level, size, encode, decode = _MEASURED[index % len(_MEASURED)]
    turn = index // len(_MEASURED)
    name = serializer + (f" + {compressor} {level}" if compressor else "") + (f" #{turn}" if turn else "")
    scale = 1 + turn * 0.07
    row = a_row(
        name,
        size=size * (2 - scale / (1 + turn * 0.05)),
        encode=encode * scale**1.5,
        decode=decode * scale,
        stage="screened" if index % 5 == 4 else "timed",
    )
    return replace(row, serializer=serializer, compressor=compressor, level=level)


def _beats(one: Row, other: Row) -> bool:
    ours, theirs = ((row.sizes.mean, row.encode.median + row.decode.median) for row in (one, other))
    return ours != theirs and ours[0] <= theirs[0] and ours[1] <= theirs[1]


def _cost(median: float, baseline: float, timed: bool) -> Cost:
    if not timed:
        return Cost(median, median, median, median)
    low, high = median * 0.99123456, median * 1.013
    relative = Figure(median / baseline, low / baseline, high / baseline)
    return Cost(low * 0.99, median, low, high, relative, Figure(median / 8, low / 8, high / 8))
