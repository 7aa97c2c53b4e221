"""Ten thousand arguments of tasks as logs show them: Satchel's text beside that of Celery's `saferepr`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

from benchmarks.payloads import SEED
from satchel.bench.generated import GENERATED
from satchel.message import bounded_repr
from satchel.testing import random_values

#: Characters that Celery writes, as its `argsrepr_maxsize` has them.
LENGTH = 1024
#: Values of each kind that are compared and timed.
COUNT = 10_000
_ALPHABETS = ("abcdefgh ", 'it\'s "so"\\\n', "ünï☃😀 ", "x")
_LENGTHS = (0, 3, 12, 12, 30, 200, 1100, 5000)


def values(count: int) -> list[Any]:
    """Positional arguments and keyword arguments in turn; the same each time."""
    chance = random.Random(SEED)
    return [_kwargs(chance) if number % 2 else _args(chance) for number in range(count)]


def arguments(count: int) -> list[Any]:
    """Positional arguments and keyword arguments in turn, of the value model, as short as arguments mostly are."""
    chance = random.Random(SEED)

    def few(levels: int) -> list[Any]:
        return [argument(levels) for _ in range(chance.choice((0, 1, 2, 3, 4)))]

    def argument(levels: int) -> Any:
        kind = chance.random() if levels else 1.0
        if kind < 0.15:
            return few(levels - 1)
        if kind < 0.3:
            return {f"key_{number}": value for number, value in enumerate(few(levels - 1))}
        if kind < 0.35:
            return tuple(few(levels - 1))
        if kind < 0.4:
            return {chance.randrange(1000) for _ in range(3)}
        return chance.choice(_SHORT)(chance)

    made: list[Any] = []
    for number in range(count):
        some = [argument(3) for _ in range(chance.choice((1, 2, 3, 4)))]
        made.append({f"argument_{number}": value for number, value in enumerate(some)} if number % 2 else tuple(some))
    return made


def made_by_hypothesis(count: int) -> list[Any]:
    """Positional arguments and keyword arguments in turn, as hypothesis makes values; the same each time."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    leaves = (
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
        *(st.datetimes(), st.dates(), st.decimals(allow_nan=False), st.uuids()),
    )
    names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
    anything = st.recursive(
        st.one_of(*leaves), lambda of: st.lists(of, max_size=5) | st.dictionaries(names, of, max_size=5), max_leaves=12
    )
    made: list[Any] = []

    @settings(
        max_examples=count // 2,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(anything, anything), st.dictionaries(names, anything, min_size=1, max_size=4))
    def collect(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        made.extend((args, kwargs))

    collect()
    return made


def at_the_edges(count: int) -> list[Any]:
    """One argument by place or by name, of the value model, with all that is at its edges; the same each time."""
    return [{"value": value} if number % 2 else (value,) for number, value in enumerate(random_values(count))]


def of_calls(count: int) -> list[dict[str, Any]]:
    """Keyword arguments as tasks have them: those of a made-up shop; the same each time."""
    return [body[1] for body in GENERATED["celery"](count, SEED)]


def differences(given: Sequence[Any]) -> list[str]:
    """Every value whose two texts differ, with both."""
    theirs = celerys_text()
    found: list[str] = []
    for number, value in enumerate(given):
        one, other = bounded_repr(value), theirs(value)
        if one != other:
            found.append(f"value {number}: satchel {one!r}, celery {other!r}")
    return found


def celerys_text() -> Callable[[Any], str]:
    """Celery's function for these texts, called as Celery calls it."""
    saferepr: Any = import_module("celery.utils.saferepr").saferepr

    def text(value: Any) -> str:
        return str(saferepr(value, LENGTH, maxlevels=3))

    return text


def _args(chance: random.Random) -> tuple[Any, ...] | list[Any]:
    members = [_value(chance, 4) for _ in range(chance.choice((0, 1, 2, 3, 5)))]
    return members if chance.random() < 0.3 else tuple(members)


def _kwargs(chance: random.Random) -> dict[str, Any]:
    return {f"argument_{number}": _value(chance, 4) for number in range(chance.choice((0, 1, 2, 3, 5)))}


def _value(chance: random.Random, levels: int) -> Any:
    containers = (_list, _tuple, _dict, _set)
    if levels and chance.random() < 0.25:
        return chance.choice(containers)(chance, levels - 1)
    return chance.choice(_SCALARS)(chance)


def _many(chance: random.Random) -> range:
    return range(chance.choice((0, 1, 2, 2, 3, 3, 4, 20)) if chance.random() < 0.98 else 200)


def _list(chance: random.Random, levels: int) -> list[Any]:
    return [_value(chance, levels) for _ in _many(chance)]


def _tuple(chance: random.Random, levels: int) -> tuple[Any, ...]:
    return tuple(_value(chance, levels) for _ in _many(chance))


def _dict(chance: random.Random, levels: int) -> dict[Any, Any]:
    return {chance.choice((f"key {n}", n, (n, "k"), f"it's {n}", None)): _value(chance, levels) for n in _many(chance)}


def _set(chance: random.Random, levels: int) -> set[Any] | frozenset[Any]:
    members = {chance.choice(_SCALARS)(chance) for _ in _many(chance)}
    return frozenset(members) if chance.random() < 0.3 else members


def _text(chance: random.Random) -> str:
    length = chance.choice(_LENGTHS)
    some = "".join(chance.choices(chance.choice(_ALPHABETS), k=min(length, 50)))
    return some if length <= 50 else (some * (length // 50 + 1))[:length]


def _bytes(chance: random.Random) -> bytes:
    return _text(chance).encode() if chance.random() < 0.5 else chance.randbytes(chance.choice(_LENGTHS))


def _number(chance: random.Random) -> Any:
    kinds: tuple[Any, ...] = (
        *(chance.randrange(-1000, 1000), chance.getrandbits(chance.choice((31, 64, 80, 4000))), chance.random() * 1e6),
        *(float("nan"), float("-inf"), -0.0, 1e300, True, False, None),
    )
    return chance.choice(kinds)


def _moment(chance: random.Random) -> Any:
    zone = chance.choice((None, timezone.utc, timezone(timedelta(hours=5, minutes=30))))
    moment = datetime(2026, 11, 22, tzinfo=zone) + timedelta(chance.random() * 999)
    return chance.choice((moment, moment.date(), moment.timetz(), timedelta(chance.random() * 9)))


def _decimal(chance: random.Random) -> Decimal:
    return chance.choice((Decimal(chance.getrandbits(70)) / 1000, Decimal("-0.00"), Decimal("1E+90"), Decimal("NaN")))


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128))


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz @-", k=chance.randrange(40)))


_SHORT: tuple[Callable[[random.Random], Any], ...] = (
    *(_word, _word, lambda chance: chance.randbytes(12)),
    *(lambda chance: chance.randrange(10**6), lambda chance: chance.random() * 1e4),
    *(lambda chance: chance.choice((True, False, None)), lambda chance: Decimal(chance.randrange(10**6)) / 100),
    *(_moment, _uuid),
)

_SCALARS: tuple[Callable[[random.Random], Any], ...] = (
    *(_text, _text, _bytes, _number, _number, _moment, _decimal, _uuid),
)
