"""`satchel list`: every codec, what it is called, and how to install it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from satchel.cli import main
from satchel.registry.builtin import COMPRESSORS, SERIALIZERS
from tests.unit.cli_run import environment, satchel


def listed(*arguments: str, **variables: Any) -> dict[str, dict[str, Any]]:
    done = satchel("list", "--json", *arguments, **variables)
    assert (done.code, done.err) == (0, "")
    return {codec["name"]: codec for codec in json.loads(done.out)}


def test_every_built_in_codec_is_listed() -> None:
    table = satchel("list").text
    codecs = listed()

    assert list(codecs) == [line.name for line in (*SERIALIZERS, *COMPRESSORS)]
    for line in (*SERIALIZERS, *COMPRESSORS):
        row = next(row for row in table.splitlines() if row.split()[:1] == [line.name])
        assert line.content_types[0] in row
        assert all(alias in row for alias in line.aliases)
        assert codecs[line.name]["content_types"] == list(line.content_types)


def test_libraries_are_told_with_their_versions() -> None:
    codecs, python = listed(), sys.version.split()[0]

    assert (codecs["yaml"]["library"], codecs["yaml"]["version"]) == ("PyYAML", version("PyYAML"))
    assert (codecs["zlib"]["library"], codecs["zlib"]["version"]) == ("Python's zlib", python)
    assert codecs["json"]["accelerators"] == {name: version(name) for name in ("orjson", "ormsgpack", "msgspec")}


def test_only_pickle_is_not_safe_on_untrusted_input() -> None:
    assert [name for name, codec in listed().items() if codec["safe"] is not True] == ["pickle"]


def test_celerys_dialect_has_one_codec_for_gzip_and_zlib() -> None:
    codecs = listed("--dialect", "celery")

    assert "gzip" not in codecs
    assert (codecs["zlib"]["aliases"], codecs["zlib"]["content_types"][0]) == (["gzip"], "application/x-gzip")


def test_what_is_not_installed_is_listed_with_the_command_that_installs_it() -> None:
    # -S: no site-packages, as in a Python where nothing was installed.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "satchel", "list"], capture_output=True, text=True, env=environment()
    )
    rows = {row.split()[0]: row for row in done.stdout.splitlines() if row}

    assert (done.returncode, done.stderr) == (0, "")
    for extra in ("msgpack", "yaml", "brotli", "zstd"):
        assert rows[extra].endswith(f"not installed: pip install 'satchel[{extra}]'")
    assert rows["json"].endswith("; faster: pip install 'satchel[fast]'")
    assert "not installed" not in rows["lzma"] + rows["bzip2"] + rows["pickle"]


@pytest.mark.parametrize(("installed", "usable"), [("1.1.0", False), ("1.2.0", True), ("1.10", True)])
def test_a_library_that_is_too_old_counts_as_not_installed(tmp_path: Path, installed: str, usable: bool) -> None:
    for name, metadata in {
        "brotli": f"Name: brotli\nVersion: {installed}\n",
        "satchel": 'Name: satchel\nVersion: 0\nRequires-Dist: brotli >=1.2 ; extra == "brotli"\n',
    }.items():
        directory = tmp_path / f"{name}-0.dist-info"
        directory.mkdir()
        (directory / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}")
    brotli = listed(PYTHONPATH=str(tmp_path))["brotli"]

    assert brotli["installed"] is usable
    assert brotli["install"] == (None if usable else "pip install 'satchel[brotli]'")


def test_plugins_are_listed_and_broken_ones_do_not_break_the_list(plugin_site: Path) -> None:
    codecs = listed(PYTHONPATH=str(plugin_site))
    table = satchel("list", PYTHONPATH=str(plugin_site))

    assert codecs["reverse"]["content_types"] == ["application/x-reverse"]
    assert (codecs["reverse"]["origin"], codecs["reverse"]["distribution"]) == ("plugin", "satchel-test-plugin")
    assert codecs["rle"]["kind"] == "compressor"
    for name, reason in {
        "broken": "broken on purpose",
        "missing": "NoSuchName",
        "not-a-codec": "dict is not a serializer",
    }.items():
        assert reason in codecs[name]["broken"]
        assert codecs[name]["installed"] is False
    assert (table.code, table.err) == (0, "")
    assert "broken plugin: the plugin 'broken' of satchel-test-plugin does not import" in table.text


def test_a_plugin_is_used_by_its_name_and_naming_it_accepts_it(plugin_site: Path) -> None:
    path = str(plugin_site)
    encoded = satchel("encode", "-s", "reverse", "-c", "rle", stdin='{"a": 1}', PYTHONPATH=path)
    options = ["-s", "reverse", "-c", "rle", "--accept-compression", "rle", "--compact"]
    decoded = satchel("decode", *options, stdin=encoded.out, PYTHONPATH=path)

    assert (encoded.code, encoded.err) == (0, "")
    assert (decoded.text, decoded.err) == ('{"a":1}\n', "")


def test_no_librarys_module_is_imported_for_it() -> None:
    program = "import sys; sys.argv = ['satchel', 'list']; from satchel.cli import main; main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    imported = set(done.stdout.splitlines()[-1].split())

    assert not imported & {"orjson", "msgspec", "ormsgpack", "msgpack", "yaml", "brotli", "zstandard"}


def test_commands_can_be_run_one_after_the_other_in_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["list"]), main(["list", "--json"])] == [0, 0]
    assert capsys.readouterr().out.count("json") > 2
