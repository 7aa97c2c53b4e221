"""What a pickle says, by the opcode table of the standard library's pickletools; nothing of it is carried out."""

from __future__ import annotations

import pickletools
import re
from typing import Any, NamedTuple

#: Opcodes that are looked at: a body of 4 MiB can hold more, and an honest one says what it is long before.
MOST_OPCODES = 1_000_000
#: Characters of a name that is shown.
_LONGEST = 200

_MARK: Any = object()
_OPCODES = {op.code: op for op in pickletools.opcodes}
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
_CALLS = ("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST", "BUILD")
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
#: An index of the memo in decimal. Unpicklers read it as int() does, which takes +1, 0_1 and 01 as well; no pickler
#: writes these.
_INDEX = re.compile(rb"0|[1-9][0-9]{0,11}")
_GETS = ("GET", "BINGET", "LONG_BINGET")
#: Bytes of a length in front of an argument, by pickletools' way of saying so.
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


class Contents(NamedTuple):
    """What a pickle would do.

    Attributes:
        protocol: as it says; 0 where it does not.
        opcodes: how many were looked at.
        names: the globals that it refers to, as "module:name", each once; "?" stands for what is not written out.
        calls: how often it calls one of them, or sets an object's state.
        fault: what is wrong with its form, or None.
    """

    protocol: int
    opcodes: int
    names: tuple[str, ...]
    calls: int
    fault: str | None


def contents(data: bytes) -> Contents:
    """Read a pickle's opcodes, without carrying any out."""
    walk = _Walk(data)
    fault = walk.run()
    return Contents(walk.protocol, walk.opcodes, tuple(walk.names), walk.calls, fault)


class _Walk:
    """A pickle machine whose stack holds only texts, marks, and None for everything else."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = self.protocol = self.opcodes = self.calls = 0
        self.names: dict[str, None] = {}
        self.stack: list[Any] = []
        self.memo: dict[int | None, Any] = {}  # None is never in it.

    def run(self) -> str | None:
        """Walk to the end; give what is wrong, or None."""
        data = self.data
        while self.position < len(data):
            if self.opcodes == MOST_OPCODES:
                return f"more than {MOST_OPCODES:,} opcodes; the rest was not looked at"
            start = self.position
            op = _OPCODES.get(chr(data[start]))
            self.position += 1
            self.opcodes += 1
            if op is None:
                return f"byte {start:,} is not an opcode"
            argument = self._argument(op)
            if argument is None:
                return "it is truncated"
            if op.name == "STOP":
                left = len(data) - self.position
                return f"{left:,} bytes follow its end" if left else None
            fault = self._step(op, argument)
            if fault is not None:
                return f"byte {start:,}: {fault}"
        return "it is truncated"

    def _argument(self, op: Any) -> bytes | None:
        size = 0 if op.arg is None else op.arg.n
        start, data = self.position, self.data
        if size == pickletools.UP_TO_NEWLINE:
            end = data.find(b"\n", start)
            if op.name in ("GLOBAL", "INST") and end >= 0:
                end = data.find(b"\n", end + 1)
            self.position = end + 1
            return data[start:end] if end >= 0 else None
        if size < 0:
            start += _LENGTHS[size]
            size = int.from_bytes(data[self.position : start], "little")
        self.position = start + size
        return data[start : self.position] if self.position <= len(data) else None

    def _step(self, op: Any, argument: bytes) -> str | None:
        stack, value = self.stack, None
        if op.name in _TEXTS:
            value = _text(argument)
        elif op.name in _GETS:
            index = _index(op.name, argument)
            if index not in self.memo:
                return f"{op.name} of what is not in the memo"
            value = self.memo[index]
        elif op.name in _PUTS:
            index = len(self.memo) if op.name == "MEMOIZE" else _index(op.name, argument)
            if index is None:
                return f"{op.name} with an index that is not a plain number"
            self.memo[index] = stack[-1] if stack and stack[-1] is not _MARK else None
            return None
        elif op.name == "PROTO":
            self.protocol = argument[0]
        elif op.name == "DUP":
            value = stack[-1] if stack else None
        self._name(op.name, argument)
        self.calls += op.name in _CALLS
        self._pop(op)
        stack += [_MARK if item is pickletools.markobject else value for item in op.stack_after]
        return None

    def _name(self, opcode: str, argument: bytes) -> None:
        if opcode in ("GLOBAL", "INST"):
            module, _, name = argument.partition(b"\n")
            self.names[f"{_text(module)}:{_text(name)}"] = None
        elif opcode == "STACK_GLOBAL":
            module, name = [None, None, *self.stack[-2:]][-2:]
            self.names[f"{module or '?'}:{name or '?'}"] = None
        elif opcode.startswith("EXT"):
            self.names[f"copyreg extension {int.from_bytes(argument, 'little')}:?"] = None

    def _pop(self, op: Any) -> None:
        stack, before = self.stack, op.stack_before
        number = len(before)
        if pickletools.markobject in before:
            while stack and stack.pop() is not _MARK:
                pass
            number = before.index(pickletools.markobject)
        if number:
            del stack[-number:]


def _text(raw: bytes) -> str:
    return raw[:_LONGEST].decode("utf-8", "backslashreplace").strip("'\"")


def _index(opcode: str, argument: bytes) -> int | None:
    if opcode in ("PUT", "GET"):
        return int(argument) if _INDEX.fullmatch(argument) else None
    return int.from_bytes(argument, "little")
