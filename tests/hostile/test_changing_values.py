"""A value that changes while it is encoded, and interrupts meanwhile: nothing crashes, and nothing is swallowed."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import timeit
from pathlib import Path
from typing import Any

import pytest

from satchel import EncodeError, Json, Limits, Msgpack, Pickle, Yaml
from tests.hostile.bodies import DIALECTS
from tests.hostile.figures import THOROUGH

ROOT = Path(__file__).parents[2]
CODECS = {"json": Json, "msgpack": Msgpack, "yaml": Yaml, "pickle": Pickle}
ENGINES = {"json": ("stdlib", "fast"), "msgpack": ("plain", "fast")}

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")

VARIANTS = [(name, dialect, engine) for name in CODECS for dialect in DIALECTS for engine in ENGINES.get(name, ("",))]


def made(name: str, dialect: str, engine: str) -> str:
    options = f"dialect={dialect!r}" + (f", engine={engine!r}" if engine else "")
    return f"{CODECS[name].__name__}({options})"


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


#: What another thread or a signal's handler does to a list is what the handler of a type does here, each time alike.
CLEARED = """
import gc
from satchel import *
from satchel.codecs.base import TaggedType, Types

class Own: pass
items = []

def to_plain(own):
    items.clear()
    gc.collect()
    return [bytes(100) for _ in range(1000)]

codec = {codec}.with_types(Types([TaggedType(Own, "own", to_plain, lambda plain: Own())]))
for parts in ([b"abc"] * 3, ["abc"] * 3, (1, 2.5), {{"a": b"b"}}):
    items += [Own(), *([parts] * 2000)]
    try:
        codec.dumps([items])
    except SatchelError:
        pass
print("fine")
"""


@pytest.mark.parametrize(("name", "dialect", "engine"), VARIANTS)
def test_a_type_may_empty_the_list_that_its_value_is_in(name: str, dialect: str, engine: str) -> None:
    assert run(CLEARED.format(codec=made(name, dialect, engine))) == "fine"


THREADS = """
import sys, threading, time
from datetime import datetime, timedelta, tzinfo
from satchel import *

class Zone(tzinfo):
    def utcoffset(self, when):
        for _ in range(400):
            pass
        return timedelta(0)

sys.setswitchinterval(1e-6)
codec = {codec}
shared = {shared}
root = {root}
done = threading.Event()

def change():
    turn = 0
    while not done.is_set():
        turn += 1
        {change}

thread = threading.Thread(target=change)
thread.start()
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    try:
        codec.dumps(root, limits=Limits(max_nodes=10**7))
    except (SatchelError, RuntimeError):
        pass
done.set()
thread.join()
print("fine")
"""
SHARED = {
    "list": (
        "[shared, b'x', shared]",
        "[bytes(5)] * 3000",
        "shared[10:] = [bytes([turn % 256]) * (turn % 50) for _ in range(3000)]",
    ),
    "dict": (
        "[shared, b'x', shared]",
        "{f'k{i}': bytes(5) for i in range(3000)}",
        "shared.clear(); shared.update({f'k{i}_{turn}': bytes([turn % 256]) * (turn % 50) for i in range(3000)})",
    ),
    # Plain until it has been looked at: a time zone's code would run while orjson is in the list.
    "list with a zone": (
        "shared",
        "[]",
        "shared[:] = [f'{i}{turn}zzzz' for i in range(400)]; shared[1] = datetime(2031, 1, 2, tzinfo=Zone()); "
        "shared.clear(); [bytearray(3200) for _ in range(3)]",
    ),
}


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize(("name", "dialect", "engine"), VARIANTS)
def test_another_thread_may_change_what_is_encoded(name: str, dialect: str, engine: str, kind: str) -> None:
    root, shared, change = SHARED[kind]
    seconds = 3 if THOROUGH else 0.3
    codec = made(name, dialect, engine)
    assert run(THREADS.format(codec=codec, root=root, shared=shared, change=change, seconds=seconds)) == "fine"


class Soft(Exception):
    """Such as Celery's limit of time."""


INTERRUPTED: dict[str, list[Any]] = {
    "bytes": [[b"x", b"y"] for _ in range(20_000)],
    "texts": [["x", "y"] for _ in range(20_000)],
    "tuples": [(b"x", 1.5) for _ in range(20_000)],
}


@pytest.mark.parametrize("kind", INTERRUPTED)
@pytest.mark.parametrize(("name", "dialect", "engine"), VARIANTS)
def test_what_a_signal_raises_comes_out(name: str, dialect: str, engine: str, kind: str) -> None:
    options = {"engine": engine} if engine else {"max_nodes": 10**7} if name == "yaml" else {}
    codec = CODECS[name](dialect=dialect, **options)
    # Long enough to be interrupted in, and no longer.
    value = INTERRUPTED[kind] if engine == "fast" or name == "pickle" else INTERRUPTED[kind][:4_000]
    limits = Limits(max_nodes=10**7)
    # The first may import, and another process may have the processor meanwhile.
    took = min(timeit.repeat(lambda: codec.dumps(value, limits=limits), number=1, repeat=4))
    raised = caught = 0

    def fire(*_: object) -> None:
        nonlocal raised
        raised += 1
        raise Soft

    before = signal.signal(signal.SIGALRM, fire)
    gc.disable()  # Hypothesis has a callback there, out of which nothing comes.
    try:
        for turn in range(1, 21):
            try:
                signal.setitimer(signal.ITIMER_REAL, took * turn / 21)
                codec.dumps(value, limits=limits)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Soft:
                caught += 1
            except EncodeError as error:
                # What a type's own code raises is wrapped, and this was raised there.
                caught += isinstance(error.__cause__, Soft)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()

    assert (caught, raised > 0) == (raised, True)
