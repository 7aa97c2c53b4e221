"""Pickled results (standard library): restricted as all pickles are, but a failure of any class can be told."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from satchel.calling.results.exceptions import POINTING, ExceptionTable, Foreign
from satchel.calling.results.record import EXCEPTION_STATES
from satchel.codecs.pickle import Pickle
from satchel.codecs.pickle_calls import COPYING, Seal, seal
from satchel.errors import ContentDisallowed
from satchel.records import dataclass
from satchel.types import Buffer, Limits


class _Foreigners(dict[str, Seal]):
    """Stand-ins for all that a pickle may call; for what is not known, one that keeps its arguments."""

    def __init__(self, known: dict[str, Seal], allow: Collection[str | type]) -> None:
        super().__init__(known)
        self.allow = allow
        self.made: list[Foreign] = []

    def get(self, key: str, default: Any = None) -> Any:
        known = super().get(key)
        if known is not None or key in self.allow or key in COPYING:
            return known
        made, (module, _, name) = self.made, key.partition(":")

        class Stranger(Foreign):
            __slots__ = ()

            def __new__(cls, *args: Any, **_: Any) -> Any:
                stranger = Foreign.__new__(Foreign)
                Foreign.__init__(stranger, module, name, args)
                made.append(stranger)
                return stranger

        stand_in = self[key] = seal(Stranger)
        return stand_in


@dataclass(frozen=True)
class ResultPickle(Pickle):
    """As `Pickle`; where a task has failed, its exception may be of a class that is not allow-listed.

    Such an exception comes as a `Foreign`: Nothing of its class is imported or called. Anywhere else, and where there
    is more than one, the pickle is refused as ever.
    """

    @classmethod
    def like(cls, codec: Pickle, exceptions: ExceptionTable) -> ResultPickle:
        """Give one that reads what `codec` does, and the exceptions."""
        classes = [each for each in exceptions.classes() if "." not in each.__qualname__]
        # Those that point are made of what is looked at first, outside of the pickle.
        allowed = frozenset(codec.allow) | {each for each in classes if not issubclass(each, POINTING)}
        return cls(allow=allowed, types=codec.types, protocol=codec.protocol, dialect=codec.dialect)

    def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
        """Decode a body. See `Pickle.loads`."""
        try:
            return super().loads(body, limits=limits)
        except ContentDisallowed:
            value = self._failure(bytes(body), limits)
            if value is None:
                raise
            return value

    def _failure(self, data: bytes, limits: Limits) -> Any:
        lenient = copy.copy(self)
        strangers = _Foreigners(self._globals, self.allow)
        object.__setattr__(lenient, "_globals", strangers)
        value = lenient._restricted(data, limits)
        if len(strangers.made) != 1:
            return None
        raised = strangers.made[0]
        if value is raised:  # A column of its own; whoever reads the row looks at the state.
            return value
        failed = type(value) is dict and value.get("status") in EXCEPTION_STATES and value.get("result") is raised
        return value if failed else None
