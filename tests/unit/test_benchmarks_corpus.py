"""The public corpus as samples for `satchel bench`: a file a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import corpus
from benchmarks.payloads import Payload
from tests.unit.sampling import read

pytestmark = pytest.mark.once


def test_its_messages_are_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [{"name": "Zoë", "number": number} for number in range(12)]
    monkeypatch.setattr(corpus, "payload", lambda: Payload(corpus.NAME, "corpus", examples))

    assert corpus.main(["-o", str(tmp_path / "new" / "samples")]) == 0
    assert list(read(tmp_path / "new" / "samples").values) == examples


def test_where_it_cannot_be_had_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    monkeypatch.setattr(corpus.shutil, "which", lambda name: None)  # type: ignore[attr-defined]

    assert corpus.main(["-o", str(tmp_path / "samples")]) == 1
    assert capsys.readouterr().err == "benchmarks.corpus: npm is not installed\n"
    assert not (tmp_path / "samples").exists()
