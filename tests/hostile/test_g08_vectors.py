"""G8: every public vector of ../shared/vectors gives what its manifest says, YAML's what PyYAML's C loader gives."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from hashlib import sha256
from math import isfinite
from typing import Any

import pytest

from satchel import Brotli, Bzip2, Gzip, Json, Lzma, Msgpack, Pipeline, Yaml, Zlib, Zstd
from satchel.testing import difference
from tests.hostile.bodies import DIALECTS, Outcome, message, outcome, packed, pipeline
from tests.hostile.figures import Figures
from tests.hostile.vectors import VECTORS, manifest

MANIFEST = manifest()
public = pytest.mark.skipif(not VECTORS.is_dir(), reason="../shared/vectors is not here")

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
    """Both dialects, in reader engines."""
    codec, engines = ENGINES[name]
    return [
        (dialect, using(codec(dialect=dialect, engine=engine), dialect)) for dialect in DIALECTS for engine in engines
    ]


@public
def test_the_manifest_has_vectors_of_every_format_and_leaves_none_out() -> None:
    listed = {vector["path"] for vector in MANIFEST}
    listed |= {vector["expected_value"] for vector in MANIFEST if "expected_value" in vector}
    stored = {path.relative_to(VECTORS).as_posix() for path in VECTORS.rglob("*") if path.is_file()}

    assert {vector["codec"] for vector in MANIFEST} == {*COMPRESSORS, "json", "msgpack", "yaml"}
    assert stored - {"README.md", "manifest.json"} == listed


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
        for dialect, reader in variants("json"):
            got = outcome(reader, message("json", body))
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
        outcomes = [outcome(reader, message("msgpack", body)) for _, reader in variants("msgpack")]
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
