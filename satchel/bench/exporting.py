"""A run in another form: JSON, CSV (RFC 4180), Markdown or HTML, each made from the run's JSON alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, Literal, get_args

from satchel.bench.results import Cost, Row, Run, Sizes, from_json, to_json
from satchel.bench.tabling import caption, facts, left_out, tabulate, visible, warnings
from satchel.bench.timing import Figure

Form = Literal["json", "csv", "md", "html"]
FORMS: tuple[Form, ...] = get_args(Form)

_TUPLES = {"sizes": Sizes, "encode": Cost, "decode": Cost, "relative": Figure, "reference": Figure}
#: What Markdown, or HTML within it, would take for its own within a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&$])")
#: A spreadsheet takes a cell that begins so for a formula, in any width.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def form_of(name: str) -> Form | None:
    """Give the form that a file's name ends in, or None."""
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    return next((form for form in FORMS if form == suffix), None)


def export(run: Run, form: Form) -> str:
    """Write a run in a form.

    A run and what is read from its JSON give the same text, on any machine and at any time.
    """
    text = to_json(run)
    if form == "json":
        return text
    run = from_json(text)  # Rounded as the JSON is.
    if form == "csv":
        return _csv(run)
    if form == "md":
        return _markdown(run)
    from satchel.bench.report import html

    return html(run)


def _csv(run: Run) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(["baseline", *(name for name, _ in _fields(Row, None))])
    for row in run.rows:
        cells = (_cell(value) for _, value in _fields(Row, row))
        writer.writerow([_cell(row.name == run.baseline), *cells])
    return target.getvalue()


def _fields(kind: Any, value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every field but `sizes.each`, by its path; the values are None within what is None."""
    names: Sequence[str] = kind._fields if hasattr(kind, "_fields") else tuple(kind.__dataclass_fields__)
    for name in names:
        item = None if value is None else getattr(value, name)
        if name in _TUPLES:
            yield from _fields(_TUPLES[name], item, f"{prefix}{name}.")
        elif name != "each":
            yield f"{prefix}{name}", item


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        value = value.replace("\0", "\ufffd")  # Python 3.10 does not write it.
        return f"'{value}" if _FORMULA.match(value) else value
    return repr(value)


def _markdown(run: Run) -> str:
    table = tabulate(run)
    rules = ["--:" if column.right else ":--" for column in table.columns]
    lines = [
        "# Benchmark",
        *(f"**{_escaped(text)}**" for text in warnings(run)),
        _escaped(caption(run)),
        "\n".join([_line(table.header), _line(rules), *(_line(map(_escaped, row)) for row in table.rows)]),
        *_list("Left out", left_out(run)),
        *_list("Measured on", facts(run)),
    ]
    return "\n\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _list(title: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    items = [f"- **{_escaped(name)}**: {_escaped(text)}" for name, text in pairs]
    return [f"## {title}", "\n".join(items)] if items else []


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", visible(text))
