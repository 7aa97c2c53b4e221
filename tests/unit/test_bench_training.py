"""Training a dictionary: what goes in, what is chosen, and that choosing and scoring are kept apart."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
import zstandard

from satchel.bench import training
from satchel.bench.assembling import NoTables, identified, tables, unrepeated
from satchel.bench.manifest import Score
from satchel.bench.recipes import Maker, Recipe, compressed, recipes
from satchel.bench.training import FEWEST, TooFewSamples, Trained, train
from satchel.codecs.zstd import Zstd

SMALL = (4096, 16384, 65536)


def documents(count: int, seed: int = 1) -> list[bytes]:
    """Few, long messages that share paragraphs: what the library's trainer makes little of."""
    rng = random.Random(seed)
    paragraphs = [rng.randbytes(150).hex() for _ in range(80)]
    return [
        json.dumps({"id": rng.getrandbits(60), "text": rng.sample(paragraphs, rng.randrange(5, 20))}).encode()
        for _ in range(count)
    ]


def noise(count: int) -> list[bytes]:
    rng = random.Random(2)
    return [rng.randbytes(400) for _ in range(count)]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(documents(60), level=3, seed=1, sizes=SMALL)


def test_few_long_messages_become_half_of_what_the_librarys_default_makes_of_them(trained: Trained) -> None:
    score = trained.manifest.held_out

    assert score.default is not None
    assert score.chosen * 2 < score.default < score.none < score.plain


def test_the_dictionary_is_one_that_the_codec_takes(trained: Trained) -> None:
    body = documents(1)[0]
    codec = Zstd(level=3, dictionary=trained.dictionary)
    frame = codec.compress(body)

    assert codec.decompress(frame, max_size=len(body)) == body
    assert zstandard.get_frame_parameters(frame).dict_id == trained.id
    assert 32_768 <= trained.id < 2**31


def test_the_manifest_tells_of_this_dictionary(trained: Trained) -> None:
    manifest = trained.manifest

    assert manifest.id == trained.id == zstandard.ZstdCompressionDict(trained.dictionary).dict_id()
    assert manifest.size == len(trained.dictionary) <= max(SMALL)
    assert manifest.sha256 == hashlib.sha256(trained.dictionary).hexdigest()
    assert (manifest.level, manifest.seed, manifest.complete) == (3, 1, True)
    assert manifest.libraries["zstandard"] == zstandard.__version__
    assert json.loads(json.dumps(manifest.plain())) == manifest.plain()
    assert manifest.plain()["held_out"]["chosen"] == manifest.held_out.chosen


def test_what_is_scored_had_no_part_in_the_choice_or_the_dictionary() -> None:
    # Messages of noise share nothing: what is in a dictionary shrinks to nothing with it, and nothing else does.
    bodies = noise(60)
    result = train(bodies, level=3, seed=5, sizes=SMALL)
    small = [body for body in bodies if compressed([body], result.dictionary, 3) < 100]

    counts = result.manifest.counts
    assert (counts.training, counts.validation, counts.held_out) == (36, 12, 12)
    assert len(small) <= counts.training + counts.validation
    assert result.manifest.held_out.plain == 12 * 400
    assert result.manifest.held_out.chosen > 12 * 400
    assert result.manifest.validation.chosen > 12 * 400


def test_equal_messages_in_another_order_give_an_equal_dictionary(trained: Trained) -> None:
    again = train(documents(60)[::-1], level=3, seed=1, sizes=SMALL)

    assert again.dictionary == trained.dictionary
    assert again.manifest.plain().keys() == trained.manifest.plain().keys()
    assert again.manifest.tried == trained.manifest.tried


def test_another_seed_holds_out_other_messages(trained: Trained) -> None:
    other = train(documents(60), level=3, seed=2, sizes=SMALL)

    assert other.manifest.held_out.plain != trained.manifest.held_out.plain
    assert other.id != trained.id


def test_duplicates_are_in_no_two_parts(trained: Trained) -> None:
    doubled = train(documents(60) * 2, level=3, seed=1, sizes=SMALL)

    assert (doubled.manifest.counts.given, doubled.manifest.counts.duplicates) == (120, 60)
    assert doubled.dictionary == trained.dictionary


def test_the_librarys_default_is_kept_where_nothing_is_three_percent_smaller() -> None:
    bodies = noise(40)
    result = train(bodies, level=3, seed=1, sizes=SMALL)

    assert result.manifest.recipe == Recipe("default", 65536)
    assert result.manifest.held_out.chosen == result.manifest.held_out.default
    assert result.manifest.validation.chosen == result.manifest.validation.default


@pytest.mark.parametrize(("with_default", "kept"), [(999, True), (1000, False)])
def test_a_choice_that_is_worse_than_the_default_on_more_messages_is_taken_back(
    monkeypatch: pytest.MonkeyPatch, with_default: int, kept: bool
) -> None:
    confirmation = Score(messages=10, plain=9000, none=5000, default=with_default, chosen=1000)
    monkeypatch.setattr(training, "_confirm", lambda *_: confirmation)
    manifest = train(documents(60), level=3, seed=1, sizes=SMALL).manifest

    assert manifest.confirmation == confirmation
    assert (manifest.recipe.method == "default") is kept


def test_the_choice_is_confirmed_on_messages_that_were_not_held_out(trained: Trained) -> None:
    confirmation = trained.manifest.confirmation

    assert confirmation is not None
    assert confirmation.default is not None
    assert confirmation.messages == 36 + 12
    assert confirmation.chosen < confirmation.default


@pytest.mark.parametrize("repeated", [1, 3])
def test_too_few_distinct_messages_are_an_error_that_says_how_many_are_needed(repeated: int) -> None:
    with pytest.raises(TooFewSamples, match=f"takes {FEWEST} distinct messages.*there are {FEWEST - 1}"):
        train(documents(FEWEST - 1) * repeated, level=3, seed=1)


def test_messages_that_the_librarys_trainer_refuses_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise zstandard.ZstdError("cannot train dict: Src size is incorrect")

    monkeypatch.setattr(zstandard, "train_dictionary", refuse)

    with pytest.raises(TooFewSamples, match="too short, or too few"):
        train(documents(60), level=3, seed=1)


def test_where_the_library_has_no_default_another_dictionary_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = zstandard.train_dictionary

    def refuse(size: int, samples: list[Any], **options: int) -> object:
        if not options:
            raise zstandard.ZstdError("cannot train dict: Src size is incorrect")
        return real(size, samples, **options)

    monkeypatch.setattr(zstandard, "train_dictionary", refuse)
    manifest = train(documents(60), level=3, seed=1, sizes=SMALL).manifest

    assert (manifest.held_out.default, manifest.validation.default, manifest.confirmation) == (None, None, None)
    assert manifest.held_out.chosen < manifest.held_out.none


@pytest.mark.parametrize("bodies", [[bytes([number]) for number in range(FEWEST)], [b"x" * n for n in range(FEWEST)]])
def test_the_shortest_messages_make_a_valid_dictionary(bodies: list[bytes]) -> None:
    result = train(bodies, level=3, seed=1)
    codec = Zstd(dictionary=result.dictionary)

    assert [codec.decompress(codec.compress(body), max_size=100) for body in bodies] == bodies


def test_the_fewest_messages_suffice() -> None:
    result = train(documents(FEWEST), level=3, seed=1, sizes=SMALL)

    counts = result.manifest.counts
    assert (counts.training, counts.validation, counts.held_out) == (12, 4, 4)
    assert result.manifest.held_out.chosen < result.manifest.held_out.none


def test_when_the_time_is_over_the_best_so_far_is_taken_and_said_to_be_incomplete() -> None:
    result = train(documents(60), level=3, seed=1, sizes=SMALL, seconds=0)

    assert not result.manifest.complete
    assert [tried.recipe.method for tried in result.manifest.tried] == ["default"]


def test_more_messages_than_a_training_takes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = documents(60)
    monkeypatch.setattr(training, "_MOST", sum(map(len, bodies)) // 2)
    counts = train(bodies, level=3, seed=1, sizes=SMALL).manifest.counts

    assert 25 < counts.unused < 35
    assert counts.unused + counts.training + counts.validation + counts.held_out == len(bodies)


def test_messages_too_large_to_train_on_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_MOST", 10_000)

    with pytest.raises(TooFewSamples, match="too large"):
        train(documents(60), level=3, seed=1)


def test_messages_that_are_all_too_large_to_be_tried_are_tried_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_MOST_TRIED", 100)
    manifest = train(documents(60), level=3, seed=1, sizes=SMALL).manifest

    assert manifest.validation.messages == 1
    assert manifest.validation.chosen < manifest.validation.none


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="level"):
        train(documents(60), level=99, seed=1)


def test_a_dictionary_is_no_larger_than_was_allowed() -> None:
    maker = Maker(documents(60), level=3, most=16384)
    made = {recipe: maker.make(recipe) for recipe in recipes([4096, 16384])}

    assert all(dictionary is not None and len(dictionary) <= recipe.size for recipe, dictionary in made.items())
    assert {recipe.method for recipe in made} == {"default", "searched", "segments", "messages"}


def test_whole_messages_are_joined_without_what_they_repeat() -> None:
    shared, rng = documents(1)[0], random.Random(4)
    first, second = rng.randbytes(300), rng.randbytes(200)
    content = unrepeated([second + shared, first + shared], shortest=48, most=100_000)

    assert content.endswith(first + shared)
    assert content.count(shared[100:-100]) == 1
    assert content.startswith(second)
    assert len(content) < len(first + shared + second) + 48


def test_of_too_much_content_the_longest_message_stays() -> None:
    bodies = [bytes([65 + number]) * (100 * number) for number in range(1, 5)]

    assert unrepeated(bodies, shortest=192, most=400) == b"E" * 400
    assert unrepeated(bodies, shortest=192, most=150) == b"E" * 150


def test_content_is_the_same_whatever_the_order_of_the_messages() -> None:
    bodies = documents(30)

    assert unrepeated(bodies, shortest=96, most=50_000) == unrepeated(bodies[::-1] * 2, shortest=96, most=50_000)


def test_tables_are_what_precedes_the_content_of_a_trained_dictionary() -> None:
    bodies: list[Any] = documents(60)
    dictionary: bytes = zstandard.train_dictionary(16384, bodies, k=1024, d=8).as_bytes()
    found = tables(dictionary)
    content = dictionary[len(found) :]

    # What the trainer puts there is pieces of messages.
    assert any(content[:64] in body for body in bodies)
    assert 12 + 8 < len(found) < 512
    assert compressed(bodies, found + content, 3) == compressed(bodies, dictionary, 3)


@pytest.mark.parametrize("data", [b"", b"\x37\xa4\x30\xec" + bytes(60), b"x" * 100])
def test_what_is_no_trained_dictionary_has_no_tables(data: bytes) -> None:
    with pytest.raises(NoTables):
        tables(data)


def test_an_id_follows_from_the_rest_of_a_dictionary() -> None:
    one, number = identified(b"\x37\xa4\x30\xec" + b"\1\2\3\4" + b"content")
    same, equal = identified(b"\x37\xa4\x30\xec" + b"\0\0\0\0" + b"content")
    _, other = identified(b"\x37\xa4\x30\xec" + b"\1\2\3\4" + b"Content")

    assert (one, number) == (same, equal)
    assert one[4:8] == number.to_bytes(4, "little")
    assert number != other
