"""URLs of servers: what is mostly wrong with one that cannot be read, and those of Redis, as redis-py takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from satchel.calling.errors import did_you_mean
from satchel.message.times import duration, shown

REDIS: Final = ("redis", "rediss", "redis+socket", "socket", "unix")
"""The schemes of Redis's urls; the last three are of socket files."""

UNREADABLE: Final = (
    "a port is a number from 0 to 65535; in names and passwords write / as %2F, : as %3A, @ as %40, ? as %3F, # as %23"
)
"""What is mostly wrong with a url that cannot be read."""


def _count(text: str) -> None:
    if int(text) < 0:
        raise ValueError


def _seconds(text: str) -> None:
    if not duration("it", float(text)).total_seconds() > 0:
        raise ValueError


_TLS: Final = (
    *("ssl_cert_reqs", "ssl_check_hostname", "ssl_ciphers", "ssl_password", "ssl_ca_certs", "ssl_ca_data"),
    *("ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_min_version"),
)
#: Others that redis-py knows are objects, or it takes their text for something else.
_KNOWN: Final = frozenset(
    {
        *(
            "db",
            "username",
            "password",
            "client_name",
            "lib_name",
            "lib_version",
            "protocol",
            "max_connections",
            "health_check_interval",
        ),
        *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "retry_on_timeout"),
    }
)
_CHECKS: Final[dict[str, Callable[[str], None]]] = {
    **dict.fromkeys(("db", "protocol", "max_connections", "health_check_interval", "ssl_min_version"), _count),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _seconds),
}
#: How redis-py gives texts. Workers, which may have the same url, read them as well as bytes; here all is bytes.
_OF_TEXTS: Final = frozenset({"decode_responses", "encoding", "encoding_errors"})


def redis_url(url: str, where: str = "the url of result_backend") -> str:
    """Give a url as redis-py takes it for one as Celery does, without what says how texts are decoded.

    Args:
        url: such as ``redis://:password@host:6379/0``, ``rediss://…`` or ``redis+socket:///path``.
        where: what errors call it. They do not show it: there may be a password in it.

    Raises:
        ValueError: it cannot be read, or an option of it is unknown or wrong.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Not chained: Python's own text may have a part of the password in it.
        raise ValueError(f"{where} cannot be read; {UNREADABLE}") from None
    scheme = parts.scheme.lower()
    if scheme not in REDIS:
        raise ValueError(f"{where} must begin with {'://, '.join(REDIS)}://, got {shown(scheme)}")
    query = _options(parts.query, scheme, where)
    if scheme in ("redis+socket", "socket"):
        query["db"] = query.pop("virtual_host", query.get("db", "0")).strip("/")
        scheme = "unix"
    # As redis-py has it; it would take a path that is no number for none at all.
    database = {"db": parts.path.strip("/")} if scheme != "unix" and parts.path.strip("/") else {}
    for name, value in {**database, **query}.items():
        _check(name, value, where)
    requirement = query.get("ssl_cert_reqs", "")
    if requirement.startswith("CERT_"):
        query["ssl_cert_reqs"] = requirement.removeprefix("CERT_").lower()
    made = urlunsplit((scheme, parts.netloc, parts.path, urlencode(query), ""))
    # A path without a host loses its slashes.
    return made if "://" in made else made.replace(f"{scheme}:", f"{scheme}://", 1)


def secret_behind(url: object) -> bool:
    """Say whether what is behind the question mark of a url may be a part of a password that has one in it."""
    urls = url if isinstance(url, (list, tuple)) else str(url).split(";")
    return any("@" in each.partition("?")[2] for each in map(str, urls))


def _options(query: str, scheme: str, where: str) -> dict[str, str]:
    """Give the options that say something; of several with one name, the last."""
    known = _KNOWN
    if scheme == "rediss":
        known = known.union(_TLS)
    elif scheme != "redis":
        known = known - {"socket_keepalive"} | {"virtual_host"}
    given = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    for name in given:
        if name in known or name in _OF_TEXTS:
            continue
        if name in _TLS:
            raise ValueError(f"the option {name!r} in {where} is for TLS: begin it with rediss://")
        if "@" in query or not name.isidentifier():  # A part of a password, perhaps.
            raise ValueError(f"{where} cannot be read; {UNREADABLE}")
        if name:
            raise ValueError(f"unknown option {shown(name)} in {where}; {did_you_mean(name, known)}")
    return {name: value for name, value in given.items() if value and name in known}


def _check(name: str, value: str, where: str) -> None:
    check = _CHECKS.get(name)
    if check is None:
        return
    try:
        check(value)
    except ValueError:
        kind = "a whole number, 0 or more" if check is _count else "a number of seconds, greater than 0"
        raise ValueError(f"the option {name!r} in {where} must be {kind}") from None
