"""Which result backend a url means: Redis, rpc, files or SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from satchel.calling.results.backends.base import Backend
from satchel.calling.results.exceptions import ExceptionTable
from satchel.calling.results.reading import ResultReader
from satchel.message.times import duration
from satchel.registry import Registry, celery_registry
from satchel.types import Limits

_REDIS: Final = frozenset({"redis", "rediss", "unix", "redis+socket", "socket"})
_CHOICES: Final = "redis://, rediss://, redis+socket://, rpc://, file:// and db+<SQLAlchemy's url>"
_WITHOUT: Final = "where results are read elsewhere, result_backend=None sends without them: App(…, backend=None)"


def backend_for(
    url: str,
    *,
    serializer: str = "json",
    accept: Iterable[str] | None = None,
    limits: Limits = Limits(),
    exceptions: Iterable[str | type[Exception]] | ExceptionTable = (),
    registry: Registry | Callable[[], Registry] = celery_registry,
    transport_options: Mapping[str, Any] | None = None,
    expires: float | timedelta | None = 86_400,
    socket_timeout: float = 10.0,
    connect_timeout: float = 4.0,
    table_names: Mapping[str, str] | None = None,
    table_schemas: Mapping[str, str] | None = None,
    engine_options: Mapping[str, Any] | None = None,
    connect: Callable[[], Any] | None = None,
) -> Backend:
    """Make the result backend for a url. Nothing is connected, and no library imported, before it is used.

    Args:
        url: Celery's ``result_backend``.
        serializer: ``result_serializer``, which the workers must have too: stored results do not say theirs.
        accept: ``result_accept_content``: names of serializers that are decoded; default JSON alone.
        limits: bounds on all that is decoded.
        exceptions: classes to rebuild, or their names as "module:Class", besides Python's own.
        registry: the codecs.
        transport_options: ``result_backend_transport_options``; ``global_keyprefix`` is looked at.
        expires: ``result_expires`` in seconds: how long a saved group is kept, and a queue for replies that nobody
            uses; None for ever, which only groups are.
        socket_timeout: ``redis_socket_timeout`` in seconds: how long Redis may take to answer.
        connect_timeout: ``redis_socket_connect_timeout`` in seconds.
        table_names: ``database_table_names``, for "task" and "group".
        table_schemas: ``database_table_schemas``, likewise.
        engine_options: ``database_engine_options``.
        connect: for rpc: gives a new kombu connection to the broker, which the backend closes.

    Raises:
        TypeError, ValueError: an argument is not one of these; the message names it.
        UnknownCodec: a serializer that the registry does not know.
    """
    if not isinstance(url, str):
        raise TypeError(f"a result backend is the url of one, as a str, got {url!r}")
    scheme = url.partition(":")[0].lower()
    seconds = None if expires is None else duration("expires", expires).total_seconds()
    reader = ResultReader(serializer, accept, limits=limits, exceptions=exceptions, registry=registry)
    prefix = key_prefix((transport_options or {}).get("global_keyprefix"))
    if scheme in _REDIS:
        from satchel.calling.results.backends.redis import RedisBackend

        return RedisBackend(
            url,
            reader,
            prefix=prefix,
            expires=seconds,
            socket_timeout=socket_timeout,
            connect_timeout=connect_timeout,
        )
    if scheme == "rpc":
        from satchel.calling.results.backends.rpc import RpcBackend

        if connect is None:
            raise TypeError("rpc:// needs connect=, a function that gives a kombu connection to the broker")
        return RpcBackend(connect, reader, expires=seconds)
    if scheme == "file":
        from satchel.calling.results.backends.filesystem import FilesystemBackend

        return FilesystemBackend(url, reader, prefix=prefix)
    if scheme.startswith("db+"):
        from satchel.calling.results.backends.sqlalchemy import SQLAlchemyBackend

        return SQLAlchemyBackend(
            url[3:], reader, names=table_names, schemas=table_schemas, engine_options=engine_options
        )
    raise ValueError(f"no result backend for {scheme[:40]!r}; known: {_CHOICES}; {_WITHOUT}")


def key_prefix(name: object) -> str:
    """Give what stands before all keys for the option ``global_keyprefix``: a mark follows it, as in Celery."""
    if name is None or name == "":
        return ""
    if not isinstance(name, str):
        raise TypeError(f"global_keyprefix must be a str, got {name!r}")
    return name if name[-1] in ":_-." else f"{name}_"
