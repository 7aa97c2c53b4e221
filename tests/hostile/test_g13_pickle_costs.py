"""G13 (and G7, G11): small pickles that would cost much: memo tables, depth that crashes, references that multiply."""

from __future__ import annotations

import datetime
import pickle
import tracemalloc
import uuid
from contextlib import suppress
from decimal import Decimal

import pytest

from satchel import CorruptBody, DecodeError, EncodeError, LimitExceeded, Limits, Pickle, Pipeline, default_registry
from satchel.testing.codec import in_small_stack
from tests.hostile.figures import THOROUGH
from tests.hostile.pickles import PIPELINE, PROTO, TAGGED, TYPED, decode, name, tagged, text


@pytest.mark.parametrize(
    "body",
    [
        b"Nr\xff\xff\xff\xff.",
        PROTO + b"\x8e" + b"\xff" * 8 + b".",
        PROTO + name("decimal", "Decimal") + text("1E+999999999") + b"\x85R" + b".",
        PROTO + name("uuid", "UUID") + b"N\x85R.",
    ],
)
def test_few_bytes_allocate_little(body):
    decode(pickle.dumps([Decimal(1), uuid.UUID(int=1), datetime.date(1, 1, 1)], 4))  # what is imported on first use
    tracemalloc.start()
    with suppress(DecodeError):
        decode(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * 1024 * 1024


@pytest.mark.parametrize("levels", [101, 1_000, 100_000, *([3_000_000] if THOROUGH else [])])
@pytest.mark.parametrize("place", [b"}%sNs.", b"\x8f(%s\x90.", b"(%s\x91.", b"%s.", b"](%se.", b"%sN\x86."])
def test_deep_tuples_are_refused_before_they_are_hashed(levels, place):
    body = PROTO + place % (b")" + b"\x85" * levels)

    for work in (lambda: decode(body), lambda: in_small_stack(lambda: decode(body))):
        with pytest.raises(LimitExceeded, match="max_depth"):
            work()


@pytest.mark.parametrize(
    "step",
    [b"N\x86", b"\x94N0\x85", b"(h\x00t", b"NN\x87", b"2\x86", b"}\x86", b"q\x07h\x07\x86", b"(\x85t", b"(N1\x85"],
)
def test_deep_tuples_are_found_however_they_are_made(step):
    body = PROTO + b"}" + b")\x94" + step * 50_000 + b"Ns."

    with pytest.raises(DecodeError):
        in_small_stack(lambda: decode(body))


@pytest.mark.parametrize("closing", [b"\x91", b"\x85\x91", b"(N1\x91"])
@pytest.mark.parametrize("levels", [101, 450, 5_000])
def test_deep_frozensets_are_refused_before_two_are_compared(closing, levels):
    chain = b"(" * levels + b"N" + closing * levels
    body = PROTO + b"\x8f(" + chain + chain + b"\x90."

    for work in (lambda: decode(body), lambda: in_small_stack(lambda: decode(body))):
        with pytest.raises(LimitExceeded, match="max_depth"):
            work()


def test_frozensets_within_the_limit_are_compared_and_found_equal():
    chain = b"(" * 98 + b"N" + b"\x91" * 98
    value = in_small_stack(lambda: decode(PROTO + b"\x8f(" + chain + chain + b"\x90."))

    assert len(value) == 1


def test_many_flat_tuples_are_no_depth():
    value = {"rows": [(n, (n, "t" * (n % 7))) for n in range(2_000)], ("a", ("b",)): {(1, (2, (3,)))}}

    assert decode(pickle.dumps(value, 4)) == value


@pytest.mark.parametrize("tag", ["Order", "Point", "tuple", "set"])
def test_references_do_not_multiply_the_work_of_registered_types(tag):
    shared = b"](" + b"N" * 2_000 + b"e\x940"
    body = PROTO + shared + b"](" + tagged(tag, b"}" + text("price") + b"h\x00s") * 1_000 + b"e."

    with pytest.raises(LimitExceeded, match="max_nodes"):
        decode(body, TYPED)


def peak_of(body: bytes, pipeline: Pipeline = PIPELINE) -> tuple[int, str]:
    tracemalloc.start()
    outcome = ""
    try:
        decode(body, pipeline)
    except DecodeError as error:
        outcome = type(error).__name__
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, outcome


@pytest.mark.parametrize(
    ("module", "attribute", "opcode"), [("builtins", "bytearray", b"B"), ("decimal", "Decimal", b"X")]
)
def test_what_a_pickle_holds_once_is_not_copied_a_thousand_times(module, attribute, opcode):
    source = opcode + (100_000).to_bytes(4, "little") + b"1" * 100_000
    once = PROTO + name(module, attribute) + b"\x940" + source + b"\x940](" + b"h\x00h\x01\x85R"
    peak, outcome = peak_of(once + b"h\x00h\x01\x85R" * 1_000 + b"e.")

    assert len(decode(once + b"e.")[0].__reduce__()[1][0]) == 100_000
    assert outcome == "CorruptBody"
    assert peak < 80 * 106_000


def test_tags_of_the_model_make_no_copies_either():
    text_once = b"X" + (100_000).to_bytes(4, "little") + b"1" * 100_000 + b"\x940"
    body = PROTO + TAGGED + b"\x940" + text("decimal") + b"\x940" + text_once
    _, few = peak_of(body + b"](" + b"h\x00h\x01h\x02\x86R" * 100 + b"e.")
    _, many = peak_of(body + b"](" + b"h\x00h\x01h\x02\x86R" * 1_000 + b"e.")

    # Written out, a thousand of them would be longer than any body may be.
    assert (few, many) == ("CorruptBody", "LimitExceeded")


@pytest.mark.parametrize(("opcode", "many"), [(b"\x8f", 20_000), (b"}", 20_000), (b"](l", 20_000)])
def test_containers_are_counted_before_they_are_made(opcode, many):
    body = PROTO + b"](" + opcode * many + b"e."
    peak, outcome = peak_of(body, Pipeline(["pickle"], limits=Limits(max_nodes=10_000)))

    assert outcome == "LimitExceeded"
    assert peak < 500_000


#: Sets take memory beyond their number, so that there is a limit on that.
FRUGAL = Pipeline(["pickle"], limits=Limits(max_decompressed=1_000_000))


def test_few_bytes_of_sets_do_not_take_much_memory():
    body = PROTO + b"](" + b"\x8f" * 10_000 + b"e."
    peak, outcome = peak_of(body, FRUGAL)

    assert outcome == "LimitExceeded"
    assert peak < 500_000


def test_what_looks_like_many_sets_and_is_a_text_is_read():
    value = [b"\x8f" * 200_000, "]" * 20_000]
    pipeline = Pipeline(["pickle"], limits=Limits(max_nodes=10_000))

    assert decode(pickle.dumps(value, 4), pipeline) == value


def test_many_sets_that_hold_something_are_read_and_written():
    value = [{n} for n in range(10_000)]

    assert FRUGAL.decode(FRUGAL.encode(value, serializer="pickle")) == value


def test_more_empty_sets_than_are_read_are_not_written():
    with pytest.raises(EncodeError, match="max_nodes"):
        FRUGAL.encode([set() for _ in range(10_000)], serializer="pickle")


def test_an_allowed_global_is_sealed_once_however_often_it_is_named():
    codec = Pickle(allow={"fractions:Fraction"})
    pipeline = Pipeline(["pickle"], registry=default_registry().with_serializer(codec, replace=True))
    names = PROTO + text("fractions") + b"\x940" + text("Fraction") + b"\x940"
    body = names + b"](" + b"h\x00h\x01\x93" * 20_000 + b"e."
    peak, outcome = peak_of(body, pipeline)

    assert outcome == "CorruptBody"
    assert peak < 80 * len(body)


@pytest.mark.parametrize("levels", [101, 100_000])
def test_registered_types_within_one_another_are_levels(levels):
    body = (
        PROTO
        + TAGGED
        + b"\x940"
        + (b"h\x00" + text("Point") + b"}" + text("x")) * levels
        + b"N"
        + b"s\x86R" * levels
        + b"."
    )

    with pytest.raises(LimitExceeded, match="max_depth"):
        in_small_stack(lambda: decode(body, TYPED))


@pytest.mark.parametrize(
    "body", [b"", b".", b"N", b"N.N.", b"N.\0", PROTO + b"(.", PROTO + b"0.", b"h\x00.", b"a.", b"\x80\xff."]
)
def test_what_is_malformed_is_corrupt(body):
    with pytest.raises(CorruptBody):
        decode(body)


def test_an_unknown_tag_says_how_to_register_it():
    with pytest.raises(CorruptBody, match="register_type"):
        decode(PROTO + tagged("Basket", b"N") + b".")


def test_limits_are_those_of_the_call():
    with pytest.raises(LimitExceeded):
        Pickle().loads(PROTO + b"))\x86.", limits=Limits(max_depth=1))
