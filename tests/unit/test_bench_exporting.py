"""A run of the benchmark in its forms: JSON by its schema, CSV, Markdown, each made from the JSON alone."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import fields, is_dataclass, replace
from importlib import resources
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest

from satchel.bench.exporting import FORMS, Form, export, form_of
from satchel.bench.results import Cost, InvalidRun, Noise, Row, Run, Sampled, Sizes, from_json, to_json
from satchel.bench.tabling import digits, tabulate, warnings
from satchel.bench.timing import Figure
from tests.unit.bench_runs import a_row, a_run

SCHEMA: dict[str, Any] = json.loads((resources.files("satchel.bench") / "schema.json").read_text("utf-8"))
CLASSES: tuple[Any, ...] = (Run, Row, Sizes, Cost, Sampled, Noise, Figure)

#: Names that a plugin or a file may have, each of which means something to one of the forms.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    'a,"b"\r\nc',
    "| [x](javascript:1) | `*_~<b>",
    "Zoë 消息 🎒",
    "\x1b[2J\u202e\x00",
    "",
    "\ud800",
)

RUNS: dict[str, Run] = {
    "usual": a_run(),
    "no rows": a_run(0, left_out={}),
    "many": a_run(60),
    "None wherever it may be": a_run((a_row(stage="screened"),)),
    "hostile names": a_run(
        tuple(a_row(name) for name in HOSTILE), baseline=HOSTILE[0], left_out={HOSTILE[3]: HOSTILE[2]}
    ),
    "unrounded": a_run(tuple(a_row(f"json {n}", size=100 / 3 * n, encode=10 / 7 * n) for n in range(1, 9))),
    "a tuple in what is free": a_run(
        machine={"cores": (1, 2), "load": 1 / 3, "none": None, "deep": {"é": [1.0, True]}}
    ),
    "interrupted": a_run(0, complete=False, noise=Noise(0.5, -0.2, False)),
}


@pytest.fixture(params=list(RUNS.values()), ids=list(RUNS))
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


def test_json_is_as_its_schema_says(run: Run) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    jsonschema.validate(json.loads(export(run, "json")), SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "satchel-bench-2"),
        ("rows.0.stage", "guessed"),
        ("rows.0.sizes.p50", 1.5),
        ("rows.0.encode.median", None),
        ("rows.0.encode.relative", 1.0),
        ("noise.stable", "yes"),
        ("samples.payloads", []),
        ("rows.0.payload", "secret"),
        ("host", "a.example"),
    ],
)
def test_schema_refuses_what_is_no_run(path: str, value: object) -> None:
    stored = json.loads(to_json(a_run()))
    *way, last = path.split(".")
    inner = stored
    for step in way:
        inner = inner[int(step) if step.isdecimal() else step]
    inner[last] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(stored, SCHEMA)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_schema_has_every_field_of_the_classes_and_no_other(kind: Any) -> None:
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    described = SCHEMA["$defs"][kind.__name__]

    expected = ["format", *names] if kind is Run else names
    assert list(described["properties"]) == described["required"] == expected
    assert described["additionalProperties"] is False
    assert all(each["description"] for each in described["properties"].values())


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_schema_has_the_types_of_the_fields(kind: Any) -> None:
    properties = SCHEMA["$defs"][kind.__name__]["properties"]
    plain = {str: "string", int: "integer", float: "number", bool: "boolean"}
    hints = {name: hint for name, hint in get_type_hints(kind).items() if hint in plain}

    assert {name: properties[name]["type"] for name in hints} == {name: plain[hint] for name, hint in hints.items()}
    optional = {name for name, hint in get_type_hints(kind).items() if type(None) in get_args(hint)}
    assert {name for name, each in properties.items() if _takes_none(each)} == optional


def _takes_none(described: dict[str, Any]) -> bool:
    return "null" in described.get("type", ()) or {"type": "null"} in described.get("anyOf", ())


def test_schema_describes_the_classes_and_nothing_else() -> None:
    assert set(SCHEMA["$defs"]) == {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("form", FORMS)
def test_a_run_read_back_is_exported_byte_for_byte_again(run: Run, form: Form) -> None:
    assert export(from_json(export(run, "json")), form) == export(run, form)


def test_forms_are_told_by_a_files_ending() -> None:
    assert [form_of(name) for name in ("a.json", "b/c.CSV", "d.md", "e.html", "f.txt", "md", "g.html.gz", "")] == [
        *FORMS,
        *[None] * 4,
    ]


def test_csv_has_a_row_per_candidate_and_every_field_but_the_single_sizes(run: Run) -> None:
    header, *rows = csv.reader(io.StringIO(export(run, "csv"), newline=""))

    leaves = {name.split(".")[0] for name in header}
    assert leaves == {field.name for field in fields(Row)} | {"baseline"}
    assert "sizes.each" not in header
    assert {"sizes.p99", "encode.high", "decode.relative.value", "encode.reference.low"} <= set(header)
    assert [len(row) for row in rows] == [len(header)] * len(run.rows)


def test_csv_holds_the_values_of_the_json() -> None:
    (row,) = csv.DictReader(io.StringIO(export(a_run((a_row(level=-3),)), "csv"), newline=""))

    assert (row["name"], row["baseline"], row["compressor"], row["level"]) == ("json", "true", "", "-3")
    assert (row["sizes.mean"], row["encode.median"], row["pareto"]) == ("402.5", "1.93", "false")
    assert float(row["encode.low"]) == json.loads(to_json(a_run((a_row(),))))["rows"][0]["encode"]["low"]


def test_csv_lines_end_as_rfc_4180_has_it() -> None:
    text = export(a_run(), "csv")

    assert text.count("\r\n") == text.count("\n") == 1 + len(a_run().rows)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\n=1"])
def test_csv_has_no_cell_that_a_spreadsheet_takes_for_a_formula(name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(export(a_run((a_row(name),)), "csv"), newline=""))

    assert row["name"] == f"'{name}"


def test_markdown_is_the_table_as_the_terminal_has_it() -> None:
    table = tabulate(a_run())
    lines = [line for line in export(a_run(), "md").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert cells[0] == list(table.header)
    assert set(cells[1]) == {":--", "--:"}
    assert cells[2:] == [list(row) for row in table.rows]


def test_markdown_shows_names_as_they_are() -> None:
    text = export(a_run(tuple(a_row(name) for name in HOSTILE), left_out={}), "md")
    lines = [line for line in text.splitlines() if line.startswith("|")]

    columns = len(tabulate(a_run()).columns)
    assert len(lines) == 2 + len(HOSTILE)
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [columns + 1] * len(lines)
    assert not re.search(r"(?<!\\)[<`\[*]", text.replace("**", ""))
    assert r"\| \[x\](javascript:1) \| \`\*\_\~\<b\>" in text
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}


def test_markdown_says_what_to_be_wary_of() -> None:
    run = a_run(
        samples=Sampled(40, 40, "9f" * 32, ("sample:celery",), True, 4000), noise=Noise(0.2, 0.1, False), complete=False
    )

    said = export(run, "md")
    assert len(warnings(run)) == 4
    assert all(f"**{text}**" in said for text in warnings(run))
    assert warnings(a_run()) == ()


def test_baseline_is_marked() -> None:
    names = [row[0] for row in tabulate(a_run()).rows]

    assert [name for name in names if name.endswith("(baseline)")] == ["json (baseline)"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (7, "7"),
        (999, "999"),
        (123456, "123,000"),
        (1.0, "1.00"),
        (9.996, "10.0"),
        (0.012345, "0.0123"),
        (-0.5, "-0.500"),
        (99.96, "100"),
        (999.6, "1,000"),
        (float("nan"), "?"),
        (float("inf"), "?"),
        (10**400, "?"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert digits(value) == text


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(9.0, 10.0, 10.0, 10.01), "10.0 ±1%"),
        (Cost(1.0, 10.0, 5.0, 11.0), "10.0 ±50%"),
        (Cost(10.0, 10.0, 10.0, 10.0), "10.0"),
        (Cost(0.0, 0.0, 0.0, 0.0), "0"),
        (Cost(1.0, float("nan"), 1.0, 1.0), "?"),
        (Cost(1.0, 1.0, 1.0, float("inf")), "1.00"),
    ],
)
def test_interval_is_rounded_up_and_shown_where_there_is_one(cost: Cost, text: str) -> None:
    row = replace(a_row(), encode=cost)

    assert tabulate(a_run((row,))).rows[0][5] == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1,020 B"), (1024, "1.00 KiB"), (5 << 20, "5.00 MiB"), (3 << 42, "12,300 GiB")],
)
def test_memory_is_shown_in_binary_units(size: int | None, text: str) -> None:
    assert tabulate(a_run((a_row(peak_memory=size),))).rows[0][7] == text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "true", '"1"'])
def test_what_is_no_number_is_refused_with_its_place(number: str) -> None:
    text = to_json(a_run(1))
    changed = re.sub(r'"ratio":[0-9.]+', f'"ratio":{number}', text, count=1)

    assert changed != text
    with pytest.raises(InvalidRun, match=r"run\.rows\[0\]\.ratio"):
        from_json(changed)
