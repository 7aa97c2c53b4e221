"""Dictionaries of installed distributions: found when they are asked for, reported when broken."""

from __future__ import annotations

from argparse import Namespace
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from satchel import (
    ContentDisallowed,
    DuplicateCodec,
    InvalidCodec,
    MissingDependency,
    Pipeline,
    Registry,
    UnknownCodec,
    Zstd,
)
from satchel.bench.candidates import candidates
from satchel.cli import list as listing
from satchel.cli.list import codecs_of
from satchel.cli.recommended import _configuration
from satchel.codecs import zstd
from satchel.registry import plugins, process
from tests.unit.bench_runs import a_row
from tests.unit.dictionaries import messages, trained

FIRST, SECOND, THIRD = trained(70_001), trained(70_002, seed=2), trained(70_003, seed=3)
NAME = "zstd-dictionary"
MESSAGE = messages(1, 9)[0]
BUILT_IN = Registry.of_dialect("satchel")


class Offered:
    """An entry point, as far as plugins look at one."""

    def __init__(self, name: str, target: Any) -> None:
        self.name = name
        self.target = target
        self.value = f"shop:{name}"
        self.dist = SimpleNamespace(name="shop-dictionaries", version="1.0")
        self.loads = 0

    def load(self) -> Any:
        self.loads += 1
        if isinstance(self.target, BaseException):
            raise self.target
        return self.target


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch):
    def installed(**targets: Any) -> list[Offered]:
        offered = [Offered(name, target) for name, target in targets.items()]
        found = {plugins.DICTIONARY_GROUP: {each.name: each for each in offered}}
        monkeypatch.setattr(plugins, "discover", lambda group: found.get(group, {}))
        return offered

    return installed


def test_an_entry_point_leads_to_bytes_a_path_or_a_function(install, tmp_path) -> None:
    path = tmp_path / "orders.zdict"
    path.write_bytes(FIRST)

    for target in (FIRST, path, str(path), tmp_path, lambda: FIRST, lambda: path):
        install(orders=target)
        registry = Registry.of_dialect("satchel")

        assert registry.compressor(NAME) == Zstd(dictionary=FIRST)
        assert registry.entry("compressor", NAME).origin == "plugin"


def test_it_is_imported_only_when_it_is_asked_for_and_accepted_only_when_named(install) -> None:
    (offered,) = install(orders=FIRST)
    registry = Registry.of_dialect("satchel")
    default = Pipeline(["raw"], registry=registry)
    default.decode(default.encode(MESSAGE, serializer="raw", compression="zstd"))
    assert offered.loads == 0

    sent = default.encode(MESSAGE, serializer="raw", compression=NAME)

    with pytest.raises(ContentDisallowed):
        default.decode(sent)
    assert Pipeline(["raw"], registry=registry, accept_compression=[NAME]).decode(sent) == MESSAGE


def test_of_several_the_last_by_name_compresses(install) -> None:
    install(b=SECOND, a=FIRST)

    assert Registry.of_dialect("satchel").compressor(NAME) == Zstd(dictionary=SECOND, dictionaries=(FIRST,))


def test_beside_a_registered_one_they_are_read(install) -> None:
    install(orders=FIRST)

    assert BUILT_IN.with_dictionary(SECOND).compressor(NAME) == Zstd(dictionary=SECOND, dictionaries=(FIRST,))


def test_it_is_named_among_the_plugins_until_it_is_registered_or_removed(install) -> None:
    install()
    assert BUILT_IN.plugin_names("compressor") == ()

    (offered,) = install(orders=FIRST)

    assert BUILT_IN.plugin_names("compressor") == (NAME,)
    assert BUILT_IN.plugin_names("serializer") == ()
    assert BUILT_IN.with_dictionary(SECOND).plugin_names("compressor") == ()
    assert BUILT_IN.without(NAME).plugin_names("compressor") == ()
    assert offered.loads == 0


def test_it_is_listed_and_measured_with_no_flag_and_a_broken_one_does_no_harm(install) -> None:
    install(orders=FIRST)
    codecs = {codec["name"]: codec for codec in codecs_of(Registry.of_dialect("satchel"), "compressor")}
    found, _ = candidates(Registry.of_dialect("satchel"), serializers=["json"])

    assert (codecs[NAME]["origin"], codecs[NAME]["distribution"]) == ("plugin", "shop-dictionaries")
    assert (codecs[NAME]["library"], codecs[NAME]["installed"]) == ("zstandard", True)
    assert codecs[NAME]["content_types"] == ["application/vnd.satchel.zstd-dictionary"]
    assert [one.dictionary for one in found if one.compression == NAME] == [70_001] * 5

    install(orders=ValueError("no file"))
    codecs = {codec["name"]: codec for codec in codecs_of(Registry.of_dialect("satchel"), "compressor")}
    found, left_out = candidates(Registry.of_dialect("satchel"), serializers=["json"])

    assert "no file" in codecs[NAME]["broken"]
    assert "no file" in left_out[NAME]
    assert NAME not in {one.compression for one in found}


def test_without_the_library_it_is_said_how_to_install_it(install, monkeypatch) -> None:
    def missing(module: str, **_: Any) -> Any:
        raise MissingDependency("zstd", "zstandard", "zstd")

    install(orders=FIRST)
    monkeypatch.setattr(zstd, "require", missing)
    monkeypatch.setattr(listing, "_version", lambda _: None)
    (codec,) = (codec for codec in codecs_of(Registry.of_dialect("satchel"), "compressor") if codec["name"] == NAME)

    assert (codec["installed"], codec["broken"]) == (False, None)
    assert codec["install"] == "pip install 'satchel[zstd]'"


@pytest.mark.parametrize("level", [1, 3])
def test_the_lines_of_recommend_take_it_as_it_is(install, monkeypatch, level) -> None:
    install(orders=FIRST)
    monkeypatch.setattr(process, "_default", Registry.of_dialect("satchel"))
    best = a_row(f"json+{NAME}:{level}", serializer="json", compressor=NAME, level=level, dictionary=70_001)

    lines = _configuration(best, process.default_registry(), Namespace(dictionary=None), 64)
    names: dict[str, Any] = {"value": [MESSAGE.decode()] * 3}
    exec(lines, names)

    assert names["pipeline"].registry.compressor(NAME) == Zstd(level=level, dictionary=FIRST)
    assert names["pipeline"].decode(names["encoded"]) == names["value"]
    assert names["encoded"].compression == "application/vnd.satchel.zstd-dictionary"


def test_a_compressor_of_a_plugin_may_have_its_name(install, monkeypatch) -> None:
    (offered,) = install(orders=FIRST)
    groups = {plugins.DICTIONARY_GROUP: {"orders": offered}, "satchel.compressors": {NAME: Offered(NAME, Zstd)}}
    monkeypatch.setattr(plugins, "discover", lambda group: groups.get(group, {}))

    assert BUILT_IN.plugin_names("compressor") == (NAME,)


def test_a_removed_compressor_does_not_come_back(install) -> None:
    install(orders=FIRST)
    registry = BUILT_IN.with_dictionary(SECOND).without(NAME)

    with pytest.raises(UnknownCodec):
        registry.compressor(NAME)
    assert registry.with_dictionary(THIRD).compressor(NAME) == Zstd(dictionary=THIRD)


def test_one_of_a_taken_id_is_refused(install) -> None:
    install(orders=trained(70_001, seed=2))

    with pytest.raises(DuplicateCodec, match="another dictionary has the id 70001"):
        BUILT_IN.with_dictionary(FIRST).compressor(NAME)


def fails() -> bytes:
    raise RuntimeError("no connection")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (b"raw", "the dictionary 'orders' of shop-dictionaries cannot be had: not a trained dictionary"),
        (FIRST[:100], "of shop-dictionaries cannot be had: the dictionary 70001 is damaged"),
        (5, "of shop-dictionaries cannot be had: a dictionary is a Dictionary, bytes or a path"),
        ("missing.zdict", "of shop-dictionaries cannot be had: .*No such file"),
        (fails, "of shop-dictionaries cannot be had: no connection; repair or uninstall shop-dictionaries"),
        (ImportError("no such module"), "the plugin 'orders' of shop-dictionaries does not import"),
    ],
)
def test_a_broken_one_is_an_error_that_names_its_distribution(install, target, message) -> None:
    install(orders=target)

    with pytest.raises(InvalidCodec, match=message):
        Registry.of_dialect("satchel").compressor(NAME)


def test_the_entry_points_of_the_group_are_looked_for_like_any_others(tmp_path, monkeypatch) -> None:
    info = tmp_path / "shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{plugins.DICTIONARY_GROUP}]\norders = shop.dictionaries:orders\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = plugins.discover.__wrapped__(plugins.DICTIONARY_GROUP)

    assert found["orders"] == EntryPoint("orders", "shop.dictionaries:orders", plugins.DICTIONARY_GROUP)
