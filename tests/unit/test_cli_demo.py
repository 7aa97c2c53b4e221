"""`satchel demo`: the main job, with a real broker and a real worker; and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli_run import COMMAND, environment, satchel

pytest.importorskip("celery")
demo_broker = pytest.importorskip("satchel.cli.demo_broker")
pytestmark = pytest.mark.once


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("broker", ["filesystem", "sqlite"])
def test_all_combinations_run_on_a_stock_worker_and_nothing_is_left_behind(tmp_path: Path, broker: str) -> None:
    done = satchel("demo", "--broker", broker, timeout=110, TMPDIR=str(tmp_path))
    rows = re.findall(r"^(?:json|msgpack|yaml|pickle) .* ok .* ok$", done.text, re.MULTILINE)

    assert (done.code, done.err) == (0, ""), done.text
    assert len(rows) == 28
    assert "it has not imported satchel" in done.text
    assert "785 bytes of bzip2 that hold 1 GiB" in done.text
    assert "28 of 28 ran on a stock Celery worker" in done.text
    assert "28 of 28 messages of a stock Celery producer were read" in done.text
    assert "7 of 7 hostile messages were refused" in done.text
    assert list(tmp_path.iterdir()) == []
    assert not alive(int(re.search(r"process (\d+)", done.text)[1]))  # type: ignore[index]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_the_worker_and_removes_the_folder(tmp_path: Path, sent: int, code: int) -> None:
    demo = subprocess.Popen(
        [*COMMAND, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(tmp_path)),
    )
    assert demo.stdout is not None
    demo.stdout.readline()
    worker = int(re.findall(r"process (\d+)", demo.stdout.readline())[0])
    was_alive = alive(worker)
    demo.send_signal(sent)
    _, err = demo.communicate(timeout=60)

    assert was_alive
    assert (demo.returncode, err) == (code, "")
    assert not alive(worker)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_worker_is_being_stopped_counts_once_it_has_ended(tmp_path: Path) -> None:
    # A stand-in for the worker: told to end, it interrupts the demo, and takes its time.
    stand_in = (
        "import os, signal, sys, time\n"
        "def end(*_):\n    os.kill(os.getppid(), signal.SIGINT); time.sleep(0.3); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print(flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", stand_in], stdout=subprocess.PIPE)
    worker = demo_broker.Worker(demo_broker.Broker("filesystem", tmp_path))
    worker._process = process
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(KeyboardInterrupt):
        worker.__exit__(None, None, None)
    process.stdout.close()

    assert process.returncode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_demo_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*COMMAND, "demo"], stdout=subprocess.PIPE, text=True, env=environment(TMPDIR=str(tmp_path))
    )
    assert demo.stdout is not None
    demo.stdout.readline()
    worker = int(re.findall(r"process (\d+)", demo.stdout.readline())[0])
    demo.kill()
    demo.communicate()

    assert until(lambda: not alive(worker))


def test_a_worker_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    # A module of that name shadows Celery's worker in the worker's process alone.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'SATCHEL_DEMO_SETTINGS' in os.environ: sys.exit('no worker, by a test')\n"
    )
    done = satchel("demo", PYTHONPATH=str(tmp_path))

    assert done.code == 1
    assert "no worker, by a test" in done.err
    assert "satchel: error: the Celery worker ended with status 1; its log is above" in done.err


def test_without_celery_the_command_that_installs_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "celery.py").write_text("raise ModuleNotFoundError('hidden by a test', name='celery')")
    done = satchel("demo", PYTHONPATH=str(tmp_path))

    assert (done.code, done.out) == (4, b"")
    assert "celery is not installed; run: pip install 'satchel[all]' celery" in done.err
    assert done.err.count("\n") == 1
