"""The regression gate: a few ratios, each with a floor of about half of what was measured (floors.json).

python -m benchmarks.gate [--times N] [--write-floors]

A ratio under its floor is measured once more; the status is 1 when one is under it twice.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from benchmarks import messages, packing, serializing
from benchmarks.payloads import generated
from benchmarks.results import OURS, RAW, Row

FLOORS = Path(__file__).with_name("floors.json")
ROUNDS = 15
_BETWEEN = ", faster than "


def floors() -> dict[str, float]:
    """The least ratios, by "row, faster than side"."""
    loaded: dict[str, float] = json.loads(FLOORS.read_text())
    return loaded


def ratios(names: Collection[str]) -> dict[str, float]:
    """Measure these ratios: how many times as fast Satchel is as the other side.

    Raises:
        KeyError: a name is not "row, faster than side" of a row that is measured.
        Differs: two sides give back different values.
    """
    wanted = {name.split(_BETWEEN)[0] for name in names}
    rows = {row.name: row for row in _rows(wanted)}
    found = {}
    for name in names:
        row, side = name.split(_BETWEEN)
        found[name] = rows[row].pairs[f"{OURS} vs {side}"].faster.value
    return found


def _rows(wanted: Collection[str]) -> list[Row]:
    heads = {tuple(name.partition(",")[0].split(" ")[:2]) for name in wanted}
    rows: list[Row] = []
    for format_ in dict.fromkeys(first for first, second in sorted(heads) if second in ("encode", "decode")):
        payloads = [payload for payload in generated() if _named(wanted, f"{format_} ", payload.name)]
        rows += serializing.rows(format_, payloads, ROUNDS, {OURS, "kombu", RAW})[0]
    for name in dict.fromkeys(first for first, second in sorted(heads) if second == "there"):
        sizes = [size for size in packing.SIZES if _named(wanted, f"{name} ", size)]
        rows += packing.rows(ROUNDS, [name], sizes)[0]
    return rows + (messages.rows(ROUNDS) if any(first == "message" for first, _ in heads) else [])


def _named(wanted: Collection[str], start: str, size: str) -> bool:
    return any(name.startswith(start) and name.endswith(f", {size}") for name in wanted)


def under(found: Mapping[str, float], least: Mapping[str, float]) -> dict[str, float]:
    """Those that are under their floors."""
    return {name: value for name, value in found.items() if value < least[name]}


def passes(least: Mapping[str, float]) -> bool:
    """Measure, tell, and measure once more what is under its floor."""
    began = time.monotonic()
    found = ratios(least)
    again = under(found, least)
    if again:
        print(f"once more: {', '.join(again)}")
        found.update(ratios(again))
    failed = under(found, least)
    for name, value in found.items():
        print(f"  {name}: {value:.3g} (at least {least[name]:g}){'  TOO SLOW' if name in failed else ''}")
    print(f"{'FAILED' if failed else 'passed'}, {len(found)} ratios in {time.monotonic() - began:.0f} s", flush=True)
    return not failed


def halved(found: Mapping[str, float]) -> dict[str, float]:
    """Floors for what was measured: half of it, in two digits, rounded down."""
    written = {}
    for name, value in found.items():
        unit: Any = 10.0 ** (math.floor(math.log10(value / 2)) - 1)
        written[name] = float(f"{math.floor(value / 2 / unit) * unit:.2g}")
    return written


def main(arguments: list[str] | None = None) -> int:
    """Run the gate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description="Ratios, each with a floor.")
    parser.add_argument("--times", type=int, default=1, help="so many times; all must pass")
    parser.add_argument("--write-floors", action="store_true", help="make half of what is measured now the floors")
    options = parser.parse_args(arguments)
    least = floors()
    if options.write_floors:
        FLOORS.write_text(json.dumps(halved(ratios(least)), indent=1) + "\n")
        return 0
    passed = sum(passes(least) for _ in range(options.times))
    if options.times > 1:
        print(f"{passed} of {options.times} passed")
    return 0 if passed == options.times else 1


if __name__ == "__main__":
    sys.exit(main())
