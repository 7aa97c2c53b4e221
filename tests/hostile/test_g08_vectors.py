"""G8: every public vector of ../shared/vectors gives what its manifest says, YAML's what PyYAML's C loader gives."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from hashlib import sha256
from math import isfinite
from typing import Any

import pytest

from satchel import (
    Brotli,
    Bzip2,
    DecodeError,
    Encoded,
    Gzip,
    Json,
    Lzma,
    Msgpack,
    Pipeline,
    Yaml,
    Zlib,
    Zstd,
)
from satchel.testing import difference
from tests.hostile.bodies import DIALECTS, message, packed, pipeline
from tests.hostile.child import ROOT
from tests.hostile.figures import Figures

VECTORS = ROOT.parent / "shared" / "vectors"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text()) if VECTORS.exists() else []
public = pytest.mark.skipif(not MANIFEST, reason="../shared/vectors is not here")

#: By the manifest's name of a format: ours, with the option for bodies of several streams where there is one.
COMPRESSORS: dict[str, Any] = {
    "brotli": Brotli(),
    "bzip2": Bzip2(streams=100),
    "gzip": Gzip(streams=100),
    "xz": Lzma(streams=100),
    "zlib": Zlib(),
    "zstd": Zstd(streams=100),
}
ENGINES: dict[str, Any] = {"json": (Json, ("stdlib", "fast")), "msgpack": (Msgpack, ("plain", "fast"))}

Outcome = tuple[str, Any]
ROWS: dict[str, Counter[str]] = defaultdict(Counter)


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print what came of each format, a line each, unless workers share the tests."""
    yield
    if not ROWS or "PYTEST_XDIST_WORKER" in os.environ:
        return
    rows = [("format", "good", "bad, refused", "either", "")]
    for name, row in ROWS.items():
        either = f"{row['either read']} read, {row['either refused']} refused" if row["either"] else "-"
        notes = ", ".join(f"{count} {what[6:]}" for what, count in row.items() if count and what.startswith("note: "))
        good, bad = f"{row['good held']}/{row['good']}", f"{row['bad refused']}/{row['bad']}" if row["bad"] else "-"
        rows.append((name, good, bad, either, notes))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        for row_ in rows:
            print("{:<8} {:>8} {:>13}   {:<22} {}".format(*row_).rstrip())


def vectors(name: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    for vector in MANIFEST:
        if vector["codec"] == name:
            body = (VECTORS / vector["path"]).read_bytes()
            assert sha256(body).hexdigest() == vector["sha256_in"]
            ROWS[name][vector["expectation"]] += 1
            yield vector, body


def outcome(both: Pipeline, encoded: Encoded) -> Outcome:
    """What a pipeline gives: any other error than a DecodeError fails the test."""
    try:
        return "value", both.decode(encoded)
    except DecodeError as error:
        return "refused", str(error)


def same(left: Outcome, right: Outcome) -> bool:
    return left[0] == right[0] and (left[0] == "refused" or difference(left[1], right[1]) is None)


def tally(name: str, vector: dict[str, Any], holds: bool, got: str) -> list[str]:
    """Note a vector; give its name when it does not hold."""
    expectation, row = vector["expectation"], ROWS[name]
    row["good held"] += expectation == "good" and holds
    row["bad refused"] += expectation == "bad" and got == "refused"
    row["either read"] += expectation == "either" and got == "value"
    row["either refused"] += expectation == "either" and got == "refused"
    return [] if holds else [f"{vector['path']}: {got}"]


@cache
def using(codec: Any, dialect: str = "satchel") -> Pipeline:
    registry = DIALECTS[dialect]()
    add = registry.with_compressor if hasattr(codec, "compress") else registry.with_serializer
    return pipeline(registry=add(codec, replace=True))


def variants(name: str) -> list[tuple[str, Pipeline]]:
    """Both dialects, in both engines."""
    codec, engines = ENGINES[name]
    return [
        (dialect, using(codec(dialect=dialect, engine=engine), dialect)) for dialect in DIALECTS for engine in engines
    ]


# Compressors


@public
@pytest.mark.parametrize("name", COMPRESSORS)
def test_compressors(name: str, figures: Figures) -> None:
    codec = COMPRESSORS[name]
    failed = []
    for vector, body in vectors(name):
        plain = outcome(pipeline(), packed(codec.name, body))
        many = outcome(using(codec), packed(codec.name, body))
        if plain[0] == "value":
            assert plain == many
        needed = plain[0] == "refused" and many[0] == "value"
        ROWS[name]["note: with the option streams"] += needed
        # What is bad is no better for the option.
        right = many[0] == "value" and sha256(many[1]).hexdigest() == vector.get("out_sha256")
        holds = {"good": right, "bad": many[0] == "refused", "either": True}[vector["expectation"]]
        assert not needed or ("after the end" in plain[1] or "skippable" in plain[1]), plain[1]
        failed += tally(name, vector, holds, many[0])

    assert failed == []
    figures("G8", sum(ROWS[name][kind] for kind in ("good", "bad", "either")))


# JSON and MessagePack


def not_finite(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(not_finite, value))
    return (
        not_finite(list(value.values()))
        if isinstance(value, dict)
        else value.__class__ is float and not isfinite(value)
    )


@public
def test_json(figures: Figures) -> None:
    failed = []
    for vector, body in vectors("json"):
        outcomes: dict[str, Outcome] = {}
        for dialect, both in variants("json"):
            got = outcome(both, message("json", body))
            assert same(outcomes.setdefault(dialect, got), got), vector["path"]
        # Only Celery's dialect reads what is no JSON: NaN, infinities and lone surrogates.
        lenient = outcomes["celery"]
        more = outcomes["satchel"][0] == "refused" and lenient[0] == "value"
        if more and vector["expectation"] == "bad":
            assert not_finite(lenient[1]), vector["path"]
        ROWS["json"]["note: more in Celery's dialect (NaN, infinities, lone surrogates)"] += more
        got = outcomes["satchel"]
        good = got[0] == "value" and same(got, lenient) and difference(json.loads(body), got[1]) is None
        holds = {"good": good, "bad": got[0] == "refused", "either": True}[vector["expectation"]]
        failed += tally("json", vector, holds, got[0])

    assert failed == []
    figures("G8", 4 * sum(ROWS["json"][kind] for kind in ("good", "bad", "either")))


def msgpack_value(expected: dict[str, Any], body: bytes) -> Any:
    """The value of a vector of MessagePack: its kind and its text."""
    import msgpack

    kind, value = list(expected.items())[-1]  # An exact "bignum" follows its "number".
    if kind in ("number", "bignum"):
        return float(value) if body[0] in (0xCA, 0xCB) else int(value)
    if kind == "binary":
        return bytes.fromhex(value.replace("-", ""))
    if kind == "ext":
        return msgpack.ExtType(value[0], bytes.fromhex(value[1].replace("-", "")))
    if kind == "timestamp":
        seconds, nanoseconds = value
        if nanoseconds % 1000 or not -62135596800 <= seconds < 253402300800:  # the years 1 to 9999
            return msgpack.Timestamp(seconds, nanoseconds)
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    return value


@public
def test_msgpack(figures: Figures) -> None:
    failed = []
    for vector, body in vectors("msgpack"):
        expected = msgpack_value(json.loads((VECTORS / vector["expected_value"]).read_text()), body)
        outcomes = [outcome(both, message("msgpack", body)) for _, both in variants("msgpack")]
        holds = all(same(got, ("value", expected)) for got in outcomes)
        failed += tally("msgpack", vector, holds, outcomes[0][0])

    assert failed == []
    figures("G8", 4 * ROWS["msgpack"]["good"])


# YAML


def pyyaml(body: bytes) -> Outcome:
    import yaml

    try:
        return "value", yaml.load(body, yaml.CSafeLoader)
    except Exception as error:  # noqa: BLE001  # it leaks many
        return "refused", str(error)


def needs(body: bytes) -> frozenset[str]:
    """The options that a body needs."""
    import yaml

    found = set()
    try:
        events: Iterator[Any] = yaml.parse(body, yaml.CLoader)
        for event in events:
            tag = getattr(event, "tag", None)
            if getattr(event, "anchor", None):
                found.add("aliases")
            if getattr(event, "value", None) == "<<" and event.implicit[0]:
                found.add("merge_keys")
            if tag and tag != "!" and tag not in yaml.SafeLoader.yaml_constructors:
                found.add("foreign_tags")
    except yaml.YAMLError:
        pass
    return frozenset(found)


def foreign_value(vector: dict[str, Any], got: Outcome) -> bool:
    """Whether a value whose tags were passed over is the manifest's, whose scalars are JSON's."""
    if "expected_value" not in vector:
        return True
    try:
        expected = json.loads((VECTORS / vector["expected_value"]).read_text())
    except json.JSONDecodeError:  # One value for each of several documents.
        return got[0] == "refused" and "more than one document" in got[1]
    return got[0] == "value" and bool(json.loads(json.dumps(got[1], default=str)) == expected)


def yaml_holds(dialect: Any, vector: dict[str, Any], body: bytes, reference: Outcome) -> tuple[bool, Outcome]:
    """Whether it is read as PyYAML does, when it may be; and what it is with all the options that it needs."""

    def by(**options: Any) -> Outcome:
        return outcome(using(Yaml(dialect=dialect, **options), dialect), message("yaml", body))

    chosen = dict.fromkeys(needs(body), True)
    plain, read = by(), by(**chosen)
    if not chosen:
        return same(plain, reference), plain
    if "foreign_tags" not in chosen:
        return plain[0] == "refused" and same(read, reference), read
    # PyYAML's safe loader refuses them.
    return plain[0] == reference[0] == "refused" and foreign_value(vector, read), read


@public
def test_yaml(figures: Figures) -> None:
    failed, row = [], ROWS["yaml"]
    for vector, body in vectors("yaml"):
        reference = pyyaml(body)
        holds, got = yaml_holds("satchel", vector, body, reference)
        if got[0] == "value":
            for option in sorted(needs(body)):
                row[f"note: with the option {option}"] += 1
        row["note: good, but refused by PyYAML too"] += vector["expectation"] == "good" and got[0] == "refused"
        row["note: bad, but read by PyYAML too"] += vector["expectation"] == "bad" and got[0] == "value"
        failed += tally("yaml", vector, holds and yaml_holds("celery", vector, body, reference) == (True, got), got[0])

    assert failed == []
    figures("G8", 2 * (row["good"] + row["bad"]))


# A few of our own, for where there are no vectors


def own_compressed(name: str) -> tuple[list[bytes], list[bytes]]:
    codec = COMPRESSORS[name]
    good = [codec.compress(body) for body in (b"", b"a", b"abc" * 1000, bytes(range(256)) * 10)]
    bad = [b"", b"\0", good[2][:-1], good[2] + b"\0", good[2] + good[0], good[2][1:]]
    return good, bad


OWN: dict[str, tuple[list[bytes], list[bytes]]] = {
    **{name: own_compressed(name) for name in COMPRESSORS},
    "json": (
        [b"{}", b" [1, -0.5e3, null]\n", b'"\\ud83d\\ude00"', b'{"":{"a":[true,false]}}', b"0"],
        [b"", b"[1,]", b"{a:1}", b"[01]", b"[1] 2", b'"\t"', b"\xef\xbb\xbf1", b"[1.]", b"'a'", b"nul", b'"\xff"'],
    ),
    "msgpack": (
        [b"\xc0", b"\x93\x01\xff\xcb?\xe0\0\0\0\0\0\0", b"\x81\xa1a\x90", b"\xc4\x01\xff", b"\xcf" + b"\xff" * 8],
        [b"", b"\xc1", b"\x92\x01", b"\x81\x01\x02", b"\xc0\xc0", b"\xa1\xff", b"\xdf\xff\xff\xff\xff"],
    ),
    "yaml": (
        [
            b"",
            b"# nothing",
            b"{1: a, ~: b, 2.5: c, 2001-01-01: d, yes: e}",
            b"a: |\n  b\n",
            b"!!set {a, b}",
            b"[0b1, 1:30]",
        ],
        [
            b"[1",
            b"a: b: c",
            b"{[a]: 1}",
            b"--- 1\n--- 2",
            b"&a [*a]",
            b"!x 1",
            b"\t- a",
            b"\xff",
            b"- =",
            b"[&a 1, &a 2]",
        ],
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_our_own_good_and_bad_bodies(name: str, figures: Figures) -> None:
    good, bad = OWN[name]
    wrap = (lambda body: packed(COMPRESSORS[name].name, body)) if name in COMPRESSORS else partial(message, name)
    both = [pipeline(dialect) for dialect in DIALECTS]

    assert [body for body in good if any(outcome(each, wrap(body))[0] == "refused" for each in both)] == []
    assert [body for body in bad if any(outcome(each, wrap(body))[0] == "value" for each in both)] == []
    figures("G8", 2 * (len(good) + len(bad)))
