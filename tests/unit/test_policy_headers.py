"""The accept list at its bounds: how long a content type may be, and how much of a header an error shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from satchel import ContentDisallowed, Encoded, Pipeline

PIPELINE = Pipeline(["raw"])


def refusal(*headers: Any) -> str:
    with pytest.raises(ContentDisallowed) as caught:
        PIPELINE.decode(Encoded(b"x", *headers))
    return str(caught.value)


@pytest.mark.parametrize("filler", ["; x={}", ";{}", " ;charset=utf-8; x={}"])
def test_a_content_type_has_at_most_255_characters(filler: str) -> None:
    start, end = f"application/data{filler}".split("{}")
    fill = ";" if filler == ";{}" else "x"
    longest = start + fill * (255 - len(start + end)) + end

    assert len(longest) == 255
    assert PIPELINE.decode(Encoded(b"x", longest, "binary")) == b"x"
    assert "is missing or malformed" in refusal(longest + fill, "binary")


@pytest.mark.parametrize("kind", [str, str.encode], ids=["str", "bytes"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_header_is_shown_whole_up_to_100_characters_and_beyond_in_100(kind: Callable[[str], Any], place: int) -> None:
    fits = kind("x" * (100 - len(repr(kind("")))))
    shown = []
    for header in (fits, fits + fits[:1]):
        headers: list[Any] = ["application/data", "binary", None]
        headers[place] = header
        shown.append(re.findall(r"b?'.*?'", refusal(*headers))[0])

    assert shown[0] == repr(fits)
    assert shown[1].count("...") == 1
    assert [len(text) for text in shown] == [100, 100]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_int_of_more_digits_than_python_writes_is_shown_as_one(place: int) -> None:
    headers: list[Any] = ["application/data", "binary", None]
    headers[place] = 1 << 20_000

    # From Python 3.14 on, the standard library tells about how many digits it has.
    assert re.search(r"(content type|content encoding|compression) (of type int|<int instance .*>) ", refusal(*headers))


ACCEPTED = ("application/data", "application/octet-stream")
TRUST = "if you trust its producer, name it in accept=[…]"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            ("raw", "binary"),
            f"the content type 'raw' is missing or malformed; accepted: {', '.join(ACCEPTED)}; {TRUST}",
        ),
        ((None, "binary"), f"the content type None is missing or malformed; accepted: {', '.join(ACCEPTED)}; {TRUST}"),
        (("a/b", "binary"), f"the content type 'a/b' is not accepted; accepted: {', '.join(ACCEPTED)}; {TRUST}"),
        (("application/data;charset=utf-7", "binary"), "the charset 'utf-7' is not accepted; it is utf-8"),
        (
            ("application/data", "hex"),
            "the content encoding 'hex' is not accepted; it is one of utf-8, us-ascii, binary",
        ),
    ],
)
def test_a_refusal_names_the_header_and_the_choices(headers: tuple[Any, Any], told: str) -> None:
    with pytest.raises(ContentDisallowed) as caught:
        PIPELINE.decode(Encoded(b"x", *headers))

    assert str(caught.value) == told
    assert (caught.value.content_type, caught.value.accept) == (headers[0], ACCEPTED)


def test_a_pipeline_that_accepts_nothing_says_so() -> None:
    with pytest.raises(ContentDisallowed, match=r"^the content type 'a/b' is not accepted; accepted: nothing; "):
        Pipeline([]).decode(Encoded(b"x", "a/b", "binary"))
    with pytest.raises(ContentDisallowed, match=r"^the compression 'gzip' is not accepted; accepted: none; "):
        Pipeline(["raw"], accept_compression=[]).decode(Encoded(b"x", "application/data", "binary", "gzip"))


def test_a_refused_compression_is_told_those_that_are_accepted_each_once() -> None:
    pipeline = Pipeline(["raw"], accept_compression=["xz", "gzip"])

    with pytest.raises(ContentDisallowed, match=r"^the compression 'zlib' is not accepted; accepted: lzma, gzip; if "):
        pipeline.decode(Encoded(b"x", "application/data", "binary", "zlib"))
