"""How the exception that a task raised, as it was stored, becomes one here: by an allow-list, not by its name."""

from __future__ import annotations

import builtins
import logging
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, cast

from satchel.calling.results.errors import RemoteTraceback, TaskError, TaskRevoked
from satchel.errors import let_signals_through, text_of
from satchel.message.times import shown

_log = logging.getLogger("satchel.calling")

# Raised out of get() in a generator or a coroutine, these would end it as if nothing were wrong.
_CONTROL_FLOW: Final = (StopIteration, StopAsyncIteration)

BUILTIN: Final[dict[str, type[Exception]]] = {
    f"builtins:{name}": cls
    for name, cls in vars(builtins).items()
    if isinstance(cls, type) and issubclass(cls, Exception) and not issubclass(cls, _CONTROL_FLOW)
    if cls.__name__ == name
}
"""Python's own, by "module:name"; without the aliases, which no worker writes."""


_WRAPPER: Final = ("celery.utils.serialization", "UnpickleableExceptionWrapper")
"""What Celery stores for an exception that pickle does not carry: its arguments are that one's module, name and own."""


POINTING: Final = (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)
"""Those that point into bytes or a text of theirs."""
_WIDEST: Final = 10_000  # Columns, as many as Python fills with spaces when it shows where a syntax is wrong.


class Foreign:
    """Stands for an object in a pickle whose class is not allow-listed: what it was called with, and nothing else."""

    __slots__ = ("args", "module", "name")

    def __init__(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        self.module: str = module
        self.name: str = name
        self.args: tuple[Any, ...] = args

    def __setstate__(self, state: object) -> None:
        """Ignore what else the pickle says of it."""

    def __repr__(self) -> str:
        return f"<Foreign {self.module}:{self.name} {self.args!r}>"


class ExceptionTable:
    """The exception classes that are rebuilt. Immutable, and shared by threads.

    Args:
        allow: classes, or names as "module:Class", besides Python's own; of each that one class, and none that is made
            from it. A module is imported when a task has failed with an exception of that name, and the class called
            with the arguments that the worker stored. What is not there then is logged once.

    Raises:
        TypeError, ValueError: what is given is no subclass of Exception, or no such name.
    """

    def __init__(self, allow: Iterable[str | type[Exception]] = ()) -> None:
        if isinstance(allow, str):
            raise TypeError(f"exceptions must be a list of classes or names, got the str {shown(allow)}")
        self._classes: dict[str, type[Exception] | None] = {**BUILTIN}
        for each in allow:
            name, cls = _allowed(each)
            self._classes[name] = cls
        self._told = set[str]()

    @classmethod
    def of(cls, allow: Iterable[str | type[Exception]] | ExceptionTable) -> ExceptionTable:
        """Make one, unless it is one already."""
        return allow if isinstance(allow, ExceptionTable) else cls(allow)

    def classes(self) -> list[type[Exception]]:
        """Import and give all the classes; those that are not to be had, or are no exceptions, are left out."""
        found = [self.find(*name.split(":", 1)) for name in self._classes]
        return [cls for cls in found if cls is not None]

    def find(self, module: str, name: str) -> type[Exception] | None:
        """Give the class of exactly that module and name, if it is allow-listed."""
        key = f"{module}:{name}"
        if key not in self._classes:
            return None
        return self._classes[key] or self._imported(module, name)

    def _imported(self, module: str, name: str) -> type[Exception] | None:
        try:
            found: Any = sys.modules.get(module) or import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except Exception as error:  # noqa: BLE001 - the task's own failure is what is to be told
            let_signals_through(error)
            self._tell(f"{module}:{name}", f"{type(error).__name__}: {text_of(error)}")
            return None
        if _is_exception(found):
            return cast("type[Exception]", found)
        self._tell(f"{module}:{name}", f"it is {shown(found)}, and no subclass of Exception that a result may raise")
        return None

    def _tell(self, entry: str, why: str) -> None:
        if entry not in self._told:
            self._told.add(entry)
            _log.warning("exceptions=[%r] is not to be had, and comes as a TaskError: %s", entry, why)

    def rebuild(self, state: str, stored: Any, traceback: str | None) -> Exception | None:
        """Make an exception of what was stored as the result of a task in one of `EXCEPTION_STATES`.

        Returns:
            An exception of an allow-listed class, or a `TaskError`; its cause is the worker's traceback. None where a
            task that is tried again has not said why.
        """
        if stored is None and state == "RETRY":
            return None
        module, name, args = _described(stored)
        error: Exception
        if state == "REVOKED":
            error = TaskRevoked(name, module, args, traceback=traceback)
        else:
            built = stored if isinstance(stored, Exception) else self._built(module, name, args)
            known = built is not None and self.find(type(built).__module__, type(built).__qualname__) is type(built)
            known = known and not _overreaches(cast(Exception, built))
            error = cast(Exception, built) if known else TaskError(name, module, args, traceback=traceback)
        if traceback and error.__cause__ is None:
            error.__cause__ = RemoteTraceback(traceback)
        return error

    def _built(self, module: str | None, name: str, args: Any) -> Exception | None:
        cls = None if module is None else self.find(module, name)
        if cls is None:
            return None
        try:
            return cls(*args) if isinstance(args, (list, tuple)) else cls(args)
        except Exception as error:  # noqa: BLE001 - a class may take other arguments than its instances keep
            let_signals_through(error)
            return None


def _overreaches(error: Exception) -> bool:
    """Say whether to show it is no matter of course: it points to where its own text or bytes are not."""
    if isinstance(error, POINTING):
        return error.start < 0  # Python 3.11 and others read there without a look, and crash.
    if isinstance(error, SyntaxError):
        columns: tuple[Any, ...] = error.offset, error.end_offset
        return not all(each is None or (isinstance(each, int) and abs(each) <= _WIDEST) for each in columns)
    return False


def _described(stored: Any) -> tuple[str | None, str, Any]:
    """Give module, name and arguments of a stored exception, in whichever form it came."""
    module, name, args = _named(stored)
    if (module, name) == _WRAPPER and isinstance(args, (list, tuple)) and len(args) >= 3:
        wrapped = args[:3]
        if isinstance(wrapped[0], str) and isinstance(wrapped[1], str):
            return wrapped[0], wrapped[1], wrapped[2]
    return module, name, args


def _named(stored: Any) -> tuple[str | None, str, Any]:
    if isinstance(stored, Foreign):
        return stored.module, stored.name, stored.args
    if isinstance(stored, BaseException):
        return type(stored).__module__, type(stored).__qualname__, stored.args
    if isinstance(stored, dict):
        name, module = stored.get("exc_type"), stored.get("exc_module")
        if isinstance(name, str) and (module is None or isinstance(module, str)):
            return module, name, stored.get("exc_message", ())
    return None, "an exception that was not stored as one", (stored,)


def _allowed(each: object) -> tuple[str, type[Exception] | None]:
    if isinstance(each, str):
        module, _, name = each.partition(":")
        if not module or not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise ValueError(f"exceptions takes classes, or names as 'module:Class', got {shown(each)}{_meant(each)}")
        if module == "builtins" and each not in BUILTIN:
            raise ValueError(f"{each!r} is no subclass of Exception that a result may raise")
        return each, None
    if not _is_exception(each):
        raise TypeError(f"exceptions takes subclasses of Exception, or names as 'module:Class', got {shown(each)}")
    cls = cast("type[Exception]", each)
    return f"{cls.__module__}:{cls.__qualname__}", cls


def _meant(name: str) -> str:
    module, _, cls = name.rpartition(".")
    parts = (*module.split("."), cls)
    return f"; write '{module}:{cls}'" if all(part.isidentifier() for part in parts) and len(name) < 200 else ""


def _is_exception(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, _CONTROL_FLOW)
