"""Signatures: the plain dicts that describe a task to be run after another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from satchel.message.times import shown

Signature = Mapping[str, Any]
"""What describes a task that follows: see `signature`."""

_FIELDS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "task": (str, "a task name"),
    "args": ((list, tuple), "a list or tuple"),
    "kwargs": (Mapping, "a mapping"),
    "options": (Mapping, "a mapping"),
    "subtask_type": ((str, type(None)), "a str or None"),
    "immutable": (bool, "a bool"),
}


def signature(name: str, value: object) -> dict[str, Any]:
    """Check one signature, given as the option `name`, and copy it to a plain dict with every field that workers read.

    Args:
        value: a mapping with ``task`` and, when wanted, ``args``, ``kwargs``, ``options`` (execution options of that
            task, such as ``task_id`` and ``queue``), ``subtask_type`` and ``immutable``. Others are kept.
            Celery's ``Signature`` is such a mapping.

    Raises:
        TypeError: it is not a mapping, or a field, or a name in one, has another type; the message names the field.
        ValueError: it has no task name.
    """
    if not isinstance(value, Mapping):
        # A task, of Satchel or of Celery.
        cure = "; a task's signature is task.s(…), or task.si(…)" if callable(getattr(value, "si", None)) else ""
        raise TypeError(
            f"{name} must be a signature, such as {{'task': 'shop.pay', 'args': [1]}}, got {shown(value)}{cure}"
        )
    plain: dict[str, Any] = {
        "task": None,
        "args": [],
        "kwargs": {},
        "options": {},
        "subtask_type": None,
        "immutable": False,
    }
    plain.update(value)
    if plain["task"] is None or plain["task"] == "":
        raise ValueError(f"{name} has no task name: a signature needs 'task', got {shown(value)}")
    for field, (types, expected) in _FIELDS.items():
        if not isinstance(plain[field], types):
            raise TypeError(f"{name}: its {field!r} must be {expected}, got {shown(plain[field])}")
    for field in ("kwargs", "options"):
        plain[field] = dict(plain[field])
        for key in plain[field]:
            if not isinstance(key, str):
                raise TypeError(f"{name}: its {field!r} must have str names, got {shown(key)}")
    return plain


def signatures(name: str, value: object) -> list[dict[str, Any]]:
    """Check one signature or a list of them, given as the option `name`; see `signature`."""
    if isinstance(value, (list, tuple)):
        return [signature(f"{name}[{index}]", item) for index, item in enumerate(value)]
    return [signature(name, value)]


def chain(name: str, value: object) -> list[dict[str, Any]] | None:
    """Check the rest of a chain, in the order in which it runs, and give it as messages carry it: last task first."""
    return signatures(name, value)[::-1] or None
