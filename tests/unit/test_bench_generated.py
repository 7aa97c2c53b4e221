"""The synthetic corpora: seeded, unlike each other, and carried by every serializer."""

from __future__ import annotations

import hashlib
import statistics
import zlib
from typing import Any

import pytest

from satchel import Pipeline
from satchel.bench.generated import GENERATED
from satchel.bench.samples import SEED
from satchel.registry import Registry, celery_registry, default_registry

JSON = default_registry().serializer("json")

#: Of 20 messages, so that none changes unnoticed: figures of one version would not be those of the next.
DIGESTS = {
    "celery": "26b59b721a99e9ce",
    "events": "6a5cdb420e825ff9",
    "records": "35577f61540d3b38",
    "text": "8a023bd337421e1b",
    "numbers": "fd4b20eadd360a3a",
    "rich": "e9d7b9a4c0dad848",
    "small": "39721eee3b4a31a5",
}

corpora = pytest.mark.parametrize("name", GENERATED)


def texts(name: str, count: int, seed: int = SEED) -> list[bytes]:
    return [JSON.dumps(value) for value in GENERATED[name](count, seed)]


@corpora
def test_a_seed_gives_the_same_messages_everywhere(name: str) -> None:
    assert hashlib.sha256(b"\n".join(texts(name, 20))).hexdigest()[:16] == DIGESTS[name]


@corpora
def test_another_seed_gives_other_messages_and_a_count_so_many(name: str) -> None:
    one, other = texts(name, 30), texts(name, 30, seed=1)

    assert len(set(one)) == len(set(other)) == 30
    assert not set(one) & set(other)
    assert texts(name, 5) == one[:5]


@corpora
@pytest.mark.parametrize("registry", [default_registry(), celery_registry()], ids=["satchel", "celery"])
def test_serializers_give_the_values_back(name: str, registry: Registry) -> None:
    values: list[Any] = GENERATED[name](5, SEED)
    # A stock Celery worker reads such types in no other format.
    few = name == "rich" and registry.dialect == "celery"
    for serializer in ("json", "pickle") if few else ("json", "msgpack", "yaml", "pickle"):
        pipeline = Pipeline([serializer], registry=registry)

        assert [pipeline.decode(pipeline.encode(value, serializer=serializer)) for value in values] == values


def test_the_corpora_differ_in_size_and_in_how_much_they_repeat() -> None:
    sizes = {name: statistics.mean(map(len, texts(name, 60))) for name in GENERATED}
    ratios = {name: statistics.mean(len(t) / len(zlib.compress(t)) for t in texts(name, 60)) for name in GENERATED}

    assert sizes["small"] < 60 < sizes["celery"] < 600 < sizes["events"] < 1_000 < sizes["text"]
    assert sizes["text"] < 5_000 < sizes["records"] < 20_000
    assert ratios["small"] < 1.1 < ratios["celery"] < 2 < ratios["rich"] < 4 < ratios["records"]


def test_a_celery_sample_is_the_body_of_a_task_message() -> None:
    for args, kwargs, embed in GENERATED["celery"](50, SEED):
        assert args == []
        assert all(isinstance(key, str) for key in kwargs)
        assert embed.keys() == {"callbacks", "errbacks", "chain", "chord"}
