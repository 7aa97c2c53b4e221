"""`satchel send`: what is said of slips in its arguments, and of a broker that refuses the connection."""

from __future__ import annotations

import pytest

from satchel.calling import OperationalError
from satchel.cli.send import _not_sent
from tests.unit.cli_calling import Inside, Place, place, run

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

__all__ = ["place", "run"]  # fixtures


def test_only_the_task_is_required(run: Inside) -> None:
    refused = run("send")

    assert refused.code == 2
    assert "the following arguments are required: TASK (see" in refused.err


@pytest.mark.parametrize(
    ("given", "module"),
    [
        ("nosuchconfig.py", "nosuchconfig"),
        ("./proj/nosuchconfig.py", "proj.nosuchconfig"),
        ("proj/nosuch", "proj.nosuch"),
    ],
)
def test_a_file_instead_of_a_module_is_told_with_the_modules_name(place: Place, given: str, module: str) -> None:
    refused = place.send("x", "--config", given)

    assert refused.code == 2
    assert refused.err.endswith(f"; it takes a module's name, not a file's: --config {module}\n")


def test_a_module_that_is_not_there_is_no_file(place: Place) -> None:
    assert "not a file's" not in place.send("x", "--config", "no.such.module").err


@pytest.mark.parametrize(
    ("option", "text", "example"),
    [
        ("--args", "[1,", """--args '[1, "two"]'"""),
        ("--args", "1,2", """--args '[1, "two"]'"""),
        ("--kwargs", "{a: 1}", """--kwargs '{"count": 1}'"""),
    ],
)
def test_what_is_no_json_is_told_with_an_example(place: Place, option: str, text: str, example: str) -> None:
    refused = place.send("x", option, text)

    assert refused.code == 3
    assert refused.err.startswith(f"satchel: error: {option}: it cannot be read (JSONDecodeError: ")
    assert refused.err.endswith(f"; it takes JSON, in quotes for the shell: {example}\n")
    assert place.envelopes() == []


def test_a_type_tag_that_is_unknown_is_no_matter_of_quotes(place: Place) -> None:
    refused = place.send("x", "--args", '[{"__type__": "nope", "__value__": 1}]')

    assert refused.code == 3
    assert "quotes" not in refused.err


def test_a_broker_without_a_scheme_is_told(run: Inside) -> None:
    refused = run("send", "x", "--broker", "127.0.0.1:5672")

    assert refused.code == 2
    assert "broker_url must begin with a scheme, such as amqp://" in refused.err


def test_a_wrong_password_is_no_matter_of_the_address() -> None:
    error = OperationalError("the broker refused the connection: AccessRefused: …", delivered=False)

    assert "see user, password and virtual host" in str(_not_sent(error, "1"))
