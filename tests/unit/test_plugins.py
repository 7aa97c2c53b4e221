"""Plugins: found by entry points, loaded when they are asked for, reported when broken, accepted when named.

Each test is a process of its own: what is installed is looked up once per process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = """
import sys
import satchel
from satchel import *
registry = default_registry()
def failure(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return error
    raise AssertionError("it did not fail")
"""

Run = Callable[..., str]


def run(code: str, *path: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, *path)))
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def distribution(tmp_path: Path) -> Callable[..., Path]:
    """Install a distribution of one module: its entry points, as the file has them, and its code."""

    def install(entry_points: str | bytes, code: str = "", name: str = "made") -> Path:
        site = tmp_path / name
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        contents = textwrap.dedent(entry_points).encode() if isinstance(entry_points, str) else entry_points
        (info / "entry_points.txt").write_bytes(contents)
        (site / f"{name}.py").write_text(textwrap.dedent(code))
        return site

    return install


TOY = """
class Toy:
    name = "toy"
    content_type = "application/x-toy"
    content_encoding = "utf-8"
    def dumps(self, value, /): return b"toy"
    def loads(self, body, /, *, limits): return "toy"
"""


def test_a_plugin_is_known_by_its_name_and_imported_when_it_is_asked_for(plugin_site: Path) -> None:
    out = run(
        """
        print(sorted(registry.plugin_names("serializer")), registry.plugin_names("compressor"))
        print("satchel_test_plugin" in sys.modules)
        print(type(registry.serializer("reverse")).__qualname__, registry.entry("serializer", "reverse").origin)
        print(type(registry.compressor("rle")).__qualname__, registry.entry("compressor", "rle").origin)
        print("reverse" in registry.serializers)
        """,
        plugin_site,
    )

    assert out.splitlines() == [
        "['broken', 'missing', 'not-a-codec', 'reverse'] ('rle',)",
        "False",
        "Reverse plugin",
        "Rle plugin",
        "False",
    ]


def test_plugins_are_looked_for_only_when_a_name_is_not_built_in(plugin_site: Path) -> None:
    out = run(
        """
        pipeline = Pipeline(["json", "application/data"], accept_compression=["gzip"])
        pipeline.decode(pipeline.encode([1] * 100, compression="gzip"))
        failure(pipeline.decode, Encoded(b"", "application/x-reverse", "utf-8"))
        print("importlib.metadata" in sys.modules)
        """,
        plugin_site,
    )

    assert out == "False\n"


def test_a_plugin_round_trips_once_it_is_accepted(plugin_site: Path) -> None:
    out = run(
        """
        for dialect in (default_registry, celery_registry):
            pipeline = Pipeline(["reverse"], registry=dialect, accept_compression=["rle"])
            encoded = pipeline.encode(["a" * 200], serializer="reverse", compression="rle")
            print(encoded[1:], pipeline.decode(encoded) == ["a" * 200])
        """,
        plugin_site,
    )

    assert out.splitlines() == ["('application/x-reverse', 'utf-8', 'application/x-rle') True"] * 2


def test_installing_a_plugin_widens_nothing(plugin_site: Path) -> None:
    out = run(
        """
        pipeline = Pipeline(["json"])
        encoded = pipeline.encode(["a" * 200], serializer="reverse", compression="rle")
        print(type(failure(pipeline.decode, encoded)).__name__)
        print(type(failure(pipeline.decode, Encoded(b"[]", "application/json", "utf-8", "application/x-rle"))).__name__)
        print(type(failure(Pipeline(["reverse"]).decode, encoded)).__name__)
        print(pipeline.accepted_content_types)
        """,
        plugin_site,
    )

    assert out.splitlines() == ["ContentDisallowed"] * 3 + ["('application/json',)"]


def test_a_plugin_is_known_by_its_name_alone_and_the_error_says_so(plugin_site: Path) -> None:
    out = run("""print(failure(Pipeline, ["application/x-reverse"]))""", plugin_site)

    assert out.startswith("no serializer 'application/x-reverse'")
    assert "a plugin is known by its name" in out


def test_a_typing_error_in_a_plugins_name_is_answered_with_it(plugin_site: Path) -> None:
    assert "did you mean 'reverse'?" in run("""print(failure(Pipeline, ["revrse"]))""", plugin_site)


@pytest.mark.parametrize(
    ("name", "told", "cause"),
    [
        ("broken", "the plugin 'broken' of satchel-test-plugin does not import: RuntimeError(", "RuntimeError"),
        ("missing", "the plugin 'missing' of satchel-test-plugin does not import: AttributeError(", "AttributeError"),
        ("not-a-codec", "the plugin 'not-a-codec': dict is not a serializer; it lacks name", "InvalidCodec"),
    ],
)
def test_a_broken_plugin_is_reported_when_it_is_asked_for_and_only_then(
    plugin_site: Path, name: str, told: str, cause: str
) -> None:
    out = run(
        f"""
        print(Pipeline(["json"]).encode(1).body, {name!r} in registry.plugin_names("serializer"))
        encode = lambda name: Pipeline([]).encode(1, serializer=name)
        for ask in (registry.serializer, lambda name: Pipeline([name]), encode):
            error = failure(ask, {name!r})
            print(type(error).__name__, type(error.__cause__).__name__, error)
        print(Pipeline(["reverse"]).encode(1, serializer="reverse").body)
        """,
        plugin_site,
    )

    lines = out.splitlines()
    assert lines[0] == "b'1' True"
    assert all(line.startswith(f"InvalidCodec {cause} {told}") for line in lines[1:4])
    assert lines[4] == "b'1'"


def test_a_plugin_that_does_not_import_is_reported_with_a_cure(plugin_site: Path) -> None:
    out = run("""print(failure(registry.serializer, "broken").cure)""", plugin_site)

    assert out == "repair or uninstall satchel-test-plugin\n"


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("Toy", TOY, None),
        ("Toy", TOY + "Toy = Toy()", None),
        ("make", TOY + "def make(): return Toy()", None),
        ("Toy", TOY.replace('"toy"', '"other"'), "the plugin 'toy' calls itself 'other'; one name for both"),
        (
            "Toy",
            TOY.replace("limits", "bounds"),
            "the plugin 'toy': Toy is not a serializer; it lacks loads(body, /, *, limits) that takes",
        ),
        ("Toy", TOY + "    def __init__(self): 1/0", "the plugin 'toy' cannot be made: ZeroDivisionError("),
        ("Toy", TOY + "    def __init__(self, x): pass", "the plugin 'toy' cannot be made: TypeError("),
        ("Toy", "import no_such_module", "the plugin 'toy' of made does not import: ModuleNotFoundError("),
        ("Toy", "Toy = None", "the plugin 'toy': NoneType is not a serializer; it lacks name"),
        ("Toy", TOY + "    @property\n    def name(self): 1/0", "the plugin 'toy' cannot be made: ZeroDivisionError("),
        ("Toy", "def Toy(): raise SystemExit(3)", "the plugin 'toy' cannot be made: SystemExit("),
        ("Toy", TOY.replace("application/x-toy", "application/json"), "the content type application/json is already"),
        ("Toy", TOY.replace("application/x-toy", "text/yaml"), "the content type text/yaml is already that of 'yaml'"),
    ],
)
def test_what_an_entry_point_leads_to_is_checked(
    distribution: Callable[..., Path], target: str, code: str, told: str | None
) -> None:
    site = distribution(f"[satchel.serializers]\ntoy = made:{target}\n", code)

    out = run(
        f"""
        ask = lambda: Pipeline(["toy"]).encode(1, serializer="toy").body
        print({"ask()" if told is None else "failure(ask)"})
        """,
        site,
    )

    assert out.startswith(told or "b'toy'")


def test_a_plugin_cannot_take_a_built_in_name_or_alias(distribution: Callable[..., Path]) -> None:
    taken = ["json", "binary", "pickle"]
    site = distribution("[satchel.serializers]\n" + "".join(f"{name} = made:Toy\n" for name in taken), TOY)

    out = run(
        """
        print(registry.plugin_names("serializer"), [registry.serializer(name).name for name in ("json", "binary")])
        rest = registry.without("json", "raw")
        print(rest.plugin_names("serializer"))
        print([type(failure(rest.serializer, name)).__name__ for name in ("json", "binary", "raw")])
        """,
        site,
    )

    assert out.splitlines() == ["() ['json', 'raw']", "()", "['UnknownCodec', 'UnknownCodec', 'UnknownCodec']"]


def test_a_plugin_gives_way_to_what_the_application_registers_and_can_be_removed(plugin_site: Path) -> None:
    out = run(
        """
        print(type(failure(registry.without("reverse").serializer, "reverse")).__name__)
        satchel.register_serializer("reverse", str, str, "application/x-own")
        print(type(default_registry().serializer("reverse")).__name__)
        """,
        plugin_site,
    )

    assert out.splitlines() == ["UnknownCodec", "FunctionSerializer"]


def test_of_two_plugins_of_one_name_the_first_on_the_path_counts(distribution: Callable[..., Path]) -> None:
    points = "[satchel.serializers]\ntoy = {}:Toy\n"
    second = TOY.replace('b"toy"', 'b"second"')
    sites = [distribution(points.format(name), code, name) for name, code in (("first", TOY), ("second", second))]

    assert run("print(registry.serializer('toy').dumps(1))", *sites) == "b'toy'\n"
    assert run("print(registry.serializer('toy').dumps(1))", *sites[::-1]) == "b'second'\n"


@pytest.mark.parametrize(
    "entry_points",
    [b"[satchel.serializers]\nno equals sign\n", b"[satchel.serializers]\n\xff\xfe = a:b\n", b"toy = no:section\n"],
)
def test_a_distribution_whose_entry_points_cannot_be_read_hides_no_other(
    distribution: Callable[..., Path], plugin_site: Path, entry_points: bytes
) -> None:
    site = distribution(entry_points)

    out = run(
        """
        print("reverse" in registry.plugin_names("serializer"), type(registry.serializer("reverse")).__name__)
        print(type(failure(registry.serializer, "jsno")).__name__)
        """,
        site,
        plugin_site,
    )

    assert out.splitlines() == ["True Reverse", "UnknownCodec"]


def test_an_entry_point_of_a_wrong_form_is_reported_when_it_is_asked_for(distribution: Callable[..., Path]) -> None:
    site = distribution("[satchel.serializers]\ntoy = not a module\n")

    assert run("print(type(failure(registry.serializer, 'toy')).__name__)", site) == "InvalidCodec\n"
