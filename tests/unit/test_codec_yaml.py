"""YAML 1.1, its safe subset: what a scalar means, aliases and their budget, what is refused."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from time import perf_counter
from uuid import UUID

import pytest
import yaml

from satchel import (
    CorruptBody,
    Encoded,
    EncodeError,
    LimitExceeded,
    Limits,
    Pipeline,
    Yaml,
    celery_registry,
    default_registry,
)
from satchel.testing import difference
from satchel.testing.awkward import TRICKY_TEXTS

DEFAULT = Pipeline(["yaml"])
CELERY = Pipeline(["yaml"], registry=celery_registry())
ALIASES = Pipeline(["yaml"], registry=default_registry().with_serializer(Yaml(aliases=True), replace=True))


def encode(value: object, pipeline: Pipeline = DEFAULT) -> bytes:
    return bytes(pipeline.encode(value, serializer="yaml").body)


def decode(body: bytes | str, pipeline: Pipeline = DEFAULT) -> object:
    body = body.encode() if isinstance(body, str) else body
    return pipeline.decode(Encoded(body, "application/x-yaml", "utf-8"))


@pytest.mark.parametrize("text", TRICKY_TEXTS, ids=ascii)
def test_a_text_that_means_more_stays_a_text(text):
    value = {"a": text, "k" + text: [text]}
    body = encode(value)

    assert decode(body) == value
    assert yaml.safe_load(body) == value
    assert decode(encode({text: 1})) == {text: 1}


@pytest.mark.parametrize("value", [1e16, 1e-7, -0.0, 5e-324, 1.7976931348623157e308, 1.0, 123456789.125, 1e22])
def test_a_float_stays_the_same_float(value):
    assert repr(decode(encode([value]))) == repr([value])
    assert repr(yaml.safe_load(encode(value))) == repr(value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("1_000", 1000),
        ("0x1F", 31),
        ("017", 15),
        ("0b11", 3),
        ("1:30", 90),
        ("1:30:00.5", 5400.5),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("1e3", "1e3"),
        ("1.5e+3", 1500.0),
        ("2001-02-03", date(2001, 2, 3)),
        ("2001-02-03 04:05:06.5 +1", datetime(2001, 2, 3, 4, 5, 6, 500_000, timezone(timedelta(hours=1)))),
        ("!!str 1", "1"),
        ("!!int '1'", 1),
        ("!!float 1", 1.0),
        ("!!binary aGk=", b"hi"),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("!!set {a, b}", {"a", "b"}),
        ("!!omap [{a: 1}, {b: 2}]", [("a", 1), ("b", 2)]),
        ("! 1", 1),
        ("!!binary |\n  aG\n  k=\n", b"hi"),
        ("- a\n- b: [c]\n", ["a", {"b": ["c"]}]),
        ("--- |\n  a\n  b\n", "a\nb\n"),
        ("# nothing else\n--- null\n...\n", None),
        ("", None),
        ("# nothing", None),
        (
            "{5: a, ~: b, 2.5: c, no: d, 2001-01-01: e, !!binary aGk=: f}",
            {5: "a", None: "b", 2.5: "c", False: "d", date(2001, 1, 1): "e", b"hi": "f"},
        ),
        ("{=: 1, b: 2}", {"=": 1, "b": 2}),
    ],
)
def test_what_other_producers_write_is_read_as_pyyaml_reads_it(body, value):
    assert difference(value, decode(body)) is None
    assert yaml.safe_load(body) == value


LOCAL = [
    (time(1, 2, 3), "!time"),
    (timedelta(1), "!timedelta"),
    (Decimal("1.50"), "!decimal"),
    (UUID(int=1), "!uuid"),
    (frozenset({1}), "!frozenset"),
    (datetime(2001, 1, 1, tzinfo=timezone(timedelta(seconds=1))), "!datetime"),
]


@pytest.mark.parametrize(("value", "tag"), LOCAL)
def test_a_type_that_yaml_lacks_has_a_local_tag(value, tag):
    body = encode([value])

    assert tag.encode() in body
    assert difference([value], decode(body)) is None
    assert difference([value], decode(body, CELERY)) is None


@pytest.mark.parametrize(("value", "_tag"), LOCAL)
def test_celerys_dialect_refuses_what_stock_yaml_lacks(value, _tag):
    with pytest.raises(EncodeError, match="stock Celery worker cannot read") as raised:
        encode({"a": [value]}, CELERY)

    assert raised.value.path == ("a", 0)


@pytest.mark.parametrize(
    "value",
    [
        date(1, 1, 1),
        datetime(2001, 2, 3, 4, 5, 6, 7),
        {1, "a"},
        b"\xff",
        datetime(2001, 1, 1, tzinfo=timezone.utc),
        10**40,
    ],
)
def test_celerys_dialect_writes_what_pyyaml_reads(value):
    assert difference([value], yaml.safe_load(encode([value], CELERY))) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_celerys_only(value):
    body = encode([value], CELERY)

    assert repr(decode(body, CELERY)) == repr(yaml.safe_load(body)) == repr([value])
    with pytest.raises(EncodeError, match="finite"):
        encode([value])
    with pytest.raises(CorruptBody, match="finite"):
        decode(body)


@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud800": 1}])
def test_a_lone_surrogate_is_refused(value):
    with pytest.raises(EncodeError, match="surrogate"):
        encode(value)


# Aliases


def test_aliases_are_refused_by_default():
    with pytest.raises(CorruptBody, match="aliases=True"):
        decode("[&a [1], *a]")


def test_aliases_are_read_when_they_may_be():
    body = "[&a [1, &b x], *a, {c: *b, d: *a}]"

    for pipeline in (ALIASES, CELERY):
        assert decode(body, pipeline) == yaml.safe_load(body)


@pytest.mark.parametrize("body", ["&a [*a]", "[*nothing]", "[&a 1, *b]", "{&a x: *c}"])
def test_an_alias_to_nothing_or_to_itself_is_corrupt(body):
    with pytest.raises(CorruptBody):
        decode(body, CELERY)


@pytest.mark.parametrize("width", [2, 9])
@pytest.mark.parametrize("pipeline", [ALIASES, CELERY], ids=["aliases", "celery"])
def test_billions_of_laughs_are_refused_at_once(width, pipeline):
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, 60))]
    start = perf_counter()

    with pytest.raises(LimitExceeded):
        decode("\n".join(lines), pipeline)
    assert perf_counter() - start < 30  # not the hours that it would take


def test_an_alias_brings_its_levels():
    chain = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 98))]

    assert decode("\n".join(chain), ALIASES)
    with pytest.raises(LimitExceeded, match="max_depth"):
        decode("\n".join([*chain, "b: &b [*a97]", "c: [*b]"]), ALIASES)


# What is refused


@pytest.mark.parametrize(
    "body",
    [
        "{<<: {a: 1}, b: 2}",
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "!<tag:example.com,2000:x> 1",
        "!!timestamp yesterday",
        "!!int x",
        "!!binary '*'",
        "!!null x: [",
        "[1",
        "a: b: c",
        "\t- a",
        "@",
        "%YAML 3.0\n--- 1",
        "--- 1\n--- 2",
        "--- 1\n... 2",
        "\ufeff1",
        "{[a]: 1}",
        "? {a: 1}\n: 2",
        "!!set {[a]}",
        "{!uuid 00000000000000000000000000000001: 1}",
        "{!frozenset [1]: 1}",
        "!!omap [{a: 1, a: 2}]",
        "[=]",
        "!Order {a: 1}",
        "!uuid x",
        "!uuid [1, 2]",
        "!decimal {a: 1}",
        "!timedelta 1",
        "!frozenset {a: 1}",
        "!frozenset [[1]]",
        "!! 1",
        "1" * 4301,
        "0x" + "f" * 3600,
        "1:" * 3000 + "1",
        "1" * 5000 + ".5",
        "1.0e+400",
        "2001-13-45",
        "2001-02-03T25:00:00Z",
        "!!bool maybe",
        b"\xff",
        "a: 1".encode("utf-16"),
        b"\x00",
        "a\x01b",
    ],
)
def test_what_is_outside_of_the_safe_subset_is_refused(body):
    with pytest.raises((CorruptBody, LimitExceeded)):
        decode(body)


@pytest.mark.parametrize("value", [{1: "a"}, {None: 1}, {2.5: 1}, {date(2001, 1, 1): 1}, {True: [{False: 1}]}])
def test_scalars_as_keys_are_written_in_celerys_dialect_only(value):
    body = encode(value, CELERY)

    assert yaml.safe_load(body) == decode(body, CELERY) == decode(body) == value
    with pytest.raises(EncodeError, match="keys are str"):
        encode(value)


@pytest.mark.parametrize("key", [(1, 2), frozenset({1}), UUID(int=1)])
def test_other_keys_are_refused_in_both_dialects(key):
    for pipeline in (DEFAULT, CELERY):
        with pytest.raises(EncodeError, match=r"dict key|stock Celery worker"):
            encode({"a": {key: 1}}, pipeline)


def test_scalars_as_keys_of_stock_producers_are_read_in_both_dialects():
    body = yaml.safe_dump({1: "a", None: "b", 2.5: "c", date(2001, 1, 1): "d", b"x": 1})

    assert decode(body, CELERY) == decode(body) == yaml.safe_load(body)


@pytest.mark.parametrize("body", ["{[a]: 1}", "? {a: 1}\n: 2", "!!set {{a: 1}}"])
def test_containers_as_keys_are_corrupt_in_both_dialects(body):
    for pipeline in (DEFAULT, CELERY):
        with pytest.raises(CorruptBody):
            decode(body, pipeline)


def test_the_limits_are_met_event_by_event():
    for body in ("- " * 60_000, "[" * 200_000, "{a: " * 200_000, "? " * 200_000):
        with pytest.raises((LimitExceeded, CorruptBody)):
            decode(body)
    with pytest.raises(LimitExceeded, match="max_nodes"):
        Yaml().loads(b"[" + b"a," * 500 + b"]", limits=Limits(max_nodes=500))
