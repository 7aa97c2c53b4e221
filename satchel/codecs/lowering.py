"""Lowering: a value of the model, turned into what a format's library can write without altering it."""

from __future__ import annotations

from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import field, replace
from functools import partial
from math import isfinite
from typing import Any

from satchel.codecs.base import Types
from satchel.codecs.plain import ask, celery_key, place, unsubclassed
from satchel.codecs.values import CELERY_CARRIES, SCALARS, SUBSECOND_OFFSET, ZONED, hashable
from satchel.errors import EncodeError, let_signals_through, text_of
from satchel.records import dataclass
from satchel.types import Limits


def _as_it_is(value: Any) -> Any:
    return value


class Room:
    """How many levels of containers, and how many values, are still allowed."""

    __slots__ = ("levels", "nodes")

    def __init__(self, limits: Limits) -> None:
        self.levels: int = limits.max_depth
        self.nodes: int = limits.max_nodes - 1

    def enter(self, nodes: int) -> None:
        """Open a container of that many values; leaving it gives its level back."""
        self.levels -= 1
        self.nodes -= nodes
        if self.levels < 0:
            raise EncodeError(
                "nested too deep, or refers to itself",
                cure="flatten it, or raise Limits(max_depth=…) here and where Satchel decodes it",
                limit="max_depth",
            )
        if self.nodes < 0:
            raise EncodeError(
                "too many values, counting what is referred to twice as two",
                cure="split it, or raise Limits(max_nodes=…) here and where Satchel decodes it",
                limit="max_nodes",
            )


@dataclass(frozen=True, eq=False)
class Lowering:
    """Turns a value into what a format's library writes, or says where it cannot be written.

    Args:
        codec: the serializer's name.
        types: the application's types.
        wrap: gives what the format writes for a tag and its text, its list of lowered items, or its lowered value.
        atoms: types that the library writes as they are; values of them are not looked at.
        celery: write only what a stock Celery worker reads.
        tuples: tag tuples instead of writing lists.
        scalars: the format's own handlers, by type; they win over the model's.
        coerce_keys: write int, float, bool and None as keys, as Celery does.
        keys: types other than str that the format carries as keys.
        other: says whether an instance of another class can be written as it is.
        any_set: the reader takes sets that cost more than their size; see `hashable`.
        escape_dicts: the format spells tags as dicts, so a dict that looks like one needs a tag itself.
        number, sequence, mapping: make a float, a list or a dict of the format's own of lowered parts.
    """

    codec: str
    types: Types
    wrap: Callable[[str, Any], Any]
    atoms: frozenset[type]
    celery: bool
    tuples: bool
    scalars: Mapping[type, Callable[[Any], Any]]
    any_set: bool = False
    escape_dicts: bool = False
    coerce_keys: bool = False
    keys: tuple[type, ...] = ()
    other: Callable[[Any], bool] | None = None
    number: Callable[[float], Any] = _as_it_is
    sequence: Callable[[list[Any]], Any] = _as_it_is
    mapping: Callable[[dict[str, Any]], Any] = _as_it_is

    _handlers: dict[type, Callable[[Any, Room], Any]] = field(init=False, repr=False)
    _exact: Lowering = field(init=False, repr=False)

    def __post_init__(self) -> None:
        handlers: dict[type, Callable[[Any, Room], Any]] = {
            dict: self._dict,
            list: self._list,
            tuple: self._tuple,
            set: self._set,
            frozenset: self._set,
            float: self._float,
        }
        for kind, (tag, to_text, _) in SCALARS.items():
            handlers[kind] = self._scalar(tag, to_text)
        for kind, own in self.scalars.items():
            handlers[kind] = self._own(own)
        for entry in self.types:
            handlers[entry.cls] = self._typed(entry.tag, entry.to_plain)
        object.__setattr__(self, "_handlers", handlers)
        # Within sets and application types a tuple stays a tuple: a list is not hashable, nor equal to it.
        object.__setattr__(self, "_exact", self if self.tuples else replace(self, tuples=True))

    def __call__(self, value: Any, limits: Limits) -> Any:
        """Lower a value within the limits of depth and number.

        Raises:
            EncodeError: with the path to what cannot be written.
        """
        return self._lower(value, Room(limits))

    def part(self, value: Any, room: Room) -> Any:
        """Lower a part of a value, within the room that all its parts share; an EncodeError's path starts there."""
        return self._lower(value, room)

    def texts(self) -> dict[type, tuple[str, Callable[[Any], str]]]:
        """Give, for each scalar of the model that is sent as a tag and a text, the tag and what makes the text."""
        own = {*self.scalars, *(entry.cls for entry in self.types)}
        return {
            kind: (tag, partial(ask, self._text(tag, to_text)) if tag in ZONED else to_text)
            for kind, (tag, to_text, _) in SCALARS.items()
            if kind not in own and not (self.celery and tag not in CELERY_CARRIES[self.codec])
        }

    def _lower(self, value: Any, room: Room) -> Any:
        # Recursion is by plain methods: they take no C stack, which calling an instance does.
        kind = type(value)
        if kind in self.atoms:
            return value
        handler = self._handlers.get(kind)
        return handler(value, room) if handler is not None else self._other(value, room)

    def _tag(self, tag: str, plain: Any, kind: str | None = None) -> Any:
        if self.celery and tag not in CELERY_CARRIES[self.codec]:
            raise self.refusal(tag, kind or f"a {tag}")
        return self.wrap(tag, plain)

    def refusal(self, tag: str | None, kind: str) -> EncodeError:
        """The error for a value that a stock worker cannot read in this format; None is an application's tag."""
        carriers = " or ".join(name for name, tags in CELERY_CARRIES.items() if tag in tags)
        return EncodeError(
            f"a stock Celery worker cannot read {kind} in {self.codec}",
            cure=f"send it with {carriers or 'a plain value in its place'}, "
            "or use default_registry() with Satchel on both sides",
        )

    def _dict(self, value: dict[Any, Any], room: Room) -> Any:
        room.enter(2 * len(value))
        lowered: dict[Any, Any] = {}
        atoms, key = self.atoms, None
        try:
            for key, item in value.items():
                # Most are atoms: a call for each would be half of the cost.
                plain = item if type(item) in atoms else self._lower(item, room)
                lowered[key if type(key) is str else self._key(key, room)] = plain
        except EncodeError as error:
            error.path = (key, *error.path)
            raise
        room.levels += 1
        if len(lowered) != len(value):
            raise EncodeError("two dict keys become the same text", cure="use str keys")
        if self.escape_dicts and len(lowered) == 2 and lowered.keys() == {"__type__", "__value__"}:
            # It would be taken for a tag: write it as one that says "a dict".
            return self._tag("dict", [[key, item] for key, item in lowered.items()], "a dict of __type__ and __value__")
        return self.mapping(lowered)

    def _key(self, key: Any, room: Room) -> Any:
        kind = type(key)
        if issubclass(kind, str):
            return str.__str__(key)
        if issubclass(kind, self.keys):
            return self._lower(key, room)
        if self.coerce_keys and issubclass(kind, (int, float, type(None))):
            return celery_key(key)
        raise EncodeError(f"a dict key of type {kind.__name__}", expected="keys are str", cure="convert it with str()")

    def _items(self, value: Collection[Any], room: Room) -> list[Any]:
        room.enter(len(value))
        lowered, atoms = list[Any](), self.atoms
        try:
            # Not a comprehension: the error needs to know how far it came.
            for item in value:
                lowered.append(item if type(item) in atoms else self._lower(item, room))
        except EncodeError as error:
            error.path = (len(lowered), *error.path)
            raise
        room.levels += 1
        return lowered

    def _list(self, value: list[Any], room: Room) -> Any:
        return self.sequence(self._items(value, room))

    def _tuple(self, value: tuple[Any, ...], room: Room) -> Any:
        items = self._items(value, room)
        return self._tag("tuple", items) if self.tuples else self.sequence(items)

    def _set(self, value: set[Any] | frozenset[Any], room: Room) -> Any:
        if not self.any_set:
            try:
                hashable([*value])
            except ValueError as error:
                let_signals_through(error)
                raise EncodeError(f"a {type(value).__name__} of {error}") from error
        members = self._exact._items(value, room)
        # Sets have no order, and equal values are to give equal bytes.
        return self._tag(type(value).__name__, sorted(members, key=place))

    def _float(self, value: float, room: Room) -> Any:
        if not isfinite(value) and not self.celery:
            raise EncodeError(f"{value} is not a finite number", cure="send None, a text or a Decimal instead")
        return self.number(value)

    def _scalar(self, tag: str, to_text: Callable[[Any], str]) -> Callable[[Any, Room], Any]:
        checked = self._text(tag, to_text)
        return lambda value, room: self._tag(tag, ask(checked, value))

    def _text(self, tag: str, to_text: Callable[[Any], str]) -> Callable[[Any], str]:
        if not self.celery or tag not in ZONED:
            return to_text

        def text(value: Any) -> str:
            text = to_text(value)
            if SUBSECOND_OFFSET.search(text):
                raise EncodeError("a stock Celery worker takes an offset of less than a second for UTC")
            return text

        return text

    @staticmethod
    def _own(handler: Callable[[Any], Any]) -> Callable[[Any, Room], Any]:
        return lambda value, room: ask(handler, value)

    def _typed(self, tag: str, to_plain: Callable[[Any], Any]) -> Callable[[Any, Room], Any]:
        def lower(value: Any, room: Room) -> Any:
            if self.celery:
                raise self.refusal(None, f"a {type(value).__name__}")
            room.enter(1)
            plain = self._exact._lower(ask(to_plain, value), room)
            room.levels += 1
            return self.wrap(tag, plain)

        return lower

    def _other(self, value: Any, room: Room) -> Any:
        if self.other is not None and self.other(value):
            return value
        kind = type(value)
        # As in kombu, whose encoder asks no subclass of what JSON has.
        if self.celery and self.codec == "json" and not issubclass(kind, _JSON_HAS) and ask(_has_json, value):
            room.enter(1)
            lowered = self._lower(ask(lambda value: value.__json__(), value), room)
            room.levels += 1
            return lowered
        base = ask(unsubclassed, value)
        if base is None:
            raise EncodeError(f"a value of type {kind.__qualname__} is not carried", cure=_cure(kind, value))
        return self._lower(base, room)


def _cure(kind: type, value: Any) -> str:
    if issubclass(kind, (Iterator, KeysView, ValuesView, ItemsView)):
        return "give a list of what it yields"
    if issubclass(kind, type) or callable(value):
        return "convert it"
    return f"register it once, with satchel.register_type({kind.__qualname__}), or convert it"


_JSON_HAS = (str, int, float, dict, list, tuple)


def _has_json(value: Any) -> bool:
    return hasattr(value, "__json__")


def locate(lowered: Any, write: Callable[[Any], Any], path: tuple[object, ...] = ()) -> EncodeError:
    """Find the leaf or key of a lowered value that its library cannot write, and give the error that names it."""
    if isinstance(lowered, dict):
        children = [*((key, key) for key in lowered), *lowered.items()]
    elif isinstance(lowered, list):
        children = list(enumerate(lowered))
    else:
        children = []
    for key, item in children:
        try:
            write(item)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library raises, this is the part
            let_signals_through(error)
            return locate(item, write, (*path, key))
    try:
        write(lowered)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        let_signals_through(error)
        return EncodeError(f"a value of type {type(lowered).__name__} cannot be written ({text_of(error)})", path=path)
    return EncodeError("a value cannot be written", path=path)
