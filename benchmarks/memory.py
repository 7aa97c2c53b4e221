"""Peak memory of encoding and decoding 64 MB, raw and zstd: a child process reads what Linux says of it (VmHWM).

python -m benchmarks.memory encode|decode IN OUT is the child.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.results import Row
from satchel import Encoded, Limits, Pipeline
from satchel.bench.peaks import STATUS, peak
from satchel.bench.timing import Figure

SIZE = 64 * 1024 * 1024
_LIMITS = Limits(max_body=2 * SIZE, max_decompressed=2 * SIZE)


def rows() -> tuple[list[Row], str]:
    """Peak less what the process takes without the message, over input and output, in each direction; or why not."""
    if not STATUS.exists():
        return [], "only Linux says what a process took at most"
    with tempfile.TemporaryDirectory() as folder:
        value, body, back = (Path(folder) / name for name in ("value", "body", "back"))
        value.write_bytes(_halving(SIZE))
        encode = _child("encode", value, body)
        decode = _child("decode", body, back)
        if back.read_bytes() != value.read_bytes():
            raise RuntimeError("the round trip fails")
    return [
        Row("memory of encode, raw + zstd, 64 MB", figures={"times input + output": encode}),
        Row("memory of decode, raw + zstd, 64 MB", figures={"times input + output": decode}),
    ], ""


def _halving(size: int) -> bytes:
    """Bytes of which half is left when they are compressed."""
    return random.Random(0).randbytes(size // 2).hex().encode()


def _child(direction: str, source: Path, target: Path) -> Figure:
    command = [sys.executable, "-m", "benchmarks.memory", direction, str(source), str(target)]
    ratios = [
        float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=_TOP).stdout) for _ in range(3)
    ]
    return Figure(sorted(ratios)[1], min(ratios), max(ratios))


_TOP = Path(__file__).parents[1]


def _main(direction: str, source: Path, target: Path) -> None:
    pipeline = Pipeline(["raw"], limits=_LIMITS)
    # Everything is imported and every context made before the baseline is taken.
    pipeline.decode(pipeline.encode(bytes(4096), serializer="raw", compression="zstd"))
    with source.open("rb") as file:
        before = peak()
        given = file.read()
        if direction == "encode":
            encoded = pipeline.encode(given, serializer="raw", compression="zstd")
            if encoded.compression is None:
                raise RuntimeError("the body was not compressed")
            result = bytes(encoded.body)
        else:
            result = pipeline.decode(Encoded(given, "application/data", "binary", "application/zstd"))
        after = peak()
    target.write_bytes(result)
    print((after - before) / (len(given) + len(result)))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
