"""What a YAML body may have in it, by the codec's options: tags, keys, anchors, directives, and how many values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from satchel.codecs.values import Restoring
from satchel.codecs.yaml_scalars import CORE
from satchel.errors import CorruptBody, LimitExceeded
from satchel.types import Limits

_CORE = frozenset(
    CORE + name
    for name in "null bool int float binary timestamp str seq map set omap pairs merge value".split()  # noqa: SIM905
)

#: What Celery's dialect writes as a key of a mapping, besides str; bool is an int, and datetime a date.
KEYS = (int, float, type(None), bytes, date)

#: Declarations of tag prefixes in a document: libyaml compares each with all before it.
_MOST_DIRECTIVES = 64


def check_directives(data: bytes, parser: Callable[[bytes], Any], directive: type) -> None:
    """Refuse a body that declares very many tag prefixes, by the tokens before its first document."""
    if data.count(b"%TAG") <= _MOST_DIRECTIVES:
        return
    tokens, seen = parser(data), 0
    tokens.get_token()  # The beginning of the stream.
    while isinstance(tokens.get_token(), directive):
        seen += 1
        if seen > _MOST_DIRECTIVES:
            raise CorruptBody(f"it has more than {_MOST_DIRECTIVES} directives", codec="yaml")


@dataclass(frozen=True)
class Schema:
    """What scalars, keys and tags mean, and which of them may be.

    Attributes:
        events: PyYAML's module of them.
        resolvers: tags of plain scalars, by `beginning`, with the test that decides.
        scalars: constructors of scalars, by tag.
        restore: gives the value of a local tag.
        local: the local tags that have a meaning.
        aliases, merge_keys, foreign_tags, unique_keys: the codec's options.
        max_nodes: its budget.
    """

    events: Any
    resolvers: Mapping[str, Sequence[tuple[str, Callable[[str], Any]]]]
    scalars: dict[str, Callable[[str], Any]]
    restore: Restoring
    local: frozenset[str]
    aliases: bool
    merge_keys: bool
    foreign_tags: bool
    unique_keys: bool
    max_nodes: int

    def knows(self, tag: str) -> bool:
        """Say whether a tag has a meaning."""
        return tag[1:] in self.local if tag[0] == "!" else tag in _CORE

    def too_many(self, limits: Limits) -> LimitExceeded:
        """The error for more values than the smaller of the two budgets, which it names."""
        if limits.max_nodes <= self.max_nodes:
            return LimitExceeded("max_nodes", limits.max_nodes)
        error = LimitExceeded(
            "max_nodes", self.max_nodes, f"yaml: it holds more values than Yaml(max_nodes={self.max_nodes:,})"
        )
        error.cure = "if it is genuine, decode with Yaml(max_nodes=…)"
        return error
