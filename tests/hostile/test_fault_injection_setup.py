"""Fault injection: libraries and plugins that fail at import, registration midway, compressors that keep no promise."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from satchel import (
    Buffer,
    CorruptBody,
    DecodeError,
    Encoded,
    InvalidCodec,
    Json,
    LimitExceeded,
    Limits,
    MissingDependency,
    Msgpack,
    Pipeline,
    Registry,
    SatchelError,
    celery_registry,
    default_registry,
    register_compressor,
    register_serializer,
    register_type,
)
from satchel.forking import ProcessLock
from satchel.registry import plugins, process
from tests.hostile.faults import chain

#: Codec: the library that it cannot do without.
LIBRARIES = {"msgpack": "msgpack", "yaml": "yaml", "brotli": "brotli", "zstd": "zstandard"}
ACCELERATORS = {"json": ("orjson", "ormsgpack", "msgspec"), "msgpack": ("ormsgpack",)}
BROKEN = (OSError, AttributeError, RuntimeError, MemoryError, KeyboardInterrupt, SystemExit)


class Breaking(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module that raises when it is executed."""

    def __init__(self, name: str, error: BaseException) -> None:
        self._name = name
        self._error = error

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        raise self._error


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, BaseException], None]:
    """Break a library: call it with its name and what its import is to raise. `monkeypatch.undo()` repairs it."""

    def install(name: str, error: BaseException) -> None:
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setattr(sys, "meta_path", [Breaking(name, error), *sys.meta_path])

    return install


def messages(codec: str) -> tuple[Any, Encoded, Pipeline]:
    """Give a value, its message, and a pipeline that has loaded nothing yet."""
    packs = codec in default_registry().compressors
    value: Any = bytes(500) if packs else {"a": [1, "text"]}
    serializer = "raw" if packs else codec
    accept = [serializer, "text"]
    encoded = Pipeline(accept).encode(value, serializer=serializer, compression=codec if packs else None)
    named = [codec] if packs else []
    return value, encoded, Pipeline(accept, registry=Registry.of_dialect("satchel"), accept_compression=named)


@pytest.mark.parametrize("error", BROKEN)
@pytest.mark.parametrize("codec", LIBRARIES)
def test_a_library_that_breaks_at_import_is_told_and_works_once_repaired(
    codec: str, error: type[BaseException], broken: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    value, encoded, pipeline = messages(codec)
    fault, told = error("broken"), issubclass(error, Exception) and error is not MemoryError
    broken(LIBRARIES[codec], fault)

    for _ in range(2):
        with pytest.raises(BaseException, match="broken") as caught:
            pipeline.decode(encoded)
        assert fault in chain(caught.value)
        # The set-up is at fault: nobody is to dead-letter the message.
        assert not isinstance(caught.value, DecodeError)
        assert isinstance(caught.value, MissingDependency) is told
    assert pipeline.decode(Encoded(b"text", "text/plain", "utf-8")) == "text"
    monkeypatch.undo()
    assert pipeline.decode(encoded) == value


@pytest.mark.parametrize("codec", LIBRARIES)
def test_a_library_that_cannot_be_linked_is_missing_and_the_cause_is_told(
    codec: str, broken: Callable[..., None]
) -> None:
    _, encoded, pipeline = messages(codec)
    fault = ImportError("undefined symbol: broken")
    broken(LIBRARIES[codec], fault)

    with pytest.raises(MissingDependency) as caught:
        pipeline.decode(encoded)
    assert caught.value.__cause__ is fault
    assert caught.value.install == f"pip install 'satchel[{codec}]'"


@pytest.mark.parametrize(("codec", "library"), [(codec, name) for codec, all_ in ACCELERATORS.items() for name in all_])
@pytest.mark.parametrize("error", [ImportError, OSError, AttributeError])
def test_an_accelerator_that_breaks_at_import_is_done_without_with_a_warning_unless_it_was_asked_for(
    codec: str, library: str, error: type[Exception], broken: Callable[..., None]
) -> None:
    value, encoded, pipeline = messages(codec)
    broken(library, error("undefined symbol"))

    with pytest.warns(RuntimeWarning, match=f"{library}, which does not import .*undefined symbol"):
        assert pipeline.decode(encoded) == value
    with pytest.raises(MissingDependency, match=f"reinstall {library}"):
        Json(engine="fast") if codec == "json" else Msgpack(engine="fast")


class EntryPoint:
    """An installed plugin whose import raises."""

    dist = None

    def __init__(self, name: str, error: BaseException) -> None:
        self.name = name
        self._error = error

    def load(self) -> Any:
        raise self._error


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The plugins that are found; put some in."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(plugins, "discover", lambda group: found)
    return found


@pytest.mark.parametrize("kind", ["serializer", "compressor"])
@pytest.mark.parametrize("error", [*BROKEN, ImportError, ModuleNotFoundError, SyntaxError])
def test_a_plugin_that_breaks_at_import_is_named_and_harms_no_other(
    kind: str, error: type[BaseException], installed: dict[str, Any]
) -> None:
    fault = error("broken")
    installed["bad"] = EntryPoint("bad", fault)
    registry = Registry.of_dialect("satchel")

    for _ in range(2):
        with pytest.raises(BaseException, match="broken") as caught:
            registry.entry("serializer" if kind == "serializer" else "compressor", "bad")
        assert fault in chain(caught.value)
        if error in (KeyboardInterrupt, MemoryError):
            assert caught.value is fault
        else:
            assert isinstance(caught.value, InvalidCodec)
            assert "'bad'" in str(caught.value)
    pipeline = Pipeline(["json"], registry=registry)
    assert pipeline.decode(pipeline.encode([1] * 99, compression="gzip")) == [1] * 99
    assert "bad" not in registry.serializers


def _register_serializer() -> None:
    register_serializer("half", repr, str, "application/x-half")


def _register_compressor() -> None:
    register_compressor("half", bytes, lambda body, *, max_size: body, "application/x-half")


def _register_type() -> None:
    register_type(Half)


@dataclass
class Half:
    part: int


def _is_free(lock: ProcessLock) -> bool:
    """Try it in another thread: the one that holds it would get it again."""
    taken: list[bool] = []

    def take() -> None:
        held: Any = lock.here()
        taken.append(held.acquire(blocking=False))
        if taken[0]:
            held.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return taken[0]


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("register", [_register_serializer, _register_compressor, _register_type])
def test_a_registration_that_fails_midway_changes_neither_registry(
    register: Callable[[], None], error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = default_registry(), celery_registry()
    changed = Registry._changed

    def failing(registry: Registry, **changes: Any) -> Registry:
        # The first of the two has been made by then.
        if registry.dialect == "celery":
            raise error("broken")
        return changed(registry, **changes)

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_changed", failing)
        with pytest.raises(error, match="broken"):
            register()
    assert (default_registry(), celery_registry()) == before
    assert _is_free(process._lock)


def test_what_one_dialect_refuses_is_registered_in_neither() -> None:
    before = default_registry(), celery_registry()

    with pytest.raises(SatchelError):
        register_serializer("json", repr, str, "application/x-half", replace=True)
    assert (default_registry(), celery_registry()) == before


@dataclass(frozen=True)
class Promising:
    """An application's compressor, which does not keep its promise."""

    given: Any
    name: str = "promising"
    content_type: str = "application/x-promising"

    def compress(self, body: Buffer, /) -> bytes:
        return bytes(body)

    def decompress(self, body: Buffer, /, *, max_size: int) -> bytes:
        given: bytes = self.given(max_size) if callable(self.given) else self.given
        return given


@pytest.mark.parametrize("serializer", ["raw", "text", "json", "pickle"])
@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (lambda most: bytes(most + 1), LimitExceeded),
        (lambda most: bytes(100 * most), LimitExceeded),
        (None, CorruptBody),
        ("text", CorruptBody),
        (bytearray(b"1"), CorruptBody),
        (memoryview(b"1"), CorruptBody),
        ([49], CorruptBody),
        (1, CorruptBody),
        ((b"1", b""), CorruptBody),
    ],
)
def test_a_compressor_that_gives_too_much_or_no_bytes_is_not_believed(
    given: Any, refusal: type[DecodeError], serializer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry.of_dialect("satchel").with_compressor(Promising(given))
    limits = Limits(max_decompressed=10_000)
    pipeline = Pipeline([serializer], registry=registry, accept_compression=["promising"], limits=limits)
    codec = registry.serializer(serializer)
    monkeypatch.setattr(type(codec), "loads", lambda *_, **__: pytest.fail("it was parsed"))

    with pytest.raises(refusal, match=r"max_decompressed|gives bytes"):
        pipeline.decode(Encoded(b"x", codec.content_type, codec.content_encoding, "promising"))
