"""Patterns of a pickle's opcodes: runs of plain data, and objects of the value model as Python writes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import TypeAlias

#: Texts and bytes that are shorter are matched as they stand; longer ones are hopped one by one.
SHORT = 64

Matcher: TypeAlias = Callable[[bytes, int, int], "re.Match[bytes] | None"]

#: Whether `re` has possessive repetitions, and goes back to where the last whole one ended (gh-106052).
POSSESSIVE: bool = sys.version_info >= (3, 11, 5) and all(
    re.sub(pattern, "", text, count=1) == text[2:]
    for pattern, text in (("(?:ab?c)*+", "aca"), ("(?:.(?!D))*+", "ABCDE"), ("(?:ab?c){0,9}+", "aca"))
)

# Where nothing is possessive, what is repeated is remembered: it is read by pieces. A piece is followed by nothing that
# could fail, so that nothing is ever tried again.
_RUN, _MANY, _PIECE = ("*+", "*+", "{0,2000}+") if POSSESSIVE else ("*", "{0,500}", "{0,500}")


def _pattern(template: str, more: dict[str, str] | None = None) -> re.Pattern[bytes]:
    counted = {most: "|".join(rf"\x{length:02x}.{{{length}}}" for length in range(most)) for most in (SHORT, 18, 10)}
    parts = {
        **(more or {}),
        # Constants, marks, MEMOIZE, lists and dicts, and what fills them.
        "<bare>": r"N\x88\x89(\x94\]}aesu)",
        "<text>": r"\x8c(?:<short>)",
        "<short>": counted[SHORT],
        "<bytes>": rf"C(?:{counted[18]})",
        # No float that is not finite, nor the largest that are.
        "<number>": rf"K.|J....|M..|G[^\x7f\xff].{{7}}|\x8a(?:{counted[10]})",
        "<run>": _RUN,
        "<many>": _MANY,
        "<piece>": _PIECE,
    }
    while "<" in template.replace("(?<", ""):
        for name, part in parts.items():
            template = template.replace(name, part)
    return re.compile(template.encode(), re.DOTALL)


_FETCHING_NOTHING = r"[<bare>]<run>(?:(?:<text>|<number>|<bytes>)[<bare>]<run>)<many>"


def _fetching_nothing(match: Matcher) -> Callable[[bytes], object]:
    def by_pieces(data: bytes) -> bool:
        position, end, tuples = 11, len(data) - 1, 4
        if end < 11 or data[:3] not in (b"\x80\x04\x95", b"\x80\x05\x95"):
            return False
        while position <= end and data[end] == 0x2E:
            behind = match(data, position, end).end()  # type: ignore[union-attr]  # it matches anything, or nothing
            if behind == end:
                return True
            if tuples and data[behind] in b"\x85\x86\x87":
                tuples -= 1
                behind += 1
            if behind == position:
                break
            position = behind
        return False

    return by_pieces


#: Tells a whole pickle that fetches nothing from the memo and has few tuples, but for the length of its frame.
fetches_nothing: Callable[[bytes], object] = (
    _pattern(rf"\x80[\x04\x05]\x95.{{8}}(?:{_FETCHING_NOTHING}[\x85-\x87]?){{1,5}}\.\Z").match
    if POSSESSIVE
    else _fetching_nothing(_pattern(_FETCHING_NOTHING).match)
)

#: Gives the length of a frame, behind its opcode.
frame_length: Callable[[bytes, int], tuple[int]] = Struct("<Q").unpack_from

#: Runs of opcodes without tuples. Most of what is fetched is a key, so that its value is tried at once.
without_tuples: Matcher = _pattern(
    r"[<bare>]<run>(?:(?:h.(?:h.(?:[hK].|)|[<bare>]|K.|<text>|<number>|j....|)|<text>|<number>|j....|<bytes>)[<bare>]<run>)<many>"
).match


def _fourths(start: int, stop: int) -> str:
    return "".join(map(r"\x{:02x}".format, range(start, stop, 4)))


# Most processes never meet such an object, and compiling takes a while.
@cache
def of_the_model() -> Matcher:
    """Compile the pattern for runs of opcodes with objects of the value model, as Python's picklers write them.

    What is called, or built, takes only what can be seen here, so that whatever succeeds makes a sound value: texts
    that are neither a date's bytes in disguise nor long enough for a UUID, bytes of dates and times that there are, and
    a UUID's number.
    """
    more = {
        "<day>": r"(?:<year>(?:<month>[\x01-\x1c]|<longer>[\x1d\x1e]|<longest>\x1f)|<leap>)",
        "<year>": r"(?:\x00[^\x00]|[\x01-\x26].|\x27[\x00-\x0f])",
        # The highest bit of a month is the fold.
        "<month>": r"[\x01-\x0c\x81-\x8c]",
        "<longer>": r"[\x01\x03-\x0c\x81\x83-\x8c]",
        "<longest>": r"[\x01\x03\x05\x07\x08\x0a\x0c\x81\x83\x85\x87\x88\x8a\x8c]",
        # From 1904 to 2096; 1900 and 2100 have none.
        "<leap>": rf"(?:\x07[{_fourths(0x70, 0x100)}]|\x08[{_fourths(0, 0x34)}])[\x02\x82]\x1d",
        "<minute>": r"[\x00-;][\x00-;](?:[\x00-\x0e]..|\x0f(?:[\x00-\x41].|\x42[\x00-\x3f]))",
        "<class>": r"(?:h.|j....|<name>\x94?<name>\x94?\x93\x94?)",
        "<name>": r"(?:h.|j....|\x8c(?:\x03int|\x08.{8}|\x09.{9}))",
        "<delta>": r"(?:K.|M..|J....){3}\x87\x94?R",
        "<call>": r"\x94?\x85\x94?R",
    }
    objects = (
        r"h.(?:h.|)|j....",
        # A text, or a Decimal.
        r"\x8c(?:(?=[\x00-\x03]|[\x04-\x1f][ -~]{3})(?:<short>)(?:<call>)?|<short>)",
        # An empty tuple, or a UUID.
        r"\)(?:\x81\x94?}\x94?<name>\x94?(?:\x8a(?:\x10.{15}[\x00-\x7f]|\x11.{16}\x00|\x0f.{14}[\x00-\x7f])|K.|M..)sb)?",
        # datetime, date and time.
        r"C(?:\x0a<day>[\x00-\x17]<minute>|\x04<day>|\x06[\x00-\x17\x80-\x97]<minute>)"
        r"\x94?(?:\x85|(?:<class>|<class><class><delta><call>\x94?)\x86)\x94?R",
        # timedelta and timezone.
        r"<delta>(?:<call>)?",
        r"<number>",
        r"<bytes>",
    )
    bare = r"[N\x88\x89(\x94\]}aesu\x93]<run>"
    return _pattern(rf"{bare}(?:(?:{'|'.join(objects)}){bare})<piece>", more).match
