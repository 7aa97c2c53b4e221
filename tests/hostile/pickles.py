"""Malicious pickles, assembled opcode by opcode: what each tries, and the error that refuses it (G13)."""

from __future__ import annotations

import enum
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from satchel import Encoded, Pipeline, default_registry

PROTO = b"\x80\x04"
DISALLOWED, CORRUPT, LIMIT = "ContentDisallowed", "CorruptBody", "LimitExceeded"


class Malice(NamedTuple):
    """One malicious pickle.

    Attributes:
        kind: what it tries.
        body: the pickle.
        refusal: the name of the error's class; two, where it is the one unless an application allows its class.
        runs: the standard library's pickle, given it, imports a module or runs something.
    """

    kind: str
    body: bytes
    refusal: str = DISALLOWED
    runs: bool = False


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


def name(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL: from protocol 4 on, and with dots."""
    return text(module) + text(attribute) + b"\x93"


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def whole(*parts: bytes) -> bytes:
    return PROTO + b"".join(parts) + b"."


def tagged(tag: str, plain: bytes) -> bytes:
    """A value of a registered type."""
    return TAGGED + text(tag) + plain + b"\x86R"


def pairs(**attributes: bytes) -> bytes:
    return b"}" + b"".join(text(attribute) + value + b"s" for attribute, value in attributes.items())


SYSTEM, TRUE, NONE = name("os", "system"), text("true"), b"N"
TAGGED = name("satchel.codecs.pickle", "tagged")
UUID, DECIMAL, DATETIME = name("uuid", "UUID"), name("decimal", "Decimal"), name("datetime", "datetime")
A_UUID = called(UUID, text("0" * 32))
A_DATETIME = called(DATETIME, b"C\x0a" + bytes((7, 209, 1, 1, 0, 0, 0, 0, 0, 0)))
OS = called(name("builtins", "__import__"), text("os"))
CODE = text("__import__('os').system('true')")

#: Calls of one global, each by its own door: module, attribute, and the arguments that would do harm.
CALLS: dict[tuple[str, str], tuple[bytes, ...]] = {
    ("os", "system"): (TRUE,),
    ("posix", "system"): (TRUE,),
    ("builtins", "eval"): (CODE,),
    ("builtins", "exec"): (CODE,),
    ("builtins", "compile"): (CODE, text("made"), text("eval")),
    ("builtins", "__import__"): (text("wsgiref.handlers"),),
    ("builtins", "open"): (text("/dev/null"),),
    ("importlib", "import_module"): (text("wsgiref.headers"),),
    ("runpy", "_run_code"): (CODE, b"}"),
    ("subprocess", "Popen"): (b"](" + TRUE + b"e",),
    ("subprocess", "check_output"): (b"](" + TRUE + b"e",),
    ("marshal", "loads"): (b"C\x01N",),
    ("pickle", "loads"): (b"C\x17" + b"cos\nsystem\n(S'true'\ntR.",),
    ("shutil", "copyfile"): (text("/dev/null"), text("/dev/null")),
    ("ctypes", "CDLL"): (NONE,),
    ("timeit", "timeit"): (CODE, text("0"), name("time", "time"), b"K\x01"),
    ("pydoc", "locate"): (text("wsgiref.validate"),),
    ("code", "InteractiveInterpreter"): (),
}

#: Globals that do harm by their import, or in hands other than these; one of each family of tricks.
NAMES: tuple[tuple[str, str], ...] = (
    *(("pty", "spawn"), ("webbrowser", "open"), ("asyncio.subprocess", "create_subprocess_shell")),
    *(("wsgiref.simple_server", "demo_app"), ("code", "interact"), ("socket", "create_connection")),
    *(("operator", "attrgetter"), ("operator", "methodcaller"), ("functools", "partial"), ("functools", "reduce")),
    *(("codecs", "decode"), ("_codecs", "encode"), ("encodings", "search_function"), ("types", "FunctionType")),
    *(("types", "CodeType"), ("types", "SimpleNamespace"), ("weakref", "finalize"), ("atexit", "register")),
    *(("copyreg", "_reconstructor"), ("copyreg", "__newobj__"), ("copyreg", "__newobj_ex__")),
    *(("copyreg", "add_extension"), ("copy_reg", "_reconstructor"), ("__builtin__", "apply"), ("cPickle", "loads")),
    *(("collections", "OrderedDict"), ("collections", "defaultdict"), ("_collections", "deque")),
    *(("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("numpy", "dtype")),
    *(("torch.storage", "_load_from_bytes"), ("torch._utils", "_rebuild_tensor_v2"), ("joblib", "load")),
    *(("pandas.core.internals.managers", "BlockManager"), ("sklearn.tree._tree", "Tree")),
    *(("zoneinfo", "ZoneInfo"), ("pytz", "_p"), ("dateutil.tz.tz", "tzfile"), ("enum", "IntEnum")),
    *(("builtins", "getattr"), ("builtins", "type"), ("builtins", "object"), ("builtins", "breakpoint")),
    *(("builtins", "set"), ("builtins", "complex"), ("builtins", "range"), ("builtins", "bytes")),
    *(("sys", "modules"), ("sys", "settrace"), ("logging.config", "fileConfig"), ("unittest.mock", "_importer")),
    *(("celery.canvas", "Signature"), ("celery.canvas", "subtask"), ("celery.app.task", "Task")),
    *(("satchel.codecs.pickle", "import_module"), ("satchel.codecs.pickle", "_Unrestricted")),
    *(("satchel.codecs.pickle_calls", "seal"), ("satchel.codecs.base", "_configure"), ("satchel.errors", "_rebuild")),
    *(("uuid", "SafeUUID"), ("uuid", "os"), ("datetime", "tzinfo"), ("decimal", "Context"), ("__main__", "x")),
)

#: Names that are not what they look like.
SPELLED: dict[str, tuple[str, str]] = {
    "a dotted name through an allowed module": ("uuid", "os.system"),
    "a dotted name through an allowed class": ("uuid", "UUID.__init__.__globals__"),
    "a dotted name to the way around": ("satchel", "Pickle.unrestricted"),
    "a dotted name through a seal": ("satchel.codecs.pickle", "tagged.__globals__"),
    "a look-alike of a module": ("\u043es", "system"),
    "a look-alike of an allowed class": ("uuid", "\uff35UID"),
    "a module's name with a NUL": ("uuid\0", "UUID"),
    "a name with a NUL": ("uuid", "UUID\0"),
    "a module's name with a line break": ("uuid\n", "UUID"),
    "a colon in the module's name": ("uuid:UUID", "system"),
    "a colon in the name": ("uuid", "UUID:system"),
    "a module's name with a blank": (" uuid", "UUID"),
    "an allowed name in capitals": ("UUID", "uuid"),
    "empty names": ("", ""),
    "a relative module": (".uuid", "UUID"),
    "a path": ("../uuid", "UUID"),
    "a name of a kilobyte": ("uuid", "U" * 900),
}

_POLLUTED = {
    "a class of the model": UUID,
    "a class of C": DATETIME,
    "a class that copies": DECIMAL,
    "our own function": TAGGED,
    "the stand-in of a signature": name("celery.canvas", "signature"),
    "an application's class": name("tests.hostile.pickles", "Order"),
}
_HARMLESS = b"0N"

#: What is no call at all.
OTHERS: dict[str, tuple[bytes, str]] = {
    "an old-style instance (INST)": (b"(" + TRUE + b"ios\nsystem\n", CORRUPT),
    "an old-style object (OBJ)": (b"(cos\nsystem\n" + TRUE + b"o", CORRUPT),
    "an instance of what is not allowed (NEWOBJ)": (name("ctypes", "CDLL") + b"(Nt\x81", DISALLOWED),
    "the same by keywords (NEWOBJ_EX)": (name("types", "SimpleNamespace") + b")}\x92", DISALLOWED),
    "an instance of a function (NEWOBJ)": (TAGGED + b")\x81", CORRUPT),
    "an instance of a value (NEWOBJ)": (b"K\x01)\x81", CORRUPT),
    "a call of a value": (b"K\x01)R", CORRUPT),
    "a call with a list of arguments": (UUID + b"]R", CORRUPT),
    "a call within a call's arguments": (called(UUID, called(SYSTEM, TRUE)), DISALLOWED),
    "getattr of an imported module": (
        called(called(name("builtins", "getattr"), OS, text("system")), TRUE), DISALLOWED),
    "a persistent id (PERSID)": (b"Pos.system\n", CORRUPT),
    "a persistent id (BINPERSID)": (TRUE + b"Q", CORRUPT),
    "an extension (EXT1)": (b"\x82\x01", CORRUPT),
    "an extension (EXT2)": (b"\x83\x01\x00", CORRUPT),
    "an extension (EXT4)": (b"\x84\x01\x00\x00\x00", CORRUPT),
    "an out-of-band buffer (NEXT_BUFFER)": (b"\x97", CORRUPT),
    "a read-only buffer (READONLY_BUFFER)": (b"C\x01x\x98", CORRUPT),
    "a memo of gigabytes (LONG_BINPUT)": (b"Nr\xff\xff\xff\x7f", CORRUPT),
    "a memo of gigabytes in text (PUT)": (b"Np2147483647\n", CORRUPT),
    "a memo entry that there is not (BINGET)": (b"h\x07", CORRUPT),
    "a list within itself": (b"]\x94h\x00a", LIMIT),
    "a dict within itself": (b"}\x94Nh\x00s", LIMIT),
    "a set of a tuple of itself": (b"\x8f\x94(h\x00\x85\x90", CORRUPT),
    "bytes that are not there (BINBYTES)": (b"B\xff\xff\xff\x7f", CORRUPT),
    "bytes that are not there (BINBYTES8)": (b"\x8e" + b"\xff" * 7 + b"\x7f", CORRUPT),
    "a bytearray that is not there (BYTEARRAY8)": (b"\x96\xff\xff\xff\x7f\0\0\0\0", CORRUPT),
    "a text that is not there (BINUNICODE8)": (b"\x8d" + b"\xff" * 7 + b"\x7f", CORRUPT),
    "a frame that is not there (FRAME)": (b"\x95" + b"\xff" * 7 + b"\x7fK", CORRUPT),
    "an int that is not there (LONG4)": (b"\x8b\xff\xff\xff\x7f", CORRUPT),
    "a negative length (LONG4)": (b"\x8b\xff\xff\xff\xff", CORRUPT),
    "an int as text (LONG)": (b"L" + b"9" * 900 + b"L\n", CORRUPT),
    "an int as text (INT)": (b"I0x" + b"f" * 900 + b"\n", CORRUPT),
    "a text to be evaluated (STRING)": (b"S'true'\n", CORRUPT),
    "a billion laughs by the memo": (b"]\x94" + b"".join(
        b"](" + b"h" + bytes((level,)) + (b"h" + bytes((level,))) * 9 + b"e\x94" for level in range(12)), LIMIT),
    "a billion laughs by DUP": (
        b"]" + b"".join(b"\x94](" + (b"h" + bytes((n,)) + b"2222") + b"e" for n in range(20)), LIMIT),
    "doubled tuples": (b"N" + b"2\x86" * 90, LIMIT),
    "equal frozensets, deep": (b"\x8f(" + (b"(" * 150 + b"N" + b"\x91" * 150) * 2 + b"\x90", LIMIT),
    "tuples as keys, deep": (b"}" + b")" + b"\x85" * 500 + b"Ns", LIMIT),
    "an allocation by an argument": (called(name("builtins", "bytearray"), b"J\xff\xff\xff\x7f"), CORRUPT),
    "copies of one bytearray": (name("builtins", "bytearray") + b"\x940C\xc8" + bytes(200) + b"\x940](" + (
        b"h\x00h\x01\x85R" * 100 + b"e"), CORRUPT),
    "copies of one decimal": (DECIMAL + b"\x940" + text("1" * 200) + b"\x940](" + (
        b"h\x00h\x01\x85R" * 100 + b"e"), CORRUPT),
    "a UUID of another number": (A_UUID + pairs(int=b"J\xff\xff\xff\xff") + b"b", CORRUPT),
    "a UUID of a class": (A_UUID + pairs(int=UUID) + b"b", CORRUPT),
    "a UUID that was never made": (UUID + b")\x81", CORRUPT),
    "a decimal of a tuple": (called(DECIMAL, b"K\x00K\x01\x85K\x01\x87"), CORRUPT),
    "a decimal of an int": (called(DECIMAL, b"\x8a\xff" + b"\x7f" * 255), CORRUPT),
    "a day that there is not": (called(DATETIME, b"C\x0a" + bytes((7, 209, 1, 99, 0, 0, 0, 0, 0, 0))), CORRUPT),
    "a zone that is none": (called(DATETIME, b"C\x0a" + bytes((7, 209, 1, 1, 0, 0, 0, 0, 0, 0)), TRUE), CORRUPT),
    "a zone of another class": (called(DATETIME, b"C\x0a" + bytes((7, 209, 1, 1, 0, 0, 0, 0, 0, 0)),
        called(name("zoneinfo", "ZoneInfo"), text("../../etc/passwd"))), DISALLOWED),
    "a zone beyond a day": (
        called(name("datetime", "timezone"), called(name("datetime", "timedelta"), b"K\x05")), CORRUPT),
    "an attribute of an instance of C": (A_DATETIME + pairs(hour=b"K\x63") + b"b", CORRUPT),
    "a slot of an instance": (A_UUID + b"N" + pairs(hex=NONE) + b"\x86b", CORRUPT),
    "an attribute of a module": (name("uuid", "os") + pairs(system=NONE) + b"b", DISALLOWED),
    "an attribute of an enum's member": (
        called(TAGGED, text("Colour"), text("RED")) + pairs(_value_=TRUE) + b"b", CORRUPT),
    "an entry of a class": (UUID + text("hex") + b"Ns", CORRUPT),
    "an addition to a class": (UUID + b"(" + TRUE + b"e", CORRUPT),
    "a second pickle after the first": (b"N." + called(SYSTEM, TRUE), CORRUPT),
    "an end before the end": (b"." + called(SYSTEM, TRUE), CORRUPT),
    "a protocol that there is not": (b"\x80\x06N", CORRUPT),
    "a protocol that is none": (b"N0\x80\xffN", CORRUPT),
    "a name that is no text": (b"K\x01K\x02\x93", CORRUPT),
    "a name of bytes": (b"C\x02osC\x06system\x93", CORRUPT),
    "a class as a value": (b"](" + UUID + b"e", CORRUPT),
    "a function as a key": (b"}" + TAGGED + b"Ns", CORRUPT),
    "a class in an application's value": (called(TAGGED, text("Order"), pairs(price=UUID)), CORRUPT),
    "a tag that nobody registered": (called(TAGGED, text("os.system"), TRUE), CORRUPT),
    "a tag that is no text": (called(TAGGED, b"]", TRUE), CORRUPT),
    "a tag of the model": (called(TAGGED, text("decimal"), text("1")), CORRUPT),
    "a signature that runs on the way": (called(name("celery.canvas", "signature"), called(SYSTEM, TRUE)), DISALLOWED),
    "a signature that is no dict": (called(name("celery.canvas", "signature"), TRUE), CORRUPT),
    "an unknown opcode": (b"\xff", CORRUPT),
    "a call in a text, for who goes on one byte off (gh-106052)": (
        b"\x95\x02" + bytes(7) + b"\x8c\x28" + b"N" * 35 + text("cos\nsystem\n\x8c\x04true\x85R"), CORRUPT),
}  # fmt: skip


@dataclass
class Order:
    """A class that an application registers, or allows."""

    price: Any


class Colour(enum.Enum):
    """Another."""

    RED = "red"


class Point(NamedTuple):
    """A third."""

    x: Any


class Runs:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


PIPELINE = Pipeline(["pickle"])
TYPED = Pipeline(["pickle"], registry=default_registry().with_type(Colour).with_type(Order).with_type(Point))


def decode(body: bytes, pipeline: Pipeline = PIPELINE) -> Any:
    return pipeline.decode(Encoded(body, "application/x-python-serialize", "binary"))


def corpus() -> Iterator[Malice]:
    """Give the corpus; no two are of one kind but for the protocols, and for the states that BUILD is given."""
    for protocol in range(6):
        # Protocol 0 is refused for its texts already.
        refusal = CORRUPT if protocol == 0 else DISALLOWED
        yield Malice("a call by reduce", pickle.dumps(Runs(os.system, "true"), protocol), refusal, runs=True)
    for (module, attribute), arguments in CALLS.items():
        yield Malice(f"a call of {module}.{attribute}", whole(called(name(module, attribute), *arguments)), runs=True)
    for module, attribute in NAMES:
        yield Malice(f"the name {module}.{attribute}", whole(name(module, attribute)))
    for kind, (module, attribute) in SPELLED.items():
        yield Malice(kind, whole(name(module, attribute)))
    for kind, target in _POLLUTED.items():
        for state in (pairs(hex=NONE), b"N" + pairs(_room=b"J\xff\xff\xff\x7f") + b"\x86", b"](Ne", A_UUID):
            refusal = f"{DISALLOWED} or {CORRUPT}" if "application" in kind else CORRUPT
            yield Malice(f"attributes of {kind}", whole(target, state, b"b", _HARMLESS), refusal)
    for kind, (opcodes, refusal) in OTHERS.items():
        yield Malice(kind, whole(opcodes), refusal)
