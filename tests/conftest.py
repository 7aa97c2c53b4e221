"""What all tests share: hypothesis profiles, the test plugin, and what to do without a broker."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests.hostile.figures import THOROUGH, Figures, shortcomings, sums

# No test asserts a time, and a busy machine is no failure: no deadline, no complaint about slow generation.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `--hypothesis-profile=thorough`, before a release.
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2_000)
# In CI the same examples each time: a change is judged by what it changed.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# A shell's job in the background ignores it, and so would all programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent


def pytest_collection_finish() -> None:
    """Keep the tests themselves, a few million objects, out of what is looked through when the collector runs."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Call it with a promise, a number of cases and what was measured; a run ends with a line for each promise."""
    return Figures(request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    noted = sums(_reports(terminalreporter, "passed", "failed"))
    reasons = _reasons(terminalreporter)
    if noted or reasons:
        terminalreporter.section("promises on hostile input")
        for name, each in noted.items():
            terminalreporter.line(f"{name:<4} {each}")
        for reason in reasons:
            terminalreporter.line(f"FAILED {reason}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.exitstatus and reporter is not None and _reasons(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reports(reporter: pytest.TerminalReporter, *statuses: str) -> list[pytest.TestReport]:
    return [report for status in statuses for report in reporter.getreports(status)]


def _reasons(reporter: pytest.TerminalReporter) -> list[str]:
    """Why a thorough run fails; with no times of tests that failed, which are no measure."""
    if not THOROUGH:
        return []
    config, hostile = reporter.config, TESTS / "hostile"
    named = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    chosen = any(config.getoption(option, None) for option in ("keyword", "markexpr", "deselect", "collectonly", "lf"))
    whole = not chosen and any(path == hostile or path in hostile.parents for path in named)
    return list(shortcomings(sums(_reports(reporter, "passed")), whole=whole))


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for sys.path or PYTHONPATH with tests/plugin installed in it, entry points and all.

    Not in the environment itself: there it would show in every list of codecs, and in the examples in docs/.
    """
    site = tmp_path_factory.mktemp("plugin")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, *options, str(TESTS / "plugin")], check=True)
    return site


@pytest.fixture
def plugin(plugin_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The test plugin, importable and discoverable for one test."""
    from satchel.registry.plugins import discover

    monkeypatch.syspath_prepend(str(plugin_site))
    discover.cache_clear()
    yield plugin_site
    discover.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "satchel_test_plugin"]:
        del sys.modules[name]


@pytest.fixture
def unavailable() -> Callable[[str], NoReturn]:
    """Call it with the reason when a broker is missing: a skip, and in CI (SATCHEL_REQUIRE_BROKERS=1) a failure."""
    return pytest.fail if os.environ.get("SATCHEL_REQUIRE_BROKERS") == "1" else pytest.skip
