"""Sources of settings: mappings, modules and other objects, and environment variables, each read into a mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from satchel.calling.errors import nearest
from satchel.calling.settings import texts
from satchel.calling.settings.kinds import KINDS
from satchel.message.times import shown


def prefix_of(namespace: object) -> str:
    """Give what names begin with in a namespace; nothing for None."""
    if namespace is None:
        return ""
    if not isinstance(namespace, str) or not namespace.rstrip("_"):
        raise TypeError(f"namespace must be a str such as 'CELERY', got {shown(namespace)}")
    return namespace.rstrip("_") + "_"


def known(given: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Take settings under their own names; TypeError for a name that is no setting's."""
    if KINDS.keys() >= given.keys():
        return given
    from satchel.calling.settings.names import foreign, unknown  # Whoever names none but ours is spared the others.

    for name in given:
        if name not in KINDS and not (isinstance(name, str) and foreign(name)):
            raise unknown(name, KINDS)
    return given


def named(source: object, prefix: str) -> Mapping[str, Any]:
    """Give the settings in a source, under their own names."""
    if isinstance(source, str):
        raise TypeError(f"a source of settings is a mapping or an object; for the module {source!r}, use from_object")
    if isinstance(source, Mapping):
        names = [name for name in source if not prefix or (isinstance(name, str) and name.startswith(prefix))]
        values = {name: source[name] for name in names}
    else:
        values = _attributes(source, prefix)
    if not prefix:
        return known(values)
    from satchel.calling.settings.names import foreign, unknown

    own: dict[str, Any] = {}
    for name, value in values.items():
        plain = name[len(prefix) :].lower()
        if plain not in KINDS and not foreign(plain):
            raise unknown(plain, KINDS, shown=name, prefix=prefix)
        own[plain] = value
    return own


def _attributes(source: object, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dir(source):
        if name.startswith("_") or not name.startswith(prefix) or not (prefix or _may_be_meant(name)):
            continue
        value = getattr(source, name)
        # What a module imports may have the name of a setting: datetime.timezone has.
        if not isinstance(value, (type, ModuleType)):
            found[name] = value
    return found


def _may_be_meant(name: str) -> bool:
    from satchel.calling.settings.names import foreign, looks_like_ours, todays_name

    if name in KINDS or foreign(name):
        return True
    if name.startswith(("CELERY", "BROKER_")):
        return todays_name(name, KINDS) is not None
    return looks_like_ours(name) and nearest(name, KINDS, cutoff=0.85) is not None


def _read(variable: str, name: str, text: str) -> Any:
    kind = KINDS[name]
    if kind.optional and text.strip().lower() in {"none", "null"}:
        return None
    try:
        return getattr(texts, kind.reader)(text)
    except ValueError as error:
        raise ValueError(f"{variable} cannot be read: {error}") from None


class UnknownVariable(UserWarning):
    """An environment variable begins as those of settings do, and is none's."""


def from_variables(environ: Mapping[str, str], prefix: str, tell: Callable[[str], object]) -> dict[str, Any]:
    """Give the settings that variables with a prefix have; see `Settings.from_environment`.

    Args:
        environ: the variables.
        prefix: what they begin with.
        tell: is told of each that is no setting's. Others may have put it there, for a program of theirs.
    """
    from satchel.calling.settings.names import foreign, foreign_variable, unknown

    given: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(prefix) or not text:
            continue
        name = variable[len(prefix) :]
        if foreign_variable(name):
            continue
        name = name.lower()
        if name in KINDS:
            given[name] = _read(variable, name, text)
        elif foreign(name):
            given[name] = text
        else:
            tell(str(unknown(name, KINDS, shown=variable, prefix=prefix)))
    return given
