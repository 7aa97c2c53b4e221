"""The examples in README.md and docs/ are tests: ``python`` and ``pycon`` blocks, and ``console`` sessions.

A page's examples run in order, in a module and an empty directory of the page's own. In a ``console`` block, ``$ ``
begins a command, ``> `` continues it, and what follows is its output (standard error included); ``...`` stands for any
text, and ``# exit 1`` at the end of a command for the status that it must end with. ``<!--- skip: next -->`` before a
block leaves it out, and ``<!--- invisible-code: python`` … ``--->`` runs what a reader need not see. Other blocks
(``sh``, ``toml``, …) are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sybil import Document, Example, Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE
EXIT = re.compile(r"\s+# exit (\d+)$")


class Page(Document):
    """A page whose examples live in a real module, where what they define is found again (pickle, type hints)."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        name = "page_" + re.sub(r"\W", "_", Path(path).stem.lower())
        self.module = sys.modules[name] = ModuleType(name)
        self.namespace = self.module.__dict__


def enter_directory(namespace: dict[str, Any]) -> None:
    namespace["_directories"] = os.getcwd(), tempfile.TemporaryDirectory(prefix="satchel-docs-")
    os.chdir(namespace["_directories"][1].name)


def leave_directory(namespace: dict[str, Any]) -> None:
    before, directory = namespace["_directories"]
    os.chdir(before)
    directory.cleanup()


class PyconParser:
    """``pycon`` blocks: doctests."""

    def __init__(self) -> None:
        self.blocks = CodeBlockParser("pycon")
        self.doctests = DocTestStringParser(DocTestEvaluator(FLAGS))

    def __call__(self, document: Document) -> Any:
        for block in self.blocks(document):
            for region in self.doctests(block.parsed, document.path):
                region.adjust(block, block.parsed)
                yield region


def sessions(text: str) -> list[tuple[str, str]]:
    """Cut a console block into commands and their outputs."""
    cut: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            cut.append((line[2:], ""))
        elif not cut:
            raise ValueError(f"a console block begins with '$ ': {line!r}")
        elif line.startswith("> ") and not cut[-1][1]:
            cut[-1] = (f"{cut[-1][0]}\n{line[2:]}", "")
        else:
            cut[-1] = (cut[-1][0], f"{cut[-1][1]}{line}\n")
    return cut


def run_console(example: Example) -> str | None:
    """Run a console block; give what is wrong with it, or None."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    # As wide as the page's column, and without colour.
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1"}
    for command, expected in sessions(example.parsed):
        status = EXIT.search(command)
        done = subprocess.run(
            ["sh", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        if done.returncode != int(status[1] if status else 0):
            return f"$ {command}\nended with status {done.returncode}:\n{done.stdout}"
        if not OutputChecker().check_output(expected, done.stdout, FLAGS):
            return f"$ {command}\nExpected:\n{expected}\nGot:\n{done.stdout}"
    return None


pytest_collect_file = Sybil(
    parsers=[
        SkipParser(),
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        PyconParser(),
        CodeBlockParser("console", run_console),
    ],
    path=str(ROOT),
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    document_types={".md": Page},
    setup=enter_directory,
    teardown=leave_directory,
).pytest()


@pytest.hookimpl(tryfirst=True)  # Before xdist looks.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.suffix == ".md":
            # A page's examples build on each other: xdist keeps them together, in order.
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(ROOT))))
