"""The options of a task message, as type checkers see them. No message needs them: they are imported by who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from satchel.message.options import Signature

Seconds = float | timedelta


class TaskOptions(TypedDict, total=False):
    """What `MessageBuilder.build` takes beside a task's name and arguments. None means absent, as if not given.

    When it runs:
        countdown: wait from now, in seconds or as a timedelta; 0 is none.
        eta: the earliest time, as a datetime. Not together with `countdown`.
        expires: the latest time, as a wait or a datetime; a worker then revokes the task.
        broker_expiration: True lets the broker drop the message at `expires` too. The task's result then stays PENDING
            for ever; otherwise the worker marks it REVOKED.

    What it is:
        task_id: its unique id; default a new UUID 4.
        root_id, parent_id: the tasks that it comes from; `root_id` is its own id by default.
        group_id (also `group`), group_index: the group that it belongs to, and its place in there (0 and up).
        retries: how often it was tried before.
        replaced_task_nesting: how often it replaced another task.
        shadow: a name for logs, instead of the task's own.
        stamps: stamp names with their values, of the types that `headers` may have.
        origin: the sender; default the builder's.
        argsrepr, kwargsrepr: texts for logs and monitors; default `bounded_repr` of the arguments.

    What follows: signatures, see `satchel.message.options.signature`.
        link (also `callbacks`), link_error (also `errbacks`): one or a list, run when it succeeded or failed.
        chain: one or a list, run one after another behind it, in the order given.
        chord: the body of the chord whose header it is in.

    How it runs:
        time_limit, soft_time_limit: seconds until it is killed, or told to stop.
        ignore_result: True stores no result; None leaves it to the worker's own setting for the task; default False.

    How it is sent:
        serializer, compression: names in the pipeline's registry; default the builder's. ``compression=None`` is "off".
        priority: 0 to 255; what it does depends on the transport.
        headers: headers of your own; names of the protocol are refused, and so is what transports do not carry
            unchanged (see `satchel.message.checks.table`): None, bool, int, float, str, lists and dicts of them are
            taken.
        delivery_mode: 2 or "persistent" (default), 1 or "transient".
        correlation_id: default the task's id.
        reply_to, message_id, type, user_id, app_id, cluster_id: AMQP properties, at most 255 bytes each.
        timestamp: the AMQP property, as a datetime or whole seconds since 1970.
        expiration: how long the broker keeps the message, in seconds or as a timedelta. Not with `broker_expiration`.
    """

    task_id: str | None
    countdown: Seconds | None
    eta: datetime | None
    expires: Seconds | datetime | None
    broker_expiration: bool | None
    retries: int | None
    group_id: str | None
    group: str | None
    group_index: int | None
    root_id: str | None
    parent_id: str | None
    link: Signature | Sequence[Signature] | None
    callbacks: Signature | Sequence[Signature] | None
    link_error: Signature | Sequence[Signature] | None
    errbacks: Signature | Sequence[Signature] | None
    chain: Signature | Sequence[Signature] | None
    chord: Signature | None
    reply_to: str | None
    time_limit: float | None
    soft_time_limit: float | None
    shadow: str | None
    priority: int | None
    ignore_result: bool | None
    headers: Mapping[str, Any] | None
    delivery_mode: Literal[1, 2, "transient", "persistent"] | None
    correlation_id: str | None
    message_id: str | None
    timestamp: datetime | int | None
    type: str | None
    user_id: str | None
    app_id: str | None
    cluster_id: str | None
    expiration: Seconds | None
    stamps: Mapping[str, Any] | None
    argsrepr: str | None
    kwargsrepr: str | None
    replaced_task_nesting: int | None
    origin: str | None
    serializer: str | None
    compression: str | None
