"""MessagePack by the fast libraries: taken for what they carry without loss, and for nothing else."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

import msgpack
import pytest

from satchel import CorruptBody, EncodeError, LimitExceeded, Limits, Msgpack
from satchel.codecs.msgpack_fast import LEVELS, UNREAD, _Nests, reader, writer
from satchel.codecs.msgpack_reading import unpacked, whole, within
from satchel.testing import AWKWARD, PLAIN, difference, random_values
from satchel.testing.codec import in_small_stack

msgspec = pytest.importorskip("msgspec")
orjson = pytest.importorskip("orjson")
ormsgpack = pytest.importorskip("ormsgpack")

READ = {finite: reader(msgpack, msgspec, finite=finite) for finite in (True, False)}
WRITE = writer(msgpack, ormsgpack, orjson, tuples=False, finite=READ[True])
ENGINES = pytest.mark.parametrize("engine", ["plain", "fast"])
DIALECTS = pytest.mark.parametrize("dialect", ["satchel", "celery"])

OPENERS = [
    b"\x91",
    b"\x81\xa1a",
    b"\xdc\x00\x01",
    b"\xdd\x00\x00\x00\x01",
    b"\xde\x00\x01\xa0",
    b"\xdf\x00\x00\x00\x01\xa0",
]
WRAPS: dict[str, Any] = {
    "lists": lambda value: [value],
    "tuples": lambda value: (value,),
    "dicts": lambda value: {"a": value},
    "long lists": lambda value: ["x" * 100, value],
    "long dicts": lambda value: {"x" * 100: value},
    "long tuples": lambda value: ("x" * 100, value),
}
ORDER = {"id": 3, "total": 1.5, "note": None, "express": True, "name": "Jürgen", "lines": [{"sku": "a", "n": -1}]}


def nested(levels: int, leaf: Any, wrap: Any) -> Any:
    for _ in range(levels):
        leaf = wrap(leaf)
    return leaf


def outcome(work: Any, *arguments: Any, **keywords: Any) -> Any:
    try:
        return work(*arguments, **keywords)
    except Exception as error:  # noqa: BLE001 - errors are compared
        return type(error).__name__, str(error)


@pytest.mark.parametrize("finite", [True, False])
@pytest.mark.parametrize(
    "value", [ORDER, [ORDER] * 2_000, [], {}, None, True, "", 2**64 - 1, -(2**63), -0.0, 1.7976931348623157e308]
)
def test_plain_bodies_are_read_by_msgspec(finite, value):
    body = msgpack.packb(value)

    assert difference(value, READ[finite](body)) is None


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("leaf", [b"\x01", b"\x90", b"\x80"])
def test_the_levels_that_msgspec_reads_are_exact(opener, leaf):
    levels = LEVELS - (leaf != b"\x01")

    assert READ[False](opener * levels + leaf) == msgpack.unpackb(opener * levels + leaf)
    assert READ[False](opener * (levels + 1) + leaf) is UNREAD


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x91",
        b"\x92\x01",
        b"\x01\x01",
        b"\xc1",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",  # a surrogate
        b"\xdb\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\x01\x02",  # keys that are no str
        b"\x81\xc4\x01a\x02",
        b"\x81\xc0\x02",
        b"\x91\x81\x90\x02",
        b"\xc4\x01a",
        b"\xd4\x05a",
        msgpack.packb([msgpack.Timestamp(5, 0)]),
        msgpack.packb([msgpack.Timestamp(2**40, 5)]),
        msgpack.packb([msgpack.ExtType(80, b"set"), 1]),
        msgpack.packb(msgpack.ExtType(81, b"1")),
    ],
)
def test_what_is_not_plain_is_left_unread(body):
    assert READ[True](body) is READ[False](body) is UNREAD


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_left_unread_or_read(single, value):
    body = msgpack.packb({"a": [value]}, use_single_float=single)

    assert READ[True](body) is UNREAD
    assert repr(READ[False](body)) == repr({"a": [value]})


@pytest.mark.parametrize("header", [b"\xdd\xff\xff\xff\xff", b"\xdd\x10\x00\x00\x00", b"\xdc\xff\xff"])
@pytest.mark.parametrize("count", [1, 7, 5_000])
def test_a_list_gets_no_room_for_items_that_are_not_there(header, count):
    assert READ[False](header * count + b"\x01" * 9) is UNREAD
    with pytest.raises((CorruptBody, LimitExceeded, ValueError, msgpack.UnpackException)):
        Msgpack(engine="fast").loads(header * count + b"\x01" * 9, limits=Limits())


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("leaf", [b"\x01", b"\x90", b"\x80", b"\xdc\x00\x00", b"\xc4\x01a", b"\xd4\x05a"])
@pytest.mark.parametrize("limit", [1, 9, 100, 101, 500, 1_000])
@pytest.mark.parametrize("pad", [b"", b"\x92\xda\x10\x00" + b"\x91" * 4_096], ids=["short", "long"])
def test_depth_is_known_exactly_before_anything_is_made(opener, leaf, limit, pad):
    levels = limit - bool(pad) - (leaf in (b"\x90", b"\x80", b"\xdc\x00\x00"))
    limits = Limits(max_depth=limit)

    assert levels < 0 or within(msgpack, pad + opener * levels + leaf, limits)
    assert not within(msgpack, pad + opener * (levels + 1) + leaf, limits)


def test_what_is_not_one_whole_value_is_not_known_to_be_within():
    body = b"\xdc\x08\x00" + b"\x91" * 2_048

    assert not whole(msgpack, body)
    assert not within(msgpack, body, Limits())
    assert not within(msgpack, b"\x90" * 2_000, Limits())


def test_a_limit_beyond_the_librarys_own_is_measured():
    assert not within(msgpack, b"\x91" * 2_000 + b"\x01", Limits(max_depth=5_000))


def test_the_library_in_pure_python_is_not_asked_for_depth():
    from msgpack import fallback

    class Pure:
        Unpacker = fallback.Unpacker
        OutOfData = msgpack.OutOfData
        UnpackException = msgpack.UnpackException

    assert not within(Pure, b"\xdc\x04\x00" + b"\x01" * 1_024, Limits())


@ENGINES
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("leaf", [1, [], {}, (), b"\xcb\x7f\xff", UUID(int=1)])
@pytest.mark.parametrize("limit", [3, LEVELS, 100, 200])
def test_the_limit_of_depth_is_exact_on_both_sides(engine, wrap, leaf, limit):
    codec, limits = Msgpack(engine=engine), Limits(max_depth=limit)
    levels = limit - (leaf in ([], {}, ()))
    value = nested(levels, leaf, wrap)

    body = codec.dumps(value, limits=limits)
    assert codec.loads(body, limits=limits) == msgpack.unpackb(body, ext_hook=lambda *_: UUID(int=1))
    with pytest.raises((LimitExceeded, EncodeError)):
        codec.dumps(wrap(value), limits=limits)
    with pytest.raises(LimitExceeded):
        codec.loads(codec.dumps(wrap(value), limits=Limits(max_depth=999)), limits=limits)


@ENGINES
@pytest.mark.parametrize("size", [50, 5_000])
@pytest.mark.parametrize("item", [1, "text", {}])
def test_the_limit_of_nodes_is_exact_on_both_sides(engine, size, item):
    codec, value = Msgpack(engine=engine), {"a": [item] * size, "b": (1, [])}
    exact, short = Limits(max_nodes=size + 7), Limits(max_nodes=size + 6)

    body = codec.dumps(value, limits=exact)
    assert codec.loads(body, limits=exact) == {"a": [item] * size, "b": [1, []]}
    with pytest.raises((LimitExceeded, EncodeError)):
        codec.dumps(value, limits=short)
    with pytest.raises(LimitExceeded):
        codec.loads(body, limits=short)


@pytest.mark.parametrize("value", [ORDER, [ORDER] * 500, (ORDER, [1]), [(1, 2)] * 5_000, b"\x91" * 9])
def test_plain_values_are_written_by_ormsgpack(value):
    body = WRITE(value, Limits())

    assert body is not None
    assert msgpack.unpackb(body) == msgpack.unpackb(msgpack.packb(value))


@pytest.mark.parametrize("pad", ["", "x" * 10_000], ids=["short", "long"])
@pytest.mark.parametrize(
    "part",
    [
        memoryview(b"ab"),
        memoryview(b"abcdefgh").cast("I"),
        ormsgpack.Ext(5, b"a"),
        ormsgpack.Ext(80, b"set"),
        float("nan"),
        UUID(int=1),
        {1: 2},
        {b"a": 1},
        2**64,
        {1},
        type("Text", (str,), {})("a"),
        *([ormsgpack.Fragment(b"\xa1a")] if hasattr(ormsgpack, "Fragment") else []),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_is_not_plain_is_not_written_by_ormsgpack(part, pad):
    assert WRITE([pad, {"a": part}], Limits()) is None
    assert WRITE((pad, {"a": part}), Limits()) is None


def test_a_fragment_of_the_fast_library_is_refused():
    if not hasattr(ormsgpack, "Fragment"):
        pytest.skip("this ormsgpack has no fragments")
    with pytest.raises(EncodeError, match="is not carried"):
        Msgpack(engine="fast").dumps({"a": [ormsgpack.Fragment(b"\xa1a")]})


def test_tuples_that_are_kept_are_not_written_by_ormsgpack():
    keep = writer(msgpack, ormsgpack, orjson, tuples=True, finite=None)

    assert keep([(1,)], Limits()) is None
    assert keep([[1]], Limits()) == b"\x91\x91\x01"


def test_what_only_looks_like_a_nan_is_written_by_ormsgpack():
    value = [0xCB7FF00000, "\x7f", 0xCBFFFFFFFFFFFFFF]

    assert WRITE(value, Limits()) == msgpack.packb(value)
    assert WRITE([*value, float("nan")], Limits()) is None


@DIALECTS
def test_both_engines_write_and_read_the_same(dialect):
    plain, fast = (Msgpack(engine=engine, dialect=dialect) for engine in ("plain", "fast"))
    for value in [*random_values(500, seed=7), *PLAIN, *AWKWARD]:
        first, second = (outcome(codec.dumps, value) for codec in (plain, fast))
        if not isinstance(first, bytes):
            assert first == second
            continue
        for body in (first, second):
            one, other = (outcome(codec.loads, body, limits=Limits()) for codec in (plain, fast))
            assert type(one) is type(other)
            assert repr(one) == repr(other)


@DIALECTS
@ENGINES
def test_bytes_in_a_long_body_need_no_second_way(engine, dialect):
    codec = Msgpack(engine=engine, dialect=dialect)
    value = [{"data": bytes(range(256)), "text": "é" * 50, "number": 0xD650FF, "items": [1.5, b""]}] * 40

    assert codec.loads(codec.dumps(value), limits=Limits()) == value


def test_a_key_of_bytes_in_a_long_body_is_celerys_only():
    body = msgpack.packb([{"a": "x" * 2_000}, {b"b": 1}])

    assert Msgpack(dialect="celery").loads(body, limits=Limits())[1] == {b"b": 1}
    with pytest.raises(CorruptBody, match="keys are str"):
        Msgpack().loads(body, limits=Limits())


@pytest.mark.parametrize("pad", ["x", "x" * 5_000], ids=["short", "long"])
@ENGINES
def test_the_limit_of_depth_holds_in_a_small_stack(engine, pad):
    codec = Msgpack(engine=engine)
    value = nested(99, pad, lambda value: {"a": value})
    body = codec.dumps([value])

    if engine == "fast" or sys.version_info >= (3, 11):  # Python 3.10 takes C stack for every call of Python code.
        assert in_small_stack(lambda: codec.dumps([value])) == body
    assert in_small_stack(lambda: codec.loads(body, limits=Limits())) == [value]


def test_a_body_that_is_known_to_be_whole_is_not_gone_through_again(monkeypatch):
    body = msgpack.packb([[1] * 20] * 2_000)
    monkeypatch.setattr("satchel.codecs.msgpack_reading._skip", None)

    assert len(unpacked(msgpack, body, Limits(), True, ext_hook=msgpack.ExtType, unique_keys=False)) == 2_000


@pytest.mark.parametrize("depth", [2, 100, 254, 255])
def test_lists_around_a_value_are_kept_and_let_go_of_it(depth: int) -> None:
    codec, limits = Msgpack(engine="fast"), Limits(max_depth=depth)
    value = [b"x" * 2_000]
    references = sys.getrefcount(value)

    for _ in range(3):
        assert codec.loads(codec.dumps(value, limits=limits), limits=limits) == value
    assert sys.getrefcount(value) == references


def test_the_same_lists_hold_the_next_value():
    nests = _Nests(orjson.dumps, 0)
    kept = []

    for spare, value in [(100, [1]), (100, [1, b"2"]), (7, [3]), (100, [4])]:
        assert nests.fits(value, spare)
        number, idle = nests._kept
        assert (number, len(idle)) == (spare, 1)
        kept += idle
    assert [inner for _, inner in kept] == [[None]] * 4
    assert kept[0][0] is kept[1][0]
    assert kept[0][0] is not kept[3][0]
    assert not nests.fits([[[]]], 254)
    with pytest.raises(TypeError):
        nests.fits({1, 2}, 3)
