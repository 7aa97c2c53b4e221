"""Kombu, whose transports carry the messages: imported when a connection is made, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from satchel.codecs.base import require
from satchel.errors import MissingDependency

OVER_REDIS = frozenset({"redis", "rediss", "sentinel"})
OVER_AMQP = frozenset({"amqp", "amqps", "pyamqp"})


def scheme(url: str | Sequence[str]) -> str:
    """Give the scheme of a broker's url, or of the first of several; one that names none is AMQP."""
    first = url if isinstance(url, str) else url[0]
    before, there, _ = first.partition("://")
    return before if there else "amqp"


#: Where the extra is not the scheme.
_INSTALL = {
    **dict.fromkeys(OVER_REDIS, "pip install 'satchel[redis]'"),
    **dict.fromkeys(("sqla", "sqlalchemy", "db"), "pip install 'satchel[sqlalchemy]'"),
}


def kombu() -> Any:
    """Import kombu.

    Raises:
        MissingDependency: it is not installed.
    """
    return require("kombu", codec="satchel.calling", library="kombu", extra="calling")


def new_connection(url: Any, options: dict[str, Any], **more: Any) -> Any:
    """Make a ``kombu.Connection``, which connects when it is first used.

    Args:
        url: of the broker, or several.
        options: of the transport.
        more: what else `Connection` takes.

    Raises:
        MissingDependency: kombu, or the library of the transport, is not installed.
    """
    library, kind = kombu(), scheme(url)
    try:
        connection = library.Connection(url, transport_options=options, **more)
        _ = connection.transport  # Its library is imported here.
    except KeyError as error:
        raise ValueError(
            f"kombu has no transport {kind!r}; known: amqp, redis, rediss, sentinel, sqs, filesystem, sqla+…, memory, …"
        ) from error
    except (ImportError, NameError, AttributeError) as error:
        install = _INSTALL.get(kind.partition("+")[0], f"pip install 'kombu[{kind}]'")
        raise MissingDependency(
            "satchel.calling", f"of kombu's transport {kind}", None, cure=f"run: {install}"
        ) from error
    return connection
