"""What a YAML body may have in it, by the codec's options: tags, keys, anchors, directives, and how many values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from satchel.codecs.values import Restoring
from satchel.codecs.yaml_scalars import CORE
from satchel.errors import CorruptBody, LimitExceeded
from satchel.records import dataclass
from satchel.types import Limits

_CORE = frozenset(
    CORE + name
    for name in "null bool int float binary timestamp str seq map set omap pairs merge value".split()  # noqa: SIM905
)

#: What Celery's dialect writes as a key of a mapping, besides str; bool is an int, and datetime a date.
KEYS = (int, float, type(None), bytes, date)

#: Declarations of tag prefixes: libyaml compares each with all before it, and writes its prefix out at each use.
_MOST_DIRECTIVES, _LONGEST_DIRECTIVE = 64, 1_000
#: One at the beginning of a line, as YAML 1.1 breaks lines; in a text of several lines, it only looks like one.
_DIRECTIVE = rb"(?:\A|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])%TAG[^\r\n]*"


def check_directives(data: bytes) -> None:
    """Refuse a body that has very many or very long %TAG directives, before any of its documents."""
    if b"%TAG" not in data:
        return
    for seen, directive in enumerate(re.finditer(_DIRECTIVE, data), 1):
        if seen > _MOST_DIRECTIVES or len(directive[0]) > _LONGEST_DIRECTIVE:
            raise CorruptBody(
                f"it has more than {_MOST_DIRECTIVES} %TAG directives, or one beyond {_LONGEST_DIRECTIVE:,} bytes",
                codec="yaml",
            )


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
    scalars: dict[str, Callable[[Any], Any]]
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
