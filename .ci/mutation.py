"""Mutation testing with cosmic-ray: ``mutation.py [MODULE …]``, from the top of the repository.

Each module is mutated in a copy of the tree of its own, in build/mutation, two at a time. Ends with what survived, and
a table; fails when fewer than 90 % are killed in any module, or when the tests fail without a mutation, before or
after.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

#: The tests of each module: nearly every mutant fails the quick ones, and only what passes them meets the others. The
#: longest run comes first.
TESTS = {
    "satchel/codecs/base.py": (
        "tests/unit/test_codec_base.py",
        "tests/unit/test_codec_types*.py tests/unit/test_codec_pickle.py",
    ),
    "satchel/codecs/inflating.py": (
        "tests/unit/test_codec_inflating.py",
        "tests/unit/test_compressor*.py tests/hostile/test_g0[24]*.py",
    ),
    "satchel/pipeline.py": (
        "tests/unit/test_pipeline*.py",
        "tests/unit/test_policy*.py tests/unit/test_registry_process.py tests/unit/test_message_plain_reprs.py "
        "tests/hostile/test_g09*.py",
    ),
    "satchel/faults.py": (
        "tests/unit/test_pipeline_errors.py",
        "tests/unit/test_pipeline*.py",
    ),
    "satchel/registry/policy.py": (
        "tests/unit/test_policy*.py tests/unit/test_pipeline_accept.py",
        "tests/hostile/test_g09*.py",
    ),
}
#: Some mutants never end. A test may take so many seconds, and all of them so many times as long as unchanged.
HANGS, PATIENCE = 10, 10
ENOUGH = 90.0

CONFIG = """[cosmic-ray]
module-path = {module}
timeout = {timeout}
excluded-modules = []
test-command = {command}
distributor.name = "local"
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
    for module, copy in zip(modules, copies, strict=True):
        # What a busy machine fails without a mutation, it may have failed with one.
        run(copy, "sh", "-c", tests_of(module))
    counts = []
    for tested in sessions:
        survivors = [(spec, result) for spec, result in tested if result["test_outcome"] != "killed"]
        for spec, result in sorted(survivors, key=lambda survivor: survivor[0]["start_pos"]):
            changes = [line for line in result["diff"].splitlines()[3:] if line.startswith(("-", "+"))]
            print(f"{spec['module_path']}:{spec['start_pos'][0]} {spec['operator_name']}", *changes, sep="\n")
        hung = sum(result["output"] == "timeout" or "Timeout (>" in result["output"] for _, result in tested)
        counts.append((len(tested), len(tested) - len(survivors), hung, len(survivors)))
    totals = tuple(map(sum, zip(*counts, strict=True)))
    print(f"\n{'module':<28} {'mutants':>8} {'killed':>8} {'by time':>8} {'survived':>8} {'%':>6}")
    for label, count in zip([*modules, "in all"], [*counts, totals], strict=True):
        print(f"{label:<28}", *(f"{number:>8}" for number in count), f"{100 * count[1] / count[0]:>6.1f}")
    return any(100 * killed < ENOUGH * mutants for mutants, killed, *_ in counts)


def tests_of(module: str) -> str:
    pytest = f"python -m pytest -x -q -p no:cacheprovider -p no:xdist --timeout={HANGS}"
    return " && ".join(f"{pytest} {tests}" for tests in TESTS[module])


def prepare(module: str) -> Path:
    """Give a copy of the tree that is ready for cosmic-ray, once the tests have passed in it."""
    copy = Path("build/mutation", module.replace("/", "-").removesuffix(".py"))
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(".", copy, ignore=NOT_COPIED)
    command = tests_of(module)
    started = time.monotonic()
    run(copy, "sh", "-c", command)  # It keeps the compiled modules, too: a mutant's run writes none.
    honest = time.monotonic() - started
    print(f"{module}: {honest:.1f} s of tests", flush=True)
    config = CONFIG.format(
        module=json.dumps(module),
        timeout=PATIENCE * honest,
        command=json.dumps(f"sh -c '{command}'"),
    )
    (copy / "mutation.toml").write_text(config)
    run(copy, "cosmic-ray", "init", "mutation.toml", "mutation.sqlite")
    skip(copy, module)
    return copy


def skip(copy: Path, module: str) -> None:
    """Leave out mutations that give no program, or change nothing but an annotation: types, and marks of parameters."""
    # Imported here, as a type checker has none of it.
    database, items, plugins, mutating = (
        import_module(f"cosmic_ray.{name}") for name in ("work_db", "work_item", "plugins", "mutating")
    )
    source = (copy / module).read_text()
    with database.use_db(str(copy / "mutation.sqlite"), database.WorkDB.Mode.open) as work:
        for item in list(work.pending_work_items):
            (mutation,) = item.mutations
            operator = plugins.get_operator(mutation.operator_name)(**mutation.operator_args)
            mutant = mutating.mutate_code(source, operator, mutation.occurrence)
            if mutant is None or meaning(mutant) in (None, meaning(source)):
                work.set_result(item.job_id, items.WorkResult(worker_outcome=items.WorkerOutcome.SKIPPED))


def meaning(source: str) -> str | None:
    """Give what a program does, without its annotations; None if it is none."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                setattr(node, name, ast.Constant(None))
    return ast.dump(tree)


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
