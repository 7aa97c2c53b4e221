"""Every exception that Satchel raises, each with what is wrong, what would be right, and the cure.

And what those need who catch others' exceptions: a text of any, and to let through what is not theirs.
"""

from __future__ import annotations

from types import FunctionType, MethodType, TracebackType
from typing import Any


class SatchelError(Exception):
    """The root of all Satchel errors.

    Attributes:
        what: what is wrong.
        expected: what would have been right, or None.
        cure: how to get there, or None.
    """

    def __init__(self, what: str, *, expected: str | None = None, cure: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.cure = cure

    def __str__(self) -> str:
        return "; ".join(part for part in (self.what, self.expected, self.cure) if part)

    # Exceptions cross process borders (multiprocessing, Celery results) and the
    # default reduction would call __init__ with the positional arguments alone.
    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[SatchelError], args: tuple[Any, ...], state: dict[str, Any]) -> SatchelError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class RegistryError(SatchelError):
    """A codec cannot be named, registered or loaded: a fault of the set-up, not of a message."""


class UnknownCodec(RegistryError, LookupError):
    """No codec has that name. `suggestion` is the nearest known name, or None; `known` all of them."""

    def __init__(self, kind: str, name: object, known: tuple[str, ...], *, cure: str | None = None):
        import difflib  # 6 ms to import, and only this error needs it.

        near = difflib.get_close_matches(name.lower(), known, n=1) if isinstance(name, str) else []
        self.kind = kind
        self.name = name
        self.known = known
        self.suggestion: str | None = near[0] if near else None
        super().__init__(
            f"no {kind} {name!r}",
            expected=f"did you mean {self.suggestion!r}?" if self.suggestion else None,
            cure="; ".join(filter(None, (f"known: {', '.join(known) or 'none'}", cure))),
        )


class DuplicateCodec(RegistryError, ValueError):
    """A name, alias, content type or tag is already taken by another codec or type."""


class InvalidCodec(RegistryError, TypeError):
    """What was offered for registration is not a codec; the message says what is missing."""


class MissingDependency(RegistryError, ImportError):
    """A codec's optional library is not installed, or does not import. `install` is the exact command that cures it.

    `install` is None where the library is a part of Python that this interpreter was built without.
    """

    def __init__(
        self, codec: str, library: str, extra: str | None, *, cure: str | None = None, fault: Exception | None = None
    ) -> None:
        self.codec = codec
        self.library = library
        self.install: str | None = f"pip install 'satchel[{extra}]'" if extra else None
        absent = fault is None or isinstance(fault, ModuleNotFoundError)
        state = "is not installed" if absent else f"does not import ({type(fault).__name__}: {str(fault)[:200]})"
        if cure is None and extra:
            cure = f"run: {self.install}" if absent else f"run: pip install --force-reinstall {library}"
        super().__init__(
            f"{codec} needs the library {library}, which {state}",
            cure=cure or f"use a Python that was built with {library}",
        )


_LONGEST_PATH = 16
_LONGEST_PART = 100


def format_path(path: tuple[object, ...]) -> str:
    """Write a path into a value as Python would: ``kwargs.items[3].price``.

    Args:
        path: dict keys and sequence indices (int), from the outside in.

    Returns:
        Text of at most 16 parts of about 100 characters each, whatever the keys are.
    """
    if len(path) > _LONGEST_PATH:
        head, tail = format_path(path[: _LONGEST_PATH // 2]), format_path(path[-_LONGEST_PATH // 2 :])
        return f"{head}…({len(path) - _LONGEST_PATH} more)…{tail}"
    return "".join(map(_step, path)).removeprefix(".")


def _step(part: Any) -> str:
    # Cut before it is written: a key may be as long as a message.
    name = str.__str__(part)[: _LONGEST_PART + 1] if issubclass(type(part), str) else None
    if name is not None and name.isidentifier():
        return f".{_cut(name)}"
    try:
        return f"[{_cut(repr(part if name is None else name))}]"
    except Exception as error:  # noqa: BLE001 - a key's own code, or an int of too many digits
        let_signals_through(error)
        return f"[<{_cut(type(part).__name__)}>]"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_PART else f"{text[:_LONGEST_PART]}…"


class EncodeError(SatchelError):
    """A value cannot be encoded, and nothing was written.

    Attributes:
        codec: the codec's name, or None.
        path: keys and indices that lead to the offending value, from the outside in.
        limit: the field of `Limits` that it goes beyond, or None.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        cure: str | None = None,
        codec: str | None = None,
        path: tuple[object, ...] = (),
        limit: str | None = None,
    ) -> None:
        super().__init__(what, expected=expected, cure=cure)
        self.codec = codec
        self.path = path
        self.limit = limit

    def __str__(self) -> str:
        where = f" at {format_path(self.path)}" if self.path else ""
        codec = f"{self.codec}: " if self.codec else ""
        return f"{codec}{'; '.join(p for p in (self.what + where, self.expected, self.cure) if p)}"


class DecodeError(SatchelError):
    """A message was refused or is broken: dead-letter it. Its four kinds are siblings."""


class ContentDisallowed(DecodeError):
    """The accept list, or the form of a header, refuses the message; nothing of it was touched.

    Attributes:
        content_type: what the message said, as it said it.
        accept: the content types or names that would have been accepted.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        cure: str | None = None,
        content_type: object = None,
        accept: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, expected=expected, cure=cure)
        self.content_type = content_type
        self.accept = accept


class LimitExceeded(DecodeError):
    """A message is larger, deeper or fuller than its `Limits` allow.

    Attributes:
        limit: the name of the field of `Limits`, or of the codec's own option.
        maximum: its value (bytes, levels or values).
    """

    def __init__(self, limit: str, maximum: int, what: str | None = None) -> None:
        super().__init__(
            what or f"the message exceeds {limit}={maximum:,}",
            cure=f"if it is genuine, raise Limits({limit}=…) where it is decoded",
        )
        self.limit = limit
        self.maximum = maximum


class CorruptBody(DecodeError):
    """A body is not what its content type says: truncated, damaged, or with something after its end.

    Attributes:
        codec: the name of the codec that could not read it, or None.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        cure: str | None = None,
        codec: str | None = None,
    ) -> None:
        super().__init__(what, expected=expected, cure=cure)
        self.codec = codec

    def __str__(self) -> str:
        return f"{self.codec}: {super().__str__()}" if self.codec else super().__str__()


class UnknownDictionary(CorruptBody):
    """A compressed body names a dictionary that is not known here; nothing of it was decompressed.

    It can be decoded where the dictionary is known: keep it, rather than drop it.

    Attributes:
        dictionary: the dictionary's id.
        known: the ids of those that are known.
    """

    def __init__(
        self, dictionary: int, known: tuple[int, ...] = (), *, cure: str | None = None, codec: str | None = None
    ) -> None:
        few = ", ".join(map(str, known[:10])) + (", …" if len(known) > 10 else "")
        super().__init__(
            f"the dictionary {dictionary} is not known",
            expected=f"known: {few or 'none'}",
            cure=cure or "register it where this is decoded: satchel.register_dictionary(…, compress=False)",
            codec=codec,
        )
        self.dictionary = dictionary
        self.known = known


class SealBroken(DecodeError):
    """A signature or an encryption does not hold: the message was not written by a holder of the key."""


def text_of(error: BaseException) -> str:
    """Give the first 200 characters of an error's message: a library may put the whole value into it."""
    try:
        return str(error)[:200]
    except Exception as fault:  # noqa: BLE001 - an application's error may fail to say what it is
        let_signals_through(fault)
        return f"{type(error).__name__}, whose text raises {type(fault).__name__}"


def let_signals_through(error: BaseException) -> None:
    """Raise again what a signal's handler raised, if `error` is that, or is one of ours that was raised from it.

    For those who catch `Exception`: a time limit, as that of Celery's tasks, is mostly an `Exception` that a handler
    raises, and is neither a value's fault nor a message's. A limit that an application's own code sets for itself, and
    takes back, is no longer installed when its error comes here; it is that code's failure.
    """
    if error.__cause__ is None and (error.__traceback__ is None or error.__traceback__.tb_next is None):
        return  # Raised by what the one who asks has called, in C.
    origin, codes = error, _handlers()
    for _ in range(10):  # A cause can be made its own.
        if _ran(codes, origin.__traceback__):
            context = origin.__context__
            try:
                raise origin
            finally:
                # Python has set it to the error of ours that is being handled, which came of this one.
                origin.__context__ = context
        if not isinstance(origin, SatchelError) or origin.__cause__ is None:
            return
        origin = origin.__cause__


def _ran(codes: set[int], traceback: TracebackType | None) -> bool:
    while traceback is not None:
        if id(traceback.tb_frame.f_code) in codes:
            return True
        traceback = traceback.tb_next
    return False


def _handlers() -> set[int]:
    # Ids: code objects of different functions may be equal. The public function makes two enums' members each time,
    # which is as much again as all that a refused message costs.
    from _signal import NSIG, getsignal  # type: ignore[import-not-found]
    from functools import partial

    codes = set[int]()
    for handler in [each for each in map(getsignal, range(1, NSIG)) if each is not None and type(each) is not int]:
        while isinstance(handler, (partial, MethodType)):
            handler = handler.func if isinstance(handler, partial) else handler.__func__
        function = handler if isinstance(handler, FunctionType) else type(handler).__call__
        codes.add(id(getattr(function, "__code__", None)))
    return codes
