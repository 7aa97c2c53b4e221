"""The routing table: Celery's ``task_routes``, read once, and looked up by the name of a task."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from satchel.calling.calls import PUBLISHING
from satchel.calling.errors import did_you_mean
from satchel.calling.routing.queues import is_entity
from satchel.calling.routing.router import NO_MATCH, Destination, Match, check_destination
from satchel.message.options import OPTION_NAMES
from satchel.message.times import shown

Function = Callable[..., Any]

#: A table is for many calls; a connection is one call's own.
_ROUTE_OPTIONS: Final = (OPTION_NAMES | PUBLISHING | frozenset(Destination._fields)) - {
    "connection",
    "producer",
    "publisher",
    "task_id",
}
_DOTTED: Final = r"[^\W\d]\w*(\.[^\W\d]\w*)*([.:][^\W\d]\w*)"


class _Map:
    """Names and patterns with their matches; names come first, then patterns in their order."""

    def __init__(self, where: str, items: Iterable[tuple[Any, Any]]) -> None:
        self._names: dict[str, Match] = {}
        self._patterns: list[tuple[re.Pattern[str], Match]] = []
        for key, route in items:
            place = f"{where}[{shown(key.pattern if isinstance(key, re.Pattern) else key)}]"
            match = read_route(place, route)
            if isinstance(key, re.Pattern) and isinstance(key.pattern, str):
                self._patterns.append((key, match))
            elif not isinstance(key, str) or not key:
                raise TypeError(f"{place} must be for a task's name, a glob or a compiled pattern of str")
            elif "*" in key:  # As Celery has it: without a star, it is a name.
                self._patterns.append((re.compile(fnmatch.translate(key)), match))
            else:
                self._names[key] = match

    def get(self, task: str) -> Match | None:
        match = self._names.get(task)
        if match is None:
            for pattern, matched in self._patterns:
                if pattern.match(task):
                    return matched
        return match


class _Router:
    """A function that says where a task goes, or the dotted name of one, which is imported when it is first asked."""

    def __init__(self, where: str, given: Any) -> None:
        self._where = where
        self._given = given
        self._function: Function | None = None if isinstance(given, str) else _function(where, given)

    def ask(self, task: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Match | None:
        if self._function is None:
            self._function = _function(self._where, _imported(self._where, self._given))
        route = self._function(task, args, kwargs, dict(options), task=None)
        return None if route is None else read_route(f"what {self._where} gave for {task!r}", route)


class RouteTable:
    """The routing table of ``task_routes``. Immutable; safe to share between threads.

    Args:
        routes: None; a mapping of names, globs and compiled patterns to routes; a function
            ``(name, args, kwargs, options, task=None, **kw)`` that gives a route or None, or its dotted name; or a list
            of those, of lists of (name, route) pairs, and of such pairs. The first that matches counts; in a mapping or
            a list of pairs, names come before patterns. A route is a queue's name, a ``kombu.Queue``, or a mapping of
            ``queue``, ``exchange``, ``exchange_type``, ``routing_key`` and options of calls.

    Raises:
        TypeError: an entry, which the message names, is none of these, or has an option that is unknown.
    """

    def __init__(self, routes: Any) -> None:
        entries = () if routes is None else routes if isinstance(routes, (list, tuple)) else (routes,)
        whole = not isinstance(routes, (list, tuple))
        self._entries: tuple[_Map | _Router, ...] = tuple(
            _entry("task_routes" if whole else f"task_routes[{index}]", entry) for index, entry in enumerate(entries)
        )

    def static(self, task: str) -> Match | None:
        """Give the match of a task for all its calls; None where a function must be asked."""
        for entry in self._entries:
            if isinstance(entry, _Router):
                return None
            match = entry.get(task)
            if match is not None:
                return match
        return NO_MATCH

    def match(self, task: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Match:
        """Give the match of one call. What a function raises comes through; TypeError when it gives no route."""
        for entry in self._entries:
            match = entry.ask(task, args, kwargs, options) if isinstance(entry, _Router) else entry.get(task)
            if match is not None:
                return match
        return NO_MATCH


def read_route(where: str, route: Any) -> Match:
    """Read one route: a queue's name, a ``kombu.Queue``, or a mapping of options.

    Raises:
        TypeError, ValueError: it is none of these; the message begins with `where`, or names the option.
    """
    if isinstance(route, str) or is_entity(route, "Queue"):
        return Match(check_destination(where, Destination(queue=route)), NO_MATCH.options)
    if not isinstance(route, Mapping):
        raise TypeError(f"{where} must be a queue's name, a kombu.Queue or a mapping of options, got {shown(route)}")
    options: dict[str, Any] = {}
    place: dict[str, Any] = {}
    for name, value in route.items():
        if name not in _ROUTE_OPTIONS:
            raise TypeError(f"unknown option {shown(name)} in {where}; {did_you_mean(name, _ROUTE_OPTIONS)}")
        if name in Destination._fields:
            place[name] = value
        elif value is not None:
            options[name] = value
    return Match(check_destination(where, Destination(**place)), MappingProxyType(options))


def _entry(where: str, entry: Any) -> _Map | _Router:
    if isinstance(entry, Mapping):
        return _Map(where, entry.items())
    if isinstance(entry, (list, tuple)):
        if _is_pair(entry):
            return _Map(where, [(entry[0], entry[1])])
        for index, pair in enumerate(entry):
            if not isinstance(pair, (list, tuple)) or not _is_pair(pair):
                raise TypeError(f"{where}[{index}] must be a pair of a task's name and its route, got {shown(pair)}")
        return _Map(where, [(pair[0], pair[1]) for pair in entry])
    if isinstance(entry, str):
        if not re.fullmatch(_DOTTED, entry, re.ASCII):
            raise TypeError(
                f"{where} must be the dotted name of a function, such as 'proj.routers.route', got {entry!r}"
            )
        return _Router(where, entry)
    if callable(entry) or hasattr(entry, "route_for_task"):
        return _Router(where, entry)
    raise TypeError(f"{where} must be a mapping, a list of pairs, a function or its dotted name, got {shown(entry)}")


def _is_pair(entry: list[Any] | tuple[Any, ...]) -> bool:
    return len(entry) == 2 and isinstance(entry[0], (str, re.Pattern))


def _function(where: str, given: Any) -> Function:
    """Give the function of a router; those of before Celery 4 have a method for it, and are classes by their names."""
    if hasattr(given, "route_for_task"):
        router = given() if isinstance(given, type) else given

        def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None) -> Any:
            return router.route_for_task(name, args, kwargs)

        return route
    if not callable(given):
        raise TypeError(f"{where} must name a function, got {shown(given)}")
    return given  # type: ignore[no-any-return]


def _imported(where: str, name: str) -> Any:
    from importlib import import_module

    module, _, attribute = name.rpartition(":" if ":" in name else ".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ImportError(f"{where}: {name!r} cannot be imported: {error}") from error
