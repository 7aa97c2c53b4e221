"""What a user installs: the wheel, the source distribution, their metadata, and what importing them costs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, entry_points, packages_distributions, requires, version
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]

# One worker builds the distributions, once.
pytestmark = [pytest.mark.xdist_group("packaging"), pytest.mark.once]


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return loaded


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution and, built from it, the wheel. No network: the build backend is installed."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


@pytest.fixture(scope="session")
def bare_python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty environment, where the wheel alone is installed."""
    directory = tmp_path_factory.mktemp("bare environment")
    venv.create(directory, with_pip=False, symlinks=True)
    python = directory / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    install = ["--disable-pip-version-check", "--python", str(python), "install", "-q", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    return python


def run(python: Path | str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Away from the repository, whose own satchel/ would be found first.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | environment
    return subprocess.run([str(python), *arguments], capture_output=True, text=True, cwd="/", env=clean)


def package_files() -> set[str]:
    files = (path.relative_to(ROOT) for path in (ROOT / "satchel").rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.suffix != ".pyc"}


def test_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert names == package_files()
    assert "satchel/py.typed" in names


def test_source_distribution_holds_no_tests(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {"/".join(PurePosixPath(name).parts[1:]) for name in archive.getnames()}

    assert names - {""} == package_files() | {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def test_core_has_no_dependencies(project: dict[str, Any]) -> None:
    assert project["project"]["dependencies"] == []
    assert all("extra ==" in requirement for requirement in requires("satchel") or ())


def test_wheel_alone_imports_and_runs_its_command(bare_python: Path) -> None:
    imported = run(bare_python, "-c", "import satchel; print(satchel.__file__)")
    listed = run(bare_python.with_name("satchel"), "list")

    assert (imported.returncode, imported.stderr) == (0, "")
    assert Path(imported.stdout.strip()).is_relative_to(bare_python.parents[1])
    assert listed.returncode == 0, listed.stderr


@pytest.mark.parametrize("missing", ["msgpack", "yaml", "brotli", "zstd"])
def test_wheel_alone_names_the_extra_that_installs_a_codec(bare_python: Path, missing: str) -> None:
    kind = "serializer" if missing in ("msgpack", "yaml") else "compressor"
    done = run(bare_python, "-c", f"import satchel; satchel.default_registry().{kind}({missing!r})")

    assert f"pip install 'satchel[{missing}]'" in done.stderr


@pytest.mark.parametrize("module", ["satchel", "satchel.message"])
def test_importing_imports_no_optional_library(module: str) -> None:
    done = run(sys.executable, "-X", "importtime", "-c", f"import {module}")
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    before = run(sys.executable, "-X", "importtime", "-c", "pass")
    before_names = {line.rsplit("|", 1)[1].strip() for line in before.stderr.splitlines() if "|" in line}
    third_party = {name for name in imported - before_names if name.split(".")[0] in packages_distributions()}

    assert done.returncode == 0, done.stderr
    assert {name for name in third_party if name.split(".")[0] != "satchel"} == set()
    # 33 ms, and only plugins need it.
    assert "importlib.metadata" not in imported


def test_every_extra_is_in_all_but_the_lzma_fallback(project: dict[str, Any]) -> None:
    extras = set(project["project"]["optional-dependencies"])
    (everything,) = project["project"]["optional-dependencies"]["all"]

    assert set(re.findall(r"\w+", everything.partition("[")[2])) == extras - {"all", "lzma"}


def test_lowest_versions_are_the_lower_bounds(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    requirements = [Requirement(text) for extra in extras.keys() - {"all", "lzma"} for text in extras[extra]]
    pins = [line for line in (ROOT / "requirements/lowest.txt").read_text().splitlines() if not line.startswith("#")]

    lowest = {each.name.lower(): Version(str(each.specifier).removeprefix(">=")) for each in requirements}
    assert {pin.partition("==")[0]: Version(pin.partition("==")[2]) for pin in pins} == lowest


def test_installed_version_is_that_of_pyproject(project: dict[str, Any]) -> None:
    assert version("satchel") == project["project"]["version"]


def test_requirements_name_no_index_and_no_path() -> None:
    files = (ROOT / "requirements").glob("*.txt")

    assert [f.name for f in files if re.search(r"://|^-|@|^[./]", f.read_text(), re.MULTILINE)] == []


def test_benchmarks_use_the_public_package_only() -> None:
    imported = set()
    for path in (ROOT / "benchmarks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)

    ours = {name for name in imported if name.split(".")[0] == "satchel" and not name.startswith("satchel.bench.")}
    # The engine of `satchel bench` is what they measure with.
    assert ours <= {"satchel", "satchel.message", "satchel.calling", "satchel.testing", "satchel.bench"}


def test_plugin_is_found_by_its_entry_points_and_is_not_in_the_environment(plugin_site: Path) -> None:
    with pytest.raises(PackageNotFoundError):
        version("satchel-test-plugin")
    listing = "from importlib.metadata import entry_points; print(entry_points(group='satchel.serializers').names)"
    done = run(sys.executable, "-c", listing, PYTHONPATH=str(plugin_site))

    assert ast.literal_eval(done.stdout) == {"broken", "missing", "not-a-codec", "reverse"}
    assert not entry_points(group="satchel.serializers")


def test_type_information_is_shipped() -> None:
    assert (ROOT / "satchel/py.typed").read_text() == ""
