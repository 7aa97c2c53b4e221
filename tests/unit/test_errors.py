"""The exceptions: their tree, what they carry, how they read, and that they survive a process border."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import satchel
from satchel.errors import (
    ContentDisallowed,
    CorruptBody,
    DecodeError,
    DuplicateCodec,
    EncodeError,
    InvalidCodec,
    LimitExceeded,
    MissingDependency,
    RegistryError,
    SatchelError,
    SealBroken,
    UnknownCodec,
    UnknownDictionary,
    format_path,
    text_of,
)

SAMPLES = {
    type(error): error
    for error in (
        SatchelError("a", expected="b", cure="c"),
        RegistryError("a", expected="b", cure="c"),
        UnknownCodec("serializer", "jsno", ("json", "yaml"), cure="c"),
        DuplicateCodec("a", cure="c"),
        InvalidCodec("a", expected="b"),
        MissingDependency("zstd", "zstandard", "zstd"),
        EncodeError("a", expected="b", cure="c", codec="json", path=("kwargs", "items", 3)),
        DecodeError("a"),
        ContentDisallowed("a", expected="b", cure="c", content_type=["x"], accept=("application/json",)),
        LimitExceeded("max_depth", 100),
        CorruptBody("a", expected="b", cure="c", codec="zlib"),
        UnknownDictionary(5, (6, 7), codec="zstd-dictionary"),
        SealBroken("a", expected="b", cure="c"),
    )
}

every_error = pytest.mark.parametrize("error", SAMPLES.values(), ids=lambda error: type(error).__name__)


def tree(cls: type[SatchelError]) -> Iterator[type[SatchelError]]:
    yield cls
    for below in cls.__subclasses__():
        if below.__module__ == "satchel.errors":
            yield from tree(below)


def facts(error: BaseException) -> dict[str, Any]:
    return {"type": type(error), "text": str(error), "args": error.args, **vars(error)}


def test_every_error_has_a_sample_here_and_is_importable_from_satchel() -> None:
    classes = set(tree(SatchelError))

    assert classes == set(SAMPLES)
    assert {cls.__name__ for cls in classes} <= set(satchel.__all__)


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (UnknownCodec, (RegistryError, LookupError)),
        (DuplicateCodec, (RegistryError, ValueError)),
        (InvalidCodec, (RegistryError, TypeError)),
        (MissingDependency, (RegistryError, ImportError)),
        (EncodeError, (SatchelError,)),
        (ContentDisallowed, (DecodeError,)),
        (LimitExceeded, (DecodeError,)),
        (CorruptBody, (DecodeError,)),
        (UnknownDictionary, (CorruptBody,)),
        (SealBroken, (DecodeError,)),
    ],
)
def test_errors_are_caught_by_their_kind_and_by_pythons_own(cls: type, bases: tuple[type, ...]) -> None:
    assert cls.__bases__ == bases


@every_error
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle_with_all_that_they_say(error: SatchelError, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(error, protocol))

    assert facts(again) == facts(error)


@every_error
def test_errors_copy_with_all_that_they_say(error: SatchelError) -> None:
    assert facts(copy.copy(error)) == facts(error)
    assert facts(copy.deepcopy(error)) == facts(error)


def test_an_error_with_a_note_keeps_it_when_pickled() -> None:
    error = EncodeError("a", codec="json")
    error.__dict__["__notes__"] = ["while sending shop.tasks.ship"]

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while sending shop.tasks.ship"]


def test_a_subclass_with_arguments_of_its_own_pickles() -> None:
    error = Refused(7)

    assert facts(pickle.loads(pickle.dumps(error))) == facts(error)


class Refused(DecodeError):
    def __init__(self, number: int) -> None:
        super().__init__(f"order {number} is refused", cure="ask for another")
        self.number = number


def test_an_error_says_what_is_wrong_what_would_be_right_and_the_cure() -> None:
    error = SatchelError("no such thing", expected="this or that", cure="choose one")

    assert (error.what, error.expected, error.cure) == ("no such thing", "this or that", "choose one")
    assert str(error) == "no such thing; this or that; choose one"
    assert str(SatchelError("no such thing")) == "no such thing"


def test_unknown_codec_suggests_the_nearest_name_and_lists_all() -> None:
    error = UnknownCodec("serializer", "jsno", ("json", "msgpack"))

    assert (error.kind, error.name, error.known, error.suggestion) == (
        "serializer",
        "jsno",
        ("json", "msgpack"),
        "json",
    )
    assert str(error) == "no serializer 'jsno'; did you mean 'json'?; known: json, msgpack"


@pytest.mark.parametrize("name", ["qqqq", "", None, 7, b"json"])
def test_unknown_codec_suggests_nothing_where_nothing_is_near(name: object) -> None:
    error = UnknownCodec("compressor", name, ("gzip", "zlib"))

    assert error.suggestion is None
    assert str(error) == f"no compressor {name!r}; known: gzip, zlib"


def test_unknown_codec_says_when_there_are_none() -> None:
    assert str(UnknownCodec("kombu plugin", "x", ())) == "no kombu plugin 'x'; known: none"


def test_unknown_codec_reads_as_a_sentence_and_not_as_a_key() -> None:
    # KeyError, another LookupError, would show the repr of its message.
    assert not issubclass(UnknownCodec, KeyError)


def test_missing_dependency_names_the_exact_command() -> None:
    error = MissingDependency("zstd", "zstandard", "zstd")

    assert (error.codec, error.library, error.install) == ("zstd", "zstandard", "pip install 'satchel[zstd]'")
    assert str(error) == "zstd needs the library zstandard, which is not installed; run: pip install 'satchel[zstd]'"


def test_missing_dependency_that_no_command_installs_names_the_cure() -> None:
    error = MissingDependency("bzip2", "bz2", None)

    assert error.install is None
    assert str(error) == "bzip2 needs the library bz2, which is not installed; use a Python that was built with bz2"


def test_encode_error_names_the_codec_and_the_path() -> None:
    error = EncodeError("a set", cure="send a list", codec="json", path=("kwargs", "items", 3, "price"))

    assert (error.codec, error.path) == ("json", ("kwargs", "items", 3, "price"))
    assert str(error) == "json: a set at kwargs.items[3].price; send a list"


def test_corrupt_body_names_the_codec() -> None:
    error = CorruptBody("the stream is truncated", codec="zlib")

    assert error.codec == "zlib"
    assert str(error) == "zlib: the stream is truncated"
    assert str(CorruptBody("the stream is truncated")) == "the stream is truncated"


def test_limit_exceeded_names_the_field_of_limits_and_how_to_raise_it() -> None:
    error = LimitExceeded("max_decompressed", 16_777_216)

    assert (error.limit, error.maximum) == ("max_decompressed", 16_777_216)
    assert str(error) == (
        "the message exceeds max_decompressed=16,777,216; "
        "if it is genuine, raise Limits(max_decompressed=…) where it is decoded"
    )


def test_content_disallowed_keeps_the_header_as_it_came_and_what_would_have_been_accepted() -> None:
    error = ContentDisallowed("refused", content_type=b"text/html", accept=("application/json",))

    assert (error.content_type, error.accept) == (b"text/html", ("application/json",))


@pytest.mark.parametrize("depth", [17, 100, 100_000])
def test_a_long_path_is_written_by_its_ends(depth: int) -> None:
    text = format_path(("args", *range(1, depth)))

    assert text.startswith("args[1][2]")
    assert text.endswith(f"[{depth - 2}][{depth - 1}]")
    assert len(text) < 200


class Name(str):
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __format__ = isidentifier = __str__  # type: ignore[assignment]


class Mute:
    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("kwargs",), "kwargs"),
        (("kwargs", "items", 3, "price"), "kwargs.items[3].price"),
        ((0, 1), "[0][1]"),
        (("args", 0, "a b"), "args[0]['a b']"),
        (("", "x"), "[''].x"),
        (("a.b",), "['a.b']"),
        (("größe", "x\n"), "größe['x\\n']"),
        ((None, 1.5, (2,)), "[None][1.5][(2,)]"),
        ((Name("a"), Name("b c"), Name("d")), "a['b c'].d"),
    ],
)
def test_path_is_written_as_python_would(path: tuple[object, ...], text: str) -> None:
    assert format_path(path) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (10**5000, "[<int>]"),
        (Mute(), "[<Mute>]"),
        ((1, Mute()), "[<tuple>]"),
        (type("M" * 10**6, (Mute,), {})(), f"[<{'M' * 100}…>]"),
        ("x" * 10**6, f"{'x' * 100}…"),
        ("a b" * 10**6, f"['{('a b' * 33)}…]"),
        ((1,) * 10**6, f"[({'1, ' * 33}…]"),
        ("x" * 100, "x" * 100),
    ],
    ids=["digits", "mute", "mute within", "long class", "name", "text", "tuple", "longest"],
)
def test_a_part_of_a_path_is_shown_within_bounds_whatever_it_is(part: Any, text: str) -> None:
    assert str(EncodeError("no", path=(part,))) == f"no at {text}"
    assert len(str(EncodeError("no", path=(part,) * 1000))) < 16 * 110


def test_an_error_that_fails_to_say_what_it_is_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert text_of(Mute()) == "Mute, whose text raises ZeroDivisionError"
    assert text_of(ValueError("x" * 1_000)) == "x" * 200
