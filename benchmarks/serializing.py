"""Serializers: every payload, encoded and decoded by every side that carries it, values checked first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.payloads import Payload
from benchmarks.results import OURS, RAW, Row, raced
from benchmarks.sides import PIPELINE, Side, sides
from benchmarks.values import check
from satchel.bench.timing import race

#: What one race may take: PyYAML needs a second or two for a megabyte.
SECONDS = 8.0


def rows(
    format_: str, payloads: Sequence[Payload], rounds: int, only: Collection[str] = ()
) -> tuple[list[Row], dict[str, str]]:
    """The rows of a format, for these sides only if any are named; and the sides that cannot be had here, and why."""
    found, missing = sides(format_)
    found = [side for side in found if not only or side.name in only]
    measured: list[Row] = []
    for payload in payloads:
        taking_part = [side for side in found if payload.kind in side.carries]
        # The corpus takes PyYAML minutes.
        if len(taking_part) > 1 and not (format_ == "yaml" and payload.kind == "corpus"):
            measured += _measured(format_, payload, taking_part, rounds)
    return measured, missing


def _measured(format_: str, payload: Payload, taking_part: Sequence[Side], rounds: int) -> Iterator[Row]:
    values = payload.value if payload.kind == "corpus" else [payload.value]
    bodies = {side.name: [side.body(side.encode(value)) for value in values] for side in taking_part}
    sent = bodies["kombu"]
    for side in taking_part:
        what = f"{format_} {payload.name}"
        for value, own, kombus in zip(values, bodies[side.name], sent, strict=True):
            check(f"{what}: {side.name} on its own body", side.decode(side.received(own)), value)
            check(f"{what}: {side.name} on kombu's body", side.decode(side.received(kombus)), value)
            check(f"{what}: kombu on the body of {side.name}", taking_part[1].decode(own), value)
    sizes = {name: sum(map(len, each)) for name, each in bodies.items()}
    encoding = {side.name: _job(side.encode, values) for side in taking_part}
    yield raced(
        f"{format_} encode, {payload.name}", race(encoding, rounds=rounds, seconds=SECONDS), sizes, messages=len(values)
    )
    # One message for all: kombu's.
    decoding = {side.name: _job(side.decode, [side.received(body) for body in sent]) for side in taking_part}
    yield raced(
        f"{format_} decode, {payload.name}", race(decoding, rounds=rounds, seconds=SECONDS), messages=len(values)
    )


def plain_rows(rounds: int) -> list[Row]:
    """Bytes and text, which need no library: beside what Python does for them."""
    text = "ring twice if nobody answers, " * 6 + "and then wait here"
    body = text.encode()
    ways: list[tuple[str, Any, Callable[[Any], Any], Callable[[Any], Any]]] = [
        ("raw", body, bytes, bytes),
        ("text", text, str.encode, bytes.decode),
    ]
    measured = []
    for name, value, encode, decode in ways:
        encoded = PIPELINE.encode(value, serializer=name)
        for what, given, expected in (
            ("there and back", PIPELINE.decode(encoded), value),
            ("encoded", [encoded.body, encode(value)], [body, body]),
            ("decoded", decode(body), value),
        ):
            check(f"{name}, {what}", given, expected)
        encoding = {OURS: _encoding(name, value), RAW: _job(encode, [value])}
        measured.append(raced(f"{name} encode, {len(body)} B", race(encoding, rounds=rounds)))
        decoding = {OURS: _job(PIPELINE.decode, [encoded]), RAW: _job(decode, [body])}
        measured.append(raced(f"{name} decode, {len(body)} B", race(decoding, rounds=rounds)))
    return measured


def _encoding(name: str, value: Any) -> Callable[[], object]:
    def encode() -> object:
        return PIPELINE.encode(value, serializer=name)

    return encode


def _job(work: Callable[[Any], Any], inputs: Sequence[Any]) -> Callable[[], object]:
    if len(inputs) == 1:
        return partial(work, inputs[0])

    def all_of_them() -> None:
        for each in inputs:
            work(each)

    return all_of_them
