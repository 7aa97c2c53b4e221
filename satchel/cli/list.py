"""``satchel list``: every codec, what it is called, which library does the work, and how to install it."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from satchel.cli.arguments import add_dialect, registry_of
from satchel.cli.outcome import OK, one_line
from satchel.cli.table import table
from satchel.codecs.zstd_dictionaries import CONTENT_TYPE
from satchel.errors import MissingDependency, RegistryError
from satchel.registry import Entry, Registry, plugins
from satchel.registry.checks import Kind

_EPILOG = """\
No library is imported for it; plugins are, to see whether they work.

examples:
  satchel list
  satchel list --dialect celery
  satchel list --json | jq -r '.[] | select(.installed | not) | .install'
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Show every codec: those built in, and those of installed plugins."
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="a JSON list of objects, with more detail")
    add_dialect(parser)


def run(options: Namespace) -> int:
    """List."""
    registry = registry_of(options)
    codecs = [*codecs_of(registry, "serializer"), *codecs_of(registry, "compressor")]
    if options.json:
        import json

        print(json.dumps(codecs, indent=2))
        return OK
    for kind in ("serializer", "compressor"):
        rows = [_row(codec) for codec in codecs if codec["kind"] == kind]
        print(table((kind.upper(), "ALIASES", "CONTENT TYPE", "SAFE", "LIBRARY"), rows), end="\n\n")
    print("SAFE: fit for untrusted input, within limits. Pickle is restricted: it loads only what it is told to allow.")
    return OK


def _row(codec: dict[str, Any]) -> tuple[str, ...]:
    safe = {True: "yes", False: "no", None: "?"}[codec["safe"]]
    aliases, content_types = ", ".join(codec["aliases"]), codec["content_types"]
    return codec["name"], aliases, content_types[0] if content_types else "", safe, one_line(library(codec), 300)


def library(codec: dict[str, Any]) -> str:
    """Say on one line which library does a codec's work, or what is wrong with it."""
    if codec["broken"]:
        return f"broken plugin: {codec['broken']}"
    if not codec["installed"]:
        return f"not installed: {codec['install']}"
    fast = [f"{name} {version}" for name, version in codec["accelerators"].items() if version]
    with_plugin = f" (plugin of {codec['distribution']})" if codec["distribution"] else ""
    slow = codec["accelerators"] and not fast
    faster = f" + {', '.join(fast)}" if fast else f"; faster: {codec['install']}" if slow else ""
    return f"{codec['library']} {codec['version']}{faster}{with_plugin}"


def codecs_of(registry: Registry, kind: Kind) -> Iterator[dict[str, Any]]:
    """Give what is known of every codec of a kind, plugins among them."""
    entries = registry.serializers if kind == "serializer" else registry.compressors
    for entry in entries.values():
        yield {**_facts(kind, entry), **_state(entry)}
    for name in registry.plugin_names(kind):
        yield _plugin(registry, kind, name)


def _facts(kind: Kind, entry: Entry) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": entry.name,
        "aliases": list(entry.aliases),
        "content_types": list(entry.content_types),
        "origin": entry.origin,
        "safe": getattr(entry.codec_class(), "safe", None),
        "broken": None,
        "distribution": None,
    }


def _state(entry: Entry) -> dict[str, Any]:
    codec = entry.codec_class()
    extra = getattr(codec, "extra", None)
    library, version = _in_use(codec.library, extra)
    accelerators = {name: _version(name) for name in getattr(codec, "accelerators", ())}
    needed = extra if version is None else "fast" if accelerators and not any(accelerators.values()) else None
    return {
        "library": library,
        "version": version,
        "accelerators": accelerators,
        "installed": version is not None,
        "install": MissingDependency(entry.name, library, needed).install if needed else None,
    }


def _in_use(library: str, extra: str | None) -> tuple[str, str | None]:
    """Give the library that does the work and its version; None when there is none that will do."""
    if extra is None or library in sys.stdlib_module_names:
        try:
            # Present wherever Python is, but for interpreters built without it.
            if extra is not None:
                import_module(library)
            return f"Python's {library}", sys.version.split()[0]
        except ImportError:
            library = f"backports.{library}"
    version = _version(library)
    return library, version if version and _parts(version) >= _lowest(library) else None


def _version(distribution: str) -> str | None:
    from importlib import metadata  # 30 ms, which --help need not pay.

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _lowest(library: str) -> tuple[int, ...]:
    """The lowest version that will do, as Satchel's own metadata has it; nothing where it is not installed."""
    from importlib import metadata

    try:
        requirements = metadata.requires("satchel") or []
    except metadata.PackageNotFoundError:
        return ()
    found = re.search(rf"^{re.escape(library)} *>= *([\d.]+)", "\n".join(requirements), re.MULTILINE | re.IGNORECASE)
    return _parts(found[1]) if found else ()


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _plugin(registry: Registry, kind: Kind, name: str) -> dict[str, Any]:
    found = plugins.discover(f"satchel.{kind}s")
    if name not in found:
        return _of_dictionaries(registry, name)
    entry_point = found[name]
    distribution = entry_point.dist
    shared: dict[str, Any] = {
        "library": entry_point.value,
        "version": distribution.version if distribution else None,
        "accelerators": {},
        "install": None,
        "distribution": distribution.name if distribution else None,
    }
    try:
        facts = _facts(kind, registry.entry(kind, name))
    # A plugin may do anything when it is imported, and the other codecs are still to be listed.
    except (RegistryError, SystemExit) as error:
        broken = str(error) or type(error).__name__
        nothing: dict[str, Any] = {"aliases": [], "content_types": [], "origin": "plugin", "safe": None}
        return {"kind": kind, "name": name, **nothing, **shared, "broken": broken, "installed": False}
    return {**facts, **shared, "installed": True}


def _of_dictionaries(registry: Registry, name: str) -> dict[str, Any]:
    """The compressor that has the dictionaries of installed distributions."""
    offered = plugins.discover(plugins.DICTIONARY_GROUP).values()
    distributions = sorted({entry_point.dist.name for entry_point in offered if entry_point.dist})
    entry = Entry(name, (CONTENT_TYPE,), (), "plugin", "zstd:Zstd")
    codec = {**_facts("compressor", entry), **_state(entry), "distribution": ", ".join(distributions) or None}
    try:
        registry.compressor(name)
    except MissingDependency:
        pass  # Which is said already.
    except (RegistryError, SystemExit) as error:
        codec |= {"broken": str(error) or type(error).__name__, "installed": False}
    return codec
