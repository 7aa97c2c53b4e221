"""Reads and writes what result backends store: bodies without headers, perhaps marked as compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from satchel.calling.errors import tell_clients
from satchel.calling.results.exceptions import ExceptionTable, Foreign
from satchel.calling.results.record import EXCEPTION_STATES, EXTENDED, Record
from satchel.errors import ContentDisallowed, CorruptBody, EncodeError, LimitExceeded
from satchel.message.times import UTC, in_zone, parse_iso, shown
from satchel.pipeline import Pipeline
from satchel.registry import Registry, celery_registry
from satchel.types import Buffer, Encoded, Limits

MARK: Final = b"\0celery-compressed\0"
"""What Celery 5.7 writes before a compressed result: its content type and a zero byte follow."""
_LONGEST_TYPE: Final = 100  # Bytes of a content type.
_PICKLES: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class ResultReader:
    """Decodes results within an accept list and limits, and rebuilds exceptions by an allow-list. Shared by threads.

    Args:
        serializer: what stored results were written with, since they do not say it.
        accept: names of the serializers that are decoded; default JSON alone.
        limits: bounds on all that is decoded.
        exceptions: see `ExceptionTable`.
        registry: the codecs, or a function that gives them.
    """

    def __init__(
        self,
        serializer: str = "json",
        accept: Iterable[str] | None = None,
        *,
        limits: Limits = Limits(),
        exceptions: Iterable[str | type[Exception]] | ExceptionTable = (),
        registry: Registry | Callable[[], Registry] = celery_registry,
    ) -> None:
        self.serializer = serializer
        self.limits = limits
        self.exceptions: ExceptionTable = ExceptionTable.of(exceptions)
        self._codecs = registry if callable(registry) else lambda: registry
        codec = self._codecs().serializer(serializer)
        self._form = codec.content_type, codec.content_encoding
        self._accept = accept if isinstance(accept, str) else ("json",) if accept is None else tuple(accept)
        self._pipeline = Pipeline(self._accept, registry=registry, limits=limits)
        self._pickle: tuple[Registry, Pipeline] | None = None

    # Bodies

    def decode(self, body: Buffer, form: tuple[Any, Any] | None = None, compression: Any = None) -> Any:
        """Decode a body.

        Args:
            body: as it was stored.
            form: its content type and encoding, where they are known.
            compression: its content type, where it is known.

        Raises:
            DecodeError: it is not accepted, too large, or broken.
        """
        known = form or self._form
        if compression is None and bytes(body[: len(MARK)]) == MARK:
            compression, body = _unmarked(body)
        encoded = Encoded(body, known[0], known[1], compression)
        pipeline = self._pipeline if known[0] != "application/x-python-serialize" else self._unpickling()
        try:
            return pipeline.decode(encoded)
        except CorruptBody as error:
            if form is None and error.cure is None:
                error.cure = f"if the workers' result_serializer is not {self.serializer!r}, give theirs here"
            raise
        except LimitExceeded as error:
            tell_clients(error)
            raise

    def decode_column(self, body: Buffer) -> Any:
        """Decode a column of a table: Celery before 5.7 stores a pickle there, whatever the serializer is."""
        form = ("application/x-python-serialize", "binary") if bytes(body[:2]) in _PICKLES else None
        return self.decode(body, form)

    def encode(self, value: Any) -> bytes:
        """Encode a value as a worker would."""
        try:
            return bytes(self._pipeline.encode(value, serializer=self.serializer).body)
        except EncodeError as error:
            tell_clients(error)
            raise

    def group(self, body: Buffer) -> Any:
        """Decode a group as it is stored: ``{"result": ((id, parent), nodes)}``.

        Raises:
            DecodeError: it is not accepted, too large, or no group.
        """
        value = self.decode(body)
        if type(value) is not dict or "result" not in value:
            raise CorruptBody(f"a stored group must be a mapping with a 'result', got {shown(value)}")
        return value["result"]

    def _unpickling(self) -> Pipeline:
        # Made when it is used first: the exceptions' modules may well import what has made this reader.
        registry = self._codecs()
        if self._pickle is None or self._pickle[0] is not registry:
            from satchel.calling.results.pickled import ResultPickle
            from satchel.codecs.pickle import Pickle

            codec, pipeline = registry.serializer("pickle"), self._pipeline
            if type(codec) is Pickle and codec.content_type in pipeline.accepted_content_types:
                reading = registry.with_serializer(ResultPickle.like(codec, self.exceptions), replace=True)
                pipeline = Pipeline(self._accept, registry=reading, limits=self.limits)
            self._pickle = registry, pipeline
        return self._pickle[1]

    # Records

    def record(self, value: Any) -> Record:
        """Make a record of a decoded state.

        Raises:
            CorruptBody: it is not one; the text says what is wrong.
        """
        if type(value) is not dict:
            raise CorruptBody(f"a stored result must be a mapping, got {shown(value)}")
        state, traceback = value.get("status"), value.get("traceback")
        if not isinstance(state, str) or not state:
            raise CorruptBody(f"a stored result must have a 'status' that is a str, got {shown(state)}")
        if traceback is not None and not isinstance(traceback, str):
            raise CorruptBody(f"the 'traceback' of a stored result must be a str, got {shown(traceback)}")
        result, children = value.get("result"), value.get("children")
        if children is not None and not isinstance(children, (list, tuple)):
            raise CorruptBody(f"the 'children' of a stored result must be a list, got {shown(children)}")
        for name in ("result", *EXTENDED) if state not in EXCEPTION_STATES else EXTENDED:
            if isinstance(value.get(name), Foreign):
                raise _foreign(name, value[name])
        if state in EXCEPTION_STATES:
            result = self.exceptions.rebuild(state, result, traceback)
        extended = {name: value[name] for name in EXTENDED if name in value}
        return Record(
            state,
            result,
            traceback,
            children or (),
            _moment(value.get("date_done")),
            _text(value.get("group_id")),
            _text(value.get("parent_id")),
            extended,
            value,
        )


def _unmarked(body: Buffer) -> tuple[str, Buffer]:
    start = len(MARK)
    head = bytes(body[start : start + _LONGEST_TYPE + 1])
    end = head.find(b"\0")
    if end < 0 or not head[:end].isascii():
        raise ContentDisallowed("a compressed result does not say how it was compressed")
    return head[:end].decode("ascii"), body[start + end + 1 :]


def _foreign(name: str, value: Foreign) -> ContentDisallowed:
    return ContentDisallowed(f"the {name} of a stored result is of the class {shown(value.name)}, which is not allowed")


def _moment(value: Any) -> datetime | None:
    # A date that cannot be read is no reason to refuse a result.
    try:
        moment = parse_iso(value) if isinstance(value, str) else value
        return in_zone(moment, UTC) if isinstance(moment, datetime) else None
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
