"""Adding a codec is one file and one line: the diff in docs/adding-a-codec.md is real, whole, and enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/adding-a-codec.md"


class Change(NamedTuple):
    """One file of a diff: None where the file is not there before."""

    path: str
    before: str | None
    after: str


def changes() -> list[Change]:
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    found = []
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        old, new, hunk, *lines = part.splitlines(keepends=True)
        assert hunk.startswith("@@ ")
        before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        found.append(Change(new.removeprefix("+++ b/").strip(), None if "/dev/null" in old else before, after))
    return found


def run(copy: Path, code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=copy)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def without(tmp_path: Path) -> Path:
    """A copy of the package without what the diff adds."""
    shutil.copytree(ROOT / "satchel", tmp_path / "satchel", ignore=shutil.ignore_patterns("__pycache__"))
    for change in changes():
        path = tmp_path / change.path
        if change.before is None:
            path.unlink()
        else:
            text = path.read_text()
            assert text.count(change.after) == 1
            path.write_text(text.replace(change.after, change.before))
    return tmp_path


def test_the_diff_is_one_file_and_one_line() -> None:
    added, changed = changes()

    assert added.before is None
    assert changed.before is not None
    assert changed.path == "satchel/registry/builtin.py"
    assert len(changed.after.splitlines()) - len(changed.before.splitlines()) == 1


def test_the_diff_is_what_the_repository_holds() -> None:
    for change in changes():
        text = (ROOT / change.path).read_text()
        assert change.after == text if change.before is None else change.after in text


def test_without_it_satchel_knows_nothing_of_the_codec_and_works(without: Path) -> None:
    out = run(
        without,
        """
import satchel
for dialect in (satchel.default_registry, satchel.celery_registry):
    print("bzip2" in dialect().compressors, len(dialect().compressors))
    pipeline = satchel.Pipeline(["json"], registry=dialect)
    for compression in dialect().compressors:
        assert pipeline.decode(pipeline.encode(["x" * 500], compression=compression)) == ["x" * 500]
    try:
        pipeline.encode(1, compression="bzip2")
    except satchel.UnknownCodec as error:
        print(error.name)
print(hasattr(satchel, "Bzip2"), satchel.__file__)
""",
    )

    assert out.splitlines() == [
        *("False 5", "bzip2", "False 4", "bzip2"),
        f"False {without / 'satchel' / '__init__.py'}",
    ]


def test_the_diff_adds_it_to_both_dialects(without: Path) -> None:
    for change in changes():
        path = without / change.path
        path.write_text(
            change.after if change.before is None else path.read_text().replace(change.before, change.after)
        )

    out = run(
        without,
        """
import satchel
for dialect in (satchel.default_registry, satchel.celery_registry):
    pipeline = satchel.Pipeline(["json"], registry=dialect)
    for compression in ("bzip2", "bzip"):
        encoded = pipeline.encode(["x" * 500], compression=compression)
        assert encoded.compression == "application/x-bz2" and pipeline.decode(encoded) == ["x" * 500]
print(satchel.Bzip2(level=5))
""",
    )

    assert out == "Bzip2(level=5, streams=1)\n"
