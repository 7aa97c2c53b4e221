"""What waiting for a result may raise, besides what the task itself raised."""

from __future__ import annotations

from typing import Any

from satchel.errors import SatchelError
from satchel.message.times import shown


class ResultTimeout(SatchelError, TimeoutError):
    """A result was not there in the time that was given. The task may still run; asking again is safe."""


class BackendError(SatchelError):
    """The result backend cannot be reached or used; `__cause__` is what its library raised.

    It says nothing of the task, which may have run.

    Attributes:
        lasting: asking again would not help, as with a wrong password.
    """

    def __init__(
        self, what: str, *, expected: str | None = None, cure: str | None = None, lasting: bool = False
    ) -> None:
        super().__init__(what, expected=expected, cure=cure)
        self.lasting = lasting


class TaskError(SatchelError):
    """A task failed with an exception that is not rebuilt here, since its class is not allow-listed.

    Its own `args` are its text alone.

    Attributes:
        exc_module: the module of the exception's class, as the worker said it, or None.
        exc_type: its name.
        exc_message: its arguments, as they were stored.
        traceback: the worker's traceback as text, or None.
    """

    def __init__(
        self, exc_type: str, exc_module: str | None = None, exc_message: Any = (), *, traceback: str | None = None
    ) -> None:
        name = f"{exc_module}.{exc_type}" if exc_module and exc_module != "builtins" else exc_type
        args = exc_message if isinstance(exc_message, (list, tuple)) else (exc_message,)
        super().__init__(f"{name[:200]}({', '.join(shown(argument) for argument in args[:8])})")
        self.exc_type = exc_type
        self.exc_module = exc_module
        self.exc_message: Any = exc_message
        self.traceback = traceback


class TaskRevoked(TaskError):
    """A task was not run: it was revoked, or its time to start was over (``expires``)."""


class RemoteTraceback(Exception):
    """The worker's traceback: the cause of an exception that a task raised, so that Python prints both."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n\n{self.text.rstrip()}"
