"""Running the command line as a user does: a process, pipes, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "satchel"]


class Ended(NamedTuple):
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


def environment(**variables: str) -> dict[str, str]:
    """The environment for a command that runs anywhere: the repository is importable, warnings stay silent."""
    path = os.pathsep.join(filter(None, (variables.pop("PYTHONPATH", ""), str(ROOT))))
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "120", **variables}


def satchel(*arguments: str, stdin: bytes | str = b"", timeout: float = 60, **variables: str) -> Ended:
    """Run a command to its end."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*COMMAND, *arguments], input=data, capture_output=True, env=environment(**variables), timeout=timeout
    )
    return Ended(done.returncode, done.stdout, done.stderr.decode())
