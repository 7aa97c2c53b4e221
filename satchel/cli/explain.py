"""The explanation of one message: its body, step by step, and what an accept list says to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from satchel.cli import guess, pickles, task
from satchel.cli.dumps import Found
from satchel.cli.outcome import MISSING, advice, code_of, one_line
from satchel.cli.task import Row
from satchel.errors import ContentDisallowed, CorruptBody, DecodeError, LimitExceeded, RegistryError, SatchelError
from satchel.message import bounded_repr
from satchel.registry import celery_registry
from satchel.registry.policy import AcceptPolicy
from satchel.types import Limits


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        accept: the accept list to judge by.
        limits: bounds on what is decompressed and decoded.
        now: the time that eta and expires are held against.
        longest: characters of a value that are shown.
    """

    accept: tuple[str, ...]
    limits: Limits
    now: datetime
    longest: int


@dataclass
class Report:
    """An explanation, in sections of rows.

    Attributes:
        what: where the message was found.
        sections: rows of a name and a text, by the section's name.
        bad: the body is damaged or beyond the limits.
        missing: a library that the body needs is not installed.
        recognised: the body is of some format.
    """

    what: str
    sections: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    bad: bool = False
    missing: bool = False
    recognised: bool = True

    def add(self, section: str, *rows: Row) -> None:
        """Add rows, without those that have no text."""
        kept = [(one_line(name, 40), one_line(text, 20_000)) for name, text in rows if text]
        if kept:
            self.sections.setdefault(section, []).extend(kept)

    def fail(self, name: str, error: SatchelError) -> None:
        """Add the row of something that could not be done to the body."""
        self.bad = self.bad or isinstance(error, CorruptBody | LimitExceeded)
        self.missing = self.missing or code_of(error) == MISSING
        self.add("body", (name, advice(error)))

    def lines(self) -> Iterable[str]:
        """Lay it out."""
        yield self.what
        names = [name for rows in self.sections.values() for name, _ in rows]
        width = min(max(map(len, names), default=0), 24)
        for section, rows in self.sections.items():
            yield f"  {section}"
            for name, text in rows:
                yield f"    {name.ljust(width)}  {text}"


def explain(found: Found, request: Request) -> Report:
    """Explain a message, or a bare body."""
    report = _explained(found, request)
    body = found.envelope.body
    if found.bare and body.endswith(b"\n") and (report.bad or not report.recognised):
        trimmed = _explained(found._replace(envelope=found.envelope._replace(body=body[:-1])), request)
        if trimmed.recognised and not trimmed.bad:
            trimmed.add("body", ("note", "without the newline at its end, which redis-cli adds"))
            return trimmed
    return report


def _explained(found: Found, request: Request) -> Report:
    report = Report(found.what)
    body = _Body(found, report, request.limits)
    body.take_apart()
    for note in found.notes:
        report.add("body", ("note", note))
    told = task.sections(found, body.value, decoded=body.decoded, now=request.now, longest=request.longest)
    for section, rows in told:
        report.add(section, *rows)
    if body.decoded and not report.sections.keys() & {"task", "result"}:
        report.add("body", ("value", bounded_repr(body.value, max_length=request.longest, max_levels=12)))
    _judge(report, body, request.accept)
    return report


class _Body:
    """A body that is taken apart, each step told in a report.

    Attributes:
        content_type, content_encoding, compression: by its headers, or guessed.
        guessed: they were guessed.
        decoded, value: whether it was decoded, and what it holds.
    """

    def __init__(self, found: Found, report: Report, limits: Limits) -> None:
        self.content_type, self.content_encoding = found.envelope.content_type, found.envelope.content_encoding
        self.compression = found.envelope.headers.get("compression")
        self.guessed = found.bare
        self.decoded = False
        self.value: Any = None
        self._body = self._inflated = found.envelope.body
        self._wrapped = found.envelope.properties.get("body_encoding")
        self._report = report
        self._limits = limits

    def take_apart(self) -> None:
        """Decompress, tell the format, and decode, as far as it goes."""
        wrapped = f", in {self._wrapped} in the envelope" if isinstance(self._wrapped, str) else ""
        self._tell("size", f"{len(self._body):,} bytes{wrapped}")
        try:
            self._inflate()
        except (DecodeError, RegistryError) as error:
            self._report.fail("not decompressed", error)
            self._tell("begins with", repr(self._body[:48]))
        else:
            if self.content_type is None:
                self._guess()
            else:
                self._identify()
        if self.content_type is not None:
            self._tell("content type", f"{self.content_type}; {self.content_encoding}")

    def _tell(self, name: str, text: str) -> None:
        self._report.add("body", (name, text))

    def _inflate(self) -> None:
        looks = guess.compression(self._body)
        if self.compression is not None:
            self._tell("compression", f"{_named(self.compression, looks)}, by its header")
        elif looks and self.guessed:
            self.compression = looks
            self._tell("compression", f"{_named(looks, looks)}, by its first bytes")
        elif self.content_type is not None:
            self._tell("compression", f"none, though it looks like {looks}" if looks else "none")
        self._inflated = guess.inflate(self._body, self.compression, self._limits)
        self._tell_inflated()

    def _tell_inflated(self) -> None:
        if self.compression is not None:
            sent, held = len(self._body), len(self._inflated)
            share = f"it is sent as {sent / held:.1%} of that" if sent < held else "compression did not shorten it"
            self._tell("decompressed", f"{held:,} bytes; {share}")

    def _identify(self) -> None:
        """Decode by the content type, when that is safe."""
        try:
            policy = AcceptPolicy.of(celery_registry(), tuple(celery_registry().serializers), None)
            serializer, _ = policy.admit(self.content_type, self.content_encoding, None)
        except ContentDisallowed as error:
            self._tell("not decoded", f"{error.what.replace('accepted', 'known')}; {self._look()}")
            return
        if serializer == "pickle":
            self._look_at_pickle()
            return
        try:
            self.value, self.decoded = guess.decode(self._inflated, serializer, self._limits), True
        except (DecodeError, RegistryError) as error:
            self._report.fail("not decoded", error)
            self._tell("note", self._look())

    def _look_at_pickle(self) -> None:
        said = pickles.contents(self._inflated)
        self._report.bad = self._report.bad or said.fault is not None
        self._report.add("pickle", *task.pickle_rows(said))

    def _look(self) -> str:
        looks = guess.form(self._inflated, self._limits).serializer
        if looks == "pickle":
            self._look_at_pickle()
        return f"the body looks like {looks}"

    def _guess(self) -> None:
        """Tell the format by trial; pickle is never tried."""
        found = guess.form(self._inflated, self._limits)
        if found.serializer == "raw" and self.compression is None:
            try:
                tried = guess.brotli(self._inflated, self._limits)
            except LimitExceeded as error:
                self._report.fail("not decompressed", error)
                return
            if tried is not None:
                self._inflated, found = tried
                self.compression = "brotli"
                self._tell("compression", f"{_named('brotli')}, by trial")
                self._tell_inflated()
        if self.compression is None:
            self._tell("compression", "none")
        self._report.recognised = found.serializer not in ("raw", "text")
        entry = celery_registry().entry("serializer", found.serializer)
        self.content_type, self.content_encoding = entry.content_types[0], entry.codec_class().content_encoding
        self.guessed = True
        self._tell("format", f"{found.serializer}, by trial")
        if found.serializer == "pickle":
            self._look_at_pickle()
        elif found.error is not None:
            self._report.fail("not decoded", found.error)
        else:
            self.value, self.decoded = found.value, True


def _named(compression: object, looks: str | None = None) -> str:
    """Give a compressor's name and content type. Gzip and zlib share these in Celery, so the first bytes decide."""
    try:
        entry = celery_registry().entry("compressor", compression.lower() if isinstance(compression, str) else "")
    except RegistryError:
        return repr(compression)
    name = looks if entry.name == "zlib" and looks == "gzip" else entry.name
    return f"{name} ({entry.content_types[0]})"


def _judge(report: Report, body: _Body, accept: tuple[str, ...]) -> None:
    """Tell what a pipeline with the accept list would say, from the headers alone."""
    if body.guessed and body.content_type is None:
        return
    try:
        policy = AcceptPolicy.of(celery_registry(), accept, None)
        policy.admit(body.content_type, body.content_encoding, body.compression)
    except ContentDisallowed as error:
        verdict = f"refused before anything is decoded: {error}"
    else:
        verdict = "its headers are accepted, its body is not: see above" if report.bad else "accepted"
    guessed = " (headers as guessed)" if body.guessed else ""
    report.add("accept list", (f"accept={list(accept)!r}", f"{verdict}{guessed}"))
