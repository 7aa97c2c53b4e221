"""The choice of samples: bounded, each message as likely as any other, and equal for equal input."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from satchel.bench.samples import SEED, Message, Reservoir, Samples

#: A sum of squares beyond this is met once in a thousand times by 12 equally likely messages (11 degrees of freedom).
UNLIKELY = 31.3


def own(message: Message) -> bytes:
    return message.own


def filled(messages: list[bytes], **options: int) -> Reservoir:
    reservoir = Reservoir(**options)
    for number, message in enumerate(messages, 1):
        reservoir.add(message, "orders.jsonl", number)
    return reservoir


def chosen(messages: list[bytes], **options: int) -> Samples:
    return filled(messages, **options).samples(own)


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def test_fewer_messages_than_it_holds_are_all_kept_in_order() -> None:
    samples = chosen(numbered(50), size=50)

    assert samples.values == tuple(numbered(50))
    assert (samples.facts.measured, samples.facts.seen, samples.facts.bytes) == (50, 50, 90)


def test_of_more_messages_so_many_are_chosen_in_the_order_in_which_they_came() -> None:
    samples = chosen(numbered(5_000), size=40)
    numbers = [int(value) for value in samples.values]

    assert (samples.facts.measured, samples.facts.seen) == (40, 5_000)
    assert numbers == sorted(set(numbers))
    assert numbers[0] < 1_000
    assert numbers[-1] > 4_000


@pytest.mark.parametrize("most_bytes", [1 << 20, 40])
def test_each_message_is_as_likely_as_any_other(most_bytes: int) -> None:
    # Forty bytes hold six of them; large ones must not be the fewer, or the more, for that.
    messages = [bytes([number]) * (1 + number) for number in range(12)]
    times = dict.fromkeys(messages, 0)
    for seed in range(3_000):
        for message in chosen(messages, size=8, seed=seed, most_bytes=most_bytes).values:
            times[message] += 1

    mean = sum(times.values()) / 12
    assert sum((count - mean) ** 2 / mean for count in times.values()) < UNLIKELY
    assert mean == 3_000 * (8 if most_bytes > 40 else 6) / 12


def test_equal_messages_and_seeds_give_an_equal_choice_and_another_seed_another() -> None:
    one, again, other = (chosen(numbered(500), size=20, seed=seed) for seed in (SEED, SEED, 1))

    assert one == again
    assert one.facts.digest != other.facts.digest


def test_large_messages_are_kept_up_to_a_number_of_bytes() -> None:
    samples = chosen([bytes(1_000)] * 300, size=100, most_bytes=20_000)

    assert (samples.facts.measured, samples.facts.bytes, samples.facts.seen) == (20, 20_000, 300)


def test_one_message_is_kept_however_large_it_is() -> None:
    assert chosen([bytes(1_000)] * 3, most_bytes=10).facts.measured == 1


def test_only_what_is_kept_is_decoded() -> None:
    decoded: list[Any] = []
    filled(numbered(1_000), size=10).samples(decoded.append)

    assert len(decoded) == 10


def test_the_digest_tells_messages_apart_and_where_one_ends() -> None:
    def digest(messages: list[bytes]) -> str:
        return chosen(messages).facts.digest

    expected = hashlib.sha256(b"".join(len(m).to_bytes(8, "big") + m for m in (b"ab", b"c"))).hexdigest()
    assert digest([b"ab", b"c"]) == expected
    assert len({digest([b"ab", b"c"]), digest([b"a", b"bc"]), digest([b"c", b"ab"]), digest([b"abc"])}) == 4


def test_every_source_is_named_once() -> None:
    reservoir = Reservoir(1)
    for source in ("b", "a", "b"):
        reservoir.add(b"{}", source)

    facts = reservoir.samples(own, synthetic=True).facts
    assert (facts.sources, facts.synthetic) == (("b", "a"), True)


def test_a_message_is_decoded_with_all_that_was_said_of_it() -> None:
    reservoir = Reservoir()
    reservoir.add(b"{}", "a", 7, "json")

    assert reservoir.samples(lambda message: message).values == (Message(b"{}", "a", 7, "json"),)


@pytest.mark.parametrize("options", [{"size": 0}, {"most_bytes": 0}])
def test_a_reservoir_of_nothing_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Reservoir(**options)
