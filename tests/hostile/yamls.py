"""Hostile YAML of 256 KiB, by what it does too much of (G12)."""

from __future__ import annotations

from collections.abc import Callable

SIZE = 256 * 1024


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
MOST = 7_900


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
    "late: times, and many offsets": lambda: late_offsets(),
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


def late_offsets() -> str:
    times = (f"2001-1-1 1:01:01.5 {'+-'[n % 2]}{n // 120 % 24}:{n // 2 % 60:02}," for n in range(MOST))
    return "[" + "".join(times) + WRONG + "]"


def late_keys() -> str:
    return "{" + ",".join(f"{n * (2**61 - 1)}: 1" for n in range(1, 7_000)) + "}"


def body(name: str) -> bytes:
    made = BODIES[name]()
    return made if isinstance(made, bytes) else made.encode()
