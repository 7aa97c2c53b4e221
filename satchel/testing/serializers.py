"""What a serializer is held to."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Literal

from satchel.errors import DecodeError, EncodeError, LimitExceeded
from satchel.pipeline import Pipeline
from satchel.registry.checks import takes_keyword
from satchel.testing.awkward import AWKWARD, PLAIN
from satchel.testing.codec import CodecSuite, buffers, check, fail, flips, in_small_stack, mutants, truncations
from satchel.testing.comparing import count_nodes, difference, equal, identical, refilled
from satchel.testing.making import random_values
from satchel.types import Buffer, Encoded, Limits

#: Calls a function, and gives what it gives.
Call = Callable[[Callable[[], Any]], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _called(work: Callable[[], Any]) -> Any:
    return work()


_in_stack_that_suffices: Call = in_small_stack if sys.version_info >= (3, 11) else _called


class SerializerSuite(CodecSuite):
    """The conformance of a serializer: subclass it, and say in class attributes what the codec carries.

    Attributes:
        codec: the serializer.
        values: what it must carry; by default None, bools, ints, floats, texts, lists and dicts with str keys. A tuple
            may come back as a list.
        value_model: it carries the whole value model, so made-up values of it must come back too.
        lossless: what it does not carry is an EncodeError, and never comes back altered.
        awkward: values that are easily altered: what `lossless` is checked with.
        wrap: puts a value into one more container, for the limit of depth; None if it carries no containers.
        many: gives a value of many values, for the limit of nodes; None if it carries no containers.
        delimited: a list or dict says where it ends, so that every truncation is refused, as is what follows the end.
            Formats made of lines (YAML, TOML, CSV) and formats without any form (raw bytes) cannot tell.
        empty: a value whose body is empty, in a list of one; a codec without one refuses an empty body.
    """

    kind: ClassVar[Literal["serializer", "compressor"]] = "serializer"
    values: ClassVar[Sequence[Any]] = PLAIN
    value_model: ClassVar[bool] = False
    lossless: ClassVar[bool] = True
    awkward: ClassVar[Sequence[Any]] = AWKWARD
    wrap: ClassVar[Callable[[Any], Any] | None] = lambda value: [value]
    many: ClassVar[Callable[[int], Any] | None] = lambda count: [0] * count
    delimited: ClassVar[bool] = True
    empty: ClassVar[Sequence[Any]] = ()

    # Values

    def test_values_come_back(self) -> None:
        """Each value comes back, types included, from bytes, bytearray and memoryview."""
        for value in self.values:
            encoded = self._encoded(value)
            for buffer in buffers(encoded.body):
                self._same(value, self._decoded(buffer), f"from {type(buffer).__name__}")

    def test_the_value_model_comes_back(self) -> None:
        """Made-up values of the value model come back, types included."""
        for value in random_values(300, seed=self.seed) if self.value_model else ():
            self._same(value, self._decoded(self._encoded(value).body), "made up")

    def test_what_it_does_not_carry_is_refused(self) -> None:
        """A value comes back as it was, or is an EncodeError: nothing is silently altered."""
        for value in (*self.awkward, *random_values(200, seed=self.seed)) if self.lossless else ():
            try:
                encoded = self._encoded(value)
            except EncodeError:
                continue
            back = self._decoded(encoded.body)
            if not (identical(value, back, tuples=False) or equal(value, back)):
                fail(f"{self._name} alters what it does not carry: {value!r} comes back as {back!r}; raise EncodeError")

    def test_a_refusal_names_the_place(self) -> None:
        """The EncodeError for a value deep within has the path to it."""
        if not self.value_model:
            return
        try:
            self._encoded({"items": [1, {"price": object()}]})
        except EncodeError as error:
            path = error.path
            check(path == ("items", 1, "price"), f"the path is {path!r}, not ('items', 1, 'price')")
        else:
            fail(f"{self._name} encodes an object()")

    def test_equal_values_give_equal_bytes(self) -> None:
        """Encoding is deterministic: of a value, of its deep copy, and of a set that was filled in another order."""
        made = random_values(100, seed=self.seed) if self.value_model else []
        for value in (*self.values, *made) if self.deterministic else ():
            body = self._encoded(value).body
            for twin in (value, copy.deepcopy(value), refilled(value)):
                check(
                    self._encoded(twin).body == body, f"{self._name} gives different bytes for equal values: {value!r}"
                )

    # Limits

    def test_the_limit_of_size_is_exact(self) -> None:
        """A body of exactly `max_body` bytes is encoded and decoded, one byte more is refused on both sides."""
        value = max(self.values, key=lambda value: len(self._encoded(value).body))
        encoded = self._encoded(value)
        size = len(encoded.body)
        self._same(value, self._decoded(self._encoded(value, max_body=size).body, max_body=size), "at the limit")
        if size > 1:
            self._exceeds(lambda: self._decoded(encoded.body, max_body=size - 1), "a byte beyond max_body")
            self._unencodable(lambda: self._encoded(value, max_body=size - 1), "a byte beyond max_body")

    def test_the_limit_of_depth_is_exact(self) -> None:
        """`max_depth` levels of containers are encoded and decoded, one more is refused.

        When decoding; when encoding too if `dumps` takes the keyword ``limits``. A value of 100,000 levels, and a list
        that holds itself, are refused without a crash.
        """
        if self.wrap is None:
            return
        for depth in (1, 7, Limits().max_depth):
            self._check_depth(depth)
        self._unencodable(lambda: self._encoded(self._nested(100_000)), "100,000 levels")
        circle: list[Any] = []
        circle.append((type(self).wrap or _as_it_is)(circle))
        self._unencodable(lambda: self._encoded(circle), "a list that holds itself")

    def test_the_limit_of_depth_holds_in_a_small_stack(self) -> None:
        """The limit of 100 levels is met without a crash in a thread whose stack has 64 KiB.

        Before Python 3.11 each call of a function takes a part of that stack: there, only decoding is held to it.
        """
        if self.wrap is not None:
            self._decoded(self._encoded(self._nested(1)).body)  # Importing a library takes more stack than that.
            self._check_depth(Limits().max_depth, decode=in_small_stack, encode=_in_stack_that_suffices)

    def _check_depth(self, depth: int, *, encode: Call = _called, decode: Call = _called) -> None:
        deep, deeper, what = self._nested(depth), self._nested(depth + 1), f"{depth + 1} levels, max_depth={depth}"
        body = encode(lambda: self._encoded(deep, max_depth=depth)).body
        self._same(deep, decode(lambda: self._decoded(body, max_depth=depth)), f"{depth} levels")
        if self._told_limits():
            self._unencodable(lambda: encode(lambda: self._encoded(deeper, max_depth=depth)), what)
        body = self._encoded(deeper, max_depth=depth + 1).body
        self._exceeds(lambda: decode(lambda: self._decoded(body, max_depth=depth)), what)

    def test_the_limit_of_nodes_holds(self) -> None:
        """`max_nodes` values are encoded and decoded, more are refused; see the limit of depth."""
        many = type(self).many
        if many is None:
            return
        value = many(500)
        nodes = count_nodes(value)
        body = self._encoded(value, max_nodes=nodes).body
        self._same(value, self._decoded(body, max_nodes=nodes), f"{nodes} nodes")
        what = f"{nodes} nodes, max_nodes={nodes - 1}"
        self._exceeds(lambda: self._decoded(body, max_nodes=nodes - 1), what)
        if self._told_limits():
            self._unencodable(lambda: self._encoded(value, max_nodes=nodes - 1), what)

    # Damage

    def test_truncated_bodies_are_refused(self) -> None:
        """Every beginning of the body of a list or dict is a DecodeError (if `delimited`), and never a crash."""
        for value in self._containers():
            body = bytes(self._encoded(value).body)
            for beginning in truncations(body):
                self._refused_or_settled(
                    beginning, must_refuse=self.delimited, what=f"{len(beginning)} bytes of {body!r}"
                )

    def test_what_follows_the_end_is_refused(self) -> None:
        """A NUL, a letter, or a second body after a list or dict is a DecodeError (if `delimited`)."""
        for value in self._containers():
            body = bytes(self._encoded(value).body)
            for tail in (b"\0", b"x", b"\xff", b"\0" * 1024, body):
                self._refused_or_settled(body + tail, must_refuse=self.delimited, what=f"{tail[:20]!r} after {body!r}")

    def test_an_empty_body_is_refused(self) -> None:
        """An empty body is a DecodeError, unless there is a value whose body is empty."""
        if self.empty:
            self._same(self.empty[0], self._decoded(b""), "from an empty body")
        else:
            self._refused_or_settled(b"", must_refuse=True, what="an empty body")

    def test_damaged_bodies_do_no_harm(self) -> None:
        """Flipped bits, inserts, deletions and splices: a DecodeError, or a value that comes back when sent on."""
        bodies = [bytes(self._encoded(value).body) for value in self._examples()]
        for body in bodies:
            for damaged in flips(body, 400):
                self._refused_or_settled(damaged, what=repr(damaged))
        for damaged in mutants(bodies, 2_000, self._random()):
            self._refused_or_settled(damaged, what=repr(damaged))
        random = self._random()
        for size in range(300):
            garbage = random.randbytes(size)
            self._refused_or_settled(garbage, what=repr(garbage))

    def test_threads_share_it(self) -> None:
        """Eight threads that encode and decode different values at once each get their own."""
        values = self._examples()
        pipeline = self._pipeline(Limits())

        def work(number: int) -> None:
            for turn in range(200):
                value = values[(turn + number) % len(values)]
                self._same(value, pipeline.decode(pipeline.encode(value, serializer=self._name)), "in a thread")

        self._in_threads(work)

    # What the checks are made of

    @property
    def _name(self) -> str:
        name: str = self.codec.name
        return name

    def _made(self, limits: Limits) -> Pipeline:
        registry = self._registry().with_serializer(self.codec, replace=True)
        return Pipeline([self._name], registry=registry, limits=limits)

    def _encoded(self, value: Any, **limits: int) -> Encoded:
        return self._pipeline(Limits(**limits)).encode(value, serializer=self._name)

    def _decoded(self, body: Buffer, **limits: int) -> Any:
        encoded = Encoded(body, self.codec.content_type, self.codec.content_encoding)
        return self._pipeline(Limits(**limits)).decode(encoded)

    def _examples(self) -> list[Any]:
        return [*self.values, *(random_values(40, seed=self.seed) if self.value_model else ())]

    def _containers(self) -> Iterable[Any]:
        return [value for value in self._examples() if isinstance(value, list | dict | tuple)] or self.values

    def _told_limits(self) -> bool:
        return takes_keyword(self.codec.dumps, "limits")

    def _nested(self, depth: int) -> Any:
        wrap = type(self).wrap or _as_it_is
        value: Any = 1
        for _ in range(depth):
            value = wrap(value)
        return value

    def _same(self, expected: Any, actual: Any, when: str) -> None:
        __tracebackhide__ = True
        difference_found = difference(expected, actual) and difference(expected, actual, tuples=False)
        if difference_found:
            fail(f"{self._name} does not give back {expected!r} ({when}): {difference_found}")

    def _exceeds(self, work: Callable[[], Any], what: str) -> None:
        __tracebackhide__ = True
        try:
            value = work()
        except LimitExceeded:
            return
        except DecodeError as error:
            fail(f"{self._name}: {what} is refused as {error!r}, not as LimitExceeded")
        fail(f"{self._name} decodes {what}: {str(value)[:200]}; hold the value against `limits` in loads")

    def _unencodable(self, work: Callable[[], Any], what: str) -> None:
        __tracebackhide__ = True
        try:
            work()
        except EncodeError:
            return
        fail(f"{self._name} encodes {what}, which it would not decode; raise EncodeError in dumps")

    def _refused_or_settled(self, body: bytes, *, what: str, must_refuse: bool = False) -> None:
        """Decode what was damaged: a DecodeError, or a value that is sent on unharmed; any other error is a fault."""
        __tracebackhide__ = True
        try:
            value = self._decoded(body)
        except DecodeError:
            return
        if must_refuse:
            fail(f"{self._name} decodes {what} as {value!r}; raise CorruptBody")
        if self.lossless:
            try:
                again = self._encoded(value)
            except EncodeError:
                return
            self._same(value, self._decoded(again.body), f"decoded from the damaged {what}")
