"""Samples out of a JSON array, found by a JSON Pointer (RFC 6901)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from satchel.cli.outcome import BAD_DATA, USAGE
from tests.unit.sampling import file, read, refused, values

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "pointer", "expected"),
    [
        ('[1, {"a": [2]}, "three"]', ".", [1, {"a": [2]}, "three"]),
        ("[1,2]", "", [1, 2]),
        ('{"x": {"y": [1]}, "data": {"items": [{"a": 1} , [2]]}}', "/data/items", [{"a": 1}, [2]]),
        ("[[0], [[1, 2]]]", "/1/0", [1, 2]),
        (r'{"a/b": {"m~n": [1]}}', "/a~1b/m~0n", [1]),
        ('{"": [7]}', "/", [7]),
        ('{"a": {"__type__": "x"}, "b": [{"__type__": "date", "__value__": "2031-01-02"}]}', "/b/", None),
    ],
)
def test_an_array_is_one_message_an_item(tmp_path: Path, text: str, pointer: str, expected: list[Any] | None) -> None:
    path = file(tmp_path / "all.json", text)
    if expected is None:
        assert refused(path, "--array", pointer)[0] == USAGE
    else:
        assert values(path, "--array", pointer) == expected


def test_the_own_form_of_an_item_is_how_it_stands_in_the_file(tmp_path: Path) -> None:
    samples = read(file(tmp_path / "all.json", '[ {"a":  1.10} , 2 ]'), "--array", ".")

    assert samples.facts.bytes == len('{"a":  1.10}2')


@pytest.mark.parametrize(
    ("text", "pointer", "code", "told"),
    [
        ("[1]", "data.items", USAGE, "no JSON Pointer"),
        ("[1]", "/~2", USAGE, "no JSON Pointer"),
        ('{"data": 5}', "/data", USAGE, "what it has at /data is no array"),
        ('{"data": {"items": {}}}', "/data/item", USAGE, "nothing at /data/item"),
        ('{"a": 1}', ".", USAGE, "what it has at its root is no array"),
        ("[1, 2", ".", BAD_DATA, "not JSON"),
        ("[1 2]", ".", BAD_DATA, "not JSON"),
        ("{1: [2]}", "/1", BAD_DATA, "not JSON"),
        ("[1,]", ".", BAD_DATA, "not JSON"),
        ("[" * 500_000, ".", BAD_DATA, "too deep"),
        ('[1, "' + "x" * 200 + '"]', ".", BAD_DATA, "item 2: it is larger than 100 bytes"),
        ("[1, [NaN]]", ".", BAD_DATA, "item 2: json"),
        ("\ufeff[1]", ".", BAD_DATA, "not JSON"),
        ("[]", ".", BAD_DATA, "there is no message in it"),
    ],
)
def test_what_has_no_such_array_says_so(tmp_path: Path, text: str, pointer: str, code: int, told: str) -> None:
    path = file(tmp_path / "all.json", text)
    given = refused(path, "--array", pointer, "--max-body", "100")

    assert given[0] == code
    assert told in given[1]
