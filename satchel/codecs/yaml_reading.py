"""Reading YAML 1.1 events: limits are checked event by event, before anything is built."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from satchel.codecs.values import INT_BOUND, Restoring, hashable
from satchel.errors import CorruptBody, LimitExceeded
from satchel.types import Limits

CORE = "tag:yaml.org,2002:"

#: Characters of a number. A longer text in base 60 would cost the square of its length.
_LONGEST_NUMBER = 4_400


def constructors(yaml: Any, *, not_finite: bool) -> dict[str, Callable[[str], Any]]:
    """Give PyYAML's constructors of scalars, by tag, without its nodes' marks."""
    safe = yaml.constructor.SafeConstructor()

    def plain(name: str) -> Callable[[str], Any]:
        construct = getattr(safe, f"construct_yaml_{name}")
        return lambda text: construct(yaml.ScalarNode(CORE + name, text))

    to_int, to_float = plain("int"), plain("float")

    def integer(text: str) -> int:
        value: int = to_int(text) if len(text) <= _LONGEST_NUMBER else INT_BOUND
        if not -INT_BOUND < value < INT_BOUND:
            raise ValueError("an int of more than 4,300 digits")
        return value

    def number(text: str) -> float:
        if len(text) > _LONGEST_NUMBER:
            raise ValueError("a float of more than 4,300 digits")
        value: float = to_float(text)
        if not (math.isfinite(value) or not_finite):
            raise ValueError(f"{text[:40]} is not a finite number")
        return value

    def binary(text: str) -> bytes:
        # PyYAML passes over what is not base64.
        return b64decode("".join(text.split()), validate=True)

    simple = {CORE + name: plain(name) for name in ("null", "bool", "timestamp", "str")}
    return {**simple, CORE + "int": integer, CORE + "float": number, CORE + "binary": binary}


class _Open(NamedTuple):
    """A container whose end has not come yet."""

    items: list[Any]
    is_mapping: bool
    tag: str | None
    anchor: str | None
    nodes_before: int


class _Anchored(NamedTuple):
    value: Any
    nodes: int
    levels: int


@dataclass(frozen=True)
class Schema:
    """What scalars, keys and tags mean, and which of them may be.

    Attributes:
        resolvers: tags of plain scalars, by first character, with the pattern that decides.
        scalars: constructors of scalars, by tag.
        restore: gives the value of a local tag.
        aliases: anchors and aliases are read.
        any_key: scalars other than str may be keys.
    """

    resolvers: dict[str, list[tuple[str, Any]]]
    scalars: dict[str, Callable[[str], Any]]
    restore: Restoring
    aliases: bool
    any_key: bool


@dataclass
class Building:
    """Builds the value of one document from its events, with a stack of its own."""

    schema: Schema
    limits: Limits
    _stack: list[_Open] = field(default_factory=list[_Open])
    # Levels of containers within each open one, so that an alias brings its own.
    _levels: list[int] = field(default_factory=list[int])
    _anchors: dict[str, _Anchored] = field(default_factory=dict[str, _Anchored])
    _nodes: int = 0

    def build(self, parser: Any) -> Any:
        root: Any = None
        documents = 0
        try:
            while (event := parser.get_event()) is not None:
                kind = type(event).__name__
                if kind == "ScalarEvent":
                    self._count(1)
                    value = self._scalar(event)
                    self._anchor(event.anchor, value, 1, 0)
                elif kind in ("SequenceStartEvent", "MappingStartEvent"):
                    self._open(event, kind == "MappingStartEvent")
                    continue
                elif kind in ("SequenceEndEvent", "MappingEndEvent"):
                    value = self._close()
                elif kind == "AliasEvent":
                    value = self._alias(event.anchor)
                else:
                    documents += kind == "DocumentStartEvent"
                    if documents > 1:
                        raise self._corrupt("there is more than one document")
                    continue
                if self._stack:
                    self._stack[-1].items.append(value)
                else:
                    root = value
        finally:
            parser.dispose()
        if not documents:
            raise self._corrupt("there is no document")
        return root

    def _corrupt(self, what: str, expected: str | None = None) -> CorruptBody:
        return CorruptBody(what, expected=expected, codec="yaml")

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self.limits.max_nodes:
            raise LimitExceeded("max_nodes", self.limits.max_nodes)

    def _deepen(self, levels: int) -> None:
        """Hold `levels` more levels below the open containers against the limit."""
        if len(self._stack) + levels > self.limits.max_depth:
            raise LimitExceeded("max_depth", self.limits.max_depth)
        if self._levels and levels > self._levels[-1]:
            self._levels[-1] = levels

    def _anchor(self, name: str | None, value: Any, nodes: int, levels: int) -> None:
        if name is None:
            return
        if not self.schema.aliases:
            raise self._corrupt("it has an anchor", "write out what occurs twice, or read with Yaml(aliases=True)")
        self._anchors[name] = _Anchored(value, nodes, levels)

    def _alias(self, name: str) -> Any:
        anchored = self._anchors.get(name)
        if anchored is None:
            raise self._corrupt(f"the alias {name[:40]!r} refers to nothing, or to what it stands in")
        self._count(anchored.nodes)
        self._deepen(anchored.levels)
        return anchored.value

    def _open(self, event: Any, is_mapping: bool) -> None:
        self._deepen(1)
        self._stack.append(_Open([], is_mapping, event.tag, event.anchor, self._nodes))
        self._levels.append(0)
        self._count(1)

    def _close(self) -> Any:
        opened = self._stack.pop()
        levels = self._levels.pop() + 1
        if self._levels:
            self._levels[-1] = max(self._levels[-1], levels)
        value = self._mapping(opened) if opened.is_mapping else self._sequence(opened)
        self._anchor(opened.anchor, value, self._nodes - opened.nodes_before, levels)
        return value

    def _sequence(self, opened: _Open) -> Any:
        tag = opened.tag
        if tag is None or tag in ("!", CORE + "seq"):
            return opened.items
        if tag in (CORE + "omap", CORE + "pairs"):
            if not all(type(item) is dict and len(item) == 1 for item in opened.items):
                raise self._corrupt("ordered pairs are mappings of one key")
            return [next(iter(item.items())) for item in opened.items]
        name = self._local(tag)
        if name in ("frozenset", "tuple"):
            return self.schema.restore(name, opened.items)
        if len(opened.items) != 1:
            raise self._corrupt(f"the type tag {name[:40]!r} holds one value")
        return self.schema.restore(name, opened.items[0])

    def _mapping(self, opened: _Open) -> Any:
        keys, tag = opened.items[::2], opened.tag
        if tag == CORE + "set":
            return self.schema.restore("set", keys)
        self._check_keys(keys)
        value = dict(zip(keys, opened.items[1::2], strict=True))
        return value if tag is None or tag in ("!", CORE + "map") else self.schema.restore(self._local(tag), value)

    def _check_keys(self, keys: list[Any]) -> None:
        others = [key for key in keys if type(key) is not str]
        if not others:
            return
        if not self.schema.any_key or any(isinstance(key, dict | list | set) for key in others):
            raise self._corrupt(f"a key of type {type(others[0]).__name__}", "keys are str")
        try:
            hashable(others)
        except ValueError as error:
            raise self._corrupt(str(error)) from error

    def _local(self, tag: str) -> str:
        if not tag.startswith("!") or len(tag) < 2:
            raise self._corrupt(f"the tag {tag[:80]!r} is not one of the safe subset")
        return tag[1:]

    def _scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None or tag == "!":
            if not event.implicit[0]:
                return text
            resolvers = self.schema.resolvers.get(text[:1], ())
            tag = next((tag for tag, pattern in resolvers if pattern.match(text)), None)
            if tag is None:
                return text
        construct = self.schema.scalars.get(tag)
        if construct is not None:
            return construct(text)
        if tag == CORE + "merge":
            raise self._corrupt("it has a merge key", "write out the keys")
        return self.schema.restore(self._local(tag), text)
