"""What importing costs: no optional library, next to nothing at all; and that every public name is there."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import satchel

ROOT = Path(__file__).parents[2]

OPTIONAL = {
    *("msgpack", "ormsgpack", "msgspec", "orjson", "yaml", "brotli", "_brotli", "zstandard", "backports"),
    *("kombu", "celery", "amqp", "billiard", "vine", "pydantic", "cryptography"),
}
#: Parts of the standard library that take milliseconds, and that only some codecs or errors need.
DEAR = {
    *("importlib.metadata", "difflib", "json", "pickle", "lzma", "bz2", "zlib", "gzip", "decimal", "uuid", "email"),
    *("asyncio", "socket", "logging", "concurrent.futures", "multiprocessing", "unittest", "tempfile"),
}


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def imported(code: str) -> set[str]:
    """The modules that some code imports, beyond those of the interpreter."""
    done = run(f"import sys\nbefore = set(sys.modules)\n{code}\nprint(sorted(set(sys.modules) - before))")
    assert (done.returncode, done.stderr) == (0, "")
    modules: set[str] = set(ast.literal_eval(done.stdout))
    return modules


def roots(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_importing_satchel_imports_no_library_and_no_dear_part_of_the_standard_one() -> None:
    modules = imported("import satchel")

    assert roots(modules) & OPTIONAL == set()
    assert modules & DEAR == set()
    assert {module for module in modules if module.startswith("satchel")} == {"satchel"}


def test_importing_every_public_name_imports_no_library() -> None:
    modules = imported("from satchel import *")

    assert roots(modules) & OPTIONAL == set()
    assert "importlib.metadata" not in modules


def test_a_pipeline_imports_no_codec_until_it_is_used() -> None:
    modules = imported(
        "from satchel import Encoded, Limits, Pipeline, celery_registry\n"
        "Pipeline(['json', 'yaml', 'msgpack', 'pickle'], registry=celery_registry, accept_compression=['zstd', 'xz'])"
    )

    assert roots(modules) & OPTIONAL == set()
    assert modules & DEAR == set()
    codecs = {module for module in modules if module.startswith("satchel.codecs.")}
    assert codecs == {"satchel.codecs.base"}


#: Packages whose names are imported on use.
PACKAGES = (
    *("calling", "calling.results", "calling.results.backends", "calling.routing", "calling.settings"),
    *("message", "registry"),
)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_none_of_its_modules_by_itself(package: str) -> None:
    # It would hold a lock meanwhile, and a thread that begins with one of them another.
    modules = {module for module in imported(f"import satchel.{package}") if module.startswith("satchel.")}

    parents = {f"satchel.{package}".rsplit(".", up)[0] for up in range(package.count(".") + 1)}
    assert modules <= {*parents, "satchel.lazily"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_gives_its_names_and_its_modules(package: str) -> None:
    module = importlib.import_module(f"satchel.{package}")

    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name).__name__ if name != "PENDING" else module.PENDING
    with pytest.raises(AttributeError, match=f"module 'satchel.{package}' has no attribute 'nothing'"):
        _ = module.nothing
    assert run(f"from satchel.{package} import *\nimport satchel.{package} as it\n{module.__all__[0]}").returncode == 0


def test_modules_of_a_package_are_its_attributes() -> None:
    code = "import satchel.calling as c\nprint(c.errors.OperationalError.__name__, c.routing.queues.__name__)"

    assert run(code).stdout == "OperationalError satchel.calling.routing.queues\n"


def test_a_module_that_lacks_a_library_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/__init__.py").write_text(
        "from satchel.lazily import imported_on_use\n__getattr__, __dir__ = imported_on_use(__name__, {})\n"
    )
    (tmp_path / "lacking/part.py").write_text("import not_to_be_had\n")
    monkeypatch.syspath_prepend(tmp_path)
    lacking = importlib.import_module("lacking")

    with pytest.raises(ModuleNotFoundError, match="not_to_be_had"):
        _ = lacking.part
    with pytest.raises(AttributeError):
        _ = lacking.__wrapped__


def test_a_first_call_imports_nothing_that_reads_or_that_only_errors_need() -> None:
    modules = imported(
        "from satchel.calling import App\napp = App('shop', broker='memory://')\napp.remote('shop.pay').delay(1)"
    )

    ours = {module for module in modules if module.startswith("satchel.")}
    assert "satchel.calling.app" in ours
    spared = ("reader", "reading", "record", "exceptions", "group", "lowering", "canvas", "urls", "plugins", "carrying")
    assert {module for module in ours if module.rpartition(".")[2].endswith(spared)} == set()
    parts = (
        *("calling.results.errors", "calling.results.parents", "calling.routing.table", "calling.settings.sources"),
        *("calling.settings.texts", "calling.broker.base", "codecs.protocols", "codecs.inflating", "introspection"),
    )
    assert {f"satchel.{part}" for part in parts} & ours == set()
    assert all(importlib.util.find_spec(f"satchel.{part}") for part in parts)
    assert "msgspec" not in roots(modules)


@pytest.mark.parametrize(
    ("serializer", "compression", "others"),
    [
        ("raw", "gzip", {"json", "pickle", "yaml", "msgpack", "lzma", "zstd", "brotli"}),
        ("json", "zlib", {"pickle", "yaml", "msgpack", "lzma", "zstd", "brotli"}),
        ("pickle", "bzip2", {"yaml", "msgpack", "lzma", "zstd", "brotli"}),
    ],
)
def test_a_codec_that_is_used_brings_no_other(serializer: str, compression: str, others: set[str]) -> None:
    modules = imported(
        f"from satchel import Pipeline\npipeline = Pipeline([{serializer!r}])\n"
        f"encoded = pipeline.encode(b'0' * 1000, serializer={serializer!r}, compression={compression!r})\n"
        "assert encoded.compression and pipeline.decode(encoded) == b'0' * 1000"
    )

    assert {f"satchel.codecs.{name}" for name in others} & modules == set()
    assert roots(modules) & (OPTIONAL - {"orjson", "ormsgpack", "msgspec"}) == set()


BACKPORT = pytest.mark.skipif(sys.version_info >= (3, 13), reason="backports.lzma does not load here")


def test_every_public_name_is_there_and_listed_once_in_order() -> None:
    assert satchel.__all__ == sorted(set(satchel.__all__))
    for name in satchel.__all__:
        assert getattr(satchel, name) is getattr(satchel, name)
    assert set(satchel.__all__) <= set(dir(satchel))


def test_what_type_checkers_see_is_what_there_is() -> None:
    tree = ast.parse((ROOT / "satchel/__init__.py").read_text())
    seen = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in seen.body if isinstance(node, ast.ImportFrom)]

    assert sorted(alias.name for node in imports for alias in node.names) == satchel.__all__
    for node in imports:
        home = __import__(str(node.module), fromlist=["x"])
        for alias in node.names:
            assert getattr(satchel, alias.name) is getattr(home, alias.name)


def test_everything_is_imported_by_a_star() -> None:
    done = run("from satchel import *\nimport satchel\nprint([n for n in satchel.__all__ if n not in globals()])")

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'satchel' has no attribute 'Jsno'"):
        getattr(satchel, "Jsno")  # noqa: B009
    with pytest.raises(ImportError, match="cannot import name 'Zstandard' from 'satchel'"):
        exec("from satchel import Zstandard")


@pytest.mark.parametrize(
    ("name", "codec", "modules"),
    [
        ("Zstd", "zstd", ["zstandard"]),
        ("Brotli", "brotli", ["brotli"]),
        ("Msgpack", "msgpack", ["msgpack"]),
        ("Yaml", "yaml", ["yaml"]),
        pytest.param("Lzma", "lzma", ["lzma", "backports.lzma"], marks=BACKPORT),
    ],
)
def test_a_class_is_importable_without_its_library_and_says_how_to_install_it(
    name: str, codec: str, modules: list[str]
) -> None:
    done = run(
        f"import sys\nsys.modules.update(dict.fromkeys({modules}))\n"
        f"from satchel import {name}, MissingDependency\n"
        f"try:\n    {name}()\nexcept MissingDependency as error:\n    print(error.codec, error.install)"
    )

    assert (done.stdout, done.stderr) == (f"{codec} pip install 'satchel[{codec}]'\n", "")


def test_the_core_works_without_any_library() -> None:
    done = run(
        f"import sys\nsys.modules.update(dict.fromkeys({sorted(OPTIONAL)}))\n"
        "from satchel import *\n"
        "values = {'json': {'a': [1, 2.5, None, 'ö' * 200]}, 'pickle': [(1, b'x' * 200)],\n"
        "          'raw': b'x' * 200, 'text': 'ö' * 200}\n"
        "for registry in (default_registry, celery_registry):\n"
        "    for serializer, value in values.items():\n"
        "        for compression in (None, 'zlib', 'gzip', 'bzip2', 'lzma'):\n"
        "            pipeline = Pipeline([serializer], registry=registry)\n"
        "            encoded = pipeline.encode(value, serializer=serializer, compression=compression)\n"
        "            assert (encoded.compression is None) == (compression is None)\n"
        "            assert pipeline.decode(encoded) == value, (serializer, compression)\n"
        "print('done')"
    )

    assert (done.stdout, done.stderr) == ("done\n", "")
