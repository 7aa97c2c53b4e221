"""G11: decoding takes no more memory than `max_decompressed` and 80 bytes for each byte that a serializer is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from satchel import Limits, SatchelError
from tests.hostile.bodies import message, pipeline
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.costly import SERIALIZED, Family, registry
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.nested import VARIANTS

#: On Python 3.10, a dict of one key takes 232 bytes in place of 184, and is written in two.
BYTES_PER_BYTE = 80 if sys.version_info >= (3, 11) else 120
#: Bytes that the serializer is given, the most of them by way of a compressor. A million values fit into one MiB.
SIZES = (64 * 1024, MIB, 4 * MIB, 16 * MIB) if THOROUGH else (64 * 1024, MIB)
#: Those that take the most; `make hostile` measures all.
WORST = {
    "json": ("empty lists", "one-key dicts", "towers of dicts", "empty sets"),
    "msgpack": ("empty lists", "towers of dicts", "a promise at every level", "empty sets"),
    "yaml": ("empty mappings", "aliases", "sets", "one word of many lines"),
    "pickle": ("empty sets", "empty dicts", "fetched", "uuids", "lists beside a date", "lists beside a tag"),
}
WARM = {"json": b"[[1]", "msgpack": b"\x91\x91", "yaml": b"[1, 1", "pickle": b"\x80\x04]"}
#: Memory that is asked for and not used is bounded, too, but an allocator takes it in large pieces.
SPARE = 64 * MIB
#: Any of these: a body that costs too much is refused, and a value that is given costs no more either.
OUTCOMES = ("", "LimitExceeded", "CorruptBody", "ContentDisallowed")


def decoding(serializer: str, variant: str, body: bytes, compression: str | None) -> Callable[[], Any]:
    known = VARIANTS[serializer][variant]() if variant else registry()
    both = pipeline(registry=known, max_body=16 * MIB)
    with suppress(SatchelError):
        both.decode(message(serializer, WARM[serializer]))
    if compression:
        both.decode(message("raw", both.registry.compressor("zlib").compress(b"warm"), compression))
    encoded = message(serializer, body, compression)
    return lambda: both.decode(encoded)


def _body(family: Family, size: int) -> tuple[bytes, str | None]:
    body = family(size - 64)[:size]
    if size <= Limits.max_body:
        return body, None
    compressor = registry().compressor("zlib")
    return compressor.compress(body), compressor.content_type


def _shares(serializer: str, variant: str, names: tuple[str, ...], size: int, figures: Figures) -> dict[str, float]:
    """Give what share of the allowed memory bodies of a size take, by family."""
    bodies = [_body(SERIALIZED[serializer][name], size) for name in names]
    allowed = Limits.max_decompressed + BYTES_PER_BYTE * size
    cases = [(serializer, variant, *body) for body in bodies]
    costs = measured(decoding, cases, address_space=allowed + SPARE)
    assert [cost for cost in costs if cost.outcome not in OUTCOMES or cost.stderr] == []
    shares = {name: cost.peak / allowed for name, cost in zip(names, costs, strict=True)}
    figures("G11", len(shares), of_what_is_allowed=max(shares.values()))
    return shares


@linux_only
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("serializer", SERIALIZED)
def test_a_body_takes_80_times_its_size_and_the_limit(serializer: str, size: int, figures: Figures) -> None:
    names = tuple(SERIALIZED[serializer]) if THOROUGH else WORST[serializer]

    shares = _shares(serializer, "", names, size, figures)

    assert {name: share for name, share in shares.items() if share > 1} == {}


@linux_only
@pytest.mark.timeout(900)
@pytest.mark.skipif(not THOROUGH, reason="the other engines and dialects: make hostile")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("serializer", "variant"), [(codec, v) for codec in SERIALIZED for v in VARIANTS[codec]])
def test_every_engine_and_dialect_takes_no_more(serializer: str, variant: str, size: int, figures: Figures) -> None:
    shares = _shares(serializer, variant, tuple(SERIALIZED[serializer]), size, figures)

    assert {name: share for name, share in shares.items() if share > 1} == {}
