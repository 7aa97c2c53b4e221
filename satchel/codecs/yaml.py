"""YAML 1.1, its safe subset, by PyYAML over libyaml: events are written and events are read."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from satchel.codecs.base import Types, ValueSerializer, derived, optional, require
from satchel.codecs.lowering import Lowering
from satchel.codecs.values import INT_BOUND, SCALARS, Restoring
from satchel.codecs.yaml_flow import Flow
from satchel.codecs.yaml_reading import Building
from satchel.codecs.yaml_scalars import CORE, constructors, resolvers
from satchel.codecs.yaml_schema import KEYS, Schema, check_directives
from satchel.errors import CorruptBody, EncodeError
from satchel.records import NamedTuple, dataclass
from satchel.types import Buffer, Limits

_NO_LIBYAML = "install PyYAML from a wheel, which has libyaml in it"

#: The highest that `max_nodes` may be: that many values take seconds.
_MOST_NODES = 10_000_000

_FEWER = "split it, or use Yaml(max_nodes=…) on both sides"

#: The local tags of the value model.
_LOCAL_TAGS = frozenset({"set", "frozenset", "tuple", "dict", *(tag for tag, _, _ in SCALARS.values())})


@dataclass(frozen=True)
class Yaml(ValueSerializer):
    """YAML, lossless: types that YAML 1.1 lacks have a local tag (``!uuid``), merge keys and foreign tags are refused.

    Args:
        types: the application's types.
        tuples: keep tuples, by a tag; they come back as lists otherwise.
        aliases: read anchors and aliases; each use counts against the limits as if it were written out.
        dialect: "celery" writes only what a stock Celery worker reads: no local tags, but NaN, infinities, which it
            reads too, and scalars other than str as keys, which both dialects read. `Yaml.celery()` also reads stock
            producers' aliases.
        max_nodes: the most values in one body, 1 to 10,000,000, if `Limits` does not allow fewer: each takes
            some microseconds. What has more is not encoded either.
        merge_keys: read merge keys (``<<``) as PyYAML does: a mapping's own keys win, then the first of several
            mappings. Each pair that is merged counts against the limits once more.
        foreign_tags: read a node whose tag is unknown (``!foo``, ``!!python/object:…``) as if it had none. No tag ever
            names what is made, and PyYAML's safe loader refuses such tags.
        unique_keys: refuse a mapping with the same key twice, in place of taking the last.

    Raises:
        TypeError, ValueError: an option is of the wrong type or out of range.
        MissingDependency: PyYAML is not installed, or without libyaml.

    Source: YAML 1.1; PyYAML's C safe loader for what a body means. Refused, where that one reads it, are what the
    options above admit, and: a value that contains itself, more than 64 %TAG directives or one of more than 1,000
    bytes, a byte order mark, UTF-16, ints and floats of more than 4,300 digits, a ``!!binary`` with other characters
    than base64's, tagged scalars that are written as mappings, and, in ``!!omap`` and ``!!pairs``, keys that are not
    scalars, and tagged or merged pairs.
    """

    types: Types = Types()
    tuples: bool = False
    aliases: bool = False
    dialect: Literal["satchel", "celery"] = "satchel"
    max_nodes: int = 8_000
    merge_keys: bool = False
    foreign_tags: bool = False
    unique_keys: bool = False

    name = "yaml"
    content_type = "application/x-yaml"
    content_encoding = "utf-8"
    library: ClassVar[str] = "PyYAML"
    extra: ClassVar[str | None] = "yaml"
    accelerators: ClassVar[tuple[str, ...]] = ("orjson",)

    _yaml: Any = derived()
    _parser: Any = derived()
    _nodes: _Nodes = derived()
    _schema: Schema = derived()
    _lower: Lowering = derived()
    _flow: Flow = derived()

    def __post_init__(self) -> None:
        self._check("dialect", "satchel", "celery")
        self._check_types()
        for flag in ("tuples", "aliases", "merge_keys", "foreign_tags", "unique_keys"):
            self._check_flag(flag)
        self._check_range("max_nodes", 1, _MOST_NODES)
        yaml = require("yaml", codec=self.name, library="PyYAML", extra="yaml")
        # A PyYAML built without libyaml has no such module.
        libyaml = require("yaml._yaml", codec=self.name, library="libyaml", extra=None, cure=_NO_LIBYAML)
        nodes = _Nodes(yaml)
        celery = self.dialect == "celery"
        self._derive(
            _yaml=yaml,
            _parser=libyaml.CParser,
            _nodes=nodes,
            _schema=Schema(
                events=yaml.events,
                resolvers=resolvers(yaml),
                scalars=constructors(yaml, not_finite=celery),
                restore=Restoring(self.name, self.types),
                local=_LOCAL_TAGS.union(entry.tag for entry in self.types),
                aliases=self.aliases,
                merge_keys=self.merge_keys,
                foreign_tags=self.foreign_tags,
                unique_keys=self.unique_keys,
                max_nodes=self.max_nodes,
            ),
            _lower=Lowering(
                self.name,
                self.types,
                wrap=nodes.tagged,
                atoms=frozenset(),
                celery=celery,
                tuples=self.tuples,
                scalars=nodes.scalars(local_tags=not celery),
                keys=KEYS if celery else (),
                number=nodes.number,
                sequence=nodes.sequence,
                mapping=nodes.dict,
            ),
            _flow=Flow(optional("orjson", codec=self.name, extra="fast"), tuples=self.tuples),
        )

    @classmethod
    def celery(cls) -> Yaml:
        """Give the serializer of Celery's dialect; stock producers write what occurs twice as an alias."""
        return cls(dialect="celery", aliases=True)

    def dumps(self, value: Any, /, *, limits: Limits = Limits()) -> bytes:
        """Encode a value of the value model as one document in flow style, in UTF-8; as JSON where that is read alike.

        Raises:
            EncodeError: the value, or a part of it, cannot be written exactly, or a reader with the same limits and
                options would refuse the body; with the path.
            LimitExceeded: the same, for more values than `Limits` allows.
        """
        most = min(self.max_nodes, limits.max_nodes)
        body = self._flow.dumps(value, max_depth=limits.max_depth, max_nodes=most)
        return self._emitted(value, limits, most) if body is None else body

    def _emitted(self, value: Any, limits: Limits, most: int) -> bytes:
        own = most < limits.max_nodes
        try:
            lowered = self._lower(value, replace(limits, max_nodes=most) if own else limits)
        except EncodeError as error:
            if own and error.cure and "max_nodes" in error.cure:
                error.cure, error.limit = _FEWER, None
            raise
        events = self._nodes.document(lowered)
        # Lowering counts the members of a set, which are pairs here.
        if len(events) > most and self._nodes.count(events) > most:
            exceeded = self._schema.too_many(limits)
            if not own:
                raise exceeded
            raise EncodeError("too many values", cure=_FEWER) from exceeded
        text: str = self._yaml.emit(events, Dumper=self._yaml.CSafeDumper, allow_unicode=True, width=-1)
        return text.encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode one document; limits are checked event by event, before anything is built of them.

        A body without a document, such as an empty one, is None, as it is to PyYAML.

        Raises:
            LimitExceeded: it is nested too deep or holds too many values.
            CorruptBody: what the safe subset does not have, by the options.
            ValueError, yaml.YAMLError: it is not YAML in UTF-8.
        """
        data = body if isinstance(body, bytes) else bytes(body)
        data.decode()  # libyaml would read UTF-16 as well, where a byte order mark says so.
        if data.startswith(b"\xef\xbb\xbf"):
            raise CorruptBody("it begins with a byte order mark", codec=self.name)
        check_directives(data)
        return Building(self._schema, limits).build(self._parser(data))


class _Container(NamedTuple):
    start: Any
    children: list[Any]
    end: Any


class _Nodes:
    """Makes PyYAML's events: a scalar is one of them, a container its start, its children and its end."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._resolvers: dict[str, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers

    def document(self, root: Any) -> list[Any]:
        """Give all events of a stream of one document."""
        yaml = self._yaml
        events = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False)]
        self._append(root, events)
        return [*events, yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent()]

    def _append(self, node: Any, events: list[Any]) -> None:
        if type(node) is not _Container:
            events.append(node)
            return
        events.append(node.start)
        for child in node.children:
            self._append(child, events)
        events.append(node.end)

    def count(self, events: list[Any]) -> int:
        """Count the values that a reader will count."""
        nodes = self._yaml.events.ScalarEvent, self._yaml.events.CollectionStartEvent
        return sum(isinstance(event, nodes) for event in events)

    def plain(self, text: str) -> Any:
        """A scalar whose text says its type."""
        return self._yaml.ScalarEvent(None, None, (True, False), text)

    def tagged_text(self, tag: str, text: str) -> Any:
        """A scalar whose tag says its type."""
        return self._yaml.ScalarEvent(None, tag, (False, False), text)

    def text(self, value: str) -> Any:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise EncodeError("a str with a lone surrogate", cure="replace it, or send bytes") from error
        means_more = any(pattern.match(value) for _, pattern in self._resolvers.get(value[:1], ()))
        # A quoted text of many lines would be indented; an escaped one is shorter.
        style = '"' if "\n" in value else None
        return self._yaml.ScalarEvent(None, None, (not means_more, True), value, style=style)

    def sequence(self, items: list[Any], tag: str | None = None) -> Any:
        yaml = self._yaml
        return _Container(
            yaml.SequenceStartEvent(None, tag, tag is None, flow_style=True), items, yaml.SequenceEndEvent()
        )

    def mapping(self, children: list[Any], tag: str | None = None) -> Any:
        yaml = self._yaml
        return _Container(
            yaml.MappingStartEvent(None, tag, tag is None, flow_style=True), children, yaml.MappingEndEvent()
        )

    def dict(self, items: dict[str, Any]) -> Any:
        pairs = [(self.text(key) if type(key) is str else key, item) for key, item in items.items()]
        return self.mapping([child for pair in pairs for child in pair])

    def tagged(self, tag: str, plain: Any) -> Any:
        """A local tag, with a text, with lowered items, or with one lowered value."""
        if isinstance(plain, str):
            return self.tagged_text(f"!{tag}", plain)
        if tag == "set":
            return self.mapping([child for member in plain for child in (member, self.plain("null"))], CORE + "set")
        if type(plain) is list:
            return self.sequence(plain, f"!{tag}")
        if type(plain) is _Container and type(plain.start) is self._yaml.MappingStartEvent and plain.start.implicit:
            return self.mapping(plain.children, f"!{tag}")
        return self.sequence([plain], f"!{tag}")

    def number(self, value: float) -> Any:
        if not math.isfinite(value):
            return self.plain(".nan" if value != value else ".inf" if value > 0 else "-.inf")
        text = repr(value)
        # YAML 1.1 reads 1e+16 as a text: a float needs its point.
        return self.plain(text if "." in text else text.replace("e", ".0e"))

    def _integer(self, value: int) -> Any:
        if not -INT_BOUND < value < INT_BOUND:
            raise EncodeError("an int of more than 4,300 digits", cure="send it as bytes")
        return self.plain(str(value))

    def scalars(self, *, local_tags: bool) -> Mapping[type, Callable[[Any], Any]]:
        """Give the handlers of what YAML 1.1 has types for."""

        def of_datetime(value: datetime) -> Any:
            text = SCALARS[datetime][1](value)
            offset = value.utcoffset()
            if offset is None or not offset.total_seconds() % 60:
                # A colon cannot stand in a plain scalar in flow style, so the tag is written.
                return self.tagged_text(CORE + "timestamp", text)
            if local_tags:
                return self.tagged("datetime", text)
            raise EncodeError(
                "a stock Celery worker cannot read in yaml an offset from UTC with seconds",
                cure="convert it with astimezone(timezone.utc)",
            )

        return {
            str: self.text,
            int: self._integer,
            bool: lambda value: self.plain("true" if value else "false"),
            type(None): lambda value: self.plain("null"),
            bytes: lambda value: self.tagged_text(CORE + "binary", b64encode(value).decode()),
            datetime: of_datetime,
            date: lambda value: self.plain(value.isoformat()),
        }
