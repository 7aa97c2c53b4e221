"""The options of calls and of tasks, as type checkers see them. No call needs them: they are imported by who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from satchel.message.task_options import TaskOptions

if TYPE_CHECKING:
    from satchel.calling.broker.pool import Lease
    from satchel.calling.retrying import RetryPolicy


class CallOptions(TaskOptions, total=False):
    """What `Task.apply_async` takes beside arguments: `satchel.message.TaskOptions`, and these. None means absent.

    Where it goes:
        queue: the name of a queue, or a ``kombu.Queue``; one that is missing is created.
        exchange: the name of an exchange, or a ``kombu.Exchange``, which is declared.
        routing_key: the routing key; without an exchange, that of the default exchange of the settings.

    How it is published:
        retry: False tries once; default the setting ``task_publish_retry``.
        retry_policy: see `RetryPolicy`; keys that are not given are those of ``task_publish_retry_policy``.
        connection, producer, publisher: a lease of ``app.pool``, a `Publisher`, or kombu's ``Connection`` or
            ``Producer``, to be used instead of one from the pool. It is tried once: only its owner can connect it anew.
        mandatory: False lets the broker drop a message that no queue takes, as Celery does; default True.
        timeout: seconds to wait for a connection of the pool, and then for the broker to confirm; more than 0, as in
            no time no broker confirms. For a connection at once or none, take it: ``app.pool.acquire(block=False)``.
    """

    queue: Any | None
    exchange: Any | None
    routing_key: str | None
    retry: bool | None
    retry_policy: RetryPolicy | Mapping[str, Any] | None
    connection: Lease | Any | None
    producer: Any | None
    publisher: Any | None
    mandatory: bool | None
    timeout: float | None


class TaskDefaults(TaskOptions, total=False):
    """What a task may say: options that hold for all its calls, where a call does not say."""

    queue: Any | None


class WorkerOptions(TypedDict, total=False):
    """Options of tasks that belong to workers, which have their own: taken by ``@app.task``, and of no effect here."""

    base: Any
    lazy: Any
    shared: Any
    trail: Any
    throws: Any
    Strategy: Any
    Request: Any
    # When it is tried again.
    max_retries: Any
    default_retry_delay: Any
    autoretry_for: Any
    dont_autoretry_for: Any
    retry_kwargs: Any
    retry_backoff: Any
    retry_backoff_max: Any
    retry_jitter: Any
    retry_on_worker_lost: Any
    # When it is acknowledged.
    acks_late: Any
    acks_on_failure: Any
    acks_on_timeout: Any
    acks_on_failure_or_timeout: Any
    reject_on_worker_lost: Any
    # How it runs, and what is told of it.
    rate_limit: Any
    track_started: Any
    send_events: Any
    resultrepr_maxsize: Any
    store_eager_result: Any
    store_errors_even_if_ignored: Any
    before_start: Any
    on_success: Any
    on_failure: Any
    on_retry: Any
    after_return: Any
    # How it takes models.
    pydantic: Any
    pydantic_strict: Any
    pydantic_context: Any
    pydantic_dump_kwargs: Any


class DeclaredOptions(TaskDefaults, WorkerOptions, total=False):
    """What ``@app.task`` takes: options of its calls, and those that one function has for the worker as well."""
