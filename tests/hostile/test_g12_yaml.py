"""G12: YAML's events come first: hostile bodies of 256 KiB are refused quickly; what costs is read by option only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from satchel import CorruptBody, DecodeError, LimitExceeded, Pipeline, Yaml, celery_registry, default_registry
from tests.hostile.bodies import message, pipeline
from tests.hostile.child import MIB, linux_only, measured
from tests.hostile.figures import THOROUGH, Figures

SIZE = 256 * 1024

#: All that may be read, and that a body may cost the most with.
EVERY_OPTION = {"aliases": True, "merge_keys": True, "foreign_tags": True, "unique_keys": True}


@cache
def reading(dialect: str = "satchel", **options: Any) -> Pipeline:
    registry = celery_registry() if dialect == "celery" else default_registry()
    codec = Yaml(dialect="celery" if dialect == "celery" else "satchel", **options)
    return pipeline(registry=registry.with_serializer(codec, replace=True))


def numbered(form: str, first: str = "", last: str = "", size: int = SIZE) -> str:
    """Repeat a form with a number in it, to the size of a body."""
    parts, room, number = [first], size - len(first) - len(last), 0
    while room > len(form) + 8:
        parts.append(form.replace("%", str(number)))
        room -= len(parts[-1])
        number += 1
    return "".join(parts) + last


def filled(form: str, first: str = "", last: str = "", count: int | None = None) -> str:
    """Repeat a form, to the size of a body or `count` times."""
    return first + form * (count or (SIZE - len(first) - len(last)) // len(form)) + last


def doubling(width: int, form: str) -> str:
    """Each line uses the one before it several times."""
    lines = ["a0: &a0 {k: 1, l: 2}"]
    lines += [f"a{n}: &a{n} {form.replace('%', ', '.join([f'*a{n - 1}'] * width))}" for n in range(1, 60)]
    return filled("# more\n", "\n".join(lines) + "\n", "!")


#: The most values that are read, at the most that each can cost, and one that is wrong at the very end.
WRONG = "!!int x"
MOST = 14_900


def late(form: str, count: int = MOST, opening: str = "[", closing: str = "]") -> str:
    count = min(count, (SIZE - 20) // len(form.replace("%", "12345")))
    return opening + "".join(form.replace("%", f"{n:05}") for n in range(count)) + WRONG + closing


BODIES: dict[str, Callable[[], str | bytes]] = {
    # Depth
    "lists in lists, flow": lambda: filled("["),
    "mappings in mappings, flow": lambda: filled("{a: "),
    "mappings as keys": lambda: filled("{"),
    "lists in lists, block": lambda: filled("- "),
    "keys in keys": lambda: filled("? "),
    "both, block": lambda: filled("- ? "),
    "block mappings, indented": lambda: "".join(" " * n + "a:\n" for n in range(716)),
    "values without keys": lambda: filled(": "),
    "lists closed too often": lambda: filled("]"),
    "opened and closed": lambda: filled("[", count=100) + filled("]", count=SIZE - 100),
    # Amplification
    "billion laughs": lambda: doubling(9, "[%]"),
    "billion laughs, keys": lambda: doubling(9, "{x: [%]}"),
    "merge keys of lists": lambda: doubling(9, "{<<: [%]}"),
    "merge keys in a chain": lambda: filled("{<<: ", last="x"),
    "merges of one large mapping": lambda: filled("- <<: *a\n", numbered("  k%: 1\n", "- &a\n", size=60_000), "!"),
    "merges of colliding keys": lambda: filled(
        "- ", "- <<: [" + ",".join(f"{{{n * (2**61 - 1)}: 1}}" for n in range(1, 4_000)) + "]\n", "["
    ),
    "a list in itself": lambda: filled("# more\n", "&a [*a, *a]\n", "!"),
    "anchors": lambda: numbered("- &a% x\n"),
    "one anchor, many times": lambda: filled("- &a x\n"),
    "aliases of one": lambda: filled(",*a", "[&a x", "]"),
    "aliases of nothing": lambda: filled("- *a\n"),
    # Numbers of things
    "values": lambda: filled("a,", "[", "]"),
    "empty lists": lambda: filled("[],", "[", "]"),
    "empty mappings": lambda: filled("{},", "[", "]"),
    "mappings of one key": lambda: filled("a: 1,", "[", "]"),
    "sets": lambda: filled("!!set {a},", "[", "]"),
    "ordered maps": lambda: filled("a: 1,", "!!omap [", "]"),
    "pairs": lambda: filled("!!pairs [a: 1],", "[", "]"),
    "block entries": lambda: filled("- a\n"),
    "nothings": lambda: filled("-\n"),
    "one key, again and again": lambda: filled("a: 1\n"),
    "keys of one hash": lambda: late_keys(),
    "documents": lambda: filled("--- a\n"),
    "empty documents": lambda: filled("---\n"),
    "ends of documents": lambda: filled("...\n", last="]"),
    "tag directives": lambda: numbered("%TAG !a%! x\n".replace("%TAG", "\0TAG")).replace("\0", "%"),
    "version directives": lambda: filled("%YAML 1.1\n", last="--- a"),
    "unknown directives": lambda: filled("%A\n", last="--- ["),
    "local tags": lambda: filled("!a b,", "[", "]"),
    "tags of objects": lambda: filled("!!python/object/apply:os.system [true],", "[", "]]"),
    "long tags": lambda: filled("a", "!", " x: ["),
    "escaped tags": lambda: filled("%41", "!", " x: ["),
    # Scalars
    "a long plain scalar": lambda: filled("a", last=": ["),
    "a long text": lambda: filled("a", '"', '" ['),
    "escapes": lambda: filled("\\u0041", '"', '" ['),
    "quotes in quotes": lambda: filled("''", "'", "' ["),
    "long lines": lambda: filled(" a", last=": ["),
    "folded lines": lambda: filled("a\n ", "a: ", "\n]"),
    "empty lines": lambda: filled("\n", '"', '" ['),
    "a literal": lambda: filled("  a\n", "|\n", "]"),
    "a literal, indented": lambda: "|\n" + " " * (SIZE // 2) + "a\n" + " " * (SIZE // 2 - 6) + "b\n",
    "a literal of blanks": lambda: "|\n" + "".join(" " * n + "\n" for n in range(720)) + "]",
    "comments": lambda: filled("#\n", last="["),
    "one comment": lambda: filled("#", last="\n["),
    "digits": lambda: filled("1"),
    "long numbers": lambda: filled("7" * 4_300 + ",", "[", "]]"),
    "long numbers in base 60": lambda: late("1" + ":59" * 1_400 + ","),
    "long floats in base 60": lambda: late("1" + ":59" * 170 + ".5,"),
    "very long numbers in base 60": lambda: filled(":59", "1"),
    "binary": lambda: filled("A", "!!binary ", "*"),
    "two very long keys": lambda: f"? {'a' * (SIZE // 2 - 8)}\n? [{'b' * (SIZE // 2)}]",
    # What ends too early, or is not text
    "a list without an end": lambda: filled("a" * 25 + ", ", "[", count=9_000),
    "a mapping without an end": lambda: filled("a" * 24 + ": 1, ", "{", count=8_000),
    "a quote without an end": lambda: filled("a", '"'),
    "an apostrophe without an end": lambda: filled("a\n", "'"),
    "tabs": lambda: filled("\t", last="- a"),
    "not UTF-8": lambda: filled("a").encode() + b"\xff",
    "UTF-16": lambda: filled("a", count=SIZE // 2).encode("utf-16-le"),
    "UTF-16 with its mark": lambda: filled("a", count=SIZE // 2).encode("utf-16"),
    "a byte order mark": lambda: filled("- a\n", "\ufeff"),
    "byte order marks": lambda: filled("\ufeff", count=SIZE // 3),
    "control characters": lambda: filled("\x01"),
    "NULs": lambda: filled("\0"),
    "wrong at the very end": lambda: filled("a", last="\x7f"),
    # As many values as are read, of the dearest kinds, and one wrong at the end
    "late: ints": lambda: late("1%,"),
    "late: hexadecimal": lambda: late("0x1F%,"),
    "late: base 60": lambda: late("1:1:1:1:1,"),
    "late: floats": lambda: late("1.%,"),
    "late: dates": lambda: late("2001-01-01,"),
    "late: times": lambda: late("2001-01-01 1:01:01.5 +1,"),
    "late: binary": lambda: late("!!binary YQ==,"),
    "late: decimals": lambda: late("!decimal 1%,"),
    "late: durations": lambda: late("!timedelta P1DT1S,"),
    "late: tagged ints": lambda: late("!!int '1',"),
    "late: foreign": lambda: late("!x 1.5,"),
    "late: lists": lambda: late("[],"),
    "late: mappings": lambda: late("{},"),
    "late: mappings of one": lambda: late("{%},", MOST // 3),
    "late: one mapping": lambda: late("%: 1,", MOST // 2, "{", ": 1}"),
    "late: int keys": lambda: late("1%: 1,", MOST // 2, "{", ": 1}"),
    "late: sets": lambda: late("!!set {%},", MOST // 3),
    "late: frozensets": lambda: late("!frozenset [1],", MOST // 2),
    "late: merges": lambda: late("{<<: {a%: 1}, b: c},", MOST // 10),
    "late: aliases": lambda: late("*a,", MOST, "[&a 1.5,"),
}


def late_keys() -> str:
    return "{" + ",".join(f"{n * (2**61 - 1)}: 1" for n in range(1, 9_000)) + "}"


def body(name: str) -> bytes:
    made = BODIES[name]()
    return made if isinstance(made, bytes) else made.encode()


#: Made once, not in the child of each case.
READERS = {
    (dialect, every): reading(dialect, **EVERY_OPTION if every else {})
    for dialect in ("satchel", "celery")
    for every in (False, True)
}


def decoding(dialect: str, every: bool, encoded: bytes) -> Callable[[], Any]:
    both = READERS[dialect, every]
    both.decode(message("yaml", b"[1, 1.5, {a: b}]"))
    return lambda: both.decode(message("yaml", encoded))


def test_the_bodies_are_of_their_size() -> None:
    assert len(BODIES) >= 80
    for name in BODIES:
        few = name.startswith("late") or "without an end" in name or name == "keys of one hash"
        assert (30_000 if few else SIZE - 4_500) <= len(body(name)) <= SIZE + 100, name


@linux_only
@pytest.mark.parametrize(("dialect", "every"), READERS if THOROUGH else [("satchel", False), ("celery", True)])
def test_hostile_bodies_are_refused_at_little_cost(dialect: str, every: bool, figures: Figures) -> None:
    cases = [(dialect, every, body(name)) for name in BODIES]
    costs = measured(decoding, cases)

    for name, (_, _, encoded), cost in zip(BODIES, cases, costs, strict=True):
        assert cost.outcome in {error.__name__ for error in (CorruptBody, LimitExceeded)}, (name, cost)
        assert not cost.stderr, (name, cost)
        assert cost.peak <= 16 * MIB + 80 * len(encoded), (name, cost)
        figures("G12", 1, ms=cost.seconds * 1000)


# What is refused by default


@pytest.mark.parametrize(
    ("option", "hostile", "value"),
    [
        ("aliases", "[&a [1], *a]", [[1], [1]]),
        ("aliases", "{k: &a 1}", {"k": 1}),
        ("merge_keys", "{<<: {a: 1, b: 2}, b: 3}", {"a": 1, "b": 3}),
        ("merge_keys", "{!!merge x: {a: 1}}", {"a": 1}),
        ("foreign_tags", "!foo [!!python/name:os.system 1, !<tag:example.com,2000:x> '1']", [1, "1"]),
        ("foreign_tags", "!!python/object/apply:os.system ['true']", ["true"]),
    ],
)
@pytest.mark.parametrize("dialect", ["satchel", "celery"])
def test_what_costs_or_is_foreign_is_refused_unless_an_option_admits_it(
    dialect: str, option: str, hostile: str, value: Any, figures: Figures
) -> None:
    encoded = message("yaml", hostile.encode())

    assert reading(dialect, **{option: True}).decode(encoded) == value
    with pytest.raises(CorruptBody):
        reading(dialect, **{other: True for other in EVERY_OPTION if other != option}).decode(encoded)
    figures("G12", 2)


@pytest.mark.parametrize("tagged", ["!!str 1", "!!int '1'", "!!seq [1]", "!!map {a: 1}", "!!set {a}", "!!binary YQ=="])
def test_core_tags_are_read_by_default(tagged: str, figures: Figures) -> None:
    import yaml

    assert reading().decode(message("yaml", tagged.encode())) == yaml.safe_load(tagged)
    figures("G12", 1)


def test_a_merge_bomb_of_few_bytes_is_refused(figures: Figures) -> None:
    bomb = ["- &a0 {" + ", ".join(f"k{n}: 1" for n in range(9)) + "}"]
    bomb += [f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 8)]
    encoded = message("yaml", "\n".join(bomb).encode())

    assert len(encoded.body) < 500
    with pytest.raises(LimitExceeded, match="max_nodes"):
        reading(**EVERY_OPTION).decode(encoded)
    figures("G12", 1)


# Events come first


EVENTS = ["&a 3", "{<<: {}}", "!foo 3", "!!python/tuple [3]", "[" * 101, "]\n--- [3", "*a", "!!bool 3", "{[3]: x}"]
#: Refused by the scanner, which is some tokens ahead.
TOKENS = ["\x01", "%", '"', "]]", "}", "@", ": : {"]


@pytest.mark.parametrize("hostile", EVENTS + TOKENS)
def test_nothing_is_constructed_after_what_is_refused(hostile: str, figures: Figures) -> None:
    codec, made = Yaml(), []

    def spied(construct: Callable[[str], Any]) -> Callable[[str], Any]:
        def spy(text: str) -> Any:
            made.append(text)
            return construct(text)

        return spy

    codec._schema.scalars.update({tag: spied(construct) for tag, construct in codec._schema.scalars.items()})
    both = pipeline(registry=default_registry().with_serializer(codec, replace=True))

    with pytest.raises(DecodeError):
        both.decode(message("yaml", f"[{'1, ' * 100}{hostile}, {'2, ' * 100}2]".encode()))
    assert "2" not in made
    assert hostile in TOKENS or made[:100] == ["1"] * 100
    figures("G12", 1)


@pytest.mark.parametrize(
    ("hostile", "most"),
    [("[" * 200_000, 103), ("- " * 100_000, 103), ("{a: " * 60_000, 204), ("a,".join("[" + " " * 100_000), 20_003)],
)
def test_no_event_is_asked_for_after_the_one_that_exceeds_a_limit(hostile: str, most: int, figures: Figures) -> None:
    codec, asked = Yaml(), []
    parser = codec._parser

    class Counting:
        def __init__(self, data: bytes) -> None:
            self._parser = parser(data)
            self.dispose = self._parser.dispose

        def get_event(self) -> Any:
            asked.append(1)
            return self._parser.get_event()

    object.__setattr__(codec, "_parser", Counting)
    both = pipeline(registry=default_registry().with_serializer(codec, replace=True))

    with pytest.raises(LimitExceeded):
        both.decode(message("yaml", hostile.encode()))
    assert len(asked) <= most
    figures("G12", 1)
