"""Settings from environment variables: text in, values out, for `kinds` to check."""

from __future__ import annotations

from typing import Any, Final

_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off"})


def text(given: str) -> str:
    """Take it as it is."""
    return given


def flag(text: str) -> bool:
    """Read a word for yes or no."""
    word = text.strip().lower()
    if word not in _YES and word not in _NO:
        raise ValueError("expected true or false, yes or no, on or off, 1 or 0")
    return word in _YES


def number(text: str) -> int | float:
    """Read an int, or a float."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError("expected a number") from None


def json(text: str) -> Any:
    """Read JSON."""
    from json import loads  # Only those who have such settings in their environment need it.

    try:
        return loads(text)
    except ValueError as error:
        raise ValueError(f"expected JSON: {error}") from None


def json_list_or_text(text: str) -> Any:
    """Read a JSON list; anything else is the text itself."""
    return json(text) if text.lstrip().startswith("[") else text


def json_or_text(text: str) -> Any:
    """Read a JSON list or object; anything else is the text itself."""
    return json(text) if text.lstrip().startswith(("[", "{")) else text


def names(text: str) -> Any:
    """Read a JSON list, or names with commas between them."""
    return json(text) if text.lstrip().startswith("[") else [name.strip() for name in text.split(",")]


def flag_or_json(text: str) -> Any:
    """Read a JSON object, or a word for yes or no."""
    return json(text) if text.lstrip().startswith("{") else flag(text)


def number_or_text(text: str) -> Any:
    """Read a whole number; anything else is the text itself."""
    return int(text) if text.strip().isdecimal() else text
