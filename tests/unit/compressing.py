"""What the tests of compressors share: the six of them, bodies, and a program run by itself."""

from __future__ import annotations

import json
import lzma
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from satchel.codecs.brotli import Brotli
from satchel.codecs.bzip2 import Bzip2
from satchel.codecs.gzip import Gzip
from satchel.codecs.lzma import Lzma
from satchel.codecs.zlib import Zlib
from satchel.codecs.zstd import Zstd
from satchel.errors import DecodeError

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
LIMIT = 16 * MIB

ALL: dict[str, Any] = {"brotli": Brotli, "bzip2": Bzip2, "gzip": Gzip, "lzma": Lzma, "zlib": Zlib, "zstd": Zstd}
SEVERAL: dict[str, Any] = {name: ALL[name] for name in ("bzip2", "gzip", "lzma", "zstd")}

every = pytest.mark.parametrize("codec", [make() for make in ALL.values()], ids=list(ALL))

MESSAGE = json.dumps([[{"id": n, "sku": f"SKU-{n * 7919 % 1000}", "price": n * 1.37} for n in range(40)], {}]).encode()


def hard_to_compress(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def undecodable(codec: Any, body: bytes) -> bool:
    """Whether decompressing raises, be it our error or the library's."""
    foreign = (zlib.error, OSError, lzma.LZMAError, *([codec._zstandard.ZstdError] if codec.name == "zstd" else []))
    with pytest.raises((DecodeError, *foreign)):
        codec.decompress(body, max_size=LIMIT)
    return True


def run(program: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def dedented(program: str) -> str:
    return "\n".join(line[8:] for line in program.splitlines())
