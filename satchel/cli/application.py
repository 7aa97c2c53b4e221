"""What `satchel send` and `satchel results` share: where broker and results are, and errors in the command's terms."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from satchel.cli.given import mapping_of, named
from satchel.cli.outcome import BAD_DATA, FAILED, MISSING, Failure, one_line, usage
from satchel.errors import ContentDisallowed, DecodeError, LimitExceeded, SatchelError

if TYPE_CHECKING:
    from satchel.calling import Settings

#: Stands for a broker that nobody has named: Celery would take one on this machine.
_NOWHERE = "nowhere://"
_PREFIX = "CELERY_"


def add_application(parser: ArgumentParser, *, sends: bool) -> None:
    """Add the options that say where broker and results are.

    Args:
        parser: of the command.
        sends: it needs a broker.
    """
    group = parser.add_argument_group(
        "broker and results", "settings are also read from the environment, under Celery's names: CELERY_RESULT_BACKEND"
    )
    if sends:
        group.add_argument("--broker", metavar="URL", help="the broker; default CELERY_BROKER_URL of the environment")
        group.add_argument(
            "--transport-option",
            action="append",
            type=named,
            default=[],
            metavar="NAME=VALUE",
            help="an option of kombu's transport, JSON or text; may be repeated",
        )
    group.add_argument(
        "--backend", metavar="URL", help="where results are; default CELERY_RESULT_BACKEND of the environment"
    )
    group.add_argument("--config", metavar="MODULE", help="a module with Celery's settings, over the environment's")


def settings_of(options: Namespace) -> Settings:
    """Gather the settings: options over the module's over the environment's.

    Raises:
        Failure: one of them is wrong; or the command needs a broker, and there is none.
    """
    from satchel.calling.settings import Settings

    given: dict[str, Any] = {}
    if options.backend is not None:
        given["result_backend"] = options.backend
    broker, sends = getattr(options, "broker", None), hasattr(options, "broker")
    if broker is not None:
        given |= {"broker_url": broker, "broker_write_url": None}
    with refusing():
        module = None if options.config is None else _module(options.config)
        settings = Settings.of({"broker_url": _NOWHERE}, _environment(), module, **given)
        if sends and options.transport_option:
            more = mapping_of("--transport-option", options.transport_option)
            settings = settings.changed(broker_transport_options={**settings.broker_transport_options, **more})
    if sends and settings.publish_url == _NOWHERE:
        raise usage("there is no broker; give --broker URL, or set CELERY_BROKER_URL")
    _check_url("backend", settings.result_backend or "")
    _check_url("broker", broker_of(settings) if sends else "")
    return settings


def broker_of(settings: Settings) -> str:
    """Give the url of the broker to send to, or several with ``;`` between them."""
    url = settings.publish_url
    return url if isinstance(url, str) else ";".join(url)


def _check_url(what: str, url: str) -> None:
    from urllib.parse import urlsplit

    try:
        for one in url.split(";"):
            _ = urlsplit(one).port
    except ValueError as error:
        cure = "a port is a number; in names and passwords write / as %2F, : as %3A, @ as %40"
        raise usage(f"the {what} {one_line(without_password(url))!r} cannot be read as a url; {cure}") from error


def _module(name: str) -> Any:
    from importlib import import_module

    sys.path.insert(0, os.getcwd())  # As Celery does: it is a module of the project that one stands in.
    try:
        return import_module(name)
    except Exception as error:
        told = f"--config {name}: it cannot be imported: {type(error).__name__}: {error}"
        plain = re.sub(r"[/\\]+", ".", name.removesuffix(".py")).strip(".")
        cure = f"; it takes a module's name, not a file's: --config {plain}" if plain and plain != name else ""
        raise usage(told + cure) from error


def _environment() -> dict[str, Any]:
    """Give the settings in the environment; a variable that is no setting's is told, and left."""
    from satchel.calling.settings.sources import from_variables

    def tell(text: str) -> None:
        print(f"satchel: warning: the environment: {one_line(text)}", file=sys.stderr)

    return from_variables(os.environ, _PREFIX, tell)


@contextmanager
def refusing() -> Generator[None, None, None]:
    """Turn what is raised for a wrong option or setting into the failure of a command that was called wrongly."""
    try:
        yield
    except SatchelError:
        raise
    except (TypeError, ValueError) as error:
        raise usage(str(error)) from error
    except ImportError as error:  # A transport of kombu's that lacks its library.
        raise Failure(MISSING, f"a library is missing: {error}") from error


@contextmanager
def looking(settings: Settings) -> Generator[None, None, None]:
    """Turn the errors of a result backend into failures, with cures in terms of the command line."""
    from satchel.calling import BackendError

    try:
        with refusing():
            yield
    except DecodeError as error:
        raise Failure(BAD_DATA, unreadable(error)) from error
    except BackendError as error:
        url = without_password(settings.result_backend or "")
        cure = "see that it runs there, and that --backend (or CELERY_RESULT_BACKEND) is right"
        raise Failure(FAILED, f"{error.what}; backend: {url}; {cure}") from error


def unreadable(error: DecodeError) -> str:
    """Say why a result is not read, and what to do, in terms of the command line."""
    if isinstance(error, LimitExceeded):
        return f"{error.what}: read it in Python, with limits of your own"
    if isinstance(error, ContentDisallowed):
        cure = "set CELERY_RESULT_SERIALIZER as the workers have it, or CELERY_RESULT_ACCEPT_CONTENT"
        return f"{error.what}; {cure}"
    if error.cure is not None and "result_serializer" in error.cure:
        return f"{str(error).removesuffix(error.cure)}set CELERY_RESULT_SERIALIZER as the workers have it"
    return str(error)


def without_password(url: str) -> str:
    """Give a url, or several with ``;`` between them, as it may be shown."""
    return ";".join(re.sub(r"(://[^:@]*:).*@", r"\1***@", one) for one in url.split(";"))
