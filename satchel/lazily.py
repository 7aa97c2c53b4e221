"""Names of a package that are imported when they are first used (PEP 562): who uses few is spared the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def imported_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Give the ``__getattr__`` of a package.

    Args:
        package: its name.
        homes: by the name of a module within it, the names that are imported from there, with spaces between them.
    """

    def get(name: str) -> object:
        for module, names in homes.items():
            if name in names.split():
                value = getattr(import_module(f"{package}.{module}"), name)
                setattr(sys.modules[package], name, value)
                return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
