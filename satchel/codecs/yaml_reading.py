"""Reading YAML 1.1 events: limits are checked event by event, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

from satchel.codecs.values import hashable, unique
from satchel.codecs.yaml_scalars import CORE, LONGEST_NUMBER, TIMESTAMP, beginning, shortened
from satchel.codecs.yaml_schema import Schema
from satchel.errors import CorruptBody, LimitExceeded
from satchel.records import NamedTuple
from satchel.types import Limits

_MERGE, _VALUE, _SET = CORE + "merge", CORE + "value", CORE + "set"
_NUMBERS = (CORE + "int", CORE + "float")
_PAIRS = frozenset({CORE + "omap", CORE + "pairs"})

#: What may be a key of a mapping, besides str.
_KEYS = frozenset({int, float, bool, type(None), bytes, date, datetime})

#: Stands for a merge key until its mapping is closed.
_MERGING: Any = object()

#: A container whose end has not come yet: its items, whether it is a mapping, its tag, its anchor, and how many values
#: and characters there were before it. A plain tuple takes a third of the time of a named one.
_Open: TypeAlias = tuple[list[Any], bool, "str | None", "str | None", int, int]


class _Anchored(NamedTuple):
    value: Any
    nodes: int
    levels: int
    size: int


def _spelled(key: Any) -> str:
    # Decimal digits would cost the square of their number.
    return f"{key:x}" if isinstance(key, int) else repr(key)


@dataclass
class Building:
    """Builds the value of one document from its events, with a stack of its own."""

    schema: Schema
    limits: Limits
    _stack: list[_Open] = field(default_factory=list[_Open])
    # Levels of containers within each open one, so that an alias brings its own.
    _levels: list[int] = field(default_factory=list[int])
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict[str, "_Anchored | None"])
    # How many containers are open where there is a merge key.
    _merging: set[int] = field(default_factory=set[int])
    _nodes: int = 0
    # Characters of scalars, which aliases may repeat.
    _size: int = 0
    _most: int = field(init=False)

    def __post_init__(self) -> None:
        self._most = min(self.limits.max_nodes, self.schema.max_nodes)

    def build(self, parser: Any) -> Any:
        """Give the value, or None when there is no document, as PyYAML does."""
        events, stack, get = self.schema.events, self._stack, parser.get_event
        scalar, meaning = events.ScalarEvent, self.schema.resolvers
        ends = events.SequenceEndEvent, events.MappingEndEvent
        starts = {events.SequenceStartEvent: False, events.MappingStartEvent: True}
        top: list[Any] = []
        items, documents = top, 0
        try:
            while (event := get()) is not None:
                kind = type(event)
                if kind is scalar:
                    self._nodes += 1
                    if self._nodes > self._most:
                        raise self.schema.too_many(self.limits)
                    value = event.value
                    self._size += len(value)
                    if event.anchor is not None:
                        value = self._anchored(event)
                    # Most are quoted, or begin like no text that means more; a call for each would take as long again.
                    elif event.tag is not None or (event.implicit[0] and value[:1] in meaning):
                        value = self._scalar(event)
                elif kind in starts:
                    self._open(event, starts[kind])
                    items = stack[-1][0]
                    continue
                elif kind in ends:
                    value = self._close()
                    items = stack[-1][0] if stack else top
                elif kind is events.AliasEvent:
                    value = self._alias(event.anchor)
                else:
                    documents += kind is events.DocumentStartEvent
                    if documents > 1:
                        raise self._corrupt("there is more than one document")
                    continue
                items.append(value)
        finally:
            parser.dispose()
        return top[-1] if top else None

    def _corrupt(self, what: str, expected: str | None = None) -> CorruptBody:
        return CorruptBody(what, expected=expected, codec="yaml")

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._most:
            raise self.schema.too_many(self.limits)

    def _deepen(self, levels: int) -> None:
        """Hold `levels` more levels below the open containers against the limit."""
        if len(self._stack) + levels > self.limits.max_depth:
            raise LimitExceeded("max_depth", self.limits.max_depth)
        if self._levels and levels > self._levels[-1]:
            self._levels[-1] = levels

    # Anchors and aliases

    def _check_anchor(self, name: str) -> None:
        if not self.schema.aliases:
            raise self._corrupt("it has an anchor", "write out what occurs twice, or read with Yaml(aliases=True)")
        if name in self._anchors:
            raise self._corrupt(f"the anchor {name[:40]!r} is there twice")
        self._anchors[name] = None

    def _anchored(self, event: Any) -> Any:
        self._check_anchor(event.anchor)
        value = self._scalar(event)
        if value is _MERGING:
            raise self._corrupt("a merge key has an anchor")
        self._anchors[event.anchor] = _Anchored(value, 1, 0, len(event.value))
        return value

    def _alias(self, name: str) -> Any:
        anchored = self._anchors.get(name)
        if anchored is None:
            raise self._corrupt(f"the alias {name[:40]!r} refers to nothing, or to what it stands in")
        self._count(anchored.nodes)
        self._deepen(anchored.levels)
        self._size += anchored.size
        if self._size > self.limits.max_decompressed:
            raise LimitExceeded("max_decompressed", self.limits.max_decompressed)
        return anchored.value

    # Containers

    def _open(self, event: Any, is_mapping: bool) -> None:
        # A call for each check would take as long as the rest.
        anchor, stack = event.anchor, self._stack
        if anchor is not None:
            self._check_anchor(anchor)
        if len(stack) >= self.limits.max_depth:
            raise LimitExceeded("max_depth", self.limits.max_depth)
        stack.append(([], is_mapping, event.tag, anchor, self._nodes, self._size))
        self._nodes += 1
        if self._nodes > self._most:
            raise self.schema.too_many(self.limits)
        if self.schema.aliases:
            self._levels.append(0)

    def _close(self) -> Any:
        items, is_mapping, tag, anchor, nodes_before, size_before = self._stack.pop()
        levels = 1
        if self._levels:
            levels += self._levels.pop()
            if self._levels and levels > self._levels[-1]:
                self._levels[-1] = levels
        if tag is not None and (tag == "!" or self._is_foreign(tag)):
            tag = None
        value = self._mapping(items, tag) if is_mapping else items if tag is None else self._sequence(items, tag)
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, self._nodes - nodes_before, levels, self._size - size_before)
        return value

    def _sequence(self, items: list[Any], tag: str) -> Any:
        if tag == CORE + "seq":
            return items
        if tag in _PAIRS:
            if not all(type(item) is dict and len(item) == 1 for item in items):
                raise self._corrupt("ordered pairs are mappings of one key")
            return [next(iter(item.items())) for item in items]
        name = self._local(tag)
        if name in ("frozenset", "tuple"):
            return self.schema.restore(name, items)
        if len(items) != 1:
            raise self._corrupt(f"the type tag {name[:40]!r} holds one value")
        return self.schema.restore(name, items[0])

    def _mapping(self, items: list[Any], tag: str | None) -> Any:
        merges = bool(self._merging) and len(self._stack) + 1 in self._merging
        if tag == _SET and not merges:
            return self._set(items[::2])
        value = self._merged(items) if merges else self._dict(items) if items else {}
        if tag is None or tag == CORE + "map":
            return value
        return set(value) if tag == _SET else self.schema.restore(self._local(tag), value)

    def _set(self, members: list[Any]) -> Any:
        value = self.schema.restore("set", members)
        if self.schema.unique_keys:
            unique([(member, None) for member in members])
        return value

    def _dict(self, items: list[Any]) -> dict[Any, Any]:
        keys = items[::2]
        others = [key for key in keys if type(key) is not str]
        if others:
            self._check_keys(others)
        value = dict(zip(keys, items[1::2], strict=True))
        if len(value) != len(keys) and (self.schema.unique_keys or (self._stack and self._stack[-1][2] in _PAIRS)):
            unique(list(zip(keys, items[1::2], strict=True)))
        return value

    def _check_keys(self, others: list[Any]) -> None:
        kinds = {type(key) for key in others} - _KEYS
        if kinds:
            raise self._corrupt(f"a key of type {kinds.pop().__name__}", "keys are scalars")
        try:
            hashable(others)
        except ValueError as error:
            raise self._corrupt(str(error)) from error

    def _merged(self, items: list[Any]) -> dict[Any, Any]:
        """Give a mapping with merge keys: its own keys win, then the last merge key, then that one's first mapping."""
        self._merging.remove(len(self._stack) + 1)
        own: list[Any] = []
        sources: list[dict[Any, Any]] = []
        merges = 0
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key is not _MERGING:
                own += (key, value)
                continue
            merges += 1
            if merges > 1 and self.schema.unique_keys:
                raise self._corrupt("the key '<<' occurs twice in one mapping")
            for source in reversed(value) if type(value) is list else (value,):
                if type(source) is not dict:
                    raise self._corrupt("a merge key has something else than mappings")
                self._count(2 * len(source))
                sources.append(source)
        last = self._dict(own)
        # Keys of the same hash may come from many mappings; equal ones are no matter.
        keys = {id(key): key for source in (*sources, last) for key in source if type(key) is not str}
        self._check_keys(list({_spelled(key): key for key in keys.values()}.values()))
        merged: dict[Any, Any] = {}
        for source in (*sources, last):
            merged.update(source)
        return merged

    # Tags and scalars

    def _is_foreign(self, tag: str) -> bool:
        """Say whether a tag is to be read as if it were not there."""
        return self.schema.foreign_tags and not self.schema.knows(tag)

    def _local(self, tag: str) -> str:
        if not tag.startswith("!") or len(tag) < 2:
            raise self._corrupt(
                f"the tag {tag[:80]!r} is not one of the safe subset", "read with Yaml(foreign_tags=True) to ignore it"
            )
        return tag[1:]

    def _scalar(self, event: Any) -> Any:
        tag, plain = event.tag, event.implicit[0]
        given = text = event.value
        if tag is not None and tag != "!" and self._is_foreign(tag):
            tag, plain = None, not event.style
        if tag is None or tag == "!":
            if not plain:
                return text
            tests = self.schema.resolvers.get(beginning(text), ())
            number = shortened(text) if tests and len(text) > LONGEST_NUMBER else text
            for meant, test in tests:
                if found := test(number if meant in _NUMBERS else text):
                    tag, given = meant, found if meant == TIMESTAMP else text
                    break
            else:
                return text
        construct = self.schema.scalars.get(tag)
        if construct is not None:
            try:
                return construct(given)
            except (LookupError, OverflowError, ValueError) as error:
                # PyYAML's constructors of a text that is none of theirs.
                reason = f": {error}" if isinstance(error, ValueError) else ""
                raise self._corrupt(f"{text[:40]!r} is no {tag.removeprefix(CORE)}{reason[:200]}") from error
        if tag in (_MERGE, _VALUE):
            return self._key(tag, text)
        return self.schema.restore(self._local(tag), text)

    def _key(self, tag: str, text: str) -> Any:
        """Give what has a meaning of its own as a key, and none elsewhere: ``<<``, and ``=``, which is a str."""
        if tag == _MERGE and not self.schema.merge_keys:
            raise self._corrupt("it has a merge key", "write out the keys, or read with Yaml(merge_keys=True)")
        here = self._stack[-1] if self._stack else None
        ordered = len(self._stack) > 1 and self._stack[-2][2] in _PAIRS
        if here is None or not here[1] or len(here[0]) % 2 or ordered:
            raise self._corrupt(f"{text[:40]!r} is not a value")
        if tag == _VALUE:
            return text
        self._merging.add(len(self._stack))
        return _MERGING
