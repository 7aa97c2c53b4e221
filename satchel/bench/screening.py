"""A first, quick look at every candidate: serializers and compressors apart, each on a part of the messages."""

from __future__ import annotations

import marshal
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from satchel.bench.candidates import Candidate
from satchel.bench.timing import CLOCK, collector_off
from satchel.pipeline import Pipeline
from satchel.registry import Registry
from satchel.testing.comparing import difference
from satchel.types import Encoded, Limits

#: Seconds that one direction of one candidate may take of the screening.
_SECONDS = 0.012
#: Passes over the same messages; the quickest counts.
_PASSES = 3


class Mismatch(Exception):
    """A message does not come back as it went in; the text names the candidate and says where they differ."""


class Screened(NamedTuple):
    """What a candidate seems to cost.

    Attributes:
        size: bytes of a message, the mean.
        encode, decode: microseconds a message, the mean.
    """

    candidate: Candidate
    size: float
    encode: float
    decode: float


def check(value: Any, back: Any, name: str, number: int) -> None:
    """See that a message came back; a tuple may come back as a list, which most formats make of it.

    Raises:
        Mismatch: it is something else.
    """
    if _surely_alike(value, back):
        return
    found = difference(_listed(value), _listed(back))
    if found is not None:
        raise Mismatch(f"{name}: message {number} does not come back: {found[:300]}")


def _surely_alike(value: Any, back: Any) -> bool:
    """Say whether both are the same plain data, of the same types: in C, at a hundredth of the cost of a look."""
    try:
        # Version 2 writes no references, so that equal parts are written alike. It takes a bytearray for bytes.
        return marshal.dumps(value, 2) == marshal.dumps(back, 2) and repr(value) == repr(back)
    except ValueError:  # Not of marshal's types, nested too deep, or an int that has too many digits.
        return False


def _listed(value: Any) -> Any:
    """The value with lists for tuples, however deep."""
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if type(value) is dict:
        return {key: _listed(item) for key, item in value.items()}
    return value


def screen(
    candidates: Sequence[Candidate],
    values: Sequence[Any],
    bodies: dict[str, list[Encoded]],
    registry: Registry,
    limits: Limits,
    *,
    threshold: int,
    after_each: Callable[[], object] = lambda: None,
) -> list[Screened]:
    """Estimate what each candidate costs: the serializer's cost, and the compressor's on that serializer's bodies.

    Args:
        values: the messages, in random order: a candidate that is slow is timed on the first few.
        bodies: the messages as each serializer writes them, or the first of them.
        threshold: bodies of fewer bytes are not compressed.
    """
    plain: dict[str, Screened] = {}
    found = []
    with collector_off():
        for candidate in candidates:
            name = candidate.serializer
            if name not in plain:
                plain[name] = _serializer(name, values, bodies[name], registry, limits)
            if candidate.compressor is None:
                found.append(plain[name])
            else:
                found.append(_with_compressor(candidate, plain[name], bodies[name], threshold))
            after_each()
    return found


def _serializer(
    name: str, values: Sequence[Any], bodies: Sequence[Encoded], registry: Registry, limits: Limits
) -> Screened:
    pipeline = Pipeline([name], registry=registry, accept_compression=[], limits=limits)
    size = statistics.fmean(len(encoded.body) for encoded in bodies)
    encode, _ = _mean(lambda value: pipeline.encode(value, serializer=name), values[: len(bodies)])
    decode, _ = _mean(pipeline.decode, bodies)
    return Screened(Candidate(name), size, encode, decode)


def _with_compressor(candidate: Candidate, plain: Screened, bodies: Sequence[Encoded], threshold: int) -> Screened:
    codec = candidate.compressor
    long = [bytes(encoded.body) for encoded in bodies if len(encoded.body) >= threshold]
    if not long:
        return plain._replace(candidate=candidate)
    packed: list[bytes] = []
    compress, done = _mean(codec.compress, long, packed)
    long_enough = long[:done]
    most = max(map(len, long_enough))
    decompress, _ = _mean(lambda body: codec.decompress(body, max_size=most), packed)
    for number, (body, small) in enumerate(zip(long_enough, packed, strict=True)):
        if codec.decompress(small, max_size=len(body)) != body:
            raise Mismatch(f"{candidate.name}: message {number} does not come back from its compressor")
    share = sum(map(min, map(len, long_enough), map(len, packed))) / sum(map(len, long_enough))
    saved = sum(map(len, long)) * (1 - share) / len(bodies)
    part = len(long) / len(bodies)
    return Screened(candidate, plain.size - saved, plain.encode + compress * part, plain.decode + decompress * part)


def _mean(job: Callable[[Any], Any], items: Sequence[Any], results: list[Any] | None = None) -> tuple[float, int]:
    """Microseconds a call, the mean over the first items, as many as there is time for, and how many those are.

    Of some passes, the quickest counts.

    Args:
        results: a list for what the calls of the first pass give, which need not be made again then. Where it is large,
            that pass takes longer: its memory is not at hand for the next.
    """
    job(items[0])  # The first call may import and set up.
    done = 0
    start = now = CLOCK()
    for item in items:
        if results is None:
            job(item)
        else:
            results.append(job(item))
        done += 1
        now = CLOCK()
        if now - start > _SECONDS:
            break
    quickest = now - start
    for _ in range(_PASSES - 1 if quickest <= _SECONDS else 0):
        start = CLOCK()
        for item in items:
            job(item)
        quickest = min(quickest, CLOCK() - start)
    return quickest / done * 1e6, done
