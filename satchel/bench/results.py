"""What a run of the benchmark found, without any payload: rows, noise and where it ran; as JSON by `schema.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import isfinite
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from satchel.bench.timing import Figure

FORMAT = "satchel-bench-1"
"""The first member of the JSON; it changes when a reader of the old form would misread the new."""


class InvalidRun(ValueError):
    """A text is not the JSON of a run; the message says where and why."""


class Sizes(NamedTuple):
    """Bytes of the messages as they are sent.

    Attributes:
        mean: arithmetic mean.
        p50, p99: the least size that half, or 99 %, of the messages do not exceed; None where only a part was encoded.
        total: their sum.
        each: the size of every message, in the order of the samples; empty where only a part was encoded.
    """

    mean: float
    p50: int | None
    p99: int | None
    total: int
    each: tuple[int, ...] = ()


class Cost(NamedTuple):
    """Time of one direction, in microseconds of processor time per message, the mean over the messages of a batch.

    Attributes:
        minimum: of the rounds: for capacity.
        median: of the rounds of a process, and the middle of several processes: for planning.
        low, high: the middle 95 % of that figure over bootstrap samples.
        relative: the candidate's time / the baseline's, paired within rounds; absent for what was only screened.
        reference: the candidate's time / that of a fixed piece of work, paired within rounds: for comparing two runs.
    """

    minimum: float
    median: float
    low: float
    high: float
    relative: Figure | None = None
    reference: Figure | None = None


@dataclass(frozen=True)
class Row:
    """One candidate.

    Attributes:
        name: what it is called in tables, such as ``msgpack+zstd:3``.
        serializer, compressor: names of codecs; None for no compression.
        level: the compressor's level, quality or preset; None for a codec without one.
        dictionary: the id of the zstd dictionary, or None.
        stage: "timed": with the other finalists, in the same rounds; "screened": serializer and compressor apart.
        sizes: bytes of the messages.
        ratio: the baseline's total size / this total size; above 1 it is smaller.
        encode, decode: times.
        peak_memory: bytes that encoding and decoding the largest message added to a process, or None.
        pareto: no other row is both smaller and quicker there and back.
    """

    name: str
    serializer: str
    compressor: str | None
    level: int | None
    dictionary: int | None
    stage: Literal["timed", "screened"]
    sizes: Sizes
    ratio: float
    encode: Cost
    decode: Cost
    peak_memory: int | None = None
    pareto: bool = False

    @property
    def there_and_back(self) -> float:
        """The median time of encoding and decoding a message, in microseconds."""
        return self.encode.median + self.decode.median


class Sampled(NamedTuple):
    """What the messages were.

    Attributes:
        measured: how many were measured.
        seen: how many there were; above `measured`, those measured are a random choice.
        digest: SHA-256, in hex, of the samples' own forms: equal samples are measured in equal runs.
        sources: where they are from: file names, ``-``, or ``sample:celery``.
        synthetic: they were generated.
        bytes: their own size, in all.
    """

    measured: int
    seen: int
    digest: str
    sources: tuple[str, ...]
    synthetic: bool
    bytes: int


class Noise(NamedTuple):
    """How steady the machine was: the fixed piece of work, over all rounds.

    Attributes:
        spread: the interquartile range of its times / their median.
        drift: its median in the second half of the rounds / in the first, less 1.
        stable: both are small enough for small differences to count.
    """

    spread: float
    drift: float
    stable: bool


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        created: when it began, in UTC, ISO 8601.
        satchel: the version.
        machine: Python, system, processor, cores; no host name and no path.
        libraries: the versions of the libraries in use, by distribution.
        samples: what was measured.
        baseline: the name of the row that the others are beside.
        dialect: "satchel" or "celery".
        rounds: how often each finalist was timed.
        noise: how steady the machine was.
        complete: False when it was interrupted.
        rows: in order of there-and-back time, those that were timed first.
        left_out: what could not be measured, and why.
    """

    created: str
    satchel: str
    machine: dict[str, Any]
    libraries: dict[str, str]
    samples: Sampled
    baseline: str
    dialect: str
    rounds: int
    noise: Noise
    complete: bool
    rows: tuple[Row, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def to_json(run: Run) -> str:
    """Write a run as JSON; the schema is in `schema.json` beside this module.

    What `from_json` gives of it is written the same again, byte for byte.
    """
    return (
        json.dumps(
            {"format": FORMAT, **_plain(asdict(run))}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        + "\n"
    )


def from_json(text: str | bytes) -> Run:
    """Read what `to_json` wrote.

    Raises:
        InvalidRun: it is something else.
    """
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRun(f"it is not JSON: {error}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise InvalidRun(f'it is no run of `satchel bench`: there is no "format": "{FORMAT}"')
    del stored["format"]
    run: Run = _read(Run, stored, "run")
    return run


def _plain(value: Any) -> Any:
    # asdict keeps a NamedTuple, which is written by its fields' names. Six digits are more than any of it is good for.
    if isinstance(value, tuple) and (fields := getattr(value, "_asdict", None)):
        return {name: _plain(item) for name, item in fields().items()}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _read(wanted: Any, value: Any, path: str) -> Any:
    """Give a JSON value as an instance of a type that the classes above are made of."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return value
    if origin is Literal:
        return _expect(value in arguments, value, path, f"one of {', '.join(map(repr, arguments))}")
    if origin in (Union, UnionType):
        return None if value is None else _read(arguments[0], value, path)
    if origin is dict:
        _expect(isinstance(value, dict), value, path, "an object")
        return {key: _read(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
    if origin is tuple:
        _expect(isinstance(value, list), value, path, "a list")
        return tuple(_read(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if wanted in (int, float, str, bool):
        kinds = (int, float) if wanted is float else (wanted,)
        # NaN and infinities are no JSON, and nothing that was measured.
        finite = not isinstance(value, float) or isfinite(value)
        return _expect(type(value) in kinds and finite, value, path, wanted.__name__)
    _expect(isinstance(value, dict), value, path, "an object")
    hints = get_type_hints(wanted)
    if value.keys() != hints.keys():
        wrong = ", ".join(sorted(value.keys() ^ hints.keys()))
        raise InvalidRun(f"{path}: these members are missing, or too many: {wrong}")
    return wanted(**{name: _read(hint, value[name], f"{path}.{name}") for name, hint in hints.items()})


def _expect(holds: bool, value: Any, path: str, expected: str) -> Any:
    if not holds:
        raise InvalidRun(f"{path}: {repr(value)[:60]} is not {expected}")
    return value
