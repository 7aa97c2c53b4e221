"""Messages that must be refused, for the demo: each of them breaks something that is less careful."""

from __future__ import annotations

import time
import zlib
from base64 import b85decode
from collections.abc import Iterator
from typing import NamedTuple

from satchel.errors import DecodeError
from satchel.pipeline import Pipeline
from satchel.registry import celery_registry
from satchel.types import Encoded

#: 1 GiB of zeros in bzip2, 785 bytes; it takes seconds to make, so it is kept, in zlib.
_BOMB = "c-nJ{%CIzaj8qGb<l}sFpE17Af#CoH1BU{GL4&WG(*o6%Tn*Dl<wxa*zPv|G{7Htcpc5c@7O;vlteVRvDmf>*bn=TAxmpBF_}1}+2>|5%?Ck"

#: Calls os.system when it is unpickled.
_EXPLOIT = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0fecho 'run code'\x85R."


class Refusal(NamedTuple):
    """How a hostile message fared.

    Attributes:
        what: what it is.
        accept: the accept list that it met.
        error: the error that refused it; None when it was let through.
        seconds, grown: what it cost: time, and bytes of the process's peak memory; None where that is not to be had.
    """

    what: str
    accept: list[str]
    error: DecodeError | None
    seconds: float
    grown: int | None


def messages() -> Iterator[tuple[str, list[str], Encoded]]:
    """The messages: what each is, the accept list that it meets, and the message."""
    json = "application/json"
    pickle = Encoded(_EXPLOIT, "application/x-python-serialize", "binary")
    bomb = zlib.decompress(b85decode(_BOMB))
    yield "YAML, where only JSON is accepted", ["json"], Encoded(b"[1, 2]", "application/x-yaml", "utf-8")
    yield f"{len(bomb)} bytes of bzip2 that hold 1 GiB", ["json"], Encoded(bomb, json, "utf-8", "application/x-bz2")
    yield "a pickle that calls os.system", ["json"], pickle
    yield "the same, where pickle is accepted", ["json", "pickle"], pickle
    yield "JSON that names a codec of Python's as its encoding", ["json"], Encoded(bomb, json, "bz2_codec")
    yield "JSON of 100,000 levels", ["json"], Encoded(b"[" * 100_000 + b"]" * 100_000, json, "utf-8")
    cut = zlib.compress(b"[1, 2, 3]")[:-3]
    yield "zlib that ends too early", ["json"], Encoded(cut, json, "utf-8", "application/x-gzip")


def refusals() -> Iterator[Refusal]:
    """Have each message decoded, and tell how that went."""
    for what, accept, message in messages():
        pipeline = Pipeline(accept, registry=celery_registry)
        started, before = time.perf_counter(), _peak()
        error = _refused(pipeline, message)
        seconds, after = time.perf_counter() - started, _peak()
        yield Refusal(what, accept, error, seconds, None if before is None or after is None else after - before)


def _refused(pipeline: Pipeline, message: Encoded) -> DecodeError | None:
    try:
        pipeline.decode(message)
    except DecodeError as error:
        return error
    return None


def _peak() -> int | None:
    """The process's peak memory so far, in bytes."""
    try:
        import resource
        import sys
    except ImportError:  # Not on Windows.
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
