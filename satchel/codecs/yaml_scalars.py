"""What scalars of YAML 1.1 mean, as PyYAML's SafeLoader has it, at less cost."""

from __future__ import annotations

import math
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from satchel.codecs.values import INT_BOUND

CORE = "tag:yaml.org,2002:"
TIMESTAMP = CORE + "timestamp"

#: Characters of a number.
LONGEST_NUMBER = 4_400

#: By one or two digits: a timestamp has five such numbers, base 60 many, and int() takes three times as long.
_NUMBERS = {text: number for number in range(100) for text in (f"{number}", f"{number:02}")}


def constructors(yaml: Any, *, not_finite: bool) -> dict[str, Callable[[Any], Any]]:
    """Give what PyYAML's constructors of scalars give, by tag, at less cost."""
    safe = yaml.constructor.SafeConstructor()
    safe.construct_scalar = lambda text: text  # In place of a node, which is not made.
    to_float, booleans = safe.construct_yaml_float, safe.bool_values

    def number(text: str) -> float:
        if len(text) > LONGEST_NUMBER:
            raise ValueError("a float of more than 4,300 digits")
        value: float = to_float(text)
        if not (math.isfinite(value) or not_finite):
            raise ValueError(f"{text[:40]} is not a finite number")
        return value

    return {
        CORE + "null": lambda text: None,
        CORE + "bool": lambda text: booleans[text.lower()],
        CORE + "int": _integer,
        CORE + "float": number,
        CORE + "binary": _binary,
        TIMESTAMP: _moment,
        CORE + "str": str,
    }


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("an int of more than 4,300 digits")
    if len(text) < 20 and text.isdecimal() and text[0] != "0":
        return int(text)
    text = text.replace("_", "")
    negative = text[0] == "-"
    digits = text[1:] if text[0] in "+-" else text
    if digits.startswith(("0b", "0x")):
        value = int(digits[2:], 2 if digits[1] == "b" else 16)
    elif digits[0] == "0":
        value = int(digits, 8)
    elif ":" in digits:
        value = _base_60(digits.split(":"))
    else:
        value = int(digits)
    # A character is worth 1.2 digits at the most, in base 16.
    if len(text) > 3_500 and abs(value) >= INT_BOUND:
        raise ValueError("an int of more than 4,300 digits")
    return -value if negative else value


def _base_60(parts: list[str]) -> int:
    value, base, known = 0, 60, _NUMBERS.get
    if len(parts) <= 8:
        for part in parts:
            value = value * 60 + (known(part) or int(part))
        return value
    # Two by two, and again: one by one, many would cost the square of their number.
    digits = [int(part) for part in parts]
    while len(digits) > 1:
        if len(digits) % 2:
            digits.insert(0, 0)
        digits = [high * base + low for high, low in zip(digits[::2], digits[1::2], strict=True)]
        base *= base
    return digits[0]


def _binary(text: str) -> bytes:
    # PyYAML passes over what is not base64.
    return b64decode("".join(text.split()), validate=True)


#: Texts of timestamps, as PyYAML's constructor takes them: a tag may say that they are some.
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?$"
)


def _timestamp(text: str) -> re.Match[str] | None:
    """Give the fields of what a plain scalar says, if it means a timestamp."""
    fields = _TIMESTAMP.match(text)
    # A date alone has two digits for each number then.
    return fields if fields and (fields[4] or fields.end() == 10) else None


def _moment(given: str | re.Match[str]) -> date:
    fields = _TIMESTAMP.match(given) if isinstance(given, str) else given
    if not fields:
        raise ValueError("not a date, nor a time of one")
    year, month, day, hour, minute, second, fraction, zone = fields.groups()
    number = _NUMBERS
    if not hour:
        return date(int(year), number[month], number[day])
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    tz = _zone(zone) if zone else None
    return datetime(int(year), number[month], number[day], number[hour], number[minute], number[second], micros, tz)


# There are some thousands of them, and making one is a third of the work on a timestamp.
@cache
def _zone(text: str) -> timezone:
    if text == "Z":
        return timezone.utc
    hours, _, minutes = text[1:].partition(":")
    offset = timedelta(0, 3600 * int(hours) + 60 * int(minutes or 0))
    return timezone(-offset if text[0] == "-" else offset)


def resolvers(yaml: Any) -> dict[str, list[tuple[str, Callable[[str], Any]]]]:
    """Give the tags that plain scalars may have, each with the test for it, by `beginning`.

    No text is two of what PyYAML resolves: the likeliest is tested first. What the test for a timestamp gives is what
    its constructor takes.
    """
    tests: dict[str | None, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers
    table: dict[str, list[tuple[str, Callable[[str], Any]]]] = {}
    for first, those in tests.items():
        for ending, likeliest in ("", CORE + "int"), ("--", TIMESTAMP):
            ordered = sorted(those, key=lambda test: test[0] != likeliest)  # called here
            table[f"{first or ''}{ending}"] = [
                (tag, _timestamp if tag == TIMESTAMP else pattern.match) for tag, pattern in ordered
            ]
    return table


#: A digit or two of base 60 that another follows.
_SIXTIETHS = re.compile(r":[0-5]?[0-9](?=:[0-5]?[0-9](?:[:.]|\Z))")


def shortened(text: str) -> str:
    """Give a text that the tests for numbers take for the same as a long one.

    Where a pattern repeats a group, as for base 60, `re` remembers each time: many bytes for each of the text.
    """
    return _SIXTIETHS.sub("", text) if ":" in text else text


def beginning(text: str) -> str:
    """Give what `resolvers` are looked up by: the first character, and whether a date may follow."""
    return text[:1] + "--" if text[4:5] == "-" else text[:1]
