"""What a compressor is held to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal

from satchel.errors import DecodeError, LimitExceeded
from satchel.pipeline import Pipeline
from satchel.testing.awkward import TRICKY_TEXTS
from satchel.testing.codec import CodecSuite, buffers, check, fail, flips, mutants, truncations
from satchel.types import Buffer, Encoded, Limits

_MESSAGE = json.dumps([[7, "order-4711"], {"texts": TRICKY_TEXTS, "amount": 12.5}, {"callbacks": None}]).encode()

#: Bodies of messages, from none to a few hundred kilobytes: texts, zeros, all bytes, and what no codec can shrink.
BODIES: tuple[bytes, ...] = (
    *(b"", b"\0", b"a", b"ab" * 40, _MESSAGE, b"\0" * 100_000, bytes(range(256)) * 16),
    b"".join(n.to_bytes(4, "big") for n in range(50_000)),
)


class CompressorSuite(CodecSuite):
    """The conformance of a compressor: subclass it, and name the codec.

    Attributes:
        codec: the compressor.
        bodies: what it must carry, the bodies that every compressor must carry aside.
        checksum: the format has one, so a damaged body never decompresses to a wrong one.
    """

    kind: ClassVar[Literal["serializer", "compressor"]] = "compressor"
    bodies: ClassVar[Sequence[bytes]] = ()
    checksum: ClassVar[bool] = True

    # Bodies

    def test_bodies_come_back(self) -> None:
        """Each body comes back, from bytes, bytearray and memoryview on both ways; what is given is bytes."""
        for body in self._bodies():
            for buffer in buffers(body):
                compressed = self.codec.compress(buffer)
                check(type(compressed) is bytes, f"compress gives {type(compressed).__name__}, not bytes")
                for part in buffers(compressed):
                    back = self.codec.decompress(part, max_size=len(body) + 1)
                    check(type(back) is bytes, f"decompress gives {type(back).__name__}, not bytes")
                    self._same(body, back, f"from {type(buffer).__name__} and {type(part).__name__}")
            self._same(body, self._decompressed(self.codec.compress(body)), "through a pipeline")

    def test_equal_bodies_give_equal_bytes(self) -> None:
        """Compressing is deterministic: no timestamps, no names, no state of the one before."""
        for body in self._bodies() if self.deterministic else ():
            first = self.codec.compress(body)
            self.codec.compress(b"something else in between" * 10)
            check(
                self.codec.compress(bytearray(body)) == first, f"{self._name} gives different bytes for {body[:40]!r}"
            )

    def test_it_makes_messages_smaller(self) -> None:
        """A message of a few kilobytes that repeats itself becomes smaller."""
        body = b'{"id": 1, "name": "aaaaaaaaaaaaaaaaaaaa", "rows": "00000000000000000000"}' * 100
        size = len(self.codec.compress(body))
        check(size < len(body), f"{self._name} makes {size:,} bytes of {len(body):,}")

    # Limits

    def test_the_limit_is_exact(self) -> None:
        """A body of exactly `max_size` bytes is given, one byte more is LimitExceeded; alone and in a pipeline."""
        for body in self._bodies():
            size, compressed = len(body), self.codec.compress(body)
            if size:
                self._same(body, self.codec.decompress(compressed, max_size=size), f"max_size={size}")
                self._same(body, self._decompressed(compressed, max_decompressed=size), f"max_decompressed={size}")
            if size > 1:
                self._exceeds(lambda: self.codec.decompress(compressed, max_size=size - 1), size)  # noqa: B023
                self._exceeds(lambda: self._decompressed(compressed, max_decompressed=size - 1), size)  # noqa: B023

    def test_a_limit_that_is_none_is_refused(self) -> None:
        """Zero, negative numbers and None are ValueErrors: there is no "unlimited"."""
        compressed = self.codec.compress(b"body")
        for max_size in (0, -1, None, 1.5, "1"):
            try:
                self.codec.decompress(compressed, max_size=max_size)
            except ValueError:
                continue
            except Exception as error:  # noqa: BLE001  # told below
                fail(f"{self._name}: max_size={max_size!r} is {error!r}, not a ValueError")
            fail(f"{self._name} takes max_size={max_size!r}; raise ValueError: there is no 'unlimited'")

    def test_a_bomb_is_refused(self) -> None:
        """32 MiB of zeros are refused under a limit of 64 KiB, as LimitExceeded."""
        bomb = self.codec.compress(bytes(32 * 1024 * 1024))
        self._exceeds(lambda: self.codec.decompress(bomb, max_size=64 * 1024), 32 * 1024 * 1024)

    # Damage

    def test_truncated_bodies_are_refused(self) -> None:
        """Every beginning is a DecodeError: never a part of the body."""
        for body, compressed in self._small():
            for beginning in truncations(compressed):
                self._refused(beginning, f"{len(beginning)} of {len(compressed)} bytes that hold {body[:40]!r}")

    def test_what_follows_the_end_is_refused(self) -> None:
        """A NUL, a letter, a second stream or an empty one after the end is a DecodeError: one stream per body."""
        for body, compressed in self._small():
            for tail in (b"\0", b"x", b"\xff", b"\0" * 1024, compressed, self.codec.compress(b"")):
                self._refused(compressed + tail, f"{tail[:20]!r} after the end of {body[:40]!r}")

    def test_what_is_not_compressed_is_refused(self) -> None:
        """An empty body, text and garbage are DecodeErrors."""
        random = self._random()
        for garbage in (b"", b"\0", b"[1,2,3]", b"plain text " * 20, *(random.randbytes(n) for n in range(64, 300))):
            # Without a checksum, anything may be a stream.
            self._refused(garbage, repr(garbage[:40]), always=self.checksum or not garbage)

    def test_flipped_bits_are_noticed(self) -> None:
        """Each one-bit flip is a DecodeError, or changes nothing; without a `checksum` it must only not crash."""
        for body, compressed in self._small():
            for damaged in flips(compressed):
                try:
                    back = self._decompressed(damaged)
                except DecodeError:
                    continue
                check(
                    back == body or not self.checksum, f"{self._name} gives a wrong body for {damaged!r}: {back[:40]!r}"
                )

    def test_damaged_bodies_do_no_harm(self) -> None:
        """Inserts, deletions and splices: a DecodeError or some body, no other error."""
        for damaged in mutants([compressed for _, compressed in self._small()], 2_000, self._random()):
            try:
                self._decompressed(damaged, max_decompressed=256 * 1024)
            except DecodeError:
                continue

    def test_threads_share_it(self) -> None:
        """Eight threads that compress and decompress different bodies at once each get their own."""
        bodies = [body for body in self._bodies() if len(body) < 20_000]

        def work(number: int) -> None:
            for turn in range(100):
                body = bodies[(turn + number) % len(bodies)] + bytes((number,)) * turn
                back = self.codec.decompress(self.codec.compress(body), max_size=len(body) + 1)
                self._same(body, back, "in a thread")

        self._in_threads(work)

    # What the checks are made of

    @property
    def _name(self) -> str:
        name: str = self.codec.name
        return name

    def _bodies(self) -> Sequence[bytes]:
        random = self._random()
        return (*BODIES, random.randbytes(5_000), *self.bodies)

    def _small(self) -> Iterator[tuple[bytes, bytes]]:
        for body in self._bodies():
            if len(body) < 2_500:
                yield body, self.codec.compress(body)

    def _decompressed(self, compressed: Buffer, **limits: int) -> Any:
        return self._pipeline(Limits(**limits)).decode(
            Encoded(compressed, "application/data", "binary", self.codec.content_type)
        )

    def _made(self, limits: Limits) -> Pipeline:
        registry = self._registry().with_compressor(self.codec, replace=True)
        return Pipeline(["raw"], registry=registry, accept_compression=[self._name], limits=limits)

    def _same(self, expected: bytes, actual: bytes, when: str) -> None:
        __tracebackhide__ = True
        if actual != expected:
            fail(f"{self._name} gives back {actual[:80]!r} ({len(actual):,} bytes) for {expected[:80]!r} ({when})")

    def _exceeds(self, work: Callable[[], Any], size: int) -> None:
        __tracebackhide__ = True
        try:
            back = work()
        except LimitExceeded:
            return
        except DecodeError as error:
            fail(f"{self._name}: {size:,} bytes beyond the limit are refused as {error!r}, not as LimitExceeded")
        fail(f"{self._name} gives {len(back):,} bytes, more than max_size; raise LimitExceeded before making them")

    def _refused(self, compressed: bytes, what: str, *, always: bool = True) -> None:
        __tracebackhide__ = True
        try:
            back = self._decompressed(compressed)
        except DecodeError:
            return
        if always:
            fail(f"{self._name} decompresses {what} to {back[:80]!r}; raise CorruptBody")
