"""G8: a few good and bad bodies of our own, for every format, where the public vectors are not at hand."""

from __future__ import annotations

from functools import partial

import pytest

from satchel import default_registry
from tests.hostile.bodies import COMPRESSORS, DIALECTS, message, outcome, packed, pipeline
from tests.hostile.figures import Figures


def own_compressed(name: str) -> tuple[list[bytes], list[bytes]]:
    codec = default_registry().compressor(name)
    good = [codec.compress(body) for body in (b"", b"a", b"abc" * 1000, bytes(range(256)) * 10)]
    bad = [b"", b"\0", good[2][:-1], good[2] + b"\0", good[2] + good[0], good[2][1:]]
    return good, bad


OWN: dict[str, tuple[list[bytes], list[bytes]]] = {
    **{name: own_compressed(name) for name in COMPRESSORS},
    "json": (
        [b"{}", b" [1, -0.5e3, null]\n", b'"\\ud83d\\ude00"', b'{"":{"a":[true,false]}}', b"0"],
        [b"", b"[1,]", b"{a:1}", b"[01]", b"[1] 2", b'"\t"', b"\xef\xbb\xbf1", b"[1.]", b"'a'", b"nul", b'"\xff"'],
    ),
    "msgpack": (
        [b"\xc0", b"\x93\x01\xff\xcb?\xe0\0\0\0\0\0\0", b"\x81\xa1a\x90", b"\xc4\x01\xff", b"\xcf" + b"\xff" * 8],
        [b"", b"\xc1", b"\x92\x01", b"\x81\x01\x02", b"\xc0\xc0", b"\xa1\xff", b"\xdf\xff\xff\xff\xff"],
    ),
    "yaml": (
        [
            b"",
            b"# nothing",
            b"{1: a, ~: b, 2.5: c, 2001-01-01: d, yes: e}",
            b"a: |\n  b\n",
            b"!!set {a, b}",
            b"[0b1, 1:30]",
        ],
        [
            b"[1",
            b"a: b: c",
            b"{[a]: 1}",
            b"--- 1\n--- 2",
            b"&a [*a]",
            b"!x 1",
            b"\t- a",
            b"\xff",
            b"- =",
            b"[&a 1, &a 2]",
        ],
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_our_own_good_and_bad_bodies(name: str, figures: Figures) -> None:
    good, bad = OWN[name]
    wrap = (lambda body: packed(name, body)) if name in COMPRESSORS else partial(message, name)
    readers = [pipeline(dialect) for dialect in DIALECTS]

    assert [body for body in good if any(outcome(reader, wrap(body))[0] == "refused" for reader in readers)] == []
    assert [body for body in bad if any(outcome(reader, wrap(body))[0] == "value" for reader in readers)] == []
    figures("G8", 2 * (len(good) + len(bad)))
