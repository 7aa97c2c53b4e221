"""What codecs share: configurations that are checked and pickled, libraries that are loaded, buffers."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from satchel import MissingDependency
from satchel.codecs import base
from satchel.codecs.base import Types
from satchel.codecs.json import Json
from satchel.codecs.pickle import Pickle
from tests.unit.buffers import COPIED, KEPT


@dataclass(frozen=True)
class Codec(base.Configured):
    """A codec with an option of each kind, and one thing that it works out."""

    choice: Any = 1
    flag: Any = True
    size: Any = 10

    library: Any = base.derived()

    def __post_init__(self) -> None:
        self._check("choice", 0, 1, "auto")
        self._check_flag("flag")
        self._check_range("size", 1, 2000)
        self._derive(library=object())


def test_what_is_derived_is_no_part_of_a_configuration() -> None:
    codec, twin = Codec(choice="auto"), Codec(choice="auto")

    assert codec.library is not twin.library
    assert codec == twin != Codec()
    assert hash(codec) == hash(twin)
    assert repr(codec) == "Codec(choice='auto', flag=True, size=10)"
    with pytest.raises(TypeError, match="library"):
        Codec(library=1)


def test_a_codec_is_pickled_as_its_configuration() -> None:
    codec = Codec(0, False, 7)

    make, arguments = codec.__reduce__()
    assert arguments == (Codec, {"choice": 0, "flag": False, "size": 7})
    assert make(*arguments) == pickle.loads(pickle.dumps(codec)) == codec


@pytest.mark.parametrize("choice", [0, 1, "auto"])
def test_a_choice_is_one_of_its_list(choice: Any) -> None:
    assert Codec(choice=choice).choice == choice


@pytest.mark.parametrize("choice", [2, -1, None, "", "Auto", True, False])
def test_any_other_choice_is_refused_with_the_list(choice: Any) -> None:
    with pytest.raises(ValueError, match=rf"^choice must be one of 0, 1, 'auto', got {choice!r}$"):
        Codec(choice=choice)


@pytest.mark.parametrize("flag", [0, 1, None, "True"])
def test_a_flag_is_true_or_false(flag: Any) -> None:
    with pytest.raises(TypeError, match=rf"^flag must be True or False, got {flag!r}$"):
        Codec(flag=flag)
    assert (Codec(flag=True).flag, Codec(flag=False).flag) == (True, False)


@pytest.mark.parametrize("size", [1, 2, 1999, 2000])
def test_a_range_holds_its_ends(size: int) -> None:
    assert Codec(size=size).size == size


@pytest.mark.parametrize("size", [-1, 0, 2001, 2002])
def test_a_range_holds_nothing_beyond(size: int) -> None:
    with pytest.raises(ValueError, match=rf"^size must be from 1 to 2,000, got {size}$"):
        Codec(size=size)


@pytest.mark.parametrize("size", [True, False, 1.0, "1", None])
def test_a_range_is_of_ints(size: Any) -> None:
    with pytest.raises(TypeError, match=rf"^size must be an int from 1 to 2,000, got {size!r}$"):
        Codec(size=size)


def test_a_serializer_of_values_is_safe_unless_it_says_otherwise() -> None:
    defaults = base.ValueSerializer

    assert (defaults.safe, defaults.extra, defaults.accelerators) == (True, None, ())
    assert (Json().safe, Pickle().safe) == (True, False)


def test_celerys_dialect_is_asked_of_the_class() -> None:
    assert Json.celery() == Json(dialect="celery") != Json()


def test_types_are_types() -> None:
    @dataclass(frozen=True)
    class Typed(base.ValueSerializer):
        types: Any

        def __post_init__(self) -> None:
            self._check_types()

    assert Typed(Types()).types == ()
    with pytest.raises(TypeError, match=r"^types must be a Types, got \(\); register a type with registry\.with_type"):
        Typed(())


def test_a_library_that_is_there_is_given() -> None:
    named: ModuleType = base.require("json.decoder", codec="own", library="json", extra=None)

    assert named is sys.modules["json.decoder"]
    assert base.optional("json.decoder", codec="own", extra="own") is named
    assert base.optional("json.decoder", codec="own", extra="own", required=True) is named


def test_a_library_that_is_missing_is_named_with_its_cure() -> None:
    with pytest.raises(MissingDependency, match=r"own needs the library absent-library") as caught:
        base.require("absent.module", codec="own", library="absent-library", extra="extra")
    assert caught.value.install == "pip install 'satchel[extra]'"
    assert isinstance(caught.value.__cause__, ImportError)
    with pytest.raises(MissingDependency, match=r"; do this instead$"):
        base.require("absent.module", codec="own", library="absent-library", extra="extra", cure="do this instead")


def test_a_library_that_only_makes_faster_is_missed_only_when_it_is_required() -> None:
    assert base.optional("absent.of.many", codec="own", extra="fast") is None
    with pytest.raises(MissingDependency, match=r"own needs the library absent, which") as caught:
        base.optional("absent.of.many", codec="own", extra="fast", required=True)
    assert caught.value.install == "pip install 'satchel[fast]'"
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Make a module that raises when it is imported; gives its name."""

    def make(error: str) -> str:
        (tmp_path / f"satchel_{error}.py").write_text(f"raise {error}")
        return f"satchel_{error}"

    monkeypatch.syspath_prepend(str(tmp_path))
    return make


def test_a_library_that_breaks_on_import_is_as_good_as_missing(broken: Callable[[str], str]) -> None:
    with pytest.raises(MissingDependency) as caught:
        base.require(broken("OSError"), codec="own", library="broken", extra=None)
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(MissingDependency):
        base.optional(broken("OSError"), codec="own", extra="fast", required=True)


def test_a_broken_library_that_only_makes_faster_is_a_warning_where_it_is_asked_for(
    broken: Callable[[str], str],
) -> None:
    with pytest.warns(RuntimeWarning, match="own goes on without it") as warned:
        assert base.optional(broken("OSError"), codec="own", extra="fast") is None
    assert [warning.filename for warning in warned] == [__file__]


def test_a_lack_of_memory_is_no_lack_of_a_library(broken: Callable[[str], str]) -> None:
    for load in (partial(base.require, library="broken"), base.optional):
        with pytest.raises(MemoryError):
            load(broken("MemoryError"), codec="own", extra="fast")


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_a_buffer_that_c_libraries_read_is_not_copied(body: Any) -> None:
    assert base.flat(body) is body


@pytest.mark.parametrize("body", COPIED.values(), ids=COPIED)
def test_any_other_view_is_copied_into_bytes(body: memoryview) -> None:
    flat = base.flat(body)

    assert type(flat) is bytes
    assert flat == body.tobytes()
