"""The program `satchel`: help, errors, exit codes, terminals, broken pipes, interruptions."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from satchel.cli import COMMANDS
from tests.unit.cli_run import COMMAND, environment, satchel


def test_help_lists_the_commands_with_examples() -> None:
    shown = satchel("--help")

    assert shown.code == 0
    assert all(f"\n    {name}" in shown.text for name in COMMANDS)
    assert "examples:\n" in shown.text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    shown = satchel(command, "--help")

    assert (shown.code, shown.err) == (0, "")
    assert "\nexamples:\n" in shown.text
    assert max(map(len, shown.text.splitlines())) <= 120


def test_version_is_shown() -> None:
    assert satchel("--version").text.startswith("satchel ")


def test_help_imports_no_command_and_no_library() -> None:
    listing = "import sys; sys.argv = ['satchel', '--help']\ntry: satchel.cli.main()\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import satchel.cli; {listing}"], capture_output=True, env=environment(), text=True
    )
    imported = set(done.stdout.splitlines()[-1].split())

    ours = {name for name in imported if name.startswith("satchel.cli.")}
    assert ours == {"satchel.cli.outcome"}
    assert not imported & {"importlib.metadata", "json", "orjson", "msgpack", "yaml", "zstandard", "celery", "kombu"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND (see satchel --help)"),
        (["encod"], "invalid choice: 'encod'"),
        (["encode", "--nope"], "unrecognized arguments: --nope"),
        (["encode", "-s", "jsno"], "no serializer 'jsno'; did you mean 'json'?"),
        (["encode", "-c", "zst"], "no compressor 'zst'; did you mean 'zstd'?"),
        (["decode", "--accept", "jsno"], "no serializer 'jsno'; did you mean 'json'?"),
        (["decode", "no such file"], "no such file: No such file or directory"),
        (["decode", "--max-body", "0"], "'0' is not a positive number such as 500, 64k or 16M"),
        (["decode", "--max-body", "5x"], "'5x' is not a positive number such as 500, 64k or 16M"),
        (["inspect", "--count", "0"], "'0' is not a positive number"),
        (["--bogus"], "unrecognized arguments: --bogus (see satchel --help)"),
        (["--bogus", "list"], "unrecognized arguments: --bogus (see satchel --help)"),
        (["encode", "--bogus"], "unrecognized arguments: --bogus (see satchel encode --help)"),
        (["decode", "--accept", ","], "argument --accept: ',' names nothing (see satchel decode --help)"),
        (["decode", "--accept-compression", ""], "argument --accept-compression: '' names nothing"),
        (["inspect", "--accept", ""], "argument --accept: '' names nothing"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    refused = satchel(*arguments, stdin="{}")

    assert (refused.code, refused.out) == (2, b"")
    assert refused.err.startswith("satchel: error: ")
    assert refused.err.count("\n") == 1
    assert message in refused.err


def test_a_missing_library_is_exit_code_4_with_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "zstandard.py").write_text("raise ModuleNotFoundError('hidden by a test')")
    refused = satchel("encode", "-c", "zstd", stdin="{}", PYTHONPATH=str(tmp_path))
    received = satchel("decode", "-c", "zstd", stdin=b"\x28\xb5\x2f\xfd", PYTHONPATH=str(tmp_path))
    inspected = satchel("inspect", stdin=b"\x28\xb5\x2f\xfd", PYTHONPATH=str(tmp_path))

    assert [ended.code for ended in (refused, received, inspected)] == [4, 4, 4]
    for told in (refused.err, received.err, inspected.text):
        assert "run: pip install 'satchel[zstd]'" in told


def test_a_file_that_cannot_be_opened_is_exit_code_2_for_input_and_output() -> None:
    unwritable = satchel("encode", "-o", "/nowhere/at/all", stdin="{}")
    unreadable = satchel("encode", "/nowhere/at/all")

    for refused in (unwritable, unreadable):
        assert (refused.code, refused.err) == (2, "satchel: error: /nowhere/at/all: No such file or directory\n")


@pytest.mark.parametrize(
    ("command", "redirection", "message"),
    [
        ("encode", "<&-", "standard input is closed; give a FILE"),
        ("encode", ">&-", "standard output is closed"),
        ("list", ">&-", "standard output is closed"),
    ],
)
def test_a_stream_that_is_closed_is_one_line(command: str, redirection: str, message: str) -> None:
    shell = ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, command]
    done = subprocess.run(shell, capture_output=True, stdin=subprocess.DEVNULL, text=True, env=environment())

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"satchel: error: {message}\n")


def test_what_is_told_on_a_closed_stderr_does_not_get_into_the_output() -> None:
    shell = ["sh", "-c", '"$@" 2>&-', "sh", *COMMAND, "encode", "--headers"]
    done = subprocess.run(shell, input="[1]", stdout=subprocess.PIPE, text=True, env=environment())

    assert (done.returncode, done.stdout) == (0, "[1]")


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["encode", "-s", "jsno"], "did you mean 'json'?"),
        (["encode", "-c", "zst"], "did you mean 'zstd'?"),
        (["decode", "-c", "zst"], "did you mean 'zstd'?"),
        (["decode", "--accept", "jsno"], "did you mean 'json'?"),
        (["decode", "--envelope", "--accept-compression", "zst"], "did you mean 'zstd'?"),
    ],
)
def test_names_are_checked_before_the_input_is_read(arguments: list[str], suggestion: str) -> None:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        code = process.wait(timeout=30)  # Nothing was written to its input, and that is still open.
        assert process.stderr is not None
        err = process.stderr.read().decode()

    assert code == 2
    assert suggestion in err


def on_terminal(*arguments: str, stdin: bytes) -> tuple[int, bytes, bytes]:
    """Run a command whose standard output is a terminal; give its exit code, what the terminal got, and stderr."""
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=terminal, stderr=subprocess.PIPE, env=environment()
    )
    os.close(terminal)
    err = process.communicate(stdin, timeout=30)[1]
    try:
        out = os.read(ours, 65536)
    except OSError:  # Nothing was written, and the other end is closed.
        out = b""
    os.close(ours)
    return process.returncode, out, err


def test_binary_is_not_written_to_a_terminal_unless_forced() -> None:
    refused = on_terminal("encode", "-s", "msgpack", stdin=b"[1]")
    forced = on_terminal("encode", "-s", "msgpack", "--force", stdin=b"[1]")
    text = on_terminal("encode", "-s", "json", stdin=b"[1]")

    assert refused[:2] == (2, b"")
    assert b"binary is not written to a terminal" in refused[2]
    assert forced[:2] == (0, b"\x91\x01")
    assert text[:2] == (0, b"[1]\r\n")


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\x9b2J", "\u202e"])
def test_text_that_a_terminal_would_obey_is_not_written_to_one_unless_forced(text: str) -> None:
    body = json.dumps(text).encode()
    refused = on_terminal("decode", "--raw", stdin=body)
    forced = on_terminal("decode", "--raw", "--force", stdin=body)

    assert refused[:2] == (2, b"")
    assert b"text with control characters is not written to a terminal" in refused[2]
    assert forced[0] == 0
    assert text.encode() in forced[1]


def test_plain_text_is_written_raw_to_a_terminal() -> None:
    shown = on_terminal("decode", "--raw", stdin=json.dumps("Zoë\t\U0001f600").encode())

    assert shown[0] == 0
    assert shown[1].decode().startswith("Zoë")


def test_a_reader_that_stops_reading_is_no_error() -> None:
    process = subprocess.Popen(
        [*COMMAND, "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (141, b"")


def test_ctrl_c_is_exit_code_130_without_a_traceback() -> None:
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "decode"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stderr is not None
    hint = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    os.close(ours)
    os.close(terminal)

    assert hint == b"satchel: reading from the terminal; Ctrl-D ends it\n"
    assert (process.returncode, err) == (130, b"")
