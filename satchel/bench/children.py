"""Processes of the benchmark's own: they import from where their parent does, and end when it does."""

from __future__ import annotations

import os
import subprocess
import sys

#: Nothing but `sys` is imported before the path is the parent's: the current folder may hold anything.
_BEGIN = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); "
    "from importlib import import_module; import_module('{}').main()"
)


class ChildFailed(Exception):
    """A process of the benchmark ended otherwise than it should; the text says how."""


def run(module: str, sent: bytes) -> bytes:
    """Run a module's `main` in a process of its own: give it bytes on standard input, and what it writes back.

    Raises:
        ChildFailed: it failed.
    """
    command = [sys.executable, "-c", _BEGIN.format(module), "\n".join(sys.path)]
    done = subprocess.run(command, input=sent, capture_output=True, check=False)  # noqa: S603 - this interpreter
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise ChildFailed(f"{module} failed in a process of its own: {said[-1][:500]}")
    return done.stdout


def end_with(parent: int) -> None:
    """End this process if that one has ended, which it may have done without a word."""
    if os.getppid() != parent:
        raise SystemExit(1)
