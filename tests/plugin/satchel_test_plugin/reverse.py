"""JSON (RFC 8259) backwards, by the standard library: what a serializer must do, and no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from satchel import Buffer, CorruptBody, EncodeError, LimitExceeded, Limits


@dataclass(frozen=True)
class Reverse:
    """Carries what JSON carries: None, bool, int, finite float, str, list and dict with str keys."""

    name: ClassVar[str] = "reverse"
    content_type: ClassVar[str] = "application/x-reverse"
    content_encoding: ClassVar[str] = "utf-8"

    def dumps(self, value: Any, /) -> bytes:
        """Encode `value`; EncodeError where it is not JSON's."""
        try:
            _refuse(value, ())
        except RecursionError:
            raise EncodeError("the value is too deep", codec=self.name) from None
        return json.dumps(value, allow_nan=False, separators=(",", ":"))[::-1].encode()

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode `body`: CorruptBody where it is not JSON, LimitExceeded where it is too deep or too full."""
        try:
            value = json.loads(str(body, "utf-8")[::-1], parse_constant=_no_constant)
        except RecursionError:
            raise LimitExceeded("max_depth", limits.max_depth) from None
        except ValueError as error:
            raise CorruptBody(str(error), codec=self.name) from error
        _bound(value, limits)
        return value


def _refuse(value: Any, path: tuple[object, ...]) -> None:
    if type(value) is float and not float("-inf") < value < float("inf"):
        raise EncodeError(f"cannot encode {value}", codec="reverse", path=path)
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise EncodeError(f"cannot encode the key {key!r}", codec="reverse", path=path)
            _refuse(item, (*path, key))
    elif type(value) is list:
        for index, item in enumerate(value):
            _refuse(item, (*path, index))
    elif value is not None and type(value) not in (bool, int, float, str):
        raise EncodeError(f"cannot encode a {type(value).__name__}", codec="reverse", path=path)


def _bound(value: Any, limits: Limits) -> None:
    nodes = 0
    level = [value]
    depth = 0
    while level:
        nodes += len(level)
        if nodes > limits.max_nodes:
            raise LimitExceeded("max_nodes", limits.max_nodes)
        below: list[Any] = []
        containers = False
        for item in level:
            if isinstance(item, dict):
                containers = True
                nodes += len(item)
                below += item.values()
            elif isinstance(item, list):
                containers = True
                below += item
        depth += containers
        if depth > limits.max_depth:
            raise LimitExceeded("max_depth", limits.max_depth)
        level = below


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
