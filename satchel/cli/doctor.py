"""``satchel doctor``: how steady this machine is, what is installed, and which engines are in use."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from satchel.cli.arguments import add_dialect, registry_of
from satchel.cli.list import codecs_of, library
from satchel.cli.outcome import OK, UNSTABLE, one_line
from satchel.cli.showing import add_plain, print_table

_EPILOG = """\
It times a fixed piece of work for some seconds. Figures of a machine that is not steady are not worth much: close other
programs, keep a laptop on mains, and see whether a container may use whole cores.

examples:
  satchel doctor
  satchel doctor --strict && satchel bench messages.jsonl
"""
_SECONDS = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.description = "Tell whether figures measured here can be trusted, and which libraries do the work."
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="a JSON object")
    parser.add_argument("--strict", action="store_true", help="exit with 5 when the machine is not steady")
    add_dialect(parser)
    add_plain(parser)


def run(options: Namespace) -> int:
    """Look, and tell."""
    from satchel.bench.machine import machine, observe

    registry = registry_of(options)
    codecs = [*codecs_of(registry, "serializer"), *codecs_of(registry, "compressor")]
    facts = {**machine(), **_load()}
    found = observe(_SECONDS)
    if options.json:
        import json

        print(json.dumps({"machine": facts, "noise": found._asdict(), "codecs": codecs}, indent=2))
    else:
        _show(facts, found, codecs, options)
    return UNSTABLE if options.strict and not found.stable else OK


def _load() -> dict[str, Any]:
    import os

    try:
        return {"load": round(os.getloadavg()[0], 2)}
    except (AttributeError, OSError):  # not on every system
        return {}


def _show(facts: dict[str, Any], found: Any, codecs: list[dict[str, Any]], options: Namespace) -> None:
    load = f", load {facts['load']}" if "load" in facts else ""
    print(f"Python     {facts['implementation']} {facts['python']}, {facts['system']} {facts['architecture']}")
    print(f"Processor  {facts['processor']}, {facts['cores']} cores for this process{load}")
    verdict = "steady" if found.stable else "NOT STEADY: differences of a few percent mean nothing here"
    print(f"Noise      a fixed piece of work varies by {found.spread:.1%}, drifts by {found.drift:+.1%}: {verdict}\n")
    for kind in ("serializer", "compressor"):
        rows = [(codec["name"], one_line(library(codec), 300)) for codec in codecs if codec["kind"] == kind]
        print_table((kind.upper(), "ENGINE"), rows, plain=options.plain)
        print()
