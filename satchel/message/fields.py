"""The fields of a task message, in the order and with the defaults of Celery 5 (``celery.app.amqp``), and its names."""

from __future__ import annotations

import os
from typing import Any, Final

HEADERS: Final[dict[str, Any]] = {
    "lang": "py",
    "task": None,
    "id": None,
    "shadow": None,
    "eta": None,
    "expires": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "timelimit": None,
    "root_id": None,
    "parent_id": None,
    "argsrepr": None,
    "kwargsrepr": None,
    "origin": None,
    "ignore_result": False,
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": None,
}
"""Protocol 2: the headers. What holds None here is put in by the builder, or stays None when absent."""

EMBED: Final[dict[str, Any]] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
"""Protocol 2: the third item of the body, behind args and kwargs."""

PROPERTIES: Final[dict[str, Any]] = {"correlation_id": None, "reply_to": "", "delivery_mode": 2}
"""Both protocols: AMQP properties that are always there."""

RESERVED: Final = frozenset(HEADERS) | {"compression"}
"""Header names that belong to the protocol. In protocol 1 as well, for a header ``task`` makes it protocol 2."""


def protocol_1_body(
    args: Any, kwargs: dict[str, Any], headers: dict[str, Any], embed: dict[str, Any]
) -> dict[str, Any]:
    """Arrange the body of protocol 1, which holds everything, from the parts of protocol 2."""
    return {
        "task": headers["task"],
        "id": headers["id"],
        "args": args,
        "kwargs": kwargs,
        "group": headers["group"],
        "group_index": headers["group_index"],
        "retries": headers["retries"],
        "eta": headers["eta"],
        "expires": headers["expires"],
        "utc": True,
        "callbacks": embed["callbacks"],
        "errbacks": embed["errbacks"],
        "timelimit": tuple(headers["timelimit"]),
        "taskset": headers["group"],
        "chord": embed["chord"],
    }


# The hex digit that holds the variant: its two upper bits are 10, its two lower ones random.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

# One value, replaced as a whole: a process that was forked, by Python or by C, has another pid.
_known_origin: tuple[int, str] = (0, "")


def new_id() -> str:
    """Make a random UUID 4 (RFC 9562) as text, in less than half the time of ``str(uuid.uuid4())``."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


def this_origin() -> str:
    """Name this process as Celery does: ``gen<pid>@<host>``."""
    global _known_origin
    pid, origin = _known_origin
    if pid != os.getpid():
        import socket  # 3 ms to import; only a process that sends needs it.

        pid = os.getpid()
        origin = f"gen{pid}@{socket.gethostname()}"
        _known_origin = pid, origin
    return origin
