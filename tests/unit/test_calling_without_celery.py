"""The client in an environment where Celery is not installed: only the wheel's own code, kombu, and what that needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# Slow, and alike on every Python.
pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]

SENDS = """
import importlib.util, sys
assert importlib.util.find_spec("celery") is None
from satchel.calling import App, chain

app = App("shop", broker="memory://", backend="file:///nowhere")

@app.task(name="shop.add")
def add(x: int, y: int) -> int:
    return x + y

results = [add.delay(1, 2), add.apply_async((1, 2), countdown=3), *app.send_many([add.s(3, 4)])]
results.append(chain(add.s(1, 2), add.s(3)).delay())
import kombu
with kombu.Connection("memory://") as connection:
    queue = kombu.Queue("celery")(connection.default_channel)
    ids = [queue.get(no_ack=True).headers["id"] for _ in range(4)]
assert ids[:3] == [result.id for result in results[:3]], ids
assert "celery" not in sys.modules
print("sent", len(ids))
"""


def distributions(name: str, found: dict[str, None]) -> dict[str, None]:
    """Gather a distribution and what it needs, by name."""
    if name not in found:
        found[name] = None
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                distributions(requirement.name, found)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but kombu, what it needs, and Satchel."""
    folder = tmp_path_factory.mktemp("site")
    for name in distributions("kombu", {}):
        files = distribution(name).files or ()
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            where = Path(str(distribution(name).locate_file(top)))
            if not (folder / top).exists():
                (folder / top).symlink_to(where)
    (folder / "satchel").symlink_to(ROOT / "satchel")
    return folder


def test_the_client_sends_where_there_is_no_celery(site: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{SENDS}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=site)

    assert (done.returncode, done.stdout) == (0, "sent 4\n"), done.stderr
