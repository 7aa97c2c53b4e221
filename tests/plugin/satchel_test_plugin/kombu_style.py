"""A plugin of kombu's own kind: encoder, decoder, content type, content encoding. It carries text, in capitals."""

from __future__ import annotations


def _encode(value: str) -> str:
    return value.upper()


def _decode(body: str | bytes) -> str:
    return body.lower() if isinstance(body, str) else bytes(body).decode().lower()


upper = (_encode, _decode, "application/x-upper", "utf-8")
