"""Bodies of a given size that cost as much as their format lets them, and a registry whose codecs read them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from satchel import Bzip2, Gzip, Lzma, Yaml, Zstd, default_registry
from satchel.registry import Registry

#: Gives a body of about so many bytes.
Family = Callable[[int], bytes]


def filled(unit: bytes, begin: bytes = b"", end: bytes = b"") -> Family:
    """Repeat a unit between a beginning and an end."""
    return lambda size: begin + unit * max(1, (size - len(begin) - len(end)) // len(unit)) + end


def counted(unit: Callable[[int], bytes], begin: bytes = b"", end: bytes = b"", header: bytes = b"") -> Family:
    """Units that differ, by their number; behind `header` stands how many there are with `end`, in 32 bits."""

    def body(size: int) -> bytes:
        number = max(1, (size - len(begin) - len(end)) // len(unit(size // 8)))
        count = header + (number + bool(end)).to_bytes(4, "big") if header else b""
        return begin + count + b"".join(map(unit, range(number))) + end

    return body


def _tag(name: str, value: bytes) -> Family:
    return filled(b'{"__type__":"%s","__value__":%s},' % (name.encode(), value), b"[", b"1]")


_ONES = b"1" * 4299
#: The hashes of its multiples are all the same.
_COLLIDING = 2**61 - 1


def _set(member: Callable[[int], bytes], factor: int, of: int, begin: bytes, end: bytes) -> bytes:
    """A set of multiples of a factor."""
    return begin + b"".join(member(factor * n) for n in range(1, of + 1)) + end


def _json_set(factor: int, of: int) -> bytes:
    return _set(b"%d,".__mod__, factor, of, b'{"__type__":"set","__value__":[', b"1]},")


JSON: dict[str, Family] = {
    "ints": filled(b"1,", b"[", b"1]"),
    "empty lists": filled(b"[],", b"[", b"1]"),
    "empty dicts": filled(b"{},", b"[", b"1]"),
    "one-key dicts": filled(b'{"":1},', b"[", b"1]"),
    "lists of one": filled(b"[1],", b"[", b"1]"),
    "towers": filled(b"[" * 99 + b"]" * 99 + b",", b"[", b"1]"),
    "towers of dicts": filled(b'{"":' * 99 + b"1" + b"}" * 99 + b",", b"[", b"1]"),
    "combs": filled(b"[" * 98 + b"],[" * 98 + b"]" * 98 + b",", b"[", b"1]"),
    "empty texts": filled(b'"",', b"[", b"1]"),
    "short texts": counted(lambda n: b'"%05x",' % n, b"[", b"1]"),
    "floats": filled(b"1.5,", b"[", b"1]"),
    "long floats": filled(b"0." + b"7" * 800 + b"e-5,", b"[", b"1]"),
    "tiny floats": filled(b"4." + b"9" * 760 + b"e-324,", b"[", b"1]"),
    "one endless float": filled(b"7", b"0.", b"e1"),
    "one endless whole float": filled(b"7", b"", b".5"),
    "one endless exponent": filled(b"0", b"1e", b"1"),
    "one endless int": filled(b"7"),
    "long ints": filled(_ONES + b",", b"[", b"1]"),
    "middle ints": filled(b"1" * 40 + b",", b"[", b"1]"),
    "distinct keys": counted(lambda n: b'"%05x":1,' % n, b"{", b'"":1}'),
    "one key": filled(b'"a":1,', b"{", b'"":1}'),
    "one text": filled(b"a", b'"', b'"'),
    "escapes": filled(b"\\n", b'"', b'"'),
    "escapes of code points": filled(b"\\u00e9", b'"', b'"'),
    "surrogates": filled(b"\\ud83d\\ude00", b'"', b'"'),
    "lone surrogates": filled(b'"\\ud83d",', b"[", b"1]"),
    "brackets in a text": filled(b"[{", b'["', b'"]'),
    "brackets in texts": filled(b'"[","{",', b"[", b"1]"),
    "escaped quotes and brackets": filled(b'"\\"[\\\\",', b"[", b"1]"),
    "an open text": filled(b"[", b'["'),
    "closings": filled(b"]"),
    "openings": filled(b"["),
    "white space": filled(b" \n", b"[", b"1]"),
    "uuids": _tag("uuid", b'{"hex":"0123456789abcdef0123456789abcdef"}'),
    "decimals": _tag("decimal", b'"1.5"'),
    "long decimals": _tag("decimal", b'"%s"' % (b"7" * 5000)),
    "one endless decimal": filled(b"7", b'{"__type__":"decimal","__value__":"', b'"}'),
    "datetimes": _tag("datetime", b'"2031-01-02T03:04:05+00:00"'),
    "timedeltas": _tag("timedelta", b'"P1DT2S"'),
    "base64": filled(b"QUJD", b'{"__type__":"base64","__value__":"', b'"}'),
    "bytes": _tag("bytes", b'"a"'),
    "empty sets": _tag("set", b"[]"),
    "tuples": _tag("tuple", b"[1]"),
    "pairs": filled(b'["a",1],', b'{"__type__":"dict","__value__":[', b'["",1]]}'),
    "members": counted(lambda n: b"%d," % (n + 10**6), b'{"__type__":"set","__value__":[', b"1]}"),
    "colliding members": counted(
        lambda n: b"%d," % ((n + 10**6) * _COLLIDING), b'{"__type__":"set","__value__":[', b"1]}"
    ),
    # As many equal hashes as an honest set may have; and hashes that differ, whose places in the table do not.
    "sets of 64 that collide": filled(_json_set(_COLLIDING, 64), b"[", b"1]"),
    "sets of 100 in few places": filled(_json_set(2**45, 100), b"[", b"1]"),
    "unknown tags": _tag("nothing", b"1"),
    "not UTF-8": filled(b"1,", b"[", b"\xff]"),
}


#: Where a byte could be the header of a bin, all values are looked at: every body has one, or the bytes of the count
#: would decide.
_BIN = b"\xc4\x00"


def _array(unit: bytes) -> Family:
    return counted(lambda _: unit, end=_BIN, header=b"\xdd")


MSGPACK: dict[str, Family] = {
    "ints": _array(b"\x01"),
    "large ints": _array(b"\xcf" + b"\xff" * 8),
    "empty lists": _array(b"\x90"),
    "empty dicts": _array(b"\x80"),
    "one-key dicts": _array(b"\x81\xa0\x01"),
    "lists of one": _array(b"\x91\x01"),
    "towers": _array(b"\x91" * 97 + b"\x90"),
    "towers of dicts": _array(b"\x81\xa0" * 97 + b"\x80"),
    "combs": _array(b"\x92\x90" * 97 + b"\x90"),
    "headers that promise": filled(b"\xdd\x00\x0f\x42\x40"),
    "short headers that promise": filled(b"\xdc\xff\xff"),
    "maps that promise": filled(b"\xdf\x00\x0f\x42\x40\xa0"),
    "a promise at every level": filled(b"\x90", b"\xdd\x00\x07\xa1\x20" * 98),
    "empty texts": _array(b"\xa0"),
    "short texts": counted(lambda n: b"\xa5%05x" % n, end=_BIN, header=b"\xdd"),
    "floats": _array(b"\xcb\x3f\xf8" + bytes(6)),
    "floats that are not finite": _array(b"\xcb\x7f\xf0" + bytes(6)),
    "distinct keys": counted(lambda n: b"\xa5%05x\x01" % n, end=b"\xa0" + _BIN, header=b"\xdf"),
    "one key": counted(lambda _: b"\xa1a\x01", end=b"\xa0" + _BIN, header=b"\xdf"),
    "one text": lambda size: b"\xdb" + size.to_bytes(4, "big") + b"a" * size,
    "one bin": lambda size: b"\xc6" + size.to_bytes(4, "big") + bytes(size),
    "bins": _array(b"\xc4\x00"),
    "ext types of others": _array(b"\xd4\x05\x00"),
    "timestamps": _array(b"\xd6\xff\x00\x00\x00\x01"),
    "uuids": _array(b"\xd8\x57" + bytes(16)),
    "decimals": _array(b"\xc7\x03\x561.5"),
    "one endless decimal": lambda size: b"\xc9" + size.to_bytes(4, "big") + b"\x56" + b"7" * size,
    "bigints": _array(b"\xc7\x09\x51" + b"\x01" * 9),
    "long bigints": _array(b"\xc8\x06\xf9\x51" + b"\x01" * 1785),
    "one endless bigint": lambda size: b"\xc9" + size.to_bytes(4, "big") + b"\x51" + b"\x01" * size,
    "empty sets": _array(b"\x91\xc7\x03\x50set"),
    "tuples": _array(b"\x92\xc7\x05\x50tuple\x01"),
    "marks": _array(b"\xc7\x05\x50tuple"),
    "colliding members": lambda size: (
        b"\xdd"
        + (size // 19 + 1).to_bytes(4, "big")
        + b"\xc7\x03\x50set"
        + b"".join(b"\xc7\x10\x51" + (n * _COLLIDING).to_bytes(16, "big") for n in range(1, size // 19 + 1))
    ),
    "what follows the end": filled(b"\x01"),
}


def _flow(unit: bytes) -> Family:
    return filled(unit, b"[", b"1]")


YAML: dict[str, Family] = {
    "ints": _flow(b"1,"),
    "words": _flow(b"a,"),
    "empty lists": _flow(b"[],"),
    "empty mappings": _flow(b"{},"),
    "one-key mappings": _flow(b"{a: 1},"),
    "pairs": _flow(b"a: 1,"),
    "towers": _flow(b"[" * 98 + b"]" * 98 + b","),
    "lines": filled(b"- 1\n"),
    "nothings": filled(b"-\n"),
    "distinct keys": counted(lambda n: b"k%05x: 1\n" % n),
    "one key": filled(b"k: 1\n"),
    "explicit keys": filled(b"? a\n"),
    "one after another": filled(b"- "),
    "openings": filled(b"["),
    "flow keys that never come": filled(b'"a",' * 50 + b"[", b"["),
    "long words": _flow(b"a" * 1000 + b", "),
    "one word": filled(b"a"),
    "one word of many lines": filled(b"a\n"),
    "one word of many blanks": filled(b"a" + b" " * 500),
    "empty lines in a word": filled(b"\n", b"a", b"b"),
    "one quoted text": filled(b"a", b'"', b'"'),
    "escapes": filled(b"\\n", b'"', b'"'),
    "folded lines": filled(b"  a\n", b">\n"),
    "folded empty lines": filled(b"\n", b">\n"),
    "literal lines": filled(b"  a\n", b"|\n"),
    "comments": filled(b"# a\n", b"", b"1\n"),
    "one comment": filled(b"#", b"1 #"),
    "empty lines": filled(b"\n", b"", b"1\n"),
    "blanks": filled(b" ", b"", b"1\n"),
    "directives": filled(b"%FOO a\n", b"", b"--- 1\n"),
    "tag directives": counted(lambda n: b"%%TAG !%05x! !a\n" % n, b"", b"--- 1\n"),
    "documents": filled(b"--- 1\n"),
    "document ends": filled(b"...\n", b"1\n"),
    "long ints": _flow(_ONES + b","),
    "one endless int": filled(b"7"),
    "base 60": _flow(b"1:2:3,"),
    "long base 60": _flow(b"1" + b":59" * 1000 + b","),
    "one endless base 60": filled(b":59", b"1"),
    "one endless float of base 60": filled(b":59", b"1", b".5"),
    "underscores": filled(b"_", b"1", b"1"),
    "floats": _flow(b"1.5,"),
    "timestamps": _flow(b"2031-01-02 03:04:05,"),
    "endless timestamps": filled(b"0", b"2031-01-02 03:04:05."),
    "indentation": filled(b"- a" + b" " * 1000 + b"\n"),
    "binary": filled(b"QUJD", b'!!binary "', b'"'),
    "sets": _flow(b"!!set {},"),
    "uuids": _flow(b"!uuid 0123456789abcdef0123456789abcdef,"),
    "core tags": _flow(b"!!str a,"),
    "one long tag": filled(b"a", b"!<tag:", b"> 1"),
    "escapes in a tag": filled(b"%61", b"!<tag:", b"> 1"),
    "colliding members": counted(lambda n: b"%d," % ((n + 10**6) * _COLLIDING), b"!!set {", b"1}"),
    "colliding keys": counted(lambda n: b"%d: 1," % ((n + 10**6) * _COLLIDING), b"{", b"1: 1}"),
    "sets of 64 that collide": _flow(_set(b"%d,".__mod__, _COLLIDING, 64, b"!!set {", b"1},")),
    "merge keys": _flow(b"{<<: {a: 1}},"),
    "anchors": counted(lambda n: b"&a%05x 1," % n, b"[", b"1]"),
    "aliases": filled(b"*a ,", b"[&a 1,", b"1]"),
    "aliases of lists": filled(b"*a ,", b"[&a [1],", b"1]"),
    "colons": filled(b":"),
    "question marks": filled(b"? "),
    "not UTF-8": filled(b"a", b"", b"\xff"),
}


def _pickle(unit: bytes, begin: bytes = b"\x80\x04](", end: bytes = b"e.") -> Family:
    return filled(unit, begin, end)


PICKLE: dict[str, Family] = {
    "nothings": _pickle(b"N"),
    "ints": _pickle(b"K\x01"),
    "empty lists": _pickle(b"]"),
    "empty dicts": _pickle(b"}"),
    "empty sets": _pickle(b"\x8f"),
    "empty frozensets": _pickle(b"(\x91"),
    "one-key dicts": _pickle(b"}NNs"),
    "lists of one": _pickle(b"]Na"),
    "sets of one": _pickle(b"\x8f(N\x90"),
    "tuples of one": _pickle(b"N\x85"),
    "towers": _pickle(b"]" * 98 + b"a" * 97),
    "short texts": counted(lambda n: b"\x8c\x05%05x" % n, b"\x80\x04](", b"e."),
    "noted down": _pickle(b"]\x94"),
    "fetched": _pickle(b"h\x00", b"\x80\x04]\x94("),
    "lists that are fetched": _pickle(b"h\x00", b"\x80\x04]\x94(NNNNe](", b"e."),
    "doubled": _pickle(b"2", b"\x80\x04](]"),
    "memo indices": _pickle(b"r\xff\x00\x00\x00", b"\x80\x04](N"),
    "marks": _pickle(b"(", b"\x80\x04", b"."),
    "popped": _pickle(b"N0"),
    "frames": _pickle(b"\x95" + bytes(8), b"\x80\x04", b"N."),
    "lists beside a date": _pickle(b"]", b"\x80\x04cdatetime\ndate\n0]("),
    "lists beside a tag": _pickle(b"]", b"\x80\x04csatchel.codecs.pickle\ntagged\n0]("),
    "texts in no frame": _pickle(b"\x8c\x00", b"\x80\x04", b"\x95\x02" + bytes(7) + b"\x93."),
    "uuids": _pickle(b"cuuid\nUUID\n)\x81"),
    "timedeltas": _pickle(b"cdatetime\ntimedelta\n)R"),
    "decimals": _pickle(b"cdecimal\nDecimal\n\x8c\x011\x85R"),
    "long ints": _pickle(b"\x8b\xf9\x06\x00\x00" + b"\x01" * 1785),
    "bytearrays": _pickle(b"\x96" + bytes(8)),
}

SERIALIZED = {"json": JSON, "msgpack": MSGPACK, "yaml": YAML, "pickle": PICKLE}


@cache
def registry(streams: int = 65_536) -> Registry:
    """Give a registry that reads many streams in one body, and aliases in YAML: refused, they cost less."""
    chosen: Any = default_registry()
    for codec in (Gzip(streams=streams), Bzip2(streams=streams), Lzma(streams=streams), Zstd(streams=streams)):
        chosen = chosen.with_compressor(codec, replace=True)
    return chosen.with_serializer(Yaml(aliases=True), replace=True)  # type: ignore[no-any-return]
