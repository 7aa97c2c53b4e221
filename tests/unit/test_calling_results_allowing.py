"""`App(exceptions=…)`: what is wrong there is told where it is given or, where only a failure shows it, once."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from satchel.calling import App, GroupResult, TaskError
from satchel.calling.results.exceptions import ExceptionTable
from tests.unit.calling import stored


class OutOfStock(Exception):
    pass


class SoldOut(OutOfStock):
    pass


def an_app(**options: Any) -> App:
    return App("shop", broker="memory://", **options)


def failed(folder: Path, module: str, name: str, task_id: str = "task") -> None:
    error = {"exc_type": name, "exc_module": module, "exc_message": ["lamp"]}
    (folder / f"celery-task-meta-{task_id}").write_bytes(stored(error, "FAILURE"))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.name == "satchel.calling"]


# At once


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        ("shop.OutOfStock", "'module:Class'"),
        ("shop.OutOfStock", "write 'shop:OutOfStock'"),
        ("shop.errors.OutOfStock", "write 'shop.errors:OutOfStock'"),
        ("OutOfStock", "'module:Class'"),
        ("shop:", "'module:Class'"),
        (":OutOfStock", "'module:Class'"),
        ("shop errors:OutOfStock", "'module:Class'"),
        ("", "'module:Class'"),
    ],
)
def test_a_name_of_another_form_is_refused_by_the_application(entry: str, right: str) -> None:
    with pytest.raises(ValueError, match=re.escape(right)):
        an_app(exceptions=[entry])


@pytest.mark.parametrize("entry", [int, KeyboardInterrupt, BaseException, StopIteration, OutOfStock("lamp"), 3, None])
def test_what_is_no_class_of_exceptions_is_refused_by_the_application(entry: Any) -> None:
    with pytest.raises(TypeError, match="subclasses of Exception"):
        an_app(exceptions=[entry])


def test_one_name_is_no_list_of_names() -> None:
    with pytest.raises(TypeError, match="must be a list"):
        an_app(exceptions="shop:OutOfStock")


# When it arrives


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("satchel_no_such_module:OutOfStock", "No module named 'satchel_no_such_module'"),
        (f"{__name__}:OutOfStok", "no attribute 'OutOfStok'"),
        (f"{__name__}:stored", "no subclass of Exception"),
    ],
)
def test_a_name_that_is_not_there_is_told_once_by_the_logger(
    entry: str, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = an_app(backend=f"file://{tmp_path}", exceptions=[entry, OutOfStock])
    failed(tmp_path, *entry.split(":"))
    with caplog.at_level(logging.WARNING, "satchel.calling"):
        assert warnings(caplog) == []
        for _ in range(2):
            with pytest.raises(TaskError):
                app.AsyncResult("task").get(5)
        app.configure(result_expires=60)  # The backend is made anew.
        with pytest.raises(TaskError):
            app.AsyncResult("task").get(5)

    (told,) = warnings(caplog)
    assert entry in told
    assert why in told


def test_a_module_that_comes_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = ExceptionTable(["satchel_later:Sold"])
    assert table.find("satchel_later", "Sold") is None
    (tmp_path / "satchel_later.py").write_text("class Sold(Exception): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = table.find("satchel_later", "Sold")

    assert found is not None
    assert found.__name__ == "Sold"


def test_what_is_there_and_what_is_not_listed_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = an_app(backend=f"file://{tmp_path}", exceptions=[f"{__name__}:OutOfStock"])
    failed(tmp_path, __name__, "OutOfStock")
    failed(tmp_path, "satchel_no_such_module", "Forged", "forged")
    with pytest.raises(OutOfStock, match="lamp"):
        app.AsyncResult("task").get(5)
    with pytest.raises(TaskError, match="Forged"):
        app.AsyncResult("forged").get(5)

    assert warnings(caplog) == []


def test_classes_that_are_made_from_an_allowed_one_are_not_allowed(tmp_path: Path) -> None:
    app = an_app(backend=f"file://{tmp_path}", exceptions=[OutOfStock])
    failed(tmp_path, __name__, "SoldOut")
    with pytest.raises(TaskError, match=r"SoldOut\('lamp'\)") as caught:
        app.AsyncResult("task").get(5)

    error = caught.value
    assert (error.exc_module, error.exc_type, error.exc_message) == (__name__, "SoldOut", ["lamp"])
    assert error.args == (error.what,)


# Next to it


def test_a_group_is_restored_from_a_backend_and_not_from_an_application(tmp_path: Path) -> None:
    app: Any = an_app(backend=f"file://{tmp_path}")
    with pytest.raises(TypeError, match=r"GroupResult\.restore\(id, app\.backend\)"):
        GroupResult.restore("group", app)

    assert GroupResult.restore("group", app.backend) is None


def test_a_backend_that_is_not_here_says_how_to_send_without() -> None:
    app = an_app(backend="mongodb://localhost")
    with pytest.raises(ValueError, match=r"no result backend for 'mongodb'.*result_backend=None"):
        app.send_task("shop.add", (1, 2))

    app.configure(result_backend=None)
    assert app.send_task("shop.add", (1, 2)).id
