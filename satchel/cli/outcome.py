"""How a command ends: its exit code, and one line that says what is wrong and what to do."""

from __future__ import annotations

from satchel.errors import (
    ContentDisallowed,
    DecodeError,
    EncodeError,
    LimitExceeded,
    MissingDependency,
    RegistryError,
    SatchelError,
)

OK = 0
FAILED = 1
USAGE = 2
BAD_DATA = 3
MISSING = 4
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell shows for a program that SIGPIPE ended."""


class Failure(Exception):
    """A command cannot go on. `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(" ".join(message.split()))
        self.code = code

    @classmethod
    def of(cls, error: BaseException) -> Failure | None:
        """Give the failure that an error of Satchel's or of the system's is, or None when it is a bug."""
        if isinstance(error, SatchelError):
            return cls(code_of(error), advice(error))
        if isinstance(error, OSError):
            name = f"{error.filename}: " if error.filename else ""
            return cls(FAILED, f"{name}{error.strerror or error}")
        if isinstance(error, MemoryError):
            return cls(FAILED, "not enough memory")
        return None


def usage(message: str) -> Failure:
    """The failure of a command that was called wrongly."""
    return Failure(USAGE, message)


def advice(error: SatchelError) -> str:
    """Give an error's text, its cure in terms of the command line."""
    if isinstance(error, LimitExceeded) and error.limit.startswith("max_") and error.limit != "max_window":
        return f"{error.what}; if it is genuine, raise --{error.limit.replace('_', '-')}"
    if isinstance(error, ContentDisallowed) and error.cure and "=[…]" in error.cure:
        option = "--accept-compression" if "accept_compression" in error.cure else "--accept"
        return f"{error.what}; {error.expected}; if you trust its producer, add {option} NAME"
    return str(error)


def code_of(error: SatchelError) -> int:
    """Give the exit code of a command that an error ended."""
    if isinstance(error, MissingDependency) or isinstance(error.__cause__, MissingDependency):
        return MISSING
    if isinstance(error, EncodeError | DecodeError):
        return BAD_DATA
    return USAGE if isinstance(error, RegistryError) else FAILED
