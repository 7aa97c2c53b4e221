"""The messages that are measured: a bounded, random choice of those that there are."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from satchel.bench.results import Sampled

#: How many messages are measured: more cost time, and change the figures little.
SIZE = 1_000
#: Bytes of messages that are measured, about: decoded, they take ten times as much, and each is encoded many times.
MOST_BYTES = 64 * 1024 * 1024
SEED = 20_261_122


@dataclass(frozen=True)
class Samples:
    """Messages.

    Attributes:
        values: the value of each, in the order in which they were found.
        facts: how many, and where they are from.
    """

    values: tuple[Any, ...]
    facts: Sampled


class Message(NamedTuple):
    """A message that was not decoded.

    Attributes:
        own: its own form: its bytes as they were found, or as they were sent.
        source: what the results say of where it is from, such as a file's name.
        number: which of its source it is, from 1; 0 where it is the only one.
        form: whatever is needed to decode it.
    """

    own: bytes
    source: str
    number: int
    form: Any


class Reservoir:
    """A random choice of messages that come one by one, each as likely as any other (Vitter's algorithm R).

    Nothing is decoded before `samples`, and what is not kept is never decoded: of a large input a damaged message is
    found only if it is one of the choice. Equal messages in equal order with an equal seed give an equal choice.

    Args:
        size: the most that are kept.
        seed: of the choice.
        most_bytes: about as many bytes are kept, so fewer messages than `size` where they are large.

    Raises:
        ValueError: `size` or `most_bytes` is below 1.
    """

    def __init__(self, size: int = SIZE, seed: int = SEED, most_bytes: int = MOST_BYTES) -> None:
        if size < 1 or most_bytes < 1:
            raise ValueError(f"a reservoir keeps at least one message and one byte, got {size} and {most_bytes}")
        self._size = size
        self._most_bytes = most_bytes
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._kept: list[tuple[int, Message]] = []
        self._sources: dict[str, None] = {}
        self._seen = self._bytes = 0

    @property
    def seen(self) -> int:
        """How many messages there were so far."""
        return self._seen

    def add(self, own: bytes, source: str, number: int = 0, form: Any = None) -> None:
        """Take a message into account; the arguments are the attributes of `Message`."""
        self._seen += 1
        self._bytes += len(own)
        if source not in self._sources:
            self._sources[source] = None
        if self._seen <= self._size:
            self._kept.append((self._seen, Message(own, source, number, form)))
        else:
            place = int(self._random.random() * self._seen)
            if place < self._size:
                self._kept[place] = (self._seen, Message(own, source, number, form))
        # By the mean of all that was seen, not by what is kept: so large messages are as likely to be kept as others.
        while len(self._kept) > 1 and self._bytes * len(self._kept) > self._most_bytes * self._seen:
            self._shrink()

    def samples(self, decode: Callable[[Message], Any], *, synthetic: bool = False) -> Samples:
        """Decode what was kept, in the order in which it came.

        Args:
            decode: gives a message's value; what it raises ends this.
            synthetic: the messages were generated.
        """
        digest, size = hashlib.sha256(), 0
        messages = [message for _, message in sorted(self._kept, key=lambda kept: kept[0])]
        for message in messages:
            digest.update(len(message.own).to_bytes(8, "big"))
            digest.update(message.own)
            size += len(message.own)
        facts = Sampled(len(messages), self._seen, digest.hexdigest(), tuple(self._sources), synthetic, size)
        return Samples(tuple(map(decode, messages)), facts)

    def _shrink(self) -> None:
        place = int(self._random.random() * len(self._kept))
        self._kept[place] = self._kept[-1]
        self._kept.pop()
        self._size = len(self._kept)
