"""Make or refresh a virtual environment: ``environment.py VENV LEVEL``, from the top of the repository.

Run by any Python >= 3.10, with the standard library alone. A call with nothing to do takes a few milliseconds, and two
calls at once do not harm each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

#: A level's pinned requirements, installed in this order.
LEVELS = {
    "demo": ["demo.txt"],
    "test": ["test.txt"],
    "fuzz": ["fuzz.txt"],
    "mutation": ["mutation.txt"],
    "bench": ["bench.txt"],
    "dev": ["dev.txt"],
    "lowest": ["test.txt", "lowest.txt"],
    "uv": ["uv.txt"],
}
#: An environment at one of these is at the level, too.
COVERED_BY = {"demo": ("test", "fuzz", "mutation", "bench", "dev"), "test": ("fuzz", "mutation", "bench", "dev")}
#: Levels that pip installs: uv itself, and what somebody waits for who only looks.
BY_PIP = ("demo", "uv")
#: Levels for tests, which try backports.lzma as well. It is built from source, and not every machine can.
WITH_LZMA = ("test", "fuzz", "mutation", "bench", "dev", "lowest")

#: Variables that would lead Python or pip out of the environment.
ELSEWHERE = (
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
)

REQUIREMENTS = Path("requirements")
#: Where uv is, which is ten times as fast as pip.
UV = Path(".venv-uv/bin/uv")


def main(venv: Path, level: str) -> None:
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    with open(venv.with_name(f"{venv.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _refresh(venv, level)


def _refresh(venv: Path, level: str) -> None:
    stamp = venv / "satchel.json"
    state = _state(stamp)
    if state.get("where") != _where() or not _runs(venv):
        print(f"Making {venv} with Python {sys.version.split()[0]} …", flush=True)
        # _base_executable: this very Python may be that of the environment to be replaced.
        _run(getattr(sys, "_base_executable", sys.executable), "-I", "-m", "venv", "--clear", str(venv))
        state = {"where": _where(), "levels": {}, "project": ""}
    levels = state["levels"]
    if not any(levels.get(at) == _digest(at) for at in (level, *COVERED_BY.get(level, ()))):
        started = time.monotonic()
        print(f"Installing what `{level}` needs into {venv} (once) …", flush=True)
        fast = level not in BY_PIP and _has_uv()
        for name in LEVELS[level]:
            _install(venv, "-r", str(REQUIREMENTS / name), fast=fast)
        if level in WITH_LZMA:
            _install_lzma(venv, fast=fast)
        levels[level] = _digest(level)
        stamp.write_text(json.dumps(state))
        print(f"… done in {time.monotonic() - started:.0f} s", flush=True)
    project = hashlib.sha256(Path("pyproject.toml").read_bytes()).hexdigest()
    if level != "uv" and state["project"] != project:
        _pip(venv, "--no-deps", "--no-build-isolation", "-e", ".")
        state["project"] = project
        stamp.write_text(json.dumps(state))


def _state(stamp: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return state


def _where() -> list[str]:
    # An editable install holds the path of the repository: a copy or a move needs a new environment.
    return [str(Path.cwd()), f"{sys.version_info[0]}.{sys.version_info[1]}"]


def _runs(venv: Path) -> bool:
    try:
        return not subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], capture_output=True).returncode
    except OSError:
        return False


def _digest(level: str) -> str:
    names = [*LEVELS[level], *(["lzma.txt"] if level in WITH_LZMA else [])]
    return hashlib.sha256(b"".join((REQUIREMENTS / name).read_bytes() for name in names)).hexdigest()


def _has_uv() -> bool:
    """Have uv installed at its pinned version; a failure is no harm, there is pip."""
    pinned = (REQUIREMENTS / "uv.txt").read_text().strip().replace("==", " ")
    try:
        if not subprocess.run([UV, "--version"], capture_output=True, text=True).stdout.startswith(pinned):
            main(UV.parent.parent, "uv")
    except OSError:
        main(UV.parent.parent, "uv")
    except subprocess.CalledProcessError:
        return False
    return UV.exists()


def _install_lzma(venv: Path, *, fast: bool) -> None:
    try:
        _install(venv, "-r", str(REQUIREMENTS / "lzma.txt"), fast=fast, quiet=not os.environ.get("CI"))
    except subprocess.CalledProcessError:
        if os.environ.get("CI"):
            raise SystemExit("backports.lzma must be installed in CI: it needs a C compiler and liblzma-dev") from None
        print("  backports.lzma cannot be built here (C compiler, liblzma-dev): its tests are skipped", flush=True)


def _install(venv: Path, *arguments: str, fast: bool, quiet: bool = False) -> None:
    if fast:
        try:
            options = ("-q", "--system-certs", "--compile-bytecode", "--python", str(venv))
            _run(str(UV), "pip", "install", *options, *arguments, quiet=True)
            return
        except subprocess.CalledProcessError:
            pass  # Only pip reads pip's configuration, which may name the index.
    _pip(venv, "--use-pep517", *arguments, quiet=quiet)


def _pip(venv: Path, *arguments: str, quiet: bool = False) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run(*pip, "install", "-q", *arguments, quiet=quiet)


def _run(*command: str, quiet: bool = False) -> None:
    # Shown only when it fails.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        if not quiet:
            print(done.stdout, file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except subprocess.CalledProcessError as error:
        sys.exit(f"the set-up failed at: {' '.join(error.cmd)}")
