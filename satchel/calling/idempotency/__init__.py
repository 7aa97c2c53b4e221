"""Idempotency keys in Redis: one call for each."""

from __future__ import annotations

from satchel.calling.idempotency.keyed import Idempotency, IdempotencyError, KeyedResult

__all__ = ["Idempotency", "IdempotencyError", "KeyedResult"]
