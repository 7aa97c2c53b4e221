"""Every form of a scalar means what it means to PyYAML's C safe loader, or both refuse it."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
import yaml

from satchel import DecodeError, Encoded, Pipeline, Yaml, celery_registry
from satchel.codecs.yaml_scalars import shortened
from satchel.testing import difference

CODEC = Yaml(dialect="celery", aliases=True, merge_keys=True)
PIPELINE = Pipeline(["yaml"], registry=celery_registry().with_serializer(CODEC, replace=True))

INTS = ["0", "1", "-1", "+12", "007", "0o7", "08", "0b101", "-0b11", "0x1f", "0XFF", "1_000", "_1", "1__", "0_"]
INTS += ["-0x_1", "-", "e3", "a", "\u0661", "1\u0661", "YQ==", "1:0", "0:30", "1:59:59", "1:60", "-1:30", "1:_2", ":1"]
INTS += ["1:" + ":".join(["59"] * 50)]
FLOATS = ["1.", ".5", "-.5", "1.5e3", "1.5e+3", "1.5e-3", "1e3", "1_0.5_0", "+1.5", ".", "..", "1.5.5", "190:20:30.15"]
FLOATS += ["1:2.", ".inf", "-.INF", "+.Inf", ".nan", ".NaN", ".NAN", ".nAn", "nan", "inf", "1.0e+400", "100.5e-3"]
WORDS = ["yes", "No", "TRUE", "tRue", "on", "OFF", "y", "n", "null", "Null", "~", "nULL", "none", "<", "<<", "=", "=="]
WORDS += ["true-", "null-", "!"]
DATES = ["2001-01-01", "2001-1-1", "2001-13-01", "2001-01-1", "0000-01-01", "2001-01-01T1:02:03", "2001-W01-1"]
DATES += ["2001-001", "12:3-1", "2001-", "1-2-3"]
TIMES = ["2001-1-1 1:02:03Z", "2001-01-01t01:02:03.5-05:30", "2001-01-01 01:02:03.1234567 +1", "2001-01-01 1:2:3"]
TIMES += ["2001-01-01\t1:02:03. Z", "2001-01-01T25:00:00", "2001-01-01 1:02:03 +99:99", "2001-01-01 01:02:03"]
TEXTS = [*INTS, *FLOATS, *WORDS, *DATES, *TIMES, "", "1 2"]
NAMES = ("str", "int", "float", "bool", "null", "timestamp", "seq", "value", "merge")
TAGS = ["", "! ", *(f"!!{name} " for name in NAMES)]
FORMS = [
    "{tag}{text}",
    "{tag}'{text}'",
    '[{tag}"{text}"]',
    "{tag}{text}: 1",
    "{{a: {tag}{text}}}",
    "{tag}|\n  {text}\n",
]


def outcome(load: Any, body: str) -> tuple[str, Any]:
    try:
        return "value", load(body)
    except (DecodeError, yaml.YAMLError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
        return "refused", error


def ours(body: str) -> Any:
    return PIPELINE.decode(Encoded(body.encode(), "application/x-yaml", "utf-8"))


def theirs(body: str) -> Any:
    return yaml.load(body.encode(), yaml.CSafeLoader)


def unlike(body: str) -> bool:
    (kind, value), (their_kind, their_value) = outcome(ours, body), outcome(theirs, body)
    if kind != their_kind or kind == "refused":
        return kind != their_kind
    # A key that is not a number is not equal to itself.
    return difference(their_value, value) is not None and repr(their_value) != repr(value)


@pytest.mark.parametrize("form", FORMS)
def test_a_scalar_means_what_it_means_to_pyyaml(form):
    bodies = [form.format(tag=tag, text=text) for tag, text in product(TAGS, TEXTS)]

    assert [body for body in bodies if unlike(body)] == []


LONG = [f"{start}{':59' * 2_000}{end}" for start in ("1", "0", "0x1", "-1_0", "a") for end in ("", ".5", ":6", ":60")]
LONG += [f"1{':59' * 2_000}{end}" for end in ("9", "_", ":", ".5.5", ".5:59", "e+1", " 1")]
LONG += ["2001-01-01 01:02:03." + "0" * 5_000, "1" * 5_000, "1:2." + "3" * 5_000]


@pytest.mark.parametrize("text", LONG, ids=lambda text: f"{text[:12]}…{text[-5:]}")
def test_a_long_text_is_a_number_where_it_is_one_to_pyyaml(text):
    theirs_kind, value = outcome(theirs, text)
    # Numbers of so many digits are refused.
    is_number = theirs_kind == "refused" or type(value) in (int, float)

    kind, own = outcome(ours, text)

    assert (kind, is_number or own == value) == ("refused" if is_number else "value", True)


def test_a_long_text_is_shortened_to_one_that_says_the_same():
    random = Random(60)
    tests = [pattern.match for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers["1"] if "timestamp" not in tag]
    for _ in range(100_000):
        text = "".join(random.choices([":59", ":5", ":60", ":07", "1", "0", "-", "_", ".", "e+", "x", ":"], k=7))
        assert [bool(test(text)) for test in tests] == [bool(test(shortened(text))) for test in tests], text


PIECES = [
    "a",
    "1",
    "1.5",
    "yes",
    "~",
    "[",
    "]",
    "{",
    "}",
    ": ",
    ", ",
    "- ",
    "\n",
    "\n  ",
    "? ",
    "'b'",
    '"c"',
    "<<",
    "=",
]
PIECES += ["&x ", "*x", "&y ", "*y", "| \n  ", "# d\n", "2001-01-01", "--- "]
PIECES += ["!!str ", "!!set ", "!!map ", "!!omap ", "!!pairs "]
MERGES = ["<<: {a: 1}", "a: 2", "b: 3", "=: 4", "<<: [{b: 5}, {a: 6}]"]


@pytest.mark.parametrize("seed", range(4))
def test_a_document_means_what_it_means_to_pyyaml(seed):
    random = Random(seed)
    bodies = ["".join(random.choices(PIECES, k=random.randint(2, 12))) for _ in range(2_000)]
    bodies += [
        "{" + ", ".join(random.choices(["<<: {a: 1}", "a: 2", "b: 3", "=: 4", "<<: [{b: 5}, {a: 6}]"], k=4)) + "}"
    ]

    assert [body for body in bodies if unlike(body)] == []
