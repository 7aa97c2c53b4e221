"""What a codec of either kind is held to: its form, its configuration, and its use by many threads."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, ClassVar, Literal, NoReturn

from satchel.pipeline import Pipeline
from satchel.registry import Registry, default_registry
from satchel.registry.checks import check_codec
from satchel.types import Buffer, Limits

THREADS = 8


def fail(message: str) -> NoReturn:
    """Fail a check."""
    __tracebackhide__ = True
    raise AssertionError(message)


def check(condition: bool, message: str) -> None:
    """Fail unless a condition holds."""
    __tracebackhide__ = True
    if not condition:
        fail(message)


class CodecSuite:
    """What `SerializerSuite` and `CompressorSuite` share.

    Attributes:
        codec: the codec, as an application would configure it.
        registry: what it is added to; `default_registry()` by default.
        deterministic: equal input gives equal bytes.
        picklable: the codec can be sent to another process; one made of lambdas cannot.
        seed: of the cases that are made up.
    """

    kind: ClassVar[Literal["serializer", "compressor"]]
    codec: ClassVar[Any] = None
    registry: ClassVar[Registry | None] = None
    deterministic: ClassVar[bool] = True
    picklable: ClassVar[bool] = True
    seed: ClassVar[int] = 0

    # The form

    def test_it_has_the_form_of_a_codec(self) -> None:
        """Name, content type, content encoding, methods and their keywords are what a registry asks for."""
        if self.codec is None:
            fail(f"{type(self).__name__} names no codec: give it a class attribute, such as codec = Mine()")
        check_codec(self.kind, self.codec)

    # The configuration

    def test_its_configuration_is_frozen(self) -> None:
        """No attribute can be set: pipelines and threads share the codec."""
        for name in ("name", "content_type", "level"):
            try:
                setattr(self.codec, name, getattr(self.codec, name, 1))
            except (AttributeError, TypeError):
                continue
            fail(f"{self.codec!r}: .{name} can be set; make the class a @dataclass(frozen=True)")

    def test_its_configuration_can_be_compared_and_hashed(self) -> None:
        """A codec equals its copy, and can stand in a set."""
        twin = copy.copy(self.codec)
        check(twin == self.codec, f"{self.codec!r} does not equal its copy: make its class a dataclass")
        check(hash(twin) == hash(self.codec), f"{self.codec!r} and its equal copy have different hashes")
        check(self.codec != object(), f"{self.codec!r} equals anything")

    def test_its_configuration_can_be_read(self) -> None:
        """Its repr names the class and tells how it is configured, not where it lies in memory."""
        text = repr(self.codec)
        check(
            type(self.codec).__name__ in text, f"the repr does not name the class {type(self.codec).__name__}: {text}"
        )
        check(f"{id(self.codec):x}" not in text, f"the repr shows an address instead of the configuration: {text}")

    def test_it_can_be_pickled(self) -> None:
        """Its configuration crosses to another process, and is the same there."""
        if self.picklable:
            twin = pickle.loads(pickle.dumps(self.codec))  # noqa: S301  # our own bytes
            check(twin == self.codec, f"{self.codec!r} comes back from a pickle as {twin!r}")
            check(repr(twin) == repr(self.codec), f"{self.codec!r} comes back from a pickle as {twin!r}")

    # What the suites are made of

    def _registry(self) -> Registry:
        return default_registry() if self.registry is None else self.registry

    def _pipeline(self, limits: Limits) -> Pipeline:
        """Give a pipeline with the codec; one for the thousands of bodies that a check decodes."""
        made: dict[Limits, Pipeline] = self.__dict__.setdefault("_pipelines", {})
        if limits not in made:
            made[limits] = self._made(limits)
        return made[limits]

    def _made(self, limits: Limits) -> Pipeline:
        raise NotImplementedError

    def _random(self) -> Random:
        return Random(self.seed)  # noqa: S311  # test data

    def _in_threads(self, work: Callable[[int], None]) -> None:
        """Run work in threads that begin together, and fail with what failed first in one of them."""
        failures: list[BaseException] = []
        barrier = threading.Barrier(THREADS)

        def run(number: int) -> None:
            try:
                barrier.wait()
                work(number)
            except BaseException as error:  # noqa: BLE001  # it is raised again, in the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


def in_small_stack(work: Callable[[], Any]) -> Any:
    """Call a function in a thread with a stack of 64 KiB, where recursion is felt first; give or raise what it does."""
    results: list[Any] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # it is raised again, in the caller's thread
            failures.append(error)

    before, collecting = threading.stack_size(64 * 1024), gc.isenabled()
    gc.disable()  # Other objects' finalizers would run in that stack.
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
        if collecting:
            gc.enable()
    if failures:
        raise failures[0]
    return results[0]


def buffers(body: Buffer) -> Iterator[Buffer]:
    """Give a body as each of the buffers that must be read, a memoryview into something larger among them."""
    data = bytes(body)
    yield data
    yield bytearray(data)
    yield memoryview(data)
    yield memoryview(bytearray(b"<" + data + b">"))[1:-1]


def truncations(body: bytes, most: int = 2_000) -> Iterator[bytes]:
    """Give every beginning of a body; of a long one, `most`, its first and last bytes among them."""
    step = max(1, len(body) // most)
    for end in {*range(0, len(body), step), *range(max(0, len(body) - 64), len(body))}:
        yield body[:end]


def flips(body: bytes, most: int = 4_000) -> Iterator[bytes]:
    """Give a body with each of its bits flipped; of a long one, about `most` of them."""
    for bit in range(0, len(body) * 8, max(1, len(body) * 8 // most)):
        damaged = bytearray(body)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def mutants(bodies: Iterable[bytes], count: int, random: Random) -> Iterator[bytes]:
    """Give `count` bodies that were damaged in one to four places: flips, inserts, deletions, repeats and splices."""
    originals = list(bodies)
    for _ in range(count):
        body = bytearray(random.choice(originals))
        for _ in range(random.randint(1, 4)):
            at, size = random.randint(0, len(body)), random.choice((1, 1, 2, 4, 16))
            kind = random.randint(0, 5)
            if kind == 0 and body:
                body[at % len(body)] ^= 1 << random.randint(0, 7)
            elif kind == 1:
                body[at:at] = random.randbytes(size)
            elif kind == 2:
                del body[at : at + size]
            elif kind == 3:
                body[at:at] = body[max(0, at - size) : at]
            elif kind == 4:
                body[at : at + 1] = bytes((random.choice(b'\x00\x01\x7f\x80\xff[]{}":,!&*-0 \n'),))
            else:
                other = random.choice(originals)
                start = random.randint(0, len(other))
                body[at : at + size] = other[start : start + size]
        yield bytes(body)
