"""The tables in docs/ say what the code does: every cell is worked out from behaviour and compared."""

from __future__ import annotations

import json
import pickletools
import re
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import msgpack
import pytest
import yaml

import satchel
from satchel import (
    CorruptBody,
    EncodeError,
    Json,
    Limits,
    Msgpack,
    Pipeline,
    Registry,
    Yaml,
)
from satchel.cli import COMMANDS
from satchel.message import TaskOptions
from satchel.registry.builtin import CELERY_COMPRESSORS, COMPRESSORS, SERIALIZERS, Entry
from satchel.testing import identical

DOCS = Path(__file__).parents[2] / "docs"
WIRE_FORMAT = "wire-format.md"

FORMATS = ("json", "msgpack", "yaml", "pickle")


class Level(IntEnum):
    HIGH = 3


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    y: int


class Unknown:
    pass


#: What the expressions in the tables may use. Point and Colour are registered.
NAMES: dict[str, Any] = {
    named.__name__: named
    for named in (date, datetime, time, timedelta, timezone, Decimal, UUID, Level, Colour, Point, Unknown)
}


def rows(page: str, heading: str) -> list[list[str]]:
    """Give the cells of the first table under a heading, without its header, Markdown's backticks kept."""
    text = (DOCS / page).read_text().partition(f"\n{heading}\n")[2]
    assert text, f"{page} has no heading {heading!r}"
    table: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            table.append([cell.strip() for cell in line[1:].rstrip().rstrip("|").split("|")])
        elif table:
            break
    assert len(table) > 2, f"{page} has no table under {heading!r}"
    return table[2:]


def code(cell: str) -> list[str]:
    """Give what stands in backticks."""
    return re.findall("`([^`]*)`", cell)


# The value model


def typed(registry: Registry) -> Registry:
    return registry.with_type(Point).with_type(Colour)


def keeping_tuples() -> Registry:
    registry = typed(Registry.of_dialect("satchel"))
    for codec in (Json(tuples=True), Msgpack(tuples=True), Yaml(tuples=True)):
        registry = registry.with_serializer(codec, replace=True)
    return registry


DIALECTS: dict[str, Callable[[], Registry]] = {
    "### The default dialect": lambda: typed(Registry.of_dialect("satchel")),
    "### Celery's dialect": lambda: typed(Registry.of_dialect("celery")),
    "### Tuples kept": keeping_tuples,
}


def written(serializer: str, body: bytes) -> str:
    """Tell how the outermost value of a body is spelled."""
    tellers: dict[str, Callable[[bytes], str | None]] = {
        "json": _json,
        "msgpack": _msgpack,
        "yaml": _yaml,
        "pickle": _pickle,
    }
    return tellers[serializer](body) or "native"


def _json(body: bytes) -> str | None:
    value = json.loads(body)
    tagged = isinstance(value, dict) and value.keys() == {"__type__", "__value__"}
    return f"tag `{value['__type__']}`" if tagged else None


def _msgpack(body: bytes) -> str | None:
    value = msgpack.unpackb(body, strict_map_key=False)
    if isinstance(value, msgpack.Timestamp):
        return "timestamp"
    if isinstance(value, msgpack.ExtType):
        return f"ext {value.code}"
    if isinstance(value, list) and value and isinstance(value[0], msgpack.ExtType):
        return f"ext {value[0].code} `{value[0].data.decode()}`"
    return None


def _yaml(body: bytes) -> str | None:
    root: Any = list(yaml.parse(body))[2]
    tag = root.tag
    return f"`{tag.replace('tag:yaml.org,2002:', '!!')}`" if tag else None


def _pickle(body: bytes) -> str | None:
    return "call" if any(argument == "tagged" for _, argument, _ in pickletools.genops(body)) else None


def outcome(value: Any, serializer: str, registry: Registry) -> str:
    """Tell what becomes of a value, in the words of the tables."""
    pipeline = Pipeline([serializer], registry=registry)
    try:
        encoded = pipeline.encode(value, serializer=serializer)
    except EncodeError:
        return "refused"
    back = pipeline.decode(encoded)
    how = written(serializer, bytes(encoded.body))
    return how if identical(value, back) else f"{how} → `{back!r}`"


@pytest.mark.parametrize("heading", DIALECTS)
def test_the_value_model_is_as_its_table_says(heading: str) -> None:
    registry = DIALECTS[heading]()
    documented = {code(row[0])[0]: row[1:] for row in rows(WIRE_FORMAT, heading)}

    actual = {
        source: [outcome(eval(source, NAMES), serializer, registry) for serializer in FORMATS] for source in documented
    }

    assert actual == documented


def written_cells(heading: str) -> Iterator[tuple[Any, str, str]]:
    """Give each value of a table with each serializer that writes it, and the cell that says so."""
    for row in rows(WIRE_FORMAT, heading):
        for serializer, cell in zip(FORMATS, row[1:], strict=True):
            if cell != "refused":
                yield eval(code(row[0])[0], NAMES), serializer, cell


@pytest.mark.parametrize("heading", list(DIALECTS)[:2])
def test_what_one_dialect_writes_the_other_reads(heading: str) -> None:
    writer = Pipeline([], registry=DIALECTS[heading]())
    (other,) = {"### The default dialect", "### Celery's dialect"} - {heading}
    reader = Pipeline(FORMATS, registry=DIALECTS[other]())

    unread = set()
    for value, serializer, cell in written_cells(heading):
        try:
            back = reader.decode(writer.encode(value, serializer=serializer))
        except CorruptBody:
            unread.add((serializer, repr(value)))
        else:
            assert identical(value, back) or cell.endswith(f" → `{back!r}`")

    not_finite = {(serializer, name) for name in ("nan", "inf") for serializer in FORMATS}
    assert unread == (not_finite if heading == "### Celery's dialect" else set())


def test_a_stock_worker_reads_what_celerys_dialect_writes() -> None:
    serialization = pytest.importorskip("kombu.serialization")
    heading = "### Celery's dialect"
    pipeline = Pipeline([], registry=DIALECTS[heading]())

    for value, serializer, cell in written_cells(heading):
        body, content_type, content_encoding, _ = pipeline.encode(value, serializer=serializer)
        read = serialization.loads(body, content_type, content_encoding, accept={content_type})

        assert identical(value, read) or cell.endswith(f" → `{read!r}`")


# The codecs


def facts(line: Entry) -> list[list[str]]:
    module, _, name = line.target.partition(":")
    codec = getattr(import_module(f"satchel.codecs.{module}"), name)
    written, *read = line.content_types
    return [[line.name], list(line.aliases), [name], [written], read, [codec.extra] if codec.extra else []]


@pytest.mark.parametrize(
    ("heading", "lines"),
    [
        ("### Serializers", SERIALIZERS),
        ("### Compressors", COMPRESSORS),
        ("### Compressors in Celery's dialect", CELERY_COMPRESSORS),
    ],
)
def test_the_codecs_are_as_their_table_says(heading: str, lines: tuple[Entry, ...]) -> None:
    documented = [[code(cell) for cell in row] for row in rows(WIRE_FORMAT, heading)]

    assert documented == [facts(line) for line in lines]


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference.md").read_text()
    missing = [name for name in satchel.__all__ if f":: {name}\n" not in page]

    assert missing == []


def test_the_limits_are_as_their_table_says() -> None:
    documented = {code(row[0])[0]: code(row[1])[0] for row in rows("accept-list-and-limits.md", "## Limits")}

    assert {name: eval(value) for name, value in documented.items()} == vars(Limits())


def test_the_levels_of_compressors_are_as_their_table_says() -> None:
    for classes, option, default, _ in rows("choosing-a-compressor.md", "## Levels"):
        for name in code(classes):
            actual = getattr(getattr(satchel, name)(), code(option)[0])

            assert actual is None if default.startswith("by length") else str(actual) == default


# The message builder


def test_every_option_of_a_task_message_is_in_the_page_about_sending() -> None:
    named = {name for row in rows("sending-celery-tasks.md", "## Options") for name in code(row[0])}

    assert named == set(TaskOptions.__annotations__)


# The command line


def options(command: str) -> Iterator[str]:
    parser = ArgumentParser()
    import_module(f"satchel.cli.{command}").add_arguments(parser)
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--") and option != "--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_in_its_page(command: str) -> None:
    section = (DOCS / "cli.md").read_text().partition(f"\n## satchel {command}\n")[2].partition("\n## ")[0]
    common = (DOCS / "cli.md").read_text().partition("\n## Common options\n")[2].partition("\n## ")[0]
    shared = "Common options" in section

    assert section
    assert [option for option in options(command) if f"`{option}`" not in section + common * shared] == []
