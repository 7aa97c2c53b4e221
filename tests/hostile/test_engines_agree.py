"""The engines of a codec give the same answer: the same value, or a refusal of the same class (part of G6 and G8)."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from fuzz.checks import answer
from fuzz.seeds import LITERAL
from satchel import DecodeError, Encoded, EncodeError, Json, Msgpack, Pipeline, celery_registry
from satchel.testing import AWKWARD, PLAIN, random_values
from satchel.testing.codec import mutants
from tests.hostile.bodies import DIALECTS
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.vectors import VECTORS
from tests.property.applications import REGISTRY

MUTANTS = 100_000 if THOROUGH else 20_000

CLASSES: dict[str, tuple[Any, tuple[str, str]]] = {
    "json": (Json, ("stdlib", "fast")),
    "msgpack": (Msgpack, ("plain", "fast")),
}
CASES = [(name, dialect) for name in CLASSES for dialect in DIALECTS]


def engines(name: str, dialect: str) -> list[Pipeline]:
    """Give a pipeline for each of the codec's two engines; in our own dialect with an application's types."""
    cls, names = CLASSES[name]
    registry = REGISTRY if dialect == "satchel" else celery_registry()
    codecs = [cls(engine=engine, dialect=dialect) for engine in names]
    return [Pipeline([name], registry=registry.with_serializer(codec, replace=True)) for codec in codecs]


def headers(name: str) -> Encoded:
    cls, _ = CLASSES[name]
    return Encoded(b"", cls.content_type, cls.content_encoding)


def read(pipeline: Pipeline, encoded: Encoded) -> Any:
    try:
        return pipeline.decode(encoded)
    except DecodeError as error:
        return error


def written(pipeline: Pipeline, name: str, value: Any) -> Any:
    try:
        return pipeline.encode(value, serializer=name)
    except EncodeError as error:
        return error


def differences(name: str, dialect: str, bodies: Iterable[bytes]) -> list[tuple[bytes, str, str]]:
    """Give the bodies on which the engines differ, with what each says."""
    left, right = engines(name, dialect)
    found = []
    for body in bodies:
        message = headers(name)._replace(body=body)
        first, second = read(left, message), read(right, message)
        if answer(first) != answer(second):
            found.append((body, repr(first)[:200], repr(second)[:200]))
    return found


def vectors(name: str) -> list[bytes]:
    folder = VECTORS / name
    if not folder.is_dir():
        pytest.skip(f"no ../shared/vectors/{name}")
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and ".expected" not in path.name]


def own(name: str, dialect: str) -> list[bytes]:
    """Give what either engine writes of a few hundred values, and what neither writes."""
    pipelines = engines(name, dialect)
    answers = [written(each, name, value) for value in [*random_values(150, seed=31), *PLAIN] for each in pipelines]
    bodies = {bytes(each.body) for each in answers if isinstance(each, Encoded) and len(each.body) <= 2_000}
    return [*sorted(bodies), *LITERAL[name]]


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_the_engines_give_the_same_answer_on_every_public_vector(name, dialect, figures: Figures):
    bodies = vectors(name)

    assert differences(name, dialect, bodies) == []
    figures("G6", 2 * len(bodies))


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_the_engines_give_the_same_answer_on_what_neither_writes(name, dialect):
    assert differences(name, dialect, LITERAL[name]) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_the_engines_give_the_same_answer_on_mutants(name, dialect, figures: Figures):
    bodies = own(name, dialect)
    public = VECTORS / name
    if public.is_dir():
        bodies += [body for body in vectors(name) if len(body) <= 2_000]

    found = differences(name, dialect, mutants(bodies, MUTANTS, Random(f"{name} {dialect}")))

    assert found[:5] == []
    figures("G6", 2 * MUTANTS)


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_each_engine_reads_what_the_other_writes(name, dialect):
    pipelines = engines(name, dialect)
    for value in [*random_values(1_000, seed=32), *PLAIN, *AWKWARD]:
        answers = [written(each, name, value) for each in pipelines]
        assert type(answers[0]) is type(answers[1]), value
        for encoded in answers:
            if isinstance(encoded, Encoded):
                first, second = (read(each, encoded) for each in pipelines)
                assert answer(first) == answer(second), value
        # The bytes may differ, in the form of a float; what they mean may not.
        if isinstance(answers[0], Encoded):
            assert answer(read(pipelines[0], answers[0])) == answer(read(pipelines[0], answers[1])), value
