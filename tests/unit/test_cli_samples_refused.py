"""What is no sample: damaged, too large, too deep, not there, or a pickle that nobody asked for."""

from __future__ import annotations

import os
import pickle
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from satchel.cli.outcome import BAD_DATA, USAGE
from tests.unit.sampling import Planted, file, read, refused, stdin, values

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", '{"a": }', "a.json: json: it cannot be read"),
        ("a.json", "", "a.json: it is empty"),
        ("a.json", "[" * 200, "--max-depth"),
        ("a.json", b"\xff\x00\xfe", "a.json: json: "),
        ("a.msgpack", b"\xc1", "a.msgpack: msgpack: "),
        ("a.jsonl", '{"a": 1}\n\n{"a"\n', "a.jsonl, line 3: json: "),
        ("a.jsonl", "1\n" + "[" * 200 + "\n", "a.jsonl, line 2: the message exceeds max_depth=100"),
        ("a.jsonl", " \n\n", "a.jsonl: there is no message in it"),
        ("a.jsonl", '1\n"' + "x" * 70_000 + '"\n', "a.jsonl, line 2: it is larger than 65,536 bytes; if it is genuine"),
        ("a.jsonl", '1\n"' + "x" * 65_535 + '"', "a.jsonl, line 2: it is larger than 65,536 bytes"),
        ("a.jsonl", " " * 70_000, "a.jsonl, line 1: it is larger"),
        (
            "a.json",
            '"' + "x" * 70_000 + '"',
            "a.json: it is larger than 65,536 bytes; if it is genuine, raise --max-body",
        ),
        ("a", bytes(range(256)), "a: it is no JSON, JSON lines, MessagePack or YAML; say what it is with --from"),
        ("a", '{"a": tru', "a: json: it cannot be read"),
        ("a", "[" * 200 + "\n1\n", "a, line 1: the message exceeds max_depth=100"),
        ("a", "hello", "a: it is no JSON"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | str, told: str) -> None:
    code, text = refused(file(tmp_path / name, content), "--max-body", "64k")

    assert code == BAD_DATA
    assert told in text
    assert len(text) < 600


def test_a_line_of_just_the_size_that_is_allowed_passes(tmp_path: Path) -> None:
    line = b'"' + b"x" * 98 + b'"'
    for end in (b"", b"\n", b"\r\n"):
        assert len(values(file(tmp_path / "a.jsonl", line + end), "--max-body", "100")) == 1


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    code, text = refused(tmp_path / "none.json")

    assert (code, text) == (USAGE, f"{tmp_path / 'none.json'}: No such file or directory")


def test_a_link_in_a_directory_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone.json").symlink_to(tmp_path / "none")

    assert refused(tmp_path)[0] == USAGE


def test_a_directory_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", denied)

    assert refused(tmp_path) == (USAGE, f"{tmp_path}: Permission denied")


def test_an_empty_directory_has_no_messages(tmp_path: Path) -> None:
    assert refused(tmp_path) == (BAD_DATA, f"{tmp_path}: there is no message in it")


def test_an_unknown_format_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(LookupError, match="no serializer 'jsom'"):
        read("--from", "jsom")


@pytest.mark.parametrize("arguments", [("--celery", "--from", "json"), ("--array", ".", "--from", "msgpack")])
def test_formats_that_are_said_twice_are_refused(arguments: tuple[str, ...]) -> None:
    assert refused(*arguments)[0] == USAGE


# Pickles


@pytest.mark.parametrize("name", ["a.pickle", "a.pkl", "a", "-"])
def test_a_pickle_is_not_read_without_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data = pickle.dumps(Planted())
    stdin(monkeypatch, data)
    code, text = refused(name if name == "-" else file(tmp_path / name, data))

    assert (code, Planted.read) == (BAD_DATA, False)
    assert "--unsafe-pickle" in text


def test_from_pickle_alone_does_not_read_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, pickle.dumps(Planted()))
    for name in ("pickle", "application/x-python-serialize"):
        code, text = refused("--from", name)

        assert (code, Planted.read) == (USAGE, False)
        assert "--unsafe-pickle" in text


def test_with_the_option_pickles_are_read_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"at": datetime(2031, 1, 2, tzinfo=timezone.utc), "pair": (1, 2), "class": Planted}
    path = file(tmp_path / "a.pickle", pickle.dumps(value))
    stdin(monkeypatch, path.read_bytes())

    assert values(path, "-", "--unsafe-pickle") == [value, value]
    assert values(path, "--from", "pickle", "--unsafe-pickle") == [value]


def test_a_damaged_pickle_is_told(tmp_path: Path) -> None:
    code, text = refused(file(tmp_path / "a.pickle", b"\x80\x04K"), "--unsafe-pickle")

    assert code == BAD_DATA
    assert "a.pickle: pickle: it cannot be read" in text
