"""What the threads of G16 do: calls of every kind, whose right outcome one thread found out before."""

from __future__ import annotations

import faulthandler
import json
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import make_dataclass
from functools import partial
from random import Random
from typing import Any, NamedTuple

import satchel
from satchel import (
    ContentDisallowed,
    CorruptBody,
    DuplicateCodec,
    Encoded,
    EncodeError,
    LimitExceeded,
    Limits,
    Pipeline,
    Registry,
    SatchelError,
    celery_registry,
    default_registry,
)
from satchel.testing import AWKWARD, difference, random_values
from tests.hostile.bodies import COMPRESSORS, DIALECTS, SERIALIZERS, message, packed

#: As small as can be: threads that hold the GIL hand it on all the time.
SWITCH_INTERVAL = 1e-6
#: One call of so many registers something, and every pipeline then works out anew what it accepts.
REGISTERING = 400

LIMITS = (Limits(), Limits(max_body=400, max_decompressed=500), Limits(max_depth=3, max_nodes=20))


class Refused(NamedTuple):
    """The error that a call ended with."""

    error: type[Exception]
    text: str


class Call(NamedTuple):
    """A call, and what one thread got from it: a value, or a `Refused`."""

    make: Callable[[], Any]
    outcome: Any


def outcome(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except SatchelError as error:
        return Refused(type(error), str(error))


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, Encoded | Refused):
        return type(actual) is type(expected) and bool(actual == expected)
    return difference(expected, actual) is None


def values() -> list[Any]:
    """Give values that all threads share: small and large, shaped like tags, and such as cannot be written."""
    wide = [
        {"id": number, "text": f"row {number} é", "float": number / 7, "more": [None, True]} for number in range(40)
    ]
    awkward = [value for value in AWKWARD if type(value).__name__ not in ("generator", "list_iterator")]
    return [
        *random_values(40, seed=16),
        *awkward[::3],
        wide,
        {"args": [1], "kwargs": {"a": b"\xff" * 300}},
        "x" * 2_000,
    ]


def shared_pipelines() -> list[Pipeline]:
    """Give the pipelines that all threads share: both dialects, as they are now and as they come to be."""
    return [
        Pipeline([*SERIALIZERS, "raw"], registry=registry, limits=limits, compression_threshold=0)
        for dialect in DIALECTS.values()
        for registry in (dialect, dialect())
        for limits in LIMITS
    ]


def calls() -> list[Call]:
    """Give calls of every kind with their outcomes."""
    made = [*encoding_and_decoding(), *hostile(), *long()]
    return [Call(make, outcome(make)) for make in made]


def encoding_and_decoding() -> Iterator[Callable[[], Any]]:
    pipelines, choose = shared_pipelines(), Random(16)
    for value in values():
        for serializer in SERIALIZERS:
            for pipeline in choose.sample(pipelines, 4):
                compression = choose.choice([None, *COMPRESSORS])
                encode = partial(pipeline.encode, value, serializer=serializer, compression=compression)
                yield encode
                encoded = outcome(encode)
                if isinstance(encoded, Encoded):
                    yield partial(pipeline.decode, encoded)
                    # The buffer is shared, too.
                    yield partial(choose.choice(pipelines).decode, encoded._replace(body=bytearray(encoded.body)))


def long() -> Iterator[Callable[[], Any]]:
    """Give calls during which a library lets other threads run, so often that they meet in it."""
    pipeline, choose = shared_pipelines()[0], Random(18)
    for _ in range(40):
        body = " ".join(str(choose.random()) for _ in range(2_000)).encode()
        for compression in ("zstd", "zlib"):
            encode = partial(pipeline.encode, body, serializer="raw", compression=compression)
            yield encode
            yield partial(pipeline.decode, encode())


def hostile() -> Iterator[Callable[[], Any]]:
    """Give decodes of what is refused, and of what is damaged."""
    pipelines, choose = shared_pipelines(), Random(17)
    registry, plain = default_registry(), json.dumps(list(range(300))).encode()
    bodies = [packed(name, registry.compressor(name).compress(bytes(3_000_000))) for name in COMPRESSORS]
    bodies += [message(name, b"[" * 5_000) for name in SERIALIZERS]
    bodies += [message("msgpack", b"\x91" * 5_000 + b"\x90"), message("yaml", b"&a [*a]"), message("json", b"[NaN, 1")]
    bodies += [
        message("pickle", b"cos\nsystem\n(S'false'\ntR."),
        message("pickle", b"\x80\x04cos\nsystem\nX\2\0\0\0ls\x85R."),
    ]
    for name in COMPRESSORS:
        body = registry.compressor(name).compress(plain)
        damaged = (body[: choose.randrange(len(body))] for _ in range(4))
        bodies += [message("json", part, registry.compressor(name).content_type) for part in (*damaged, body + b"\0")]
        position = choose.randrange(len(body))
        flipped = body[:position] + bytes([body[position] ^ 1 << choose.randrange(8)]) + body[position + 1 :]
        bodies += [message("json", flipped, registry.compressor(name).content_type)]
    whole = message("json", plain)
    bodies += [whole._replace(content_type=wrong) for wrong in ("text/html", "", None, b"application/json")]  # type: ignore[arg-type]
    bodies += [whole._replace(content_encoding="bz2_codec"), whole._replace(compression="application/x-none")]
    for encoded in bodies:
        for pipeline in choose.sample(pipelines, 4):
            yield partial(pipeline.decode, encoded)


class Registering:
    """What one thread registers, over and over, under names of its own; what it registered last must be in force."""

    _pipelines: list[Pipeline]

    def __init__(self, thread: int) -> None:
        self._name = f"own-{thread}"
        self._version = 0
        self._type = type("Own", (), {})
        self._register()

    @classmethod
    def of(cls, threads: int) -> list[Registering]:
        """Give one for each thread; their pipelines are shared."""
        each = [cls(number) for number in range(threads)]
        accept = [*SERIALIZERS, *(one._name for one in each)]
        packers = [f"{one._name}-packer" for one in each]
        cls._pipelines = [
            Pipeline(accept, registry=dialect, accept_compression=packers, compression_threshold=0)
            for dialect in DIALECTS.values()
        ]
        return each

    def _register(self) -> None:
        name, mark = self._name, f"{self._name} {self._version} ".encode()

        def decompress(body: bytes, *, max_size: int) -> bytes:
            return zlib.decompressobj().decompress(body.removeprefix(mark), max_size)

        satchel.register_serializer(
            name,
            lambda value: mark + json.dumps(value).encode(),
            lambda body: json.loads(body.removeprefix(mark)),
            f"application/x-{name}",
            "binary",
            replace=True,
        )
        satchel.register_compressor(
            f"{name}-packer",
            lambda body: mark + zlib.compress(body),
            decompress,
            f"application/x-{name}-packed",
            replace=True,
        )
        self._type = make_dataclass(f"Own{self._version}", ["x"])
        satchel.register_type(self._type, name, replace=True)

    def __call__(self) -> None:
        self._version += 1
        self._register()
        for register in (
            lambda: satchel.register_serializer("json", str, str, "application/json"),
            lambda: satchel.register_type(make_dataclass("Other", ["x"]), self._name),
        ):
            if outcome(register).error is not DuplicateCodec:
                raise AssertionError(f"json, or the type of {self._name}, was registered twice")
        self.check()

    def check(self) -> None:
        """Encode and decode by what this thread registered last; other threads register in between."""
        value, mark = ["x" * 300, self._version], f"{self._name} {self._version} ".encode()
        for pipeline in self._pipelines:
            encoded = pipeline.encode(value, serializer=self._name, compression=f"{self._name}-packer")
            right = bytes(encoded.body).startswith(mark) and encoded.compression == f"application/x-{self._name}-packed"
            if not right or pipeline.decode(encoded) != value:
                raise AssertionError(f"{self._name} {self._version} is not in force: {encoded}")
        ours, celery = self._pipelines
        if ours.decode(ours.encode(self._type(1), serializer="msgpack")) != self._type(1):
            raise AssertionError(f"the type of {self._name} {self._version} is not in force")
        if outcome(lambda: celery.encode(self._type(1))).error is not EncodeError:
            raise AssertionError("Celery's dialect wrote an application's type")


def alone() -> None:
    """Make what is a thread's own: a registry and a pipeline, whose codecs are loaded anew."""
    pipeline = Pipeline(["json", "yaml"], registry=Registry.of_dialect("satchel"), accept_compression=["gzip", "zstd"])
    for serializer, compression in (("json", "zstd"), ("yaml", "gzip")):
        encoded = pipeline.encode([1, "a" * 500], serializer=serializer, compression=compression)
        if pipeline.decode(encoded) != [1, "a" * 500]:
            raise AssertionError("a pipeline of its own gave something else")


def together(count: int, work: Callable[[int], None]) -> None:
    """Run a work in so many threads, which begin at the same moment; the first failure of each is raised."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:  # noqa: BLE001  # raised below
            failures.append(error)

    sys.setswitchinterval(SWITCH_INTERVAL)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise AssertionError(f"{len(failures)} of {count} threads: {failures[0]!r}") from failures[0]


def storm(threads: int, count: int) -> None:
    """Let each thread make so many calls, in an order of its own."""
    faulthandler.enable()
    own = Registering.of(threads)
    known = calls()
    errors = {call.outcome.error for call in known if isinstance(call.outcome, Refused)}
    if errors != {EncodeError, ContentDisallowed, LimitExceeded, CorruptBody}:
        raise AssertionError(f"the calls are not mixed: {errors}")

    def work(number: int) -> None:
        choose = Random(number)
        for done in range(count):
            if done % REGISTERING == number:
                own[number]()
            elif done % 50 == 0:
                choose.choice([own[number].check, alone])()
            else:
                call = choose.choice(known)
                actual = outcome(call.make)
                if not same(call.outcome, actual):
                    raise AssertionError(f"{call.make} gave {actual!r}, not {call.outcome!r}")

    together(threads, work)


def first_use(threads: int, seed: int) -> None:
    """Let threads use, at the same moment, codecs that no one has used before, in the process's registries."""
    faulthandler.enable()
    loaded = {f"satchel.codecs.{name}" for name in (*SERIALIZERS, *COMPRESSORS)} & set(sys.modules)
    if loaded:
        raise AssertionError(f"used before: {loaded}")
    both = [Pipeline(SERIALIZERS, registry=dialect) for dialect in (default_registry, celery_registry)]
    value = {"a": ["x" * 200, 1.5, None, {"b": 2**60}]}

    def work(number: int) -> None:
        choose = Random(seed * 1_000 + number // 2)  # Two threads each go the same way.
        for serializer in choose.sample(SERIALIZERS, len(SERIALIZERS)):
            for compression in choose.sample(COMPRESSORS, len(COMPRESSORS)):
                pipeline = choose.choice(both)
                back = pipeline.decode(pipeline.encode(value, serializer=serializer, compression=compression))
                if difference(value, back):
                    raise AssertionError(f"{serializer} and {compression} gave {back!r}")

    together(threads, work)
