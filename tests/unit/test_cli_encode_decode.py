"""`satchel encode` and `satchel decode`: what goes through a pipe comes out again, within limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli_run import satchel

RICH = {
    "text": "Zoë \U0001f600",
    "when": {"__type__": "datetime", "__value__": "2031-01-02T03:04:05+05:30"},
    "price": {"__type__": "decimal", "__value__": "1.10"},
    "raw": {"__type__": "base64", "__value__": "//4A"},
    "tags": {"__type__": "set", "__value__": ["a", "b"]},
    "big": 2**70,
    "half": 0.5,
    "nothing": None,
    "list": [1, [2, {"deep": True}]],
}


@pytest.mark.parametrize("compression", ["none", "zlib", "gzip", "bzip2", "lzma", "brotli", "zstd"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_a_pipe_of_encode_and_decode_gives_the_value_again(serializer: str, compression: str) -> None:
    codecs = ["-s", serializer, *(["-c", compression] if compression != "none" else [])]
    accept = ["--accept", "pickle"] if serializer == "pickle" else []
    encoded = satchel("encode", *codecs, stdin=json.dumps(RICH))
    decoded = satchel("decode", *codecs, *accept, stdin=encoded.out)

    assert (encoded.code, encoded.err, decoded.code, decoded.err) == (0, "", 0, "")
    assert json.loads(decoded.out) == RICH


def test_a_bare_body_is_compressed_however_short_it_is() -> None:
    encoded = satchel("encode", "-c", "zstd", stdin="{}")

    assert encoded.out[:4] == b"\x28\xb5\x2f\xfd"
    assert satchel("decode", "-c", "zstd", stdin=encoded.out).text == "{}\n"


@pytest.mark.parametrize("size", [3, 5000])
def test_an_envelope_says_itself_what_it_is(size: int) -> None:
    encoded = satchel("encode", "-s", "msgpack", "-c", "zlib", "--envelope", stdin=json.dumps("x" * size))
    envelope = json.loads(encoded.out)

    # Three bytes would not shrink, so they are sent as they are.
    assert envelope["headers"] == ({"compression": "application/zlib"} if size > 128 else {})
    assert envelope["content-type"] == "application/x-msgpack"
    assert json.loads(satchel("decode", "--envelope", stdin=encoded.out).out) == "x" * size


def test_celerys_dialect_writes_what_a_stock_worker_reads() -> None:
    encoded = satchel("encode", "--dialect", "celery", "-c", "gzip", "--envelope", stdin=json.dumps("x" * 500))

    assert json.loads(encoded.out)["headers"] == {"compression": "application/x-gzip"}


def test_celerys_dialect_refuses_what_a_stock_worker_cannot_read_and_says_where() -> None:
    value = json.dumps({"tags": [{"__type__": "set", "__value__": [1]}]})
    refused = satchel("encode", "--dialect", "celery", stdin=value)

    assert (refused.code, refused.out) == (3, b"")
    assert "a stock Celery worker cannot read a set in json at tags[0]" in refused.err


def test_headers_tells_the_four_facts_on_stderr() -> None:
    encoded = satchel("encode", "-s", "yaml", "-c", "bzip2", "--headers", stdin='{"a": 1}')

    assert encoded.err.splitlines()[:3] == [
        "content-type: application/x-yaml",
        "content-encoding: utf-8",
        "compression: application/x-bz2",
    ]
    assert encoded.err.splitlines()[3] == f"size: {len(encoded.out)} bytes, from 8 bytes of input"


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        ("yaml", "a: 1\nb: [x, y]\n", {"a": 1, "b": ["x", "y"]}),
        ("text", "any text\n", "any text\n"),
        ("raw", b"\xff\xfe", {"__type__": "base64", "__value__": "//4="}),
        ("msgpack", b"\x93\x01\x02\x03", [1, 2, 3]),
    ],
)
def test_the_input_may_be_of_any_format(source: str, data: str | bytes, expected: object) -> None:
    assert json.loads(satchel("encode", "--from", source, stdin=data).out) == expected


def test_files_are_read_and_written(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"id": 4711}')
    wrote = satchel("encode", str(tmp_path / "order.json"), "-s", "msgpack", "-o", str(tmp_path / "order.bin"))
    read = satchel("decode", str(tmp_path / "order.bin"), "-s", "msgpack", "--compact")

    assert (wrote.code, wrote.out) == (0, b"")
    assert read.text == '{"id":4711}\n'


def test_a_pickle_is_not_read_unless_the_accept_list_names_it() -> None:
    pickled = satchel("encode", "-s", "pickle", stdin="[1, 2]").out

    for arguments in (["-s", "pickle"], ["-s", "pickle", "--accept", "json"], ["-s", "application/x-python-serialize"]):
        refused = satchel("decode", *arguments, stdin=pickled)
        assert (refused.code, refused.out) == (3, b"")
        assert "'application/x-python-serialize' is not accepted" in refused.err
        assert "add --accept NAME" in refused.err
    assert satchel("decode", "-s", "pickle", "--accept", "pickle", "--compact", stdin=pickled).text == "[1,2]\n"


def test_an_accepted_pickle_still_runs_nothing(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    command = f"touch {touched}".encode()
    exploit = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c" + bytes([len(command)]) + command + b"\x85R."
    refused = satchel("decode", "-s", "pickle", "--accept", "pickle", stdin=exploit)

    assert refused.code == 3
    assert "posix:system" in refused.err
    assert not touched.exists()


def test_limits_are_held_and_can_be_raised() -> None:
    body = satchel("encode", "-c", "zlib", stdin=json.dumps("x" * 5000)).out
    refused = satchel("decode", "-c", "zlib", "--max-decompressed", "4k", stdin=body)
    deep = satchel("decode", "--max-depth", "3", stdin="[[[[]]]]")
    large = satchel("decode", "--max-body", "100", stdin=b" " * 101)

    assert [ended.code for ended in (refused, deep, large)] == [3, 3, 3]
    assert "decompresses to more than 4,096 bytes; if it is genuine, raise --max-decompressed" in refused.err
    assert "max_depth=3" in deep.err
    assert "max_body=100" in large.err
    assert satchel("decode", "-c", "zlib", "--max-decompressed", "6k", stdin=body).code == 0


def test_python_and_raw_show_what_json_has_no_form_for() -> None:
    keyed = satchel("decode", "-s", "yaml", "--dialect", "celery", stdin="{1: a}")
    shown = satchel("decode", "-s", "yaml", "--dialect", "celery", "--python", stdin="{1: a}")
    raw = satchel("decode", "-s", "raw", "--raw", stdin=b"\xff\x00")

    assert keyed.code == 3
    assert "the value has no JSON form (a dict key of type int at [1]); print it with --python" in keyed.err
    assert shown.text == "{1: 'a'}\n"
    assert raw.out == b"\xff\x00"


def test_what_a_terminal_would_obey_is_escaped() -> None:
    hostile = json.dumps(["\x1b[2J\x9b2J\u202e"], ensure_ascii=False)

    for form in ("--compact", "--python"):
        shown = satchel("decode", form, stdin=hostile).text
        assert not set(shown) & set("\x1b\x9b\u202e")
    assert json.loads(satchel("decode", "--compact", stdin=hostile).out) == ["\x1b[2J\x9b2J\u202e"]


def test_damaged_bodies_are_one_clear_line() -> None:
    cut = satchel("encode", "-c", "zlib", stdin="[1, 2, 3]").out[:-3]
    refused = satchel("decode", "-c", "zlib", stdin=cut)

    assert (refused.code, refused.out) == (3, b"")
    assert refused.err == "satchel: error: zlib: the stream is truncated\n"


def test_an_error_is_one_line_that_is_cut_and_has_nothing_that_a_terminal_would_obey() -> None:
    hostile = "\x1b[2J\x9b2J\u202e\r\n" * 10_000
    whole = {"body": "e30=", "content-type": hostile, "headers": {}, "properties": {"body_encoding": "base64"}}
    refused = satchel("decode", "--envelope", stdin=json.dumps(whole))

    assert refused.code == 3
    assert refused.err.endswith("\n")
    assert refused.err[:-1].isprintable()
    assert len(refused.err) < 8_000


@pytest.mark.parametrize("command", [["decode"], ["encode", "-s", "yaml"]])
def test_what_is_too_deep_to_be_written_is_one_clear_line(command: list[str]) -> None:
    refused = satchel(*command, "--max-depth", "5000", stdin=b"[" * 3_000 + b"]" * 3_000)

    assert (refused.code, refused.out) == (3, b"")
    assert refused.err.startswith("satchel: error: ")
    assert refused.err.count("\n") == 1


def test_a_value_stays_on_one_line_where_indentation_would_make_it_many_times_as_long() -> None:
    body = b"[" * 99 + b"1," * 50_000 + b"1" + b"]" * 99
    shown = satchel("decode", stdin=body)

    assert shown.out == body + b"\n"
    assert satchel("decode", stdin=b"[[1,2]]").text == "[\n  [\n    1,\n    2\n  ]\n]\n"


@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_max_nodes_lifts_the_lower_bound_of_yaml_too(dialect: str) -> None:
    options = ["-s", "yaml", "--dialect", dialect, "--max-nodes", "1000000"]
    body = b"[" + b"1, " * 30_000 + b"1]"
    refused = satchel("decode", *options[:4], stdin=body)

    assert refused.code == 3
    assert "raise --max-nodes" in refused.err
    assert satchel("decode", *options, "--compact", stdin=body).out == body.replace(b" ", b"") + b"\n"
    for source in ("json", "yaml"):
        assert satchel("encode", "--from", source, *options, stdin=body).out.count(b"1") == 30_001
    assert "max_nodes=10" in satchel("decode", *options[:-1], "10", stdin=body).err


def test_max_nodes_keeps_the_accept_list_of_envelopes() -> None:
    encoded = satchel("encode", "-s", "yaml", "--envelope", stdin="[1]").out

    assert satchel("decode", "--envelope", "--max-nodes", "50", "--compact", stdin=encoded).text == "[1]\n"
