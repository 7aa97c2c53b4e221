"""Pickles of the value model take a shorter way, and nothing else: it reads and refuses what the longer one does."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

import satchel.codecs.pickle
from satchel import CorruptBody, Limits, Pickle
from satchel.codecs.pickle_plain import longest_text_of_model
from satchel.codecs.pickle_writing import QuickPickler, QuickPicklers
from satchel.testing import difference

LIMITS = Limits()
ZONE = timezone(timedelta(hours=2))
SCALARS: list[Any] = [
    *(UUID(int=0), UUID(int=5), UUID(int=2**127 - 1), UUID(int=2**127), UUID(int=2**128 - 1), UUID(int=2**120 - 1)),
    *(datetime(2001, 2, 3), datetime(2020, 2, 29, 23, 59, 59, 999_999, timezone.utc), datetime(1, 1, 1, tzinfo=ZONE)),
    *(datetime(9999, 12, 31, fold=1), date(2000, 2, 29), date(9999, 4, 30), date(1, 1, 31)),
    *(time(), time(23, 59, 59, 999_999, fold=1), time(1, tzinfo=ZONE)),
    *(timedelta(0), timedelta(-1, 2, 3), timedelta(999_999_999), ZONE, timezone.utc),
    *(Decimal(0), Decimal("-1.50E+7"), Decimal("NaN"), Decimal("-Infinity"), Decimal("1" * 31)),
]
ORDERS = [
    {"key": UUID(int=n + 5), "at": datetime(2001, 1, 1 + n % 28, tzinfo=ZONE), "price": Decimal(n), "for": timedelta(n)}
    for n in range(60)
]
#: More than two frames.
MANY = [
    *ORDERS,
    [f"{n}" * 9 for n in range(3_000)],
    ORDERS,
    "x" * 70_000,
    [[UUID(int=n), Decimal(n)] for n in range(2_000)],
]


def slow(codec: Pickle, body: bytes, limits: Limits) -> Any:
    """Read it the longer way, and measure all that is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(satchel.codecs.pickle, "longest_text", lambda *_: None)
        patch.setattr(satchel.codecs.pickle, "longest_text_of_model", lambda *_: None)
        patch.setattr(satchel.codecs.pickle, "surely_within", lambda *_, **__: False)
        return codec.loads(body, limits=limits)


def outcome(work: Callable[[], Any]) -> tuple[str, str]:
    try:
        value = work()
    except Exception as error:  # noqa: BLE001  # its class and text are what is compared
        return type(error).__name__, str(error)
    return "value", f"{value!r} {pickle.dumps(value)!r}"


def both(body: bytes, limits: Limits = LIMITS) -> tuple[str, str]:
    """Read it both ways, which must agree."""
    codec = Pickle()
    short, long = outcome(lambda: codec.loads(body, limits=limits)), outcome(lambda: slow(codec, body, limits))

    assert short == long, body
    return short


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("value", [*([scalar] for scalar in SCALARS), SCALARS, ORDERS, MANY, {ZONE: 1, UUID(int=1): 2}])
def test_the_model_takes_the_shorter_way_and_the_same_bytes_are_written(value: Any, protocol: Any) -> None:
    body = pickle.dumps(value, protocol)

    assert longest_text_of_model(body, Limits()) is not None
    assert difference(value, Pickle().loads(body, limits=Limits())) is None
    assert Pickle(protocol=protocol).dumps(value) == body
    assert both(body)[0] == "value"


@pytest.mark.parametrize("value", [ORDERS[:3], [ORDERS[:2]] * 9, [SCALARS[0], [Decimal(1)], {"k": [ZONE]}]])
def test_limits_are_held_exactly(value: Any) -> None:
    body, codec = pickle.dumps(value, 4), Pickle()
    for field, most in (("max_nodes", 300), ("max_decompressed", 400), ("max_depth", 8)):
        for maximum in range(1, most):
            limits = Limits(**{field: maximum})

            assert both(body, limits)[0] == outcome(partial(codec.dumps, value, limits=limits))[0]


def name(module: str, attribute: str) -> bytes:
    return b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, attribute)) + b"\x93"


CLASSES: dict[type, bytes] = {
    kind: name(kind.__module__, kind.__name__) for kind in (UUID, datetime, date, time, timedelta, timezone, Decimal)
}
ARGUMENTS = (
    *(b"C\x04\x07\xd1" + bytes((month, day)) for month, day in ((1, 31), (2, 29), (2, 30), (4, 31), (0, 1), (13, 1))),
    *(b"C\x04" + bytes(year) + b"\2\x1d" for year in ((7, 208), (7, 108), (0, 0), (39, 15), (39, 16), (255, 255))),
    *(b"C\x06" + bytes(at) for at in ((23, 59, 59, 15, 66, 63), (24, 0, 0, 0, 0, 0), (0, 60, 0, 0, 0, 0))),
    *(b"C\x06" + bytes(at) for at in ((0, 0, 60, 0, 0, 0), (0, 0, 0, 15, 66, 64), (0x97, 1, 1, 1, 1, 1))),
    *(
        b"C\x0a\x07\xd1" + bytes(rest)
        for rest in ((1, 31, 0, 0, 0, 0, 0, 0), (1, 32, 0, 0, 0, 0, 0, 0), (0x8C, *[1] * 7))
    ),
    *(b"C\x0a\x07\xd1" + bytes(rest) for rest in ((2, 29, 0, 0, 0, 0, 0, 0), (1, 1, 24, 0, 0, 0, 0, 0))),
    # A date's bytes, as a text of Python 2.
    *(b"\x8c\x04ab\1c", b"\x8c\x05\x07\xc3\x91\1c", b"\x8c\x06" + bytes(range(1, 7)), b"\x8c\x0aab\1c" + b"\1" * 6),
    # A UUID may not be called.
    *(
        b"\x8c\x20" + b"a" * 32,
        b"\x8c\x1f" + b"1" * 31,
        b"\x8c\x20" + b"1" * 32,
        b"\x8c\x03-.5",
        b"\x8c\0",
        b"N",
        b"K\5",
    ),
)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_what_is_called_is_held_as_the_longer_way_holds_it(kind: type, argument: bytes) -> None:
    zone = name("datetime", "timezone") + name("datetime", "timedelta") + b"K\0M\x10\x0eK\0\x87R\x85R"
    for call in (b"\x85R", b"N\x86R", zone + b"\x86R", b"\x85\x94R\x94", b"\x85R\x85R"):
        both(b"\x80\x04](" + CLASSES[kind] + argument + call + b"e.")


@pytest.mark.parametrize("kind", CLASSES)
def test_what_is_built_is_held_as_the_longer_way_holds_it(kind: type) -> None:
    numbers = [
        b"\x8a" + bytes([length]) + b"\xff" * (length - 1) + last
        for length in (15, 16, 17, 18)
        for last in (b"\0", b"\xff")
    ]
    for number in (*numbers, b"K\5", b"M\5\5", b"J\xff\xff\xff\xff", b"N", b"]", b"\x8c\1a"):
        for key in (b"\x8c\x03int", b"\x8c\x03hex", b"\x8c\x07is_safe"):
            made = CLASSES[kind] + b")\x81"
            state = b"}" + key + number + b"s"
            for opcodes in (
                made + state + b"b",
                made,
                CLASSES[kind] + state + b"b",
                made + state + b"b" + state + b"b",
            ):
                both(b"\x80\x04](" + opcodes + b"e.")
                both(b"\x80\x04}(" + opcodes + b"Nu.")


@pytest.mark.parametrize(
    "opcodes",
    [*CLASSES.values(), b"\x8c\2os\x8c\6system\x93", b"](" + CLASSES[UUID] + b"e", b"}" + CLASSES[Decimal] + b"Ns"],
)
def test_a_class_is_no_value(opcodes: bytes) -> None:
    assert both(b"\x80\x04" + opcodes + b".")[0] in ("CorruptBody", "ContentDisallowed")


def test_a_frame_ends_between_opcodes() -> None:
    body = pickle.dumps(MANY, 4)
    first = 11 + int.from_bytes(body[3:11], "little")
    length = int.from_bytes(body[first + 1 : first + 9], "little")
    for moved in range(1, 30):
        # The second frame begins so many bytes earlier.
        head = b"\x80\x04\x95" + (first - 11 - moved).to_bytes(8, "little") + body[11 : first - moved]
        second = b"\x95" + (length + moved).to_bytes(8, "little") + body[first - moved : first] + body[first + 9 :]
        both(head + second)

    assert longest_text_of_model(body, Limits()) is not None


def test_tuples_that_go_deep_take_the_longer_way() -> None:
    found = [
        both(b"\x80\x04](" + CLASSES[Decimal] + b"\x8c\x011\x85R})" + b"\x94N\x86" * levels + b"Nse.")[0]
        for levels in (90, 97, 98, 99, 100, 101, 5_000)
    ]

    assert (found[0], found[-1]) == ("value", "LimitExceeded")


class Broken(UUID):
    """What is no UUID of the model."""


def test_what_is_unsound_is_not_written() -> None:
    number, day = UUID(int=1), pickle.loads(pickle.dumps(date(2001, 1, 1), 4).replace(b"\7\xd1\1\1", b"\7\xd1\1\x63"))
    object.__setattr__(number, "int", -1)
    codec = Pickle()

    for value in (
        [number],
        [day],
        {day: 1},
        [UUID],
        {UUID: 1},
        [len],
        [UUID(int=1), UUID],
        [Broken(int=1)],
        [object()],
    ):
        with pytest.raises(Exception, match=r"month|not carried|refers|day"):
            codec.dumps(value)
    with pytest.raises(CorruptBody, match="global"):
        codec.loads(pickle.dumps([UUID], 4), limits=Limits())


def test_a_quick_pickler_gives_up_on_what_it_does_not_know_and_is_used_again() -> None:
    quick = QuickPicklers(partial(QuickPickler, protocol=4))

    assert quick.write([object()]) is None
    assert quick.write(ORDERS) == pickle.dumps(ORDERS, 4)
    assert quick.write([1, b"x" * 100_000, "y" * 70_000]) == pickle.dumps([1, b"x" * 100_000, "y" * 70_000], 4)
    assert quick.write(ORDERS) == pickle.dumps(ORDERS, 4)


# Mutants

OPCODES = (
    *(b"N", b"]", b"}", b")", b"(", b"\x94", b"a", b"e", b"s", b"u", b"t", b"\x85", b"\x86", b"\x87", b"K\x01", b"R"),
    *(
        b"h\x00",
        b"h\x03",
        b"j\5\0\0\0",
        b"\x81",
        b"b",
        b"\x93",
        b"0",
        b"2",
        b"C\x01x",
        b"\x8c\x03int",
        b"\x95\5" + bytes(7),
    ),
)


def mutants(rng: random.Random, count: int) -> Iterator[bytes]:
    values = (*([scalar] for scalar in SCALARS), SCALARS, ORDERS[:3], [UUID], [ORDERS[0]] * 3, [(1, SCALARS[0])] * 3)
    bodies = [pickle.dumps(value, protocol) for value in values for protocol in (4, 5)]
    for _ in range(count):
        body = bytearray(rng.choice(bodies))
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(body) + 1)
            body[at : at + rng.randrange(3)] = rng.choice((rng.choice(OPCODES), rng.randbytes(1)))
        if rng.random() < 0.8 and len(body) > 11:
            body[2:11] = b"\x95" + (len(body) - 11).to_bytes(8, "little")
        yield bytes(body)


def test_both_ways_agree_on_mutants() -> None:
    rng = random.Random(5)
    shorter = 0
    for body in mutants(rng, 4_000):
        both(body, rng.choice((Limits(), Limits(max_depth=3, max_nodes=90))))
        shorter += longest_text_of_model(body, Limits()) is not None

    assert shorter > 500
