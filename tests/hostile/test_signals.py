"""What a signal's handler raises, as a limit of time does, comes out as it is: it is no fault of a value or a body."""

from __future__ import annotations

import functools
import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from satchel import CorruptBody, Encoded, EncodeError, Json, Limits, Msgpack, Pipeline, Yaml, default_registry
from satchel.codecs.base import TaggedType, Types
from satchel.codecs.lowering import locate
from satchel.message import MessageBuilder, bounded_repr

SIGNAL = signal.SIGTERM  # Every system has it.


class Soft(Exception):
    """Such as Celery's limit of time."""


class SoftValue(ValueError):
    pass


class SoftRun(RuntimeError):
    pass


KINDS = [Soft, TimeoutError, SoftValue, SoftRun]


class Own:
    """An application's class, in whose functions the time is up."""


@contextmanager
def handled(handler: Any, number: int = SIGNAL) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def interrupt(*_: object) -> Any:
    signal.raise_signal(SIGNAL)
    return 1


TYPES = Types([TaggedType(Own, "own", interrupt, interrupt)])
#: Codecs by their names in a test, and the body of a tag.
CODECS: dict[str, tuple[Any, bytes]] = {
    "json": (Json(types=TYPES, engine="stdlib"), b'{"__type__":"own","__value__":1}'),
    "json, fast": (Json(types=TYPES, engine="fast"), b'{"__type__":"own","__value__":1}'),
    "msgpack": (Msgpack(types=TYPES), b"\x92\xc7\x03Pown\x01"),
    "yaml": (Yaml(types=TYPES), b"!own [1]\n"),
}


def pipeline(codec: Any) -> Pipeline:
    return Pipeline([codec.name], registry=default_registry().with_serializer(codec, replace=True))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def error(request: pytest.FixtureRequest) -> Iterator[Exception]:
    error: Exception = request.param("time is up")

    def fire(*_: object) -> None:
        raise error

    with handled(fire):
        yield error


@pytest.mark.parametrize("name", CODECS)
def test_it_comes_out_of_to_plain(name: str, error: Exception) -> None:
    codec, _ = CODECS[name]
    builder = MessageBuilder(pipeline(codec), serializer=codec.name)
    for work in (
        lambda: codec.dumps([Own()]),
        lambda: pipeline(codec).encode({"a": [Own()]}, serializer=codec.name),
        lambda: builder.build("shop.pack", ([Own()],)),
    ):
        with pytest.raises(type(error)) as raised:
            work()

        assert raised.value is error
        assert error.__cause__ is None


@pytest.mark.parametrize("name", CODECS)
def test_it_comes_out_of_from_plain(name: str, error: Exception) -> None:
    codec, body = CODECS[name]
    encoded = Encoded(body, codec.content_type, codec.content_encoding)

    for work in (lambda: codec.loads(body, limits=Limits()), lambda: pipeline(codec).decode(encoded)):
        with pytest.raises(type(error)) as raised:
            work()

        assert raised.value is error
        assert error.__cause__ is None


class Wrapping:
    """A codec that wraps what it catches, as ours do with what their libraries raise."""

    name = "wrapping"
    content_type = "application/x-wrapping"
    content_encoding = "binary"

    def dumps(self, value: Any, /) -> bytes:
        try:
            return bytes(interrupt())
        except Exception as error:
            raise EncodeError("it cannot be written") from error

    def loads(self, body: Any, /, *, limits: Any) -> Any:
        try:
            return interrupt()
        except Exception as error:
            raise CorruptBody("it cannot be read") from error


def test_it_comes_out_of_the_error_that_a_codec_made_of_it(error: Exception) -> None:
    wrapping = Pipeline(["wrapping"], registry=default_registry().with_serializer(Wrapping()))
    with handled(signal.SIG_IGN):
        encoded = wrapping.encode(1, serializer="wrapping")

    for work in (lambda: wrapping.encode(1, serializer="wrapping"), lambda: wrapping.decode(encoded)):
        with pytest.raises(type(error)) as raised:
            work()

        assert raised.value is error
        assert error.__context__ is None


class Named(type):
    __module__ = property(interrupt)


class Names(list[Any]):
    def __contains__(self, name: object) -> bool:
        return bool(interrupt())


class Key:
    def __repr__(self) -> str:
        return str(interrupt())


class Silent(Exception):
    def __str__(self) -> str:
        return str(interrupt())


def silent(*_: object) -> Any:
    raise Silent


@pytest.mark.parametrize(
    "work",
    [
        lambda: bounded_repr({"a": 1}, redact=Names("a")),
        lambda: bounded_repr([Named("X", (), {})()]),
        lambda: str(EncodeError("no", path=(Key(),))),
        lambda: Json(types=Types([TaggedType(Own, "own", silent, silent)])).dumps(Own()),
        lambda: locate([1], interrupt),
        lambda: locate([], interrupt),
    ],
    ids=["redact", "class", "path", "message", "part", "whole"],
)
def test_it_comes_out_of_texts_for_logs_and_errors(work: Callable[[], Any], error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        work()

    assert raised.value is error


class Handler:
    def method(self, *_: object) -> None:
        raise Soft

    __call__ = method


@pytest.mark.parametrize(
    "handler",
    [
        Handler().method,
        Handler(),
        functools.partial(Handler().method, 1),
        functools.partial(functools.partial(Handler()), 1),
        lambda *_: Handler().method(),
    ],
    ids=["method", "object", "partial", "partial of a partial", "lambda"],
)
def test_a_handler_may_be_anything_that_is_called(handler: Callable[..., Any]) -> None:
    with handled(handler), pytest.raises(Soft):
        pipeline(CODECS["json"][0]).encode(Own())


def test_a_limit_that_an_applications_code_sets_for_itself_is_its_own_failure() -> None:
    def limited(_: object) -> Any:
        with handled(Handler().method):
            interrupt()

    types = Types([TaggedType(Own, "own", limited, limited)])
    with handled(lambda *_: None), pytest.raises(EncodeError, match="raised Soft"):
        pipeline(Json(types=types)).encode(Own())


def test_an_error_while_another_one_is_handled_is_told_as_ever() -> None:
    def fire(*_: object) -> None:
        raise Soft

    with handled(fire):
        try:
            interrupt()
        except Soft:
            with pytest.raises(EncodeError, match="not carried"):
                Pipeline([]).encode(object())


def test_an_error_that_is_its_own_cause_ends() -> None:
    error = EncodeError("round and round")
    error.__cause__ = error

    def fail(_: object) -> Any:
        raise error

    with pytest.raises(EncodeError, match="round and round"):
        pipeline(Json(types=Types([TaggedType(Own, "own", fail, fail)]))).encode(Own())


LONG = [["it's " * 30] * 15] * 15
BUILDER = MessageBuilder(Pipeline([]))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize(
    ("work", "kind"),
    [
        *((lambda: bounded_repr(LONG), kind) for kind in KINDS),
        *((lambda: bounded_repr([10**4299 + 7, 0]), kind) for kind in KINDS),
        *((lambda: BUILDER.build("shop.pack", LONG), kind) for kind in KINDS),
    ],
)
def test_it_comes_out_wherever_it_comes(work: Callable[[], object], kind: type[Exception]) -> None:
    raised = caught = 0

    def fire(*_: object) -> None:
        nonlocal raised
        raised += 1
        raise kind

    def run(delay: float) -> None:
        # In a function: on Python 3.13, a loop's jump back is in no try of its own.
        before = raised
        signal.setitimer(signal.ITIMER_REAL, delay)
        while raised == before:
            work()

    work()
    gc.disable()  # Hypothesis has a callback there, out of which nothing comes.
    try:
        with handled(fire, signal.SIGALRM):
            for turn in range(1, 51):
                try:
                    run(turn / 50_000)
                except kind:
                    caught += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()

    assert (caught, raised) == (50, 50)
