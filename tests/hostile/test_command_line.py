"""The command line on hostile input: a documented exit status, one line, nothing run, bounded memory."""

from __future__ import annotations

import io
import json
import pickle
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

import pytest

from satchel.cli import main
from satchel.testing.codec import mutants
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.costly import JSON, PICKLE, YAML
from tests.hostile.figures import THOROUGH
from tests.unit.cli_run import satchel

_RAW_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ESCAPE = "\x1b[2J\x9b2J\u202e\r"


def envelope(**fields: Any) -> bytes:
    properties = {"body_encoding": "base64"}
    whole = {"body": "e30=", "content-type": "application/json", "content-encoding": "utf-8", "headers": {}}
    return json.dumps({**whole, "properties": properties, **fields}).encode()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


_CALL = envelope(
    body=json.dumps([[1], {_ESCAPE: _ESCAPE}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]),
    headers={"task": _ESCAPE, "id": _ESCAPE, "argsrepr": _ESCAPE, _ESCAPE: _ESCAPE, "eta": _ESCAPE},
    properties={_ESCAPE: _ESCAPE, "delivery_mode": 2},
)
_DEEP = ["--max-depth", "100000"]

#: Arguments, the input, and the exit status.
CASES: dict[str, tuple[list[str], bytes, int]] = {
    "a bomb": (["decode", "-c", "zlib"], zlib.compress(bytes(100 * MIB), 1), 3),
    "a bomb, inspected": (["inspect"], zlib.compress(bytes(100 * MIB), 1), 3),
    "depth": (["decode"], b"[" * 100_000, 3),
    "depth, inspected": (["inspect"], b"[" * 100_000 + b"]" * 100_000, 3),
    "depth beyond what can be written": (["decode", *_DEEP], b"[" * 900 + b"]" * 900, 3),
    "depth beyond what has a repr": (
        ["decode", "--python", "-s", "msgpack", *_DEEP],
        b"\x91" * 1000 + b"\x01",
        3 if sys.version_info < (3, 12) else 0,  # Later Pythons have another bound on C code's recursion.
    ),
    "depth beyond what can be encoded": (["encode", "-s", "yaml", *_DEEP], b"[" * 900 + b"]" * 900, 3),
    "a pickle that runs": (["decode", "-s", "pickle", "--accept", "pickle"], pickle.dumps(Evil()), 3),
    "a pickle that is not accepted": (["decode", "-s", "pickle"], pickle.dumps(Evil()), 3),
    "a pickle that runs, inspected": (["inspect"], pickle.dumps(Evil()), 0),
    "a pickle that runs, encoded": (["encode", "--from", "pickle"], pickle.dumps(Evil()), 3),
    "an endless file": (["decode"], b"[" * (20 * MIB), 3),
    "an endless file, inspected": (["inspect"], bytes(65 * MIB), 3),
    "NULs": (["decode"], bytes(1000), 3),
    "not UTF-8": (["decode"], b'"\xff"', 3),
    "an escape in the body's encoding": (
        ["decode", "--envelope"],
        envelope(body="\ud800", properties={"body_encoding": _ESCAPE * 100_000}),
        3,
    ),
    "an escape in a content type": (["decode", "--envelope"], envelope(**{"content-type": _ESCAPE * 100_000}), 3),
    "an escape in a compression": (["decode", "--envelope"], envelope(headers={"compression": _ESCAPE}), 3),
    "an escape in a tag": (["decode"], json.dumps({"__type__": _ESCAPE, "__value__": 1}).encode(), 3),
    "escapes in a task": (["inspect"], _CALL, 0),
    "a label that is wrong": (["decode", "--envelope"], envelope(**{"content-type": "application/x-msgpack"}), 3),
    "headers of a wrong type": (["inspect"], envelope(headers=[1]), 3),
    "a call of nothing": (["inspect"], pickle.dumps({"a": 1})[:-5], 3),
}


def _sound(code: int, out: str, err: str) -> bool:
    told = err.count("\n") <= 1 and (not err or err.startswith("satchel: ")) and len(err) < 8_000
    return code in (0, 2, 3) and told and not _RAW_CONTROLS.search(out + err) and "it ran" not in out.splitlines()


@linux_only
@pytest.mark.parametrize("name", CASES)
def test_hostile_input_ends_in_a_documented_status_and_one_line(name: str, tmp_path: Path) -> None:
    arguments, data, expected = CASES[name]
    (tmp_path / "body").write_bytes(data)
    ended = satchel(*arguments, str(tmp_path / "body"))

    assert ended.code == expected, ended.err[-500:]
    assert _sound(ended.code, ended.out.decode(errors="replace"), ended.err), (ended.out[:500], ended.err[:500])
    assert arguments[0] == "inspect" or bool(ended.err) == (ended.code != 0)


def _run(arguments: list[str], data: bytes) -> tuple[int, str, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    finally:
        sys.stdin = before
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode(errors="replace"))
    return code, texts[0], texts[1]


@pytest.mark.filterwarnings("default::DeprecationWarning")  # as the program itself runs
@pytest.mark.parametrize(
    "arguments", [["decode", "--envelope"], ["inspect"], ["inspect", "--json"], ["decode"], ["encode", "-s", "yaml"]]
)
def test_mutants_end_in_a_documented_status_and_one_line(arguments: list[str]) -> None:
    bodies = [data for _, data, _ in CASES.values() if 8 < len(data) < 4_000]
    bodies += [b'1) "{\\"body\\": \\"\\\\xff\\"}"\n2) "b"', b"\x00celery-compressed\x00gzip\x00x", b"QUJDREVGR0hJSktM"]
    every = list(mutants(bodies, 20_000 if THOROUGH else 400, Random(1)))
    ended = [(data, _run(arguments, data)) for data in every]

    # What `encode` writes is a body; of it, only a terminal is spared what would act on one.
    shown = [(data, (code, "" if arguments[0] == "encode" else out, err)) for data, (code, out, err) in ended]
    assert [case for case in shown if not _sound(*case[1])] == []


def running(arguments: list[str], data: bytes) -> Callable[[], Any]:
    _run(arguments, b"{}")
    return lambda: _run(arguments, data)


#: What may cost more than its size: the most memory is what decoding may take, and as much again for what is written.
COSTLY: dict[str, tuple[list[str], bytes]] = {
    "indentation": (["decode"], b"[" * 99 + b"[" + b"1," * 400_000 + b"1]" + b"]" * 99),
    "empty lists": (["decode"], JSON["empty lists"](MIB)),
    "names that a pickle puts together": (["inspect"], b"\x80\x04" + b"N" * 150_000 + b"\x93" * 149_999 + b"."),
    "white space": (["inspect"], b" " * 2_000_000 + b"x"),
    "base64 and then not": (["inspect"], b"QUJD" * 2_500_000 + b"!"),
    "items of redis-cli": (["inspect"], b'1) ""\n' + b'"a"\n' * 50_000),
    "lines": (["inspect"], b"a\n" * 2_000_000),
    "headers": (["inspect"], envelope(headers={f"h{n}": "x" for n in range(50_000)})),
    "a pickle's marks": (["inspect"], PICKLE["marks"](MIB)),
    "yaml": (["decode", "-s", "yaml"], YAML["one-key mappings"](MIB)),
}


@pytest.mark.once
@linux_only
def test_a_command_takes_bounded_memory_and_gives_bounded_output() -> None:
    costs = dict(zip(COSTLY, measured(running, list(COSTLY.values()), address_space=2048 * MIB), strict=True))

    assert {name: cost for name, cost in costs.items() if cost.outcome or cost.stderr} == {}
    peaks = {name: cost.peak / (32 * MIB + 80 * len(COSTLY[name][1])) for name, cost in costs.items()}
    assert {name: peak for name, peak in peaks.items() if peak > 1} == {}


def test_indentation_does_not_make_a_small_body_a_large_output() -> None:
    arguments, data = COSTLY["indentation"]
    code, out, _ = _run(arguments, data)

    assert (code, len(out) < 9 * len(data)) == (0, True)
