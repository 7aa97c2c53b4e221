"""No stored result runs anything: exceptions are rebuilt by an allow-list, all else is a `TaskError`."""

from __future__ import annotations

import builtins
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from satchel import ContentDisallowed
from satchel.calling.results import RemoteTraceback, TaskError, TaskRevoked
from satchel.calling.results.exceptions import ExceptionTable
from satchel.calling.results.reading import ResultReader


class OutOfStock(Exception):
    class Nested(Exception):
        pass


class Picky(Exception):
    def __init__(self, one: str, *, other: int) -> None:
        super().__init__(one)


class Ends(BaseException):
    pass


class Stops(StopIteration):
    pass


HERE = __name__


def rebuilt(
    module: object, name: object, message: object = (), state: str = "FAILURE", table: ExceptionTable | None = None
) -> Any:
    value = {"exc_module": module, "exc_type": name, "exc_message": message}
    return (table or ExceptionTable()).rebuild(state, value, "Traceback: here")


def test_pythons_own_are_rebuilt_by_default() -> None:
    error = rebuilt("builtins", "KeyError", ["missing", 2])

    assert (type(error), error.args) == (KeyError, ("missing", 2))
    assert isinstance(error.__cause__, RemoteTraceback)
    assert str(error.__cause__) == "\n\nTraceback: here"


@pytest.mark.parametrize("state", ["FAILURE", "RETRY"])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "exit"),
        ("builtins", "print"),
        ("builtins", "SystemExit"),
        ("builtins", "KeyboardInterrupt"),
        ("builtins", "GeneratorExit"),
        ("builtins", "BaseException"),
        ("builtins", "StopIteration"),
        ("builtins", "StopAsyncIteration"),
        ("builtins", "BaseExceptionGroup"),
        ("builtins", "KeyError.__init__"),
        ("builtins", "object"),
        ("builtins", "__import__"),
        ("asyncio.exceptions", "CancelledError"),
        ("subprocess", "CalledProcessError"),
        ("", "KeyError"),
        (None, "KeyError"),
        ("builtins.KeyError", ""),
        ("bui" * 100_000, "KeyError" * 100_000),
    ],
)
def test_a_forged_name_is_told_and_not_called(module: Any, name: str, state: str, tmp_path: Path) -> None:
    error = rebuilt(module, name, [f"touch {tmp_path}/ran"], state)

    assert type(error) is TaskError
    assert (error.exc_module, error.exc_type) == (module, name)
    assert len(str(error)) < 1000
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "value",
    [
        "a text",
        3,
        [],
        ["os", "system"],
        {},
        {"exc_type": ["x"]},
        {"exc_type": None},
        {"exc_type": "A", "exc_module": 3},
    ],
)
def test_what_is_no_exception_is_told_all_the_same(value: Any) -> None:
    error = ExceptionTable().rebuild("FAILURE", value, None)

    assert type(error) is TaskError
    assert error.__cause__ is None


def test_a_module_is_imported_only_when_it_is_allow_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_errors_of_test.py").write_text("class Sold(Exception): pass\nclass Other(Exception): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = rebuilt("shop_errors_of_test", "Sold", ["lamp"])
    imported_for_nothing = "shop_errors_of_test" in sys.modules
    table = ExceptionTable(["shop_errors_of_test:Sold"])
    raised = rebuilt("shop_errors_of_test", "Sold", ["lamp"], table=table)
    other = rebuilt("shop_errors_of_test", "Other", table=table)
    del sys.modules["shop_errors_of_test"]

    assert (type(told), imported_for_nothing) == (TaskError, False)
    assert (type(raised).__name__, raised.args) == ("Sold", ("lamp",))
    assert type(other) is TaskError


def test_a_class_is_found_by_exactly_its_module_and_name() -> None:
    table = ExceptionTable([OutOfStock, OutOfStock.Nested])

    assert type(rebuilt(HERE, "OutOfStock", table=table)) is OutOfStock
    assert type(rebuilt(HERE, "OutOfStock.Nested", table=table)) is OutOfStock.Nested
    assert type(rebuilt(HERE, "Nested", table=table)) is TaskError
    assert type(rebuilt("elsewhere", "OutOfStock", table=table)) is TaskError


def test_a_name_that_turns_out_to_be_no_exception_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    module = ModuleType("not_what_it_seems")
    module.call = called.append  # type: ignore[attr-defined]
    module.Ends, module.Stops = Ends, Stops  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "not_what_it_seems", module)
    names = ["call", "Ends", "Stops", "missing"]
    table = ExceptionTable([*(f"not_what_it_seems:{name}" for name in names), "no_such_module_of_test:Error"])
    errors = [rebuilt("not_what_it_seems", name, ["x"], table=table) for name in names]

    assert [type(error) for error in errors] == [TaskError] * 4
    assert type(rebuilt("no_such_module_of_test", "Error", table=table)) is TaskError
    assert called == []


def test_a_class_that_does_not_take_its_own_arguments_is_told() -> None:
    error = rebuilt(HERE, "Picky", ["one"], table=ExceptionTable([Picky]))

    assert (type(error), error.exc_type, error.exc_message) == (TaskError, "Picky", ["one"])


@pytest.mark.parametrize(
    ("allow", "error"),
    [
        ([Ends], TypeError),
        ([Stops], TypeError),
        ([print], TypeError),
        (["shop.errors.OutOfStock"], ValueError),
        (["builtins:SystemExit"], ValueError),
        (["builtins:eval"], ValueError),
        ([":x"], ValueError),
        ("shop:Error", TypeError),
    ],
)
def test_what_can_never_be_raised_is_not_taken(allow: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"Exception|exceptions"):
        ExceptionTable(allow)


def test_all_of_pythons_exceptions_are_known_but_those_that_end_loops() -> None:
    known = {each for each in vars(builtins).values() if isinstance(each, type) and issubclass(each, Exception)}

    assert known - set(ExceptionTable().classes()) == {StopIteration, StopAsyncIteration}


def test_huge_arguments_make_a_short_text() -> None:
    error = rebuilt("shop", "Error", [["x" * 1000] * 1000] * 1000)

    assert len(str(error)) < 2000
    assert len(error.exc_message) == 1000


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("UnicodeDecodeError", ["utf-8", b"abc", -(10**15), 1 - 10**15, "text"]),
        ("UnicodeEncodeError", ["utf-8", "abc", -1, 0, "text"]),
        ("UnicodeTranslateError", ["abc", -1, 0, "text"]),
        ("SyntaxError", ["text", ["file", 1, 10**9, "code"]]),
        ("SyntaxError", ["text", ["file", 1, 1, "code", 1, -(10**9)]]),
    ],
)
def test_what_python_cannot_show_within_bounds_is_told(name: str, args: list[Any]) -> None:
    error = rebuilt("builtins", name, args)

    assert (type(error), error.exc_type) == (TaskError, name)
    assert name in str(error)


def test_errors_that_point_into_their_own_text_are_rebuilt() -> None:
    broken = rebuilt("builtins", "UnicodeDecodeError", ["utf-8", b"a\xff", 1, 2, "invalid start byte"])
    wrong = rebuilt("builtins", "SyntaxError", ["invalid syntax", ["file", 1, 2, "a b", 1, 3]])
    empty = rebuilt("builtins", "UnicodeDecodeError", ["utf-8", b"", 0, 1, "empty"])

    assert str(broken) == "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
    assert (type(wrong), wrong.offset) == (SyntaxError, 2)
    assert type(empty) is UnicodeDecodeError


def test_a_revoked_task_is_told_whatever_was_stored() -> None:
    error = rebuilt("celery.exceptions", "TaskRevokedError", ["expired"], "REVOKED")
    forged = rebuilt("builtins", "KeyError", ["x"], "REVOKED")

    assert (type(error), str(error)) == (TaskRevoked, "celery.exceptions.TaskRevokedError('expired')")
    assert type(forged) is TaskRevoked


def test_what_celery_wrapped_is_unwrapped() -> None:
    wrapped = ["shop", "Sold", ["lamp"], "Sold('lamp')"]
    error = rebuilt("celery.utils.serialization", "UnpickleableExceptionWrapper", wrapped)

    assert (error.exc_module, error.exc_type, error.exc_message) == ("shop", "Sold", ["lamp"])


# Pickles


def pickled(result: Any, state: str = "FAILURE", **more: Any) -> bytes:
    return pickle.dumps({"status": state, "result": result, "traceback": "here", "children": [], **more}, 4)


def read(body: bytes, *allow: Any) -> Any:
    reader = ResultReader("pickle", ["pickle"], exceptions=allow)
    return reader.record(reader.decode(body)).result


class Runs:
    def __init__(self, call: Any, *args: Any) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> Any:
        return self.call, self.args


def test_a_pickled_error_that_points_is_looked_at_first() -> None:
    forged = UnicodeDecodeError("utf-8", b"abc", -(10**15), 1 - 10**15, "text")
    honest = read(pickled(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")))

    assert type(read(pickled(forged))) is TaskError
    assert (type(honest), honest.object) == (UnicodeDecodeError, b"\xff")
    with pytest.raises(ContentDisallowed):
        read(pickled(forged, "SUCCESS"))


def test_pickled_exceptions_are_rebuilt_by_the_same_list() -> None:
    error = read(pickled(KeyError("missing", 2)))
    told = read(pickled(OutOfStock("lamp")))
    own = read(pickled(OutOfStock("lamp")), OutOfStock)

    assert (type(error), error.args, type(error.__cause__)) == (KeyError, ("missing", 2), RemoteTraceback)
    assert (type(told), told.exc_type, told.exc_message) == (TaskError, "OutOfStock", ("lamp",))
    assert (type(own), own.args) == (OutOfStock, ("lamp",))


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Ends("x"), StopIteration(1)])
def test_a_pickled_exception_that_ends_programs_is_told(error: BaseException) -> None:
    told = read(pickled(error))

    assert (type(told), told.exc_type) == (TaskError, type(error).__name__)


@pytest.mark.parametrize("state", ["FAILURE", "SUCCESS", "RETRY", "MINE"])
def test_a_pickle_that_calls_runs_nothing(state: str, tmp_path: Path) -> None:
    body = pickled(Runs(os.system, f"touch {tmp_path}/ran"), state)
    if state in ("FAILURE", "RETRY"):
        assert type(read(body)) is TaskError
    else:
        with pytest.raises(ContentDisallowed, match="system"):
            read(body)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "body",
    [
        pickled(OutOfStock("lamp"), "SUCCESS"),
        pickled([OutOfStock("lamp")]),
        pickled(OutOfStock(OutOfStock("lamp"))),
        pickled(None, args=[OutOfStock("lamp")]),
        pickle.dumps([OutOfStock("lamp")], 4),
    ],
    ids=["success", "in a list", "two", "elsewhere", "no mapping"],
)
def test_an_unknown_class_anywhere_else_is_refused(body: bytes) -> None:
    with pytest.raises(ContentDisallowed, match="OutOfStock"):
        read(body)
