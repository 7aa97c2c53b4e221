"""G10: cost is linear: four times the hostile input takes at most five times the time, for every family of it."""

from __future__ import annotations

import gc
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from statistics import median
from typing import Any

import pytest

from satchel import Encoded, LimitExceeded, Limits, Pipeline, SatchelError
from satchel.registry import Registry
from tests.hostile.bodies import message, packed, pipeline
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.costly import SERIALIZED, registry
from tests.hostile.costly_streams import COMPRESSED
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.nested import VARIANTS

MOST = 5.0
#: The smaller body is this part of the larger one.
SHARE = 4
#: What takes less is too quick to be measured, and cannot be a burden.
LEAST_SECONDS = 0.002
#: Other programs run as well, and other machines on the same host: what is beyond the bound is taken again, more and
#: more often, and then the median counts of all ratios of what ran side by side.
TAKES = (1, 3, 8)

#: Pickle is excluded from the promise, for it is no format for strangers. Its scan is not: these stop in it.
SCANNED = ("marks", "popped", "frames", "memo indices", "nothings", "texts in no frame")
NAMES = {**{serializer: tuple(SERIALIZED[serializer]) for serializer in ("json", "msgpack", "yaml")}, "pickle": SCANNED}
WARM = {"json": b"[[1]", "msgpack": b"\x91\x91", "yaml": b"[1, 1", "pickle": b"\x80\x04N."}


#: Bytes of the larger body; the smaller one is a quarter.
QUICK = 240_000
LARGEST = Limits.max_body if THOROUGH else QUICK
#: A hash table that outgrows a cache costs more for each key: four times the keys cost the libraries alone six to seven
#: times as much. These are held to the bound within a cache; beyond one, ours may grow so many times as much as theirs.
TABLES = frozenset({"distinct keys"})
MOST_OF_ALONE = 1.25
#: A family's body may have so many bytes more than were asked for.
NEAR = 64


def steps(codec: str, max_nodes: int) -> tuple[int, ...]:
    """Give the sizes from which a codec looks at a body once more; both sizes are on one side of each.

    The values of a body that may hold more than `max_nodes` are counted (pickle counts one by one from half as many
    bytes), and msgpack goes through large ones twice: a step in the cost, which is no more than three times the rest.
    """
    return {
        "json": (2 * max_nodes,),
        "msgpack": (2 * MIB, max_nodes),
        "pickle": (max_nodes, max_nodes // 2),
    }.get(codec, ())


pytestmark = [pytest.mark.once, pytest.mark.alone]

for _codec in NAMES:
    registry().serializer(_codec)  # Here, so that no case has to import its library.


def known(codec: str, variant: str) -> Registry:
    return VARIANTS[codec][variant]() if variant else registry()


def size_of(codec: str, variant: str, name: str, max_nodes: int) -> int:
    """Give the size of the largest body of a family that the limits admit, or `LARGEST`."""
    family = SERIALIZED[codec][name]
    sample = family(64 * len(family(1)))
    most = known(codec, variant)

    def is_enough(nodes: int) -> bool:
        try:
            Pipeline([codec], registry=most, limits=Limits(max_nodes=nodes)).decode(message(codec, sample))
        except SatchelError as error:
            return not (isinstance(error, LimitExceeded) and error.limit == "max_nodes")
        return True

    nodes = 1 + bisect_left(range(1, 4 * len(sample)), True, key=is_enough)
    own = min(max_nodes, getattr(most.serializer(codec), "max_nodes", max_nodes))
    size = min(QUICK if name in TABLES else LARGEST, len(sample) * own // nodes * 49 // 50)
    for step in steps(codec, max_nodes):
        size = step - NEAR if size // SHARE <= step <= size + NEAR else size
    return size


def decoding(codec: str, variant: str, max_nodes: int, name: str, share: int, repeats: int) -> Callable[[], Any]:
    """Make the largest body of a family, or a part of it; give what decodes it, so many times, to whatever end."""
    both = pipeline(registry=known(codec, variant), max_nodes=max_nodes)
    if codec in COMPRESSED:
        encoded = packed(codec, COMPRESSED[codec][name](LARGEST // share))
        warm = packed(codec, both.registry.compressor(codec).compress(b"warm"))
    else:
        encoded = message(codec, SERIALIZED[codec][name](size_of(codec, variant, name, max_nodes) // share))
        warm = message(codec, WARM[codec])
    _ended(both, warm)
    # When a full collection comes is chance, and its cost, which is spread over what was made since, is in proportion.
    gc.disable()
    return lambda: [_ended(both, encoded) for _ in range(repeats)]


def _ended(both: Pipeline, encoded: Encoded) -> Any:
    with suppress(SatchelError):
        return both.decode(encoded)


def _ratios(codec: str, variant: str, max_nodes: int, names: Sequence[str], repeats: int) -> list[float]:
    """Give how many times as long four times the size takes, by family; each in a process that has decoded nothing.

    The smaller body is decoded as often as it takes to come to the larger one, and what comes out is kept: so both take
    as much memory, whose pages cost their own time.
    """
    shares = (SHARE, repeats), (1, 1)
    costs = measured(decoding, [(codec, variant, max_nodes, name, *share) for name in names for share in shares])
    assert {cost.outcome for cost in costs} == {""}
    return [
        repeats * many.seconds / few.seconds if many.seconds >= LEAST_SECONDS else 0.0
        for few, many in zip(costs[::2], costs[1::2], strict=True)
    ]


def _check(
    figures: Figures, codec: str, names: Iterable[str], variant: str = "", max_nodes: int = Limits.max_nodes
) -> None:
    ratios = dict.fromkeys(names, math.inf)
    taken: dict[tuple[str, int], list[float]] = {}
    for takes in TAKES:
        beyond = [name for name, ratio in ratios.items() if ratio > MOST]
        # What is refused keeps nothing, and the same pages serve every time: once is measured, too.
        for repeats in ((SHARE, 1) if taken else (SHARE,)) * takes if beyond else ():
            for name, ratio in zip(beyond, _ratios(codec, variant, max_nodes, beyond, repeats), strict=True):
                taken.setdefault((name, repeats), []).append(ratio)
        for name in beyond:
            ratios[name] = min(median(taken[name, each]) for each in (SHARE, 1) if (name, each) in taken)
    figures("G10", len(ratios), times=max(ratios.values()))

    assert {name: ratio for name, ratio in ratios.items() if ratio > MOST} == {}


@linux_only
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("serializer", NAMES)
def test_a_serializers_cost_is_linear(serializer: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer])


@linux_only
@pytest.mark.parametrize("compressor", COMPRESSED)
def test_a_compressors_cost_is_linear(compressor: str, figures: Figures) -> None:
    _check(figures, compressor, COMPRESSED[compressor])


@linux_only
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not THOROUGH, reason="the other engines and dialects: make hostile")
@pytest.mark.parametrize(("serializer", "variant"), [(codec, v) for codec in NAMES for v in VARIANTS[codec]])
def test_every_engine_and_dialect_is_linear(serializer: str, variant: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer], variant)


@linux_only
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not THOROUGH, reason="where all values are counted: make hostile")
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_counting_values_is_linear(serializer: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer], max_nodes=400_000)


#: What parses a body without us; and the bytes of the larger body, which is within the limits.
ALONE = {
    ("json", "satchel"): ("msgspec.json", "decode", 4_000_000),
    ("json", "stdlib"): ("json", "loads", 4_000_000),
    ("msgpack", "satchel"): ("msgpack", "unpackb", 900_000),
    ("msgpack", "plain"): ("msgpack", "unpackb", 900_000),
}


def parsing(codec: str, variant: str, name: str, alone: bool, share: int) -> Callable[[], Any]:
    """Make a body of a family; give what decodes it, by a library alone or by us."""
    module, function, size = ALONE[codec, variant]
    both, parse = pipeline(registry=known(codec, variant)), getattr(import_module(module), function)
    body = SERIALIZED[codec][name](size // share)
    encoded = message(codec, body)
    _ended(both, message(codec, WARM[codec]))
    gc.disable()
    return (lambda: parse(body)) if alone else (lambda: both.decode(encoded))


@linux_only
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not THOROUGH, reason="the largest tables: make hostile")
@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize(("codec", "variant"), ALONE)
def test_the_largest_tables_cost_as_much_more_as_in_the_library_alone(
    codec: str, variant: str, name: str, figures: Figures
) -> None:
    cases = [(codec, variant, name, alone, share) for alone in (True, False) for share in (SHARE, 1)]
    taken: list[float] = []
    for takes in TAKES:
        if not taken or median(taken) > MOST_OF_ALONE:
            for _ in range(takes):
                costs = measured(parsing, cases)
                assert {cost.outcome for cost in costs} == {""}
                library, ours = (many.seconds / few.seconds for few, many in zip(costs[::2], costs[1::2], strict=True))
                taken.append(ours / library)
    figures("G10", 1, times_the_library_alone=median(taken))

    assert median(taken) <= MOST_OF_ALONE
