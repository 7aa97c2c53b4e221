"""Reading samples as a command does, in this process."""

from __future__ import annotations

import io
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest

from satchel.bench.samples import Samples
from satchel.cli.outcome import Failure
from satchel.cli.samples import EPILOG, add_samples, read_samples


def options(*arguments: str) -> Any:
    parser = ArgumentParser(epilog=EPILOG)
    add_samples(parser)
    return parser.parse_args([*map(str, arguments)])


def read(*arguments: object) -> Samples:
    return read_samples(options(*map(str, arguments)))


def values(*arguments: object) -> list[Any]:
    return [*read(*arguments).values]


def refused(*arguments: object) -> tuple[int, str]:
    with pytest.raises(Failure) as caught:
        read(*arguments)
    assert "\n" not in str(caught.value)
    return caught.value.code, str(caught.value)


def file(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


class Planted:
    """Says on being read that it was."""

    read = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Planted, "read", True)
