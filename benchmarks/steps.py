"""Where the time goes in a small JSON message: its parts timed alone, and the rest by what is left without them."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.interleaved import Figure, Job, figure, race
from benchmarks.payloads import small
from benchmarks.results import Row
from benchmarks.sides import PIPELINE
from satchel import Limits

#: The names of the rows.
ENCODE = "steps of json encode, 198 B"
DECODE = "steps of json decode, 198 B"


def rows(rounds: int) -> list[Row]:
    """The steps of encoding and of decoding, in nanoseconds; or none, where the fast engine is not installed."""
    try:
        orjson, ormsgpack, msgspec = (import_module(name) for name in ("orjson", "ormsgpack", "msgspec"))
    except ImportError:
        return []
    value, limits = small(), Limits()
    encoded = PIPELINE.encode(value)
    body = bytes(encoded.body)
    codec: Any = PIPELINE.registry.serializer("json")

    def depth() -> int:
        return body.count(b"[") + body.count(b"{")

    encoding: dict[str, Job] = {
        "orjson.dumps": partial(orjson.dumps, value),
        "type gate: ormsgpack.packb": partial(ormsgpack.packb, value, None, _gate(ormsgpack)),
        "codec": partial(codec.dumps, value, limits=limits),
        "pipeline": partial(PIPELINE.encode, value),
    }
    decoding: dict[str, Job] = {
        "msgspec.json.decode": partial(msgspec.json.Decoder().decode, body),
        "depth: brackets counted": depth,
        "codec": partial(codec.loads, body, limits=limits),
        "pipeline": partial(PIPELINE.decode, encoded),
    }
    nothing: dict[str, Job] = {"nothing": partial(bool, value)}
    return [
        Row(name, figures=_steps(race({**jobs, **nothing}, rounds=rounds)))
        for name, jobs in ((ENCODE, encoding), (DECODE, decoding))
    ]


def _gate(ormsgpack: Any) -> int:
    options = ("BIG_INT", "DATACLASS", "DATETIME", "ENUM", "SUBCLASS", "UUID")
    chosen = 0
    for name in options:
        # What the installed version lacks it does not pass through either.
        chosen |= getattr(ormsgpack, f"OPT_PASSTHROUGH_{name}", 0)
    return chosen


def _steps(samples: dict[str, list[float]]) -> dict[str, Figure]:
    """Nanoseconds per step, without what it takes to call anything at all."""
    library, step = list(samples)[:2]
    columns = (samples[name] for name in (library, step, "codec", "pipeline", "nothing"))
    rounds = [[1000 * microseconds for microseconds in each] for each in zip(*columns, strict=True)]
    return {
        library: figure([raw - empty for raw, _, _, _, empty in rounds]),
        step: figure([part - empty for _, part, _, _, empty in rounds]),
        "codec, the rest": figure([codec - raw - part + empty for raw, part, codec, _, empty in rounds]),
        "pipeline": figure([whole - codec for _, _, codec, whole, _ in rounds]),
    }
