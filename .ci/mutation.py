"""Mutation testing with cosmic-ray: ``mutation.py [MODULE …]``, from the top of the repository.

Each module is mutated in a copy of the tree of its own, in build/mutation, two at a time. Ends with what survived, and
a table; fails when fewer than 90 % are killed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

#: The tests of each module: nearly every mutant fails the quick ones, and only what passes them meets the others. The
#: longest run comes first.
TESTS = {
    "satchel/codecs/base.py": (
        "tests/unit/test_codec_base*.py",
        "tests/unit/test_codec_types*.py tests/unit/test_codec_pickle.py tests/unit/test_compressor*.py "
        "tests/hostile/test_g0[24]*.py",
    ),
    "satchel/pipeline.py": (
        "tests/unit/test_pipeline*.py",
        "tests/unit/test_policy*.py tests/hostile/test_g09*.py",
    ),
    "satchel/registry/policy.py": (
        "tests/unit/test_policy*.py tests/unit/test_pipeline_accept.py",
        "tests/hostile/test_g09*.py",
    ),
}
#: `|` joins types here, and `*` and `/` stand between parameters: with another operator, annotations mean the same and
#: the rest is no program at all.
EXCLUDED = ["core/ReplaceBinaryOperator_(BitOr|Mul|Div)_.*"]
#: Some mutants never end. A test may take so many seconds, and all of them so many times as long as unchanged.
HANGS, PATIENCE = 10, 10
ENOUGH = 90.0

CONFIG = """[cosmic-ray]
module-path = {module}
timeout = {timeout}
excluded-modules = []
test-command = {command}
distributor.name = "local"
filters.operators-filter.exclude-operators = {excluded}
"""
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "docs", "__pycache__", ".*_cache", ".hypothesis")
ENVIRONMENT = {
    **os.environ,
    "CI": "true",  # The same examples for every mutant.
    "PYTHONPATH": ".",  # The copy's modules, before those of the environment.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
}


def main(modules: list[str]) -> bool:
    copies = [prepare(module) for module in modules]
    with ThreadPoolExecutor(2) as pool:
        sessions = list(pool.map(mutate, copies))
    counts = []
    for tested in sessions:
        survivors = [(spec, result) for spec, result in tested if result["test_outcome"] != "killed"]
        for spec, result in sorted(survivors, key=lambda survivor: survivor[0]["start_pos"]):
            changes = [line for line in result["diff"].splitlines()[3:] if line.startswith(("-", "+"))]
            print(f"{spec['module_path']}:{spec['start_pos'][0]} {spec['operator_name']}", *changes, sep="\n")
        counts.append((len(tested), len(tested) - len(survivors), len(survivors)))
    totals = tuple(map(sum, zip(*counts, strict=True)))
    print(f"\n{'module':<28} {'mutants':>8} {'killed':>8} {'survived':>8} {'%':>6}")
    for label, (mutants, killed, survived) in zip([*modules, "in all"], [*counts, totals], strict=True):
        print(f"{label:<28} {mutants:>8} {killed:>8} {survived:>8} {100 * killed / mutants:>6.1f}")
    return 100 * totals[1] < ENOUGH * totals[0]


def prepare(module: str) -> Path:
    """Give a copy of the tree that is ready for cosmic-ray, once the tests have passed in it."""
    copy = Path("build/mutation", module.replace("/", "-").removesuffix(".py"))
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(".", copy, ignore=NOT_COPIED)
    pytest = f"python -m pytest -x -q -p no:cacheprovider -p no:xdist --timeout={HANGS}"
    command = " && ".join(f"{pytest} {tests}" for tests in TESTS[module])
    started = time.monotonic()
    run(copy, "sh", "-c", command)  # It keeps the compiled modules, too: a mutant's run writes none.
    honest = time.monotonic() - started
    print(f"{module}: {honest:.1f} s of tests", flush=True)
    config = CONFIG.format(
        module=json.dumps(module),
        timeout=PATIENCE * honest,
        command=json.dumps(f"sh -c '{command}'"),
        excluded=json.dumps(EXCLUDED),
    )
    (copy / "mutation.toml").write_text(config)
    run(copy, "cosmic-ray", "init", "mutation.toml", "mutation.sqlite")
    run(copy, "cr-filter-operators", "mutation.sqlite", "mutation.toml")
    return copy


def mutate(copy: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give each mutation with its result."""
    run(copy, "cosmic-ray", "exec", "mutation.toml", "mutation.sqlite")
    dump = run(copy, "cosmic-ray", "dump", "mutation.sqlite")
    results = [(item["mutations"][0], result) for item, result in map(json.loads, dump.splitlines())]
    return [(spec, result) for spec, result in results if result["worker_outcome"] != "skipped"]


def run(copy: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=copy, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTS)))
