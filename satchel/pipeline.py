"""Pipeline: encode and decode, the only place where registry, policy and limits meet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from satchel.codecs.base import flat
from satchel.errors import ContentDisallowed, LimitExceeded, MissingDependency
from satchel.faults import check_decompressed, fail_to_decode, fail_to_encode, not_bytes, too_large
from satchel.registry import Registry, default_registry
from satchel.registry.checks import CONTENT_ENCODINGS, takes_keyword
from satchel.registry.policy import AcceptPolicy
from satchel.types import Buffer, Encoded, Limits

if TYPE_CHECKING:
    from satchel.codecs.protocols import Compressor

# Exact tuples: every message takes them apart, which takes three times as long with named ones.
_Encoding: TypeAlias = tuple[str, Callable[..., bytes], str, str, bool]
"""The codec's name, its dumps, which takes limits, content type and content encoding; and whether it is a `Json`."""
_Decoding: TypeAlias = tuple[str, Callable[..., Any], str, Callable[..., bytes] | None]
"""The serializer's name, its loads, the compressor's name and its decompress."""

# In half the time of a NamedTuple's own constructor, which is Python.
_new = tuple.__new__


class _Bound:
    """What a pipeline has worked out from one registry; replaced as a whole when the process's registry changes."""

    def __init__(self, registry: Registry, policy: AcceptPolicy) -> None:
        self.registry = registry
        self.policy = policy
        self.encodings: dict[str, _Encoding] = {}
        # By content type, and by content type and compression: the codecs do not depend on the content encoding.
        self.decodings: dict[str | tuple[str, str], _Decoding] = {}


class Pipeline:
    """Encodes values, and decodes the messages that it accepts. Immutable, and shared by threads.

    Args:
        accept: the serializers whose messages are decoded: names, aliases or content types. There is no default.
        registry: a registry, or a function that gives the current one, such as `default_registry` (the default: codecs
            that are registered later are seen) or `celery_registry`.
        accept_compression: the compressors whose messages are decoded; by default those built in that are installed.
        limits: bounds on all that is decoded; what would exceed them is not encoded either.
        compression_threshold: bodies of fewer bytes are not compressed, since that would mostly make them larger.

    Raises:
        TypeError: `accept` is a str.
        UnknownCodec: a name that the registry does not know.
        ValueError: a negative threshold.
    """

    def __init__(
        self,
        accept: Iterable[str],
        *,
        registry: Registry | Callable[[], Registry] = default_registry,
        accept_compression: Iterable[str] | None = None,
        limits: Limits = Limits(),
        compression_threshold: int = 128,
    ) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits must be a Limits, got {limits!r}")
        if isinstance(compression_threshold, bool) or not isinstance(compression_threshold, int):
            raise TypeError(f"compression_threshold must be an int (bytes), got {compression_threshold!r}")
        if compression_threshold < 0:
            raise ValueError(f"compression_threshold must not be negative, got {compression_threshold}")
        if not callable(registry) and not isinstance(registry, Registry):
            raise TypeError(f"registry must be a Registry or a function that gives one, got {registry!r}")
        # None where the registry is always the same: a call for every message would be a fortieth of its time.
        self._current = None if isinstance(registry, Registry) else registry
        self._accept = accept if isinstance(accept, str) else tuple(accept)
        self._accept_compression = (
            accept_compression
            if accept_compression is None or isinstance(accept_compression, str)
            else tuple(accept_compression)
        )
        self._limits = limits
        self._max_body = limits.max_body
        self._compression_threshold = compression_threshold
        self._bound = self._bind(registry if isinstance(registry, Registry) else registry())

    def __repr__(self) -> str:
        return f"Pipeline({list(self._accept)!r}, registry={self.registry!r}, limits={self.limits!r})"

    @property
    def limits(self) -> Limits:
        """The bounds on what is encoded and decoded."""
        return self._limits

    @property
    def compression_threshold(self) -> int:
        """Bodies of fewer bytes are not compressed."""
        return self._compression_threshold

    @property
    def registry(self) -> Registry:
        """The registry as it is now."""
        return self._bound.registry if self._current is None else self._current()

    @property
    def accepted_content_types(self) -> tuple[str, ...]:
        """The content types that are decoded."""
        return tuple(self._rebound().policy.serializers)

    def _bind(self, registry: Registry) -> _Bound:
        return _Bound(registry, AcceptPolicy.of(registry, self._accept, self._accept_compression))

    def _rebound(self) -> _Bound:
        bound = self._bound
        if self._current is not None and bound.registry is not (registry := self._current()):
            bound = self._bound = self._bind(registry)
        return bound

    # Encoding

    def encode(
        self, value: Any, *, serializer: str = "json", compression: str | None = None, plain: list[bool] | None = None
    ) -> Encoded:
        """Encode a value.

        Args:
            value: a value that the serializer carries.
            serializer: name or alias.
            compression: name or alias of a compressor, or None. A body that is shorter than the threshold, or that
                would not shrink, goes out as it is: then `Encoded.compression` is None.
            plain: see `Json.dumps`; no other serializer tells.

        Raises:
            EncodeError: the value cannot be written, or is larger than the limits; with the path to the fault.
            UnknownCodec: no such serializer or compressor.
            MissingDependency: its library is not installed.
        """
        bound = self._bound
        if self._current is not None and bound.registry is not self._current():
            bound = self._rebound()
        encoding = bound.encodings.get(serializer) or self._encoding(bound, serializer)
        name, dumps, content_type, content_encoding, tells = encoding
        compressor = None if compression is None else bound.registry.compressor(compression)
        try:
            if plain is None or not tells:
                body = dumps(value, limits=self._limits)
            else:
                body = dumps(value, limits=self._limits, plain=plain)
        except Exception as error:  # noqa: BLE001 - a codec raises what it likes; it is wrapped here
            fail_to_encode(name, error)
        if type(body) is not bytes and not isinstance(body, bytes):
            raise not_bytes(name, "dumps", body)
        packed_by = None
        if compressor is not None:
            body, packed_by = self._compressed(compressor, body)
        if len(body) > self._max_body:
            raise too_large(name, len(body), "max_body", self._max_body)
        return _new(Encoded, (body, content_type, content_encoding, packed_by))

    def _encoding(self, bound: _Bound, name: str) -> _Encoding:
        codec = bound.registry.serializer(name)
        # A dumps that takes any keyword may mean its library's.
        limited = takes_keyword(codec.dumps, "limits", by_name=True)
        dumps = codec.dumps if limited else _unlimited(codec.dumps)
        # None but Satchel's own, whose word can be taken; it is imported by whoever uses it.
        own: Any = getattr(sys.modules.get("satchel.codecs.json"), "Json", None)
        encoding = codec.name, dumps, codec.content_type, codec.content_encoding, type(codec) is own
        bound.encodings[name] = encoding
        return encoding

    def _compressed(self, codec: Compressor, body: bytes) -> tuple[bytes, str | None]:
        if len(body) > self._limits.max_decompressed:
            raise too_large(codec.name, len(body), "max_decompressed", self._limits.max_decompressed)
        if len(body) < self.compression_threshold:
            return body, None
        try:
            compressed = codec.compress(body)
        except Exception as error:  # noqa: BLE001 - a codec raises what it likes; it is wrapped here
            fail_to_encode(codec.name, error)
        if not isinstance(compressed, bytes):
            raise not_bytes(codec.name, "compress", compressed)
        return (compressed, codec.content_type) if len(compressed) < len(body) else (body, None)

    # Decoding

    def decode(self, encoded: Encoded) -> Any:
        """Decode a message, if it is accepted.

        The checks go from the cheapest to the dearest: headers, then size; only then is anything imported, inflated or
        parsed.

        Args:
            encoded: the body with its three headers; the body may be any buffer.

        Raises:
            ContentDisallowed: the content type, its charset, the content encoding or the compression is not accepted.
            LimitExceeded: the body is larger, deeper or fuller than the limits.
            CorruptBody: the body is not what its content type says.
            MissingDependency: a codec that `accept` or `accept_compression` names is not installed.
        """
        body, content_type, content_encoding, compression = encoded
        bound = self._bound
        if self._current is not None and bound.registry is not self._current():
            bound = self._rebound()
        decoding = None
        # Nothing but a str is hashed: it could be nested deeper than the stack.
        if type(content_type) is type(content_encoding) is str and content_encoding in CONTENT_ENCODINGS:
            if compression is None:
                decoding = bound.decodings.get(content_type)
            elif type(compression) is str:
                decoding = bound.decodings.get((content_type, compression))
        serializer, loads, compressor, decompress = decoding or self._decoding(
            bound, body, content_type, content_encoding, compression
        )
        if type(body) is not bytes or len(body) > self._max_body:
            body = _bounded(body, self._max_body)
        limits = self._limits
        if decompress is not None:
            try:
                body = decompress(body, max_size=limits.max_decompressed)
            except Exception as error:  # noqa: BLE001 - a codec raises what it likes; it is wrapped here
                fail_to_decode(compressor, error)
            check_decompressed(compressor, body, limits.max_decompressed)
        try:
            return loads(body, limits=limits)
        except Exception as error:  # noqa: BLE001 - see above
            fail_to_decode(serializer, error)

    def _decoding(
        self, bound: _Bound, body: Buffer, content_type: Any, content_encoding: Any, compression: Any
    ) -> _Decoding:
        serializer, compressor = bound.policy.admit(content_type, content_encoding, compression)
        # The next check, before anything is imported.
        _bounded(body, self._max_body)
        decompress = None
        if compressor is not None:
            try:
                decompress = bound.registry.compressor(compressor).decompress
            except MissingDependency as error:
                if not bound.policy.optional:
                    raise
                raise ContentDisallowed(
                    f"the compression {compression!r} is not accepted: {error.what}",
                    cure=error.cure,
                    content_type=content_type,
                    accept=tuple(bound.policy.compressors),
                ) from error
        decoding = serializer, bound.registry.serializer(serializer).loads, compressor or "", decompress
        # Only the exact forms are kept: a sender must not be able to fill the table.
        exact = type(content_type) is type(content_encoding) is str and content_encoding in CONTENT_ENCODINGS
        known = type(compression) is str and compression in bound.policy.compressors
        if exact and content_type in bound.policy.serializers and (compression is None or known):
            bound.decodings[content_type if compression is None else (content_type, compression)] = decoding
        return decoding


def _unlimited(dumps: Callable[[Any], bytes]) -> Callable[..., bytes]:
    """Give a function that takes limits in the place of one that does not."""

    def limited(value: Any, *, limits: Limits) -> bytes:
        return dumps(value)

    return limited


def _bounded(body: Any, max_body: int) -> Buffer:
    """Give a buffer whose length is its size in bytes, unless it is too large."""
    if isinstance(body, memoryview):
        # A view may stand for far more bytes than it has memory.
        if body.nbytes > max_body:
            raise LimitExceeded("max_body", max_body)
        return flat(body)
    if not isinstance(body, bytes | bytearray):
        raise TypeError(f"a body is bytes, bytearray or memoryview, got {type(body).__name__}")
    if len(body) > max_body:
        raise LimitExceeded("max_body", max_body)
    return body
