"""What a codec must be to be registered."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeGuard

from satchel.errors import InvalidCodec

Kind = Literal["serializer", "compressor"]

CONTENT_ENCODINGS = ("utf-8", "us-ascii", "binary")

_NAME = r"[a-z][a-z0-9_.+-]{0,63}\Z"
_TOKEN = r"[a-z0-9!#$%&'*+.^_`|~-]+"
_CONTENT_TYPE = rf"{_TOKEN}/{_TOKEN}\Z"

#: The methods of each kind, with the keywords that they must take.
_METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "serializer": {"dumps": (), "loads": ("limits",)},
    "compressor": {"compress": (), "decompress": ("max_size",)},
}


def is_content_type(name: str) -> bool:
    """Whether a text is a MIME type in lower case, without parameters."""
    return "/" in name and bool(re.match(_CONTENT_TYPE, name))


def check_names(names: Iterable[object], what: str = "name") -> None:
    """Raise InvalidCodec unless all are names of codecs."""
    for name in names:
        if not isinstance(name, str) or not re.match(_NAME, name):
            raise InvalidCodec(
                f"{name!r} is not a valid {what} of a codec",
                expected="a lower-case letter and up to 63 letters, digits, '_', '.', '+' or '-'",
            )


def takes_keyword(function: Callable[..., Any], keyword: str, *, by_name: bool = False) -> bool:
    """Whether a function has a parameter of that name that can be given by keyword, or, unless `by_name`, takes any."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # A function of C may have no signature to look at.
        return False
    parameter = parameters.get(keyword)
    if parameter is not None and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        return True
    return not by_name and any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def takes_one(function: Callable[..., Any], keywords: tuple[str, ...] = ()) -> bool:
    """Whether a function can be called with one argument and these keywords."""
    try:
        inspect.signature(function).bind(b"", **dict.fromkeys(keywords))
    except TypeError:
        return False
    except ValueError:
        return not keywords
    return True


def check_functions(**functions: object) -> None:
    """Raise InvalidCodec, by the name that it has here, unless each is a function of one argument."""
    for label, function in functions.items():
        if not callable(function) or not takes_one(function):
            raise InvalidCodec(f"{label} must be a function of one argument, got {function!r}")


def check_codec(kind: Kind, codec: Any) -> None:
    """Raise InvalidCodec, saying all that is missing, unless `codec` is of the kind."""
    if isinstance(codec, type):
        raise InvalidCodec(
            f"{codec.__qualname__} is a class", expected=f"an instance of a {kind}", cure=f"pass {codec.__qualname__}()"
        )
    label = type(codec).__qualname__
    missing = [name for name in ("name", "content_type") if not isinstance(getattr(codec, name, None), str)]
    if kind == "serializer" and getattr(codec, "content_encoding", None) not in CONTENT_ENCODINGS:
        missing.append(f"content_encoding (one of {', '.join(CONTENT_ENCODINGS)})")
    for method, keywords in _METHODS[kind].items():
        function = getattr(codec, method, None)
        form = f"{method}({', '.join(['body' if method != 'dumps' else 'value', '/', *_keyword_only(keywords)])})"
        if not callable(function):
            missing.append(form)
        elif not all(takes_keyword(function, keyword) for keyword in keywords):
            missing.append(f"{form} that takes {', '.join(keywords)} by keyword")
        elif not takes_one(function, keywords):
            missing.append(f"{form} that can be called so")
    if missing:
        raise InvalidCodec(
            f"{label} is not a {kind}", expected=f"it lacks {'; '.join(missing)}", cure=f"see satchel.{kind.title()}"
        )
    check_names([codec.name])
    check_content_type(codec.content_type)


def _keyword_only(keywords: tuple[str, ...]) -> tuple[str, ...]:
    return ("*", *keywords) if keywords else ()


def check_content_type(name: object) -> TypeGuard[str]:
    """Raise InvalidCodec unless a name is a MIME type in lower case, without parameters."""
    if not isinstance(name, str) or not is_content_type(name):
        raise InvalidCodec(
            f"{name!r} is not a content type",
            expected="type/subtype in lower case, without parameters, such as application/toml",
        )
    return True
