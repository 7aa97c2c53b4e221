"""Peak memory of encoding and decoding one message: a child process reads what Linux says of it (VmHWM).

The child is sent the work by its parent, as a pickle.
"""

from __future__ import annotations

import pickle
import re
import sys
from pathlib import Path
from typing import Any

from satchel.bench import children
from satchel.bench.candidates import Candidate
from satchel.registry import Registry
from satchel.types import Limits

STATUS = Path("/proc/self/status")


def peak_memory(candidate: Candidate, value: Any, registry: Registry, limits: Limits) -> int | None:
    """Give the bytes that encoding and decoding a message adds to a process at most, its codecs' own state included.

    Returns:
        None where the system does not tell, or the codec or the value cannot be sent to another process.
    """
    if not STATUS.exists():
        return None
    try:
        work = pickle.dumps((candidate, registry.dialect, registry.types, limits, value))
    except Exception:  # noqa: BLE001 - a codec of functions, or a type of the application's; it may raise anything
        return None
    try:
        return int(children.run(__name__, work))
    except (OSError, children.ChildFailed):
        return None


def main() -> None:
    """Be the child."""
    candidate, dialect, types, limits, value = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from the parent
    pipeline = candidate.pipeline(Registry.of_dialect(dialect)._changed(types=types), limits)
    arguments = {"serializer": candidate.serializer, "compression": candidate.compression}
    # Libraries are imported before; contexts are a part of what is measured.
    pipeline.encode(0, serializer=candidate.serializer)
    before = peak()
    pipeline.decode(pipeline.encode(value, **arguments))
    sys.stdout.write(str(peak() - before))


def peak() -> int:
    """The most memory that this process has had, in bytes, as Linux tells."""
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    if found is None:
        raise RuntimeError("Linux does not say VmHWM")
    return int(found[1]) * 1024
