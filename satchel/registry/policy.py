"""AcceptPolicy: what may be decoded, decided by strings alone (RFC 9110 for content types)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from reprlib import Repr
from typing import Any, cast

from satchel.errors import ContentDisallowed
from satchel.records import NamedTuple
from satchel.registry.checks import CONTENT_ENCODINGS, Kind, is_content_type
from satchel.registry.registry import Registry

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"'
# Compiled, and kept by `re`, when the first unusual content type comes: compiling would double the time of importing.
_PARAMETER = rf"[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?"
_MEDIA_TYPE = rf"{_TOKEN}/{_TOKEN}"

#: A content type longer than this is not one. Real ones have less than 100 characters.
_LONGEST = 255

#: Headers are shown in errors; a hostile one may be long, or nested deeper than `repr` goes.
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 100

_CHARSETS = frozenset({"utf-8", "us-ascii"})


class AcceptPolicy(NamedTuple):
    """What is accepted, as names of codecs by content type.

    Attributes:
        serializers: names of serializers, by accepted content type.
        compressors: names of compressors, by accepted content type, name or alias.
        optional: compressors that nobody named; one that is not installed is simply not accepted.
    """

    serializers: dict[str, str]
    compressors: dict[str, str]
    optional: bool

    @classmethod
    def of(cls, registry: Registry, accept: Iterable[str], accept_compression: Iterable[str] | None) -> AcceptPolicy:
        """Work out a policy from what an application names.

        Args:
            registry: knows the names.
            accept: names, aliases or content types of serializers.
            accept_compression: the same of compressors; None for those built in.

        Raises:
            TypeError: a str where a list is meant, or something other than str in the list.
            UnknownCodec: a name that the registry does not know.
        """
        if accept_compression is None:
            named = [entry.name for entry in registry.compressors.values() if entry.origin == "built-in"]
        else:
            named = _names("accept_compression", accept_compression)
        return cls(
            _by_content_type(registry, "serializer", _names("accept", accept)),
            _by_content_type(registry, "compressor", named),
            accept_compression is None,
        )

    def admit(self, content_type: object, content_encoding: object, compression: object) -> tuple[str, str | None]:
        """Give the names of the serializer and the compressor of a message.

        Raises:
            ContentDisallowed: a header is missing, malformed, or names what is not accepted.
        """
        media_type = self._media_type(content_type)
        serializer = self.serializers.get(media_type)
        if serializer is None:
            raise self._refusal(content_type, f"the content type {_shown(content_type)} is not accepted")
        if not isinstance(content_encoding, str) or content_encoding.lower() not in CONTENT_ENCODINGS:
            raise self._refusal(
                content_type,
                f"the content encoding {_shown(content_encoding)} is not accepted",
                f"it is one of {', '.join(CONTENT_ENCODINGS)}",
            )
        if compression is None:
            return serializer, None
        compressor = self.compressors.get(compression.lower()) if isinstance(compression, str) else None
        if compressor is None:
            names = ", ".join(dict.fromkeys(self.compressors.values())) or "none"
            raise ContentDisallowed(
                f"the compression {_shown(compression)} is not accepted",
                expected=f"accepted: {names}",
                cure="if you trust its producer, name it in accept_compression=[…]",
                content_type=content_type,
                accept=tuple(self.compressors),
            )
        return serializer, compressor

    def _media_type(self, content_type: object) -> str:
        """Give type/subtype in lower case, when the parameters are well-formed and the charset is ours."""
        if isinstance(content_type, str) and len(content_type) <= _LONGEST:
            match = re.match(_MEDIA_TYPE, content_type)
            if match:
                end = match.end()
                while parameter := re.compile(_PARAMETER).match(content_type, end):
                    name, value = parameter.groups()
                    if name and name.lower() == "charset" and value.strip('"').lower() not in _CHARSETS:
                        raise self._refusal(content_type, f"the charset {_shown(value)} is not accepted", "it is utf-8")
                    end = parameter.end()
                if not content_type[end:].strip(" \t"):
                    return match[0].lower()
        raise self._refusal(content_type, f"the content type {_shown(content_type)} is missing or malformed")

    def _refusal(self, content_type: object, what: str, expected: str | None = None) -> ContentDisallowed:
        accepted = ", ".join(self.serializers) or "nothing"
        return ContentDisallowed(
            what,
            expected=expected or f"accepted: {accepted}",
            cure=None if expected else "if you trust its producer, name it in accept=[…]",
            content_type=content_type,
            accept=tuple(self.serializers),
        )


def _names(argument: str, names: Iterable[str]) -> list[str]:
    if isinstance(names, str | bytes):
        raise TypeError(f"{argument} must be a list of names, got {names!r}; write {argument}=[{names!r}]")
    listed = list(names)
    for name in listed:
        if not isinstance(cast(object, name), str):
            raise TypeError(f"{argument} must be a list of str, got {name!r} in it")
    return listed


def _by_content_type(registry: Registry, kind: Kind, names: list[str]) -> dict[str, str]:
    accepted: dict[str, str] = {}
    for name in names:
        entry = registry.entry(kind, name.lower())
        if is_content_type(name.lower()):
            accepted.setdefault(name.lower(), entry.name)
            continue
        for content_type in entry.content_types:
            accepted.setdefault(content_type, entry.name)
        if kind == "compressor":
            # Kombu's header may hold a name instead of a content type.
            accepted.update(dict.fromkeys(entry.names, entry.name))
    return accepted


def _shown(header: Any) -> str:
    try:
        return _SHORT.repr(header)
    except ValueError:  # An int of more digits than Python writes.
        return f"of type {type(header).__name__}"
