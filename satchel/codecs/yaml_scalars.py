"""What scalars of YAML 1.1 mean, as PyYAML's SafeLoader has it, at less cost."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import Any

from satchel.codecs.values import INT_BOUND

CORE = "tag:yaml.org,2002:"

#: Characters of a number.
_LONGEST_NUMBER = 4_400

#: By one or two digits: a timestamp has five such numbers, base 60 many, and int() takes three times as long.
_NUMBERS = {text: number for number in range(100) for text in (f"{number}", f"{number:02}")}


def constructors(yaml: Any, *, not_finite: bool) -> dict[str, Callable[[str], Any]]:
    """Give what PyYAML's constructors of scalars give, by tag, at less cost."""
    safe = yaml.constructor.SafeConstructor()
    safe.construct_scalar = lambda text: text  # In place of a node, which is not made.
    to_float, booleans, stamp = safe.construct_yaml_float, safe.bool_values, safe.timestamp_regexp

    def number(text: str) -> float:
        if len(text) > _LONGEST_NUMBER:
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
        CORE + "timestamp": partial(_timestamp, stamp.match),
        CORE + "str": str,
    }


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
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


def _timestamp(fields: Callable[[str], Any], text: str) -> date:
    if len(text) == 10 and text[4] == text[7] == "-" and text[9] != "\n":
        return date.fromisoformat(text)
    year, month, day, hour, minute, second, fraction, zone, sign, hours, minutes = fields(text).groups()
    number = _NUMBERS
    if not hour:
        return date(int(year), number[month], number[day])
    tz = _offset(sign, hours, minutes) if sign else timezone.utc if zone else None
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return datetime(int(year), number[month], number[day], number[hour], number[minute], number[second], micros, tz)


# Messages have few offsets, and making one is a tenth of the work on a timestamp.
@lru_cache(maxsize=64)
def _offset(sign: str, hours: str, minutes: str | None) -> timezone:
    offset = timedelta(0, 3600 * int(hours) + (60 * int(minutes) if minutes else 0))
    return timezone(-offset if sign == "-" else offset)


def resolvers(yaml: Any) -> dict[str, list[tuple[str, Callable[[str], Any]]]]:
    """Give the tags that plain scalars may have, each with the test for it, by `beginning`.

    No text is two of what PyYAML resolves: the likeliest is tested first.
    """
    tests: dict[str | None, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers
    table: dict[str, list[tuple[str, Callable[[str], Any]]]] = {}
    for first, those in tests.items():
        for ending, likeliest in ("", "int"), ("--", "timestamp"):
            ordered = sorted(those, key=lambda test: test[0] != CORE + likeliest)  # called here
            table[f"{first or ''}{ending}"] = [(tag, pattern.match) for tag, pattern in ordered]
    return table


def beginning(text: str) -> str:
    """Give what `resolvers` are looked up by: the first character, and whether a date may follow."""
    return text[:1] + "--" if text[4:5] == "-" else text[:1]
