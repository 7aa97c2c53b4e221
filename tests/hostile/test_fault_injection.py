"""Fault injection: a library fails at its k-th call, for every k; nothing is swallowed, nothing half-done."""

from __future__ import annotations

import datetime
import decimal
import importlib
import json
import pickle
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import satchel.codecs.base
import satchel.codecs.json_exact
import satchel.codecs.json_reading
import satchel.codecs.lzma
import satchel.codecs.pickle_calls
import satchel.codecs.pickle_writing
from satchel import CorruptBody, Encoded, EncodeError, Json, Limits, Msgpack, Pickle, Pipeline, Registry, Yaml
from satchel.registry.builtin import COMPRESSORS
from tests.hostile.faults import chain

#: Classes of the libraries whose instances have calls of their own.
WORKING = frozenset(
    {
        *("Compress", "Decompress", "BZ2Decompressor", "LZMADecompressor", "Decompressor", "ZstdCompressor"),
        *("ZstdDecompressor", "ZstdDecompressionReader", "JSONEncoder", "JSONDecoder", "CParser", "SafeConstructor"),
        *("Unpacker", "FrameParameters"),
    }
)


class Unknown(Exception):
    """An exception that no codec knows."""


ERRORS = (MemoryError, KeyboardInterrupt, SystemExit, Unknown)


class Faults:
    """Counts the calls of libraries, and raises at one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.at = 0
        self.error: BaseException = Unknown()

    def arm(self, at: int, error: BaseException) -> None:
        self.calls, self.at, self.error = 0, at, error

    def tick(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error

    @property
    def raised(self) -> bool:
        return 0 < self.at <= self.calls

    def wrapped(self, found: Any) -> Any:
        if isinstance(found, type):
            return Library(found, self) if found.__name__ in WORKING else found
        callable_ = callable(found) and not isinstance(found, Library)
        working = isinstance(found, types.ModuleType) or type(found).__name__ in WORKING
        return Library(found, self) if callable_ or working else found


class Library:
    """A library, or a part of one, whose calls are counted."""

    _real: Any
    _faults: Faults

    def __init__(self, real: Any, faults: Faults) -> None:
        vars(self).update(_real=real, _faults=faults)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def __getattr__(self, name: str) -> Any:
        return self._faults.wrapped(getattr(self._real, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._faults.tick()
        result = self._real(*args, **kwargs)
        return Library(result, self._faults) if type(result).__name__ in WORKING else result


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Every library that a codec takes from here on counts its calls."""
    counting = Faults()

    def import_module(name: str) -> Any:
        counting.tick()
        return Library(importlib.import_module(name), counting)

    def dump(pickler: Any, value: Any) -> None:
        counting.tick()
        pickle.Pickler.dump(pickler, value)

    def load(unpickler: Any) -> Any:
        counting.tick()
        return pickle.Unpickler.load(unpickler)

    monkeypatch.setattr(satchel.codecs.base, "import_module", import_module)
    monkeypatch.setattr(satchel.codecs.lzma, "import_module", import_module)
    for module in (satchel.codecs.json_exact, satchel.codecs.json_reading):
        monkeypatch.setattr(module, "json", Library(json, counting))
    monkeypatch.setattr(satchel.codecs.pickle_writing.QuickPickler, "dump", dump, raising=False)
    monkeypatch.setattr(satchel.codecs.pickle_calls.ModelUnpickler, "load", load, raising=False)
    monkeypatch.setattr(satchel.codecs.pickle_calls.PlainUnpickler, "load", load, raising=False)
    monkeypatch.setattr(satchel.codecs.pickle_calls.SealingUnpickler, "load", load, raising=False)
    yield counting
    counting.arm(0, Unknown())


PLAIN = {"text": "ä" * 40, "number": 1.5, "list": [1, None, True] * 9}
RICH = [
    PLAIN,
    {"when": datetime.datetime(2031, 1, 2, tzinfo=datetime.timezone.utc), "price": decimal.Decimal("1.50")},
    {
        "id": uuid.UUID(int=7),
        "bytes": b"\xff\x00",
        "big": 1 << 70,
        "set": {1, 2},
        "tag": {"__type__": "x", "__value__": 1},
    },
]
UNWRITABLE = [1, {"key": ["\ud800", object()]}]
SURROGATE = [1, {"key": ["\ud800"]}]

SERIALIZERS: dict[str, Callable[[], Any]] = {
    "json, stdlib": lambda: Json(engine="stdlib"),
    "json, auto": Json,
    "msgpack, plain": lambda: Msgpack(engine="plain"),
    "msgpack, auto": Msgpack,
    "yaml": Yaml,
    "pickle": Pickle,
}
#: Longer than one step of reading, and than one piece of output.
LONG = b"".join(uuid.uuid5(uuid.NAMESPACE_DNS, str(n)).bytes for n in range(5_000)) + bytes(600_000)


def inject(
    faults: Faults, error: type[BaseException], work: Callable[[], Any], expected: Any, wrapper: type[Exception]
) -> int:
    """Let the k-th call fail, for every k until no call is left; give how many calls there were.

    Args:
        expected: what `work` gives, or raises, when nothing fails.
        wrapper: what an unknown exception comes out as.
    """
    for at in range(1, 10_000):
        fault = error(f"call {at}")
        faults.arm(at, fault)
        outcome: Any
        try:
            outcome = work()
        except BaseException as caught:  # noqa: BLE001  # it is what is asserted
            outcome = caught
        raised = faults.raised
        faults.arm(0, fault)
        if not raised:
            assert outcome == expected or type(outcome) is expected
            return at - 1
        if error is not Unknown:
            assert outcome is fault, f"call {at}: {outcome!r}"
            assert outcome.__cause__ is None
        else:
            # What fails anyhow may fail for its own reason.
            assert type(outcome) is wrapper, f"call {at}: {outcome!r}"
            assert fault in chain(outcome) or expected is wrapper
    raise AssertionError("there is no end of calls")


@pytest.fixture(params=SERIALIZERS)
def serializing(request: pytest.FixtureRequest, faults: Faults) -> Pipeline:
    codec = SERIALIZERS[request.param]()
    registry = Registry.of_dialect("satchel").with_serializer(codec, replace=True)
    return Pipeline([codec.name], registry=registry, limits=Limits(max_depth=20))


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("value", [PLAIN, RICH], ids=["plain", "rich"])
def test_a_serializer_whose_library_fails(serializing: Pipeline, faults: Faults, error: Any, value: Any) -> None:
    (name,) = {serializing.registry.serializer(t).name for t in serializing.accepted_content_types}
    encoded = serializing.encode(value, serializer=name)

    writing = inject(faults, error, lambda: serializing.encode(value, serializer=name), encoded, EncodeError)
    reading = inject(faults, error, lambda: serializing.decode(encoded), value, CorruptBody)

    assert min(writing, reading) > 0
    assert serializing.encode(value, serializer=name) == encoded
    assert serializing.decode(encoded) == value


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("value", [UNWRITABLE, SURROGATE], ids=["unwritable", "surrogate"])
def test_a_serializer_whose_library_fails_when_the_message_does(
    serializing: Pipeline, faults: Faults, error: Any, value: Any
) -> None:
    (name,) = {serializing.registry.serializer(t).name for t in serializing.accepted_content_types}
    good = serializing.encode(RICH, serializer=name)
    damaged = good._replace(body=bytes(good.body)[:-2])
    if not (name == "pickle" and value is SURROGATE):
        inject(faults, error, lambda: serializing.encode(value, serializer=name), EncodeError, EncodeError)
    inject(faults, error, lambda: serializing.decode(damaged), CorruptBody, CorruptBody)

    assert serializing.decode(good) == RICH


def packing(name: str) -> Pipeline:
    return Pipeline(["raw"], registry=Registry.of_dialect("satchel"), accept_compression=[name])


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("body", [b"text " * 60, LONG], ids=["short", "long"])
@pytest.mark.parametrize("name", [line.name for line in COMPRESSORS])
def test_a_compressor_whose_library_fails(faults: Faults, error: Any, name: str, body: bytes) -> None:
    pipeline = packing(name)
    encoded = pipeline.encode(body, serializer="raw", compression=name)
    assert encoded.compression is not None

    def write() -> Encoded:
        return pipeline.encode(body, serializer="raw", compression=name)

    writing = inject(faults, error, write, encoded, EncodeError)
    reading = inject(faults, error, lambda: pipeline.decode(encoded), body, CorruptBody)
    damaged = encoded._replace(body=bytes(encoded.body)[:-5])
    inject(faults, error, lambda: pipeline.decode(damaged), CorruptBody, CorruptBody)

    assert min(writing, reading) > 0
    assert write() == encoded
    assert pipeline.decode(encoded) == body


@pytest.mark.filterwarnings("ignore:.*goes on without it")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", ["json", "msgpack", "yaml", *(line.name for line in COMPRESSORS)])
def test_a_codec_that_cannot_be_made_this_time_is_made_the_next(faults: Faults, error: Any, name: str) -> None:
    packs = name in [line.name for line in COMPRESSORS]
    value: Any = bytes(500) if packs else PLAIN
    serializer, compression = ("raw", name) if packs else (name, None)

    def fresh() -> Pipeline:
        return Pipeline(
            [serializer], registry=Registry.of_dialect("satchel"), accept_compression=[name] if packs else []
        )

    encoded = fresh().encode(value, serializer=serializer, compression=compression)
    for at in range(1, 100):
        pipeline, fault = fresh(), error(f"call {at}")
        faults.arm(at, fault)
        outcome: Any = None
        try:
            outcome = pipeline.decode(encoded)
        except BaseException as caught:  # noqa: BLE001  # it is what is asserted
            outcome = caught
        raised = faults.raised
        faults.arm(0, fault)
        told = error is Unknown and (outcome == value or fault in chain(outcome))
        assert outcome is fault or told or not raised
        assert pipeline.decode(encoded) == value
        assert pipeline.encode(value, serializer=serializer, compression=compression) == encoded
        if not raised:
            break
    assert outcome == value
    assert 1 < at < 99
