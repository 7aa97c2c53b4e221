"""G10: cost is linear: four times the hostile input takes at most five times the time, for every family of it."""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import suppress
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
#: Other programs run as well: a ratio beyond the bound is taken again, from the least times of so many runs, and the
#: lowest counts.
TIMES = 3

#: Pickle is excluded from the promise, for it is no format for strangers. Its scan is not: these stop in it.
SCANNED = ("marks", "popped", "frames", "memo indices", "nothings", "texts in no frame")
NAMES = {**{serializer: tuple(SERIALIZED[serializer]) for serializer in ("json", "msgpack", "yaml")}, "pickle": SCANNED}
WARM = {"json": b"[[1]", "msgpack": b"\x91\x91", "yaml": b"[1, 1", "pickle": b"\x80\x04N."}


#: Bytes of the larger body; the smaller one is a quarter.
QUICK = 240_000
LARGEST = Limits.max_body if THOROUGH else QUICK
#: A hash table that outgrows a cache costs a quarter more for each key with every four times the keys, and so up to six
#: times as much in all: 19 ns for a byte of 500 kB, 25 of 2 MB, 33 of 8 MB, 51 of 64 MB. These stay within one.
CACHED = frozenset((codec, name) for codec in ("json", "msgpack") for name in ("distinct keys", "short texts"))
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


pytestmark = pytest.mark.once

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
    size = min(QUICK if (codec, name) in CACHED else LARGEST, len(sample) * own // nodes * 49 // 50)
    for step in steps(codec, max_nodes):
        size = step - NEAR if size // SHARE <= step <= size + NEAR else size
    return size


def decoding(
    codec: str, variant: str, max_nodes: int, name: str, warmed: bool, share: int, repeats: int
) -> Callable[[], Any]:
    """Make the largest body of a family, or a part of it; give what decodes it, so many times, to whatever end.

    Args:
        warmed: decode it once before.
    """
    both = pipeline(registry=known(codec, variant), max_nodes=max_nodes)
    if codec in COMPRESSED:
        encoded = packed(codec, COMPRESSED[codec][name](LARGEST // share))
        warm = packed(codec, both.registry.compressor(codec).compress(b"warm"))
    else:
        encoded = message(codec, SERIALIZED[codec][name](size_of(codec, variant, name, max_nodes) // share))
        warm = message(codec, WARM[codec])
    _ended(both, encoded if warmed else warm)
    # When a full collection comes is chance, and its cost, which is spread over what was made since, is in proportion.
    gc.disable()
    return lambda: [_ended(both, encoded) for _ in range(repeats)]


def _ended(both: Pipeline, encoded: Encoded) -> Any:
    with suppress(SatchelError):
        return both.decode(encoded)


def _ratios(
    codec: str,
    variant: str,
    max_nodes: int,
    names: Iterable[str],
    *,
    times: int = 1,
    repeats: int = SHARE,
    warmed: bool = False,
) -> dict[str, float]:
    """Give how many times as long four times the size takes, by family; each in a process that has decoded nothing.

    The smaller body is decoded as often as it takes to come to the larger one, and what comes out is kept: so both take
    as much memory, whose pages cost their own time.
    """
    names = tuple(names)
    shares = (SHARE, repeats), (1, 1)
    cases = [(codec, variant, max_nodes, name, warmed, *share) for name in names for share in shares]
    costs = measured(decoding, cases, times=times)
    assert {cost.outcome for cost in costs} == {""}
    ratios = {}
    for name, few, many in zip(names, costs[::2], costs[1::2], strict=True):
        ratios[name] = repeats * many.seconds / few.seconds if many.seconds >= LEAST_SECONDS else 0.0
    return ratios


def _check(
    figures: Figures, codec: str, names: Iterable[str], variant: str = "", max_nodes: int = Limits.max_nodes
) -> None:
    ratios = _ratios(codec, variant, max_nodes, names)
    # What is refused keeps nothing, and the same pages serve every time: once is measured, too. And blocks of 4 MiB are
    # new pages of the system's each time, those of 1 MiB are not: so both are measured when there are pages for them.
    for repeats, warmed in ((1, False), (SHARE, False), (1, True)):
        if beyond := [name for name, ratio in ratios.items() if ratio > MOST]:
            again = _ratios(codec, variant, max_nodes, beyond, times=TIMES, repeats=repeats, warmed=warmed)
            ratios |= {name: min(ratio, ratios[name]) for name, ratio in again.items()}
    figures("G10", len(ratios), times=max(ratios.values()))

    assert {name: ratio for name, ratio in ratios.items() if ratio > MOST} == {}


@linux_only
@pytest.mark.timeout(900)
@pytest.mark.parametrize("serializer", NAMES)
def test_a_serializers_cost_is_linear(serializer: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer])


@linux_only
@pytest.mark.parametrize("compressor", COMPRESSED)
def test_a_compressors_cost_is_linear(compressor: str, figures: Figures) -> None:
    _check(figures, compressor, COMPRESSED[compressor])


@linux_only
@pytest.mark.timeout(900)
@pytest.mark.skipif(not THOROUGH, reason="the other engines and dialects: make hostile")
@pytest.mark.parametrize(("serializer", "variant"), [(codec, v) for codec in NAMES for v in VARIANTS[codec]])
def test_every_engine_and_dialect_is_linear(serializer: str, variant: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer], variant)


@linux_only
@pytest.mark.timeout(900)
@pytest.mark.skipif(not THOROUGH, reason="where all values are counted: make hostile")
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_counting_values_is_linear(serializer: str, figures: Figures) -> None:
    _check(figures, serializer, NAMES[serializer], max_nodes=400_000)
