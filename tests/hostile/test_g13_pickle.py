"""G13: malicious pickles, of each kind that there is, run nothing, import nothing and take little memory."""

from __future__ import annotations

import pickle
import random
import sys
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

import satchel.codecs.pickle
from satchel import DecodeError, Encoded, Limits, Pickle, Pipeline, celery_registry, default_registry
from satchel.codecs import pickle_bounds, pickle_calls, pickle_plain, pickle_reading, pickle_writing
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import THOROUGH, Figures
from tests.hostile.pickles import OTHERS, Colour, Malice, Order, Runs, corpus, decode, whole

CORPUS = tuple(corpus())
MOST = 16 * MIB
ALLOWED: frozenset[str | type] = frozenset({"fractions:Fraction", "tests.hostile.pickles:Order", Colour})
#: Restricted pickle in every shape, and the standard library's, which shows that the corpus would do harm.
SETTINGS = ("satchel", "celery", "typed", "allowing", "stock")
#: Mutants per pickle of the corpus.
MUTANTS = 1_000 if THOROUGH else 30

#: Events that are nobody's harm.
QUIET = frozenset({"pickle.find_class", "object.__getattr__", "builtins.id", "gc.get_referents"})

HONEST = [{"number": Decimal("1.5"), "id": uuid.UUID(int=1)}, {1, 2}, (b"x", 1.5), [None, True, "text"]]


class Ran(BaseException):
    """Something happened that should not have. No Exception: nothing may wrap it."""


class Counted(Exception):
    """How many bodies were read."""


@cache
def _watch() -> list[str]:
    """Give what happens in this process from now on, by the interpreter's own account; the list can be cleared."""
    events: list[str] = []
    sys.addaudithook(lambda event, _: None if event in QUIET else events.append(event))
    return events


def reading(setting: str) -> Callable[[bytes], Any]:
    """Give a function that reads a pickle."""
    if setting == "stock":
        return pickle.loads
    registry = celery_registry() if setting == "celery" else default_registry()
    if setting == "allowing":
        registry = registry.with_serializer(Pickle(allow=ALLOWED), replace=True)
    if setting in ("typed", "allowing"):
        registry = registry.with_type(Order).with_type(Colour)
    pipeline = Pipeline(["pickle"], registry=registry)
    return lambda body: decode(body, pipeline)


def attempting(setting: str, body: bytes) -> Callable[[], Any]:
    """Read a pickle, and raise Ran if anything else happened."""
    read = reading(setting)
    assert read(pickle.dumps(HONEST, 4)) == HONEST
    happened = _watch()

    def attempt() -> Any:
        modules = set(sys.modules)
        happened.clear()
        try:
            return read(body)
        finally:
            if happened or set(sys.modules) != modules:
                raise Ran(happened, set(sys.modules) - modules)

    return attempt


def test_the_corpus_is_of_many_kinds_and_small() -> None:
    assert len({malice.kind for malice in CORPUS}) > 150
    assert max(len(malice.body) for malice in CORPUS) <= 1024


def attempting_all(setting: str) -> Callable[[], Any]:
    """Read the whole corpus, and raise Counted with what was not refused as it should be."""
    attempts = [(malice, attempting(setting, malice.body)) for malice in CORPUS]

    def attempt() -> None:
        wrong = []
        for malice, one in attempts:
            try:
                one()
            except Exception as error:  # noqa: BLE001  # its class is what is looked at
                if type(error).__name__ in malice.refusal.split(" or "):
                    continue
            wrong.append(malice.kind)
        raise Counted(len(attempts), wrong)

    return attempt


@linux_only
@pytest.mark.parametrize("setting", SETTINGS[:-1])
def test_a_malicious_pickle_is_refused_and_runs_nothing(setting: str, figures: Figures) -> None:
    (cost,) = measured(attempting_all, [(setting,)], address_space=128 * MIB)
    figures("G13", len(CORPUS))

    assert (cost.outcome, cost.detail, cost.stderr) == ("Counted", f"({len(CORPUS)}, [])", "")


@linux_only
@pytest.mark.parametrize("setting", SETTINGS[:-1] if THOROUGH else SETTINGS[:1])
def test_each_malicious_pickle_takes_little_memory_by_itself(setting: str, figures: Figures) -> None:
    chosen = CORPUS if THOROUGH else [malice for malice in CORPUS if malice.kind in OTHERS]
    costs = measured(attempting, [(setting, malice.body) for malice in chosen], address_space=128 * MIB)
    figures("G13", len(chosen), MiB=max(cost.peak for cost in costs) / MIB)

    assert max(cost.peak for cost in costs) <= MOST
    assert {cost.outcome for cost in costs} == {"ContentDisallowed", "CorruptBody", "LimitExceeded"}
    assert {cost.stderr for cost in costs} == {""}


@linux_only
def test_the_same_pickles_run_where_nothing_restricts_them() -> None:
    dangerous = [malice for malice in CORPUS if malice.runs]
    costs = measured(attempting, [("stock", malice.body) for malice in dangerous])

    assert {malice.kind for malice, cost in zip(dangerous, costs, strict=True) if cost.outcome != "Ran"} == set()
    assert len(dangerous) > 20


def _mutant(body: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(damaged) + 1)
        other = dice.choice(CORPUS).body
        change = dice.randrange(4)
        if change == 0:
            damaged[place : place + 1] = bytes([dice.randrange(256)])
        elif change == 1:
            damaged[place:place] = other[dice.randrange(len(other)) :][: dice.randint(1, 40)]
        elif change == 2:
            del damaged[place : place + dice.randint(1, 8)]
        else:
            damaged[place:] = other[dice.randrange(len(other)) :]
    return bytes(damaged)


def damaging(setting: str, mutants: int) -> Callable[[], Any]:
    """Read every truncation and many mutants of the corpus."""
    dice = random.Random(f"pickles for {setting}")
    read = reading(setting)
    bodies = [malice.body[:end] for malice in CORPUS for end in range(len(malice.body))]
    bodies += [_mutant(malice.body, dice) for malice in CORPUS for _ in range(mutants)]
    read(pickle.dumps(HONEST, 4))
    happened = _watch()

    def damage() -> str:
        outcomes = {"": 0, "ContentDisallowed": 0, "CorruptBody": 0, "LimitExceeded": 0}
        modules = set(sys.modules)
        for body in bodies:
            happened.clear()
            outcome = ""
            try:
                read(body)
            except Exception as error:  # noqa: BLE001  # its class is what is asserted
                outcome = type(error).__name__
            # What an application allows is imported.
            if happened or set(sys.modules) - modules - {"fractions"}:
                raise Ran(body, happened)
            outcomes[outcome] += 1
        raise Counted(len(bodies), outcomes)

    return damage


@linux_only
@pytest.mark.parametrize("setting", SETTINGS[:-1])
def test_no_truncation_and_no_mutant_runs_anything(setting: str, figures: Figures) -> None:
    (cost,) = measured(damaging, [(setting, MUTANTS)], address_space=256 * MIB)

    assert (cost.outcome, cost.stderr) == ("Counted", "")
    count = int(cost.detail.strip("(").partition(",")[0])
    figures("G13", count)
    assert count > 10_000


@pytest.mark.parametrize(
    "malice", [malice for malice in CORPUS if "attributes of" in malice.kind], ids=lambda m: m.kind
)
def test_nothing_of_the_process_is_changed(malice: Malice) -> None:
    read = reading("allowing")
    watched = (uuid.UUID, Order, Colour, Pickle, type(Decimal(1)), read(whole(b"N")))
    before = [dict(getattr(thing, "__dict__", {})) for thing in watched]

    with pytest.raises(DecodeError):
        read(malice.body)
    assert [dict(getattr(thing, "__dict__", {})) for thing in watched] == before
    assert uuid.UUID(int=1).hex == f"{1:032x}"
    # The next message is not worse off for it.
    assert read(pickle.dumps(HONEST, 4)) == HONEST


def test_there_is_one_way_around_it_and_it_warns_and_can_be_found() -> None:
    with pytest.warns(UserWarning, match="runs code"):
        codec = Pickle.unrestricted()
    pipeline = Pipeline(["pickle"], registry=default_registry().with_serializer(codec, replace=True))
    runs = Encoded(pickle.dumps(Runs(Order, 1), 0), codec.content_type, "binary")

    assert pipeline.decode(runs) == Order(1)
    assert ways_around() == ["_Unrestricted", "unrestricted"]


def ways_around() -> list[str]:
    """Give the names, of satchel's pickle modules and class, that read what only the standard library's would."""
    found = set()
    body = pickle.dumps(Runs(Order, 1), 2)
    modules = (pickle_bounds, pickle_calls, pickle_plain, pickle_reading, pickle_writing, satchel.codecs.pickle)
    doors = {name: door for module in modules for name, door in vars(module).items()}
    doors = {name: door for name, door in doors.items() if str(getattr(door, "__module__", "")).startswith("satchel")}
    doors.update((name, getattr(Pickle, name)) for name in dir(Pickle) if not name.startswith("__"))
    for name, door in doors.items():
        with warnings.catch_warnings(), suppress(Exception):
            warnings.simplefilter("ignore")
            if door().loads(body, limits=Limits()) == Order(1):
                found.add(name)
    return sorted(found)
