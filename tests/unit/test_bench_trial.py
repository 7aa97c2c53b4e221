"""The trial of a dictionary: scored on messages that it was not trained on."""

from __future__ import annotations

import json
import random

from satchel.bench.generated import GENERATED
from satchel.bench.trial import try_dictionary


def test_messages_that_are_alike_are_made_smaller_by_a_dictionary():
    bodies = [json.dumps(value).encode() for value in GENERATED["celery"](300, 1)]

    found = try_dictionary(bodies, 1)

    assert found is not None
    assert found.messages == 120
    assert found.trained < found.none * 0.6


def test_messages_that_have_nothing_in_common_are_not():
    rng = random.Random(3)

    found = try_dictionary([rng.randbytes(400) for _ in range(100)], 1)

    assert found is None or found.trained > found.none * 0.95


def test_too_few_messages_are_not_tried():
    assert try_dictionary([b'{"a": 1}'] * 500, 1) is None
