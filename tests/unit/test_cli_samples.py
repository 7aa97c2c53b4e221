"""Samples as the commands read them: every kind of source, how they are chosen, and what is said of them."""

from __future__ import annotations

import bz2
import gzip
import json
import sys
import tracemalloc
from argparse import ArgumentParser
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from satchel.bench.generated import GENERATED
from satchel.bench.results import Sampled
from satchel.bench.samples import SIZE, Samples
from satchel.cli.outcome import BAD_DATA, USAGE, Failure
from satchel.cli.samples import add_samples, describe, read_samples, warning
from satchel.registry import celery_registry, default_registry
from tests.unit.sampling import file, options, read, refused, stdin, values

pytestmark = pytest.mark.once

# Files

RICH = {"at": datetime(2031, 1, 2, tzinfo=timezone.utc), "raw": b"\xff\xfe", "n": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("ending", "serializer"), [("json", "json"), ("msgpack", "msgpack"), ("yaml", "yaml"), ("YML", "yaml")]
)
def test_a_file_is_one_message_of_the_format_that_its_name_tells(tmp_path: Path, ending: str, serializer: str) -> None:
    body = default_registry().serializer(serializer).dumps(RICH)
    samples = read(file(tmp_path / f"order.{ending}", body))

    assert samples.values == (RICH,)
    assert samples.facts[:2] == (1, 1)
    assert (samples.facts.sources, samples.facts.bytes) == ((f"order.{ending}",), len(body))


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_file_of_another_name_is_told_by_its_content(tmp_path: Path, serializer: str) -> None:
    path = file(tmp_path / "body.bin", default_registry().serializer(serializer).dumps(RICH))

    assert values(path) == [RICH]


def test_what_begins_as_json_is_not_taken_for_yaml(tmp_path: Path) -> None:
    path = file(tmp_path / "body", '{"a": }')  # In YAML that is {"a": None}.

    assert refused(path)[0] == BAD_DATA
    assert values(path, "--from", "yaml") == [{"a": None}]


def test_from_says_what_neither_name_nor_content_do(tmp_path: Path) -> None:
    path = file(tmp_path / "body.json", b"\xff some bytes")

    assert values(path, "--from", "raw") == [b"\xff some bytes"]
    assert values(file(path, "hello"), "--from", "text") == ["hello"]
    assert values(file(path, "1\n2\n"), "--from", "jsonl") == [1, 2]


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.ndjson", "orders"])
def test_json_lines_are_one_message_each_and_blank_ones_none(tmp_path: Path, name: str) -> None:
    samples = read(file(tmp_path / name, b'{"a": 1}\r\n\n  \n [2] \n"three"'))

    assert samples.values == ({"a": 1}, [2], "three")
    assert samples.facts.bytes == len(b'{"a": 1}[2]"three"')


def test_gzip_and_bzip2_are_opened(tmp_path: Path) -> None:
    lines = file(tmp_path / "orders.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    one = file(tmp_path / "one.json.bz2", bz2.compress(b"[3]"))

    assert values(lines, one) == [{"a": 1}, {"a": 2}, [3]]


# With names: what gzip writes holds the time, and the processes that share the tests must collect the same ones.
@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"[1]" * 99)[:-9], b"[1]", gzip.compress(b"[1]")[:10] + b"\xff" * 9],
    ids=["cut", "not gzip", "damaged"],
)
def test_a_damaged_gzip_file_is_told(tmp_path: Path, data: bytes) -> None:
    path = file(tmp_path / "one.json.gz", data)
    code, text = refused(path)

    assert (code, text.partition(": ")[0]) == (BAD_DATA, str(path))
    assert "cannot be decompressed" in text


def test_a_file_that_another_program_decompresses_says_which(tmp_path: Path) -> None:
    code, text = refused(file(tmp_path / "orders.jsonl.zst", b""))

    assert code == USAGE
    assert "zstd -dc" in text


def test_a_directory_is_its_files_in_order_without_hidden_ones(tmp_path: Path) -> None:
    inner = tmp_path / "b"
    inner.mkdir()
    (inner / "loop").symlink_to(tmp_path)
    file(inner / "2.jsonl", "2\n3\n")
    file(tmp_path / "z.json", "1")
    file(tmp_path / "a.json", "0")
    file(tmp_path / ".hidden", "junk")
    (tmp_path / ".git").mkdir()
    file(tmp_path / ".git" / "config", "junk")
    samples = read(tmp_path)

    assert samples.values == (0, 1, 2, 3)
    assert samples.facts.sources == (tmp_path.name,)


def test_sources_follow_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"3\n4\n")
    samples = read(file(tmp_path / "b.json", "2"), "-", file(tmp_path / "a.json", "1"))

    assert samples.values == (2, 3, 4, 1)
    assert samples.facts.sources == ("b.json", "-", "a.json")


# Standard input


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b'{"a": 1}', [{"a": 1}], id="one value"),
        pytest.param(b'{\n "a": [\n1\n]\n}\n', [{"a": [1]}], id="one value on several lines"),
        pytest.param(b'\n{"a": 1}\n[2]\n', [{"a": 1}, [2]], id="JSON lines"),
        pytest.param(b"17", [17], id="a scalar"),
        pytest.param(b"\x81\xa1a\x01", [{"a": 1}], id="msgpack"),
        pytest.param(b"a: 1\nb: [x]\n", [{"a": 1, "b": ["x"]}], id="yaml"),
    ],
)
def test_standard_input_is_one_message_or_json_lines(
    monkeypatch: pytest.MonkeyPatch, data: bytes, expected: list[Any]
) -> None:
    stdin(monkeypatch, data)

    assert values() == expected


def test_json_lines_of_any_length_are_read_with_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"text": "' + b"x" * 990 + b'"}\n'
    stdin(monkeypatch, line * 20_000)
    tracemalloc.start()
    try:
        samples = read("--max-body", "64k", "--samples", 10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (samples.facts.measured, samples.facts.seen) == (10, 20_000)
    assert peak < 2_000_000


def test_nothing_is_asked_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"1")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    assert refused() == (
        USAGE,
        "there are no samples: give a SRC, or --sample celery; - reads from the terminal",
    )
    assert values("-") == [1]


def test_standard_input_that_is_closed_or_named_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused("-", "-") == (USAGE, "standard input was named twice")
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("-") == (USAGE, "standard input is closed; give a SRC")


# Choosing, generating, telling


def test_so_many_are_chosen_by_the_seed(tmp_path: Path) -> None:
    path = file(tmp_path / "a.jsonl", "".join(f"{number}\n" for number in range(500)))
    one, again, other = (read(path, "--samples", 20, "--seed", seed) for seed in (1, 1, 2))

    assert (one.facts.measured, one.facts.seen) == (20, 500)
    assert one == again
    assert one.values != other.values


def test_a_damaged_message_that_is_not_chosen_is_not_noticed(tmp_path: Path) -> None:
    path = file(tmp_path / "a.jsonl", "1\n" * 500 + "{\n")

    assert set(values(path, "--samples", 3)) == {1}
    assert refused(path)[0] == BAD_DATA


@pytest.mark.parametrize("name", GENERATED)
def test_generated_samples_come_as_they_were_generated_and_are_called_synthetic(name: str) -> None:
    samples = read("--sample", f"{name}:20", "--seed", 3)

    assert list(samples.values) == GENERATED[name](20, 3)
    assert (samples.facts.sources, samples.facts.synthetic) == ((f"sample:{name}",), True)


def test_a_sample_without_a_count_is_as_many_as_are_measured() -> None:
    assert read("--sample", "small").facts[:2] == (SIZE, SIZE)
    assert options().samples == SIZE


def test_generated_samples_may_stand_beside_others(tmp_path: Path) -> None:
    samples = read(file(tmp_path / "a.json", "1"), "--sample", "small:2", "--sample", "celery:3")

    assert samples.facts.sources == ("a.json", "sample:small", "sample:celery")
    assert samples.facts.measured == 6


def test_an_unknown_sample_is_told_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    code, text = refused("-", "--sample", "nope")

    assert (code, text) == (USAGE, f"--sample: there is no 'nope'; there are {', '.join(GENERATED)}")


def test_help_names_every_corpus() -> None:
    parser = ArgumentParser()
    add_samples(parser)

    assert ", ".join(GENERATED) in " ".join(parser.format_help().split())


@pytest.mark.parametrize("arguments", [("--samples", "0"), ("--samples", "x"), ("--sample", "small:"), ("--seed", "x")])
def test_numbers_are_checked(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(*arguments)
    assert "usage:" in capsys.readouterr().err


def test_another_registry_may_decode(tmp_path: Path) -> None:
    path = file(tmp_path / "a.json", "[NaN]")
    with pytest.raises(Failure, match="NaN"):
        read(path)

    (value,) = read_samples(options(str(path)), celery_registry()).values
    assert json.dumps(value) == "[NaN]"


def facts(measured: int, seen: int, *, synthetic: bool = False) -> Samples:
    return Samples((), Sampled(measured, seen, "", (), synthetic, measured * 412))


def test_samples_are_described_on_one_line() -> None:
    assert describe(facts(1_000, 25_310)) == "1,000 of 25,310 messages, 412 B on average, chosen at random"
    assert describe(facts(162, 162)) == "162 messages, 412 B on average"
    assert describe(facts(1, 1)) == "1 message, 412 B on average"
    assert describe(facts(500, 500, synthetic=True)) == "500 messages, 412 B on average, synthetic"


def test_fewer_than_a_hundred_are_warned_of() -> None:
    assert warning(facts(100, 100)) is None
    assert warning(facts(99, 99)) == "n = 99: fewer than 100 messages may not be what is sent; give more if you can"
    assert "raise --samples" in (warning(facts(50, 5_000)) or "")

    large = facts(50, 5_000).facts._replace(bytes=50_000_000)
    assert "no more are measured" in (warning(Samples((), large)) or "")
