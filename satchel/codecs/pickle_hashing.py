"""What a pickle would have Python hash: tuples and frozensets, how deep they are and how often fetched again."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.errors import LimitExceeded
from satchel.types import Limits

#: Opcodes that make a tuple (of nothing, of what is above the mark, of the last one, two or three) or a frozenset.
_MAKES_HASHABLE = b")t\x85\x86\x87\x91"
#: Opcodes that fetch what was made before.
_FETCHES = b"hj2"
#: Levels of tuples and frozensets, whatever `max_depth` is: hashing 200,000 takes more than the usual stack.
MOST_LEVELS = 10_000
#: Steps of hashing that take less than half a second.
_FEW = 30_000_000

#: Opcode: how many values it takes from the stack (None: all above the mark), and whether it leaves a new one.
_EFFECTS: dict[int, tuple[int | None, bool]] = {
    **dict.fromkeys(b"0ab", (1, False)),
    **dict.fromkeys(b"1eu\x90", (None, False)),
    **dict.fromkeys(b"tld\x91", (None, True)),
    **dict.fromkeys(b"R\x81\x86\x93", (2, True)),
    ord("s"): (2, False),
    0x85: (1, True),
    0x87: (3, True),
    0x92: (3, True),
}

#: In the memo, where nothing has been put.
_UNUSED = -2


def hashes_little(size: int, fetches: int, long: int, short: int) -> bool:
    """Say whether a pickle with few tuples cannot make Python hash for long, however they hold each other.

    Args:
        size: its bytes.
        fetches: how often something is fetched behind the first tuple, at the most.
        long: tuples of any length.
        short: tuples of one to three members.
    """
    if not fetches:
        return True  # Each is hashed once.
    steps = size if long else 1
    for factor in (*[1 + fetches] * (long + 1), *[4] * short):
        steps *= factor
        if steps > _FEW:
            return False
    return True


def may_hash_much(data: bytes, max_depth: int) -> bool:
    """Say whether a pickle needs a look at its tuples and frozensets; bytes in texts are taken for opcodes as well."""
    made = len(data) - len(data.translate(None, _MAKES_HASHABLE))
    return made > min(max_depth, MOST_LEVELS) or (
        made > 0 and not hashes_little(len(data), sum(map(data.count, map(_byte, _FETCHES))), made, 0)
    )


def _byte(code: int) -> bytes:
    return bytes((code,))


def hold_hashables(opcodes: Iterable[tuple[int, int]], limits: Limits) -> None:
    """Hold the nesting of tuples and frozensets against its limit, and the values in those that are fetched again.

    Hashing a tuple recurses, and so does comparing two that are equal, or two frozensets: it crashes. Nor is a tuple's
    hash kept: a few that hold each other twice are hashed for ever.

    What each opcode leaves on the stack is followed: 0 for anything that is not hashed, -1 for a mark, and otherwise
    the number of values that it unfolds to, with its levels, in one int: many are remembered.

    Args:
        opcodes: each with its argument.
        limits: the limits of depth and nodes.

    Raises:
        LimitExceeded: a tuple or frozenset is too deep, or they stand for too many values.
        IndexError: an opcode takes what is not there.
    """
    deepest = min(limits.max_depth, MOST_LEVELS)
    scale = deepest + 1
    left = limits.max_nodes
    stack: list[int] = []
    memo: list[int] = []  # A dict would take a hundred bytes for what one byte remembers.
    kept = 0
    for code, argument in opcodes:
        pops, replaces = _EFFECTS.get(code, (0, True))
        taken = _above_mark(stack) if pops is None else [stack.pop() for _ in range(pops)]
        if code in _MAKES_HASHABLE:
            levels = 1 + max((item % scale for item in taken), default=0)
            if levels > deepest:
                raise LimitExceeded("max_depth", deepest)
            values = 1 + sum(item // scale or 1 for item in taken)
            if values > limits.max_nodes:
                raise LimitExceeded("max_nodes", limits.max_nodes)
            stack.append(values * scale + levels)
        elif code == 0x94 or code in b"qr":  # MEMOIZE, BINPUT, LONG_BINPUT
            # MEMOIZE counts what is kept: an index that is used twice counts once.
            index = kept if code == 0x94 else argument
            if index >= len(memo):
                memo.extend([_UNUSED] * (index + 1 - len(memo)))
            kept += memo[index] == _UNUSED
            memo[index] = stack[-1]
        elif code in _FETCHES:
            found = stack[-1] if code == 0x32 else _kept_at(memo, argument)
            stack.append(found)
            if found > 0:
                left -= found // scale
                if left < 0:
                    raise LimitExceeded("max_nodes", limits.max_nodes)
        elif code == 0x28:  # MARK
            stack.append(-1)
        elif replaces and code not in b"\x80\x95":  # PROTO, FRAME
            stack.append(0)


def _kept_at(memo: list[int], index: int) -> int:
    found = memo[index] if index < len(memo) else _UNUSED
    return 0 if found == _UNUSED else found


def _above_mark(stack: list[int]) -> list[int]:
    taken: list[int] = []
    while (found := stack.pop()) != -1:
        taken.append(found)
    return taken
