"""G15: over 10,000 values for each serializer come back equal, types included, or are refused when encoded."""

from __future__ import annotations

import json
from collections import UserDict, deque
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from itertools import product
from typing import Any

import msgpack
import pytest

from satchel import EncodeError, Json, Msgpack, Pickle, Pipeline, Yaml, celery_registry
from satchel.codecs.base import RESERVED_TAGS
from satchel.testing import AWKWARD, difference, random_values
from tests.hostile.figures import THOROUGH, Figures
from tests.property.applications import REGISTRY, TYPES, with_types
from tests.property.test_round_trip import CODECS, KEEPS_TUPLES

CELERY_CODECS: dict[str, Any] = {
    "celery-json-stdlib": Json(dialect="celery", engine="stdlib"),
    "celery-json-fast": Json(dialect="celery", engine="fast"),
    "celery-json-tuples": Json(dialect="celery", tuples=True),
    "celery-msgpack-plain": Msgpack(dialect="celery", engine="plain"),
    "celery-msgpack-fast": Msgpack(dialect="celery", engine="fast"),
    "celery-msgpack-tuples": Msgpack(dialect="celery", tuples=True),
    "celery-yaml": Yaml.celery(),
    "celery-yaml-tuples": Yaml(dialect="celery", tuples=True),
    "celery-pickle": Pickle.celery(),
}
ALL = {**CODECS, **CELERY_CODECS}
KEEPS = {*KEEPS_TUPLES, *(name for name in CELERY_CODECS if "tuples" in name or "pickle" in name)}
CELERY_REGISTRY = with_types(celery_registry())

#: Values of the value model for each serializer, no two of them alike; those at its edges come on top.
COUNT = 100_000 if THOROUGH else 10_000
#: What share of them each must write and read again: Celery's dialect refuses what a stock worker would misread. The
#: more are made up, the smaller is the share of those that look like tags, which it carries as the dicts that they are.
LEAST = {
    "celery-json": 0.1,
    "celery-msgpack": 0.15 if THOROUGH else 0.6,
    "celery-yaml": 0.25 if THOROUGH else 0.6,
}

#: Tags that mean something, to kombu, to the value model or to the application, and such as look like them.
REAL_TAGS = (*sorted(RESERVED_TAGS), *(cls.__name__ for cls in TYPES))
FALSE_TAGS: tuple[Any, ...] = (
    "",
    "no such tag",
    "Set",
    "set ",
    "__type__",
    "tag:yaml.org,2002:set",
    "\ud7ff",
    None,
    True,
    1,
    ["set"],
    {},
)
#: What tags hold: every one of them has its own among these, so that a dict that is taken for a tag becomes a value.
HELD: tuple[Any, ...] = (
    *(
        "",
        "text",
        "YQ==",
        "1",
        "-1.50",
        "NaN",
        "P1DT2S",
        "2001-01-01",
        "12:30:45",
        "2001-01-01T00:00:00Z",
        "RED",
        "0" * 32,
    ),
    *(None, 1, 1.5, True, b"\xff", date(2001, 1, 1), datetime(2001, 1, 1), (1, 2), {1, 2}, frozenset({"a"})),
    *([], [1, "a"], [["a", 1]], [["__type__", 1], ["__value__", 2]], {}, {"hex": "0" * 32}, {"x": 1, "y": 2}),
    *({"__type__": "set", "__value__": [1]}, {"__type__": "uuid", "__value__": {"hex": "0" * 32}}),
)
#: Offsets that Python itself reads as UTC.
INSTANT = timezone(timedelta(microseconds=1))
#: What other formats spell their types with: tags, merge keys and sets of YAML, ext types of msgpack, kombu's and ours.
MARKS: tuple[Any, ...] = (
    *(
        {"!uuid": "0" * 32},
        {"!!set": {"a": None}},
        {"a": None},
        {"=": 1},
        {"<<": {"a": 1}},
        {"<<": [{"a": 1}, {"a": 2}]},
    ),
    *("!uuid x", "!!python/object/apply:os.getcwd []", "&a [*a]", "*a", "tag:yaml.org,2002:set", "!", "? a\n", "--- 1"),
    *([{"__ext__": 80, "data": "set"}], ["\x50", "set", 1], [b"\xc7\x03\x50set", 1], b"\xd4\x50s", "\xc7\x03\x50set"),
    *([msgpack.ExtType(80, b"set"), 1], msgpack.ExtType(87, b"\0" * 16), msgpack.ExtType(5, b"x")),
    *(datetime(2001, 1, 1, tzinfo=INSTANT), time(1, tzinfo=INSTANT)),
    *(msgpack.Timestamp(1, 1), msgpack.Timestamp(1, 1000), {"__json__": 1}, {"$date": 1}, {"$type": "set"}),
    *(
        {"py/object": "datetime.date"},
        {"__set__": [1]},
        {"__type__": "set"},
        {"__value__": [1]},
        {"type": "set", "value": [1]},
    ),
    *((("set", [1]), ["set", [1]], ["tuple", 1, 2], {"set": [1]}, b"\x80\x04.", "cbuiltins\nlist\n(tR.")),
)


def tag_shaped() -> Iterator[Any]:
    """Give dicts that look like a type tag, each in another place of a value."""
    for number, (tag, shared) in enumerate(product((*REAL_TAGS, *FALSE_TAGS), HELD)):
        held = deepcopy(shared)
        shape = {"__value__": held, "__type__": tag} if number % 2 else {"__type__": tag, "__value__": held}
        yield shape
        yield {"__type__": tag, "__value__": shape}
        yield (
            [shape, shape],
            (shape, 1),
            {"a": {"b": [shape]}},
            {"__type__": shape, "__value__": held},
            {**shape, "more": 1},
            [[], {"__type__": "dict", "__value__": [["__type__", tag], ["__value__", shape]]}],
        )[number % 6]


def awkward() -> Iterator[Any]:
    """Give values at the edges of the value model and outside of it, each in several places."""
    for shared in (*AWKWARD, *MARKS):
        item = deepcopy(shared) if isinstance(shared, dict | list | bytearray | deque | UserDict) else shared
        yield item
        yield [1, item]
        yield {"a": {"b": (item,)}}
        yield {"__type__": "set", "__value__": [item]}
        try:
            places = [{(item, 1)}, {item: "key"}]
            # Not a NaN, which is equal to nothing, and so not the same in any set.
            if item == item and repr(item):
                yield from places
        except (TypeError, ValueError):
            continue  # It has no hash, or is an int too long for a repr, which `difference` wants of keys.


@cache
def further() -> list[Any]:
    """Give made-up values, none of them twice."""
    # Half of what is made up is short, and so made up again and again.
    different = {repr(value): value for value in random_values(2 * COUNT, seed=15)}
    for value in tag_shaped():
        different.pop(repr(value), None)
    return list(different.values())


def made(name: str) -> tuple[list[Any], list[Any]]:
    """Give values of the value model and at its edges; each time new ones.

    What is made up is shared out among the forms of a serializer, unless there is time to give each all of it.
    """
    model = [*tag_shaped()]
    forms = [other for other, codec in ALL.items() if codec.name == ALL[name].name]
    first, step = (0, 1) if THOROUGH else (forms.index(name), len(forms))
    return [*model, *deepcopy(further()[: COUNT - len(model)][first::step])], [*awkward()]


def based(value: Any, *, texts: bool) -> Any:
    """Give the plain value that one of subclasses equals; `texts`: keys are written as texts, as Celery does."""
    if isinstance(value, dict):
        return {_key(key, texts): based(item, texts=texts) for key, item in value.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(based(item, texts=texts) for item in value)
    if isinstance(value, datetime):
        return datetime.combine(date(value.year, value.month, value.day), value.timetz())
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if texts and hasattr(value, "__json__"):
        return value.__json__()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return int.__int__(value) if isinstance(value, int) and type(value) is not bool else value


def _key(key: Any, texts: bool) -> Any:
    if not texts or isinstance(key, str) or not isinstance(key, int | float | None):
        return based(key, texts=texts)
    # As the standard library's json has it.
    return next(iter(json.loads(json.dumps({key: None}))))


def pipeline_of(name: str) -> Pipeline:
    codec = ALL[name]
    registry = CELERY_REGISTRY if name in CELERY_CODECS else REGISTRY
    return Pipeline([codec.name], registry=registry.with_serializer(codec, replace=True))


def altered(name: str, value: Any, back: Any) -> str | None:
    """Say what became something else, unless all came back as it was, or as the plain value that it equals."""
    keeps, texts = name in KEEPS, name.startswith("celery-json")
    found = difference(value, back, tuples=keeps)
    return found and difference(based(value, texts=texts), back, tuples=keeps)


@pytest.mark.parametrize("name", ALL)
def test_every_value_comes_back_equal_or_is_refused_and_none_is_changed(name: str, figures: Figures) -> None:
    pipeline, serializer, (model, edges) = pipeline_of(name), ALL[name].name, made(name)
    wrong: list[tuple[Any, Any]] = []
    refused: list[int] = []
    for number, value in enumerate([*model, *edges]):
        try:
            encoded = pipeline.encode(value, serializer=serializer)
        except EncodeError as error:
            refused.append(number)
            wrong += [] if error.codec == serializer else [(value, error)]
            continue
        if what := altered(name, value, pipeline.decode(encoded)):
            wrong.append((value, what))

    count = len(model) + len(edges)
    as_before = [value for values in made(name) for value in values]
    changed = [what for old, new in zip(as_before, [*model, *edges], strict=True) if (what := difference(old, new))]
    back = len(model) - sum(number < len(model) for number in refused)
    print(f"{name}: {count - len(refused):,} came back equal, {len(refused):,} were refused")
    print(f"{name}: {back:,} of {len(model):,} values of the value model came back: {back / len(model):.0%}")
    figures("G15", count)
    assert (wrong[:3], changed[:3]) == ([], [])
    # Satchel's own dialect refuses nothing of the value model.
    assert back >= len(model) * LEAST.get(f"celery-{serializer}" if name in CELERY_CODECS else name, 1.0)


@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
def test_no_two_of_the_values_for_a_serializer_are_alike(serializer: str) -> None:
    forms = [name for name, codec in ALL.items() if codec.name == serializer]

    assert len({repr(value) for name in forms for value in made(name)[0]}) == COUNT


@pytest.mark.parametrize("name", ALL)
def test_what_is_read_only_once_is_not_read(name: str) -> None:
    pipeline, serializer = pipeline_of(name), ALL[name].name
    readable: list[Any] = [(n for n in "ab"), iter([1, 2]), iter({1: 2}.items()), map(str, [1]), memoryview(b"ab")]

    for value in readable:
        for place in (value, [1, value], {"a": value}):
            with suppress(EncodeError):
                pipeline.encode(place, serializer=serializer)

    assert [list(value) for value in readable] == [["a", "b"], [1, 2], [(1, 2)], ["1"], [97, 98]]
