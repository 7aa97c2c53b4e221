"""Connections by kombu's transports, as the settings say: kombu is imported when one is made, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

from satchel.calling.broker.link import PATIENCE, open_link
from satchel.calling.errors import nearest
from satchel.calling.settings.kinds import seconds
from satchel.codecs.base import require
from satchel.errors import MissingDependency

if TYPE_CHECKING:
    from satchel.calling.broker.base import Link
    from satchel.calling.settings import Settings

OVER_REDIS = frozenset({"redis", "rediss", "sentinel"})
OVER_AMQP = frozenset({"amqp", "amqps", "pyamqp"})


def scheme(url: str | Sequence[str]) -> str:
    """Give the scheme of a broker's url, or of the first of several; one that names none is AMQP."""
    first = url if isinstance(url, str) else url[0]
    before, there, _ = first.partition("://")
    return before if there else "amqp"


#: Schemes that errors name.
_USUAL = ("amqp", "amqps", "redis", "rediss", "sentinel", "sqs", "filesystem", "memory")

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


def link_to(settings: Settings) -> Link:
    """Make a link to the broker of the settings; nothing is connected yet."""
    return open_link(
        connection_of(settings),
        confirm=settings.broker_transport_options.get("confirm_publish", True),
        patience=seconds("confirm_timeout", settings.broker_transport_options.get("confirm_timeout", PATIENCE)),
    )


def connection_of(settings: Settings) -> Any:
    """Make a ``kombu.Connection`` to the broker of the settings, which connects when it is first used."""
    url = settings.publish_url
    options = dict(settings.broker_transport_options)
    options.pop("confirm_timeout", None)
    # Confirmed by the link, which can wait for many at once.
    options.pop("confirm_publish", None)
    # A server that does not answer is to be an error; these transports would wait for ever.
    if scheme(url) in OVER_REDIS:
        options.setdefault("socket_timeout", PATIENCE)
    elif scheme(url) in OVER_AMQP:
        options.setdefault("write_timeout", PATIENCE)
    return new_connection(
        url,
        options,
        setting="broker_url" if settings.broker_write_url is None else "broker_write_url",
        connect_timeout=settings.broker_connection_timeout,
        ssl=settings.broker_use_ssl,
        login_method=settings.broker_login_method,
        failover_strategy=settings.broker_failover_strategy,
    )


def new_connection(url: Any, options: dict[str, Any], *, setting: str = "broker_url", **more: Any) -> Any:
    """Make a ``kombu.Connection``, which connects when it is first used.

    Args:
        url: of the broker, or several.
        options: of the transport.
        setting: where the url is from, for errors. They do not show it: it has a password.
        more: what else `Connection` takes.

    Raises:
        ValueError: the url cannot be read, or there is no such transport, or no such database.
        MissingDependency: kombu, or the library of the transport, is not installed.
    """
    library, kind = kombu(), scheme(url)
    if callable(strategy := more.get("failover_strategy")):
        more["failover_strategy"] = _guarded(strategy)
    try:
        connection = library.Connection(url, transport_options=options, **more)
        _ = connection.transport  # Its library is imported here.
        read = import_module("kombu.utils.url").parse_url  # As kombu does, when it turns to another one.
        others = [read(other) for other in (connection.alt or ())[1:] if "://" in other]
    except _StrategyFailed as error:
        what = f"broker_failover_strategy gave no order of the brokers: {type(error.__cause__).__name__}"
        raise ValueError(what) from error.__cause__
    except TypeError as error:  # An option behind a question mark, for which kombu has no argument.
        from satchel.calling.urls import secret_behind

        named = "" if secret_behind(url) else _named(error)
        raise ValueError(f"{setting} has an option behind its ? that kombu does not know{named}") from None
    except KeyError as error:
        if "No such transport" not in str(error):
            raise ValueError(f"{setting} has an option behind its ? that kombu knows no such value of") from None
        near = nearest(kind, _USUAL)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(_USUAL)}, sqla+…, …"
        raise ValueError(f"kombu has no transport {kind!r}, see {setting}; {hint}") from error
    except ValueError:
        # Not chained: Python's own text may have a part of the password in it.
        raise _unreadable(setting) from None
    except (ImportError, NameError, AttributeError) as error:
        install = _INSTALL.get(kind.partition("+")[0], f"pip install 'kombu[{kind}]'")
        raise MissingDependency(
            "satchel.calling", f"of kombu's transport {kind}", None, cure=f"run: {install}"
        ) from error
    first = {"transport": kind, "virtual_host": connection.virtual_host}
    for each in (first, *others):
        if each["transport"] in OVER_REDIS:
            _check_database(str(each["virtual_host"] or "").strip("/"), setting)
    if connection.transport.driver_type == "sql":
        _find_driver(connection.hostname, setting)
    return connection


def _unreadable(setting: str) -> ValueError:
    from satchel.calling.urls import UNREADABLE

    return ValueError(f"{setting} cannot be read; {UNREADABLE}")


class _StrategyFailed(Exception):
    """What the application's own function raised, which says nothing of the url."""


def _guarded(strategy: Callable[..., Any]) -> Callable[..., Any]:
    """Give a strategy whose faults are told apart from those of urls, and which begins again when it ends."""

    def order(urls: Any) -> Iterator[Any]:
        try:
            given = iter(strategy(urls))
            first = next(given)
        except Exception as error:
            raise _StrategyFailed from error
        return chain((first,), given, _again(strategy, urls))

    return order


def _again(strategy: Callable[..., Any], urls: Any) -> Iterator[Any]:
    while given := list(strategy(urls)):
        yield from given


def _check_database(path: str, setting: str) -> None:
    # Kombu would say so too, when it connects, and not of which url.
    if path and not path.isdecimal():
        raise ValueError(f"{setting}: behind the / is the number of Redis's database, such as redis://host/0")


def _named(error: TypeError) -> str:
    name = str(error).split("'")[1:2]
    return f": {name[0]}" if name and name[0].isidentifier() else ""


def _find_driver(url: str, setting: str) -> None:
    """Find what SQLAlchemy needs for a database: kombu would do so when it connects, and its error says less."""
    sqlalchemy: Any = import_module("sqlalchemy")  # Kombu has it already.
    try:
        dialect = sqlalchemy.make_url(url).get_dialect()
    except sqlalchemy.exc.NoSuchModuleError as error:
        raise ValueError(
            f"{setting} names no database that SQLAlchemy knows: {url.partition(':')[0]!r}; "
            "it is sqla+ and SQLAlchemy's url: sqla+sqlite:///path, sqla+postgresql+psycopg://user@host/name, …"
        ) from error
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise _unreadable(setting) from None
    try:
        dialect.import_dbapi()
    except ImportError as error:
        raise MissingDependency(
            f"{setting} sqla+…",
            error.name or "of its driver",
            None,
            cure=f"install the driver, or name another one in {setting}",
            fault=error,
        ) from error
