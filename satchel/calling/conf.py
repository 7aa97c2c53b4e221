"""The settings of an application as attributes, as Celery has them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from satchel.calling.errors import did_you_mean
from satchel.calling.settings.kinds import KINDS

if TYPE_CHECKING:
    from satchel.calling.app import App


class Conf:
    """The settings of an application, as attributes or by name: ``app.conf.task_serializer = "msgpack"``."""

    __slots__ = ("_app",)
    _app: App

    def __init__(self, app: App) -> None:
        object.__setattr__(self, "_app", app)

    def __getattr__(self, name: str) -> Any:
        if name not in KINDS:
            raise AttributeError(f"unknown setting {name!r}; {did_you_mean(name, KINDS)}")
        return getattr(self._app.settings, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._app.configure(**{name: value})

    def __getitem__(self, name: str) -> Any:
        if name not in KINDS:
            raise KeyError(f"unknown setting {name!r}; {did_you_mean(name, KINDS)}")
        return getattr(self._app.settings, name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._app.configure(**{name: value})

    def update(self, changes: Mapping[str, Any] = MappingProxyType({}), /, **more: Any) -> None:
        """Change several settings at once, or none where one is wrong."""
        self._app.configure(**{**changes, **more})

    def __repr__(self) -> str:
        return repr(self._app.settings)
