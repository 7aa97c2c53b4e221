"""The libraries of compressors: imported at use, and what happens where one is missing."""

from __future__ import annotations

import lzma
import sys

import pytest

from satchel.codecs.brotli import Brotli
from satchel.errors import MissingDependency
from tests.hostile.child import linux_only
from tests.unit.compressing import ALL, MIB, dedented, run

LIBRARY = {"brotli": "brotli", "bzip2": "bz2", "gzip": "zlib", "lzma": "lzma", "zlib": "zlib", "zstd": "zstandard"}

EXPLODE = """
import importlib, sys
from satchel.errors import LimitExceeded
name, path, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
codec = getattr(importlib.import_module(f"satchel.codecs.{name}"), name.capitalize())()
codec.decompress(codec.compress(b"warm"), max_size=100)
body = open(path, "rb").read()

def peak():  # Not ru_maxrss: a child starts with its parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

before = peak()
try:
    codec.decompress(body, max_size=limit)
except LimitExceeded:
    print(peak() - before)
"""


@pytest.mark.parametrize("name", list(ALL))
def test_a_missing_library_is_reported_at_use_with_the_cure(name):
    # zlib stands in for itself: it is imported by much that is imported before.
    program = """
        import importlib, sys
        name, *hidden = sys.argv[1:]
        for module in hidden:
            sys.modules[module] = None
        make = getattr(importlib.import_module(f"satchel.codecs.{name}"), name.capitalize())
        try:
            make()
        except ImportError as error:
            print(type(error).__name__, error.cure)
    """
    hidden = ["lzma", "backports.lzma"] if name == "lzma" else [LIBRARY[name]]
    # backports.lzma does not load on 3.13 and later.
    built_in = name in ("bzip2", "gzip", "zlib") or (name == "lzma" and sys.version_info >= (3, 13))
    cure = f"use a Python that was built with {hidden[0]}" if built_in else f"run: pip install 'satchel[{name}]'"

    assert run(dedented(program), name, *hidden) == f"MissingDependency {cure}"


def test_no_module_imports_its_library():
    program = """
        import importlib, sys
        for name in ("brotli", "bzip2", "lzma", "zstd"):
            importlib.import_module(f"satchel.codecs.{name}")
        print(sorted({"brotli", "_brotli", "zstandard", "lzma", "_lzma", "bz2", "_bz2"} & set(sys.modules)))
    """

    assert run(dedented(program)) == "[]"


def test_a_brotli_that_cannot_bound_its_output_is_as_good_as_missing(monkeypatch):
    class Old:
        Decompressor = object

    monkeypatch.setitem(sys.modules, "brotli", Old)

    with pytest.raises(MissingDependency, match=r"brotli>=1\.2"):
        Brotli()


def test_lzma_falls_back_to_backports():
    pytest.importorskip("backports.lzma", reason="backports.lzma is not installed")
    program = """
        import sys
        sys.modules["lzma"] = None
        from satchel.codecs.lzma import Lzma
        from satchel.errors import CorruptBody, LimitExceeded
        codec, body = Lzma(), bytes(range(256)) * 2000
        whole = codec.compress(body)
        assert codec._lzma.__name__ == "backports.lzma"
        assert codec.decompress(whole, max_size=len(body)) == body
        assert Lzma(streams=2).decompress(whole + bytes(4) + whole, max_size=2 * len(body)) == body * 2
        for wrong in (whole[:-1], whole[:50], b"", whole + whole, whole + b"xxxx"):
            try:
                codec.decompress(wrong, max_size=10**6)
            except CorruptBody:
                continue
            raise AssertionError(wrong[:20])
        try:
            codec.decompress(whole, max_size=len(body) - 1)
        except LimitExceeded:
            print("bounded")
    """

    assert run(dedented(program)) == "bounded"


@linux_only
def test_the_fallback_of_lzma_is_bounded_too(tmp_path):
    pytest.importorskip("backports.lzma", reason="backports.lzma is not installed")
    path = tmp_path / "bomb"
    path.write_bytes(lzma.compress(bytes(100 * MIB), preset=0))
    grown = int(run('import sys\nsys.modules["lzma"] = None\n' + EXPLODE, "lzma", str(path), str(MIB)))

    assert grown < 13 * MIB
