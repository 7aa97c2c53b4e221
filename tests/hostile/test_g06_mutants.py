"""G6: a million mutants per codec give only DecodeErrors or sound values: no crash, silence, and no memory kept."""

from __future__ import annotations

import ctypes
import gc
import json
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from satchel import DecodeError, Encoded, EncodeError, Pipeline
from satchel.testing import random_values
from satchel.testing.codec import mutants
from tests.hostile.bodies import CHECKED, COMPRESSORS, DIALECTS, SERIALIZERS, message, packed, pipeline, settled
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import THOROUGH, Figures

#: A fifth of them warm the process up, before its memory is looked at.
MUTANTS = 1_000_000 if THOROUGH else 3_000
MOST_DRIFT = 5 * MIB
# Whoever damages much enough makes up a checksum too, or switches zstd's off: seen once in 50,000 mutants. No single
# flipped bit does (G5). A value of a serializer must always be one: a re-encode of it gives the same value.


def bodies(name: str, dialect: str) -> list[bytes]:
    """Give valid bodies of a codec, up to some hundred bytes."""
    if name in COMPRESSORS:
        codec = pipeline(dialect).registry.compressor(name)
        return [
            codec.compress(plain) for plain in (b"", b"a" * 3_000, bytes(range(256)), *bodies("json", dialect)[:20])
        ]
    valid = []
    for value in [*random_values(60, seed=6), [[1, 2.5, "x"], {"a": [None, True]}, {"chain": None}]]:
        try:
            valid.append(bytes(pipeline(dialect).encode(value, serializer=name).body))
        except EncodeError:
            continue  # Celery's dialect has no such type.
    return valid


def faulty(name: str, reader: Pipeline, valid: list[bytes]) -> Callable[[Encoded, Any], bool]:
    """Give what says whether a value is one that the damage made up."""
    if name in COMPRESSORS:
        whole = {reader.decode(packed(name, body)) for body in valid}
        return lambda _, value: type(value) is not bytes or (name in CHECKED and value not in whole)

    def unsettled(encoded: Encoded, value: Any) -> bool:
        try:
            return settled(reader, encoded, value) is not None
        except EncodeError as error:
            # Both dialects of YAML read the keys that Celery's writes, and Celery's MessagePack reads keys of bytes.
            return name not in ("yaml", "msgpack") or "a dict key of type" not in str(error)

    return unsettled


def decoding(name: str, dialect: str, count: int, told: str) -> Callable[[], None]:
    """Warm up, and give the work: to decode mutants, and write down what came of them and how much memory is kept."""
    reader, valid = pipeline(dialect), bodies(name, dialect)
    damaged = mutants(valid, count, Random(f"{name} {dialect}"))
    in_a_message = packed if name in COMPRESSORS else message
    made_up = faulty(name, reader, valid)
    outcomes = {"values": 0, "refusals": 0, "made up": 0}

    def decode(body: bytes) -> None:
        encoded = in_a_message(name, body)
        try:
            value = reader.decode(encoded)
        except DecodeError:
            outcomes["refusals"] += 1
        else:
            outcomes["values"] += 1
            outcomes["made up"] += made_up(encoded, value)

    for body in valid:
        reader.decode(in_a_message(name, body))  # It is the damage that is refused, not the headers.
    for body in islice(damaged, count // 5):
        decode(body)
    before = resident()

    def work() -> None:
        for body in damaged:
            decode(body)
        Path(told).write_text(json.dumps({**outcomes, "drift": resident() - before}))

    return work


def resident() -> int:
    """Give the bytes that this process holds, without what is free."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@linux_only
@pytest.mark.timeout(1_800 if THOROUGH else 120)
@pytest.mark.parametrize("name", [*SERIALIZERS, *COMPRESSORS])
def test_mutants_are_refused_or_read_and_leave_nothing_behind(name: str, tmp_path: Path, figures: Figures) -> None:
    count = MUTANTS // len(DIALECTS)
    cases = [(name, dialect, count, str(tmp_path / dialect)) for dialect in DIALECTS]

    costs = measured(decoding, cases)

    for case, cost in zip(cases, costs, strict=True):
        assert (cost.outcome, cost.stderr) == ("", ""), (case, cost)
        told = json.loads(Path(case[-1]).read_text())
        assert told["values"] + told["refusals"] == count
        assert told["refusals"] > count // 2
        assert told["made up"] <= (count // 10_000 if name in CHECKED else 0)
        assert told["drift"] < MOST_DRIFT
        figures("G6", count, MiB_of_drift=max(0, told["drift"]) / MIB)
