"""Names of a package that are imported when they are first used (PEP 562): who uses few is spared the others.

A package that imported its own modules would also hold a lock meanwhile, for which another thread could wait with the
lock of one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def imported_on_use(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Give the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        homes: by the name of a module within it, the names that are imported from there, with spaces between them.
            Other modules within it are imported by their own names.
    """

    def get(name: str) -> object:
        for module, names in homes.items():
            if name in names.split():
                value = getattr(import_module(f"{package}.{module}"), name)
                setattr(sys.modules[package], name, value)
                return value
        if not name.startswith("_"):
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def known() -> list[str]:
        return sorted({*vars(sys.modules[package]), *" ".join(homes.values()).split()})

    return get, known
