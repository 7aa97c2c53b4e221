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
UNSTABLE = 5
TASK_FAILED = 6
UNFINISHED = 7
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell shows for a program that SIGPIPE ended."""


def one_line(value: object, at_most: int = 500) -> str:
    """Give a value's text on one line, without anything that would act on a terminal.

    Args:
        value: a str is shown as it is, anything else by its repr.
        at_most: characters.
    """
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= at_most else f"{text[:at_most]}… ({len(text):,} characters)"
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Failure(Exception):
    """A command cannot go on. `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(one_line(" ".join(message.split()), 2_000))
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
        if isinstance(error, RecursionError):
            return cls(BAD_DATA, "the value is nested too deep to be written; a lower --max-depth refuses it sooner")
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
