"""Bodies that are nested to a given depth, in as many ways as each format has: well-formed ones, and broken ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from satchel import Json, Msgpack, Pickle, Yaml, celery_registry, default_registry
from satchel.registry import Registry

#: Gives a body of a number of levels.
Shape = Callable[[int], bytes]


def within(*steps: tuple[bytes, bytes], leaf: bytes, begin: bytes = b"", end: bytes = b"") -> Shape:
    """Levels whose beginnings and ends take turns, around a leaf."""

    def body(depth: int) -> bytes:
        rounds, rest = divmod(depth, len(steps))
        openings = b"".join(opening for opening, _ in steps) * rounds
        closings = b"".join(closing for _, closing in reversed(steps)) * rounds
        openings += b"".join(opening for opening, _ in steps[:rest])
        closings = b"".join(closing for _, closing in reversed(steps[:rest])) + closings
        return begin + openings + leaf + closings + end

    return body


def in_steps(levels: int, opening: bytes, closing: bytes, shape: Shape) -> Shape:
    """A shape whose every step is so many levels; what is left over is put around it, opened and closed one by one."""

    def body(depth: int) -> bytes:
        steps, rest = divmod(depth, levels)
        return opening * rest + shape(steps) + closing * rest

    return body


def _json(*steps: tuple[bytes, bytes]) -> Shape:
    return within(*steps, leaf=b"1")


JSON = {
    "lists": _json((b"[", b"]")),
    "dicts": _json((b'{"k":', b"}")),
    "empty keys": within((b'{"":', b"}"), leaf=b"1"),
    "an empty dict in empty keys": lambda depth: b'{"":' * (depth - 1) + b"{}" + b"}" * (depth - 1),
    "an empty dict in lists": lambda depth: b"[" * (depth - 1) + b"{}" + b"]" * (depth - 1),
    "lists and dicts": _json((b"[", b"]"), (b'{"k":', b"}")),
    "white space": _json((b" [\n\t", b"\r\n] ")),
    "opening brackets in texts": _json((b'["[{[{[{",', b"]")),
    "closing brackets in texts": _json((b'["]}]}]}",', b"]")),
    "texts behind": _json((b"[", b',"]}[{","\\\\"]')),
    "escaped quotes": _json((b'["\\"]]]\\"","\\\\","\\\\\\"}","",', b"]")),
    "escaped brackets": _json((b'["\\u005b\\u007b\\u005d",', b"]")),
    "brackets in keys": _json((b'{"]}[{\\"":', b',"[":"\\\\"}')),
    **{
        name: in_steps(2, b"[", b"]", _json(step))
        for name, step in {
            "tuples": (b'{"__type__":"tuple","__value__":[', b"]}"),
            "frozensets": (b'{"__type__":"frozenset","__value__":[', b"]}"),
            "tags behind": (b'{"__value__":[', b'],"__type__":"tuple"}'),
            "tags with escapes": (b'{"\\u005f_type__":"tuple","__value_\\u005f":[', b"]}"),
        }.items()
    },
    "pairs": in_steps(3, b"[", b"]", _json((b'{"__type__":"dict","__value__":[["k",', b"]]}"))),
}


def _msgpack(*steps: bytes) -> Shape:
    return within(*((step, b"") for step in steps), leaf=b"\x01")


_MSGPACK_HEADERS = {
    "array": b"\x91",
    "array16": b"\xdc\x00\x01",
    "array32": b"\xdd\x00\x00\x00\x01",
    "map": b"\x81\xa1k",
    "map16": b"\xde\x00\x01\xd9\x01k",
    "map32": b"\xdf\x00\x00\x00\x01\xda\x00\x01k",
}
MSGPACK = {
    **{name: _msgpack(header) for name, header in _MSGPACK_HEADERS.items()},
    "every header": _msgpack(*_MSGPACK_HEADERS.values()),
    "behind others": _msgpack(b"\x93\xc0\xd4\x05\x91", b"\x82\xa1a\xc4\x02\x91\x91\xa1k"),
    "tuples": _msgpack(b"\x92\xc7\x05\x50tuple"),
    "tuples in array32": _msgpack(b"\xdd\x00\x00\x00\x02\xc8\x00\x05\x50tuple"),
    "frozensets": _msgpack(b"\x92\xc7\x09\x50frozenset"),
    "pairs": in_steps(3, b"\x91", b"", _msgpack(b"\x92\xd6\x50dict\x91\x92\xa1k")),
    "around an ext": within((b"\x91", b""), leaf=b"\xc8\x01\x00\x05" + b"\x91" * 256),
}


def _yaml(*steps: tuple[bytes, bytes], begin: bytes = b"") -> Shape:
    return within(*steps, leaf=b"1", begin=begin)


def _indented(line: bytes) -> Shape:
    return lambda depth: b"".join(b" " * level + line for level in range(depth)) + b" " * depth + b"1\n"


def _through_aliases(depth: int) -> bytes:
    items = [b"&a0 [1]", *(b"&a%d [*a%d]" % (level, level - 1) for level in range(1, depth - 1))]
    return b"[%s]" % b", ".join(items[: depth - 1])


YAML = {
    "flow lists": _yaml((b"[", b"]")),
    "flow mappings": _yaml((b"{k: ", b"}")),
    "lists and mappings": _yaml((b"[", b"]"), (b"{k: ", b"}")),
    "explicit keys": _yaml((b"{? k : ", b"}")),
    "pairs in lists": in_steps(2, b"[", b"]", _yaml((b"[k: ", b"]"))),
    "explicit pairs in lists": in_steps(2, b"[", b"]", _yaml((b"[? k : ", b"]"))),
    "one after another": _yaml((b"- ", b"")),
    "indented lists": _indented(b"-\n"),
    "indented mappings": _indented(b"k:\n"),
    "behind a directive": _yaml((b"- ", b""), begin=b"%YAML 1.1\n--- # [[\n"),
    "brackets in texts": _yaml((b"[\"[{\\\"\", ']}''', ", b"]")),
    "comments": _yaml((b"[ # [{[{\n", b"]")),
    "tuples": _yaml((b"!tuple [", b"]")),
    "frozensets": _yaml((b"!frozenset [", b"]")),
    "core tags": _yaml((b"!!seq [", b"]"), (b"!!map {!!str k: ", b"}")),
    "whole tags": _yaml((b"!<tag:yaml.org,2002:seq> [", b"]")),
    "ordered pairs": in_steps(2, b"[", b"]", _yaml((b"!!omap [k: ", b"]"))),
}


def _anchored(opening: bytes, closing: bytes) -> Shape:
    """Every level has an anchor of its own."""
    return lambda depth: b"".join(opening % level for level in range(depth)) + b"1" + closing * depth


#: With `Yaml(aliases=True)` alone.
YAML_WITH_ALIASES = {
    "anchors": _anchored(b"&a%d [", b"]"),
    "anchored keys": _anchored(b"{&a%d k: ", b"}"),
    "through aliases": _through_aliases,
}


def _pickle(*steps: tuple[bytes, bytes], leaf: bytes = b"N") -> Shape:
    return within(*steps, leaf=leaf, begin=b"\x80\x04", end=b".")


def _get(index: int) -> bytes:
    return b"j" + index.to_bytes(4, "little")


def _through_memo(opening: bytes, closing: bytes) -> Shape:
    """Each container is put aside, and then fetched into the next."""

    def body(depth: int) -> bytes:
        parts = [b"\x80\x04N\x940"]
        parts += [opening + _get(level) + closing + b"\x940" for level in range(depth)]
        return b"".join(parts) + _get(depth) + b"."

    return body


def _in_a_key(depth: int) -> bytes:
    return b"\x80\x04}" + (b")" + b"\x85" * (depth - 2) if depth > 1 else b"N") + b"Ns."


def _in_a_frozenset_in_a_key(depth: int) -> bytes:
    if depth < 3:
        return b"\x80\x04" + b"](" * depth + b"N" + b"e" * depth + b"."
    return b"\x80\x04}()" + b"\x85" * (depth - 3) + b"\x91Ns."


PICKLE = {
    "lists": _pickle((b"](", b"e")),
    "lists, one by one": _pickle((b"]", b"a")),
    "lists of a mark": _pickle((b"(", b"l")),
    "dicts": _pickle((b"}(\x8c\x01k", b"u")),
    "dicts, one by one": _pickle((b"}X\x01\x00\x00\x00k", b"s")),
    "dicts of a mark": _pickle((b"(U\x01k", b"d")),
    "tuples of a mark": _pickle((b"(", b"t")),
    "tuples of one": _pickle((b"", b"\x85")),
    "tuples of two": _pickle((b"K\x01", b"\x86")),
    "tuples of three": _pickle((b"K\x01\x89", b"\x87")),
    "tuples in front": _pickle((b"", b"K\x01\x86")),
    "doubled tuples": _pickle((b"", b"20\x85")),
    "frozensets": _pickle((b"(", b"\x91")),
    "frozensets of tuples": _pickle((b"(", b"\x91"), (b"", b"\x85")),
    "tuples and lists": _pickle((b"", b"\x85"), (b"](", b"e")),
    "noted down": _pickle((b"]\x94(", b"e"), (b"}q\x00(K\x01", b"u"), (b"(", b"tr\x01\x00\x00\x00")),
    "in a key": _in_a_key,
    "in a frozenset in a key": _in_a_frozenset_in_a_key,
    "tuples through the memo": _through_memo(b"", b"\x85"),
    "tuples of two through the memo": _through_memo(b"N", b"\x86"),
    "lists through the memo": _through_memo(b"](", b"e"),
    "frozensets through the memo": _through_memo(b"(", b"\x91"),
    "frames": _pickle((b"\x95\x02\x00\x00\x00\x00\x00\x00\x00](", b"e")),
}
#: In Celery's dialect alone.
PICKLE_OF_CELERY = {"signatures": _pickle((b"ccelery.canvas\nsignature\n}U\x01k", b"s\x85R"))}

SHAPES: dict[str, dict[str, Shape]] = {"json": JSON, "msgpack": MSGPACK, "yaml": YAML, "pickle": PICKLE}

#: Refused at any depth, or from a few levels on.
BROKEN: dict[str, dict[str, Shape]] = {
    "json": {
        "openings": within((b"[", b""), leaf=b""),
        "openings of dicts": within((b'{"k":', b""), leaf=b""),
        "closings": within((b"", b"]"), leaf=b""),
        "closings first": within((b"]", b"["), leaf=b""),
        "crossed": within((b"[", b"}"), leaf=b"1"),
        "an open text": within((b"[", b"]"), leaf=b'"'),
        "behind an open text": within((b'["', b"]"), leaf=b""),
        "open escapes": within((b'["\\', b'"]'), leaf=b""),
    },
    "msgpack": {
        "arrays without an end": within((b"\x91", b""), leaf=b""),
        "arrays that lack members": within((b"\xdc\xff\xff", b""), leaf=b"\x01"),
        "large arrays that lack members": within((b"\xdd\x00\x00\x03\xe8", b""), leaf=b"\x01"),
        "maps without an end": within((b"\x81\xa1k", b""), leaf=b""),
        "maps as keys": within((b"\x81", b"\xc0"), leaf=b"\xa1k"),
        "arrays as keys": within((b"\x81\x91", b"\xc0"), leaf=b"\xa1k"),
        "marks alone": within((b"\x91\xc7\x05\x50tuple", b""), leaf=b"\x01"),
        "marks at the bottom": within((b"\x91", b""), leaf=b"\xc7\x05\x50tuple\x01"),
    },
    "yaml": {
        "openings": _yaml((b"[", b"")),
        "openings of mappings": _yaml((b"{", b"")),
        "closings": within((b"", b"]"), leaf=b"[]"),
        "mappings as keys": _yaml((b"? ", b"")),
        "keys of lists": _yaml((b"? - ", b"")),
        "lists as keys": _yaml((b"{[", b"]: 1}")),
        "flow mappings as keys": _yaml((b"{? {", b"}}")),
        "colons": _yaml((b": ", b"")),
        "anchors in turn": _yaml((b"- &a ", b"")),
        "foreign tags": _yaml((b"!!python/tuple [", b"]")),
        "sets in sets": _yaml((b"!!set {", b"}")),
        "open texts": _yaml((b'["', b"]")),
    },
    "pickle": {
        "lists without an end": within((b"](", b""), leaf=b"", begin=b"\x80\x04"),
        "marks": _pickle((b"(", b""), leaf=b""),
        "ends": _pickle((b"", b"t"), leaf=b""),
        "sets in sets": _pickle((b"\x8f(", b"\x90")),
        "lists in frozensets": _pickle((b"](", b"e"), (b"(", b"\x91")),
        "dicts in keys": _pickle((b"}(", b"Nu")),
        "application types": _pickle((b"csatchel.codecs.pickle\ntagged\n(U\x01k", b"tR")),
        "states": _pickle((b"]", b"b")),
        "a list in itself": _pickle((b"", b"h\x00a"), leaf=b"]\x94"),
        "tuples of nothing": _pickle((b"", b"\x85"), leaf=b""),
    },
}


def _with(codec: Any, registry: Registry | None = None) -> Registry:
    return (registry or default_registry()).with_serializer(codec, replace=True)


#: The registries that each serializer is tried with: its engines and dialects.
VARIANTS: dict[str, dict[str, Callable[[], Registry]]] = {
    "json": {
        "satchel": default_registry,
        "celery": celery_registry,
        "stdlib": lambda: _with(Json(engine="stdlib")),
        "fast": lambda: _with(Json(engine="fast")),
        "celery, stdlib": lambda: _with(Json(engine="stdlib", dialect="celery"), celery_registry()),
    },
    "msgpack": {
        "satchel": default_registry,
        "celery": celery_registry,
        "plain": lambda: _with(Msgpack(engine="plain")),
        "fast": lambda: _with(Msgpack(engine="fast")),
    },
    "yaml": {
        "satchel": default_registry,
        "celery": celery_registry,
        "aliases": lambda: _with(Yaml(aliases=True)),
    },
    "pickle": {
        "satchel": default_registry,
        "celery": celery_registry,
        "protocol 5": lambda: _with(Pickle(protocol=5)),
    },
}


def shapes(serializer: str, variant: str) -> dict[str, Shape]:
    """Give the well-formed shapes that a variant reads."""
    if serializer == "yaml" and variant != "satchel":
        return {**YAML, **YAML_WITH_ALIASES}
    if serializer == "pickle" and variant == "celery":
        return {**PICKLE, **PICKLE_OF_CELERY}
    return SHAPES[serializer]
