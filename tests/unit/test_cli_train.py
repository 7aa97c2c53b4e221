"""`satchel train`: a dictionary and its manifest are written, whole or not at all, and the pasted lines work."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from satchel.cli.outcome import Failure
from satchel.cli.train import _replace as write
from satchel.codecs.zstd_dictionaries import Dictionary
from satchel.registry import default_registry
from tests.unit.cli_run import environment, satchel

pytestmark = pytest.mark.once

SAMPLES = ["--sample", "celery:60"]
QUICK = ["--max-size", "4k"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dictionary that was trained in it, and what was printed."""
    path = tmp_path_factory.mktemp("trained")
    done = satchel("train", *SAMPLES, *QUICK, "-o", str(path / "tasks.zdict"))
    assert done.code == 0
    (path / "out").write_bytes(done.out)
    (path / "err").write_text(done.err)
    return path


def test_a_dictionary_and_its_manifest_are_written_and_nothing_else(folder: Path) -> None:
    manifest = json.loads((folder / "tasks.zdict.json").read_text())
    data = (folder / "tasks.zdict").read_bytes()

    assert {path.name for path in folder.iterdir()} == {"tasks.zdict", "tasks.zdict.json", "out", "err"}
    assert manifest["format"] == "satchel-dictionary-1"
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["id"] == Dictionary.of(data).id
    assert (manifest["serializer"], manifest["dialect"], manifest["level"]) == ("json", "satchel", 1)
    assert manifest["size"] == len(data) <= 4096


def test_a_table_tells_what_to_expect(folder: Path) -> None:
    lines = (folder / "out").read_text().splitlines()
    manifest = json.loads((folder / "tasks.zdict.json").read_text())
    score = manifest["held_out"]
    rows = {line[:24].strip(): line[24:].split() for line in lines[2:7]}

    assert lines[0] == "Messages: 36 to train on, 12 to choose by, 12 held out; 0 duplicates removed."
    assert rows["this dictionary"] == [f"{score['chosen'] / 12:,.1f}", f"{score['plain'] / score['chosen']:.2f}"]
    assert rows["no dictionary"][0] == f"{score['none'] / 12:,.1f}"
    assert f"id {manifest['id']}" in lines[8]


def test_a_dictionary_is_not_to_be_judged_by_what_it_was_trained_on(folder: Path) -> None:
    options = [
        "--serializers",
        "json",
        "--compressors",
        "none",
        "--levels",
        "1",
        "--rounds",
        "5",
        "--dictionary",
        str(folder / "tasks.zdict"),
    ]

    assert "tasks.zdict was made of these very samples" in satchel("bench", *SAMPLES, *options).err
    assert "these very samples" not in satchel("bench", "--sample", "celery:50", *options).err


def test_few_messages_and_synthetic_ones_are_said_on_standard_error(folder: Path) -> None:
    told = (folder / "err").read_text()

    assert "synthetic" in told
    assert "n = 60" in told


@pytest.mark.parametrize("options", [[], ["--level", "3"], ["--dialect", "celery", "-s", "msgpack"]])
def test_the_lines_to_paste_work(tmp_path: Path, options: list[str]) -> None:
    printed = satchel("train", *SAMPLES, *QUICK, *options, "-o", str(tmp_path / "my.zdict")).text
    pasted = printed[printed.index("from satchel") :]
    values = "value = [[1], {'x': 'y' * 200}, {}]\n"
    program = f"{values}{pasted}\nassert pipeline.decode(encoded) == value\nprint(encoded.compression)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())

    assert (done.stdout, done.stderr) == ("application/vnd.satchel.zstd-dictionary\n", "")


def test_a_folder_of_dictionaries_is_one_that_a_registry_takes(folder: Path) -> None:
    registry = default_registry().with_dictionary(folder)
    body = b'[["order"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]' * 3
    codec = registry.compressor("zstd-dictionary")

    assert codec.decompress(codec.compress(body), max_size=len(body)) == body


def test_equal_samples_give_an_equal_dictionary_and_another_seed_another(folder: Path, tmp_path: Path) -> None:
    seeds = {"same": [], "other": ["--seed", "7"]}
    made = {}
    for name, seed in seeds.items():
        assert satchel("train", *SAMPLES, *QUICK, *seed, "-o", str(tmp_path / f"{name}.zdict")).code == 0
        made[name] = (tmp_path / f"{name}.zdict").read_bytes()

    assert made["same"] == (folder / "tasks.zdict").read_bytes() != made["other"]


def test_json_prints_the_manifest_that_is_written(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": number, "kind": "order", "note": "n" * 50}) + "\n" for number in range(30)) * 2
    done = satchel("train", "-", "--from", "jsonl", *QUICK, "--json", "-o", str(tmp_path / "o.zdict"), stdin=lines)
    counts = json.loads(done.out)["counts"]

    assert done.out == (tmp_path / "o.zdict.json").read_bytes()
    assert (counts["given"], counts["duplicates"]) == (60, 30)


def test_files_that_are_there_are_overwritten_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "a.zdict.json").write_text("mine")
    refused = satchel("train", *SAMPLES, *QUICK, "-o", str(tmp_path / "a.zdict"))
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    forced = satchel("train", *SAMPLES, *QUICK, "--force", "-o", str(tmp_path / "a.zdict"))

    assert (refused.code, refused.out, kept) == (2, b"", {"a.zdict.json": b"mine"})
    assert "--force" in refused.err
    assert forced.code == 0
    assert json.loads((tmp_path / "a.zdict.json").read_text())["size"] == (tmp_path / "a.zdict").stat().st_size


def test_a_file_that_cannot_be_replaced_is_told_and_leaves_no_part_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(part: str, name: str) -> None:
        raise PermissionError(13, "Permission denied", name)

    old, new = tmp_path / "a.zdict", tmp_path / "a.zdict.json"
    old.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", refuse)

    with pytest.raises(Failure, match=r"a\.zdict: Permission denied") as caught:
        write({str(old): b"new", str(new): b"{}"})

    assert caught.value.code == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.zdict": b"old"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-o", "a.dict"], 2, "must end in .zdict"),
        (["-o", os.path.join("none", "a.zdict")], 2, "there is no folder none"),
        (["-o", "a.zdict", "--level", "23"], 2, "--level: "),
        (["-o", "a.zdict", "--max-size", "2M"], 2, "is not from 1k to 1M"),
        (["-o", "a.zdict", "--holdout", "0.9"], 2, "is not a number from 0.05 to 0.4"),
        (["-o", "a.zdict", "--seconds", "nan"], 2, "is not a number from 0.1"),
        (["-o", "a.zdict", "-s", "jsno"], 2, "jsno"),
        (["-o", "a.zdict", "--sample", "small:19"], 3, "20 distinct messages"),
        ([], 2, "-o/--output"),
    ],
)
def test_what_is_wrong_is_told_on_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = [] if "--sample" in arguments else SAMPLES
    done = satchel("train", *samples, *arguments)

    assert (done.code, done.out) == (code, b"")
    assert told in done.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_the_serializer_does_not_carry_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    done = satchel("train", "--sample", "rich:30", "--dialect", "celery", "-s", "yaml", "-o", str(tmp_path / "a.zdict"))

    assert (done.code, done.out) == (3, b"")
    assert list(tmp_path.iterdir()) == []


def test_without_zstandard_the_command_that_installs_it_is_told(tmp_path: Path) -> None:
    # -S: no site-packages, as in a Python where nothing was installed.
    command = [sys.executable, "-S", "-m", "satchel", "train", *SAMPLES, "-o", str(tmp_path / "a.zdict")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())

    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (4, "", [])
    assert "pip install 'satchel[zstd]'" in done.stderr


def test_messages_that_no_dictionary_helps_are_warned_of(tmp_path: Path) -> None:
    noise, rng = tmp_path / "noise", random.Random(1)
    noise.mkdir()
    for number in range(30):
        (noise / str(number)).write_bytes(rng.randbytes(300))
    done = satchel("train", str(noise), "--from", "raw", "-s", "raw", *QUICK, "-o", str(tmp_path / "a.zdict"))

    assert done.code == 0
    assert "makes these messages no smaller" in done.err
