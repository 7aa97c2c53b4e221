"""Debian's Chromium without a window, spoken to by its debugging protocol through two pipes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: The debugging protocol is read from descriptor 3 and written to 4, a NUL after each message. Either may be in use.
_START = """
import os, sys
from fcntl import F_DUPFD, fcntl
reading, writing = (fcntl(int(number), F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"),
)
_KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Tab:
    """One page."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._session: str | None = None
        self._number = 0
        self._seen: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give the answer to a command; what happens until then is kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._seen.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def show(self, page: Path, fragment: str = "", *, width: int = 1280, dark: bool = False) -> None:
        """Load a page into a window of a width in pixels, to its end."""
        self.call("Page.navigate", url="about:blank")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._seen.clear()
        self.call("Page.navigate", url=f"{page.as_uri()}{fragment}")
        while self.evaluate("document.readyState + location.protocol") != "completefile:":
            self._seen.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """Give a JavaScript expression's value."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", " ": " "}.get(key)
        codes: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": _KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **codes, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **codes)

    def events(self, method: str) -> list[dict[str, Any]]:
        """Give what has happened since the page was asked for, such as ``Network.requestWillBeSent``."""
        return [event["params"] for event in self._seen if event.get("method") == method]

    def screenshot(self, target: Path) -> None:
        """Write the whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        target.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 16)
            assert part, "chromium ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        loaded: dict[str, Any] = json.loads(message)
        return loaded


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """Run the browser; `profile` is an empty directory, for what it writes."""
    assert BROWSER is not None
    (reading, commands), (answers, writing) = os.pipe(), os.pipe()
    program = [sys.executable, "-c", _START, str(reading), str(writing), BROWSER, *_OPTIONS]
    process = subprocess.Popen(
        [*program, f"--user-data-dir={profile}"],
        pass_fds=(reading, writing),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(reading)
    os.close(writing)
    try:
        yield Tab(commands, answers)
    finally:
        os.close(commands)  # It ends when nobody can speak to it any more.
        os.close(answers)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
